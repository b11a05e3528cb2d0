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
use crate::snapshot::{Counters, Nic, NicCounter, Stamp};

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
        matches!(self.state, State::Open(_))
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
