//! What stands where at three sizes.
#![allow(clippy::unwrap_used)]

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::{SECOND, at_work, full, pcpus};
use crate::snapshot::{Disk, DiskBackend, DiskCounter, Note, ShutdownReason};
use crate::view::tui::testing::{app, key, keys, lines, watching, words};
use crate::view::tui::{App, Column, Settings};

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
fn words_are_never_cut() {
    let mut app = app(Settings::default());
    let (old, mut new) = at_work(12);
    new.host.xen_version = "4.20.5-pre".into();
    new.host = full(new.host);
    new.domains[3].states.shutdown = Some(ShutdownReason::Crash);
    app.take(old);
    app.take(new);
    for typed in ["", "p"] {
        keys(&mut app, typed);
        for (height, header) in [(24, 4), (10, 1)] {
            let whole = words(&lines(&mut app, 140, height)[..header]);
            for width in 0..140 {
                let shown = words(&lines(&mut app, width, height)[..header]);
                for word in shown {
                    // A comma and a colon come with the part after them.
                    let bare = |word: &str| word.trim_end_matches([',', ':']).to_owned();
                    let known = |one: &String| bare(one) == bare(&word);
                    assert!(whole.iter().any(known), "{width}: {word} of {whole:?}");
                }
            }
        }
        app.skip(12);
    }
    keys(&mut app, "p");
    for (width, line) in [
        (
            80,
            "xenscope Xen 4.20.5-pre credit2 00:00:00 UTC over 1.00 s, every 3 s",
        ),
        (
            65,
            "Xen 4.20.5-pre credit2 00:00:00 UTC over 1.00 s, every 3 s",
        ),
        (59, "Xen 4.20.5-pre 00:00:00 UTC over 1.00 s, every 3 s"),
        (40, "00:00:00 UTC over 1.00 s"),
        (12, "over 1.00 s"),
        (10, ""),
    ] {
        let shown = lines(&mut app, width, 24);
        let shown: Vec<&str> = shown[0].split_whitespace().collect();
        assert_eq!(shown.join(" "), line);
    }
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
fn page_has_all_parts() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        let mut vcpu = crate::fixtures::vcpu(0, 1, snapshot.stamp.at_ns / 2);
        vcpu.stamp = snapshot.stamp;
        snapshot.domains[2].vcpus = Some(vec![vcpu]);
    }
    new.domains[2].states.shutdown = Some(ShutdownReason::Crash);
    app.take(old);
    app.take(new);
    key(&mut app, KeyCode::Enter);
    assert!(app.collect().focus.is_some());
    let page = lines(&mut app, 100, 39).join("\n");
    for part in [
        "guest-2 (domain 2)",
        "pvh, crashed (crash)",
        "00000000-0000-0000-0000-000000000003",
        "66.7 % of one pCPU",
        "CPU        ▆ most 66.7 %",
        "128M used, ceiling 129M, target 128M, maximum 256M",
        "running     1   50.0     1.0 s  0-1",
        "xvda  blkback",
        "vif9.0",
        "00:16:3e:00:00:01",
    ] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    key(&mut app, KeyCode::Tab);
    assert!(lines(&mut app, 100, 39)[4].starts_with("guest-1"));
    app.take(at_work(1).1);
    assert!(lines(&mut app, 100, 39)[4].starts_with("domain 1 is gone"));
    key(&mut app, KeyCode::Esc);
    assert!(lines(&mut app, 100, 39)[5].contains(" 0 Domain-0"));
    assert_eq!(app.collect().focus, None);
}

#[test]
fn page_fits_80_by_24() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        let vcpus = (0..2).map(|id| crate::fixtures::vcpu(id, id, snapshot.stamp.at_ns / 2));
        let domain = &mut snapshot.domains[2];
        domain.vcpus = Some(vcpus.collect());
        domain.cpu_time_ns += 12_345_678_900_000_000;
        (domain.vcpus_online, domain.vcpus_max) = (2, 128);
        domain.disks.as_mut().unwrap()[0][DiskCounter::Errors] = Some(0);
    }
    app.take(old);
    app.take(new);
    key(&mut app, KeyCode::Enter);
    let page = lines(&mut app, 80, 24);
    assert_eq!(page[5], "state      pvh, blocked, 2 of 128 vCPUs online");
    assert_eq!(
        page[7],
        "CPU        66.7 % of one pCPU, 33.3 % of its vCPUs, 12345680.2 s in all"
    );
    key(&mut app, KeyCode::End);
    let whole = [&page[..], &lines(&mut app, 80, 24)].concat().join("\n");
    for heading in [
        "HARD AFFINITY  SOFT AFFINITY",
        "ERRORS  LATENCY",
        "DROPS  MAC",
    ] {
        assert!(whole.contains(heading), "{whole}");
    }
    assert!(!whole.contains('…'), "{whole}");
}

