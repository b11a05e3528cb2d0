//! What was read at one moment: raw cumulative counters and states, no rates, no I/O.
//!
//! A collector produces snapshots, and a view displays them. They can be stored and read back
//! with serde, so that live and replayed data use the same code.

mod boot;
mod collect;
mod device;
mod disk_name;
mod domain;
mod domid;
mod fill_in;
mod host;
mod identity;
mod listing;
mod note;
mod pcpu_times;
mod stamp;
mod state_times;

use serde::{Deserialize, Serialize};

pub use boot::Boot;
pub use collect::Collect;
pub use device::{Counters, Disk, DiskBackend, DiskCounter, Nic, NicCounter, Storage};
pub use domain::{
    Domain, DomainState, DomainType, Identity, PodMemory, Reservation, Scheduling, ShutdownReason,
    StateFlags, Vcpu, VcpuState,
};
pub use domid::DomId;
pub use host::{Build, Dom0Kernel, Dom0Vcpu, Host, Node, Pcpu, Pool, Scheduler, SharedMemory};
pub use identity::keep_identities;
pub use listing::{Backend, Listing};
pub use note::Note;
pub use pcpu_times::PcpuTimes;
pub use stamp::{PcpuClock, Stamp, XenClock};
pub use state_times::{StateTimes, TraceTotals};

/// Everything that one sample read about a host and its domains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Wall-clock time when the domains had been listed. For display and logs, never for rates.
    pub time: jiff::Timestamp,
    /// The boot of the host in which it was read.
    pub boot: Boot,
    /// When the domains were listed, from before the first to after the last.
    pub stamp: Stamp,
    /// What was collected. A figure that is `None` is unknown if it is in here, and was not
    /// collected otherwise.
    pub collected: Collect,
    /// Xen's clock during the sample; `None` if it was not collected or Xen did not report it.
    pub xen_clock: Option<XenClock>,
    /// The host and its hypervisor.
    pub host: Host,
    /// Every domain that the hypervisor listed, ordered by ID, without duplicates.
    pub domains: Vec<Domain>,
    /// Devices that dom0's kernel serves to domains that the hypervisor did not list.
    pub orphans: Vec<Backend>,
    /// What XenStore lists; `None` if it was not collected, or if XenStore did not answer.
    pub listing: Option<Listing>,
    /// What could not be read, for views to report.
    pub notes: Vec<Note>,
}

impl Snapshot {
    /// Returns the domain with this identity; `None` if it is gone, even if its ID was reused.
    pub fn find(&self, identity: Identity) -> Option<&Domain> {
        let index = self
            .domains
            .binary_search_by_key(&identity.id, |domain| domain.id)
            .ok()?;
        self.domains
            .get(index)
            .filter(|domain| domain.identity() == identity)
    }

    /// Returns the domain with this ID; `None` if there is none.
    pub fn domain(&self, id: DomId) -> Option<&Domain> {
        let index = self.domains.binary_search_by_key(&id, |domain| domain.id);
        self.domains.get(index.ok()?)
    }

    /// Returns a copy with only these domains.
    pub fn only(&self, wanted: &[Identity]) -> Self {
        let is_wanted = |domain: &&Domain| wanted.contains(&domain.identity());
        let is_of_wanted = |device: &&Backend| wanted.iter().any(|one| one.id == device.domain);
        let domains = self.domains.iter().filter(is_wanted);
        let orphans = self.orphans.iter().filter(is_of_wanted);
        self.with_only(domains.cloned().collect(), orphans.cloned().collect())
    }

    /// Returns a copy with these domains and orphans instead of its own, which are not copied.
    pub(crate) fn with_only(&self, domains: Vec<Domain>, orphans: Vec<Backend>) -> Self {
        Self {
            time: self.time,
            boot: self.boot,
            stamp: self.stamp,
            collected: self.collected,
            xen_clock: self.xen_clock,
            host: self.host.clone(),
            domains,
            orphans,
            listing: self.listing.clone(),
            notes: self.notes.clone(),
        }
    }

    /// Returns the wall-clock time of the data from XenStore if it is stale; `None` if it is as
    /// new as the rest, or entirely unknown.
    pub fn xenstore_as_of(&self) -> Option<jiff::Timestamp> {
        self.notes.iter().find_map(|note| match note {
            Note::XenstoreStale { since, .. } => Some(*since),
            _ => None,
        })
    }
}

