//! Tests of the commands on a recorded feed.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use clap::Parser;
use jiff::Timestamp;
use xenscope::feed::{Feed, Recorded};
use xenscope::snapshot::{Collect, Snapshot};

use super::*;
use crate::cli::{Cli, Command, Format};
use crate::fixtures::{SECOND, audited, boot, counting, equipped, troubled};

/// Fields as docs/json.md lists them, and whether a sample with this `Collect` has them.
type Row = (&'static str, fn(Collect) -> bool);

/// Returns what `top` with these options collects.
fn of_top(options: &[&str]) -> Collect {
    let words = ["xenscope", "top", "-b", "--format", "json"];
    match Cli::parse_from(words.iter().chain(options)).command {
        Command::Top(options) => {
            top::collect(&options.top, options.look.filter().unwrap().as_ref())
        }
        _ => panic!("not top"),
    }
}

#[test]
fn a_recording_has_what_an_audit_needs_if_asked() {
    let of = |words: &[&str]| match Cli::parse_from(words).command {
        Command::Record(options) => record::collect(&options),
        _ => panic!("not record"),
    };
    let recorded = of(&["xenscope", "record", "--audit"]);
    assert!(recorded.covers(audit::collect(false)));
    assert!(!recorded.state_times, "it traces nothing");
    let bare = of(&["xenscope", "record"]);
    assert!(!bare.audit_inputs && !bare.paging_pools);
    let ready = of(&["xenscope", "record", "--audit", "--ready"]);
    assert!(ready.covers(audit::collect(true)));
}

#[test]
fn docs_list_the_fields_of_each_command() {
    let rows: [Row; 11] = [
        (
            "`memory_target_bytes`, `memory_static_max_bytes`, `memory_videoram_bytes`, `target_domain_id`",
            |collect| collect.targets && collect.details,
        ),
        ("`memory_short_bytes`", |collect| collect.targets),
        ("`paging_pool_bytes`", |collect| collect.paging_pools),
        (
            "`scheduler`, `weight`, `cap_percent`, `period_ns`, `budget_ns`, `extra_time`",
            |collect| collect.scheduling,
        ),
        (
            "`ready_time_ns` to `ready_missed_changes`, `host.ready_vcpus`, `.most_ready_vcpus`, `.trace_records`, \
             `.trace_lost_ns`",
            |collect| collect.state_times,
        ),
        ("`vcpus`", |collect| collect.vcpus),
        ("`vcpus[].hard_affinity`, `.soft_affinity`", |collect| {
            collect.affinities
        }),
        ("`disks`", |collect| collect.disks),
        ("`nics`", |collect| collect.nics),
        ("`nics[].mac`", |collect| collect.macs),
        (
            "`host.nodes`, `.pools`, `.build`, `.dom0`, and `.socket`, `.core`, `.node`, \
             `.pool` of `host.pcpu[]`",
            |collect| collect.host,
        ),
    ];
    let commands = [
        list::collect(Format::Json),
        status::collect(),
        vcpus::collect(),
        host::collect(),
        of_top(&[]),
    ];
    let mut expected = String::new();
    for (fields, holds) in rows {
        let mut cells = commands.map(|collect| if holds(collect) { "yes" } else { "" });
        for (option, cell) in [("-v", "with `-v`"), ("--ready", "with `--ready`")] {
            if !holds(of_top(&[])) && holds(of_top(&[option])) {
                cells[4] = cell;
            }
        }
        expected.push_str(&format!("| {fields} | {} |\n", cells.join(" | ")));
    }
    let docs = include_str!("../../docs/json.md");
    assert!(docs.contains(&expected), "docs/json.md lacks\n{expected}");
}

#[test]
fn what_a_command_shows_is_collected() {
    let options = ["", "-x", "-n", "-v", "-x -n -v"];
    let formats = ["xentop", "table", "json", "csv"];
    let tops = formats.iter().flat_map(|format| {
        options.map(|options| format!("top -b -i 2 --format {format} {options}"))
    });
    let others = ["list", "status web", "vcpus", "host", "audit", "events"].map(str::to_owned);
    for line in tops.chain(others) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let collect = match Cli::parse_from([&["xenscope"], &words[..]].concat()).command {
            Command::List(options) => list::collect(options.format),
            Command::Status(_) => status::collect(),
            Command::Vcpus(_) => vcpus::collect(),
            Command::Host(_) => host::collect(),
            Command::Top(options) => {
                top::collect(&options.top, options.look.filter().unwrap().as_ref())
            }
            Command::Audit(options) => audit::collect(options.ready),
            Command::Events(_) => events::collect(),
            other => panic!("{other:?} does not read"),
        };
        let (old, new) = equipped();
        let collected = [&old, &new].map(|all| counting(collect, all.clone()));
        let mut all = Recorded::new(vec![old, new]);
        let (shown, _) = run_on(&mut Recorded::new(collected.into()), &words);
        assert_eq!(shown, run_on(&mut all, &words).0, "{line}");
    }
}

