//! What the last line tells, and when.

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::at_work;
use crate::snapshot::{Collect, Note, Snapshot};
use crate::view::tui::testing::{column, control, key, keys, lines, watching};
use crate::view::tui::{App, Column, Command, Settings, testing};

fn last(state: &mut App) -> String {
    lines(state, 80, 24)[23].clone()
}

/// A sample of which something is wrong.
fn noted() -> Snapshot {
    let mut snapshot = at_work(12).1;
    snapshot.notes = vec![Note::NicsUnreadable("no such file".to_owned())];
    snapshot
}

const COMPLAINT: &str = "! the NICs can't be listed: no such file";

#[test]
fn an_answer_comes_before_a_complaint_until_it_is_old() {
    let mut state = watching(12);
    state.take(noted());
    assert_eq!(last(&mut state), COMPLAINT);
    assert_eq!(key(&mut state, KeyCode::Char('W')), Some(Command::Save));
    state.tell("written to config.toml".to_owned());
    assert_eq!(last(&mut state), "written to config.toml");
    keys(&mut state, "j");
    assert_eq!(last(&mut state), COMPLAINT);
    keys(&mut state, "D-1");
    key(&mut state, KeyCode::Enter);
    for _ in 0..2 {
        assert!(last(&mut state).contains("0.01 to 86400"));
        state.take(noted());
    }
    assert!(last(&mut state).contains("0.01 to 86400"));
    state.take(noted());
    assert_eq!(last(&mut state), COMPLAINT);
    // Where nothing is wrong, the answer stays.
    keys(&mut state, "t");
    for _ in 0..9 {
        state.take(at_work(12).1);
    }
    assert_eq!(last(&mut state), "theme: colour-blind");
}

#[test]
fn a_filter_is_told_beside_everything() {
    let mut state = watching(12);
    state.take(noted());
    keys(&mut state, "/guest-11");
    key(&mut state, KeyCode::Enter);
    let filter = "/guest-11 (1 of 12)  ";
    assert_eq!(last(&mut state), format!("{filter}{COMPLAINT}"));
    keys(&mut state, "t");
    assert_eq!(last(&mut state), format!("{filter}theme: colour-blind"));
    keys(&mut state, "/ or one with a long name that is not there");
    key(&mut state, KeyCode::Enter);
    assert_eq!(
        last(&mut state),
        format!("/guest-11 or one with a l…  {COMPLAINT}")
    );
}

#[test]
fn a_failed_sample_is_told_while_paused_and_no_longer_than_it_is_true() {
    let mut state = watching(12);
    keys(&mut state, "p");
    state.changed();
    state.fail("the hypervisor does not answer".to_owned());
    assert!(state.changed());
    assert_eq!(last(&mut state), "! the hypervisor does not answer");
    state.take(at_work(12).1);
    assert!(state.changed(), "there is something to take away");
    assert!(last(&mut state).starts_with("? help"));
}

#[test]
fn a_column_without_room_is_told() {
    let mut state = watching(12);
    lines(&mut state, 80, 24);
    // TYPE takes the room of what is drawn.
    keys(&mut state, "cjj ");
    key(&mut state, KeyCode::Esc);
    let titles = lines(&mut state, 80, 24)[4].clone();
    assert!(
        titles.contains(" TYPE ") && !titles.contains("PAST"),
        "{titles}"
    );
    assert!(last(&mut state).starts_with("? help"));
    keys(&mut state, "c");
    for _ in 0..column("uuid").place() {
        keys(&mut state, "j");
    }
    keys(&mut state, " ");
    assert_eq!(
        last(&mut state),
        "there is no room for UUID beside the others"
    );
    assert!(lines(&mut state, 200, 24)[23].starts_with("there"));
    key(&mut state, KeyCode::Esc);
    let titles = lines(&mut state, 80, 24)[4].clone();
    assert!(
        titles.contains(" TYPE ") && !titles.contains("UUID"),
        "{titles}"
    );
}

