#![allow(clippy::unwrap_used, clippy::panic)]

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::events::{Change, Event};
use crate::feed::{Feed, Recorded};
use crate::fixtures::{SECOND, boot, domain, snapshot};
use crate::snapshot::{Domain, ShutdownReason, Snapshot};

/// A name that tries to get out of its place.
const HOSTILE: &str = "</td></svg><script>alert(1)</script>\x1b[2J&\"'";

/// Returns a snapshot of this second. `web` uses half a pCPU, and one and a half in the second minute.
fn at(second: u64) -> Snapshot {
    let at_ns = second * SECOND;
    let used = |share: f64, from: u64| (second.saturating_sub(from) as f64 * share * 1e9) as u64;
    let web = used(0.5, 0) + used(1.0, 60).min(60 * SECOND);
    let mut domains = vec![
        domain(0, "Domain-0", at_ns, used(0.1, 0)),
        domain(1, "web", at_ns, web),
        domain(2, HOSTILE, at_ns, used(0.2, 0)),
    ];
    // It lacks memory for a while.
    if (100..=130).contains(&second) {
        domains[1].memory_target_bytes = Some(192 << 20);
    }
    // It is rebuilt under another ID.
    if second >= 150 {
        let again = Domain {
            uuid: domains[2].uuid,
            ..domain(7, HOSTILE, at_ns, used(0.4, 150))
        };
        domains[2] = again;
    }
    let mut snapshot = snapshot(at_ns, at_ns / 4, domains);
    let start = Timestamp::from_second(1_764_300_000).unwrap();
    snapshot.time = start + SignedDuration::from_secs(second as i64);
    snapshot.boot = boot(1);
    snapshot
}

fn report(seconds: impl Iterator<Item = u64>, wanted: &[&str]) -> Report {
    report_of(seconds.map(at).collect(), wanted)
}

fn report_of(snapshots: Vec<Snapshot>, wanted: &[&str]) -> Report {
    report_between((Timestamp::MIN, Timestamp::MAX), snapshots, wanted)
}

fn report_between(
    span: (Timestamp, Timestamp),
    snapshots: Vec<Snapshot>,
    wanted: &[&str],
) -> Report {
    let mut feed = Recorded::new(snapshots).between(Some(span.0), Some(span.1));
    let first = feed.next().unwrap().unwrap();
    let wanted = wanted.iter().map(|word| word.parse().unwrap()).collect();
    let mut report = Report::new(&first, feed.before(), span, wanted);
    while let Some(pair) = feed.next().unwrap() {
        report.add(&pair);
    }
    report.finish(feed.left_out());
    report
}

fn named<'a>(report: &'a Report, name: &str) -> &'a Course {
    let mut domains = report.domains();
    domains
        .find(|course| course.name.as_deref() == Some(name))
        .unwrap()
}

#[test]
fn figures_are_means_of_columns() {
    let report = report(0..=200, &[]);
    let cpu = &named(&report, "web").figures[Figure::Cpu];
    assert_eq!(report.axis().columns(), 201);
    assert!(
        (cpu.at(30).unwrap() - 50.0).abs() < 0.01 && (cpu.at(90).unwrap() - 150.0).abs() < 0.01
    );
    assert!(
        (cpu.mean().unwrap() - 80.0).abs() < 0.01,
        "{:?}",
        cpu.mean()
    );
    let order: Vec<_> = report
        .most(Figure::Cpu)
        .iter()
        .map(|course| name(&report, course))
        .collect();
    assert_eq!(order[0], "web");
    // The first half under one ID, the rest under another.
    let hostile = named(&report, HOSTILE);
    assert_eq!(hostile.id.0, 7);
    let cpu = &hostile.figures[Figure::Cpu];
    assert!(
        (cpu.at(20).unwrap() - 20.0).abs() < 0.01 && (cpu.at(180).unwrap() - 40.0).abs() < 0.01
    );
    // Its first second has no sample before it.
    assert_eq!(cpu.at(149), None);
}

