//! What happened between two snapshots: a pure function of both.
//!
//! A first sample, a counter that went back, and a domain id that another domain wears now give
//! `None`: never 0, and never a number that wrapped around.

use crate::snapshot::{Domain, Host, Snapshot, Stamp};

/// The rates between an older and a newer snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Nanoseconds between the two samples; `None` for a first sample.
    pub interval_ns: Option<u64>,
    /// The host's.
    pub host: HostRates,
    /// One for each of the newer snapshot's domains, in their order.
    pub domains: Vec<DomainRates>,
}

/// The rates of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostRates {
    /// How much of all pCPUs together was not idle: 100 when every pCPU was busy all the time.
    /// `None` when there is no older sample, or when no pCPU was online in both.
    pub cpu_percent: Option<Measured>,
}

/// The rates of one domain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DomainRates {
    /// CPU use in per cent of one pCPU: a domain that keeps two pCPUs busy uses 200.
    pub cpu_percent: Option<Measured>,
    /// CPU use in per cent of what the domain's online vCPUs could use; `None` too when it has
    /// none online.
    pub cpu_percent_of_vcpus: Option<Measured>,
}

/// A figure, and how far the truth may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The figure.
    pub value: f64,
    /// How far off it may be for not knowing when within its bracket each sample was taken.
    pub uncertainty: f64,
}

impl Measured {
    fn scaled(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            uncertainty: self.uncertainty * factor,
        }
    }
}

impl Rates {
    /// The rates from `old` to `new`; all of them `None` without an `old`.
    pub fn between(old: Option<&Snapshot>, new: &Snapshot) -> Self {
        let Some(old) = old else {
            return Self {
                interval_ns: None,
                host: HostRates::default(),
                domains: vec![DomainRates::default(); new.domains.len()],
            };
        };
        Self {
            interval_ns: Span::between(old.stamp, new.stamp).map(|span| span.ns),
            host: host_rates(&old.host, &new.host),
            domains: new
                .domains
                .iter()
                .map(|domain| match old.find(domain.identity()) {
                    Some(before) => domain_rates(before, domain),
                    None => DomainRates::default(),
                })
                .collect(),
        }
    }
}

fn host_rates(old: &Host, new: &Host) -> HostRates {
    let cpu_percent = Span::between(old.idle_stamp, new.idle_stamp).and_then(|span| {
        let both_online: Vec<(u64, u64)> = old
            .idle
            .iter()
            .zip(&new.idle)
            .filter_map(|(old, new)| Some((old.idle_time_ns?, new.idle_time_ns?)))
            .collect();
        let idle_ns = both_online.iter().try_fold(0_u64, |sum, &(old, new)| {
            sum.checked_add(new.checked_sub(old)?)
        })?;
        if both_online.is_empty() {
            return None;
        }
        let idle = span.share(idle_ns).scaled(1.0 / both_online.len() as f64);
        Some(Measured {
            // Idle time may come out above the interval by the bracket's width.
            value: (100.0 - idle.value).max(0.0),
            uncertainty: idle.uncertainty,
        })
    });
    HostRates { cpu_percent }
}

fn domain_rates(old: &Domain, new: &Domain) -> DomainRates {
    let cpu_percent = Span::between(old.stamp, new.stamp).and_then(|span| {
        let ran_ns = new.cpu_time_ns.checked_sub(old.cpu_time_ns)?;
        Some(span.share(ran_ns))
    });
    DomainRates {
        cpu_percent,
        cpu_percent_of_vcpus: cpu_percent
            .filter(|_| new.vcpus_online > 0)
            .map(|percent| percent.scaled(1.0 / f64::from(new.vcpus_online))),
    }
}

/// The time between two samples.
#[derive(Clone, Copy)]
struct Span {
    ns: u64,
    uncertainty_ns: u64,
}

impl Span {
    /// `None` when the newer sample is not the later one.
    fn between(old: Stamp, new: Stamp) -> Option<Self> {
        let ns = new.at_ns.checked_sub(old.at_ns)?;
        (ns > 0).then(|| Self {
            ns,
            uncertainty_ns: old.uncertainty_ns.saturating_add(new.uncertainty_ns),
        })
    }

    /// What per cent of this time `part_ns` is.
    fn share(self, part_ns: u64) -> Measured {
        let value = 100.0 * part_ns as f64 / self.ns as f64;
        Measured {
            value,
            uncertainty: value * self.uncertainty_ns as f64 / self.ns as f64,
        }
    }
}
