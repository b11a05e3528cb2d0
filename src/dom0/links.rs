//! NICs whose counters come by netlink, in one answer for all.
//!
//! Netlink knows interfaces by their indices and not their devices. The index of a device's
//! interface is read from sysfs when the device appears, and again after the kernel notified of a
//! change of that interface. A NIC whose interface is unknown or has no counters is left to sysfs.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;

use super::bus::Device;
use super::counter::start_of;
use super::netlink::{Netlink, News};
use super::roots::Roots;
use super::vif;
use crate::clock::stamped;
use crate::snapshot::{Counters, DomId, Nic, NicCounter, Stamp};

/// The interfaces of vifs, and what netlink said about them last.
#[derive(Debug)]
pub(super) struct Links {
    state: State,
    /// Returns the index of the interface with this name in the namespace that netlink shows.
    index_of: fn(&[u8]) -> Option<u32>,
    known: BTreeMap<Device, Link>,
    counters: BTreeMap<u32, Counters<NicCounter>>,
    stamp: Stamp,
}

#[derive(Debug)]
enum State {
    /// There is nothing to ask about yet, or the last answer was an error.
    Closed,
    Open(Netlink),
    /// The kernel has no such request, or a security policy denies netlink.
    Unsupported,
}

/// The interface of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    index: u32,
    name: String,
}

impl Links {
    /// Returns a reader of this process's network namespace, which opens its socket when needed.
    pub(super) fn live() -> Self {
        Self {
            state: State::Closed,
            index_of: |name| if_nametoindex(name).ok(),
            known: BTreeMap::new(),
            counters: BTreeMap::new(),
            stamp: Stamp::default(),
        }
    }

    /// Returns a reader that leaves all NICs to sysfs.
    pub(super) fn unsupported() -> Self {
        Self {
            state: State::Unsupported,
            ..Self::live()
        }
    }

    /// Asks about the interfaces of these devices, which are ordered, and for their counters if
    /// `counted`. After an error, all NICs are left to sysfs in this sample.
    pub(super) fn update(&mut self, roots: &Roots, devices: &[Device], counted: bool) {
        self.counters.clear();
        if devices.is_empty() {
            // Otherwise the kernel would keep changes that nobody reads.
            self.close();
            return;
        }
        if !self.open() {
            return;
        }
        self.learn(roots, devices);
        if let State::Open(netlink) = &mut self.state {
            let (news, stamp) = stamped(|| match counted {
                true => netlink.counters(),
                false => netlink.changes(),
            });
            self.stamp = stamp;
            match news {
                Ok(news) => self.take(news),
                Err(error) => self.give_up(&error),
            }
        }
    }

    /// Returns whether netlink answers.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Returns a NIC by its interface; `None` if it is unknown, or if it has no counters and
    /// `counted` asks for them.
    pub(super) fn nic(&self, device: Device, counted: bool) -> Option<Nic> {
        let link = self.known.get(&device)?;
        let counters = match counted {
            true => *self.counters.get(&link.index)?,
            false => Counters::default(),
        };
        Some(Nic {
            id: device.id,
            device: link.name.clone(),
            backend_domain: DomId::DOM0,
            mac: None,
            counters,
            stamp: self.stamp,
        })
    }

    /// Returns whether the socket is open, after opening it if that makes sense.
    fn open(&mut self) -> bool {
        if let State::Closed = self.state {
            self.state = match Netlink::open() {
                Ok(netlink) => State::Open(netlink),
                Err(error) => {
                    tracing::debug!(%error, "no netlink: NICs are read from sysfs");
                    State::Unsupported
                }
            };
        }
        self.is_open()
    }

    fn close(&mut self) {
        self.known.clear();
        if let State::Open(_) = self.state {
            self.state = State::Closed;
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        tracing::debug!(%error, "netlink failed: NICs are read from sysfs");
        self.close();
        if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) {
            self.state = State::Unsupported;
        }
    }