#[test]
fn a_recording_that_paused_has_the_mean_of_the_pause() {
    let report = report((0..=40).chain(90..=120), &[]);
    let cpu = &named(&report, "web").figures[Figure::Cpu];
    // 20 s of one and 30 s of the other.
    let mean = (20.0 * 50.0 + 30.0 * 150.0) / 50.0;
    assert!(
        (cpu.at(70).unwrap() - mean).abs() < 0.01,
        "{:?}",
        cpu.at(70)
    );
}

#[test]
fn who_suffered_is_listed_with_the_reason_and_for_how_long() {
    let report = report(0..=200, &[]);
    let names: Vec<String> = report
        .sufferers()
        .iter()
        .map(|course| name(&report, course))
        .collect();
    assert_eq!(names, ["web"]);
    let page = page(&report, &TimeZone::UTC);
    assert!(
        page.contains("memory 64.0M below its target of 192M"),
        "{page}"
    );
    assert!(page.contains(">31 s<"), "{page}");
}

/// It lacks memory in the seconds 100 to 130.
#[test]
fn who_suffered_suffered_within_the_span() {
    // The last one paused in the seconds before 125, from before the span on.
    for (until, pause, lasted) in [(119, 0..0, "9 s"), (200, 106..125, "7 s")] {
        let span = [110, until].map(|second| at(second).time);
        let recorded = (0..=200).filter(|second| !pause.contains(second)).map(at);
        let mut feed = Recorded::new(recorded.collect()).between(Some(span[0]), Some(span[1]));
        let first = feed.next().unwrap().unwrap();
        let mut report = Report::new(&first, feed.before(), span.into(), Vec::new());
        while let Some(pair) = feed.next().unwrap() {
            report.add(&pair);
        }
        let page = page(&report, &TimeZone::UTC);
        assert!(page.contains(&format!(">{lasted}<")), "{lasted}: {page}");
    }
}

/// `web` lacks 64 MiB of 192 for 30 s, and 128 of 256 in the last second.
#[test]
fn how_bad_it_was_is_a_mean_and_the_worst_has_its_time() {
    let set = |second: u64| {
        let mut snapshot = at(second);
        if second == 130 {
            snapshot.domains[1].memory_target_bytes = Some(256 << 20);
        }
        snapshot
    };
    let page = page(
        &report_of((0..=200).map(set).collect(), &[]),
        &TimeZone::UTC,
    );
    let row = "<td><div class=\"name\">web</div></td><td class=\"n\">31 s</td>\
               <td>memory 66.1M below its target of 194M</td>\
               <td class=\"n\">128M</td><td class=\"t\">Nov 28 03:22:10</td>";
    assert!(page.contains(row), "{page}");
}

#[test]
fn the_first_samples_of_a_recorder_shorten_nothing() {
    let mut snapshots: Vec<Snapshot> = (0..=200).map(at).collect();
    // The second sample follows the first within a quarter of a second.
    let mut early = at(0);
    early.time += SignedDuration::from_millis(250);
    early.stamp.at_ns += SECOND / 4;
    for domain in &mut early.domains {
        domain.stamp.at_ns += SECOND / 4;
    }
    snapshots.insert(1, early);
    let page = page(&report_of(snapshots, &[]), &TimeZone::UTC);
    assert!(page.contains(">31 s<"), "{page}");
}

#[test]
fn a_domain_that_xapi_tears_down_stays_one() {
    let mut feed = Recorded::new(
        (0..10)
            .map(|second| {
                let mut snapshot = at(second);
                if second > 5 {
                    let web = &mut snapshot.domains[1];
                    web.first_uuid = Some(web.uuid);
                    web.uuid = uuid::Uuid::from_u128(0xdead_beef);
                }
                snapshot
            })
            .collect(),
    );
    let first = feed.next().unwrap().unwrap();
    let mut report = Report::new(&first, None, (Timestamp::MIN, Timestamp::MAX), Vec::new());
    while let Some(pair) = feed.next().unwrap() {
        report.add(&pair);
    }
    assert_eq!(report.domains().count(), 3);
}

