//! CPU time and its rates on the hypervisor: `status` and `top -b`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::guest::{Burning, Paused};
use super::{MOST_PERCENT, median, until_asleep};
use crate::command::{run, say, tool, xenscope};
use crate::record::{Record, all};

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_busy_vcpu_is_100_percent() {
    let _others = Paused::all(&["pv-disk", "pv-net"]);
    let _burning = Burning::start();
    let words = ["top", "-b", "-i", "6", "-d", "2", "--format", "json"];
    let records: Vec<Record> = all(&say(&words).fine());
    let of_burn = |record: &Record| {
        let burn = record.domain("pv-burn");
        assert_eq!(burn.cpu_percent_of_vcpus, burn.cpu_percent);
        assert_eq!(burn.vcpus_online, 1);
        burn.cpu_percent.unwrap()
    };
    let percents: Vec<f64> = records.iter().map(of_burn).collect();
    // A pause in the middle of a reading moves its time, which makes one sample wrong and the next one too.
    let usual = median(percents.iter().copied());
    assert!((97.0..=100.5).contains(&usual), "{percents:?}");
    assert!(
        percents.iter().all(|one| *one <= MOST_PERCENT),
        "{percents:?}"
    );
    // One of two pCPUs is busy, and dom0 is nearly idle.
    let host = records
        .iter()
        .map(|record| record.host.cpu_percent.unwrap());
    assert!((47.0..=100.0).contains(&median(host)), "{records:?}");

    let words = ["status", "pv-burn", "--interval", "2", "--format", "json"];
    let record = Record::one(&say(&words).fine());
    let interval = record.interval_ns.unwrap();
    assert!(interval >= 2_000_000_000, "{interval}");
    assert_eq!(record.domains.len(), 1, "only what was asked for");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_paused_guest_is_0_percent() {
    let words = ["status", "pv-burn", "--interval", "0.5", "--format", "json"];
    let record = Record::one(&say(&words).fine());
    let burn = record.domain("pv-burn");
    assert_eq!(
        (burn.state.as_str(), burn.cpu_percent),
        ("paused", Some(0.0))
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn status_finds_domains_by_id_name_and_uuid() {
    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    let disk = record.domain("pv-disk");
    let (id, uuid) = (disk.id.to_string(), disk.uuid.to_string());
    for text in [
        "pv-disk",
        "name:pv-disk",
        &id,
        &format!("id:{id}"),
        &uuid,
        &format!("uuid:{uuid}"),
    ] {
        let status = say(&["status", text, "--interval", "0.1"]).fine();
        assert!(
            status.starts_with(&format!("pv-disk (domain {id})\n")),
            "{text}: {status}"
        );
        assert!(
            status.contains(&uuid) && !status.contains("XenStore has"),
            "{status}"
        );
        for label in [
            "type      pv\n",
            "of one pCPU",
            "2 online of 2",
            "MiB used, ceiling ",
            "target ",
        ] {
            assert!(status.contains(label), "no {label:?} in {status}");
        }
    }
    let both = say(&["status", "0", "pv-disk", &id, "--interval", "0.1"]).fine();
    assert_eq!(both.matches("(domain ").count(), 2, "{both}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn cpu_time_and_memory_agree_with_xl() {
    let _burning = Burning::start();
    // Its MiB and its seconds.
    let xl = || -> (u64, f64) {
        let list = tool("xl", &["list", "pv-burn"]);
        let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
        (row[2].parse().unwrap(), row[5].parse().unwrap())
    };
    let (mib, before) = xl();
    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    let (_, after) = xl();
    let burn = record.domain("pv-burn");
    assert_eq!(
        (burn.memory_bytes + burn.memory_claimed_bytes) >> 20,
        mib,
        "{burn:?}"
    );
    let ours = burn.cpu_time_ns as f64 / 1e9;
    // xl rounds to a tenth of a second.
    assert!(
        ours >= before - 0.05 && ours <= after + 0.05,
        "{before} {ours} {after}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn top_has_xentops_columns() {
    let _burning = Burning::start();
    let text = say(&["top", "-b", "-i", "2", "-d", "0.5"]).fine();
    let heads: Vec<&str> = text.lines().filter(|line| line.contains("NAME")).collect();
    assert_eq!(heads.len(), 2, "{text}");
    let xentop = tool("xentop", &["-b", "-i", "1"]);
    assert!(
        xentop.lines().next().unwrap().starts_with(heads[0]),
        "{xentop}{}",
        heads[0]
    );

    let first: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    let burn = first.iter().find(|line| line.contains("pv-burn")).unwrap();
    let percent: f64 = burn.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!((1.0..=MOST_PERCENT).contains(&percent), "{burn}");
    // The columns that do not change are exactly xentop's.
    let theirs = xentop
        .lines()
        .find(|line| line.contains("pv-burn"))
        .unwrap();
    assert_eq!(burn[..10], theirs[..10]);
    assert_eq!(burn[35..68], theirs[35..68], "{burn}\n{theirs}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn top_json_has_a_record_for_each_sample() {
    let _burning = Burning::start();
    let words = ["top", "-b", "-i", "3", "-d", "0.3", "--format", "json"];
    let records: Vec<Record> = all(&say(&words).fine());
    assert_eq!(records.len(), 3);
    for pair in records.windows(2) {
        assert_eq!(pair[0].schema, 1);
        assert!(pair[1].time > pair[0].time);
        let (old, new) = (pair[0].domain("pv-burn"), pair[1].domain("pv-burn"));
        assert!(new.cpu_time_ns > old.cpu_time_ns);
        // The rate is the difference of two CPU times divided by the time between them.
        let interval = pair[1].interval_ns.unwrap() as f64;
        let expected = 100.0 * (new.cpu_time_ns - old.cpu_time_ns) as f64 / interval;
        // The domain's CPU time is from some point within the sample, so the interval is inexact.
        let ratio = new.cpu_percent.unwrap() / expected;
        assert!((0.9..=1.1).contains(&ratio), "{new:?} {expected}");
        assert!(pair[1].domain("Domain-0").cpu_percent.unwrap() > 0.0);
    }
    let words = ["top", "-b", "-i", "2", "-d", "0.2", "--format", "csv"];
    let csv = say(&words).fine();
    assert_eq!(csv.matches("kind,time,interval_ns").count(), 1, "{csv}");
    assert_eq!(
        csv.lines().count(),
        1 + 2 * records[0].domains.len(),
        "{csv}"
    );
    assert!(!csv.contains("vcpus.id"), "{csv}");
    let csv = say(&[&words[..], &["-v", "-n", "-x"]].concat()).fine();
    let of_kind = |kind: &str| csv.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!(of_kind("domain,"), 2 * records[0].domains.len(), "{csv}");
    for kind in ["vcpu,", "nic,", "disk,"] {
        assert!(of_kind(kind) >= 2, "{kind} {csv}");
    }
    let table = say(&["top", "-b", "-i", "1", "-d", "0.2", "--format", "table"]).fine();
    assert!(
        table.contains("pCPUs, ") && table.contains("CPU %"),
        "{table}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn sigint_ends_a_waiting_command() {
    let mut child = xenscope(&["status", "0", "--interval", "60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // After its first sample it sleeps.
    until_asleep(&mut child);
    tool("kill", &["-INT", &child.id().to_string()]);
    let output = child.wait_with_output().unwrap();
    // The signal itself ends it, as shells and loops expect.
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&output.status),
        Some(2)
    );
    assert_eq!(
        (output.stdout.len(), output.stderr.len()),
        (0, 0),
        "{output:?}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_closed_pipe_is_no_error() {
    let mut child = xenscope(&["top", "-b", "-d", "0.1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.len()),
        (Some(0), 0),
        "{output:?}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_full_disk_is_an_error() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let said = run(xenscope(&["list"]).stdout(full));
    said.refused(1, &["cannot write the output", "No space left"]);
}
