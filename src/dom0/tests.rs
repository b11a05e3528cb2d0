#![allow(clippy::unwrap_used)]

use super::fake_sysfs::{FakeSysfs, Mortal};
use super::*;
use crate::snapshot::{Counters, DiskCounter, NicCounter, Stamp};

const NIC: &str = "sys/bus/xen-backend/devices/vif-5-0";
const DISK: &str = "sys/bus/xen-backend/devices/vbd-5-51712";
const OTHER: &str = "sys/bus/xen-backend/devices/vbd-6-51712";

/// The files of a NIC's counters.
fn nic_files() -> impl Iterator<Item = &'static str> {
    Counters::<NicCounter>::default()
        .into_iter()
        .map(|(counter, _)| vif::file(counter))
}

/// The files of a disk's counters.
fn disk_files() -> impl Iterator<Item = &'static str> {
    let counters = Counters::<DiskCounter>::default().into_iter();
    counters.filter_map(|(counter, _)| vbd::file(counter))
}

/// A NIC and two disks; all counters are `value`.
fn with(value: u64) -> FakeSysfs {
    let tree = FakeSysfs::new();
    nic(&tree, "vif5.0", value);
    disk(&tree, DISK, value);
    disk(&tree, OTHER, value);
    tree
}

fn nic(tree: &FakeSysfs, name: &str, value: u64) {
    let interface = format!("{NIC}/net/{name}");
    tree.write(
        &format!("{interface}/uevent"),
        format!("INTERFACE={name}\nIFINDEX=7\n"),
    );
    for counter in nic_files() {
        let path = format!("{interface}/statistics/{counter}");
        tree.write(&path, format!("{value}\n"));
    }
}

fn disk(tree: &FakeSysfs, device: &str, value: u64) {
    for counter in disk_files() {
        let path = format!("{device}/statistics/{counter}");
        tree.write(&path, format!("{value}\n"));
    }
}

/// With room for so many files.
fn keeping(tree: &FakeSysfs, most: usize) -> Dom0 {
    let mut dom0 = Dom0::new(tree.roots.clone());
    dom0.budget = FdBudget::for_up_to(most);
    dom0
}

/// All devices, but not when they were read.
fn sample(dom0: &mut Dom0) -> Devices {
    let mut devices = dom0.devices(Collect::ALL, |_| Collect::ALL).unwrap();
    let stamp = Stamp {
        at_ns: 0,
        uncertainty_ns: 0,
    };
    for nic in devices
        .nics
        .iter_mut()
        .flat_map(|map| map.values_mut())
        .flatten()
    {
        nic.stamp = stamp;
    }
    for disk in devices
        .disks
        .iter_mut()
        .flat_map(|map| map.values_mut())
        .flatten()
    {
        disk.stamp = stamp;
    }
    devices
}

/// Samples, and makes sure that who samples for the first time sees the same.
fn sound(dom0: &mut Dom0) -> Devices {
    let devices = sample(dom0);
    assert_eq!(devices, sample(&mut Dom0::new(dom0.roots.clone())));
    devices
}

fn only_nic(devices: Devices) -> Nic {
    devices.nics.unwrap()[&DomId(5)][0].clone()
}

#[test]
fn open_files_say_what_is_new() {
    let tree = with(100);
    let mut dom0 = keeping(&tree, 1000);
    assert_eq!(only_nic(sound(&mut dom0))[NicCounter::RxBytes], Some(100));
    let files = 1 + nic_files().count() + 2 * disk_files().count();
    assert_eq!(dom0.budget.taken(), files);
    nic(&tree, "vif5.0", 7);
    disk(&tree, DISK, 8);
    assert_eq!(only_nic(sound(&mut dom0))[NicCounter::RxBytes], Some(7));
    assert_eq!(dom0.budget.taken(), files);
}

#[test]
fn who_samples_once_keeps_nothing_open() {
    let tree = with(100);
    let mut dom0 = Dom0::new(tree.roots.clone());
    sound(&mut dom0);
    assert_eq!(dom0.budget.taken(), 0);
}

#[test]
fn of_a_domain_that_is_not_wanted_nothing_is_read() {
    let tree = with(100);
    let mut dom0 = keeping(&tree, 1000);
    let devices = dom0
        .devices(Collect::ALL, |domain| match domain {
            DomId(5) => Collect::default(),
            _ => Collect::ALL,
        })
        .unwrap();
    assert!(!devices.nics.unwrap().contains_key(&DomId(5)));
    assert!(!devices.disks.unwrap().contains_key(&DomId(5)));
    assert_eq!(dom0.budget.taken(), disk_files().count());
}

#[test]
fn more_files_than_there_is_room_for_are_read_all_the_same() {
    for most in [0, 1, 9, 12] {
        let tree = with(100);
        let mut dom0 = keeping(&tree, most);
        sound(&mut dom0);
        disk(&tree, OTHER, 7);
        sound(&mut dom0);
        assert_eq!(dom0.budget.taken(), most);
    }
}

#[test]
fn a_device_that_went_is_closed_and_one_that_came_back_is_another() {
    let tree = with(100);
    let mut dom0 = keeping(&tree, 1000);
    sound(&mut dom0);
    let before = dom0.budget.taken();
    tree.remove(NIC);
    tree.remove(OTHER);
    let devices = sound(&mut dom0);
    assert!(devices.nics.unwrap().is_empty());
    assert!(dom0.budget.taken() < before / 2);
    nic(&tree, "vif5.0", 7);
    assert_eq!(only_nic(sound(&mut dom0))[NicCounter::RxBytes], Some(7));
}

