#![allow(clippy::unwrap_used)]

use super::fake_sysfs::{FakeSysfs, VanishingFile};
use super::*;
use crate::snapshot::{Counters, DiskCounter, NicCounter, Stamp};

const NIC: &str = "sys/bus/xen-backend/devices/vif-5-0";
const DISK: &str = "sys/bus/xen-backend/devices/vbd-5-51712";
const OTHER: &str = "sys/bus/xen-backend/devices/vbd-6-51712";

/// Lists the files of a NIC's counters.
fn nic_files() -> impl Iterator<Item = &'static str> {
    Counters::<NicCounter>::default()
        .into_iter()
        .map(|(counter, _)| vif::source(counter).file)
}

/// Lists the files of a disk's counters.
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

/// Reads a dom0 with a budget of this many open files.
fn with_budget(tree: &FakeSysfs, most: usize) -> Dom0 {
    let mut dom0 = Dom0::new(tree.roots.clone());
    dom0.budget = FdBudget::for_up_to(most);
    dom0
}

/// Reads all devices, and clears their stamps.
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

/// Samples, and asserts that a first sample sees the same.
fn sample_checked(dom0: &mut Dom0) -> Devices {
    let devices = sample(dom0);
    assert_eq!(devices, sample(&mut Dom0::new(dom0.roots.clone())));
    devices
}

fn only_nic(devices: Devices) -> Nic {
    devices.nics.unwrap()[&DomId(5)][0].clone()
}

#[test]
fn open_files_are_read_again() {
    let tree = with(100);
    let mut dom0 = with_budget(&tree, 1000);
    assert_eq!(
        only_nic(sample_checked(&mut dom0))[NicCounter::RxBytes],
        Some(100)
    );
    let files = 1 + nic_files().count() + 2 * disk_files().count();
    assert_eq!(dom0.budget.taken(), files);
    nic(&tree, "vif5.0", 7);
    disk(&tree, DISK, 8);
    assert_eq!(
        only_nic(sample_checked(&mut dom0))[NicCounter::RxBytes],
        Some(7)
    );
    assert_eq!(dom0.budget.taken(), files);
}

#[test]
fn nic_that_netlink_does_not_know_is_read_and_closed() {
    let tree = with(100);
    let mut dom0 = with_budget(&tree, 1000);
    // This process's namespace has no such interface.
    dom0.links = Links::live();
    for value in [100, 7] {
        nic(&tree, "vif5.0", value);
        assert_eq!(
            only_nic(sample_checked(&mut dom0))[NicCounter::RxBytes],
            Some(value)
        );
        assert_eq!(dom0.budget.taken(), 2 * disk_files().count());
    }
    let listed = Collect {
        nics: true,
        ..Collect::NOTHING
    };
    let devices = dom0.devices(listed, |_| listed).unwrap();
    assert_eq!(only_nic(devices).device, "vif5.0");
}

#[test]
fn first_sample_keeps_no_file_open() {
    let tree = with(100);
    let mut dom0 = Dom0::new(tree.roots.clone());
    sample_checked(&mut dom0);
    assert_eq!(dom0.budget.taken(), 0);
}

