//! What the last line tells, and when.

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::at_work;
use crate::snapshot::{Collect, Note, Snapshot};
use crate::view::tui::testing::{column, control, key, keys, last, lines, watching};
use crate::view::tui::{Column, Command, Settings, testing};

/// A sample of which something is wrong.
fn noted() -> Snapshot {
    let mut snapshot = at_work(12).1;
    snapshot.notes = vec![Note::NicsUnreadable("no such file".to_owned())];
    snapshot
}

const COMPLAINT: &str = "! the NICs can't be listed: no such file";

#[test]
fn old_answer_yields_to_complaint() {
    let mut app = watching(12);
    app.take(noted());
    assert_eq!(last(&mut app), COMPLAINT);
    assert_eq!(key(&mut app, KeyCode::Char('W')), Some(Command::Save));
    app.tell("written to config.toml".to_owned());
    assert_eq!(last(&mut app), "written to config.toml");
    keys(&mut app, "j");
    assert_eq!(last(&mut app), COMPLAINT);
    keys(&mut app, "D-1");
    key(&mut app, KeyCode::Enter);
    for _ in 0..2 {
        assert!(last(&mut app).contains("0.01 to 86400"));
        app.take(noted());
    }
    assert!(last(&mut app).contains("0.01 to 86400"));
    app.take(noted());
    assert_eq!(last(&mut app), COMPLAINT);
    // Where nothing is wrong, the answer stays.
    keys(&mut app, "t");
    for _ in 0..9 {
        app.take(at_work(12).1);
    }
    assert_eq!(last(&mut app), "theme: colour-blind");
}

#[test]
fn filter_stays_beside_the_rest() {
    let mut app = watching(12);
    app.take(noted());
    keys(&mut app, "/guest-11");
    key(&mut app, KeyCode::Enter);
    let filter = "/guest-11 (1 of 12)  ";
    assert_eq!(last(&mut app), format!("{filter}{COMPLAINT}"));
    keys(&mut app, "t");
    assert_eq!(last(&mut app), format!("{filter}theme: colour-blind"));
    keys(&mut app, "/ or one with a long name that is not there");
    key(&mut app, KeyCode::Enter);
    assert_eq!(
        last(&mut app),
        format!("/guest-11 or one with a l…  {COMPLAINT}")
    );
}

#[test]
fn failure_is_told_while_paused() {
    let mut app = watching(12);
    keys(&mut app, "p");
    app.changed();
    app.fail("the hypervisor does not answer".to_owned());
    assert!(app.changed());
    assert_eq!(last(&mut app), "! the hypervisor does not answer");
    app.take(at_work(12).1);
    assert!(app.changed(), "there is something to take away");
    assert!(last(&mut app).starts_with("? help"));
}

#[test]
fn column_without_room_is_told() {
    let mut app = watching(12);
    lines(&mut app, 80, 24);
    // TYPE takes the room of what is drawn.
    keys(&mut app, "cjj ");
    key(&mut app, KeyCode::Esc);
    let titles = lines(&mut app, 80, 24)[4].clone();
    assert!(
        titles.contains(" TYPE ") && !titles.contains("PAST"),
        "{titles}"
    );
    assert!(last(&mut app).starts_with("? help"));
    keys(&mut app, "c");
    for _ in 0..column("uuid").place() {
        keys(&mut app, "j");
    }
    keys(&mut app, " ");
    assert_eq!(
        last(&mut app),
        "there is no room for UUID beside the others"
    );
    assert!(lines(&mut app, 200, 24)[23].starts_with("there"));
    key(&mut app, KeyCode::Esc);
    let titles = lines(&mut app, 80, 24)[4].clone();
    assert!(
        titles.contains(" TYPE ") && !titles.contains("UUID"),
        "{titles}"
    );
}

