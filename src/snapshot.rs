//! What was read at one moment: raw cumulative counters and states, no rates, no I/O.
//!
//! A snapshot is what a collector hands on and what a view takes. It can be stored and read back
//! with serde, so that data read live and data replayed take the same way.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// All that one sample read of a host and its domains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Wall-clock time when the domains had been listed, for people and logs; never for rates.
    pub time: jiff::Timestamp,
    /// When the domains were listed: from before the first to after the last.
    pub stamp: Stamp,
    /// The host and its hypervisor.
    pub host: Host,
    /// Every domain that the hypervisor listed, in the order of their ids, each once.
    pub domains: Vec<Domain>,
    /// What could not be read, so that a view can say so.
    pub notes: Vec<Note>,
}

impl Snapshot {
    /// The domain with this identity; `None` when it is gone, or when its id is worn by another.
    pub fn find(&self, identity: Identity) -> Option<&Domain> {
        let index = self
            .domains
            .binary_search_by_key(&identity.id, |domain| domain.id)
            .ok()?;
        self.domains
            .get(index)
            .filter(|domain| domain.uuid == identity.uuid)
    }
}

/// When something was read: somewhere between `at_ns - uncertainty_ns` and
/// `at_ns + uncertainty_ns` on `CLOCK_MONOTONIC_RAW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Nanoseconds on `CLOCK_MONOTONIC_RAW`: the midpoint between before and after.
    pub at_ns: u64,
    /// Nanoseconds: half the width between before and after.
    pub uncertainty_ns: u64,
}

/// The host, as the hypervisor describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Version of the running hypervisor, such as `4.17.5` (`XENVER_version` and
    /// `XENVER_extraversion` of xen/version.h).
    pub xen_version: String,
    /// Number of pCPUs online (`nr_cpus` of `xen_sysctl_physinfo`, xen/sysctl.h).
    pub pcpus: u32,
    /// Bytes of memory that Xen manages (`total_pages` of `xen_sysctl_physinfo`).
    pub memory_bytes: u64,
    /// Bytes that no one holds (`free_pages` of `xen_sysctl_physinfo`).
    pub memory_free_bytes: u64,
    /// The idle time of each pCPU, by its number.
    pub idle: Vec<PcpuIdle>,
    /// When `idle` was read.
    pub idle_stamp: Stamp,
}

/// How long a pCPU has been idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PcpuIdle {
    /// Nanoseconds since boot that the pCPU's idle vCPU has run (`idletime` of
    /// `xen_sysctl_cpuinfo`); `None` for a pCPU that is offline, which Xen reports as 0.
    pub idle_time_ns: Option<u64>,
}

/// One domain, as the hypervisor and XenStore describe it.
///
/// Where nothing else is said, a field comes from `xen_domctl_getdomaininfo` (xen/domctl.h).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its number, which a later domain may wear again.
    pub id: DomId,
    /// The handle that the toolstack gave it (`handle`); all zero for most dom0.
    pub uuid: Uuid,
    /// `~/name` in XenStore; `None` when there is none, when it is not text, when XenStore did not
    /// answer, or when no one asked.
    pub name: Option<String>,
    /// How it is virtualised.
    #[serde(rename = "type")]
    pub kind: DomainType,
    /// The states it is in, any number at once.
    pub states: States,
    /// vCPUs online (`nr_online_vcpus`).
    pub vcpus_online: u32,
    /// vCPUs it can have: the highest vCPU's id plus one (`max_vcpu_id`); 0 for a domain
    /// that has none yet.
    pub vcpus_max: u32,
    /// Nanoseconds that its vCPUs, those offline now included, have run since it was created
    /// (`cpu_time`).
    pub cpu_time_ns: u64,
    /// Bytes of memory it holds (`tot_pages`).
    pub memory_bytes: u64,
    /// Bytes it may hold at most (`max_pages`); `None` when there is no limit.
    pub memory_max_bytes: Option<u64>,
    /// Bytes that its balloon driver was asked to reach (`~/memory/target` in XenStore); `None`
    /// when there is no such key, when XenStore did not answer, or when no one asked.
    pub memory_target_bytes: Option<u64>,
    /// The uuid that XenStore has for it (the end of `~/vm`); `None` as for
    /// `memory_target_bytes`.
    pub store_uuid: Option<Uuid>,
    /// When the hypervisor was asked for it.
    pub stamp: Stamp,
}

impl Domain {
    /// What tells this domain from a later one with the same id.
    pub fn identity(&self) -> Identity {
        Identity {
            id: self.id,
            uuid: self.uuid,
        }
    }
}