#[test]
fn only_wanted_domains_are_read() {
    let tree = with(100);
    let mut dom0 = with_budget(&tree, 1000);
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
fn only_wanted_counters_are_read() {
    let tree = with(100);
    tree.remove(NIC);
    let mut dom0 = with_budget(&tree, 1000);
    sample(&mut dom0);
    let wanted = [DiskCounter::ReadBytes, DiskCounter::Errors];
    let few = Collect::NOTHING.with_disk_counters(&wanted);
    let disks = dom0.devices(few, |_| few).unwrap().disks.unwrap();
    let counters = disks[&DomId(5)][0].counters;
    let known: Vec<_> = counters
        .iter()
        .filter(|(_, count)| count.is_some())
        .collect();
    // blkback counts no errors.
    assert_eq!(known, [(DiskCounter::ReadBytes, &Some(100 * 512))]);
    assert_eq!(dom0.budget.taken(), 2, "one file for each disk");
}

#[test]
fn devices_are_listed_without_counters() {
    let tree = with(100);
    let mut dom0 = with_budget(&tree, 1000);
    let listed = Collect {
        nics: true,
        disks: true,
        ..Collect::NOTHING
    };
    // What is not wanted is not missed.
    tree.remove(&format!("{NIC}/net/vif5.0/statistics"));
    tree.write(&format!("{DISK}/statistics/rd_req"), "many\n");
    for _ in 0..3 {
        let devices = dom0.devices(listed, |_| listed).unwrap();
        let (nics, disks) = (devices.nics.unwrap(), devices.disks.unwrap());
        assert_eq!(nics[&DomId(5)][0].device, "vif5.0");
        assert_eq!(nics[&DomId(5)][0].counters, Counters::default());
        assert_eq!(disks[&DomId(5)][0].device, "xvda");
        assert_eq!(disks[&DomId(5)][0].counters, Counters::default());
        assert_eq!((disks.len(), dom0.faults()), (2, Vec::new()));
    }
    assert_eq!(dom0.budget.taken(), 1, "only the NIC's name");
    tree.remove(NIC);
    tree.remove(OTHER);
    let devices = dom0.devices(listed, |_| listed).unwrap();
    assert!(devices.nics.unwrap().is_empty() && devices.disks.unwrap().len() == 1);
}

#[test]
fn files_beyond_the_budget_are_read() {
    for most in [0, 1, 9, 12] {
        let tree = with(100);
        let mut dom0 = with_budget(&tree, most);
        sample_checked(&mut dom0);
        disk(&tree, OTHER, 7);
        sample_checked(&mut dom0);
        assert_eq!(dom0.budget.taken(), most);
    }
}

#[test]
fn detached_device_is_closed() {
    let tree = with(100);
    let mut dom0 = with_budget(&tree, 1000);
    sample_checked(&mut dom0);
    let before = dom0.budget.taken();
    tree.remove(NIC);
    tree.remove(OTHER);
    let devices = sample_checked(&mut dom0);
    assert!(devices.nics.unwrap().is_empty());
    assert!(dom0.budget.taken() < before / 2);
    nic(&tree, "vif5.0", 7);
    assert_eq!(
        only_nic(sample_checked(&mut dom0))[NicCounter::RxBytes],
        Some(7)
    );
}

#[test]
fn device_replaced_between_samples_is_opened_again() {
    let tree = with(100);
    let counter = format!("{NIC}/net/vif5.0/statistics/tx_bytes");
    tree.remove(&counter);
    let file = VanishingFile::create(&tree.path().join(&counter));
    let mut dom0 = with_budget(&tree, 1000);
    assert_eq!(
        only_nic(sample_checked(&mut dom0))[NicCounter::RxBytes],
        Some(0)
    );
    file.vanish();
    tree.remove(&counter);
    tree.write(&counter, "7\n");
    assert_eq!(
        only_nic(sample_checked(&mut dom0))[NicCounter::RxBytes],
        Some(7)
    );
}

#[test]
fn renamed_interface_keeps_its_files() {
    let tree = with(100);
    let mut dom0 = with_budget(&tree, 1000);
    tree.remove(&format!("{NIC}/net/vif5.0/statistics/tx_errors"));
    sample_checked(&mut dom0);
    let net = tree.path().join(NIC).join("net");
    std::fs::rename(net.join("vif5.0"), net.join("dmz")).unwrap();
    nic(&tree, "dmz", 7);
    let nic = only_nic(sample_checked(&mut dom0));
    // The missing file is found below the new name.
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
fn statistics_can_appear_later() {
    let tree = with(100);
    tree.remove(&format!("{DISK}/statistics"));
    let mut dom0 = with_budget(&tree, 1000);
    let reads = |devices: Devices| devices.disks.unwrap()[&DomId(5)][0][DiskCounter::ReadRequests];
    assert_eq!(reads(sample_checked(&mut dom0)), None);
    disk(&tree, DISK, 7);
    assert_eq!(reads(sample_checked(&mut dom0)), Some(7));
}

#[test]
fn only_wanted_kinds_are_read() {
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

/// Returns the faults of another sample.
fn faults(dom0: &mut Dom0) -> Vec<(String, String)> {
    sample(dom0);
    let faults = dom0.faults().into_iter();
    faults.map(|fault| (fault.device, fault.why)).collect()
}

#[test]
fn lasting_faults_are_reported() {
    let tree = with(100);
    for mut dom0 in [Dom0::new(tree.roots.clone()), with_budget(&tree, 1000)] {
        disk(&tree, DISK, 7);
        nic(&tree, "vif5.0", 7);
        assert!(faults(&mut dom0).is_empty());
        assert!(faults(&mut dom0).is_empty());
        tree.write(&format!("{DISK}/statistics/wr_req"), "many\n");
        let interface = format!("{NIC}/net/vif5.0/statistics/rx_errors");
        tree.write(&interface, "");
        assert!(faults(&mut dom0).is_empty(), "it may be being detached");
        let nics = ("vif-5-0".to_owned(), "rx_errors: not a number".to_owned());
        let disks = ("vbd-5-51712".to_owned(), "wr_req: not a number".to_owned());
        assert_eq!(faults(&mut dom0), [nics.clone(), disks]);
        disk(&tree, DISK, 8);
        assert_eq!(faults(&mut dom0), [nics]);
        nic(&tree, "vif5.0", 8);
        assert!(faults(&mut dom0).is_empty());
        // A missing counter is no fault, and neither is a detached device.
        tree.remove(&format!("{OTHER}/statistics"));
        assert!(faults(&mut dom0).is_empty() && faults(&mut dom0).is_empty());
        disk(&tree, OTHER, 7);
    }
}

#[test]
fn fault_has_the_reason() {
    let tree = with(100);
    let counter = format!("{DISK}/statistics/oo_req");
    tree.remove(&counter);
    // Reading a folder is an error.
    tree.folder(&counter);
    let net = format!("{NIC}/net");
    tree.remove(&net);
    tree.write(&net, "no folder");
    let mut dom0 = with_budget(&tree, 1000);
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
fn malformed_tapdisk_statistics_are_a_fault() {
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
    let mut faults = || {
        dom0.fill_in(DomId(5), Collect::ALL.disk_counters, &mut tapdisk);
        dom0.faults()
    };
    assert!(
        faults().is_empty() && faults().is_empty(),
        "it has none yet"
    );
    tree.write("shm/td3-77/vbd-5-51712", "nonsense");
    assert!(faults().is_empty());
    assert_eq!(faults()[0].device, "vbd3-5-51712");
}
