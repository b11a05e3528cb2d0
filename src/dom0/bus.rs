//! Lists the devices that dom0's kernel serves: `/sys/bus/xen-backend/devices`.
//!
//! The kernel names a device `TYPE-DOM-ID` after its node `backend/TYPE/DOM/ID` in XenStore, and
//! the name cannot be changed (`backend_bus_id` in Linux,
//! drivers/xen/xenbus/xenbus_probe_backend.c). The bus holds only Xen's devices: no bridge, no
//! physical NIC, no tap of a device model.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::counter::number;
use super::roots::Roots;
use crate::snapshot::DomId;

/// A device that dom0 serves to a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Device {
    /// Its type, such as `vif`.
    pub(super) kind: &'static str,
    /// The domain that it is served to.
    pub(super) domain: DomId,
    /// Its number in that domain.
    pub(super) id: u32,
}

impl Device {
    /// Returns its folder in sysfs.
    pub(super) fn path(self, roots: &Roots) -> PathBuf {
        let Self { kind, domain, id } = self;
        path(roots).join(format!("{kind}-{domain}-{id}"))
    }
}

fn path(roots: &Roots) -> PathBuf {
    roots.sys.join("bus/xen-backend/devices")
}

/// The bus. Its folder stays open after the first listing; each listing starts again and shows the
/// current devices. The folder exists as long as the kernel runs, because the bus is built in
/// (`XEN_BACKEND`, a bool in Linux, drivers/xen/Kconfig).
#[derive(Debug, Default)]
pub(super) struct Bus(Option<Dir>);

