//! What is measured in dom0: `lab-bench` writes it, the lab reads it.

use serde::{Deserialize, Serialize};

/// What everything costs beside one set of domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Domains, dom0 among them.
    pub domains: usize,
    /// NICs that dom0 serves.
    pub nics: usize,
    /// Disks that dom0 serves.
    pub disks: usize,
    /// Of each nanosecond, what dom0 runs when nothing is measured; the figures are less that.
    pub idle_share: f64,
    /// `xenscope top -b -d 1`
    pub xenscope_top: Monitor,
    /// `xentop -b -d 1`
    pub xentop: Monitor,
    /// `xenscope list`
    pub xenscope_list: OneShot,
    /// `xl list`
    pub xl_list: OneShot,
    /// A sample of xenscope from within.
    pub inside: Inside,
}

/// What a program costs that prints a block every second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    /// `None` when it took longer than it was given.
    pub cost: Option<Cost>,
    /// `None` when it took longer than it was given.
    pub calls: Option<Calls>,
}

/// Per sample, without the start-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Samples that were measured.
    pub samples: usize,
    /// CPU time of dom0, by the hypervisor's count.
    pub dom0_ns: f64,
    /// CPU time of the process, by its kernel's count.
    pub process_ns: f64,
    /// Of that in user mode, to 10 ms over all samples.
    pub user_ns: f64,
    /// And in the kernel.
    pub system_ns: f64,
    /// The most memory that the process had resident.
    pub peak_memory_bytes: u64,
}

/// Per sample: the median of the samples that were traced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    /// Samples that were traced.
    pub samples: usize,
    /// System calls, of all threads.
    pub system_calls: f64,
    /// Those among them that are hypercalls.
    pub hypercalls: f64,
    /// Requests to XenStore.
    pub store_messages: f64,
}

/// What a program costs that prints once: medians.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneShot {
    /// How often it was run.
    pub runs: usize,
    /// From start to end.
    pub wall_ns: f64,
    /// CPU time of dom0, by the hypervisor's count.
    pub dom0_ns: f64,
    /// CPU time of the process in user mode.
    pub user_ns: f64,
    /// And in the kernel.
    pub system_ns: f64,
}

/// What a sample consists of: medians of the time that each part took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inside {
    /// Samples that were taken.
    pub samples: usize,
    /// The bare getdomaininfolist hypercalls.
    pub hypercall_ns: f64,
    /// All that is read, these hypercalls included.
    pub read_ns: f64,
    /// Reading, rates, and the text of `top -b` written to /dev/null.
    pub whole_ns: f64,
}

/// How close to the truth a program's CPU % comes for a guest that burns a pCPU of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The program.
    pub program: String,
    /// Seconds from one sample to the next.
    pub interval_seconds: f64,
    /// Samples that were taken.
    pub samples: usize,
    /// By how many points the figures are above 100 % on average.
    pub error: f64,
    /// Their standard deviation, in points.
    pub deviation: f64,
    /// By how many points the worst figure is off.
    pub worst: f64,
}
