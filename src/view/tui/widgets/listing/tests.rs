//! Tests of the panes over all domains.
#![allow(clippy::unwrap_used)]

mod filtering;

use proptest::prelude::*;
use ratatui::crossterm::event::KeyCode;

use super::fit::{Wanted, fit};
use super::things::Listed;
use crate::fixtures::{SECOND, at_work, equipped, stamp, troubled, vcpu};
use crate::sample::{DiskSample, NicSample, PcpuSample, VcpuSample};
use crate::snapshot::{Collect, DiskCounter, NicCounter, Snapshot, VcpuState};
use crate::view::DisplayOptions;
use crate::view::tui::testing::{app, click, key, keys, last, lines, take, watching};
use crate::view::tui::{App, Depth, Settings, Terminal};

/// Returns an app with two samples.
fn of((old, new): (Snapshot, Snapshot)) -> App {
    let mut app = app(Settings::default());
    take(&mut app, old);
    take(&mut app, new);
    app
}

/// Returns the lines of the pane, from the tabs on.
fn pane(app: &mut App, width: u16) -> Vec<String> {
    let mut lines = lines(app, width, 24).split_off(4);
    lines.pop();
    lines
}

/// Returns the beginning of each row: the domain and the device.
fn rows(app: &mut App) -> Vec<String> {
    let lines = pane(app, 80).split_off(2).into_iter();
    let words = lines.map(|line| {
        line.split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" ")
    });
    words.filter(|words| !words.is_empty()).collect()
}

#[test]
fn all_nics() {
    let mut app = of(equipped());
    keys(&mut app, "I");
    let shown = pane(&mut app, 80);
    assert_eq!(
        shown[0],
        " domains  vCPUs  pCPUs [NICs] disks  pressure  events"
    );
    assert_eq!(
        shown[1],
        " ID NAME DEVICE       BACKEND  RX/s▼  TX/s  RXPKT/s  TXPKT/s  RXDROP/s  TXDROP/s"
    );
    assert_eq!(
        shown[2],
        "  5 web  vif9.0       Domain-0 48.0M 16.0K    49152     16.0         ·         ·"
    );
    assert_eq!(
        rows(&mut app),
        ["5 web vif9.0", "9 db vif9.0", "5 web vif9.1"]
    );
}

#[test]
fn all_disks() {
    let mut app = of(equipped());
    keys(&mut app, "X");
    let shown = pane(&mut app, 140);
    assert!(
        shown[1].contains("RDLAT   WRLAT  NO SLOT/s  ERR/s"),
        "{}",
        shown[1]
    );
    assert!(shown[2].contains(" xvda ") && shown[2].contains("tapdisk"));
    assert!(
        shown[2].contains("0.5ms   2.5ms          ·      ·"),
        "{}",
        shown[2]
    );
    assert!(shown[4].contains("qdisk        -     -"), "{}", shown[4]);
}

#[test]
fn all_vcpus() {
    let mut app = of(equipped());
    keys(&mut app, "C");
    let shown = pane(&mut app, 80);
    assert_eq!(rows(&mut app), ["5 web 0", "0 Domain-0 0", "5 web 1"]);
    assert!(!shown[1].contains("READY"), "{}", shown[1]);
    let mut app = of(troubled());
    keys(&mut app, "C");
    let shown = pane(&mut app, 80);
    assert!(shown[1].contains("READY%  THR%"), "{}", shown[1]);
    assert!(shown[2].contains("vCPUs: "), "{}", shown[2]);
}

