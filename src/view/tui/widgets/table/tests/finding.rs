//! Tests of what helps to find a domain: only those that suffer, held order, pins, marks, and events.

use jiff::tz::{Offset, TimeZone};
use ratatui::crossterm::event::KeyCode;

use crate::fixtures::{SECOND, at_work, stamp, troubled};
use crate::snapshot::Snapshot;
use crate::view::tui::testing::{app, ids, key, keys, last, lines, take, watching};
use crate::view::tui::{App, Column, Settings};

fn in_trouble() -> App {
    let mut app = app(Settings::default());
    let (old, new) = troubled();
    take(&mut app, old);
    take(&mut app, new);
    lines(&mut app, 80, 24);
    app
}

/// Returns the sample of `at_work` with all domains as busy as each other is the other way round, this much later.
fn turned(count: u16, seconds: u64) -> Snapshot {
    let mut next = at_work(count).1;
    next.stamp = stamp((2 + seconds) * SECOND);
    for domain in &mut next.domains {
        let busy = u64::from(count - domain.id.0);
        domain.cpu_time_ns += busy * seconds * SECOND / u64::from(count);
        domain.stamp = next.stamp;
    }
    next
}

#[test]
fn only_those_that_suffer() {
    let mut app = in_trouble();
    keys(&mut app, "F");
    assert_eq!(ids(&app), [2, 3, 4, 5]);
    assert!(
        last(&mut app).starts_with("hurting only (4 of 5)"),
        "{}",
        last(&mut app)
    );
    keys(&mut app, "/b");
    key(&mut app, KeyCode::Enter);
    assert_eq!(ids(&app), [2, 3, 5]);
    assert!(
        last(&mut app).starts_with("/b  hurting only (3 of 5)"),
        "{}",
        last(&mut app)
    );
    // Esc takes away one limit after the other.
    key(&mut app, KeyCode::Esc);
    assert_eq!(ids(&app), [2, 3, 4, 5]);
    key(&mut app, KeyCode::Esc);
    assert_eq!(ids(&app).len(), 5);
}

#[test]
fn held_rows_stay_where_they_are() {
    let mut app = watching(4);
    assert_eq!(ids(&app), [3, 2, 1, 0]);
    keys(&mut app, "o");
    take(&mut app, turned(6, 1));
    assert_eq!(ids(&app)[..4], [3, 2, 1, 0], "new ones come after them");
    assert!(
        last(&mut app).starts_with("order held"),
        "{}",
        last(&mut app)
    );
    keys(&mut app, "o");
    assert_eq!(ids(&app)[..4], [0, 1, 2, 3]);
    // Sorting by a column ends it as well.
    keys(&mut app, "or");
    assert!(last(&mut app).starts_with("? help"));
}

#[test]
fn pinned_domains_are_above_all_others() {
    let mut app = watching(4);
    keys(&mut app, "m");
    assert_eq!(last(&mut app), "choose a domain to pin first");
    // The last one, then the one above it.
    key(&mut app, KeyCode::End);
    keys(&mut app, "m");
    assert_eq!(ids(&app), [0, 3, 2, 1]);
    assert_eq!(app.widgets.table.chosen().unwrap().id.0, 0);
    key(&mut app, KeyCode::End);
    keys(&mut app, "m");
    assert_eq!(ids(&app), [1, 0, 3, 2], "sorted among themselves");
    assert!(last(&mut app).starts_with("2 pinned  "));
    keys(&mut app, "m");
    assert_eq!(ids(&app), [0, 3, 2, 1]);
}

#[test]
fn a_search_goes_from_domain_to_domain() {
    let mut app = watching(30);
    let chosen = |app: &App| app.widgets.table.chosen().map(|one| one.id.0);
    keys(&mut app, "fEST-2");
    key(&mut app, KeyCode::Enter);
    assert_eq!(chosen(&app), Some(29), "the first row with it");
    for id in [28, 27, 26] {
        key(&mut app, KeyCode::F(3));
        key(&mut app, KeyCode::Enter);
        assert_eq!(chosen(&app), Some(id));
    }
    keys(&mut app, "fDomain-0");
    key(&mut app, KeyCode::Enter);
    assert_eq!(chosen(&app), Some(0), "the last row");
    keys(&mut app, "fest-2");
    key(&mut app, KeyCode::Enter);
    assert_eq!(chosen(&app), Some(29), "from the top again");
    keys(&mut app, "fnowhere");
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).ends_with("no domain in the table has 'nowhere' in its name"));
    assert_eq!(chosen(&app), Some(29));
    assert_eq!(ids(&app).len(), 30, "all are shown");
}

