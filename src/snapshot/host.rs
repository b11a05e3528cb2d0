//! A host, as read in one sample.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::stamp::{PcpuClock, Stamp};
use super::state_times::TraceTotals;

/// The host, as the hypervisor describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Version of the running hypervisor, such as `4.17.5` (`XENVER_version` and
    /// `XENVER_extraversion` of xen/version.h).
    pub xen_version: String,
    /// Nanoseconds since Xen booted, by its own clock (`HVMOP_get_time`, xen/hvm/hvm_op.h); `None` if it was
    /// not collected, or if Xen refuses.
    pub uptime_ns: Option<u64>,
    /// Number of pCPUs online (`nr_cpus` of `xen_sysctl_physinfo`, xen/sysctl.h).
    pub pcpus: u32,
    /// Bytes of memory that Xen manages (`total_pages` of `xen_sysctl_physinfo`).
    pub memory_bytes: u64,
    /// Bytes that are not allocated (`free_pages` of `xen_sysctl_physinfo`).
    pub memory_free_bytes: u64,
    /// `memory_free_bytes`, read again after the domains and the nodes; `None` if it was not
    /// collected.
    pub memory_free_after_bytes: Option<u64>,
    /// `memory_free_bytes`, as it was immediately before and after the nodes were read; `None` if it
    /// changed at each of several readings, or if it was not collected.
    pub memory_free_at_nodes_bytes: Option<u64>,
    /// Bytes of the free memory that are claimed for domains under construction
    /// (`outstanding_pages` of `xen_sysctl_physinfo`).
    pub memory_claimed_bytes: u64,
    /// Memory that domains share; `None` if it was not collected, or if Xen is built without sharing.
    pub shared: Option<SharedMemory>,
    /// Clock rate of the pCPUs in kHz, as measured when Xen booted (`cpu_khz` of
    /// `xen_sysctl_physinfo`).
    pub cpu_khz: u32,
    /// Every pCPU that Xen has a number for, ordered by number.
    pub pcpu: Vec<Pcpu>,
    /// When the idle times in `pcpu` were read.
    pub pcpu_stamp: Stamp,
    /// NUMA nodes; `None` if they were not collected.
    pub nodes: Option<Vec<Node>>,
    /// CPU pools; `None` if they were not collected.
    pub pools: Option<Vec<Pool>>,
    /// How the hypervisor was built and booted; `None` if it was not collected.
    pub build: Option<Build>,
    /// The statistics of dom0's kernel; `None` if they were not collected.
    pub dom0: Option<Dom0Kernel>,
    /// How long each of dom0's vCPUs was in each state; `None` if it was not collected, or if Xen refuses.
    pub dom0_vcpus: Option<Vec<Dom0Vcpu>>,
    /// The pCPUs' clocks, of those online; `None` if they were not collected, or if Xen refuses.
    pub pcpu_clocks: Option<Vec<PcpuClock>>,
    /// The trace that vCPUs' state times are from; `None` if they were not traced.
    pub trace: Option<TraceTotals>,
}

impl Host {
    /// Returns the pool that a pCPU is in; `None` if it is in none, or if pools were not collected.
    pub fn pool_of(&self, pcpu: u32) -> Option<&Pool> {
        self.pools
            .iter()
            .flatten()
            .find(|pool| pool.pcpus.contains(&pcpu))
    }
}

/// Memory that domains share (`xc_sharing_used_frames` and `xc_sharing_freed_pages`, xenctrl.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMemory {
    /// Bytes of the pages that are shared, each counted once.
    pub used_bytes: u64,
    /// Bytes that are free because pages are shared.
    pub freed_bytes: u64,
}

/// A physical CPU, one hardware thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pcpu {
    /// Its number in Xen.
    pub id: u32,
    /// Nanoseconds since boot that its idle vCPU has run (`idletime` of `xen_sysctl_cpuinfo`,
    /// xen/sysctl.h); `None` for a pCPU that is offline, which Xen reports as 0.
    pub idle_time_ns: Option<u64>,
    /// Nanoseconds since boot in C-states other than C0 (`xc_cx_stat`, xenctrl.h); `None` if it was not collected, or
    /// if Xen does not manage its C-states.
    pub idle_states_ns: Option<u64>,
    /// Its socket (`xen_sysctl_cputopo`); `None` if it is offline or this was not collected.
    pub socket: Option<u32>,
    /// The core within the socket; `None` as for `socket`.
    pub core: Option<u32>,
    /// The NUMA node; `None` as for `socket`.
    pub node: Option<u32>,
}

