//! Devices whose files stay open while the kernel renames or replaces the device.

use std::fs;

use serde_json::Value;

use super::follow::Followed;
use super::guest::Plug;
use super::revert;
use super::sample::Renamed;
use crate::command::{say, tool, xenscope};
use crate::record::{Disk, Domain, Nic, Record};

/// Starts `xenscope top` in JSON.
fn follow() -> Followed {
    Followed::start(&mut xenscope(&[
        "top", "-b", "-d", "0.2", "--format", "json",
    ]))
}

/// Returns the domain in the newest of at least two samples.
fn newest<'r>(records: &'r [Record], name: &str) -> Option<&'r Domain> {
    let (newest, [_, ..]) = records.split_last()? else {
        return None;
    };
    Some(newest.domain(name))
}

fn nic(records: &[Record]) -> Option<&Nic> {
    newest(records, "pv-net")?.nics.as_ref()?.first()
}

/// Returns xvdb, the disk that the test plugs.
fn plugged(records: &[Record]) -> Option<&Disk> {
    let disks = newest(records, "pv-disk")?.disks.as_ref()?;
    disks.iter().find(|disk| disk.id == 51728)
}

/// Returns the files in sysfs that a process has open.
fn open_files(followed: &Followed) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{}/fd", followed.pid())).unwrap();
    let targets = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
    targets
        .map(|target| target.to_string_lossy().into_owned())
        .filter(|target| target.starts_with("/sys/"))
        .collect()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_nic_renamed_while_sampling_keeps_its_rates() {
    let followed = follow();
    let counts = |nic: &Nic| nic.tx_packets_per_second.is_some_and(|rate| rate > 0.0);
    let is_called = |name: String| {
        let is_it = move |records: &[Record]| {
            nic(records).is_some_and(|nic| nic.device == name && counts(nic))
        };
        followed.until("under its name", is_it)
    };
    let id = newest(
        &followed.until("two", |records: &[Record]| records.len() > 1),
        "pv-net",
    )
    .unwrap()
    .id;
    let usual = format!("vif{id}.0");
    is_called(usual.clone());
    let open = open_files(&followed);
    let renamed = Renamed::new(usual.clone());
    is_called(Renamed::NAME.to_owned());
    // The kernel lists open files by their names at the time of opening.
    assert_eq!(open_files(&followed), open);
    drop(renamed);
    is_called(usual);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_replaced_disk_is_read_again() {
    let disk = Plug::of("/tmp/again.img");
    let followed = follow();
    followed.until("two", |records: &[Record]| records.len() > 1);
    let before = open_files(&followed).len();
    // The folder of the bus, and the counters of three disks. Those of NICs come by netlink.
    assert_eq!(before, 1 + 3 * 7);
    for _ in 0..2 {
        disk.plug();
        followed.until("there", |records: &[Record]| {
            plugged(records).is_some_and(|disk| disk.read_requests.is_some())
        });
        assert_eq!(open_files(&followed).len(), before + 7);
        disk.unplug();
        followed.until("gone", |records: &[Record]| plugged(records).is_none());
        followed.until("closed", |_: &[Record]| {
            open_files(&followed).len() == before
        });
    }
    // The process is stopped while the disk goes and comes back.
    disk.plug();
    followed.until("there", |records: &[Record]| plugged(records).is_some());
    let process = followed.pid().to_string();
    tool("kill", &["-STOP", &process]);
    disk.unplug();
    disk.plug();
    let seen = followed.said::<Record>().len();
    tool("kill", &["-CONT", &process]);
    followed.until("back", |records: &[Record]| {
        // One sample may have been under way when it was stopped; the next has the new disk.
        records.len() > seen + 2
            && plugged(records).is_some_and(|disk| disk.read_requests.is_some())
    });
    assert_eq!(open_files(&followed).len(), before + 7);
    disk.unplug();
    assert_eq!(followed.complaints(), "");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn events_reads_no_counters() {
    let events = Followed::start(&mut xenscope(&[
        "events",
        "--since-start",
        "--format",
        "json",
    ]));
    events.more(4);
    assert_eq!(open_files(&events), ["/sys/bus/xen-backend/devices"]);
}

/// The storage repository and the image of that disk.
const REPOSITORY: &str = "8d2b5e6a-0c4f-4a57-9f57-3e5f6c0d1a2b";
const IMAGE: &str = "11111111-2222-3333-4444-555555555555";

/// A disk of XAPI's, of a tapdisk, which is this process, and one of QEMU's, until this is dropped.
struct UserSpace {
    domain: u16,
    statistics: String,
}

impl UserSpace {
    fn disks_of(domain: u16) -> Self {
        let process = std::process::id();
        let statistics = format!("/dev/shm/td3-{process}");
        fs::create_dir_all(&statistics).unwrap();
        let disks = Self { domain, statistics };
        disks.count(11, 5500);
        for (path, value) in [
            ("vbd3", 51760, "dev", "xvdc".to_owned()),
            ("vbd3", 51760, "kthread-pid", process.to_string()),
            (
                "vbd3",
                51760,
                "params",
                format!("/dev/sm/backend/{REPOSITORY}/{IMAGE}"),
            ),
            ("qdisk", 51776, "dev", "xvdd".to_owned()),
        ]
        .map(|(kind, id, key, value)| (format!("{}/{id}/{key}", disks.backend(kind)), value))
        {
            tool("xenstore-write", &[path, value]);
        }
        disks
    }

    fn backend(&self, kind: &str) -> String {
        format!("/local/domain/0/backend/{kind}/{}", self.domain)
    }

    /// Writes `struct stats` of blktap's drivers/tapdisk-metrics-stats.h.
    fn count(&self, reads: u64, read_microseconds: u64) {
        let oo = 7;
        let read = [reads + 1, reads, 8 * reads, read_microseconds];
        let written = [5, 4, 16, 8000];
        let (errors, flags) = (2, 0);
        let counters = [&[oo][..], &read, &written, &[errors, flags]].concat();
        let bytes = [1_u32.to_ne_bytes(), 0_u32.to_ne_bytes()].concat();
        let counters = counters
            .iter()
            .flat_map(|counter: &u64| counter.to_ne_bytes());
        let bytes: Vec<u8> = bytes.into_iter().chain(counters).collect();
        // In one write, because it is a shared page.
        let new = format!("{}/new", self.statistics);
        fs::write(&new, bytes).unwrap();
        fs::rename(
            new,
            format!("{}/vbd-{}-51760", self.statistics, self.domain),
        )
        .unwrap();
    }
}

impl Drop for UserSpace {
    fn drop(&mut self) {
        revert(|| {
            for kind in ["vbd3", "qdisk"] {
                tool("xenstore-rm", &[self.backend(kind)]);
            }
            fs::remove_dir_all(&self.statistics).unwrap();
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn user_space_disks_have_published_counters() {
    let list = say(&["list", "--format", "json"]).fine();
    let disks = UserSpace::disks_of(Record::one(&list).domain("pv-net").id);
    let of = |record: &Record| record.domain("pv-net").disks.clone().unwrap();

    let status = ["status", "pv-net", "--interval", "0.1", "--format", "json"];
    let [blkback, tapdisk, qdisk] = &of(&Record::one(&say(&status).fine()))[..] else {
        panic!("not three disks");
    };
    assert_eq!((blkback.id, &*blkback.backend), (51712, "blkback"));
    assert_eq!((&*tapdisk.device, &*tapdisk.backend), ("xvdc", "tapdisk"));
    let counters = [
        tapdisk.read_requests,
        tapdisk.read_bytes,
        tapdisk.write_requests,
        tapdisk.write_bytes,
        tapdisk.out_of_slots,
        tapdisk.errors,
    ];
    let expected = [11, 11 * 8 * 512, 4, 16 * 512, 7, 2];
    assert_eq!(counters, expected.map(Some), "{tapdisk:?}");
    assert_eq!((&*qdisk.device, &*qdisk.backend), ("xvdd", "qdisk"));
    assert_eq!((qdisk.read_requests, qdisk.write_bytes), (None, None));
    let table = say(&["status", "pv-net", "--interval", "0.1"]).fine();
    assert!(
        table.contains("xvdc  tapdisk") && table.contains("xvdd  qdisk"),
        "{table}"
    );

    let host = ["host", "--interval", "0.1"];
    let text = say(&[&host[..], &["--format", "json"]].concat()).fine();
    let record: Value = serde_json::from_str(&text).unwrap();
    let [repository] = &record["host"]["repositories"].as_array().unwrap()[..] else {
        panic!("not one repository: {text}");
    };
    assert_eq!(repository["uuid"], REPOSITORY);
    let figures = ["disks", "measured_disks", "read_bytes_per_second"];
    let figures = figures.map(|name| repository[name].as_f64());
    assert_eq!(figures, [1.0, 1.0, 0.0].map(Some), "{repository}");
    let table = say(&host).fine();
    assert!(table.contains(REPOSITORY), "{table}");

    let followed = follow();
    followed.until("all three", |records: &[Record]| {
        records.len() > 1 && of(records.last().unwrap()).len() == 3
    });
    disks.count(15, 13_500);
    let records = followed.until("read", |records: &[Record]| {
        of(records.last().unwrap())[1].read_requests == Some(15)
    });
    let read: Vec<Disk> = records
        .iter()
        .map(|record| of(record).swap_remove(1))
        .collect();
    let first = read.iter().find(|disk| disk.read_requests == Some(15));
    // 8 ms for four reads.
    assert_eq!(
        first.unwrap().read_latency_ns,
        Some(2_000_000.0),
        "{read:?}"
    );
    drop(disks);
    followed.until("one", |records: &[Record]| {
        of(records.last().unwrap()).len() == 1
    });
    assert_eq!(followed.complaints(), "");
}
