//! Tests of the page of a domain.
#![allow(clippy::unwrap_used)]

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::{SECOND, at_work, troubled, vcpu};
use crate::snapshot::{DiskCounter, ShutdownReason, Vcpu};
use crate::view::tui::testing::{app, key, lines, take};
use crate::view::tui::{Column, Settings};

#[test]
fn page_has_all_parts() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        let mut vcpu = vcpu(0, 1, snapshot.stamp.at_ns / 2);
        vcpu.stamp = snapshot.stamp;
        snapshot.domains[2].vcpus = Some(vec![vcpu]);
    }
    new.domains[2].states.shutdown = Some(ShutdownReason::Crash);
    take(&mut app, old);
    take(&mut app, new);
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
    assert!(lines(&mut app, 100, 39)[6].starts_with("guest-1"));
    take(&mut app, at_work(1).1);
    assert!(lines(&mut app, 100, 39)[6].starts_with("domain 1 is gone"));
    key(&mut app, KeyCode::Esc);
    assert!(lines(&mut app, 100, 39)[8].contains(" 0 Domain-0"));
    assert_eq!(app.collect().focus, None);
}

#[test]
fn each_vcpu_has_its_ready_time_while_that_is_measured() {
    for traced in [true, false] {
        let mut app = app(Settings::default());
        let (mut old, mut new) = troubled();
        for snapshot in [&mut old, &mut new] {
            snapshot.collected.state_times = traced;
            let web = &mut snapshot.domains[1];
            web.vcpus = Some(vec![Vcpu {
                state_times: web.state_times,
                stamp: web.stamp,
                ..vcpu(0, 1, web.cpu_time_ns)
            }]);
        }
        take(&mut app, old);
        take(&mut app, new);
        key(&mut app, KeyCode::Enter);
        let page = lines(&mut app, 120, 39);
        let of_vcpu = page.iter().position(|line| line.starts_with("VCPU "));
        let [titles, figures] = [0, 1].map(|nth| &page[of_vcpu.unwrap() + nth]);
        assert_eq!(titles.contains("READY %  THR %"), traced, "{titles}");
        assert_eq!(figures.contains(" 30.0 "), traced, "{figures}");
    }
}

#[test]
fn page_fits_80_by_24() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(3);
    for snapshot in [&mut old, &mut new] {
        let vcpus = (0..2).map(|id| vcpu(id, id, snapshot.stamp.at_ns / 2));
        let domain = &mut snapshot.domains[2];
        domain.vcpus = Some(vcpus.collect());
        domain.cpu_time_ns += 12_345_678_900_000_000;
        (domain.vcpus_online, domain.vcpus_max) = (2, 128);
        domain.disks.as_mut().unwrap()[0][DiskCounter::Errors] = Some(0);
    }
    take(&mut app, old);
    take(&mut app, new);
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
        "LATENCY  NO SLOT/s  ERRORS",
        "DROP/s  DROPS  ERRORS",
    ] {
        assert!(whole.contains(heading), "{whole}");
    }
    let mut cut = whole.lines().filter(|line| line.contains('…'));
    assert!(
        cut.all(|line| line.contains("ERRORS")),
        "only columns after those are cut: {whole}"
    );
}

#[test]
fn what_hurts_is_not_cut_at_80_columns() {
    let mut app = app(Settings {
        sort: Column::ID,
        descending: true,
        ..Settings::default()
    });
    let (mut old, mut new) = troubled();
    for snapshot in [&mut old, &mut new] {
        let db = &mut snapshot.domains[4];
        db.vcpus = Some(vec![Vcpu {
            state_times: db.state_times,
            hard_affinity: Some((0..64).step_by(2).collect()),
            soft_affinity: Some((0..64).step_by(2).collect()),
            stamp: db.stamp,
            ..vcpu(0, 1, db.cpu_time_ns)
        }]);
    }
    take(&mut app, old);
    take(&mut app, new);
    key(&mut app, KeyCode::Enter);
    let page = lines(&mut app, 80, 39);
    let below = |title: &str| {
        let at = page.iter().position(|line| line.starts_with(title));
        [0, 1].map(|nth| page[at.unwrap() + nth].clone())
    };
    let [titles, vcpu] = below("VCPU ");
    assert!(
        titles.contains("CPU %  READY %  THR %  WAITS/S  LONGEST"),
        "{titles}"
    );
    assert!(vcpu.contains(" 10.0 "), "{vcpu}");
    let [titles, disk] = below("DISK ");
    assert!(titles.contains("NO SLOT/s  ERRORS"), "{titles}");
    assert!(disk.contains("-/- ms       40.0       -"), "{disk}");
    let [titles, nic] = below("NIC ");
    assert!(titles.contains("DROP/s  DROPS  ERRORS"), "{titles}");
    assert!(nic.contains("3.0/0.0    9/0     0/0"), "{nic}");
    // The number of lines below has a line of its own.
    let page = lines(&mut app, 80, 20);
    assert!(page[18].trim().ends_with(" more"), "{page:?}");
    assert!(!page[18].trim().contains("  "), "{page:?}");
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
        take(&mut app, snapshot);
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
    // The table and the header show the same histories.
    key(&mut app, KeyCode::Esc);
    let screen = lines(&mut app, 80, 24);
    assert!(screen[1].ends_with("▆█"), "{}", screen[1]);
    assert!(
        screen.iter().any(|line| line.contains(" ▆▁ ")),
        "{screen:?}"
    );
}

#[test]
fn a_flat_chart_has_one_line() {
    let mut app = app(Settings::default());
    let (old, mut new) = at_work(3);
    for snapshot in [&old, &new] {
        take(&mut app, snapshot.clone());
    }
    new.domains[2].memory_bytes /= 2;
    key(&mut app, KeyCode::Enter);
    let below_memory = |app: &mut crate::view::tui::App| {
        let page = lines(app, 100, 60).into_iter();
        let mut page = page.skip_while(|line| !line.contains(" most 128M"));
        page.nth(1).unwrap()
    };
    assert!(below_memory(&mut app).starts_with("disk "));
    new.stamp.at_ns += SECOND;
    take(&mut app, new);
    assert!(below_memory(&mut app).starts_with("    "));
}

#[test]
fn claimed_and_paged_memory_is_shown() {
    let mut app = app(Settings::default());
    let mut new = at_work(2).1;
    new.domains[1].memory_claimed_bytes = 3 << 20;
    new.domains[1].memory_paged_bytes = 5 << 20;
    take(&mut app, new);
    key(&mut app, KeyCode::End);
    key(&mut app, KeyCode::Enter);
    assert_eq!(
        lines(&mut app, 140, 39)[10],
        "memory     128M used, ceiling 129M, target 128M, maximum 256M, 3.0M claimed, 5.0M paged out"
    );
}
