//! Tests of the table of domains: its cells, keys and clicks.
#![allow(clippy::unwrap_used)]

mod cursor;
mod finding;
mod sorting;

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::at_work;
use crate::snapshot::{Disk, DiskBackend};
use crate::view::tui::testing::{app, click, ids, key, keys, last, lines, take, watching};
use crate::view::tui::{App, Column, Settings};

#[test]
fn a_filter_can_be_set_before_the_first_sample() {
    let mut app = app(Settings {
        filter: "guest-3".to_owned(),
        ..Settings::default()
    });
    let (old, new) = at_work(5);
    take(&mut app, old);
    take(&mut app, new);
    let screen = lines(&mut app, 80, 20).join("\n");
    assert!(
        screen.contains("guest-3") && !screen.contains("guest-2"),
        "{screen}"
    );
    // W writes the filter of that time.
    key(&mut app, KeyCode::Esc);
    assert_eq!(app.settings().filter, "");
    keys(&mut app, "/cpu>5");
    key(&mut app, KeyCode::Enter);
    assert_eq!(app.settings().filter, "cpu>5");
}

#[test]
fn filter_works_while_typing() {
    let mut app = watching(12);
    keys(&mut app, "/guest-1");
    assert_eq!(ids(&app), [11, 10, 1]);
    assert!(lines(&mut app, 80, 24)[23].starts_with("/guest-1"));
    key(&mut app, KeyCode::Backspace);
    assert_eq!(ids(&app).len(), 11);
    keys(&mut app, "11");
    key(&mut app, KeyCode::Enter);
    assert_eq!(ids(&app), [11]);
    assert!(lines(&mut app, 80, 24)[23].starts_with("/guest-11 (1 of 12)"));
    key(&mut app, KeyCode::Esc);
    assert_eq!(ids(&app).len(), 12);
}

#[test]
fn a_prompt_says_what_a_filter_finds() {
    let mut app = watching(12);
    keys(&mut app, "/");
    assert!(last(&mut app).starts_with("/   name, ID, state or cpu>50"));
    keys(&mut app, "cpu");
    assert_eq!(last(&mut app), "/cpu   no match");
    // An unfinished filter leaves the one before, and cannot be accepted.
    keys(&mut app, ">");
    key(&mut app, KeyCode::Enter);
    assert_eq!(
        last(&mut app),
        "/cpu>   what is 'cpu' compared with? (at 5)"
    );
    keys(&mut app, "70 | id=0");
    assert_eq!(ids(&app), [11, 10, 9, 0]);
    assert_eq!(last(&mut app), "/cpu>70 | id=0   4 of 12");
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).starts_with("/cpu>70 | id=0 (4 of 12)"));
    keys(&mut app, "/)");
    key(&mut app, KeyCode::Esc);
    assert_eq!(ids(&app).len(), 12);
    keys(&mut app, "/zzz");
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).starts_with("/zzz (no match)"));
}

#[test]
fn a_filter_collects_its_figures() {
    let mut app = watching(3);
    assert!(!app.collect().scheduling);
    keys(&mut app, "/weight>100 ready>5");
    assert!(app.collect().scheduling && !app.collect().state_times);
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).contains("filter: with the next sample"));
}

#[test]
fn click_sorts_or_chooses() {
    let mut app = watching(5);
    lines(&mut app, 80, 24);
    click(&mut app, 6, 4);
    assert_eq!(app.settings().sort, Column::NAME);
    click(&mut app, 6, 7);
    assert_eq!(app.widgets.table.chosen().unwrap().id.0, 2);
    // A device's line belongs to the domain above it.
    keys(&mut app, "n");
    lines(&mut app, 80, 24);
    click(&mut app, 6, 9);
    assert_eq!(app.widgets.table.chosen().unwrap().id.0, 1);
    // A prompt leaves the table visible.
    keys(&mut app, "/");
    click(&mut app, 6, 5);
    assert_eq!(app.widgets.table.chosen().unwrap().id.0, 0);
    keys(&mut app, "g");
    key(&mut app, KeyCode::Esc);
    click(&mut app, 6, 9);
    for (x, y) in [(6, 23), (6, 22), (6, 0), (79, 4), (500, 500)] {
        click(&mut app, x, y);
    }
    assert_eq!(app.widgets.table.chosen().unwrap().id.0, 1);
}

#[test]
fn large_screen_has_long_titles() {
    let screen = lines(&mut watching(12), 200, 60);
    assert!(screen[7].contains("NET RX/s  NET TX/s  DISK RD/s  DISK WR/s"));
    assert!(
        screen[7].contains(" PEAK ") && screen[7].contains(" TYPE "),
        "{screen:?}"
    );
    assert!(
        screen[8].contains(&format!(" {}▍ ", "█".repeat(7))),
        "{}",
        screen[8]
    );
}

#[test]
fn first_sample_has_no_rates() {
    let mut app = app(Settings::default());
    take(&mut app, at_work(2).0);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[0].contains("over -, every 3 s"), "{}", screen[0]);
    assert!(screen[1].contains("    - % of 2 pCPUs"), "{}", screen[1]);
    assert!(
        screen[5].starts_with("  0 Domain-0     1     -"),
        "{}",
        screen[5]
    );
    assert!(
        screen[5].ends_with("128M     ·     -     -     -     -"),
        "{}",
        screen[5]
    );
}