#[test]
fn pcpus_show_what_runs_and_what_waits() {
    let at = |second: u64| {
        let (mut sample, _) = equipped();
        let waiting = |id, state| crate::snapshot::Vcpu {
            state,
            stamp: stamp(second * SECOND),
            ..vcpu(id, 1, 0)
        };
        sample.domains[2].vcpus = Some(vec![
            waiting(0, VcpuState::Runnable),
            waiting(1, VcpuState::Blocked),
            waiting(2, VcpuState::Runnable),
        ]);
        sample.domains[0].vcpus = Some(Vec::new());
        sample
    };
    let mut app = of((at(1), at(2)));
    keys(&mut app, "U");
    let shown = pane(&mut app, 100);
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&shown[2])[6..9], ["·", "-", "(idle)"], "{}", shown[2]);
    assert_eq!(
        words(&shown[3])[6..10],
        ["2", "5", "web", "0"],
        "{}",
        shown[3]
    );
    assert!(
        shown[4].contains(" - ") && !shown[4].contains("idle"),
        "{}",
        shown[4]
    );
    // The waiting vCPUs of a paused domain wait for no pCPU.
    let mut paused = at(3);
    paused.domains[2].states.paused = true;
    take(&mut app, paused);
    assert_eq!(words(&pane(&mut app, 100)[3])[6], "·");
    keys(&mut app, "j");
    keys(&mut app, "j");
    key(&mut app, KeyCode::Enter);
    assert!(lines(&mut app, 80, 24)[4].starts_with("web (domain 5)"));
}

#[test]
fn tab_goes_through_the_panes() {
    let mut app = watching(3);
    let current = |app: &mut App| {
        let tabs = pane(app, 80)[0].clone();
        tabs.split_once('[')
            .map(|(_, tab)| tab.split_once(']').unwrap().0.to_owned())
    };
    for tab in ["vCPUs", "pCPUs", "NICs", "disks"] {
        key(&mut app, KeyCode::Tab);
        assert_eq!(current(&mut app).as_deref(), Some(tab));
    }
    for (tab, text) in [("pressure", "hurt"), ("events", "nothing has happened")] {
        key(&mut app, KeyCode::Tab);
        assert_eq!(current(&mut app).as_deref(), Some(tab));
        assert!(pane(&mut app, 80)[1].contains(text));
    }
    key(&mut app, KeyCode::Tab);
    assert!(pane(&mut app, 80)[0].starts_with(" ID NAME"));
    // Above the table, there are tabs if there is room, and one can click on them.
    let shown = |app: &mut App| lines(app, 80, 30)[6].clone();
    assert!(shown(&mut app).starts_with("[domains] vCPUs "));
    click(&mut app, 12, 6);
    assert!(shown(&mut app).starts_with(" domains [vCPUs]"));
    click(&mut app, 3, 6);
    assert!(shown(&mut app).starts_with("[domains]"));
    for _ in 0..3 {
        key(&mut app, KeyCode::BackTab);
    }
    assert_eq!(current(&mut app).as_deref(), Some("disks"));
    // A click on a tab, and a key of a pane again, which goes back to the table.
    click(&mut app, 10, 4);
    assert_eq!(current(&mut app).as_deref(), Some("vCPUs"));
    keys(&mut app, "C");
    assert!(pane(&mut app, 80)[0].starts_with(" ID NAME"));
    // The grid of pCPUs is before their list.
    keys(&mut app, "P");
    key(&mut app, KeyCode::Tab);
    assert_eq!(current(&mut app).as_deref(), Some("pCPUs"));
}

#[test]
fn every_column_sorts() {
    let mut app = of(equipped());
    keys(&mut app, "I");
    pane(&mut app, 80);
    keys(&mut app, "r");
    assert_eq!(
        rows(&mut app),
        ["5 web vif9.1", "9 db vif9.0", "5 web vif9.0"]
    );
    keys(&mut app, "2");
    assert_eq!(
        rows(&mut app),
        ["9 db vif9.0", "5 web vif9.0", "5 web vif9.1"]
    );
    keys(&mut app, "2");
    assert_eq!(rows(&mut app)[0], "5 web vif9.0");
    keys(&mut app, "<");
    assert!(pane(&mut app, 80)[1].starts_with("ID▲"));
    keys(&mut app, ">>");
    assert!(pane(&mut app, 80)[1].contains("DEVICE▲"));
    click(&mut app, 39, 5);
    assert!(pane(&mut app, 80)[1].contains("TX/s▼"));
    // The list has columns that are not shown; the sorted one then is.
    keys(&mut app, "s");
    assert!(
        lines(&mut app, 80, 24)
            .iter()
            .any(|line| line.contains("TX/s       bytes the guest sent  sorted, highest first"))
    );
    key(&mut app, KeyCode::End);
    key(&mut app, KeyCode::Enter);
    assert!(pane(&mut app, 80)[1].contains("TXERRS▼"));
    assert_eq!(rows(&mut app)[0], "5 web vif9.0");
    // Each pane has its own order.
    keys(&mut app, "X");
    assert!(pane(&mut app, 80)[1].contains("RD/s▼"));
    keys(&mut app, "I");
    assert!(pane(&mut app, 80)[1].contains("TXERRS▼"));
}

