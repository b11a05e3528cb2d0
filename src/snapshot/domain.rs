//! A domain as it was read.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::device::{Disk, Nic};
use super::stamp::Stamp;

/// One domain, as the hypervisor and XenStore describe it.
///
/// Where nothing else is said, a field comes from `xen_domctl_getdomaininfo` (xen/domctl.h).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its number, which a later domain may wear again.
    pub id: DomId,
    /// The handle that the toolstack gave it (`handle`); all zero for most dom0.
    pub uuid: Uuid,
    /// `~/name` in XenStore; `None` when there is none, when it is not text, when XenStore did not
    /// answer, or when no one asked.
    pub name: Option<Arc<str>>,
    /// How it is virtualised.
    #[serde(rename = "type")]
    pub kind: DomainType,
    /// The states it is in, any number at once.
    pub states: StateFlags,
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
    /// Bytes promised to it and not there yet, not in `memory_bytes` (`outstanding_pages`).
    pub memory_claimed_bytes: u64,
    /// Bytes it shares with other domains; 0 where Xen is built without sharing (`shr_pages`).
    pub memory_shared_bytes: u64,
    /// Bytes paged out; 0 where Xen is built without paging (`paged_pages`).
    pub memory_paged_bytes: u64,
    /// Bytes in the pool for its page tables (`xc_get_paging_mempool_size`); `None` for PV, and if not asked.
    pub paging_pool_bytes: Option<u64>,
    /// Bytes it was built to have at most (`~/memory/static-max` in XenStore); `None` as for
    /// `memory_target_bytes`.
    pub memory_static_max_bytes: Option<u64>,
    /// Bytes that its balloon driver was asked to reach (`~/memory/target` in XenStore); `None`
    /// when there is no such key, when XenStore did not answer, or when no one asked.
    pub memory_target_bytes: Option<u64>,
    /// The uuid that XenStore has for it (the end of `~/vm`); `None` as for
    /// `memory_target_bytes`.
    pub xenstore_uuid: Option<Uuid>,
    /// Whether each of its vCPUs is to be online (`~/cpu/N/availability` in XenStore), by the vCPUs'
    /// ids, each `None` when there is no such key; `None` as for `memory_target_bytes`.
    pub vcpus_available: Option<Vec<Option<bool>>>,
    /// The CPU pool it is in (`cpupool`).
    pub pool: u32,
    /// Its security label's number (`ssidref`).
    pub ssid: u32,
    /// What its scheduler allows it; `None` when no one asked or Xen did not say.
    pub scheduling: Option<Scheduling>,
    /// Its vCPUs, all of them; `None` when no one asked, or when it went while they were asked for.
    pub vcpus: Option<Vec<Vcpu>>,
    /// Its NICs, by their ids; `None` when no one asked.
    pub nics: Option<Vec<Nic>>,
    /// Its disks, by their ids; `None` when no one asked.
    pub disks: Option<Vec<Disk>>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The domain's number.
    pub id: DomId,
    /// The domain's handle in Xen.
    pub uuid: Uuid,
}

/// A domain's number (`domid_t`, xen/xen.h).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DomId(pub u16);

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a domain is virtualised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DomainType {
    /// Paravirtualised.
    #[default]
    Pv,
    /// Hardware virtualised with paravirtual devices and without a device model.
    Pvh,
    /// Hardware virtualised with an emulated PC.
    Hvm,
}

impl DomainType {
    /// Its name, as programs get it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pv => "pv",
            Self::Pvh => "pvh",
            Self::Hvm => "hvm",
        }
    }
}

impl fmt::Display for DomainType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The `XEN_DOMINF_*` flags of a domain (xen/domctl.h); several can hold at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFlags {
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

impl StateFlags {
    /// The one state that says most about the domain.
    pub fn summary(self) -> DomainState {
        match self {
            Self { dying: true, .. } => DomainState::Dying,
            Self {
                shutdown: Some(ShutdownReason::Crash),
                ..
            } => DomainState::Crashed,
            Self {
                shutdown: Some(_), ..
            } => DomainState::Shutdown,
            Self { paused: true, .. } => DomainState::Paused,
            Self { running: true, .. } => DomainState::Running,
            Self { blocked: true, .. } => DomainState::Blocked,
            _ => DomainState::Runnable,
        }
    }
}

/// A domain's state in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DomainState {
    /// At least one vCPU is on a pCPU.
    Running,
    /// Wants to run and waits for a pCPU (or has no vCPU online at all).
    #[default]
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

impl DomainState {
    /// All names.
    pub const NAMES: &[&str] = &[
        "running", "runnable", "blocked", "paused", "shutdown", "crashed", "dying",
    ];

    /// Its name, as programs get it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Runnable => "runnable",
            Self::Blocked => "blocked",
            Self::Paused => "paused",
            Self::Shutdown => "shutdown",
            Self::Crashed => "crashed",
            Self::Dying => "dying",
        }
    }
}

