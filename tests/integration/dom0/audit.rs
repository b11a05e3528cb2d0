//! `xenscope audit`: a healthy host has no findings, and exactly the right check finds each fault.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use super::follow::Running;
use super::guest::{Burning, Console, Guest};
use super::quiet::MISSING;
use super::shells::Shells;
use super::{attempts, median, revert, until_asleep, wait_until};
use crate::command::{say, tool, xenscope};
use crate::record::{Audit, Record, all};

/// Runs an audit; returns its exit code and its report.
fn audit() -> (i32, Audit) {
    finished(start("0.3"))
}

/// Starts an audit.
fn start(interval: &str) -> Running {
    let mut audit = xenscope(&["audit", "--interval", interval, "--format", "json"]);
    Running::start(audit.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn finished(audit: Running) -> (i32, Audit) {
    let output = audit.output();
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut reports: Vec<Audit> = all(&text);
    assert_eq!(reports.len(), 1, "{text}");
    (output.status.code().unwrap(), reports.remove(0))
}

/// Asserts that an audit finds exactly this, and that its exit code matches.
fn finds(wrong: &[(&str, &str, u16)]) {
    found(audit(), wrong);
}

fn found((code, report): (i32, Audit), wrong: &[(&str, &str, u16)]) {
    let expected: Vec<_> = wrong
        .iter()
        .map(|&(check, verdict, domain)| (check, verdict, Some(domain)))
        .collect();
    assert_eq!(report.wrong(), expected, "{report:?}");
    let failed = wrong.iter().any(|&(_, verdict, _)| verdict == "failed");
    assert_eq!(code, i32::from(failed), "{report:?}");
}

/// A command that reverts a change when this is dropped.
struct Undo(Vec<String>);

impl Undo {
    fn by(words: &[&str]) -> Self {
        Self(words.iter().map(|&word| word.to_owned()).collect())
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        revert(|| {
            tool(&self.0[0], &self.0[1..]);
        });
    }
}

/// Changes a value in XenStore until the result is dropped; `None` removes it.
fn changed(path: &str, value: Option<&str>) -> Undo {
    let old = tool("xenstore-read", &[path]);
    match value {
        Some(value) => tool("xenstore-write", &[path, value]),
        None => tool("xenstore-rm", &[path]),
    };
    Undo::by(&["xenstore-write", path, old.trim_end()])
}

/// Adds a path to XenStore, and removes `top` when the result is dropped.
fn added(path: &str, value: &str, top: &str) -> Undo {
    tool("xenstore-write", &[path, value]);
    Undo::by(&["xenstore-rm", top])
}

fn id_of(name: &str) -> u16 {
    listed().domain(name).id
}

fn listed() -> Record {
    Record::one(&say(&["list", "--format", "json"]).fine())
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_busy_healthy_host_has_no_findings() {
    let _burning = Burning::start();
    // The longer an audit, the smaller the leak that it finds. Where clocks have lost time, the sums start again, so
    // there may be no eleven reports in a row that have sums.
    let shrinks = (0..5).any(|_| {
        let reports = audited_without_findings();
        let mut runs = reports.split(|report| report.of("cpu.since_first").verdict == "skipped");
        let part = |report| tolerated(report, "cpu.since_first");
        runs.any(|run| run.len() > 10 && part(&run[run.len() - 1]) < part(&run[0]) / 2.0)
    });
    assert!(shrinks);
}

/// Returns which part of the time a check lets be missing.
fn tolerated(report: &Audit, check: &str) -> f64 {
    let found = report.of(check);
    let expected = found.expected.as_ref().unwrap().as_f64().unwrap();
    found.tolerance.unwrap() as f64 / expected
}

/// Audits twenty times, and asserts that nothing is wrong.
fn audited_without_findings() -> Vec<Audit> {
    let words = [
        "audit",
        "--interval",
        "0.3",
        "--samples",
        "20",
        "--format",
        "json",
    ];
    let reports: Vec<Audit> = all(&say(&words).fine());
    assert_eq!(reports.len(), 20);
    for report in &reports {
        assert_eq!(report.schema, 1);
        assert!(report.interval_ns >= Some(300_000_000), "{report:?}");
        assert_eq!(report.wrong(), [], "{report:?}");
        let skipped = report
            .findings
            .iter()
            .filter(|one| one.verdict == "skipped");
        let skipped: Vec<&str> = skipped.map(|finding| &*finding.check).collect();
        let always = [
            "cpu.pools",
            "cpu.cap",
            "memory.lifecycle",
            "memory.sharing",
            "memory.pod",
        ];
        // It is skipped in the first report, and after time that clocks have lost.
        let skipped: Vec<&str> = skipped
            .into_iter()
            .filter(|name| *name != "cpu.since_first")
            .collect();
        assert_eq!(skipped, always, "{report:?}");
    }
    // The tolerance is useful only if it is far below the guests' load. A stall in a sample makes it larger.
    let parts = reports
        .iter()
        .map(|report| tolerated(report, "cpu.conservation"));
    assert!(median(parts) < 0.1, "{reports:?}");
    // Even if the clocks explain what is missing, it is not much.
    assert!(median(reports.iter().map(Audit::missing)) < MISSING);
    reports
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_table_has_every_check_and_totals() {
    // While the clocks of the pCPUs differ, there is a warning.
    let mut audits = (0..10).map(|_| say(&["audit", "--interval", "0.2", "--all"]).fine());
    let total = |text: &str| text.lines().last().unwrap().to_owned();
    let text = audits.find(|text| total(text).starts_with("0 failed, 0 warning, "));
    let text = text.expect("no audit without a warning");
    for check in [
        "cpu.conservation",
        "cpu.clock_skew",
        "dom0.runstate",
        "memory.conservation",
        "identity.orphans",
        "devices.kernel",
        "placement.affinity",
    ] {
        assert!(
            text.contains(&format!("ok       {check}")),
            "{check}: {text}"
        );
    }
    assert!(total(&text).contains(" 6 skipped, over "), "{text}");
    // Of what is well, only the totals.
    let text = say(&["audit", "--interval", "0.2"]).fine();
    assert!(!text.lines().any(|line| line.starts_with("ok ")), "{text}");
    assert!(
        text.contains(" failed, ") && text.contains(" ok, "),
        "{text}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_running_domain_without_a_name_is_found() {
    // A domain that does not run may be about to be destroyed.
    let _burning = Burning::start();
    let id = id_of("pv-burn");
    let _nameless = changed(&format!("/local/domain/{id}/name"), None);
    finds(&[("identity.names", "failed", id)]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_domain_under_construction_is_a_warning() {
    let _shell = Shells::create(1, 920, ":nameless");
    finds(&[("identity.in_store", "warning", 920)]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn duplicate_names_are_found() {
    let _twins = Shells::create(2, 930, ":name=twin");
    finds(&[("identity.unique_names", "warning", 930)]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn an_orphan_in_xenstore_is_found() {
    let _ghost = added("/local/domain/4000/name", "ghost", "/local/domain/4000");
    finds(&[("identity.orphans", "warning", 4000)]);
    // xenopsd may take some time to remove what it wrote about a domain.
    let (code, report) = finished(start("30.5"));
    let orphans = report.of("identity.orphans");
    assert_eq!((code, &*orphans.verdict), (1, "failed"), "{report:?}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_wrong_uuid_is_found() {
    let id = id_of("pv-net");
    let _other = changed(
        &format!("/local/domain/{id}/vm"),
        Some("/vm/01234567-89ab-cdef-0123-456789abcdef"),
    );
    finds(&[("identity.uuids", "failed", id)]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_lingering_backend_is_found() {
    let top = "/local/domain/0/backend/vif/4001";
    let _lingering = added(&format!("{top}/0/frontend-id"), "4001", top);
    finds(&[("devices.backends", "warning", 4001)]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_missed_memory_target_is_found() {
    let id = id_of("pv-net");
    // Variables drop in reverse order: the target is reverted before the guest is unpaused.
    let _running = Undo::by(&["xl", "unpause", "pv-net"]);
    let _on_target = Undo::by(&["xl", "mem-set", "pv-net", "128"]);
    tool("xl", &["pause", "pv-net"]);
    tool("xl", &["mem-set", "pv-net", "100"]);
    finds(&[
        ("memory.ceiling", "warning", id),
        ("memory.target", "warning", id),
    ]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_capped_domain_stays_under_its_cap() {
    let _burning = Burning::start();
    let id = id_of("pv-burn");
    let set = |cap| ["xl", "sched-credit2", "-d", "pv-burn", "-c", cap];
    let _uncapped = Undo::by(&set("0"));
    tool("xl", &set("20")[1..]);
    let (code, report) = attempts(3, || {
        let (code, report) = finished(start("3"));
        let cap = report.of("cpu.cap");
        assert_eq!((&*cap.verdict, cap.domain), ("ok", Some(id)), "{cap:?}");
        let number = |value: &Option<serde_json::Value>| value.as_ref().unwrap().as_i64().unwrap();
        let (expected, ran) = (number(&cap.expected), number(&cap.observed));
        // The guest wants all of the time and gets a fifth.
        let interval = report.interval_ns.unwrap() as i64;
        assert!(
            (interval / 6..interval / 4).contains(&expected),
            "{report:?}"
        );
        assert!(ran > expected / 2, "{cap:?}");
        (code, report)
    });
    assert_eq!((code, report.wrong()), (0, Vec::new()), "{report:?}");
}

/// A second vCPU that its guest has taken offline; dropped, it is online again.
struct Unplugged(Console);

impl Unplugged {
    fn from(guest: Console) -> Self {
        let unplugged = Self(guest);
        unplugged.turn("kill $keeper", 0);
        unplugged
    }

    fn turn(&self, first: &str, online: u8) {
        let file = "/sys/devices/system/cpu/cpu1/online";
        let said = format!("test: online {online}");
        self.0
            .run(&format!("{first}; echo {online} >{file} && echo '{said}'"));
        self.0.until_it_says(&said);
    }
}

impl Drop for Unplugged {
    fn drop(&mut self) {
        revert(|| self.turn("keep_online & keeper=$!", 1));
    }
}

/// The guest does this without the toolstack.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_vcpu_taken_offline_is_found() {
    let _unplugged = Unplugged::from(Console::of("pv-disk"));
    finds(&[("devices.vcpus", "warning", id_of("pv-disk"))]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn time_of_a_destroyed_domain_is_explained() {
    // It also keeps a pCPU busy while it boots.
    let _guest = Guest::start("audited", "while :; do :; done", &[]);
    let id = id_of("audited");
    // Long enough to stop it before its second sample, on a machine that stalls too.
    let mut auditing = start("10");
    let pid = auditing.id().to_string();
    // The audit has its first sample when it sleeps. It is stopped while the guest is destroyed, so
    // the guest is gone in its second sample, however long that takes.
    until_asleep(&mut auditing);
    sleep(Duration::from_millis(500));
    tool("kill", &["-STOP", &pid]);
    tool("xl", &["destroy", "audited"]);
    // Xen takes its memory back before it forgets it.
    wait_until("the domain is gone", || {
        listed().domains.iter().all(|domain| domain.id != id)
    });
    tool("kill", &["-CONT", &pid]);
    let (code, report) = finished(auditing);
    assert_eq!(code, 0, "{report:?}");
    // Xen removes a domain from its list a moment before it subtracts it from the pool's count.
    let mut wrong = report.wrong();
    wrong.retain(|one| *one != ("placement.domains", "warning", None));
    assert_eq!(wrong, [("cpu.conservation", "warning", None)], "{report:?}");
    let reason = report.of("cpu.conservation").reason.as_ref().unwrap();
    assert!(
        reason.contains(&format!("domain {id} (audited)")),
        "{reason}"
    );
}
