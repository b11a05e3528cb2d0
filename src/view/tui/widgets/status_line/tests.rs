//! Tests of the last line.

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::at_work;
use crate::snapshot::{Collect, Note, Snapshot};
use crate::view::tui::Command;
use crate::view::tui::testing::{key, keys, last, lines, take, watching};

/// Returns a sample with a note about an error.
fn noted() -> Snapshot {
    let mut snapshot = at_work(12).1;
    snapshot.notes = vec![Note::NicsUnreadable("no such file".to_owned())];
    snapshot
}

const PROBLEM: &str = "! the NICs can't be listed: no such file";

#[test]
fn problem_replaces_an_old_message() {
    let mut app = watching(12);
    take(&mut app, noted());
    assert_eq!(last(&mut app), PROBLEM);
    assert_eq!(key(&mut app, KeyCode::Char('W')), Some(Command::Save));
    app.tell("written to config.toml".to_owned());
    assert_eq!(last(&mut app), "written to config.toml");
    keys(&mut app, "j");
    assert_eq!(last(&mut app), PROBLEM);
    keys(&mut app, "D-1");
    key(&mut app, KeyCode::Enter);
    for _ in 0..2 {
        assert!(last(&mut app).contains("0.01 to 86400"));
        take(&mut app, noted());
    }
    assert!(last(&mut app).contains("0.01 to 86400"));
    take(&mut app, noted());
    assert_eq!(last(&mut app), PROBLEM);
    // Without a problem, the message stays.
    keys(&mut app, "T");
    for _ in 0..9 {
        take(&mut app, at_work(12).1);
    }
    assert_eq!(last(&mut app), "theme: colour-blind");
}

#[test]
fn filter_stays_visible() {
    let mut app = watching(12);
    take(&mut app, noted());
    keys(&mut app, "/guest-11");
    key(&mut app, KeyCode::Enter);
    let filter = "/guest-11 (1 of 12)  ";
    assert_eq!(last(&mut app), format!("{filter}{PROBLEM}"));
    keys(&mut app, "T");
    assert_eq!(last(&mut app), format!("{filter}theme: colour-blind"));
    keys(&mut app, "/ or one with a long name that is not there");
    key(&mut app, KeyCode::Enter);
    assert_eq!(
        last(&mut app),
        format!("/guest-11 or one with a l…  {PROBLEM}")
    );
}

#[test]
fn failure_is_shown_while_paused() {
    let mut app = watching(12);
    keys(&mut app, "p");
    app.changed();
    app.fail("the hypervisor does not answer".to_owned());
    assert!(app.changed());
    assert_eq!(last(&mut app), "! the hypervisor does not answer");
    take(&mut app, at_work(12).1);
    assert!(app.changed(), "the problem disappears");
    assert!(last(&mut app).starts_with("? help"));
}

#[test]
fn missing_parts_are_shown() {
    let collecting = |collect: Collect| Snapshot {
        collected: collect,
        ..at_work(2).1
    };
    let mut app = watching(2);
    keys(&mut app, "V");
    assert!(last(&mut app).starts_with("vCPUs: with the next sample  ? help"));
    let shown = app.collect();
    take(&mut app, collecting(shown));
    assert!(last(&mut app).starts_with("? help"));
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).starts_with("details: with the next sample  Esc"));
    let shown = app.collect();
    take(&mut app, collecting(shown));
    assert!(last(&mut app).starts_with("Esc back"));
    // The sample asked for the domain's vCPUs, but the domain was destroyed meanwhile.
    assert!(lines(&mut app, 80, 40).contains(&"vCPUs: unknown".to_owned()));
    take(&mut app, at_work(2).1);
    keys(&mut app, "p");
    let screen = lines(&mut app, 80, 40);
    let paused = "not in the paused sample";
    assert!(screen[39].starts_with(&format!("details: {paused}")));
    assert!(screen.contains(&format!("vCPUs: {paused}")), "{screen:?}");
}

#[test]
fn unreadable_parts_are_shown() {
    let mut app = watching(2);
    let (_, mut new) = at_work(2);
    new.notes = vec![Note::NicsUnreadable("no \u{1b}[2Jsuch file".into())];
    take(&mut app, new);
    let screen = lines(&mut app, 80, 24);
    assert_eq!(
        screen[23],
        "! the NICs can't be listed: no \\u{1b}[2Jsuch file"
    );
    app.fail("the hypervisor does not answer".into());
    app.skip(3);
    let screen = lines(&mut app, 80, 24);
    assert_eq!(screen[23], "! the hypervisor does not answer");
    assert!(screen[3].ends_with("3 samples skipped"), "{}", screen[3]);
    take(&mut app, at_work(2).1);
    assert!(lines(&mut app, 80, 24)[23].starts_with("? help"));
}