/// Returns snapshots of a host with dom0 and web, a second apart: three of one boot from 01:00:00
/// on, and two of the next boot from 02:00:00 on.
pub(super) fn recording() -> Recorded {
    let at = |second: u64, time: &str, id: u128| Snapshot {
        time: wall_clock(time),
        boot: boot(id),
        ..audited(second * SECOND)
    };
    Recorded::new(vec![
        at(1, "01:00:00", 1),
        at(2, "01:00:01", 1),
        at(3, "01:00:02", 1),
        at(1, "02:00:00", 2),
        at(2, "02:00:01", 2),
    ])
}

fn wall_clock(time: &str) -> Timestamp {
    format!("2026-11-28T{time}Z").parse().unwrap()
}

/// Returns the recording with its position at this time.
fn at(time: &str) -> Recorded {
    let mut feed = recording();
    feed.go_to(wall_clock(time)).unwrap().unwrap();
    feed
}

/// A buffer that a thread writes.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a command on a feed; returns its output and its outcome.
pub(super) fn run_on(feed: &mut Recorded, words: &[&str]) -> (String, anyhow::Result<Outcome>) {
    let text = Shared::default();
    let outcome = run_to(feed, words, text.clone());
    let text = text.0.lock().unwrap().clone();
    (String::from_utf8(text).unwrap(), outcome)
}

/// Runs a command on a feed, with a pipe that nobody reads as its output; returns its outcome.
fn run_closed(feed: &mut Recorded, words: &[&str]) -> anyhow::Result<Outcome> {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    run_to(feed, words, writer)
}

fn run_to(
    feed: &mut Recorded,
    words: &[&str],
    to: impl Write + Send + 'static,
) -> anyhow::Result<Outcome> {
    let command = Cli::parse_from([&["xenscope"], words].concat()).command;
    if let Command::Events(options) = &command {
        return events::run(options, feed, to);
    }
    let out = &mut Output::to(to);
    match command {
        Command::List(options) => list::run(&options, feed, out),
        Command::Status(options) => status::run(&options, feed, out),
        Command::Vcpus(options) => vcpus::run(&options, feed, out),
        Command::Host(options) => host::run(&options, feed, out),
        Command::Top(options) => top::run(
            (&options.top, &options.look),
            options.look.filter().unwrap().as_ref(),
            feed,
            out,
        ),
        Command::Audit(options) => past_audit::run(&options, feed, out),
        Command::Export(options) => export::textfile::once(&options, Path::new("-"), feed, out),
        other => panic!("{other:?} does not read"),
    }
}

/// Runs a command that succeeds on a feed; returns its output.
fn done(feed: &mut Recorded, words: &[&str]) -> String {
    let (text, outcome) = run_on(feed, words);
    assert_eq!(outcome.unwrap(), Outcome::Done, "{words:?}");
    text
}

/// Returns this value of each line of JSON.
fn values(text: &str, pointer: &str) -> Vec<String> {
    let value = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.pointer(pointer).unwrap().to_string()
    };
    text.lines().map(value).collect()
}

#[test]
fn a_delay_thins_what_was_recorded() {
    let words = ["top", "-b", "--format", "json", "-d"];
    let shown = |delay| times(&done(&mut recording(), &[&words[..], &[delay]].concat()));
    assert_eq!(shown("1").len(), 5);
    let thinned = ["01:00:00 null", "01:00:02 2000000000", "02:00:00 null"];
    assert_eq!(shown("2"), thinned);
    assert_eq!(shown("3600"), [thinned[0], thinned[2]]);
}

#[test]
fn no_snapshot_is_an_error() {
    for words in [&["list"][..], &["status", "web"], &["vcpus"], &["host"]] {
        let (text, outcome) = run_on(&mut recording(), words);
        assert_eq!(text, "");
        assert!(outcome.unwrap_err().to_string().contains("recorded"));
    }
}

