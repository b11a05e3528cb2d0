//! A domain, as read in one sample.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::device::{Disk, Nic};
use super::domid::DomId;
use super::stamp::Stamp;
use super::state_times::StateTimes;

/// A domain, as the hypervisor and XenStore describe it.
///
/// A field comes from `xen_domctl_getdomaininfo` (xen/domctl.h) unless its description names
/// another source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its ID, which a later domain may reuse.
    pub id: DomId,
    /// The UUID that the toolstack gave it (`handle`); usually all zero for dom0. The toolstack may
    /// change it.
    pub uuid: Uuid,
    /// The UUID that it had when it was first seen; `None` if it has not changed since then.
    pub first_uuid: Option<Uuid>,
    /// `~/name` in XenStore; `None` if there is no such key, if it is not UTF-8 text, if XenStore
    /// did not answer, or if it was not collected.
    pub name: Option<Arc<str>>,
    /// How it is virtualised.
    #[serde(rename = "type")]
    pub kind: DomainType,
    /// The states it is in; several can be set at once.
    pub states: StateFlags,
    /// vCPUs online (`nr_online_vcpus`).
    pub vcpus_online: u32,
    /// Maximum number of vCPUs: the highest vCPU's ID plus one (`max_vcpu_id`); 0 for a domain
    /// that has no vCPUs yet.
    pub vcpus_max: u32,
    /// Nanoseconds that its vCPUs have run since it was created (`cpu_time`), including those
    /// that are offline now.
    pub cpu_time_ns: u64,
    /// Bytes of memory allocated to it (`tot_pages`).
    pub memory_bytes: u64,
    /// The limit of its memory in bytes (`max_pages`); `None` if there is no limit.
    pub memory_max_bytes: Option<u64>,
    /// Bytes claimed for it but not yet allocated (`outstanding_pages`); not in `memory_bytes`.
    pub memory_claimed_bytes: u64,
    /// Bytes it shares with other domains (`shr_pages`); 0 if Xen is built without sharing.
    pub memory_shared_bytes: u64,
    /// Bytes paged out (`paged_pages`); 0 if Xen is built without paging.
    pub memory_paged_bytes: u64,
    /// Bytes in the pool for its page tables (`xc_get_paging_mempool_size`); `None` for PV, and if
    /// it was not collected.
    pub paging_pool_bytes: Option<u64>,
    /// Bytes of its grant table (`nr_frames` of `gnttab_query_size`, xen/grant_table.h); `None` if it was not
    /// collected, or if Xen refuses.
    pub grant_table_bytes: Option<u64>,
    /// Its populate-on-demand memory; `None` for PV, and if it was not collected.
    pub pod: Option<PodMemory>,
    /// Its maximum memory in bytes, set when it was built (`~/memory/static-max` in XenStore);
    /// `None` as for `memory_target_bytes`.
    pub memory_static_max_bytes: Option<u64>,
    /// The target of its balloon driver in bytes (`~/memory/target` in XenStore); `None` if there
    /// is no such key, if XenStore did not answer, or if it was not collected.
    pub memory_target_bytes: Option<u64>,
    /// The video memory of an HVM domain in bytes (`~/memory/videoram` in XenStore), which libxl leaves
    /// out of the target; `None` for other domains, and as for `memory_target_bytes`.
    pub memory_videoram_bytes: Option<u64>,
    /// Its UUID in XenStore (the end of `~/vm`); `None` as for `memory_target_bytes`.
    pub xenstore_uuid: Option<Uuid>,
    /// Whether the toolstack wants each vCPU online (`~/cpu/N/availability` in XenStore), by vCPU
    /// ID; an element is `None` if there is no such key. `None` as for `memory_target_bytes`.
    pub vcpus_available: Option<Vec<Option<bool>>>,
    /// The domain whose device model it runs, if it is a stub domain (`~/target` in XenStore, which libxl writes; see
    /// `libxl_is_stubdom`); `None` as for `memory_target_bytes`.
    #[serde(default)]
    pub target_domain: Option<DomId>,
    /// The CPU pool it is in (`cpupool`).
    pub pool: u32,
    /// Its security label's number (`ssidref`).
    pub ssid: u32,
    /// Its scheduling parameters; `None` if they were not collected or Xen did not report them.
    pub scheduling: Option<Scheduling>,
    /// All of its vCPUs; `None` if they were not collected, if it was destroyed meanwhile, or if the
    /// security policy denies it.
    pub vcpus: Option<Vec<Vcpu>>,
    /// How long its vCPUs have been in each state, together; `None` if they were not traced.
    pub state_times: Option<StateTimes>,
    /// Nanoseconds that its vCPUs have been ready since it was created, together, by the count of XCP-ng's and
    /// XenServer's hypervisors; `None` with others, and if it was not collected.
    pub ready_ns: Option<u64>,
    /// How many changes of a vCPU's state are not in `ready_ns`, by the same hypervisors (`missed_changes`); `None` as
    /// there.
    #[serde(default)]
    pub ready_missed_changes: Option<u64>,
    /// For whom its vCPUs have waited since the trace began, in nanoseconds of their ready time: the domains that had
    /// the pCPUs, 0x7fff if they were idle. What is missing to the ready time is unknown. Empty if they were not traced.
    pub waited_for_ns: Vec<(DomId, u64)>,
    /// Its NICs, ordered by ID; `None` if they were not collected, or if it is not known whether another domain serves
    /// some.
    pub nics: Option<Vec<Nic>>,
    /// Its disks, ordered by ID; `None` as for NICs.
    pub disks: Option<Vec<Disk>>,
    /// When it was read from the hypervisor.
    pub stamp: Stamp,
}