#[test]
fn a_report_can_be_of_some_domains() {
    let report = report(0..=200, &["web"]);
    assert_eq!(report.domains().count(), 1);
    let (events, _) = report.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(
        events
            .iter()
            .all(|event| event.name.as_deref() == Some("web"))
    );
    let text = page(&report, &TimeZone::UTC);
    for words in [
        "<title>xenscope report of web, ",
        "Only of: <b>web</b>",
        " 1 domain. A point",
        "pCPUs of the whole host",
        "The audit of the whole host",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let quiet = page(&self::report(0..=50, &["web"]), &TimeZone::UTC);
    assert!(quiet.contains("None of these domains did") && quiet.contains("had any"));
    let of_all = page(&self::report(0..=50, &[]), &TimeZone::UTC);
    assert!(!of_all.contains("Only of") && of_all.contains("No domain did"));
}

#[test]
fn a_boot_of_the_host_before_the_first_sample_of_the_span_is_listed() {
    let set = |second: u64| {
        let mut snapshot = at(second);
        snapshot.boot = boot(if second < 50 { 1 } else { 2 });
        snapshot
    };
    let taken = |second| (0..=second).chain(50..=60).map(set).collect();
    let span = [45, 60].map(|second| at(second).time);
    for snapshots in [taken(40), taken(49)] {
        let mut feed = Recorded::new(snapshots).between(Some(span[0]), Some(span[1]));
        let first = feed.next().unwrap().unwrap();
        let mut report = Report::new(&first, feed.before(), span.into(), Vec::new());
        while let Some(pair) = feed.next().unwrap() {
            report.add(&pair);
        }
        let (events, _) = report.events();
        let booted = |event: &&Event| matches!(event.change, Change::HostBooted { .. });
        assert_eq!(events.iter().filter(booted).count(), 1);
        assert_eq!(events.len(), 4, "{events:?}");
    }
}

#[test]
fn events_are_listed_and_marked() {
    let report = report(0..=200, &[]);
    let page = page(&report, &TimeZone::UTC);
    assert!(page.contains("<td>destroyed</td>") && page.contains("<td>created</td>"));
    assert!(page.contains("and boots of the host."));
    assert!(page.contains("stroke=\"#040000\""));
}

/// The host was booted with a clock of 1970, and one of 2099, before, within and after the span.
#[test]
fn samples_of_a_wrong_clock_are_left_out_and_counted() {
    let span = [0, 200].map(|second| at(second).time);
    for wrong in ["1970-01-01T00:00:03Z", "2099-01-01T00:00:00Z"] {
        let set = |second: u64| {
            let mut snapshot = at(second);
            if matches!(second, 0..5 | 100..107 | 190..) {
                snapshot.time = wrong.parse().unwrap();
            }
            snapshot
        };
        let report = report_between(span.into(), (0..=200).map(set).collect(), &[]);
        assert_eq!((report.samples(), report.left_out()), (178, 7));
        let axis = report.axis();
        assert_eq!((axis.column_seconds(), axis.columns()), (1.0, 186));
        let cpu = &named(&report, "web").figures[Figure::Cpu];
        assert!((cpu.at(5).unwrap() - 50.0).abs() < 0.01, "{wrong}");
        // Their time is unknown, and the clock for rates was never wrong.
        assert_eq!((cpu.at(97), cpu.at(102).is_some()), (None, true));
        let page = page(&report, &TimeZone::UTC);
        assert!(page.contains("7 samples are left out: by their clock"));
    }
}

/// The clock was ahead by 100 s at first, which is within the span.
#[test]
fn a_clock_that_is_set_back_within_the_span_costs_nothing() {
    let set = |second: u64| {
        let mut snapshot = at(second);
        let ahead = if second < 50 { 100 } else { 0 };
        snapshot.time += SignedDuration::from_secs(ahead);
        snapshot
    };
    let span = [0, 300].map(|second| at(second).time);
    let report = report_between(span.into(), (0..=120).map(set).collect(), &[]);
    assert_eq!((report.samples(), report.left_out()), (121, 0));
    let axis = report.axis();
    assert_eq!((axis.begin(), report.end()), (at(49).time, at(149).time));
    let cpu = &named(&report, "web").figures[Figure::Cpu];
    let means = [0, 50, 60, 98].map(|column| cpu.at(column).unwrap().round());
    assert_eq!((axis.columns(), means), (101, [50.0, 150.0, 100.0, 50.0]));
}

/// A guest whose memory target changes each second crashes at the end.
#[test]
fn a_crash_is_listed_and_marked_although_much_else_happened_before() {
    let ballooning = |second: u64| {
        let mut snapshot = at(second);
        snapshot.domains[1].memory_target_bytes = Some((64 + second % 2) << 20);
        if second == 3000 {
            snapshot.domains[0].states.shutdown = Some(ShutdownReason::Crash);
        }
        snapshot
    };
    let report = report_of((0..=3000).map(ballooning).collect(), &[]);
    let (events, left_out) = report.events();
    assert!(events.iter().any(|event| event.change == Change::Crashed));
    assert_eq!((left_out.marks, left_out.others), (0, 2602));
    let page = page(&report, &TimeZone::UTC);
    assert!(page.contains("<td>crashed</td>") && page.contains("and 2602 more: see"));
    // Two events at the second 150, when a domain was rebuilt, and the crash.
    assert_eq!(marks(&report).len(), 3);
}

#[test]
fn nothing_in_the_page_runs_or_is_loaded() {
    let page = page(&report(0..=200, &[]), &TimeZone::UTC);
    let lower = page.to_lowercase();
    for wrong in [
        "<script", "\x1b", "href=", "src=", "url(", "@import", "onload", "</svg><s",
    ] {
        assert!(!lower.contains(wrong), "{wrong}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    // A drawing is a part of the page, so it has no declaration of its own.
    assert!(!page.contains("<?xml"));
}

#[test]
fn what_was_not_recorded_is_said() {
    let page = page(&report(0..=20, &[]), &TimeZone::UTC);
    assert!(page.contains("Ready time was not recorded"));
    assert!(page.contains("No domain has disks whose counters dom0 knows."));
}

/// Of 12 domains, some have most CPU use and others most memory.
#[test]
fn no_two_bands_of_a_chart_have_the_same_colour() {
    let set = |second: u64| {
        let mut snapshot = at(second);
        snapshot.domains = (1..=12)
            .map(|id| {
                let used = second * SECOND / 20 * u64::from(id);
                let mut one = domain(id, &format!("guest-{id}"), second * SECOND, used);
                one.uuid = uuid::Uuid::from_u128(u128::from(id));
                one.memory_bytes = u64::from(13 - id) << 20;
                one
            })
            .collect();
        snapshot
    };
    let report = report_of((0..=5).map(set).collect(), &[]);
    let mut colors = Colors::default();
    let mut of = |figure| {
        let most = report.most(figure);
        let most = &most[..BANDS];
        let colors = colors.of(most);
        let distinct: std::collections::BTreeSet<_> = colors.iter().collect();
        assert_eq!(distinct.len(), BANDS, "{colors:?}");
        let ids = most.iter().map(|course| course.id.0);
        ids.zip(colors)
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let (cpu, memory) = (of(Figure::Cpu), of(Figure::Memory));
    // Those in both have the same.
    for id in 5..=8 {
        assert_eq!(cpu[&id], memory[&id]);
    }
    assert_eq!(of(Figure::Cpu), cpu);
    // Two that have the same in different charts.
    assert_eq!(cpu[&12], memory[&1]);
    let both = ["guest-12", "guest-1"].map(|name| named(&report, name));
    let [one, other] = colors.of(&both)[..] else {
        panic!("two have colours");
    };
    assert_ne!(one, other);
}

#[test]
fn labels_of_figures_are_round() {
    assert_eq!([7.0, 95.0, 2400.0].map(tens), [2.0, 20.0, 500.0]);
    assert_eq!([3.0, 1_500_000.0].map(twos), [1.0, 524_288.0]);
}

#[test]
fn labels_are_at_round_times_of_the_zone() {
    let report = report(0..=200, &[]);
    let zone = TimeZone::fixed(jiff::tz::Offset::from_seconds(5 * 3600 + 1800).unwrap());
    let ticks = ticks(report.axis(), &zone);
    let labels: Vec<&str> = ticks.iter().map(|tick| &*tick.label).collect();
    // 2025-11-28 03:20:00 UTC.
    assert_eq!(labels[..3], ["Nov 28 08:50", "08:50:30", "08:51:00"]);
    assert_eq!(ticks[1].place, 30.0);
}