#[test]
fn chosen_column_is_shown_or_told() {
    use crate::view::tui::widgets::table::shown_columns;
    for added in Column::all() {
        if Column::usual().any(|usual| usual == added) {
            continue;
        }
        let mut app = watching(12);
        lines(&mut app, 80, 24);
        keys(&mut app, "c");
        for _ in 0..added.place() {
            keys(&mut app, "j");
        }
        keys(&mut app, " ");
        let told = last(&mut app).starts_with("there is no room");
        assert_eq!(told, added == column("uuid"), "{added:?}");
        assert_ne!(told, shown_columns(app.parts().0).contains(&added));
    }
}

#[test]
fn new_interval_is_told() {
    let mut app = watching(2);
    keys(&mut app, "+");
    assert_eq!(lines(&mut app, 40, 10)[9], "every 5 s");
    keys(&mut app, "--");
    assert_eq!(lines(&mut app, 40, 10)[9], "every 2 s");
}

#[test]
fn prompt_edits_a_line() {
    let mut app = watching(12);
    keys(&mut app, "/web guest-11");
    control(&mut app, 'w');
    assert!(
        last(&mut app).starts_with("/web    name"),
        "{}",
        last(&mut app)
    );
    keys(&mut app, "x");
    control(&mut app, 'h');
    control(&mut app, 'u');
    assert!(last(&mut app).starts_with("/   name"));
    assert_eq!(app.widgets.table.rows().len(), 12);
    keys(&mut app, "guest-11");
    control(&mut app, 'j');
    assert!(last(&mut app).starts_with("/guest-11 (1 of 12)"));
    keys(&mut app, "/");
    control(&mut app, 'w');
    control(&mut app, 'w');
    assert_eq!(app.widgets.table.rows().len(), 12);
}

#[test]
fn end_of_long_answer_stays_visible() {
    let mut app = watching(2);
    keys(&mut app, "D0.25");
    assert_eq!(lines(&mut app, 20, 10)[9], "seconds: 0.25");
    assert!(last(&mut app).starts_with("seconds between samples, now 3: 0.25"));
    keys(&mut app, "123456789");
    assert_eq!(lines(&mut app, 20, 10)[9], "seconds: …123456789");
    key(&mut app, KeyCode::Esc);
    keys(&mut app, "/a-long-name-漢字漢字漢字漢字");
    assert_eq!(lines(&mut app, 20, 10)[9], "/…-漢字漢字漢字漢字");
    for width in 0..12 {
        lines(&mut app, width, 10);
    }
}

#[test]
fn missing_parts_are_told() {
    let collecting = |collect: Collect| Snapshot {
        collected: collect,
        ..at_work(2).1
    };
    let mut app = watching(2);
    keys(&mut app, "V");
    assert!(last(&mut app).starts_with("vCPUs: with the next sample  ? help"));
    app.take(collecting(app.collect()));
    assert!(last(&mut app).starts_with("? help"));
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).starts_with("details: with the next sample  Esc"));
    app.take(collecting(app.collect()));
    assert!(last(&mut app).starts_with("Esc back"));
    // The domain was asked for its vCPUs, and went meanwhile.
    assert!(lines(&mut app, 80, 40).contains(&"vCPUs: not known".to_owned()));
    app.take(at_work(2).1);
    keys(&mut app, "p");
    let screen = lines(&mut app, 80, 40);
    let held = "not in the sample that is held";
    assert!(screen[39].starts_with(&format!("details: {held}")));
    assert!(screen.contains(&format!("vCPUs: {held}")), "{screen:?}");
}

#[test]
fn missing_column_is_collected() {
    let mut app = testing::app(Settings {
        columns: vec![Column::ID],
        ..Settings::default()
    });
    let mut next = at_work(2).1;
    next.domains[1].memory_target_bytes = Some(96 << 20);
    app.take(next.clone());
    assert!(!app.collect().targets);
    app.settings.columns.push(column("memory_target_bytes"));
    assert!(app.collect().targets);
    assert_eq!(lines(&mut app, 80, 24)[5].trim(), "0");
    assert!(last(&mut app).starts_with("columns: with the next sample"));
    next.collected.targets = true;
    app.take(next);
    let shown = lines(&mut app, 80, 24);
    assert!(
        shown.iter().any(|line| line.ends_with(" 96.0M")),
        "{shown:?}"
    );
    assert!(last(&mut app).starts_with("? help"));
}