#[test]
fn filter_finds_domains_and_devices() {
    let mut app = of(equipped());
    keys(&mut app, "/web");
    key(&mut app, KeyCode::Enter);
    keys(&mut app, "I");
    assert_eq!(rows(&mut app), ["5 web vif9.0", "5 web vif9.1"]);
    assert!(
        last(&mut app).starts_with("/web (2 of 3)"),
        "{}",
        last(&mut app)
    );
    keys(&mut app, "/");
    crate::view::tui::testing::control(&mut app, 'u');
    keys(&mut app, "f9.1");
    assert_eq!(rows(&mut app), ["5 web vif9.1"]);
    keys(&mut app, "zzz");
    assert_eq!(pane(&mut app, 80)[2], "no match");
    key(&mut app, KeyCode::Enter);
    key(&mut app, KeyCode::Esc);
    assert_eq!(rows(&mut app).len(), 3);
    key(&mut app, KeyCode::Esc);
    assert!(pane(&mut app, 80)[0].starts_with(" ID NAME"));
}

#[test]
fn a_filter_compares_a_rate_before_the_total_of_the_same_name() {
    let (mut old, mut new) = equipped();
    for snapshot in [&mut old, &mut new] {
        let disks = snapshot.domains.iter_mut();
        for disk in disks.flat_map(|domain| domain.disks.iter_mut().flatten()) {
            disk[DiskCounter::OutOfSlots] = Some(9);
        }
    }
    let mut app = of((old, new));
    keys(&mut app, "X/no_slots>0");
    assert_eq!(pane(&mut app, 140)[2], "no match");
    keys(&mut app, "\u{15}no_slots=0");
    assert!(!rows(&mut app).is_empty());
}

#[test]
fn the_way_back_is_kept_under_a_second_page() {
    let mut app = of(troubled());
    keys(&mut app, "X");
    key(&mut app, KeyCode::Enter);
    let first = lines(&mut app, 80, 24)[4].clone();
    keys(&mut app, "w");
    key(&mut app, KeyCode::Enter);
    key(&mut app, KeyCode::Esc);
    keys(&mut app, "w");
    assert_eq!(lines(&mut app, 80, 24)[4], first);
    key(&mut app, KeyCode::Esc);
    assert!(pane(&mut app, 80)[0].contains("[disks]"));
}

#[test]
fn rows_keep_their_places_and_pinned_ones_are_first() {
    let (old, mut new) = equipped();
    let mut app = of((old, new.clone()));
    keys(&mut app, "I");
    let before = ["5 web vif9.0", "9 db vif9.0", "5 web vif9.1"];
    assert_eq!(rows(&mut app), before);
    keys(&mut app, "o");
    assert!(
        last(&mut app).starts_with("order held"),
        "{}",
        last(&mut app)
    );
    // Another one is busiest now, and there is a new one.
    let mut web = new.domains[1].nics.clone().unwrap();
    web[0].stamp.at_ns += SECOND;
    web[1].stamp.at_ns += SECOND;
    *web[1].counters[NicCounter::RxBytes].as_mut().unwrap() += 1 << 40;
    let mut third = web[1].clone();
    third.id = 2;
    third.device = "vif9.2".to_owned();
    web.push(third);
    new.domains[1].nics = Some(web);
    take(&mut app, new);
    let held = [&before[..], &["5 web vif9.2"]].concat();
    assert_eq!(rows(&mut app), held);
    keys(&mut app, "o");
    assert_eq!(rows(&mut app)[0], "5 web vif9.1");
    // A pin holds in the table too, and the other way round.
    keys(&mut app, "jjm");
    let pinned = rows(&mut app)[0].clone();
    assert!(last(&mut app).starts_with("1 pinned  "));
    keys(&mut app, "I");
    let first = lines(&mut app, 80, 24)[5].clone();
    let owner = pinned.split(' ').nth(1).unwrap();
    assert!(first.contains(owner), "{first}: {pinned}");
    keys(&mut app, "U");
    keys(&mut app, "jm");
    assert!(
        last(&mut app).contains("choose the row of a domain"),
        "{}",
        last(&mut app)
    );
}

