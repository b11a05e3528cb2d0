//! The NICs of guests, read from dom0's network backend.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::bus::Device;
use super::cached_file::{CachedFile, FdBudget};
use super::counter::{self, number};
use super::roots::Roots;
use crate::clock;
use crate::snapshot::{Counters, DomId, Nic, NicCounter};

/// Where the kernel has a counter of an interface.
pub(super) struct Source {
    /// The name of its file below `/sys/class/net/*/statistics`.
    pub(super) file: &'static str,
    /// Its place in `struct rtnl_link_stats64` (linux/if_link.h), counted in words of 64 bits.
    pub(super) word: usize,
}

/// Returns where a counter is. What dom0 sent is what the guest received.
pub(super) fn source(counter: NicCounter) -> Source {
    let (file, word) = match counter {
        NicCounter::RxBytes => ("tx_bytes", 3),
        NicCounter::RxPackets => ("tx_packets", 1),
        NicCounter::RxErrors => ("tx_errors", 5),
        NicCounter::RxDrops => ("tx_dropped", 7),
        NicCounter::TxBytes => ("rx_bytes", 2),
        NicCounter::TxPackets => ("rx_packets", 0),
        NicCounter::TxErrors => ("rx_errors", 4),
        NicCounter::TxDrops => ("rx_dropped", 6),
        NicCounter::TxMissed => ("rx_missed_errors", 15),
    };
    Source { file, word }
}

/// More than the longest `uevent` of an interface in bytes. The interface's name has at most 15
/// characters.
pub(super) const LONGEST: usize = 256;

/// The files of a NIC.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The interface's `uevent`, which contains its name. Open files stay valid if the interface is
    /// renamed.
    uevent: CachedFile,
    counters: counter::Files<NicCounter>,
}

/// Reads a NIC that dom0's kernel serves, as the guest sees it; `None` if the NIC is gone. Its
/// counters are `None` unless `counted`. `mac` is `None`, because it is in XenStore.
///
/// The interface is found through its device, so its name and bridge do not matter. `vifD.N-emu` of
/// a device model has no such device and is not found. If the interface is not visible, for example
/// in another network namespace, the NIC has the kernel's default name and no counters. The error
/// says why counters are missing; `None` if that is normal.
pub(super) fn nic(
    roots: &Roots,
    device: Device,
    counted: bool,
    files: &mut Files,
    budget: &FdBudget,
) -> Option<(Nic, Option<io::Error>)> {
    let interfaces = || device.path(roots).join("net");
    let interface = interface(&mut files.uevent, budget, interfaces);
    let ((counters, fault), stamp) = clock::stamped(|| match &interface {
        Ok(name) => counter::read_all(
            &mut files.counters,
            |one| counted.then(|| source(one).file),
            budget,
            || interfaces().join(name).join("statistics"),
        ),
        Err(_) => Default::default(),
    });
    let expected = counted || interface.is_err();
    if expected && counters == Counters::default() && !device.path(roots).exists() {
        return None;
    }
    let (name, fault) = match interface {
        Ok(name) => (name.to_string_lossy().into_owned(), fault),
        Err(error) => (
            Nic::default_name(device.domain, device.id),
            (error.kind() != ErrorKind::NotFound).then_some(error),
        ),
    };
    let nic = Nic {
        id: device.id,
        device: name,
        backend_domain: DomId::DOM0,
        mac: None,
        counters,
        stamp,
    };
    Some((nic, fault))
}

/// Reads the name of a device's interface. A backend has only one (`xenvif_alloc` in Linux,
/// drivers/net/xen-netback/interface.c).
fn interface(
    uevent: &mut CachedFile,
    budget: &FdBudget,
    interfaces: impl Fn() -> PathBuf,
) -> io::Result<OsString> {
    let mut buffer = [0; LONGEST];
    let cached = uevent.read_in_place(&mut buffer).and_then(name);
    if let Some(name) = cached {
        return Ok(OsStr::from_bytes(name).to_owned());
    }
    let entry = fs::read_dir(interfaces())?.next();
    let entry = entry.ok_or(ErrorKind::NotFound)??;
    uevent.keep(budget, || entry.path().join("uevent"));
    Ok(entry.file_name())
}

/// Returns the interface's name in its `uevent`; `None` if no complete line contains it.
pub(super) fn name(uevent: &[u8]) -> Option<&[u8]> {
    value(uevent, b"INTERFACE=").filter(|name| !name.is_empty())
}

/// Returns the interface's index in its `uevent`; `None` if no complete line contains it.
pub(super) fn index(uevent: &[u8]) -> Option<u32> {
    number(value(uevent, b"IFINDEX=")?)
}

