//! Tests of filters of the rows of a pane.

use super::*;

/// Types a filter over the one before.
fn filter(app: &mut App, text: &str) {
    keys(app, "/");
    crate::view::tui::testing::control(app, 'u');
    keys(app, text);
    key(app, KeyCode::Enter);
}

#[test]
fn names_are_of_the_rows_own_figures_first() {
    let mut app = of(equipped());
    keys(&mut app, "C");
    // The domain of both vCPUs used 50 %, and one of them nothing.
    for (text, expected) in [
        ("cpu>30", vec!["5 web 0"]),
        ("CPU%>30", vec!["5 web 0"]),
        ("cpu_percent>30", vec!["5 web 0"]),
        ("state=offline", vec!["5 web 1"]),
        ("!pcpu=0 vcpu<1", vec!["5 web 0"]),
        ("id=5", vec!["5 web 0", "5 web 1"]),
        // Figures of the domain.
        ("memory>0 & id=0", vec!["0 Domain-0 0"]),
        ("state=paused", vec!["no match"]),
    ] {
        filter(&mut app, text);
        assert_eq!(rows(&mut app), expected, "{text}");
    }
    let mut app = of(equipped());
    keys(&mut app, "X");
    filter(&mut app, "disk=xvda rdlat<1ms no_slot/s=0");
    assert_eq!(rows(&mut app), ["5 web xvda"]);
}

#[test]
fn a_filter_for_the_rows_of_one_pane_leaves_others_whole() {
    let mut app = of(equipped());
    keys(&mut app, "/pcpu=1");
    assert!(
        last(&mut app).contains("no figure 'pcpu'"),
        "{}",
        last(&mut app)
    );
    key(&mut app, KeyCode::Esc);
    keys(&mut app, "C");
    filter(&mut app, "pcpu=1");
    assert_eq!(rows(&mut app), ["5 web 0"]);
    assert!(last(&mut app).starts_with("/pcpu=1 (1 of 3)"));
    keys(&mut app, "I");
    assert_eq!(rows(&mut app).len(), 3);
    let line = last(&mut app);
    assert!(
        line.starts_with("/pcpu=1 (no figure of NICs)  Tab"),
        "{line}"
    );
    keys(&mut app, "IC");
    assert_eq!(app.widgets.table.rows().len(), 3);
    let line = last(&mut app);
    assert!(
        line.starts_with("/pcpu=1 (no figure of domains)  ?"),
        "{line}"
    );
    assert_eq!(app.settings().filter, "", "the next start has no such pane");
    key(&mut app, KeyCode::Esc);
    assert!(last(&mut app).starts_with("?"), "{}", last(&mut app));
}