#[test]
fn devices_of_new_domains_are_marked() {
    let (old, mut new) = equipped();
    let mut app = of((old, new.clone()));
    keys(&mut app, "I");
    assert!(rows(&mut app).iter().all(|row| !row.starts_with('+')));
    let mut mail = new.domains[1].clone();
    mail.id = crate::snapshot::DomId(12);
    mail.uuid = uuid::Uuid::from_u128(12);
    new.domains.push(mail);
    new.domains.sort_by_key(|domain| domain.id);
    take(&mut app, new);
    let rows = rows(&mut app);
    let marked: Vec<_> = rows.iter().filter(|row| row.starts_with('+')).collect();
    assert_eq!(marked, ["+12 web vif9.0", "+12 web vif9.1"]);
}

#[test]
fn only_what_hurts() {
    let mut app = of(troubled());
    keys(&mut app, "IF");
    assert_eq!(rows(&mut app), ["5 db vif9.0"]);
    assert!(
        last(&mut app).starts_with("hurting only (1 of 1)"),
        "{}",
        last(&mut app)
    );
    keys(&mut app, "/web");
    key(&mut app, KeyCode::Enter);
    assert_eq!(pane(&mut app, 80)[2], "no match");
    // The filter is removed first.
    key(&mut app, KeyCode::Esc);
    assert_eq!(rows(&mut app).len(), 1);
    assert!(last(&mut app).starts_with("hurting only"));
    let mut app = watching(3);
    keys(&mut app, "FI");
    assert_eq!(pane(&mut app, 80)[2], "no match");
    key(&mut app, KeyCode::Esc);
    assert_eq!(rows(&mut app).len(), 6);
}

#[test]
fn tab_on_a_page_goes_on_in_the_list_that_it_was_opened_from() {
    let mut app = of(equipped());
    keys(&mut app, "Ij");
    assert!(rows(&mut app)[0].starts_with("5 web"));
    key(&mut app, KeyCode::Enter);
    let title = |app: &mut App| lines(app, 80, 24)[4].clone();
    assert!(title(&mut app).starts_with("web (domain 5)"));
    key(&mut app, KeyCode::Tab);
    let second = title(&mut app);
    assert!(second.starts_with("db (domain 9)"), "{second}");
    // The third NIC is of the first domain again.
    key(&mut app, KeyCode::Tab);
    assert!(title(&mut app).starts_with("web (domain 5)"));
    key(&mut app, KeyCode::Tab);
    assert!(title(&mut app).starts_with("web (domain 5)"));
    key(&mut app, KeyCode::BackTab);
    assert_eq!(title(&mut app), second);
    key(&mut app, KeyCode::Esc);
    assert!(pane(&mut app, 80)[0].contains("[NICs]"));
    let mut app = of(troubled());
    keys(&mut app, "w");
    key(&mut app, KeyCode::Enter);
    assert!(title(&mut app).starts_with("batch (domain 3)"));
    key(&mut app, KeyCode::Tab);
    assert!(title(&mut app).starts_with("mail (domain 4)"));
}

#[test]
fn the_same_key_again_goes_back_to_where_one_was() {
    let mut app = of(equipped());
    for (there, tab) in [("I", "[NICs]"), ("w", "[pressure]"), ("e", "[events]")] {
        keys(&mut app, "X");
        keys(&mut app, there);
        assert!(pane(&mut app, 80)[0].contains(tab));
        keys(&mut app, there);
        assert!(pane(&mut app, 80)[0].contains("[disks]"), "{there}");
        keys(&mut app, "X");
        assert!(pane(&mut app, 80)[0].starts_with(" ID NAME"));
    }
    key(&mut app, KeyCode::Enter);
    let page = lines(&mut app, 80, 24)[4].clone();
    keys(&mut app, "PP");
    assert_eq!(lines(&mut app, 80, 24)[4], page);
    key(&mut app, KeyCode::Esc);
    assert!(pane(&mut app, 80)[0].starts_with(" ID NAME"));
}