impl From<&Snapshot> for PcpuTimes {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            time: snapshot.time,
            boot: snapshot.boot,
            stamp: snapshot.host.pcpu_stamp,
            pcpu: snapshot.host.pcpu.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{audited, disk, domain, nic, vcpu};

    #[test]
    fn the_summary_is_the_most_important_state() {
        let mut states = StateFlags {
            blocked: true,
            ..StateFlags::default()
        };
        assert_eq!(StateFlags::default().summary(), DomainState::Runnable);
        assert_eq!(states.summary(), DomainState::Blocked);
        states.paused = true;
        assert_eq!(states.summary(), DomainState::Paused);
        states.shutdown = Some(ShutdownReason::Reboot);
        assert_eq!(states.summary(), DomainState::Shutdown);
        states.shutdown = Some(ShutdownReason::Crash);
        assert_eq!(states.summary(), DomainState::Crashed);
        states.dying = true;
        assert_eq!(states.summary(), DomainState::Dying);
    }

    #[test]
    fn devices_with_the_same_error_share_a_note() {
        let note = |more| {
            let (device, why) = ("vbd-7-51712".to_owned(), "rd_req: not a number".to_owned());
            Note::CountersUnreadable { device, why, more }.to_string()
        };
        let one = "vbd-7-51712: counters can't be read: rd_req: not a number";
        assert_eq!(note(0), one);
        assert_eq!(note(2), format!("{one}; and 2 more"));
    }

    #[test]
    fn snapshots_round_trip_through_json() {
        let reservation = Reservation {
            period_ns: 10_000_000,
            budget_ns: 4_000_000,
            extra_time: true,
        };
        let schedulings = [
            None,
            Some(Scheduling::Credit {
                weight: 256,
                cap_percent: None,
            }),
            Some(Scheduling::Credit2 {
                weight: 512,
                cap_percent: Some(50),
            }),
            Some(Scheduling::Rtds { reservation: None }),
            Some(Scheduling::Rtds {
                reservation: Some(reservation),
            }),
            Some(Scheduling::Arinc653),
            Some(Scheduling::Null),
        ];
        let mut domains = vec![domain(0, "Domain-0", 1, 2)];
        domains.extend((5..).zip(schedulings).map(|(id, scheduling)| {
            let mut web = domain(id, "web", 1, 2);
            web.states.shutdown = Some(ShutdownReason::Other(77));
            web.memory_max_bytes = None;
            web.scheduling = scheduling;
            let offline = Vcpu {
                state: VcpuState::Offline,
                pcpu: None,
                hard_affinity: None,
                soft_affinity: None,
                ..vcpu(1, 0, 3)
            };
            web.vcpus = Some(vec![vcpu(0, 1, u64::MAX), offline]);
            web.vcpus_available = Some(vec![Some(true), Some(false), None]);
            web.nics = Some(vec![nic(0, 1, u64::MAX)]);
            let backends = [
                DiskBackend::Blkback,
                DiskBackend::Tapdisk,
                DiskBackend::Qdisk,
            ];
            let disks = backends.map(|backend| Disk {
                backend,
                process: Some(77),
                ..disk(51712, u64::MAX, 1)
            });
            web.disks = Some(disks.into());
            web
        }));
        let mut before = Snapshot {
            domains,
            ..audited(3)
        };
        let pool = before.host.pools.as_ref().unwrap()[0].clone();
        let schedulers = [
            Scheduler::Credit,
            Scheduler::Credit2,
            Scheduler::Arinc653,
            Scheduler::Rtds,
            Scheduler::Null,
            Scheduler::Other(77),
        ];
        let pools = schedulers.map(|scheduler| Pool {
            scheduler,
            ..pool.clone()
        });
        before.host.pools = Some(pools.into());
        before.orphans.push(Backend {
            kind: "vif".to_owned(),
            domain: DomId(9),
            device: 0,
        });
        let since = jiff::Timestamp::UNIX_EPOCH;
        let why = "stopped".to_owned();
        before.notes = vec![
            Note::XenstoreDown(why.clone()),
            Note::XenstoreStale { since, why },
            Note::XenstoreBack { blind_ns: 5 },
            Note::NicsUnreadable("no".into()),
            Note::DisksUnreadable("no".into()),
            Note::CountersUnreadable {
                device: "vbd-7-51712".into(),
                why: "no".into(),
                more: 1,
            },
        ];
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), before);
    }
}
