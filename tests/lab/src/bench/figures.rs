//! The figures from dom0: `lab-bench` writes them, the lab reads them.

use serde::{Deserialize, Serialize};

/// What the programs cost beside one set of domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Domains, dom0 among them.
    pub domains: usize,
    /// NICs that dom0 serves.
    pub nics: usize,
    /// Disks that dom0 serves.
    pub disks: usize,
    /// What an idle dom0 runs of each nanosecond; the lab subtracts it from dom0's CPU time.
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
    /// `xenscope record`
    pub recording: Recording,
    /// The other build of xenscope, if one is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// What another build of xenscope costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Its `top -b -d 1`
    pub top: Monitor,
    /// Its `list`
    pub list: OneShot,
}

/// What a program costs that prints a block every second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    /// `None` if it took too long.
    pub cost: Option<Cost>,
    /// `None` if it took too long.
    pub calls: Option<Calls>,
}

impl Monitor {
    /// Returns the mean of two measurements of one program, weighted by their samples, with the
    /// first one's calls, because these hardly vary.
    pub fn with(self, again: &Self) -> Self {
        let cost = self.cost.zip(again.cost.as_ref());
        Self {
            cost: cost.map(|(cost, again)| cost.with(again)),
            calls: self.calls,
        }
    }
}

/// Per sample, without the start-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Samples that were measured.
    pub samples: usize,
    /// CPU time of dom0, as the hypervisor counts it.
    pub dom0_ns: f64,
    /// CPU time of the process, as dom0's kernel counts it.
    pub process_ns: f64,
    /// CPU time of the process in user mode; the sum over all samples is exact to 10 ms.
    pub user_ns: f64,
    /// CPU time of the process in the kernel.
    pub system_ns: f64,
    /// The process's peak resident memory.
    pub peak_memory_bytes: u64,
}

impl Cost {
    fn with(self, again: &Self) -> Self {
        let samples = self.samples + again.samples;
        let mean = |figure: fn(&Self) -> f64| {
            let total = |cost: &Self| figure(cost) * cost.samples as f64;
            (total(&self) + total(again)) / samples as f64
        };
        Self {
            samples,
            dom0_ns: mean(|cost| cost.dom0_ns),
            process_ns: mean(|cost| cost.process_ns),
            user_ns: mean(|cost| cost.user_ns),
            system_ns: mean(|cost| cost.system_ns),
            peak_memory_bytes: self.peak_memory_bytes.max(again.peak_memory_bytes),
        }
    }
}

/// Per sample: the median of the samples that were traced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    /// Samples that were traced.
    pub samples: usize,
    /// System calls, of all threads.
    pub system_calls: f64,
    /// System calls that are hypercalls.
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
    /// CPU time of dom0, as the hypervisor counts it.
    pub dom0_ns: f64,
    /// CPU time of the process in user mode.
    pub user_ns: f64,
    /// CPU time of the process in the kernel.
    pub system_ns: f64,
}

/// What a sample consists of: medians of the time that each part took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inside {
    /// Samples that were taken.
    pub samples: usize,
    /// The bare getdomaininfolist hypercalls.
    pub hypercall_ns: f64,
    /// All reading, with these hypercalls.
    pub read_ns: f64,
    /// Reading, rates, and the text of `top -b` written to /dev/null.
    pub whole_ns: f64,
}

/// What a recorded sample costs, each second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The same samples, which are not recorded.
    pub bare: Cost,
    /// Those that are recorded.
    pub recorded: Cost,
    /// Those to which made-up work is added, and which are not recorded.
    pub worked: Cost,
    /// Those that are recorded with made-up work of all domains and of a NIC and a disk in ten.
    pub busy: Cost,
    /// The size of the file over the number of its samples.
    pub bytes_a_sample: f64,
    /// The size of the text of `xentop -b` through zstd, over the number of its samples.
    pub xentop_bytes_a_sample: f64,
}

/// How exact a program's CPU % is for a guest that burns a pCPU of its own.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(samples: usize, ns: f64, peak_memory_bytes: u64) -> Monitor {
        let cost = Cost {
            samples,
            dom0_ns: ns,
            process_ns: ns,
            user_ns: ns,
            system_ns: ns,
            peak_memory_bytes,
        };
        Monitor {
            cost: Some(cost),
            calls: None,
        }
    }

    #[test]
    fn a_mean_counts_every_sample_once() {
        let mean = monitor(30, 1.0, 5).with(&monitor(10, 5.0, 7));
        assert_eq!(mean, monitor(40, 2.0, 7));
    }

    #[test]
    fn a_timed_out_measurement_has_no_mean() {
        let slow = Monitor {
            cost: None,
            calls: None,
        };
        assert_eq!(monitor(30, 1.0, 5).with(&slow), slow);
    }
}