impl Domain {
    /// Returns its identity, which differs from that of a later domain with the same ID, and does
    /// not change with its UUID.
    pub fn identity(&self) -> Identity {
        Identity {
            id: self.id,
            uuid: self.first_uuid.unwrap_or(self.uuid),
        }
    }

    /// Returns by how many bytes its memory is below its target; `None` if the target is unknown.
    pub fn memory_short_bytes(&self) -> Option<u64> {
        let target = self.memory_target_bytes?;
        Some(target.saturating_sub(self.memory_bytes))
    }
}

/// The ID and UUID of a domain, unique until the host reboots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The domain's ID.
    pub id: DomId,
    /// The domain's UUID in Xen when it was first seen.
    pub uuid: Uuid,
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
    /// Returns its name in JSON and CSV.
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

/// The `XEN_DOMINF_*` flags of a domain (xen/domctl.h); several can be set at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFlags {
    /// Destroyed, but not all of its resources are freed.
    pub dying: bool,
    /// Why it has shut down, as the guest reports; `None` if it has not shut down.
    pub shutdown: Option<ShutdownReason>,
    /// Paused by the toolstack.
    pub paused: bool,
    /// All of its online vCPUs wait for an event.
    pub blocked: bool,
    /// At least one of its vCPUs is on a pCPU.
    pub running: bool,
}

impl StateFlags {
    /// Returns whether Xen lets none of its vCPUs run.
    pub fn keep_from_running(self) -> bool {
        self.paused || self.dying || self.shutdown.is_some()
    }

    /// Returns the most important of the states that are set.
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
    /// Waits for a pCPU, or has no vCPU online.
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
    /// Destroyed, but not all of its resources are freed.
    Dying,
}

impl DomainState {
    /// All names.
    pub const NAMES: &[&str] = &[
        "running", "runnable", "blocked", "paused", "shutdown", "crashed", "dying",
    ];

    /// Returns its name in JSON and CSV.
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

/// Why a domain shut down (`SHUTDOWN_*`, xen/sched.h), as the guest reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShutdownReason {
    /// Switched off.
    Poweroff,
    /// Requests a reboot.
    Reboot,
    /// Suspended, to be saved or migrated.
    Suspend,
    /// Crashed.
    Crash,
    /// Its watchdog expired.
    Watchdog,
    /// Requests a soft reset: Xen resets its state, and it continues to run.
    SoftReset,
    /// A number without a meaning in Xen.
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