#[test]
fn a_row_opens_its_domain_and_back() {
    let mut app = of(equipped());
    keys(&mut app, "Ijj");
    assert!(rows(&mut app)[1].starts_with("9 db"));
    key(&mut app, KeyCode::Enter);
    assert!(pane(&mut app, 80)[0].starts_with("db (domain 9)"));
    key(&mut app, KeyCode::Esc);
    assert!(pane(&mut app, 80)[0].contains("[NICs]"));
    // The same row is chosen.
    key(&mut app, KeyCode::Enter);
    assert!(pane(&mut app, 80)[0].starts_with("db (domain 9)"));
    key(&mut app, KeyCode::Esc);
    keys(&mut app, "w");
    key(&mut app, KeyCode::Enter);
    keys(&mut app, "I");
    click(&mut app, 6, 6);
    key(&mut app, KeyCode::Enter);
    assert!(pane(&mut app, 80)[0].starts_with("web (domain 5)"));
}

#[test]
fn cursor_stays_on_its_device() {
    let mut app = watching(4);
    keys(&mut app, "Ij");
    let chosen = |app: &mut App| {
        key(app, KeyCode::Enter);
        let title = pane(app, 80)[0].clone();
        key(app, KeyCode::Esc);
        title
    };
    assert!(chosen(&mut app).starts_with("guest-3"));
    let (old, mut new) = at_work(4);
    // The NIC of another domain is the busiest, a NIC of its domain goes, and two have one UUID.
    let uuid = new.domains[3].uuid;
    new.stamp = stamp(3 * SECOND);
    for domain in &mut new.domains {
        domain.stamp = new.stamp;
        domain
            .nics
            .iter_mut()
            .flatten()
            .for_each(|nic| nic.stamp = stamp(3 * SECOND));
    }
    new.domains[1].uuid = uuid;
    new.domains[1].nics.as_mut().unwrap()[0][NicCounter::RxBytes] = Some(1 << 40);
    new.domains[3].nics.as_mut().unwrap().truncate(1);
    take(&mut app, new.clone());
    assert!(chosen(&mut app).starts_with("guest-3"));
    // If it is gone, the row in its place is chosen.
    new.stamp = stamp(4 * SECOND);
    new.domains.pop();
    take(&mut app, new);
    assert!(chosen(&mut app).starts_with("guest-"));
    take(&mut app, old);
}

#[test]
fn more_rows_than_lines() {
    let mut app = watching(100);
    keys(&mut app, "I");
    assert!(pane(&mut app, 80)[0].ends_with("rows 1-17 of 200 ↓"));
    keys(&mut app, "G");
    assert!(pane(&mut app, 80)[0].ends_with("rows 184-200 of 200 ↑"));
    keys(&mut app, "kkkkkkkkkkkkkkkkkkkk");
    assert!(pane(&mut app, 80)[0].ends_with("rows 180-196 of 200 ↑↓"));
    let wide = lines(&mut app, 80, 300);
    assert!(wide[6].ends_with("events"), "{}", wide[6]);
}

#[test]
fn what_is_missing_follows() {
    let mut app = watching(3);
    assert!(!app.collect().vcpus);
    keys(&mut app, "C");
    assert!(app.collect().vcpus && !app.collect().state_times);
    assert!(last(&mut app).starts_with("vCPUs: with the next sample"));
    assert_eq!(pane(&mut app, 80)[2], "vCPUs: with the next sample");
    let needs = |app: &mut App, width| {
        lines(app, width, 24);
        app.collect()
    };
    keys(&mut app, "X");
    let errors =
        Collect::NOTHING.with_disk_counters(&[crate::snapshot::DiskCounter::FlushRequests]);
    assert!(
        !needs(&mut app, 80).covers(errors),
        "only for what is shown"
    );
    assert!(needs(&mut app, 200).covers(errors));
    keys(&mut app, "U");
    assert!(needs(&mut app, 80).host);
}

