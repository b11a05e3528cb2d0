//! A XenStore that does not answer, that changes, or that has hostile values.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use super::follow::{Followed, Running};
use super::proxy::{Answers, Proxy};
use super::shells::Shells;
use super::{revert, wait_until};
use crate::command::{run, say, tool, xenscope};
use crate::record::{Audit, Record, all};

/// Stops XenStore's daemon until it is dropped.
pub struct Stopped(String);

impl Stopped {
    pub fn daemon() -> Self {
        let name = std::env::var("XENSCOPE_LAB_STORE").unwrap();
        let pid = tool("pidof", &[name]).trim().to_owned();
        tool("kill", &["-STOP", &pid]);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        revert(|| {
            tool("kill", &["-CONT", &self.0]);
        });
    }
}

/// Hides the daemon's socket until it is dropped.
struct NoSocket;

impl NoSocket {
    fn hidden() -> Self {
        std::fs::rename("/run/xenstored/socket", "/run/xenstored/away").unwrap();
        Self
    }
}

impl Drop for NoSocket {
    fn drop(&mut self) {
        revert(|| {
            std::fs::rename("/run/xenstored/away", "/run/xenstored/socket").unwrap();
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn without_xenstore_figures_have_no_names() {
    let stopped = Stopped::daemon();
    // Both wait for it at the same time.
    let unknown = thread::spawn(|| say(&["status", "pv-burn"]));
    let said = say(&["top", "-b", "-i", "3", "-d", "0.2", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "once for three samples: {said:?}");
    assert!(lines[0].contains("XenStore does not answer"), "{said:?}");
    let records: Vec<Record> = all(&said.stdout);
    assert_eq!(records.len(), 3);
    for record in &records {
        assert!(record.domains.len() >= 4);
        assert!(record.domains.iter().all(|domain| domain.name.is_none()));
        assert!(
            record
                .domains
                .iter()
                .all(|domain| domain.cpu_percent.is_some())
        );
    }

    let unknown = unknown.join().unwrap();
    drop(stopped);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(
        unknown.stderr.contains("names are not known"),
        "{unknown:?}"
    );
    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    assert_eq!(record.domain("Domain-0").id, 0);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn without_the_socket_names_come_over_xenbus() {
    let hidden = NoSocket::hidden();
    let record = say(&["list", "--format", "json"]);
    drop(hidden);
    assert_eq!(Record::one(&record.fine()).domain("pv-burn").r#type, "pv");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn missing_domains_are_reported_and_others_shown() {
    say(&["status", "no-such"]).refused(1, &["no domain 'no-such'", "xenscope list"]);
    say(&["status", "id:4321"]).refused(1, &["no domain 'id:4321'"]);
    let said = say(&["status", "no-such", "0", "--interval", "0.1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.starts_with("Domain-0 (domain 0)"), "{said:?}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_shared_name_is_ambiguous() {
    let _twins = Shells::create(2, 900, ":name=twin");
    say(&["status", "twin"]).refused(2, &["'twin' is ambiguous", "id:900 or id:901"]);
    let one = say(&["status", "id:901", "--interval", "0.1"]).fine();
    assert!(one.starts_with("twin (domain 901)"), "{one}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_name_equal_to_an_id_or_uuid_is_ambiguous() {
    let _id = Shells::create(1, 910, ":name=0");
    say(&["status", "0"]).refused(2, &["id:0 or id:910"]);
    let one = say(&["status", "name:0", "--interval", "0.1"]).fine();
    assert!(one.starts_with("0 (domain 910)"), "{one}");

    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    let burn = record.domain("pv-burn");
    let uuid = burn.uuid.to_string();
    let _uuid = Shells::create(1, 911, &format!(":name={uuid}"));
    say(&["status", &uuid]).refused(2, &[&format!("id:{} or id:911", burn.id)]);
    let words = ["status", &format!("uuid:{uuid}"), "--interval", "0.1"];
    let one = say(&words).fine();
    assert!(one.starts_with("pv-burn (domain "), "{one}");
}

/// Starts `xenscope top -b` in JSON, and waits until it has the guests' names.
fn follow(command: &mut Command) -> Followed {
    let words = ["top", "-b", "-d", "0.2", "--format", "json"];
    let top = Followed::start(command.args(words));
    top.until("the guests", |records: &[Record]| {
        records
            .last()
            .is_some_and(|record| name_of(record, "pv-burn"))
    });
    top
}

/// Returns whether a domain has this name.
pub fn name_of(record: &Record, name: &str) -> bool {
    let mut domains = record.domains.iter();
    domains.any(|domain| domain.name.as_deref() == Some(name))
}

/// Asserts that a record has its figures, and names that may be out of date.
pub fn assert_stale(record: &Record) {
    assert!(
        record.xenstore_as_of.is_some() && name_of(record, "pv-burn"),
        "{record:?}"
    );
    let mut figures = record.domains.iter().map(|domain| domain.cpu_percent);
    assert!(figures.all(|percent| percent.is_some()), "{record:?}");
}

/// Waits for a new sample for which this is true; returns it.
fn next(top: &Followed, what: &str, holds: impl Fn(&Record) -> bool) -> Record {
    let before = top.count();
    let mut records = top.until(what, |records: &[Record]| {
        records.len() > before && records.last().is_some_and(&holds)
    });
    records.pop().unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_stopped_daemon_leaves_stale_names() {
    let top = follow(&mut xenscope(&[]));
    let stopped = Stopped::daemon();
    next(&top, "marked", |record| record.xenstore_as_of.is_some());
    top.more(5);
    assert_stale(&next(&top, "sampled", |_| true));
    drop(stopped);
    let record = next(&top, "with current names", |record| {
        record.xenstore_as_of.is_none()
    });
    assert!(name_of(&record, "pv-burn"), "{record:?}");
    let said = top.complaints();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].contains("does not answer, so names are as of 20"),
        "{said}"
    );
    assert!(lines[1].contains("up to date again; for "), "{said}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_command_that_is_stopped_has_no_watches() {
    let json = ["--format", "json"];
    for words in [
        &["events", "--since-start", "--poll", "60"][..],
        &["top", "-b", "-d", "0.2"],
    ] {
        let command = &mut xenscope(&[words, &json].concat());
        // A shell with job control also gives each job a process group of its own.
        let followed = Followed::start(command.process_group(0));
        followed.until_printed("pv-burn");
        let pid = followed.pid().to_string();
        let is_stopped = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            state.contains(") T ")
        };
        let before = sockets(&pid).len();
        // It stops after 250 ms even if it has not closed its connection.
        let is_released = (0..2).any(|_| {
            tool("kill", &["-CONT", &pid]);
            wait_until("it is connected", || {
                !is_stopped() && sockets(&pid).len() == before
            });
            tool("kill", &["-TSTP", &pid]);
            wait_until("it is stopped", is_stopped);
            sockets(&pid).len() == before - 1
        });
        assert!(is_released, "{words:?}");
        tool("xl", &["rename", "pv-net", "a-net"]);
        tool("kill", &["-CONT", &pid]);
        followed.until_printed("a-net");
        tool("xl", &["rename", "a-net", "pv-net"]);
        if words[0] == "events" {
            followed.until_printed("\"xenstore_back\"");
        } else {
            wait_until("it says that its names are new", || {
                followed.complaints().contains("up to date again; for ")
            });
        }
    }
}

/// Returns the descriptors of a process that may be its connection to XenStore: not the socket for
/// the NICs' counters.
fn sockets(pid: &str) -> Vec<String> {
    // The last column is a socket's inode.
    let netlink = std::fs::read_to_string("/proc/net/netlink").unwrap();
    let inodes: Vec<&str> = netlink.split_whitespace().collect();
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            // It may be closed in the meantime.
            let target = std::fs::read_link(path).unwrap_or_default();
            let target = target.to_str().unwrap();
            let inode = target.strip_prefix("socket:[");
            inode.is_some_and(|inode| !inodes.contains(&inode.trim_end_matches(']')))
                || target.ends_with("/xenbus")
        })
        .map(|path| path.file_name().unwrap().display().to_string())
        .collect()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_steady_sample_sends_nothing_to_xenstore() {
    let top = follow(&mut xenscope(&[]));
    let sockets = sockets(&top.pid().to_string());
    assert!(!sockets.is_empty());
    // Returns its system calls from this line of the trace on.
    let trace = "/tmp/steady.strace";
    let calls = |from: usize| -> Vec<String> {
        let text = std::fs::read_to_string(trace).unwrap_or_default();
        text.lines().skip(from).map(str::to_owned).collect()
    };
    let sent = |lines: &[String]| {
        let calls = ["sendto", "sendmsg", "write", "writev"];
        let is_sent = |line: &&String| {
            let on = |socket| calls.map(|call| format!("{call}({socket},"));
            let mut all = sockets.iter().flat_map(on);
            all.any(|call| line.contains(&call))
        };
        lines.iter().filter(is_sent).count()
    };
    let traced = ["-f", "-qq", "-o", trace, "-p", &top.pid().to_string()];
    let strace = Running::start(Command::new("strace").args(traced));
    top.until("traced", |_: &[Record]| !calls(0).is_empty());
    // XenStore is asked whether it is alive at times, so only one of these need be silent.
    let is_silent = (0..3).any(|_| {
        let before = calls(0).len();
        top.more(12);
        let steady = calls(before);
        let samples = steady.iter().filter(|line| line.contains("write(1, \"{"));
        samples.count() >= 10 && sent(&steady) == 0
    });
    assert!(is_silent, "{:#?}", calls(0));

    let before = calls(0).len();
    tool("xl", &["rename", "pv-net", "a-net"]);
    next(&top, "its new name", |record| name_of(record, "a-net"));
    tool("xl", &["rename", "a-net", "pv-net"]);
    next(&top, "its old name", |record| name_of(record, "pv-net"));
    assert!(sent(&calls(before)) > 0, "the trace misses XenStore");
    drop(strace);
    assert_eq!(top.complaints(), "");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_reused_id_does_not_inherit_a_name() {
    let top = follow(&mut xenscope(&[]));
    let mut uuids = Vec::new();
    for name in ["first", "second", "third"] {
        let _shell = Shells::create(1, 950, &format!(":name={name}"));
        let record = next(&top, name, |record| name_of(record, name));
        uuids.push((record.domain(name).uuid, name));
    }
    for record in top.said::<Record>() {
        for domain in record.domains.iter().filter(|domain| domain.id == 950) {
            let own = uuids.iter().find(|(uuid, _)| *uuid == domain.uuid);
            let name = domain.name.as_deref();
            assert!(
                name.is_none() || name == own.map(|(_, name)| *name),
                "{domain:?}"
            );
        }
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_listing_over_4096_bytes_loses_no_name() {
    // More than the 4,096 bytes that xenstored returns; oxenstored has no limit on a socket.
    let _homes = OrphanNodes::below("/local/domain");
    let _disks = OrphanNodes::below("/local/domain/0/backend/qdisk");
    let _shells = Shells::create(2, 20_000, "");
    let words = ["top", "-b", "-d", "0.2", "-i", "1", "--format", "json"];
    for words in [&words[..], &["list", "--format", "json"]] {
        let record = Record::one(&say(words).fine());
        assert!(record.domains.len() >= 6);
        for domain in record.domains.iter().filter(|domain| domain.id >= 20_000) {
            assert_eq!(domain.name, Some(format!("shell-{}", domain.id)));
        }
        assert!(name_of(&record, "pv-burn"), "{record:?}");
    }
    let said = say(&["audit", "--interval", "0.3", "--format", "json"]);
    let reports: Vec<Audit> = all(&said.stdout);
    for check in ["identity.in_store", "identity.names", "devices.kernel"] {
        let finding = reports[0].of(check);
        assert_eq!(finding.verdict, "ok", "{finding:?}");
    }
    let orphans = reports[0].of("identity.orphans");
    if std::env::var("XENSCOPE_LAB_STORE").unwrap() == "oxenstored" {
        assert_eq!(orphans.verdict, "ok", "{orphans:?}");
    } else {
        assert_eq!(orphans.verdict, "skipped", "{orphans:?}");
        for check in ["identity.orphans", "devices.backends"] {
            let reason = reports[0].of(check).reason.as_ref().unwrap();
            assert!(reason.contains("4 KiB"), "{check}: {reason}");
        }
    }
}

/// Nodes in XenStore that belong to no domain, until this is dropped.
struct OrphanNodes(Vec<String>);

impl OrphanNodes {
    /// Creates nodes whose names have 5,600 bytes in all.
    fn below(folder: &str) -> Self {
        let left = Self((0..80).map(|id| format!("{folder}/{id:069}")).collect());
        let written = left.0.iter().flat_map(|node| [node.as_str(), ""]);
        tool("xenstore-write", &written.collect::<Vec<&str>>());
        left
    }
}

impl Drop for OrphanNodes {
    fn drop(&mut self) {
        // Not `tool`: if some could not be written, they cannot be removed.
        run(Command::new("xenstore-rm").args(&self.0));
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn garbage_from_xenstore_loses_no_sample() {
    let path = "/tmp/proxy";
    let proxy = Proxy::listen(path, Answers::Passed);
    let top = follow(xenscope(&[]).env("XENSTORED_PATH", path));
    let marked = |record: &Record| record.xenstore_as_of.is_some() && name_of(record, "pv-burn");
    let right = |record: &Record| record.xenstore_as_of.is_none() && name_of(record, "pv-burn");

    // A message of an unknown type, then correct answers on a new connection.
    proxy.say(b"\xee\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    next(&top, "marked", marked);
    next(&top, "with current names", right);

    drop(proxy);
    next(&top, "marked while no one listens", marked);
    let proxy = Proxy::listen(path, Answers::Garbage);
    top.more(10);
    next(&top, "marked while garbage comes", marked);
    let list = run(xenscope(&["list"]).env("XENSTORED_PATH", path));
    assert_eq!(list.code, Some(0), "{list:?}");
    assert!(list.stderr.contains("not XenStore"), "{list:?}");

    drop(proxy);
    let _proxy = Proxy::listen(path, Answers::Passed);
    next(&top, "with current names after all", right);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_slow_daemon_costs_no_name() {
    let path = "/tmp/slow";
    let _proxy = Proxy::listen(path, Answers::Slow);
    // All answers together take longer than one answer may take.
    let _shells = Shells::create(40, 700, "");
    let say = |words: &[&str]| run(xenscope(words).env("XENSTORED_PATH", path));
    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    assert!(record.domains.len() > 40);
    for domain in &record.domains {
        assert!(domain.name.is_some(), "{domain:?}");
    }
    let status = say(&["status", "shell-739", "--interval", "0.1"]).fine();
    assert!(status.starts_with("shell-739 (domain 739)"), "{status}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_daemon_that_hangs_is_noticed_without_a_change() {
    let path = "/tmp/hangs";
    let proxy = Proxy::listen(path, Answers::Passed);
    let top = follow(xenscope(&[]).env("XENSTORED_PATH", path));
    proxy.set(Answers::None);
    let marked = |record: &Record| record.xenstore_as_of.is_some() && name_of(record, "pv-burn");
    next(&top, "marked", marked);
    proxy.set(Answers::Passed);
    next(&top, "with current names", |record| {
        record.xenstore_as_of.is_none()
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_daemon_behind_xenbus_that_hangs_is_noticed() {
    let _hidden = NoSocket::hidden();
    let top = follow(&mut xenscope(&[]));
    let stopped = Stopped::daemon();
    let marked = |record: &Record| record.xenstore_as_of.is_some() && name_of(record, "pv-burn");
    next(&top, "marked", marked);
    drop(stopped);
    next(&top, "with current names", |record| {
        record.xenstore_as_of.is_none()
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_traced_daemon_is_alive() {
    let name = std::env::var("XENSCOPE_LAB_STORE").unwrap();
    let pid = tool("pidof", &[name]).trim().to_owned();
    let traced = ["-f", "-qq", "-o", "/dev/null", "-p", &pid];
    let strace = Running::start(Command::new("strace").args(traced));
    let top = follow(&mut xenscope(&[]));
    // The tracer stops the daemon at each system call.
    for value in 0..30 {
        tool("xenstore-write", &["/tool/xenscope", &value.to_string()]);
    }
    let records = top.said::<Record>();
    drop(strace);
    tool("xenstore-rm", &["/tool/xenscope"]);
    assert!(records.len() > 10);
    for record in &records {
        assert!(record.xenstore_as_of.is_none(), "{record:?}");
    }
    assert_eq!(top.complaints(), "");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_full_backlog_is_an_error_and_not_another_way() {
    let path = "/tmp/full";
    let _proxy = Proxy::listen(path, Answers::One);
    let list = run(xenscope(&["list"]).env("XENSTORED_PATH", path));
    assert_eq!(list.code, Some(0), "{list:?}");
    let why = "the daemon accepts no more connections";
    assert!(list.stderr.contains(why), "{list:?}");
    assert!(!list.stdout.contains("pv-burn"), "{list:?}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn values_read_at_the_start_cause_no_samples() {
    let _shells = Shells::create(20, 700, "");
    let words = ["-vv", "events", "--poll", "60", "--since-start"];
    let events = Followed::start(&mut xenscope(&words));
    events.until_printed("shell-719");
    // Time for more samples, if values that were read at the start caused any.
    thread::sleep(std::time::Duration::from_secs(2));
    let said = events.complaints();
    // One at the start, and one soon after it, because it found domains.
    assert_eq!(said.matches("a sample").count(), 2, "{said}");
}