#[test]
fn what_is_out_of_sight_is_told() {
    let mut app = watching(69);
    assert!(
        last(&mut app).starts_with("rows 1-18 of 69 ↓  ? help"),
        "{}",
        last(&mut app)
    );
    keys(&mut app, "G");
    assert!(
        last(&mut app).starts_with("rows 52-69 of 69 ↑  "),
        "{}",
        last(&mut app)
    );
    // A window that was small for a while shows the first rows again.
    keys(&mut app, "g");
    key(&mut app, KeyCode::Esc);
    lines(&mut app, 80, 7);
    assert!(
        last(&mut app).starts_with("rows 1-18 of 69 ↓"),
        "{}",
        last(&mut app)
    );
}

#[test]
fn new_and_gone_domains_are_marked() {
    let zone = TimeZone::fixed(Offset::constant(5));
    let mut app = watching(4).with_zone(zone.clone());
    let mut next = turned(5, 1);
    next.domains.remove(2);
    let local = next.time.to_zoned(zone);
    let local = local.strftime("%Y-%m-%d %H:%M:%S ").to_string();
    take(&mut app, next);
    let screen = lines(&mut app, 80, 24);
    let line = |start: &str| {
        screen
            .iter()
            .any(|line| line.trim_start().starts_with(start))
    };
    assert!(line("+4 guest-4") && line("3 guest-3"), "{screen:?}");
    assert!(
        screen.iter().any(|line| line.contains(" 2 guest-2 ")
            && line.starts_with(&local)
            && line.ends_with("destroyed")),
        "{screen:?}"
    );
    keys(&mut app, "e");
    let page = lines(&mut app, 80, 24);
    assert!(
        [&page[5], &page[6]]
            .iter()
            .all(|line| line.starts_with(&local) && line.contains("guest-")),
        "{page:?}"
    );
    keys(&mut app, "e");
    assert_eq!(lines(&mut app, 80, 24), screen);
}

#[test]
fn domains_that_went_have_lines_beside_more_domains_than_lines() {
    let mut app = watching(40);
    let last_rows = |app: &mut App| lines(app, 80, 24)[20..].to_vec();
    let before = last_rows(&mut app);
    assert!(before[2].contains("guest-"), "{before:?}");
    let mut next = turned(40, 1);
    next.domains.remove(7);
    take(&mut app, next.clone());
    let screen = last_rows(&mut app);
    assert!(
        screen[1].contains("guest-") && !screen[1].ends_with("destroyed"),
        "{screen:?}"
    );
    assert!(
        screen[2].contains(" 7 guest-7 ") && screen[2].ends_with("destroyed"),
        "{screen:?}"
    );
    assert!(screen[3].starts_with("rows 1-17 of 39"), "{screen:?}");
    next.domains.drain(10..15);
    next.stamp.at_ns += 1;
    take(&mut app, next);
    let screen = last_rows(&mut app);
    assert!(screen[0].ends_with("destroyed"), "{screen:?}");
    assert_eq!(screen[2], "4 more domains went; e shows all events");
    // A filter may hide them: its rows have the lines, and its sums the last one.
    keys(&mut app, "/guest");
    let screen = last_rows(&mut app);
    assert!(
        screen[1].contains("guest-") && screen[2].contains("sum:"),
        "{screen:?}"
    );
    key(&mut app, KeyCode::Esc);
    // A small screen is for rows.
    assert!(!lines(&mut app, 80, 9).join("\n").contains("destroyed"));
}