#[test]
fn list_shows_the_domains_at_the_position() {
    let table = done(&mut at("01:00:01"), &["list"]);
    assert!(
        table.contains("Domain-0") && table.contains("web"),
        "{table}"
    );
    let line = done(&mut at("01:30:00"), &["list", "--format", "json"]);
    assert_eq!(values(&line, "/time"), ["\"2026-11-28T01:00:02Z\""]);
    assert_eq!(values(&line, "/interval_ns"), ["null"], "it has no rates");
}

/// Returns the wall-clock time and the interval of each sample.
fn times(text: &str) -> Vec<String> {
    let [times, intervals] = ["/time", "/interval_ns"].map(|field| values(text, field));
    let time = |(time, ns): (&String, String)| format!("{} {ns}", &time[12..20]);
    times.iter().zip(intervals).map(time).collect()
}

#[test]
fn measurements_are_taken_at_the_position() {
    for words in [&["status", "web"][..], &["vcpus"], &["host"]] {
        let json = [words, &["--format", "json"]].concat();
        let measured = |time| times(&done(&mut at(time), &json));
        assert_eq!(measured("01:00:01"), ["01:00:01 1000000000"], "{words:?}");
        assert_eq!(measured("01:59:59"), ["01:00:02 1000000000"]);
        // There is no measurement across two boots.
        assert_eq!(measured("02:00:00"), ["02:00:00 null"]);
    }
}

#[test]
fn status_shows_only_the_named_domains() {
    let mut feed = at("01:00:02");
    let line = done(&mut feed, &["status", "web", "5", "--format", "json"]);
    assert_eq!(values(&line, "/domains/0/name"), ["\"web\""]);
    assert_eq!(values(&line, "/domains/0/cpu_percent"), ["90.0"]);
    assert!(line.contains("\"name\":\"web\"") && !line.contains("Domain-0"));
    let table = done(&mut at("01:00:02"), &["status", "web"]);
    assert!(
        table.contains("90.0 %") && !table.contains("Domain-0"),
        "{table}"
    );
    let csv = done(&mut at("01:00:02"), &["status", "0", "--format", "csv"]);
    assert!(csv.contains("Domain-0") && !csv.contains("web"), "{csv}");

    let (text, outcome) = run_on(&mut at("01:00:02"), &["status", "web", "db"]);
    assert!(text.contains("web") && matches!(outcome, Ok(Outcome::NotThere)));
    let (text, outcome) = run_on(&mut at("01:00:02"), &["status", "db"]);
    assert!(text.is_empty() && matches!(outcome, Ok(Outcome::NotThere)));
}

#[test]
fn what_a_recording_lacks_is_said() {
    let mut bare = audited(SECOND);
    (bare.collected.vcpus, bare.collected.scheduling) = (false, false);
    let mut feed = Recorded::new(vec![bare]).at_end();
    let (text, outcome) = run_on(&mut feed, &["vcpus"]);
    assert!(
        text.is_empty() && matches!(outcome, Ok(Outcome::Failed)),
        "{text}"
    );
    // The names of others are known, although the sample has only one domain.
    let (old, new) = troubled();
    let mut troubles = Recorded::new(vec![old, new]).at_end();
    let text = done(&mut troubles, &["status", "web"]);
    assert!(
        text.contains("suffers   ready 30.0 %, for batch 67 %"),
        "{text}"
    );
    let text = done(&mut feed, &["status", "web"]);
    assert!(
        text.contains("scheduler not recorded ('xenscope record --ready'"),
        "{text}"
    );
}

#[test]
fn top_prints_only_what_the_filter_matches() {
    let with = |words: &[&str]| {
        done(
            &mut at("01:00:00"),
            &[&["top", "-b", "-i", "1"], words].concat(),
        )
    };
    let table = with(&["--format", "table", "--filter", "cpu>50"]);
    assert!(
        table.contains("web") && !table.contains("Domain-0"),
        "{table}"
    );
    let table = with(&["--format", "csv", "--filter", "!cpu>50"]);
    assert!(
        table.contains("Domain-0") && !table.contains("web"),
        "{table}"
    );
    // The host's figures are those of the host.
    let [all, none] =
        ["0", "nowhere"].map(|filter| with(&["--format", "json", "--filter", filter]));
    assert_eq!(values(&none, "/domains"), ["[]"]);
    assert_eq!(values(&all, "/host"), values(&none, "/host"));
    assert!(of_top(&["--filter", "paging_pool_bytes>1M"]).paging_pools);
}