#[test]
fn each_column_that_is_chosen_beside_the_usual_is_shown_or_told() {
    use crate::view::tui::widgets::table::shown_columns;
    for added in Column::all() {
        if Column::usual().any(|usual| usual == added) {
            continue;
        }
        let mut state = watching(12);
        lines(&mut state, 80, 24);
        keys(&mut state, "c");
        for _ in 0..added.place() {
            keys(&mut state, "j");
        }
        keys(&mut state, " ");
        let told = last(&mut state).starts_with("there is no room");
        assert_eq!(told, added == column("uuid"), "{added:?}");
        assert_ne!(told, shown_columns(state.parts().0).contains(&added));
    }
}

#[test]
fn the_interval_is_told_where_no_header_has_it() {
    let mut state = watching(2);
    keys(&mut state, "+");
    assert_eq!(lines(&mut state, 40, 10)[9], "every 5 s");
    keys(&mut state, "--");
    assert_eq!(lines(&mut state, 40, 10)[9], "every 2 s");
}

#[test]
fn a_prompt_takes_the_keys_of_a_line() {
    let mut state = watching(12);
    keys(&mut state, "/web guest-11");
    control(&mut state, 'w');
    assert!(
        last(&mut state).starts_with("/web    name"),
        "{}",
        last(&mut state)
    );
    keys(&mut state, "x");
    control(&mut state, 'h');
    control(&mut state, 'u');
    assert!(last(&mut state).starts_with("/   name"));
    assert_eq!(state.widgets.table.rows().len(), 12);
    keys(&mut state, "guest-11");
    control(&mut state, 'j');
    assert!(last(&mut state).starts_with("/guest-11 (1 of 12)"));
    keys(&mut state, "/");
    control(&mut state, 'w');
    control(&mut state, 'w');
    assert_eq!(state.widgets.table.rows().len(), 12);
}

#[test]
fn what_is_typed_is_seen_on_a_narrow_screen() {
    let mut state = watching(2);
    keys(&mut state, "D0.25");
    assert_eq!(lines(&mut state, 20, 10)[9], "seconds: 0.25");
    assert!(last(&mut state).starts_with("seconds between samples, now 3: 0.25"));
    keys(&mut state, "123456789");
    assert_eq!(lines(&mut state, 20, 10)[9], "seconds: …123456789");
    key(&mut state, KeyCode::Esc);
    keys(&mut state, "/a-long-name-漢字漢字漢字漢字");
    assert_eq!(lines(&mut state, 20, 10)[9], "/…-漢字漢字漢字漢字");
    for width in 0..12 {
        lines(&mut state, width, 10);
    }
}

#[test]
fn what_comes_with_the_next_sample_is_told() {
    let collecting = |collect: Collect| Snapshot {
        collected: collect,
        ..at_work(2).1
    };
    let mut state = watching(2);
    keys(&mut state, "V");
    assert!(last(&mut state).starts_with("vCPUs: with the next sample  ? help"));
    state.take(collecting(state.collect()));
    assert!(last(&mut state).starts_with("? help"));
    key(&mut state, KeyCode::Enter);
    assert!(last(&mut state).starts_with("details: with the next sample  Esc"));
    state.take(collecting(state.collect()));
    assert!(last(&mut state).starts_with("Esc back"));
    // The domain was asked for its vCPUs, and went meanwhile.
    assert!(lines(&mut state, 80, 40).contains(&"vCPUs: not known".to_owned()));
    state.take(at_work(2).1);
    keys(&mut state, "p");
    let screen = lines(&mut state, 80, 40);
    let held = "not in the sample that is held";
    assert!(screen[39].starts_with(&format!("details: {held}")));
    assert!(screen.contains(&format!("vCPUs: {held}")), "{screen:?}");
}

#[test]
fn a_column_that_was_not_collected_is_asked_for_and_blank_until_it_comes() {
    let mut app = testing::state(Settings {
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
