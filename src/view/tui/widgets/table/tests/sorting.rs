//! Tests of the sort order.
#![allow(clippy::unwrap_used)]

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::{at_work, equipped};
use crate::snapshot::{DiskCounter, DomainType, NicCounter, ShutdownReason, StateFlags};
use crate::view::tui::cells::Key;
use crate::view::tui::testing::{column, ids, key, keys, lines, take, watching};
use crate::view::tui::{Column, Settings, testing};

/// Returns the columns laid out by hand.
fn laid_out() -> impl Iterator<Item = Column> {
    Column::all().take(column("uuid").index() + 1)
}

#[test]
fn the_sorted_column_is_shown_or_said_to_be_unknown() {
    let sorted = |key: &str, traced: bool| {
        let mut app = testing::app(Settings {
            sort: column(key),
            ..Settings::default()
        });
        let (mut old, mut new) = crate::fixtures::troubled();
        for snapshot in [&mut old, &mut new] {
            snapshot.collected.state_times = traced;
        }
        take(&mut app, old);
        take(&mut app, new);
        let screen = lines(&mut app, 80, 24);
        (screen[4].clone(), screen[23].clone())
    };
    let (titles, _) = sorted("cpu_time", false);
    assert!(titles.contains(" TIME▼"), "{titles}");
    let (titles, _) = sorted("lost", true);
    assert!(titles.contains(" LOST▼"), "{titles}");
    let (titles, line) = sorted("lost", false);
    assert!(!titles.contains('▼'), "{titles}");
    assert!(
        line.starts_with("sorted by LOST %, which is not known here  ?"),
        "{line}"
    );
}

#[test]
fn every_column_sorts() {
    let mut app = watching(5);
    lines(&mut app, 80, 24);
    assert_eq!(ids(&app), [4, 3, 2, 1, 0]);
    keys(&mut app, "r");
    assert_eq!(ids(&app), [0, 1, 2, 3, 4]);
    keys(&mut app, "2");
    assert_eq!(app.settings().sort, Column::NAME);
    assert_eq!(ids(&app), [0, 1, 2, 3, 4]);
    keys(&mut app, "2");
    assert_eq!(ids(&app), [4, 3, 2, 1, 0]);
    keys(&mut app, "S");
    assert_eq!(app.settings().sort, column("vcpus"));
    keys(&mut app, "<<<");
    assert_eq!(app.settings().sort, Column::WHY);
    for (place, column) in Column::all().enumerate() {
        keys(&mut app, "s");
        key(&mut app, KeyCode::Home);
        for _ in 0..place {
            key(&mut app, KeyCode::Down);
        }
        key(&mut app, KeyCode::Enter);
        assert_eq!(app.settings().sort, column);
        assert_eq!(app.settings().descending, column.descends());
        // Choosing the sorted column keeps its order.
        keys(&mut app, "s");
        key(&mut app, KeyCode::Enter);
        assert_eq!(app.settings().descending, column.descends());
        assert_eq!(ids(&app).len(), 5);
    }
}

#[test]
fn digits_count_shown_columns() {
    let mut app = watching(5);
    let titles = lines(&mut app, 40, 24)[4].clone();
    assert!(titles.trim_start().starts_with("ID NAME"), "{titles}");
    keys(&mut app, "3");
    assert_eq!(app.settings().sort, Column::CPU);
    keys(&mut app, "4");
    assert_eq!(app.settings().sort, column("memory"));
    keys(&mut app, "9");
    assert_eq!(
        app.settings().sort,
        column("memory"),
        "there is no ninth column"
    );
    keys(&mut app, "c");
    for _ in 0..column("uuid").index() {
        keys(&mut app, "j");
    }
    key(&mut app, KeyCode::Enter);
    assert_eq!(
        lines(&mut app, 40, 24)[23],
        "sorted by UUID, which is not shown"
    );
}