/// Returns the rest of the first line that starts with `key`; `None` if it is incomplete.
fn value<'u>(uevent: &'u [u8], key: &[u8]) -> Option<&'u [u8]> {
    let mut lines = uevent.split_inclusive(|&byte| byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(key))?;
    value.strip_suffix(b"\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use enum_map::{Enum, EnumMap};

    use super::*;
    use crate::dom0::fake_sysfs::FakeSysfs;

    const BUS: &str = "sys/bus/xen-backend/devices";

    /// Returns a tree in which every counter has a different value: the first 100, the second 101…
    fn with(interfaces: &[(&str, &str)]) -> FakeSysfs {
        let tree = FakeSysfs::new();
        for (device, interface) in interfaces {
            for (counter, value) in EnumMap::from_fn(|c: NicCounter| 100 + c.into_usize()) {
                let name = source(counter).file;
                let path = format!("{BUS}/{device}/net/{interface}/statistics/{name}");
                tree.write(&path, format!("{value}\n"));
            }
        }
        tree
    }

    fn only_nic(tree: &FakeSysfs) -> Nic {
        let mut domains = tree.devices().nics.unwrap();
        assert_eq!(domains.len(), 1, "{domains:?}");
        let mut nics = domains.pop_first().unwrap().1;
        assert_eq!(nics.len(), 1, "{nics:?}");
        nics.remove(0)
    }

    #[test]
    fn what_dom0_sent_is_what_the_guest_received() {
        let tree = FakeSysfs::new();
        let statistics = format!("{BUS}/vif-5-1/net/vif5.1/statistics");
        for (name, text) in [
            ("rx_bytes", "1\n"),
            ("rx_packets", "2\n"),
            ("rx_errors", "3\n"),
            ("rx_dropped", "4\n"),
            ("tx_bytes", "50\n"),
            ("tx_packets", "60\n"),
            ("tx_errors", "70\n"),
            ("tx_dropped", "80\n"),
        ] {
            tree.write(&format!("{statistics}/{name}"), text);
        }
        let nic = only_nic(&tree);
        assert_eq!(
            (nic.id, nic.device.as_str(), &nic.mac),
            (1, "vif5.1", &None)
        );
        assert_eq!(
            (nic[NicCounter::RxBytes], nic[NicCounter::TxBytes]),
            (Some(50), Some(1))
        );
        assert_eq!(
            (nic[NicCounter::RxPackets], nic[NicCounter::TxPackets]),
            (Some(60), Some(2))
        );
        assert_eq!(
            (nic[NicCounter::RxErrors], nic[NicCounter::TxErrors]),
            (Some(70), Some(3))
        );
        assert_eq!(
            (nic[NicCounter::RxDrops], nic[NicCounter::TxDrops]),
            (Some(80), Some(4))
        );
        assert!(nic.stamp.at_ns > 0);
    }

    #[test]
    fn an_interface_can_have_any_name() {
        for name in ["dmz-web", "vif7.3", "eth0", "vif5.0-emu"] {
            let tree = with(&[("vif-5-0", name)]);
            let domains = tree.devices().nics.unwrap();
            assert_eq!(domains.keys().collect::<Vec<_>>(), [&DomId(5)]);
            let nic = only_nic(&tree);
            assert_eq!((nic.id, nic.device.as_str()), (0, name));
            assert_eq!(nic[NicCounter::RxBytes], Some(100));
        }
    }

    #[test]
    fn a_name_need_not_be_utf8() {
        let tree = with(&[("vif-5-0", "old")]);
        let net = tree.path().join(BUS).join("vif-5-0/net");
        fs::rename(net.join("old"), net.join(OsStr::from_bytes(b"web\xff"))).unwrap();
        let nic = only_nic(&tree);
        assert_eq!(nic.device, "web\u{fffd}");
        assert_eq!(nic[NicCounter::RxBytes], Some(100));
    }

    #[test]
    fn emulated_nics_and_bridges_are_ignored() {
        let tree = with(&[("vif-5-0", "vif5.0"), ("vif-6-0", "vif6.0")]);
        // All interfaces of dom0 are here, with and without a bridge, but none is read.
        for name in ["vif5.0", "vif5.0-emu", "vif6.0", "xenbr0", "eth0", "lo"] {
            tree.write(&format!("sys/class/net/{name}/statistics/tx_bytes"), "9\n");
        }
        let domains = tree.devices().nics.unwrap();
        let names: Vec<_> = domains.values().flatten().map(|nic| &nic.device).collect();
        assert_eq!(names, ["vif5.0", "vif6.0"]);
    }

    #[test]
    fn an_invalid_counter_is_none() {
        let statistics = format!("{BUS}/vif-5-0/net/vif5.0/statistics");
        let huge = "1".repeat(1 << 20);
        for text in ["", "12", "-1\n", "x\n", "18446744073709551616\n", &huge] {
            let tree = with(&[("vif-5-0", "vif5.0")]);
            tree.write(&format!("{statistics}/tx_packets"), text);
            let nic = only_nic(&tree);
            assert_eq!(nic[NicCounter::RxPackets], None, "{:.20}", text);
            assert_eq!(
                (nic[NicCounter::RxBytes], nic[NicCounter::RxErrors]),
                (Some(100), Some(102))
            );
        }
        let tree = with(&[("vif-5-0", "vif5.0")]);
        tree.remove(&format!("{statistics}/rx_dropped"));
        let nic = only_nic(&tree);
        assert_eq!(
            (nic[NicCounter::TxErrors], nic[NicCounter::TxDrops]),
            (Some(106), None)
        );
    }

    #[test]
    fn a_nic_without_an_interface_is_listed() {
        let tree = with(&[("vif-5-0", "vif5.0")]);
        tree.remove(&format!("{BUS}/vif-5-0/net"));
        let nic = only_nic(&tree);
        assert_eq!(
            (nic.device.as_str(), nic[NicCounter::RxBytes]),
            ("vif5.0", None)
        );

        let gone = Device {
            kind: "vif",
            domain: DomId(5),
            id: 1,
        };
        let (mut files, budget) = Default::default();
        assert!(super::nic(&tree.roots, gone, true, &mut files, &budget).is_none());
    }
}