#[test]
fn names_from_outside_are_harmless() {
    let (mut old, mut new) = equipped();
    for snapshot in [&mut old, &mut new] {
        let domain = &mut snapshot.domains[1];
        domain.name = Some("a\u{1b}[2J\u{202e}漢字漢字漢字漢字漢字漢字漢字".into());
        domain.nics.as_mut().unwrap()[0].device = "v\u{1b}[31m\n".to_owned();
    }
    let mut app = of((old, new));
    keys(&mut app, "I");
    let shown = pane(&mut app, 80);
    assert!(shown[2].contains("a\\u{1b}[2J"), "{}", shown[2]);
    assert!(shown[2].contains(" v\\u{1b}[31m… "), "{}", shown[2]);
    let at = |line: &str| crate::text::columns(line.split_once("48.0M").unwrap().0);
    assert_eq!(at(&shown[2]), shown[1].find("RX/s").unwrap());
}

#[test]
fn small_and_plain_terminals() {
    for typed in ["C", "U", "I", "X", "Is"] {
        for width in 0..30 {
            for height in 0..10 {
                let mut app = of(equipped());
                keys(&mut app, typed);
                lines(&mut app, width, height);
                keys(&mut app, "jr>");
                lines(&mut app, width, height);
            }
        }
        let plain = Terminal {
            depth: Depth::None,
            unicode: false,
        };
        let mut app = App::new(Settings::default(), DisplayOptions::default(), plain);
        let (old, new) = equipped();
        take(&mut app, old);
        take(&mut app, new);
        keys(&mut app, typed);
        let mut screen = lines(&mut app, 200, 24);
        screen.pop();
        let screen = screen.join("\n");
        assert!(screen.is_ascii() && !screen.contains('?'), "{screen}");
    }
    let mut app = of(equipped());
    keys(&mut app, "I");
    let screen = lines(&mut app, 20, 5);
    assert_eq!(
        screen[1..3],
        ["NAME DEVICE    RX/s▼", "web  vif9.0    48.0M"],
        "{screen:?}"
    );
}

#[test]
fn every_column_has_its_figure() {
    // A column whose field is renamed would be left out.
    let counts = [
        NicSample::columns().len(),
        DiskSample::columns().len(),
        VcpuSample::columns().len(),
        PcpuSample::columns().len(),
    ];
    assert_eq!(counts, [19, 19, 15, 12]);
}

proptest! {
    #[test]
    fn columns_fit_in_order(
        columns in prop::collection::vec((1_u16..12, 0_u16..12, 0_u8..6), 1..20),
        width in 0_u16..200,
    ) {
        let wanted: Vec<Wanted> = columns
            .iter()
            .enumerate()
            .map(|(index, &(least, more, priority))| Wanted { index, widths: (least, least + more), priority })
            .collect();
        let slots = fit(&wanted, width);
        let mut next = 0;
        for &(index, x, wide) in &slots {
            prop_assert_eq!(x, next);
            next += wide + 1;
            prop_assert!(wide <= wanted[index].widths.1);
            // Those of the same priority are all there.
            let same = |one: &&Wanted| one.priority == wanted[index].priority;
            let is_there = |one: &Wanted| slots.iter().any(|slot| slot.0 == one.index);
            prop_assert!(wanted.iter().filter(same).all(is_there));
        }
        prop_assert!(next <= width + 1 || slots.is_empty());
    }
}

#[test]
fn pcpus_are_not_limited_by_what_ran_there() {
    let mut app = watching(12);
    lines(&mut app, 100, 24);
    keys(&mut app, "U");
    let shown = |app: &mut App| lines(app, 100, 24);
    let before = shown(&mut app);
    key(&mut app, KeyCode::Esc);
    keys(&mut app, "FU");
    let pcpus = |screen: &[String]| -> Vec<String> { screen[6..8].to_vec() };
    assert_eq!(pcpus(&shown(&mut app)), pcpus(&before));
}