    /// Returns its name in JSON and CSV, or the number if it has no name.
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

/// A domain's scheduling parameters (`xen_domctl_scheduler_op`, xen/domctl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "scheduler")]
pub enum Scheduling {
    /// A share under credit.
    Credit {
        /// Its weight relative to other domains if pCPUs are scarce; 256 unless set.
        weight: u16,
        /// Its limit in per cent of one pCPU; `None` without a cap.
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
        /// The reservation of each vCPU; `None` if they differ, and for a domain without vCPUs.
        reservation: Option<Reservation>,
    },
    /// Time slots, which are set for the whole host.
    Arinc653,
    /// No parameters: each vCPU has its own pCPU.
    Null,
}

/// Memory of a domain that Xen allocates only when the domain uses it (`xc_domain_get_pod_target`, xenctrl.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodMemory {
    /// Bytes that Xen holds ready.
    pub cache_bytes: u64,
    /// Bytes that the domain may use and that have no memory yet.
    pub entries_bytes: u64,
}

/// The reservation of a vCPU under rtds (`xen_domctl_sched_rtds`, xen/domctl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Nanoseconds after which the budget is renewed.
    pub period_ns: u64,
    /// Nanoseconds of CPU time in each period.
    pub budget_ns: u64,
    /// Whether it may use idle pCPUs beyond its budget.
    pub extra_time: bool,
}

impl Scheduling {
    /// Returns the scheduler's name.
    pub fn scheduler(self) -> &'static str {
        match self {
            Self::Credit { .. } => "credit",
            Self::Credit2 { .. } => "credit2",
            Self::Rtds { .. } => "rtds",
            Self::Arinc653 => "arinc653",
            Self::Null => "null",
        }
    }

    /// Returns the domain's weight under credit and credit2; `None` under the others.
    pub fn weight(self) -> Option<u16> {
        self.share().map(|(weight, _)| weight)
    }

    /// Returns the domain's weight under credit and credit2, and its cap in per cent of one pCPU if it has one; `None`
    /// under the others.
    pub fn share(self) -> Option<(u16, Option<u16>)> {
        match self {
            Self::Credit {
                weight,
                cap_percent,
            }
            | Self::Credit2 {
                weight,
                cap_percent,
            } => Some((weight, cap_percent)),
            Self::Rtds { .. } | Self::Arinc653 | Self::Null => None,
        }
    }
}

impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheduler())?;
        if let Some((weight, cap_percent)) = self.share() {
            write!(f, ", weight {weight}, ")?;
            return match cap_percent {
                Some(cap) => write!(f, "cap {cap} % of one pCPU"),
                None => f.write_str("no cap"),
            };
        }
        match *self {
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
            Self::Credit { .. } | Self::Credit2 { .. } | Self::Arinc653 | Self::Null => Ok(()),
        }
    }
}

/// A virtual CPU (`xen_domctl_getvcpuinfo`, xen/domctl.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vcpu {
    /// Its ID in its domain.
    pub id: u32,
    /// Its state.
    pub state: VcpuState,
    /// The pCPU it is on, or was on last; `None` while it is offline.
    pub pcpu: Option<u32>,
    /// Nanoseconds it has run (`cpu_time`).
    pub cpu_time_ns: u64,
    /// The pCPUs it may run on, limited to existing ones; `None` if Xen did not report it.
    pub hard_affinity: Option<Vec<u32>>,
    /// The pCPUs it prefers to run on; `None` if Xen did not report it.
    pub soft_affinity: Option<Vec<u32>>,
    /// How long it has been in each state; `None` if it was not traced.
    pub state_times: Option<StateTimes>,
    /// When it was read from the hypervisor.
    pub stamp: Stamp,
}

/// The state of a vCPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VcpuState {
    /// Is on a pCPU.
    Running,
    /// Ready to run, or paused.
    Runnable,
    /// Waits for an event.
    Blocked,
    /// Was unplugged, or never brought up.
    #[default]
    Offline,
}

impl VcpuState {
    /// Returns its name in JSON and CSV.
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