impl Pcpu {
    /// Returns whether it is online.
    pub fn is_online(&self) -> bool {
        self.idle_time_ns.is_some()
    }
}

/// A NUMA node (`xen_sysctl_meminfo`, xen/sysctl.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its number.
    pub id: u32,
    /// Bytes of memory on it; `None` for a node that is offline.
    pub memory_bytes: Option<u64>,
    /// Bytes of it that are not allocated; `None` for a node that is offline.
    pub memory_free_bytes: Option<u64>,
}

/// A set of pCPUs with a scheduler of its own (`xc_cpupoolinfo_t`, xenctrl.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its number; `Pool-0` is 0.
    pub id: u32,
    /// `/local/pool/N/name` in XenStore; `None` as for a domain's name.
    pub name: Option<String>,
    /// Its scheduler.
    pub scheduler: Scheduler,
    /// How long credit lets a vCPU run at a time, in nanoseconds; `None` for other schedulers, and if
    /// Xen does not tell.
    pub timeslice_ns: Option<u64>,
    /// The numbers of its pCPUs.
    pub pcpus: Vec<u32>,
    /// How many domains are in it.
    pub domains: u32,
}

/// A scheduler of the hypervisor (`XEN_SCHEDULER_*`, xen/domctl.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    /// Proportional shares.
    Credit,
    /// Proportional shares, the default since Xen 4.12.
    #[default]
    Credit2,
    /// Fixed time slots, after ARINC 653.
    Arinc653,
    /// Real-time reservations.
    Rtds,
    /// A pCPU for each vCPU.
    Null,
    /// An unknown scheduler's number.
    #[serde(untagged)]
    Other(u32),
}

impl Scheduler {
    /// Returns its name in JSON and CSV, or the number if it has no name.
    pub fn name(self) -> Result<&'static str, u32> {
        Ok(match self {
            Self::Credit => "credit",
            Self::Credit2 => "credit2",
            Self::Arinc653 => "arinc653",
            Self::Rtds => "rtds",
            Self::Null => "null",
            Self::Other(number) => return Err(number),
        })
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Ok(name) => f.pad(name),
            Err(number) => write!(f, "number {number}"),
        }
    }
}

/// How the hypervisor was built and booted (`XENVER_*`, xen/version.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The changeset it was built from.
    pub changeset: String,
    /// The compiler it was built with.
    pub compiler: String,
    /// When it was built, in the format of the build.
    pub date: String,
    /// Its build ID in hexadecimal digits; `None` if it has none.
    pub id: Option<String>,
    /// The command line that it was booted with.
    pub command_line: String,
    /// The kinds of guests it can run, such as `xen-3.0-x86_64`.
    pub capabilities: String,
}

/// The statistics of dom0's kernel; a field is `None` if the kernel does not report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dom0Kernel {
    /// Nanoseconds since the kernel booted (`/proc/uptime`), with a precision of 10 ms.
    pub uptime_ns: Option<u64>,
    /// Total nanoseconds that its CPUs were busy (`/proc/stat`: all but idle, iowait and steal),
    /// the sum of values that have a precision of one tick each.
    pub cpu_time_ns: Option<u64>,
    /// Nanoseconds that its CPUs were ready to run but not running (`steal` in `/proc/stat`).
    pub steal_time_ns: Option<u64>,
    /// Nanoseconds in a tick, the unit of the two times above (`_SC_CLK_TCK`).
    pub tick_ns: Option<u64>,
    /// When the times were read.
    pub stamp: Stamp,
}

/// How long one of dom0's vCPUs was in each state since it was created (`vcpu_runstate_info`, xen/vcpu.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dom0Vcpu {
    /// The vCPU's ID.
    pub id: u32,
    /// Nanoseconds running on a pCPU.
    pub running_ns: u64,
    /// Nanoseconds ready to run, waiting for a pCPU.
    pub runnable_ns: u64,
    /// Nanoseconds idle.
    pub blocked_ns: u64,
    /// Nanoseconds neither ready to run nor idle: unplugged, paused, or out of the budget of a cap.
    pub offline_ns: u64,
    /// When it was read.
    pub stamp: Stamp,
}
