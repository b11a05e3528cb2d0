//! Devices whose files are kept open, while the kernel makes others of them.

use std::fs;

use super::follow::Followed;
use super::sample::Renamed;
use crate::command::{tool, xenscope};
use crate::record::{Disk, Domain, Nic, Record};

/// Samples one after the other.
fn follow() -> Followed {
    Followed::start(&mut xenscope(&[
        "top", "-b", "-d", "0.2", "--format", "json",
    ]))
}

/// The domain in the newest of at least two samples.
fn newest<'r>(records: &'r [Record], name: &str) -> Option<&'r Domain> {
    let (newest, [_, ..]) = records.split_last()? else {
        return None;
    };
    Some(newest.domain(name))
}

fn nic(records: &[Record]) -> Option<&Nic> {
    newest(records, "pv-net")?.nics.as_ref()?.first()
}

/// xvdb, the one that is plugged.
fn plugged(records: &[Record]) -> Option<&Disk> {
    let disks = newest(records, "pv-disk")?.disks.as_ref()?;
    disks.iter().find(|disk| disk.id == 51728)
}

/// The files in sysfs that a process has open.
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
fn a_nic_that_is_renamed_while_it_is_watched_goes_on_under_its_new_name() {
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
    // By the files that are open, which the kernel calls what they were called when they were opened.
    assert_eq!(open_files(&followed), open);
    drop(renamed);
    is_called(usual);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_disk_that_is_plugged_again_while_it_is_watched_is_read_anew() {
    fs::write("/tmp/again.img", vec![0; 1 << 20]).unwrap();
    let disk =
        "format=raw,vdev=xvdb,access=rw,backendtype=phy,script=disk-lab,target=/tmp/again.img";
    let followed = follow();
    followed.until("two", |records: &[Record]| records.len() > 1);
    let before = open_files(&followed).len();
    assert!(before >= 3 * 9 + 7, "{before}");
    for _ in 0..2 {
        tool("xl", &["block-attach", "pv-disk", disk]);
        followed.until("there", |records: &[Record]| {
            plugged(records).is_some_and(|disk| disk.read_requests.is_some())
        });
        assert_eq!(open_files(&followed).len(), before + 7);
        tool("xl", &["block-detach", "pv-disk", "xvdb"]);
        followed.until("gone", |records: &[Record]| plugged(records).is_none());
        followed.until("closed", |_: &[Record]| {
            open_files(&followed).len() == before
        });
    }
    // Gone and back before it is looked at again, as the process is stopped meanwhile.
    tool("xl", &["block-attach", "pv-disk", disk]);
    followed.until("there", |records: &[Record]| plugged(records).is_some());
    let process = followed.pid().to_string();
    tool("kill", &["-STOP", &process]);
    tool("xl", &["block-detach", "pv-disk", "xvdb"]);
    tool("xl", &["block-attach", "pv-disk", disk]);
    let seen = followed.said::<Record>().len();
    tool("kill", &["-CONT", &process]);
    followed.until("back", |records: &[Record]| {
        // One that was on its way when it was stopped, and one of the new disk at least.
        records.len() > seen + 2
            && plugged(records).is_some_and(|disk| disk.read_requests.is_some())
    });
    assert_eq!(open_files(&followed).len(), before + 7);
    tool("xl", &["block-detach", "pv-disk", "xvdb"]);
    assert_eq!(followed.complaints(), "");
    fs::remove_file("/tmp/again.img").unwrap();
}