#[test]
fn the_id_of_a_new_domain_is_whole() {
    let (mut old, mut new) = at_work(5);
    for snapshot in [&mut old, &mut new] {
        snapshot.domains[4].id = crate::snapshot::DomId(32002);
    }
    let mut next = new.clone();
    next.domains[3].id = crate::snapshot::DomId(32001);
    (next.domains[3].uuid, next.stamp) = (uuid::Uuid::from_u128(99), stamp(3 * SECOND));
    let mut app = app(Settings::default());
    for snapshot in [old, new, next] {
        take(&mut app, snapshot);
    }
    for pane in ["", "I"] {
        keys(&mut app, pane);
        let screen = lines(&mut app, 80, 24).join("\n");
        assert!(
            screen.contains("+32001 guest-3") && screen.contains(" 32002 guest-4"),
            "{screen}"
        );
    }
}

#[test]
fn the_page_of_a_domain_follows_its_reboot() {
    let mut app = watching(3);
    key(&mut app, KeyCode::Enter);
    assert!(lines(&mut app, 80, 24)[4].starts_with("guest-2 (domain 2)"));
    let mut next = turned(3, 1);
    next.domains[2].id = crate::snapshot::DomId(7);
    take(&mut app, next);
    let page = lines(&mut app, 80, 60);
    assert!(page[6].starts_with("guest-2 (domain 7)"), "{page:?}");
    assert!(
        page.iter().any(|line| line.ends_with("destroyed")),
        "{page:?}"
    );
    assert_eq!(app.collect().focus.map(|one| one.id.0), Some(7));
}

#[test]
fn the_rows_that_a_filter_leaves_are_added_up() {
    let mut app = app(Settings::default());
    let (old, mut new) = at_work(12);
    new.domains[11].nics = None;
    take(&mut app, old);
    take(&mut app, new);
    let sums = |app: &mut App| -> Vec<String> {
        let line = lines(app, 100, 24)[22].clone();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert!(!sums(&mut app).contains(&"sum:".to_owned()));
    keys(&mut app, "/guest-1");
    key(&mut app, KeyCode::Enter);
    let sample = app.sample().unwrap();
    let of = |place| sample.domain(place).unwrap();
    let all = [11, 10, 1].map(of);
    let cpu: f64 = all
        .iter()
        .map(|one| one.rates.cpu_percent.unwrap().value)
        .sum();
    let memory: u64 = all.iter().map(|one| one.domain.memory_bytes).sum();
    let vcpus: u32 = all.iter().map(|one| one.domain.vcpus_online).sum();
    let expected = [
        vcpus.to_string(),
        format!("{cpu:.1}"),
        crate::units::bytes(memory as f64),
    ];
    let sums = sums(&mut app);
    assert_eq!(sums[..2], ["sum:", "3"]);
    assert_eq!(sums[2..5], expected, "{sums:?}");
    // The NICs of one are unknown.
    assert_eq!(
        sums.iter().filter(|sum| sum.starts_with('>')).count(),
        2,
        "{sums:?}"
    );
}

#[test]
fn columns_without_room_are_a_few_keys_away() {
    let mut app = watching(4);
    let titles = |app: &mut App| lines(app, 40, 12)[1].clone();
    let at_first = titles(&mut app);
    assert!(!at_first.contains("WHY"), "{at_first}");
    let mut seen = String::new();
    for _ in 0..20 {
        key(&mut app, KeyCode::Right);
        assert!(titles(&mut app).contains("ID NAME"), "{seen}");
        seen += &titles(&mut app);
    }
    for title in ["VCPU", "CPU%", "BUSY", "MEM", "GAP", "RX/s", "RD/s", "WR/s"] {
        assert!(
            seen.contains(title) || at_first.contains(title),
            "{title}: {seen}"
        );
    }
    assert!(titles(&mut app).ends_with("WHY"), "{seen}");
    let last = lines(&mut app, 40, 12)[11].clone();
    assert!(last.starts_with("columns from NET TX/s"), "{last}");
    // A digit sorts by what is shown.
    keys(&mut app, "3");
    assert_ne!(app.settings().sort, Column::CPU);
    for _ in 0..20 {
        key(&mut app, KeyCode::Left);
    }
    assert_eq!(
        titles(&mut app).replace(['▼', ' '], ""),
        at_first.replace(['▼', ' '], "")
    );
}
