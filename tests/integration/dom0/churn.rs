//! Programs that keep running while domains come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::MOST_PERCENT;
use super::follow::Followed;
use super::shells::Shells;
use crate::command::xenscope;
use crate::record::{Audit, Event, Record};

/// How many domains there are at a time, always with the same IDs.
const DOMAINS: u16 = 50;
/// The first of their IDs.
const FIRST: u16 = 7000;
/// How long a round takes: 2,000 domains in two minutes.
const ROUND: Duration = Duration::from_secs(3);
/// How many seconds they come and go between two measurements of memory, unless `XENSCOPE_CHURN_SECONDS` is set.
const SECONDS: u64 = 6;
/// After this many rounds a program has nearly all the memory that it ever needs.
const WARM: u64 = 2;
/// How often the programs are measured: one that has read late while dom0 was busy has needed more at once than before, and
/// keeps it. One that leaks grows each time.
const TRIES: u32 = 3;

/// Returns how many times they come and go.
fn measured_rounds() -> u64 {
    let seconds = std::env::var("XENSCOPE_CHURN_SECONDS").ok();
    let seconds = seconds.map_or(SECONDS, |seconds| seconds.parse().unwrap());
    seconds.div_ceil(ROUND.as_secs()).max(1)
}

/// Lets them come and go.
fn come_and_go(rounds: u64) {
    for _ in 0..rounds {
        let end = Instant::now() + ROUND;
        let shells = Shells::create(DOMAINS, FIRST, "");
        sleep(ROUND / 3);
        drop(shells);
        sleep(end.saturating_duration_since(Instant::now()));
    }
}

/// Returns the resident memory of a process in KiB; fails if the process has ended.
fn resident_kib(program: &Followed) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let line = line.unwrap_or_else(|| panic!("it has ended: {}", program.complaints()));
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn follow(words: &[&str]) -> Followed {
    let program = Followed::start(&mut xenscope(words));
    program.more(1);
    program
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn nothing_leaks_while_domains_come_and_go() {
    let json = |words: &[&'static str]| [words, &["--format", "json"]].concat();
    let programs = [
        follow(&json(&["top", "-b", "-d", "0.5"])),
        follow(&json(&["events", "--since-start"])),
        follow(&json(&["audit", "--interval", "1", "--samples", "1000000"])),
    ];
    let [top, events, audit] = &programs;
    come_and_go(WARM);
    let mut rounds = WARM;
    for tries in 1..=TRIES {
        let warm = programs.each_ref().map(resident_kib);
        come_and_go(measured_rounds());
        rounds += measured_rounds();
        events.until("the end of the last", |events: &[Event]| {
            events.iter().rev().any(|event| event.event == "destroyed")
                && lives(events)
                    .values()
                    .all(|life| life.last() == Some(&"destroyed"))
        });
        top.more(2);
        audit.more(2);
        let now = programs.each_ref().map(resident_kib);
        let mut grown = warm.iter().zip(&now).map(|(warm, now)| now - warm);
        if grown.all(|kib| kib <= 1024) {
            break;
        }
        assert!(tries < TRIES, "{warm:?} KiB, then {now:?}");
    }
    for program in &programs {
        assert_eq!(program.complaints(), "");
    }

    for record in top.said::<Record>() {
        let ids: BTreeSet<u16> = record.domains.iter().map(|domain| domain.id).collect();
        assert_eq!(ids.len(), record.domains.len(), "a domain is there twice");
        for domain in &record.domains {
            let most = match domain.id >= FIRST {
                true => 0.0,
                false => MOST_PERCENT * f64::from(domain.vcpus_online),
            };
            let percent = domain.cpu_percent.unwrap_or_default();
            assert!((0.0..=most).contains(&percent), "{domain:?}");
        }
    }
    let events: Vec<Event> = events.said();
    let lives = lives(&events);
    // A domain that ends between two samples is not seen.
    let most = rounds * u64::from(DOMAINS);
    assert!(
        (most / 2..=most).contains(&(lives.len() as u64)),
        "{} of {most}",
        lives.len()
    );
    for life in lives.values() {
        assert!(
            matches!(
                life[..],
                ["created", "named", "destroyed"] | ["created", "destroyed"]
            ),
            "{life:?}"
        );
    }
    for report in audit.said::<Audit>() {
        // A sample may find a domain that is only half created or destroyed.
        let findings = report.findings.iter();
        let mut seen = BTreeSet::new();
        for finding in findings.filter(|finding| finding.domain >= Some(FIRST)) {
            assert!(
                seen.insert((&finding.check, finding.domain)),
                "twice: {finding:?}"
            );
        }
    }
}

/// Returns the events of each of the domains that come and go, in order.
fn lives(events: &[Event]) -> BTreeMap<(Option<u16>, Option<uuid::Uuid>), Vec<&str>> {
    let mut lives = BTreeMap::<_, Vec<&str>>::new();
    for event in events.iter().filter(|event| event.id >= Some(FIRST)) {
        let life = lives.entry((event.id, event.uuid)).or_default();
        life.push(&event.event);
    }
    lives
}