#[test]
fn vcpus_and_host_show_tables() {
    let table = done(&mut at("01:00:01"), &["vcpus", "web"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    let table = done(&mut at("01:00:01"), &["host"]);
    assert!(
        table.contains("Pool-0") && table.contains("50.0"),
        "{table}"
    );
}

#[test]
fn top_prints_each_sample_after_the_position() {
    let json = ["top", "-b", "--format", "json"];
    let (nothing, second) = (" null", " 1000000000");
    let all = [
        format!("01:00:00{nothing}"),
        format!("01:00:01{second}"),
        format!("01:00:02{second}"),
        format!("02:00:00{nothing}"),
        format!("02:00:01{second}"),
    ];
    assert_eq!(times(&done(&mut recording(), &json)), all);
    let words = [&json[..], &["-i", "2"]].concat();
    assert_eq!(times(&done(&mut recording(), &words)), all[..2]);
    assert_eq!(times(&done(&mut at("01:00:01"), &words)), all[2..4]);

    let blocks = done(&mut at("01:00:00"), &["top", "-b", "-i", "1"]);
    assert_eq!(blocks.lines().count(), 3, "{blocks}");
    let web = blocks.lines().find(|line| line.contains("web")).unwrap();
    assert!(web.contains(" 90.0 "), "{blocks}");
    for format in ["table", "csv"] {
        let words = ["top", "-b", "--format", format];
        let text = done(&mut at("02:00:00"), &words);
        assert!(text.contains("90.0"), "{text}");
    }
}

#[test]
fn audit_compares_snapshots_of_one_boot() {
    let words = ["audit", "--format", "json", "--samples", "9"];
    let of = |feed: &mut Recorded| times(&done(feed, &words));
    let second = |time| format!("{time} 1000000000");
    let all = ["01:00:01", "01:00:02", "02:00:01"].map(second);
    assert_eq!(of(&mut recording()), all);
    assert_eq!(of(&mut at("01:00:01")), all[1..]);
    assert_eq!(of(&mut at("02:00:00")), all[2..]);
    let (text, outcome) = run_on(&mut at("02:00:01"), &words);
    assert!(
        text.is_empty() && outcome.is_err(),
        "there is no later pair"
    );

    let report = done(&mut recording(), &["audit", "--all"]);
    assert!(report.contains("cpu.conservation"), "{report}");
    let (text, outcome) = run_on(&mut one_sample(), &words);
    assert!(text.is_empty(), "{text}");
    assert_eq!(outcome.unwrap(), Outcome::Failed, "there is no pair at all");
    let mut wrong = audited(2 * SECOND);
    wrong.domains[1].memory_bytes += 1 << 30;
    let snapshots = vec![audited(SECOND), wrong, audited(3 * SECOND)];
    let [mut feed, mut read] = [snapshots.clone(), snapshots].map(Recorded::new);
    let (_, outcome) = run_on(&mut feed, &["audit", "--samples", "2"]);
    assert_eq!(outcome.unwrap(), Outcome::Failed, "one failure is enough");
    let outcome = run_closed(&mut read, &["audit", "--samples", "2"]);
    assert_eq!(outcome.unwrap(), Outcome::Failed, "also without a reader");
}

/// Returns a recording with the first sample of a boot only.
fn one_sample() -> Recorded {
    Recorded::new(vec![audited(SECOND)])
}

#[test]
fn an_audit_of_a_span_tells_what_failed_once() {
    let at = |second: u64| {
        let mut snapshot = audited(second * SECOND);
        snapshot.time = Timestamp::from_second(second as i64).unwrap();
        if (100..200).contains(&second) {
            snapshot.domains[1].name = None;
            snapshot.domains[1].memory_bytes += 1 << 40;
        }
        snapshot
    };
    let samples = |count| Recorded::new((0..count).map(at).collect());
    let (text, outcome) = run_on(&mut samples(1000), &["audit"]);
    assert_eq!(outcome.unwrap(), Outcome::Failed);
    let failed = text.lines().filter(|line| line.starts_with("failed   "));
    let checks: Vec<&str> = failed
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert!(checks.contains(&"memory.conservation"), "{text}");
    assert_eq!(checks.len(), 3, "{text}");
    assert!(
        text.contains(":40 to ") && text.contains(", in 100 audits\n"),
        "{text}"
    );
    assert!(text.contains("\n999 audits from "), "{text}");
    assert!(text.contains("skipped  cpu."), "{text}");
    // A single one is as that of the running host.
    let text = done(&mut samples(2), &["audit"]);
    assert!(
        text.starts_with("0 failed, ") && text.ends_with(", over 1.00 s\n"),
        "{text}"
    );
}

#[test]
fn a_closed_output_does_not_change_the_outcome() {
    for (words, outcome) in [
        (&["list"][..], Outcome::Done),
        (&["status", "web"], Outcome::Done),
        (&["status", "web", "db"], Outcome::NotThere),
        (&["top", "-b"], Outcome::Done),
        (&["audit"], Outcome::Done),
    ] {
        let mut feed = at("01:00:00");
        assert_eq!(run_closed(&mut feed, words).unwrap(), outcome, "{words:?}");
    }
    // `top` takes no more samples.
    let mut feed = recording();
    run_closed(&mut feed, &["top", "-b"]).unwrap();
    let newest = feed.look().unwrap().unwrap();
    assert_eq!(newest.time, wall_clock("01:00:00"));
}

#[test]
fn other_errors_of_the_output_are_reported() {
    let mut full = File::options().write(true).open("/dev/full").unwrap();
    let mut out = Output::to(&mut full);
    let Command::List(options) = Cli::parse_from(["xenscope", "list"]).command else {
        panic!("not list");
    };
    let error = list::run(&options, &mut at("01:00:00"), &mut out).unwrap_err();
    let expected = "cannot write the output: No space left on device (os error 28)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn events_start_at_the_position() {
    let events = |feed: &mut Recorded, options: &[&str]| -> Vec<String> {
        let words = [&["events", "--format", "json"], options].concat();
        let text = done(feed, &words);
        let [times, names, events] = ["/time", "/name", "/event"].map(|field| values(&text, field));
        let (named, happened) = (times.iter().zip(names), events);
        let lines = named.zip(happened).map(|((time, name), event)| {
            format!("{} {name} {event}", &time[12..20]).replace('"', "")
        });
        lines.collect()
    };
    let boot = [
        "02:00:00 Domain-0 destroyed",
        "02:00:00 web destroyed",
        "02:00:00 null host_booted",
        "02:00:00 Domain-0 existing",
        "02:00:00 web existing",
    ];
    assert_eq!(events(&mut recording(), &[]), boot);
    assert_eq!(events(&mut at("01:00:02"), &[]), boot);
    assert!(events(&mut at("02:00:00"), &[]).is_empty());
    // The first sample of a span shows what happened since the one before.
    let since = |time| recording().between(Some(wall_clock(time)), None);
    assert_eq!(events(&mut since("02:00:00"), &[]), boot);
    let before = ["01:00:02 Domain-0 existing", "01:00:02 web existing"];
    let shown = events(&mut since("02:00:00"), &["--since-start"]);
    assert_eq!(shown, [&before[..], &boot].concat());
    assert!(events(&mut since("02:00:01"), &["web"]).is_empty());
    let start = ["01:00:01 web existing"];
    let of_web = [&start[..], &boot[1..3], &boot[4..]].concat();
    let words = ["web", "--since-start"];
    assert_eq!(events(&mut at("01:00:01"), &words), of_web);
}

#[test]
fn a_recording_waits_for_a_slow_reader() {
    /// A writer that takes 5 ms for each write.
    struct Slow(Shared);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_millis(5));
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // Far more than a running host's events may queue for a slow reader.
    let name: Arc<str> = "x".repeat(1 << 17).into();
    let look = |second: u64| {
        let mut snapshot = audited(second * SECOND);
        let web = &mut snapshot.domains[1];
        (web.name, web.states.paused) = (Some(Arc::clone(&name)), second.is_multiple_of(2));
        snapshot
    };
    let mut feed = Recorded::new((0..40).map(look).collect());
    let written = Shared::default();
    let words = ["xenscope", "events", "--format", "json"];
    let Command::Events(options) = Cli::parse_from(words).command else {
        panic!("not events");
    };
    events::run(&options, &mut feed, Slow(written.clone())).unwrap();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(text.len() > 4 << 20, "{}", text.len());
    assert_eq!(text.lines().count(), 39);
}