/// What tells one domain from another for as long as the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The domain's number.
    pub id: DomId,
    /// The domain's handle in Xen.
    pub uuid: Uuid,
}

/// A domain's number (`domid_t`, xen/xen.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomId(pub u16);

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a domain is virtualised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DomainType {
    /// Paravirtualised.
    Pv,
    /// Hardware virtualised with paravirtual devices and without a device model.
    Pvh,
    /// Hardware virtualised with an emulated PC.
    Hvm,
}

impl fmt::Display for DomainType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pv => "pv",
            Self::Pvh => "pvh",
            Self::Hvm => "hvm",
        })
    }
}

/// The `XEN_DOMINF_*` flags of a domain (xen/domctl.h); several can hold at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    /// Dead, and still holding something.
    pub dying: bool,
    /// Has shut down, and why; the reason is the guest's own word.
    pub shutdown: Option<ShutdownReason>,
    /// Paused by the toolstack.
    pub paused: bool,
    /// All of its online vCPUs wait for an event.
    pub blocked: bool,
    /// At least one of its vCPUs is on a pCPU.
    pub running: bool,
}

impl States {
    /// The one state that says most about the domain.
    pub fn summary(self) -> State {
        match self {
            Self { dying: true, .. } => State::Dying,
            Self {
                shutdown: Some(ShutdownReason::Crash),
                ..
            } => State::Crashed,
            Self {
                shutdown: Some(_), ..
            } => State::Shutdown,
            Self { paused: true, .. } => State::Paused,
            Self { running: true, .. } => State::Running,
            Self { blocked: true, .. } => State::Blocked,
            _ => State::Runnable,
        }
    }
}

/// A domain's state in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// At least one vCPU is on a pCPU.
    Running,
    /// Wants to run and waits for a pCPU (or has no vCPU online at all).
    Runnable,
    /// Every online vCPU waits for an event.
    Blocked,
    /// Paused by the toolstack.
    Paused,
    /// Has shut down without crashing.
    Shutdown,
    /// Has shut down by crashing.
    Crashed,
    /// Dead, and still holding something.
    Dying,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Runnable => "runnable",
            Self::Blocked => "blocked",
            Self::Paused => "paused",
            Self::Shutdown => "shutdown",
            Self::Crashed => "crashed",
            Self::Dying => "dying",
        })
    }
}

/// Why a domain shut down (`SHUTDOWN_*`, xen/sched.h), as the guest said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShutdownReason {
    /// Switched off.
    Poweroff,
    /// Wants to be started again.
    Reboot,
    /// Suspended, to be saved or migrated.
    Suspend,
    /// Crashed.
    Crash,
    /// Its watchdog ran out.
    Watchdog,
    /// Wants its state reset and to go on.
    SoftReset,
    /// A number that Xen gives no meaning to.
    #[serde(untagged)]
    Other(u8),
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Poweroff => "poweroff",
            Self::Reboot => "reboot",
            Self::Suspend => "suspend",
            Self::Crash => "crash",
            Self::Watchdog => "watchdog",
            Self::SoftReset => "soft_reset",
            Self::Other(code) => return write!(f, "code {code}"),
        };
        f.pad(word)
    }
}

/// Something that a sample wanted to read and could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// XenStore could not be asked, so what it supplies is not known; the text says why.
    StoreDown(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoreDown(why) => write!(
                f,
                "XenStore does not answer, so names are not known: {why}; \
                 is xenstored (or oxenstored) running?"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::doctored::{domain, snapshot};

    #[test]
    fn the_state_that_says_most_wins() {
        let mut states = States {
            blocked: true,
            ..States::default()
        };
        assert_eq!(States::default().summary(), State::Runnable);
        assert_eq!(states.summary(), State::Blocked);
        states.paused = true;
        assert_eq!(states.summary(), State::Paused);
        states.shutdown = Some(ShutdownReason::Reboot);
        assert_eq!(states.summary(), State::Shutdown);
        states.shutdown = Some(ShutdownReason::Crash);
        assert_eq!(states.summary(), State::Crashed);
        states.dying = true;
        assert_eq!(states.summary(), State::Dying);
    }

    #[test]
    fn a_snapshot_can_be_stored_and_read_back() {
        let mut web = domain(5, "web", 1, 2);
        web.states.shutdown = Some(ShutdownReason::Other(77));
        web.memory_max_bytes = None;
        let mut before = snapshot(3, 4, vec![domain(0, "Domain-0", 1, 2), web]);
        before.notes.push(Note::StoreDown("stopped".into()));
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), before);
    }
}
