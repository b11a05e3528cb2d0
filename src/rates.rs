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
    let cpu_percent = Span::between(old.pcpu_stamp, new.pcpu_stamp).and_then(|span| {
        let both_online: Vec<(u64, u64)> = old
            .pcpu
            .iter()
            .zip(&new.pcpu)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::doctored::{SECOND, domain, snapshot};

    /// The rates over two seconds of a domain whose CPU time goes from `old` to `new`.
    fn over_two_seconds(old: Domain, new: Domain) -> DomainRates {
        let old = snapshot(0, 0, vec![old]);
        let new = snapshot(2 * SECOND, 0, vec![new]);
        Rates::between(Some(&old), &new).domains[0]
    }

    fn value(measured: Option<Measured>) -> Option<f64> {
        measured.map(|measured| measured.value)
    }

    #[test]
    fn a_domain_that_ran_half_of_the_time_uses_half_a_pcpu() {
        let mut new = domain(5, "web", 2 * SECOND, 8 * SECOND);
        new.vcpus_online = 2;
        let rates = over_two_seconds(domain(5, "web", 0, 7 * SECOND), new);
        assert_eq!(value(rates.cpu_percent), Some(50.0));
        assert_eq!(value(rates.cpu_percent_of_vcpus), Some(25.0));
        // A bracket of 1 ms to either side of both samples, in 2 s.
        let uncertainty = rates.cpu_percent.map(|percent| percent.uncertainty);
        assert_eq!(uncertainty, Some(50.0 * 0.002 / 2.0));
    }

    #[test]
    fn each_domain_is_measured_over_the_time_between_its_own_samples() {
        // The second batch of a long list comes later than the first.
        let rates = over_two_seconds(
            domain(5, "web", SECOND, 0),
            domain(5, "web", 5 * SECOND, SECOND),
        );
        assert_eq!(value(rates.cpu_percent), Some(25.0));
    }

    #[test]
    fn a_first_sample_has_no_rates() {
        let rates = Rates::between(None, &snapshot(SECOND, 0, vec![domain(0, "a", 0, 0)]));
        assert_eq!(rates.interval_ns, None);
        assert_eq!(rates.host, HostRates::default());
        assert_eq!(rates.domains, [DomainRates::default()]);
    }

    #[test]
    fn a_reused_id_and_a_counter_that_went_back_have_no_rates() {
        let old = domain(5, "web", 0, 9 * SECOND);
        let mut reused = domain(5, "web", 2 * SECOND, 10 * SECOND);
        reused.uuid = Uuid::from_u128(99);
        assert_eq!(
            over_two_seconds(old.clone(), reused),
            DomainRates::default()
        );
        let back = domain(5, "web", 2 * SECOND, 8 * SECOND);
        assert_eq!(over_two_seconds(old, back), DomainRates::default());
    }

    #[test]
    fn a_domain_without_a_vcpu_online_has_no_share_of_its_vcpus() {
        let mut new = domain(5, "web", 2 * SECOND, SECOND);
        new.vcpus_online = 0;
        let rates = over_two_seconds(domain(5, "web", 0, 0), new);
        assert_eq!(value(rates.cpu_percent), Some(50.0));
        assert_eq!(rates.cpu_percent_of_vcpus, None);
    }

    #[test]
    fn the_host_is_busy_where_it_is_not_idle() {
        let busy =
            |old: &Snapshot, new: &Snapshot| value(Rates::between(Some(old), new).host.cpu_percent);
        let old = snapshot(0, 0, vec![]);
        let mut new = snapshot(2 * SECOND, 2 * SECOND, vec![]);
        assert_eq!(busy(&old, &new), Some(0.0));
        new.host.pcpu[0].idle_time_ns = Some(SECOND);
        assert_eq!(busy(&old, &new), Some(25.0));
        // A pCPU that went offline does not count.
        new.host.pcpu[1].idle_time_ns = None;
        assert_eq!(busy(&old, &new), Some(50.0));
        new.host.pcpu[0].idle_time_ns = None;
        assert_eq!(busy(&old, &new), None);
    }

    proptest! {
        #[test]
        fn a_rate_is_a_sensible_number_or_none(
            old_at in any::<u64>(), new_at in any::<u64>(),
            old_time in any::<u64>(), new_time in any::<u64>(),
            old_idle in any::<u64>(), new_idle in any::<u64>(),
            same in any::<bool>(), vcpus in 0_u32..5,
        ) {
            let old = snapshot(old_at, old_idle, vec![domain(5, "web", old_at, old_time)]);
            let mut after = domain(5, "web", new_at, new_time);
            after.vcpus_online = vcpus;
            if !same {
                after.uuid = Uuid::from_u128(99);
            }
            let new = snapshot(new_at, new_idle, vec![after]);
            let rates = Rates::between(Some(&old), &new);
            let domain = rates.domains[0];

            let measurable = same && new_at > old_at && new_time >= old_time;
            prop_assert_eq!(domain.cpu_percent.is_some(), measurable);
            prop_assert_eq!(domain.cpu_percent_of_vcpus.is_some(), measurable && vcpus > 0);
            prop_assert_eq!(rates.interval_ns.is_some(), new_at > old_at);
            let figures = [domain.cpu_percent, domain.cpu_percent_of_vcpus, rates.host.cpu_percent];
            for figure in figures.into_iter().flatten() {
                prop_assert!(figure.value.is_finite() && figure.value >= 0.0);
                prop_assert!(figure.uncertainty.is_finite() && figure.uncertainty >= 0.0);
            }
            prop_assert!(value(rates.host.cpu_percent).unwrap_or(0.0) <= 100.0);
        }
    }
}
