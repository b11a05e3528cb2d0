//! The devices that dom0's kernel serves: `/sys/bus/xen-backend/devices`.
//!
//! The kernel names each `TYPE-DOM-ID` after its node `backend/TYPE/DOM/ID` in XenStore, and the
//! name cannot be changed (`backend_bus_id` in Linux, drivers/xen/xenbus/xenbus_probe_backend.c).
//! Only Xen's devices are there: no bridge, no physical NIC, no tap of a device model.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::Roots;
use super::counter::number;
use crate::snapshot::DomId;

/// A device that dom0 serves to a domain.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Device {
    /// Whom it is served to.
    pub(super) domain: DomId,
    /// Its number in that domain.
    pub(super) id: u32,
    /// Its folder in sysfs.
    pub(super) path: PathBuf,
}

/// The devices of each of these types, in the order of their domains and ids.
///
/// # Errors
/// When the bus is there and cannot be listed. No bus means that nothing is served.
pub(super) fn list<const N: usize>(
    roots: &Roots,
    kinds: [&str; N],
) -> io::Result<[Vec<Device>; N]> {
    let bus = roots.sys.join("bus/xen-backend/devices");
    let named = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot list {}: {error}", bus.display()),
        )
    };
    let mut lists = [const { Vec::new() }; N];
    let entries = match fs::read_dir(&bus) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(lists),
        entries => entries.map_err(named)?,
    };
    for entry in entries {
        let entry = entry.map_err(named)?;
        for (list, kind) in lists.iter_mut().zip(kinds) {
            if let Some((domain, id)) = numbers(entry.file_name().as_encoded_bytes(), kind) {
                let path = entry.path();
                list.push(Device { domain, id, path });
            }
        }
    }
    lists.iter_mut().for_each(|list| list.sort_unstable());
    Ok(lists)
}

/// What `read` makes of each device, by domain in the order of the list, with the files that were
/// kept of the device. A device that `read` finds gone is left out; files of devices that are not
/// on the list any more are closed.
pub(super) fn by_domain<F: Default, T>(
    list: Vec<Device>,
    kept: &mut BTreeMap<Device, F>,
    read: impl Fn(&Device, &mut F) -> Option<T>,
) -> BTreeMap<DomId, Vec<T>> {
    kept.retain(|device, _| list.binary_search(device).is_ok());
    let mut found = BTreeMap::<_, Vec<T>>::new();
    for device in list {
        let domain = device.domain;
        let mut files = kept.remove(&device).unwrap_or_default();
        if let Some(read) = read(&device, &mut files) {
            found.entry(domain).or_default().push(read);
            kept.insert(device, files);
        }
    }
    found
}

/// The DOM and ID of `kind-DOM-ID`; `None` for any other name.
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
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;
    use crate::dom0::tree::Tree;

    #[test]
    fn only_devices_of_the_type_asked_for_are_taken() {
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
    fn devices_come_by_domain_and_in_order() {
        let tree = Tree::new();
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

        let read = |kind: &str, read: fn(&Device) -> Option<u32>| {
            let [list] = list(&tree.roots, [kind]).unwrap();
            by_domain(list, &mut BTreeMap::new(), |device, ()| read(device))
        };
        let ids = read("vif", |device| Some(device.id));
        let expected = [(DomId(9), vec![2, 10]), (DomId(10), vec![0])];
        assert_eq!(ids, BTreeMap::from(expected));

        let ids = read("vif", |device| (device.id == 10).then_some(7));
        assert_eq!(ids, BTreeMap::from([(DomId(9), vec![7])]));
        let [vifs, vbds] = list(&tree.roots, ["vif", "vbd"]).unwrap();
        assert_eq!((vifs.len(), vbds.len()), (3, 1));
    }

    #[test]
    fn no_bus_is_no_device_but_a_bus_that_cannot_be_listed_is_an_error() {
        let tree = Tree::new();
        let list = || list(&tree.roots, ["vif"]);
        assert_eq!(list().unwrap(), [Vec::new()]);
        tree.write("sys/bus/xen-backend/devices", "a file\n");
        let error = list().unwrap_err().to_string();
        assert!(error.contains("bus/xen-backend/devices"), "{error}");
    }

    proptest! {
        #[test]
        fn every_name_comes_apart_again(domain: u16, id: u32) {
            let name = format!("vbd-{domain}-{id}");
            prop_assert_eq!(numbers(name.as_bytes(), "vbd"), Some((DomId(domain), id)));
        }
    }
}