#[test]
fn devices_are_below_their_domain() {
    let mut app = watching(3);
    keys(&mut app, "nb");
    let screen = lines(&mut app, 80, 24);
    for (line, start) in [
        (5, "  2 guest-2"),
        (
            6,
            "    nic  0   vif9.0   drop 0.0/0.0/s of 0/0  err 0/0  rx  2.0K/s",
        ),
        (7, "    nic  1"),
        (
            8,
            "    disk xvda blkback err -  no slot 0.0/s  -/- ms  rd  2.0M/s",
        ),
        (9, "  1 guest-1"),
    ] {
        assert!(screen[line].starts_with(start), "{}", screen[line]);
    }
    keys(&mut app, "H");
    assert!(lines(&mut app, 80, 24)[9].starts_with(" ID NAME"));
}

#[test]
fn names_get_the_width_of_the_visible_ones() {
    let (mut old, mut new) = at_work(60);
    for snapshot in [&mut old, &mut new] {
        snapshot.domains[3].name = Some("a-name-of-twenty-six-chars".into());
    }
    let mut app = app(Settings::default());
    take(&mut app, old);
    take(&mut app, new);
    let of_title = |app: &mut App| lines(app, 140, 24)[4].find("VCPU").unwrap();
    let away = of_title(&mut app);
    key(&mut app, KeyCode::End);
    assert_eq!(of_title(&mut app), away + 12, "at most 24 columns");
    assert!(
        lines(&mut app, 140, 24)
            .join(" ")
            .contains(" a-name-of-twenty-six-ch… ")
    );
    keys(&mut app, "L");
    assert!(
        lines(&mut app, 140, 24)
            .join(" ")
            .contains(" a-name-of-twenty-six-chars ")
    );
    keys(&mut app, "LI/of-twenty");
    key(&mut app, KeyCode::Enter);
    assert!(!lines(&mut app, 140, 24).join(" ").contains("-chars "));
    keys(&mut app, "L");
    assert!(
        lines(&mut app, 140, 24)
            .join(" ")
            .contains(" a-name-of-twenty-six-chars ")
    );
}

#[test]
fn what_hurts_is_first_below_a_domain() {
    let (old, new) = crate::fixtures::troubled();
    let mut app = app(Settings::default());
    take(&mut app, old);
    take(&mut app, new);
    keys(&mut app, "nb");
    let screen = lines(&mut app, 80, 24);
    let line = |start: &str| {
        screen
            .iter()
            .find(|line| line.trim_start().starts_with(start))
    };
    let (nic, disk) = (line("nic  0").unwrap(), line("disk xvda").unwrap());
    assert!(
        nic.contains(" drop 3.0/0.0/s of 9/0  err 0/0  rx "),
        "{nic}"
    );
    assert!(
        disk.contains(" err -  no slot 40.0/s  -/- ms  rd ") && disk.contains("  wr "),
        "{disk}"
    );
}

#[test]
fn capital_letters_work_too() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        let mut vcpu = crate::fixtures::vcpu(1, 7, snapshot.stamp.at_ns / 4);
        vcpu.stamp = snapshot.stamp;
        snapshot.domains[2].vcpus = Some(vec![vcpu]);
    }
    take(&mut app, old);
    take(&mut app, new);
    let screen = |app: &mut App| lines(app, 80, 24);
    let plain = screen(&mut app);
    for (small, capital, start) in [
        (
            "n",
            "N",
            "    nic  0   vif9.0   drop 0.0/0.0/s of 0/0  err 0/0  rx  2.0K/s",
        ),
        (
            "b",
            "B",
            "    disk xvda blkback err -  no slot 0.0/s  -/- ms  rd  2.0M/s",
        ),
        (
            "v",
            "V",
            "    vcpu 1   running   25.0 % on pCPU 7          0.5 s",
        ),
    ] {
        keys(&mut app, small);
        let shown = screen(&mut app);
        assert!(shown[6].starts_with(start), "{}", shown[6]);
        keys(&mut app, capital);
        assert_eq!(screen(&mut app), plain);
        keys(&mut app, capital);
        assert_eq!(screen(&mut app), shown);
        keys(&mut app, small);
    }
}

#[test]
fn names_keep_columns_aligned() {
    let mut app = watching(0);
    let (_, mut new) = at_work(4);
    new.domains[1].name = Some("漢字漢字漢字漢字漢字".into());
    new.domains[2].name = Some("a\u{1b}[2J\u{202e}b".into());
    new.domains[3].name = Some("e\u{301}te\u{301}".into());
    take(&mut app, new);
    let screen = lines(&mut app, 80, 24);
    let memory_at = |line: &str| crate::text::columns(&line[..line.find("128M").unwrap()]);
    let places: Vec<usize> = screen[5..9].iter().map(|line| memory_at(line)).collect();
    assert!(places.iter().all(|&place| place == places[0]), "{screen:?}");
    assert!(screen.iter().any(|line| line.contains("a\\u{1b}[2")));
    assert!(screen.iter().any(|line| line.contains("e\u{301}te\u{301}")));
}

#[test]
fn sum_with_a_disk_without_counters_is_unknown() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        for id in 1..3 {
            let domain = &mut snapshot.domains[id];
            let cdrom =
                Disk::without_counters(5632, "hdc".to_owned(), DiskBackend::Qdisk, domain.stamp);
            let disks = domain.disks.as_mut().unwrap();
            if id == 1 {
                disks.clear();
            }
            disks.push(cdrom);
        }
    }
    take(&mut app, old);
    take(&mut app, new);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[5].ends_with("     -     -"), "{}", screen[5]);
    assert!(screen[6].ends_with("     -     -"), "{}", screen[6]);
}