#[test]
fn charts_show_all_figures() {
    let mut app = app(Settings {
        sort: Column::ID,
        descending: true,
        ..Settings::default()
    });
    let (old, new) = at_work(3);
    let mut third = new.clone();
    third.stamp.at_ns += SECOND;
    third.host.pcpu_stamp = third.stamp;
    for domain in &mut third.domains {
        domain.stamp = third.stamp;
        domain.memory_bytes /= 2;
        for nic in domain.nics.iter_mut().flatten() {
            nic.stamp = domain.stamp;
        }
        for disk in domain.disks.iter_mut().flatten() {
            disk.stamp = domain.stamp;
            disk[DiskCounter::ReadBytes] =
                disk[DiskCounter::ReadBytes].map(|bytes| bytes + (4 << 20));
        }
    }
    for snapshot in [old, new, third] {
        app.take(snapshot);
    }
    key(&mut app, KeyCode::Enter);
    let page = lines(&mut app, 100, 39);
    for line in [
        "CPU        ▆▁ most 66.7 %",
        "memory     ██▄ most 128M",
        "disk       ▅█ most 4.0M/s",
        "net        █▁ most 2.5K/s",
    ] {
        let label = line.split_whitespace().next().unwrap();
        let found = page.iter().rfind(|line| line.starts_with(label));
        assert_eq!(found.unwrap(), line);
    }
    // The same over time in the table, and of the host.
    key(&mut app, KeyCode::Esc);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[1].ends_with("▆█"), "{}", screen[1]);
    assert!(
        screen.iter().any(|line| line.contains(" ▆▁ ")),
        "{screen:?}"
    );
}

/// The page of a host with this many pCPUs.
fn of_pcpus(count: u32, width: u16, height: u16) -> Vec<String> {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(1);
    old.host.pcpu = pcpus(count, SECOND);
    new.host.pcpu = pcpus(count, 2 * SECOND);
    app.take(old);
    app.take(new);
    keys(&mut app, "P");
    assert!(app.collect().host);
    lines(&mut app, width, height)
}

#[test]
fn few_pcpus_have_bars() {
    let page = of_pcpus(4, 80, 24);
    assert_eq!(page[8], "node 2, socket 1, 1 online, 50.0 % busy");
    assert_eq!(page[9], "   2 █████      50.0 %");
    assert_eq!(page[10], "node 3, socket 1, 0 online, - % busy, 1 offline");
    assert_eq!(page[11], "   3           offline");
}

#[test]
fn many_pcpus_fit() {
    let page = of_pcpus(256, 80, 24);
    assert!(page[11].starts_with("  192 ▆▆▆▆"), "{page:?}");
    assert!(page[11].ends_with("█x"), "{page:?}");
    let page = of_pcpus(256, 200, 60);
    assert!(
        page.iter()
            .any(|line| line.contains(" 254 █████████▉ 99.2 %")),
        "{page:?}"
    );
    // Shares without bars where there is room for them alone.
    assert_eq!(
        of_pcpus(64, 80, 24)[19],
        "  60  93.8 %   61  95.3 %   62  96.9 %   63 offline"
    );
}

#[test]
fn glyphs_keep_places() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(1);
    for snapshot in [&mut old, &mut new] {
        let at_ns = snapshot.stamp.at_ns;
        snapshot.host.pcpu = pcpus(400, at_ns);
        for pcpu in &mut snapshot.host.pcpu {
            pcpu.node = None;
            // The first two sockets take turns, the third has two runs.
            pcpu.socket = Some(match pcpu.id {
                0..100 => pcpu.id % 2,
                100..120 | 300..310 => 2,
                _ => 3,
            });
        }
    }
    app.take(old);
    app.take(new);
    keys(&mut app, "P");
    let page = lines(&mut app, 80, 24);
    let blank_or_not = |line: &str| -> String {
        let glyphs = line.chars().skip(6);
        glyphs.map(|c| if c == ' ' { ' ' } else { 'x' }).collect()
    };
    assert!(
        page[5].starts_with("    0 ") && page[6].starts_with("   64 "),
        "{page:?}"
    );
    assert!(page[8].starts_with("    1 "), "{page:?}");
    assert_eq!(blank_or_not(&page[5]), "x ".repeat(32).trim_end());
    assert!(
        page[11].starts_with("  100 ") && page[12].starts_with("  300 "),
        "{page:?}"
    );
    assert_eq!(blank_or_not(&page[11]), "x".repeat(20));
    assert_eq!(blank_or_not(&page[12]), "x".repeat(10));
}

#[test]
fn pool_is_named_once() {
    let mut app = app(Settings::default());
    let (old, mut new) = at_work(1);
    new.host = full(new.host);
    let pools = new.host.pools.as_mut().unwrap();
    let mut other = pools[0].clone();
    (pools[0].pcpus, other.pcpus) = (vec![0, 2], vec![1, 3]);
    (other.id, other.name) = (1, Some("other".to_owned()));
    pools.push(other);
    new.host.pcpu = pcpus(4, 2 * SECOND);
    for pcpu in &mut new.host.pcpu {
        (pcpu.node, pcpu.socket) = (None, None);
    }
    app.take(old);
    app.take(new);
    keys(&mut app, "P");
    let heading = lines(&mut app, 100, 24)[4].clone();
    assert!(heading.ends_with(", Pool-0, other"), "{heading}");
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

#[test]
fn help_scrolls() {
    let mut app = watching(2);
    keys(&mut app, "?");
    let screen = lines(&mut app, 80, 24);
    assert!(screen[5].contains("quit"), "{screen:?}");
    assert!(screen[22].ends_with(" more"), "{screen:?}");
    let whole = lines(&mut app, 80, 60).join("\n");
    assert!(!whole.contains('…'), "{whole}");
    lines(&mut app, 80, 24);
    key(&mut app, KeyCode::End);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[22].contains("skipped"), "{screen:?}");
    keys(&mut app, "q");
    assert!(lines(&mut app, 80, 24)[4].starts_with(" ID NAME"));
}
