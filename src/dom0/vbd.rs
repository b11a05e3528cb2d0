//! The disks of guests that dom0's kernel serves (blkback).

use std::io;

use enum_map::EnumMap;

use super::bus::Device;
use super::cached_file::FdBudget;
use super::counter;
use super::roots::Roots;
use crate::clock;
use crate::snapshot::{Counters, Disk, DiskBackend, DiskCounter};

/// Bytes in a sector as all disk backends count it, regardless of the disk's sector size.
const SECTOR_BYTES: u64 = 512;

/// Returns the name of a counter's file in a disk's `statistics` (`VBD_SHOW_ALLRING` in Linux,
/// drivers/block/xen-blkback/xenbus.c); `None` for a counter that blkback does not have.
pub(super) fn file(counter: DiskCounter) -> Option<&'static str> {
    Some(match counter {
        DiskCounter::ReadRequests => "rd_req",
        DiskCounter::WriteRequests => "wr_req",
        DiskCounter::ReadBytes => "rd_sect",
        DiskCounter::WriteBytes => "wr_sect",
        DiskCounter::FlushRequests => "f_req",
        DiskCounter::DiscardRequests => "ds_req",
        DiskCounter::OutOfSlots => "oo_req",
        DiskCounter::Errors | DiskCounter::ReadTime | DiskCounter::WriteTime => return None,
    })
}

/// The files of a disk.
pub(super) type Files = counter::Files<DiskCounter>;

/// Reads the `wanted` counters of a disk that dom0's kernel serves; `None` if the disk is gone. The kernel counts requests
/// when it submits them, and does not count errors or time. The counters restart at 0 when the
/// frontend reconnects. The error says why counters are missing; `None` if that is normal.
pub(super) fn disk(
    roots: &Roots,
    device: Device,
    wanted: EnumMap<DiskCounter, bool>,
    files: &mut Files,
    budget: &FdBudget,
) -> Option<(Disk, Option<io::Error>)> {
    let wanted = |counter| file(counter).filter(|_| wanted[counter]);
    let folder = || device.path(roots).join("statistics");
    let is_wanted = files.iter().any(|(counter, _)| wanted(counter).is_some());
    let ((mut counters, fault), stamp) =
        clock::stamped(|| counter::read_all(files, wanted, budget, folder));
    if is_wanted && counters == Counters::default() && !device.path(roots).exists() {
        return None;
    }
    for sectors in [DiskCounter::ReadBytes, DiskCounter::WriteBytes] {
        counters[sectors] = counters[sectors].and_then(bytes);
    }
    let name = Disk::name(device.id);
    let disk = Disk {
        counters,
        ..Disk::without_counters(device.id, name, DiskBackend::Blkback, stamp)
    };
    Some((disk, fault))
}

/// Converts sectors to bytes; `None` if the result does not fit.
pub(super) fn bytes(sectors: u64) -> Option<u64> {
    sectors.checked_mul(SECTOR_BYTES)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use enum_map::enum_map;

    use super::*;
    use crate::dom0::fake_sysfs::FakeSysfs;
    use crate::snapshot::{Collect, DomId};

    const STATISTICS: &str = "sys/bus/xen-backend/devices/vbd-5-51712/statistics";

    /// Returns a tree in which every counter has a different value.
    fn with_a_disk() -> FakeSysfs {
        let tree = FakeSysfs::new();
        for (name, text) in [
            ("rd_req", "100\n"),
            ("wr_req", "101\n"),
            ("rd_sect", "102\n"),
            ("wr_sect", "103\n"),
            ("f_req", "104\n"),
            ("ds_req", "105\n"),
            ("oo_req", "106\n"),
        ] {
            tree.write(&format!("{STATISTICS}/{name}"), text);
        }
        tree
    }

    fn only_disk(tree: &FakeSysfs) -> Disk {
        let domains = tree.devices().disks.unwrap();
        assert_eq!(domains.keys().collect::<Vec<_>>(), [&DomId(5)]);
        assert_eq!(domains[&DomId(5)].len(), 1);
        domains[&DomId(5)][0].clone()
    }

    #[test]
    fn each_counter_is_read_from_its_file() {
        let disk = only_disk(&with_a_disk());
        let expected = Disk {
            id: 51712,
            device: "xvda".into(),
            backend: DiskBackend::Blkback,
            backend_domain: DomId::DOM0,
            process: None,
            storage: None,
            counters: enum_map! {
                DiskCounter::ReadRequests => Some(100),
                DiskCounter::WriteRequests => Some(101),
                DiskCounter::ReadBytes => Some(102 * 512),
                DiskCounter::WriteBytes => Some(103 * 512),
                DiskCounter::FlushRequests => Some(104),
                DiskCounter::DiscardRequests => Some(105),
                DiskCounter::OutOfSlots => Some(106),
                _ => None,
            },
            stamp: disk.stamp,
        };
        assert_eq!(disk, expected);
        assert!(disk.stamp.at_ns > 0);
    }

    #[test]
    fn only_kernel_backends_are_read() {
        let tree = with_a_disk();
        for other in ["vbd3-5-51728", "qdisk-5-51744", "tap-5-51760", "vif-5-0"] {
            tree.folder(&format!("sys/bus/xen-backend/devices/{other}"));
        }
        assert_eq!(only_disk(&tree).id, 51712);
    }

    #[test]
    fn an_invalid_counter_is_none() {
        // 2^55 sectors are 2^64 bytes, which do not fit.
        for text in ["", "7", "-7\n", "7 8\n", "36028797018963968\n"] {
            let tree = with_a_disk();
            tree.write(&format!("{STATISTICS}/rd_sect"), text);
            let disk = only_disk(&tree);
            assert_eq!(disk[DiskCounter::ReadBytes], None, "{text:?}");
            assert_eq!(disk[DiskCounter::WriteBytes], Some(103 * 512));
        }
        let tree = with_a_disk();
        tree.write(&format!("{STATISTICS}/rd_sect"), "36028797018963967\n");
        assert_eq!(
            only_disk(&tree)[DiskCounter::ReadBytes],
            Some(u64::MAX - 511)
        );
        tree.remove(&format!("{STATISTICS}/wr_req"));
        let disk = only_disk(&tree);
        assert_eq!(
            (
                disk[DiskCounter::ReadRequests],
                disk[DiskCounter::WriteRequests]
            ),
            (Some(100), None)
        );
    }

    #[test]
    fn a_disk_without_statistics_is_listed() {
        let tree = with_a_disk();
        // This is the state before the hotplug script has set the block device.
        tree.remove(STATISTICS);
        assert_eq!(only_disk(&tree)[DiskCounter::ReadRequests], None);

        let gone = Device {
            kind: "vbd",
            domain: DomId(5),
            id: 51728,
        };
        let (mut files, budget) = Default::default();
        assert!(
            disk(
                &tree.roots,
                gone,
                Collect::ALL.disk_counters,
                &mut files,
                &budget
            )
            .is_none()
        );
    }
}