impl Bus {
    /// Lists the devices of each of these types, in the order of domains and IDs.
    ///
    /// # Errors
    /// If the bus exists and cannot be listed. Without a bus, no device is served.
    pub(super) fn list<const N: usize>(
        &mut self,
        roots: &Roots,
        kinds: [&'static str; N],
    ) -> io::Result<[Vec<Device>; N]> {
        let path = path(roots);
        self.read(&path, kinds).map_err(|errno| {
            self.0 = None;
            let error = io::Error::from(errno);
            io::Error::new(
                error.kind(),
                format!("cannot list {}: {error}", path.display()),
            )
        })
    }

    fn read<const N: usize>(
        &mut self,
        path: &Path,
        kinds: [&'static str; N],
    ) -> nix::Result<[Vec<Device>; N]> {
        let mut lists = [const { Vec::new() }; N];
        let bus = match &mut self.0 {
            Some(bus) => bus,
            none => match Dir::open(path, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
                Err(Errno::ENOENT) => return Ok(lists),
                bus => none.insert(bus?),
            },
        };
        for entry in bus.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            for (list, kind) in lists.iter_mut().zip(kinds) {
                if let Some((domain, id)) = numbers(name, kind) {
                    list.push(Device { kind, domain, id });
                }
            }
        }
        lists.iter_mut().for_each(|list| list.sort_unstable());
        Ok(lists)
    }
}

/// Reads each device with its cached files, and returns the results by domain, in the order of the
/// list. A device for which `read` returns `None` is left out. The files of devices that are not on
/// the list are closed.
pub(super) fn by_domain<F: Default, T>(
    list: Vec<Device>,
    cache: &mut BTreeMap<Device, F>,
    mut read: impl FnMut(Device, &mut F) -> Option<T>,
) -> BTreeMap<DomId, Vec<T>> {
    cache.retain(|device, _| list.binary_search(device).is_ok());
    let mut found = BTreeMap::<_, Vec<T>>::new();
    for device in list {
        match read(device, cache.entry(device).or_default()) {
            Some(read) => found.entry(device.domain).or_default().push(read),
            None => drop(cache.remove(&device)),
        }
    }
    found
}

/// Parses DOM and ID of `kind-DOM-ID`; `None` for any other name.
pub(super) fn numbers(name: &[u8], kind: &str) -> Option<(DomId, u32)> {
    let numbers = name.strip_prefix(kind.as_bytes())?.strip_prefix(b"-")?;
    let dash = numbers.iter().position(|&byte| byte == b'-')?;
    let (domain, id) = numbers.split_at(dash);
    Some((DomId(number(domain)?), number(id.get(1..)?)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;
    use crate::dom0::fake_sysfs::FakeSysfs;

    #[test]
    fn only_names_of_the_type_are_devices() {
        assert_eq!(numbers(b"vif-5-0", "vif"), Some((DomId(5), 0)));
        assert_eq!(
            numbers(b"vbd-32751-268439552", "vbd"),
            Some((DomId(32751), 268_439_552))
        );
        for name in [
            "",
            "vif",
            "vif-",
            "vif-5",
            "vif-5-",
            "vif--0",
            "vif-5-0-1",
            "vif-5-x",
            "vif-x-0",
            "vif-+5-0",
            "vif-65536-0",
            "vif-5-4294967296",
            "vif2-5-0",
            "vbd-5-0",
            "vif5.0",
        ] {
            assert_eq!(numbers(name.as_bytes(), "vif"), None, "{name:?}");
        }
        assert_eq!(numbers(b"vbd3-5-51712", "vbd"), None);
    }

    #[test]
    fn devices_are_sorted_by_domain() {
        let tree = FakeSysfs::new();
        for name in [
            "vif-10-0",
            "vif-9-10",
            "vif-9-2",
            "vbd-9-51712",
            "console-9-0",
        ] {
            tree.folder(&format!("sys/bus/xen-backend/devices/{name}"));
        }
        let odd = tree.path().join("sys/bus/xen-backend/devices");
        fs::create_dir(odd.join(OsStr::from_bytes(b"vif-9-\xff"))).unwrap();

        let read = |kind: &'static str, read: fn(Device) -> Option<u32>| {
            let [list] = Bus::default().list(&tree.roots, [kind]).unwrap();
            by_domain(list, &mut BTreeMap::new(), |device, ()| read(device))
        };
        let ids = read("vif", |device| Some(device.id));
        let expected = [(DomId(9), vec![2, 10]), (DomId(10), vec![0])];
        assert_eq!(ids, BTreeMap::from(expected));

        let ids = read("vif", |device| (device.id == 10).then_some(7));
        assert_eq!(ids, BTreeMap::from([(DomId(9), vec![7])]));
        let [vifs, vbds] = Bus::default().list(&tree.roots, ["vif", "vbd"]).unwrap();
        assert_eq!((vifs.len(), vbds.len()), (3, 1));
    }

    #[test]
    fn unreadable_bus_is_an_error_and_no_bus_is_not() {
        let tree = FakeSysfs::new();
        let list = || Bus::default().list(&tree.roots, ["vif"]);
        assert_eq!(list().unwrap(), [Vec::new()]);
        tree.write("sys/bus/xen-backend/devices", "a file\n");
        let error = list().unwrap_err().to_string();
        assert!(error.contains("bus/xen-backend/devices"), "{error}");
    }

    #[test]
    fn open_bus_lists_the_current_devices() {
        let tree = FakeSysfs::new();
        let mut bus = Bus::default();
        let mut ids = || {
            bus.list(&tree.roots, ["vif"]).unwrap()[0]
                .iter()
                .map(|device| device.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(), Vec::<u32>::new());
        let vif = |id: u32| format!("sys/bus/xen-backend/devices/vif-9-{id}");
        (0..500).for_each(|id| tree.folder(&vif(id)));
        assert_eq!(ids(), Vec::from_iter(0..500));
        (0..499).for_each(|id| tree.remove(&vif(id)));
        tree.folder(&vif(7));
        assert_eq!(ids(), [7, 499]);
    }

    proptest! {
        #[test]
        fn names_are_parsed_back(domain: u16, id: u32) {
            let name = format!("vbd-{domain}-{id}");
            prop_assert_eq!(numbers(name.as_bytes(), "vbd"), Some((DomId(domain), id)));
        }
    }
}
