//! What stands where at three sizes.
#![allow(clippy::unwrap_used)]

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::at_work;
use crate::snapshot::{Disk, DiskBackend, Note};
use crate::view::tui::testing::{app, key, keys, lines, watching, words};
use crate::view::tui::{App, Settings};

#[test]
fn fits_80_by_24() {
    let screen = lines(&mut watching(12), 80, 24);
    for part in [
        "Xen 4.17.5",
        "1970-01-01 00:00:00 UTC",
        "over 1.00 s, every 3 s",
    ] {
        assert!(screen[0].contains(part), "{part}: {}", screen[0]);
    }
    assert_eq!(
        screen[1],
        "CPU [███████████████     ]  75.0 % of 2 pCPUs  ▆"
    );
    assert_eq!(
        screen[2],
        "Mem [███████████████     ]  75.0 % of 4.0G, 1.0G free"
    );
    assert_eq!(screen[3], "12 domains: 4 running, 4 runnable, 4 blocked");
    assert_eq!(
        screen[4],
        " ID NAME     STATE     VCPU CPU%▼ BUSY     PAST      MEM  RX/s  TX/s  RD/s  WR/s"
    );
    assert_eq!(
        screen[5],
        " 11 guest-11 blocked      1  91.7 ███████▍ ▇        128M 11.0K  2.9K 11.0M 44.0K"
    );
    assert!(screen[16].starts_with("  0 Domain-0 runnable     1   0.0"));
    assert!(screen[23].starts_with("? help  q quit"));
}

#[test]
fn cut_lines_are_marked() {
    for typed in ["\r", "nbv", "?"] {
        let mut app = watching(3);
        keys(&mut app, "j");
        for c in typed.chars() {
            match c {
                '\r' => key(&mut app, KeyCode::Enter),
                c => key(&mut app, KeyCode::Char(c)),
            };
        }
        let whole = words(&lines(&mut app, 140, 80)[5..]);
        for width in 8..140 {
            for line in &lines(&mut app, width, 80)[5..79] {
                for word in words(std::slice::from_ref(line)) {
                    let known = word.ends_with('…') || whole.contains(&word);
                    assert!(known, "{width}: {word} in {line}");
                }
            }
        }
    }
}

#[test]
fn large_screen_has_long_titles() {
    let screen = lines(&mut watching(12), 200, 60);
    assert!(screen[4].contains("NET RX/s  NET TX/s  DISK RD/s  DISK WR/s"));
    assert!(screen[5].contains(&format!(" {}▍ ", "█".repeat(18))));
}

#[test]
fn any_size_is_drawn() {
    for width in 0..30 {
        for height in 0..10 {
            for typed in ["", "?", "s", "/web", "nbvR", "P", "d1"] {
                let mut app = watching(5);
                keys(&mut app, typed);
                lines(&mut app, width, height);
            }
            let mut app = watching(5);
            key(&mut app, KeyCode::Enter);
            lines(&mut app, width, height);
        }
    }
    let screen = lines(&mut watching(5), 20, 5);
    assert_eq!(screen[1], "NAME     CPU%▼   MEM");
    assert_eq!(screen[2], "guest-4   80.0  128M");
}

#[test]
fn first_sample_has_no_rates() {
    let mut app = app(Settings::default());
    app.take(at_work(2).0);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[0].contains("over -, every 3 s"), "{}", screen[0]);
    assert!(screen[1].ends_with("    - % of 2 pCPUs"), "{}", screen[1]);
    assert!(screen[5].starts_with("  0 Domain-0 runnable     1     -"));
    assert!(screen[5].ends_with("128M     -     -     -     -"));
}

#[test]
fn devices_stand_below_their_domain() {
    let mut app = watching(3);
    keys(&mut app, "nb");
    let screen = lines(&mut app, 80, 24);
    for (line, start) in [
        (5, "  2 guest-2"),
        (6, "    nic  0   vif9.0   rx  2.0K/s"),
        (7, "    nic  1"),
        (8, "    disk xvda blkback read  2.0M/s"),
        (9, "  1 guest-1"),
    ] {
        assert!(screen[line].starts_with(start), "{}", screen[line]);
    }
    keys(&mut app, "R");
    assert!(lines(&mut app, 80, 24)[9].starts_with(" ID NAME"));
}

#[test]
fn names_keep_columns_aligned() {
    let mut app = watching(0);
    let (_, mut new) = at_work(4);
    new.domains[1].name = Some("漢字漢字漢字漢字漢字".into());
    new.domains[2].name = Some("a\u{1b}[2J\u{202e}b".into());
    new.domains[3].name = Some("e\u{301}te\u{301}".into());
    app.take(new);
    let screen = lines(&mut app, 80, 24);
    let state_at = |line: &str| {
        let place = line.find("run").or_else(|| line.find("block")).unwrap();
        crate::text::columns(&line[..place])
    };
    let places: Vec<usize> = screen[5..9].iter().map(|line| state_at(line)).collect();
    assert!(places.iter().all(|&place| place == places[0]), "{screen:?}");
    assert!(screen.iter().any(|line| line.contains("a\\u{1b}[2J\\u")));
    assert!(screen.iter().any(|line| line.contains("e\u{301}te\u{301}")));
}

#[test]
fn capitals_do_as_small_letters() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        let mut vcpu = crate::fixtures::vcpu(1, 7, snapshot.stamp.at_ns / 4);
        vcpu.stamp = snapshot.stamp;
        snapshot.domains[2].vcpus = Some(vec![vcpu]);
    }
    app.take(old);
    app.take(new);
    let screen = |app: &mut App| lines(app, 80, 24);
    let plain = screen(&mut app);
    for (small, capital, start) in [
        ("n", "N", "    nic  0   vif9.0   rx  2.0K/s of"),
        ("b", "B", "    disk xvda blkback read  2.0M/s in"),
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
fn uncounted_disk_hides_nothing() {
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
    app.take(old);
    app.take(new);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[5].ends_with(" 2.0M  8.0K"), "{}", screen[5]);
    assert!(screen[6].ends_with("     -     -"), "{}", screen[6]);
}

#[test]
fn unreadable_parts_are_told() {
    let mut app = watching(2);
    let (_, mut new) = at_work(2);
    new.notes = vec![Note::NicsUnreadable("no \u{1b}[2Jsuch file".into())];
    app.take(new);
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
    app.take(at_work(2).1);
    assert!(lines(&mut app, 80, 24)[23].starts_with("? help"));
}