#[test]
fn columns_have_their_own_order() {
    let mut new = at_work(4).1;
    let mut old = at_work(4).0;
    let order = |column: Column| -> Vec<u16> {
        // Few columns sort the four domains in the same order.
        let mut left = vec![0, 1, 2, 3];
        let mut place = (column.index() + 1) % 24;
        let mut order = Vec::new();
        for count in [6, 2, 1, 1] {
            order.push(left.remove(place / count));
            place %= count;
        }
        order
    };
    let rank = |column: Column, id: u16| {
        let place = order(column).iter().position(|&one| one == id).unwrap();
        1 + place as u64
    };
    for (domain, before) in new.domains.iter_mut().zip(&mut old.domains) {
        let of = |column| rank(column, domain.id.0);
        domain.name = Some(["a", "B", "c", "D"][of(Column::NAME) as usize - 1].into());
        domain.vcpus_online = of(column("vcpus")) as u32;
        domain.memory_bytes = of(column("memory")) << 20;
        domain.memory_target_bytes = Some(domain.memory_bytes + (of(column("memory_short")) << 25));
        domain.memory_max_bytes = match of(column("memory_max")) {
            4 => None,
            rank => Some(rank << 30),
        };
        domain.pool = of(column("pool")) as u32;
        let uuid = uuid::Uuid::from_u128(u128::from(of(column("uuid"))));
        (domain.uuid, before.uuid) = (uuid, uuid);
        // Little CPU time is from the last second, so CPU time and CPU use sort differently.
        let used = of(Column::CPU) * 1_000_000;
        domain.cpu_time_ns = of(column("cpu_time")) * 1_000_000_000;
        before.cpu_time_ns = domain.cpu_time_ns - used;
        before.vcpus_online = domain.vcpus_online;
        let (nics, disks) = (
            domain.nics.as_mut().unwrap(),
            domain.disks.as_mut().unwrap(),
        );
        let (nics_before, disks_before) = (
            before.nics.as_mut().unwrap(),
            before.disks.as_mut().unwrap(),
        );
        for (nic, before) in nics.iter_mut().zip(nics_before) {
            (before[NicCounter::RxBytes], before[NicCounter::TxBytes]) = (Some(0), Some(0));
            nic[NicCounter::RxBytes] = Some(rank(column("net_received"), domain.id.0) << 20);
            nic[NicCounter::TxBytes] = Some(rank(column("net_sent"), domain.id.0) << 10);
            before[NicCounter::RxDrops] = Some(0);
            nic[NicCounter::RxDrops] = Some(rank(column("drops"), domain.id.0));
        }
        for (disk, before) in disks.iter_mut().zip(disks_before) {
            (
                before[DiskCounter::ReadBytes],
                before[DiskCounter::WriteBytes],
            ) = (Some(0), Some(0));
            (
                before[DiskCounter::ReadRequests],
                before[DiskCounter::WriteRequests],
            ) = (Some(0), Some(0));
            before[DiskCounter::OutOfSlots] = Some(0);
            disk[DiskCounter::OutOfSlots] = Some(rank(column("no_slots"), domain.id.0));
            disk[DiskCounter::ReadBytes] = Some(rank(column("disk_read"), domain.id.0) << 20);
            disk[DiskCounter::WriteBytes] = Some(rank(column("disk_written"), domain.id.0) << 10);
            disk[DiskCounter::ReadRequests] = Some(rank(column("disk_reads"), domain.id.0) * 1000);
            disk[DiskCounter::WriteRequests] = Some(rank(column("disk_writes"), domain.id.0) * 10);
        }
    }
    let mut kinds = [DomainType::Hvm, DomainType::Pv, DomainType::Pvh].into_iter();
    for id in &order(column("type"))[..3] {
        new.domains[usize::from(*id)].kind = kinds.next().unwrap();
    }
    // blocked, crashed, dying, paused
    let states = order(Column::STATE);
    for domain in &mut new.domains {
        domain.states = StateFlags::default();
        match states.iter().position(|&id| id == domain.id.0).unwrap() {
            0 => domain.states.blocked = true,
            1 => domain.states.shutdown = Some(ShutdownReason::Crash),
            2 => domain.states.dying = true,
            _ => domain.states.paused = true,
        }
    }
    let (kinds, cpu) = (order(column("type")), order(Column::CPU));
    let share = |id: &u16| {
        let one = &new.domains[usize::from(*id)];
        rank(Column::CPU, *id) * 12 / u64::from(one.vcpus_online)
    };
    let mut of_vcpus = cpu.clone();
    of_vcpus.sort_by_key(share);
    let mut app = testing::app(Settings {
        columns: Column::all().collect(),
        sort: Column::ID,
        descending: false,
        ..Settings::default()
    });
    take(&mut app, old);
    take(&mut app, new);
    let mut seen = std::collections::HashSet::new();
    for sorted in laid_out() {
        if app.settings().sort != sorted {
            app.sort_by(sorted);
        }
        if app.settings().descending {
            keys(&mut app, "r");
        }
        let expected = match sorted {
            Column::ID => vec![0, 1, 2, 3],
            Column::CPU_OF_VCPUS | Column::CPU_BAR | Column::CPU_HISTORY => of_vcpus.clone(),
            _ if sorted == column("memory_share") => order(column("memory")),
            // The fourth domain has the type of another one, so the two are in order of ID.
            _ if sorted == column("type") => {
                let mut ids = kinds.clone();
                ids[2..].sort_unstable();
                ids
            }
            // Unknown without a trace.
            Column::READY | Column::THROTTLED | Column::LOST => vec![0, 1, 2, 3],
            // All have drops and no slots. Only the one that is blocked can be short of memory, and one has crashed.
            Column::WHY => {
                let lost = |id: u16| rank(column("no_slots"), id).max(rank(column("drops"), id));
                let mut ids = vec![0, 1, 2, 3];
                ids.sort_by_key(|&id| (id == states[1], id == states[0], lost(id)));
                ids
            }
            _ if [column("cpu_mean"), column("cpu_peak")].contains(&sorted) => order(Column::CPU),
            _ => order(sorted),
        };
        assert_eq!(ids(&app), expected, "{sorted:?}");
        seen.insert(expected);
    }
    assert!(seen.len() >= 16, "most orders are different");
}

#[test]
fn every_figure_sorts() {
    let (old, new) = equipped();
    let mut app = testing::app(Settings::default());
    take(&mut app, old);
    take(&mut app, new);
    for sorted in Column::all() {
        if app.settings().sort != sorted {
            app.sort_by(sorted);
        }
        let descending = app.settings().descending;
        let rows = app.widgets.table.rows().to_vec();
        let (context, _) = app.parts();
        let of = |&row: &usize| Key::of(sorted, context.row(row).unwrap());
        let in_order: Vec<Key> = rows.iter().map(of).collect();
        assert!(
            in_order.is_sorted_by(|a, b| a.compare(b, descending).is_le()),
            "{sorted:?}: {in_order:?}"
        );
    }
}