    /// Finds the interfaces of new devices, and forgets those of devices that are gone.
    fn learn(&mut self, roots: &Roots, devices: &[Device]) {
        self.known
            .retain(|device, _| devices.binary_search(device).is_ok());
        for &device in devices {
            if !self.known.contains_key(&device)
                && let Some(link) = self.find(roots, device)
            {
                self.known.insert(device, link);
            }
        }
    }

    /// Takes the counters, and forgets the interfaces that were changed.
    ///
    /// So the counters of an index belong to the device: its interface had the index before they
    /// were read, and the kernel notifies of a change before it answers.
    fn take(&mut self, news: News) {
        self.counters = news.counters;
        self.known
            .retain(|_, link| !news.lost && !news.changed.contains(&link.index));
    }

    /// Reads the interface of a device; `None` if it has none that both sysfs and netlink show. They
    /// show different namespaces in a process that entered one without mounting its sysfs.
    fn find(&self, roots: &Roots, device: Device) -> Option<Link> {
        let folder = device.path(roots).join("net");
        let entry = fs::read_dir(folder).ok()?.next()?.ok()?;
        let mut buffer = [0; vif::LONGEST];
        let uevent = start_of(&entry.path().join("uevent"), &mut buffer)?;
        let (name, index) = (vif::name(uevent)?, vif::index(uevent)?);
        ((self.index_of)(name) == Some(index)).then(|| Link {
            index,
            name: String::from_utf8_lossy(name).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::dom0::fake_sysfs::FakeSysfs;
    use crate::snapshot::DomId;

    /// A kernel that has up to four vifs, each with an interface in this namespace or without one.
    struct Kernel {
        tree: FakeSysfs,
        /// The index, name and counter of each device's interface.
        interfaces: BTreeMap<Device, (u32, String, u64)>,
        /// The highest number that an index, a name or a counter has.
        last: u32,
        notified: News,
    }

    /// What happens to a device's interface.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// It appears, or disappears. The index may be one that another had before.
        Toggle {
            reuse: bool,
        },
        Rename,
        /// The kernel cannot keep the notifications any more.
        Overrun,
    }

    fn device(id: u32) -> Device {
        Device {
            kind: "vif",
            domain: DomId(5),
            id,
        }
    }

    /// The index is part of an interface's name, so that this needs no table.
    fn index_of(name: &[u8]) -> Option<u32> {
        str::from_utf8(name).ok()?.split('.').nth(1)?.parse().ok()
    }

    fn links() -> Links {
        Links {
            index_of,
            ..Links::live()
        }
    }

    impl Kernel {
        fn new() -> Self {
            Self {
                tree: FakeSysfs::new(),
                interfaces: BTreeMap::new(),
                last: 0,
                notified: News::default(),
            }
        }

        fn devices() -> Vec<Device> {
            (0..4).map(device).collect()
        }

        fn step(&mut self, device: Device, step: Step) {
            self.last += 1;
            let number = self.last;
            match (step, self.interfaces.remove(&device)) {
                (Step::Toggle { reuse }, None) => {
                    let mut free = (1..number).filter(|&index| self.is_free(index));
                    let old = free.next().filter(|_| reuse);
                    let (index, count) = (old.unwrap_or(number), u64::from(number));
                    self.put(device, index, number, count);
                }
                (Step::Toggle { .. }, Some((index, ..))) => {
                    self.tree.remove(&format!("{}/net", Self::folder(device)));
                    self.notified.changed.insert(index);
                }
                (Step::Rename, Some((index, _, count))) => {
                    self.tree.remove(&format!("{}/net", Self::folder(device)));
                    self.put(device, index, number, count);
                }
                (Step::Rename, None) => {}
                (Step::Overrun, interface) => {
                    self.interfaces.extend(interface.map(|one| (device, one)));
                    self.notified.changed.clear();
                    self.notified.lost = true;
                }
            }
        }

        fn is_free(&self, index: u32) -> bool {
            self.interfaces.values().all(|&(used, ..)| used != index)
        }

        fn folder(device: Device) -> String {
            format!(
                "sys/bus/xen-backend/devices/vif-{}-{}",
                device.domain, device.id
            )
        }

        fn put(&mut self, device: Device, index: u32, number: u32, count: u64) {
            let name = format!("n{number}.{index}");
            let path = format!("{}/net/{name}/uevent", Self::folder(device));
            self.tree
                .write(&path, format!("INTERFACE={name}\nIFINDEX={index}\n"));
            self.notified.changed.insert(index);
            self.interfaces.insert(device, (index, name, count));
        }

        /// Returns the answer to a request, and the counter of each device at that time.
        fn answer(&mut self) -> (News, BTreeMap<Device, u64>) {
            let mut news = std::mem::take(&mut self.notified);
            let mut counts = BTreeMap::new();
            for (&device, &(index, _, count)) in &self.interfaces {
                let counters = Counters::from_fn(|_| Some(count));
                news.counters.insert(index, counters);
                counts.insert(device, count);
            }
            (news, counts)
        }

        /// Takes a sample during which these things happen: before it, before the answer, after it.
        fn sample(
            &mut self,
            links: &mut Links,
            steps: &[Vec<(u32, Step)>; 3],
        ) -> BTreeMap<Device, u64> {
            let mut steps = steps.iter().map(|steps| steps.iter());
            let mut happen = |kernel: &mut Self| {
                let steps = steps.next().into_iter().flatten();
                steps.for_each(|&(id, step)| kernel.step(device(id), step));
            };
            happen(self);
            links.learn(&self.tree.roots, &Self::devices());
            happen(self);
            let (news, counts) = self.answer();
            happen(self);
            links.take(news);
            counts
        }
    }

    fn steps() -> impl Strategy<Value = Vec<(u32, Step)>> {
        let step = prop_oneof![
            4 => any::<bool>().prop_map(|reuse| Step::Toggle { reuse }),
            2 => Just(Step::Rename),
            1 => Just(Step::Overrun),
        ];
        prop::collection::vec((0..4_u32, step), 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn counters_are_those_of_the_device(samples in prop::collection::vec([steps(), steps(), steps()], 1..8)) {
            let (mut kernel, mut links) = (Kernel::new(), links());
            for steps in &samples {
                let counts = kernel.sample(&mut links, steps);
                for device in Kernel::devices() {
                    if let Some(nic) = links.nic(device, true) {
                        let count = counts.get(&device).copied();
                        prop_assert_eq!(nic[NicCounter::RxBytes], count, "{:?}", device);
                    }
                }
            }
            // When nothing happens, all is known.
            for _ in 0..2 {
                kernel.sample(&mut links, &[vec![], vec![], vec![]]);
            }
            for device in Kernel::devices() {
                let expected = kernel.interfaces.get(&device);
                let nic = links.nic(device, true);
                let found = nic.map(|nic| (nic.device.clone(), nic[NicCounter::RxBytes]));
                prop_assert_eq!(found, expected.map(|(_, name, count)| (name.clone(), Some(*count))));
            }
        }
    }

    #[test]
    fn another_namespaces_sysfs_is_no_help() {
        let mut kernel = Kernel::new();
        kernel.step(device(0), Step::Toggle { reuse: false });
        for index_of in [(|_| None) as fn(&[u8]) -> Option<u32>, |_| Some(77)] {
            let mut links = Links {
                index_of,
                ..links()
            };
            for _ in 0..2 {
                kernel.sample(&mut links, &[vec![], vec![], vec![]]);
                assert_eq!(links.nic(device(0), true), None);
            }
        }
    }

    #[test]
    fn a_nic_without_counters_is_left_to_sysfs() {
        let mut kernel = Kernel::new();
        kernel.step(device(0), Step::Toggle { reuse: false });
        let mut links = links();
        for known in [false, true] {
            // The first sample has the notification that the interface appeared.
            kernel.sample(&mut links, &[vec![], vec![], vec![]]);
            assert_eq!(links.nic(device(0), true).is_some(), known);
        }
        // An interrupted answer lacks some interfaces.
        links.take(News::default());
        assert_eq!(links.nic(device(0), true), None);
        let listed = links.nic(device(0), false).unwrap();
        assert_eq!(
            (&*listed.device, listed.counters),
            ("n1.1", Counters::default())
        );
    }
}