#[test]
fn a_device_that_went_and_came_back_between_two_samples_is_read_anew() {
    let tree = with(100);
    let counter = format!("{NIC}/net/vif5.0/statistics/tx_bytes");
    tree.remove(&counter);
    let mortal = Mortal::at(&tree.path().join(&counter));
    let mut dom0 = keeping(&tree, 1000);
    assert_eq!(only_nic(sound(&mut dom0))[NicCounter::RxBytes], Some(0));
    mortal.die();
    tree.remove(&counter);
    tree.write(&counter, "7\n");
    assert_eq!(only_nic(sound(&mut dom0))[NicCounter::RxBytes], Some(7));
}

#[test]
fn an_interface_keeps_its_files_under_another_name() {
    let tree = with(100);
    let mut dom0 = keeping(&tree, 1000);
    tree.remove(&format!("{NIC}/net/vif5.0/statistics/tx_errors"));
    sound(&mut dom0);
    let net = tree.path().join(NIC).join("net");
    std::fs::rename(net.join("vif5.0"), net.join("dmz")).unwrap();
    nic(&tree, "dmz", 7);
    let nic = only_nic(sound(&mut dom0));
    // The file that was not there is found below the new name.
    assert_eq!(
        (
            &*nic.device,
            nic[NicCounter::RxBytes],
            nic[NicCounter::RxErrors]
        ),
        ("dmz", Some(7), Some(7))
    );
}

#[test]
fn statistics_may_come_later() {
    let tree = with(100);
    tree.remove(&format!("{DISK}/statistics"));
    let mut dom0 = keeping(&tree, 1000);
    let reads = |devices: Devices| devices.disks.unwrap()[&DomId(5)][0][DiskCounter::ReadRequests];
    assert_eq!(reads(sound(&mut dom0)), None);
    disk(&tree, DISK, 7);
    assert_eq!(reads(sound(&mut dom0)), Some(7));
}

#[test]
fn only_what_is_asked_for_is_read() {
    let tree = with(100);
    let mut dom0 = Dom0::new(tree.roots.clone());
    let only = |nics, disks| Collect {
        nics,
        disks,
        ..Collect::default()
    };
    let [none, nics, disks] = [only(false, false), only(true, false), only(false, true)];
    let devices = dom0.devices(disks, |_| disks).unwrap();
    assert!(devices.nics.is_none() && devices.disks.unwrap().len() == 2);
    tree.remove("sys/bus");
    tree.write("sys/bus/xen-backend/devices", "no folder");
    let mut dom0 = Dom0::new(tree.roots.clone());
    assert!(dom0.devices(nics, |_| nics).is_err());
    assert_eq!(dom0.devices(none, |_| none).unwrap(), Devices::default());
}

/// What is wrong at the end of another sample.
fn faults(dom0: &mut Dom0) -> Vec<(String, String)> {
    sample(dom0);
    let faults = dom0.faults().into_iter();
    faults.map(|fault| (fault.device, fault.why)).collect()
}

#[test]
fn what_stays_wrong_with_a_device_is_told() {
    let tree = with(100);
    for mut dom0 in [Dom0::new(tree.roots.clone()), keeping(&tree, 1000)] {
        disk(&tree, DISK, 7);
        nic(&tree, "vif5.0", 7);
        assert!(faults(&mut dom0).is_empty());
        assert!(faults(&mut dom0).is_empty());
        tree.write(&format!("{DISK}/statistics/wr_req"), "many\n");
        let interface = format!("{NIC}/net/vif5.0/statistics/rx_errors");
        tree.write(&interface, "");
        assert!(faults(&mut dom0).is_empty(), "it may be about to go");
        let nics = ("vif-5-0".to_owned(), "rx_errors: not a number".to_owned());
        let disks = ("vbd-5-51712".to_owned(), "wr_req: not a number".to_owned());
        assert_eq!(faults(&mut dom0), [nics.clone(), disks]);
        disk(&tree, DISK, 8);
        assert_eq!(faults(&mut dom0), [nics]);
        nic(&tree, "vif5.0", 8);
        assert!(faults(&mut dom0).is_empty());
        // A counter that is not there is no fault, nor is a device that went.
        tree.remove(&format!("{OTHER}/statistics"));
        assert!(faults(&mut dom0).is_empty() && faults(&mut dom0).is_empty());
        disk(&tree, OTHER, 7);
    }
}

#[test]
fn a_file_that_fails_is_told_with_the_reason() {
    let tree = with(100);
    let counter = format!("{DISK}/statistics/oo_req");
    tree.remove(&counter);
    // Reading a folder is an error.
    tree.folder(&counter);
    let net = format!("{NIC}/net");
    tree.remove(&net);
    tree.write(&net, "no folder");
    let mut dom0 = keeping(&tree, 1000);
    assert!(faults(&mut dom0).is_empty());
    let found = faults(&mut dom0);
    assert_eq!(found[0].0, "vif-5-0");
    assert!(found[0].1.contains("Not a directory"), "{found:?}");
    assert!(
        found[1].1.starts_with("oo_req: Is a directory"),
        "{found:?}"
    );
}

#[test]
fn a_tapdisk_whose_statistics_make_no_sense_is_told() {
    let tree = FakeSysfs::new();
    tree.folder("proc/77");
    let mut dom0 = Dom0::new(tree.roots.clone());
    let mut tapdisk = Disk {
        process: Some(77),
        ..Disk::without_counters(
            51712,
            "xvda".into(),
            crate::snapshot::DiskBackend::Tapdisk,
            Stamp::default(),
        )
    };
    let mut told = || {
        dom0.fill_in(DomId(5), &mut tapdisk);
        dom0.faults()
    };
    assert!(told().is_empty() && told().is_empty(), "it has none yet");
    tree.write("shm/td3-77/vbd-5-51712", "nonsense");
    assert!(told().is_empty());
    assert_eq!(told()[0].device, "vbd3-5-51712");
}