impl fmt::Display for DomainState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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

impl ShutdownReason {
    /// All names.
    pub const NAMES: &[&str] = &[
        "poweroff",
        "reboot",
        "suspend",
        "crash",
        "watchdog",
        "soft_reset",
    ];

    /// Its name, as programs get it; the number itself where Xen gives none.
    pub fn name(self) -> Result<&'static str, u8> {
        Ok(match self {
            Self::Poweroff => "poweroff",
            Self::Reboot => "reboot",
            Self::Suspend => "suspend",
            Self::Crash => "crash",
            Self::Watchdog => "watchdog",
            Self::SoftReset => "soft_reset",
            Self::Other(code) => return Err(code),
        })
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Ok(name) => f.pad(name),
            Err(code) => write!(f, "code {code}"),
        }
    }
}

/// What a scheduler allows a domain (`xen_domctl_scheduler_op`, xen/domctl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "scheduler")]
pub enum Scheduling {
    /// A share under credit.
    Credit {
        /// Its share when pCPUs are scarce, in relation to the others'; 256 unless set.
        weight: u16,
        /// Per cent of one pCPU that it gets at most; `None` without a cap.
        cap_percent: Option<u16>,
    },
    /// A share under credit2.
    Credit2 {
        /// As for credit.
        weight: u16,
        /// As for credit.
        cap_percent: Option<u16>,
    },
    /// A reservation under rtds, where each vCPU has its own.
    Rtds {
        /// What each of its vCPUs has; `None` when they differ, and for a domain without vCPUs.
        reservation: Option<Reservation>,
    },
    /// Time slots that are set for the host as a whole.
    Arinc653,
    /// Nothing: each vCPU has a pCPU to itself.
    Null,
}

/// What a vCPU is granted under rtds (`xen_domctl_sched_rtds`, xen/domctl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Nanoseconds in which the budget is granted once.
    pub period_ns: u64,
    /// Nanoseconds of CPU time in each period.
    pub budget_ns: u64,
    /// Whether it may use pCPUs that no one else wants beyond its budget.
    pub extra_time: bool,
}

impl Scheduling {
    /// The scheduler's name.
    pub fn scheduler(self) -> &'static str {
        match self {
            Self::Credit { .. } => "credit",
            Self::Credit2 { .. } => "credit2",
            Self::Rtds { .. } => "rtds",
            Self::Arinc653 => "arinc653",
            Self::Null => "null",
        }
    }

    /// The domain's share under credit and credit2; `None` under the others.
    pub fn weight(self) -> Option<u16> {
        match self {
            Self::Credit { weight, .. } | Self::Credit2 { weight, .. } => Some(weight),
            Self::Rtds { .. } | Self::Arinc653 | Self::Null => None,
        }
    }
}

impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheduler())?;
        match *self {
            Self::Credit {
                weight,
                cap_percent,
            }
            | Self::Credit2 {
                weight,
                cap_percent,
            } => {
                write!(f, ", weight {weight}, ")?;
                match cap_percent {
                    Some(cap) => write!(f, "cap {cap} % of one pCPU"),
                    None => f.write_str("no cap"),
                }
            }
            Self::Rtds { reservation: None } => f.write_str(", no reservation common to its vCPUs"),
            Self::Rtds {
                reservation: Some(reserved),
            } => {
                let (period, budget) = (reserved.period_ns / 1000, reserved.budget_ns / 1000);
                write!(f, ", {budget} us in every {period} us for each vCPU")?;
                f.write_str(if reserved.extra_time {
                    " and more when idle"
                } else {
                    ""
                })
            }
            Self::Arinc653 | Self::Null => Ok(()),
        }
    }
}

/// A virtual CPU (`xen_domctl_getvcpuinfo`, xen/domctl.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vcpu {
    /// Its number in its domain.
    pub id: u32,
    /// What it does.
    pub state: VcpuState,
    /// The pCPU it is on, or was on last; `None` while it is offline.
    pub pcpu: Option<u32>,
    /// Nanoseconds it has run (`cpu_time`).
    pub cpu_time_ns: u64,
    /// The pCPUs it may run on, of those that Xen has; `None` when Xen did not say.
    pub hard_affinity: Option<Vec<u32>>,
    /// The pCPUs it prefers to run on; `None` when Xen did not say.
    pub soft_affinity: Option<Vec<u32>>,
    /// When the hypervisor was asked for it.
    pub stamp: Stamp,
}

/// What a vCPU does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VcpuState {
    /// Is on a pCPU.
    Running,
    /// Wants to run, or is paused.
    Runnable,
    /// Waits for an event.
    Blocked,
    /// Was unplugged, or never brought up.
    #[default]
    Offline,
}

impl VcpuState {
    /// Its name, as programs get it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Runnable => "runnable",
            Self::Blocked => "blocked",
            Self::Offline => "offline",
        }
    }
}

impl fmt::Display for VcpuState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
