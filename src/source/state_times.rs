//! How long vCPUs are in each state, from a trace.

use std::collections::BTreeMap;

use crate::clock::stamped;
use crate::runstate::{Traced, expected, with_idle};
use crate::snapshot::{DomId, Domain, Host, Identity, Note, Pool, Stamp, StateTimes, TraceTotals};
use crate::tracer::{Figures, Known, Tracer};
use crate::xen::{Error, Hypervisor, Mode};

/// In how many domains a sample looks for another affinity.
const LOOKS: usize = 32;

/// The trace of a source, from the first sample with state times to the first without.
#[derive(Default)]
pub(super) struct Tracing {
    tracer: Option<Tracer>,
    /// The domains whose vCPUs are followed, by their IDs, with their pools.
    known: Vec<(Identity, u32)>,
    /// The domain after which the next look for another affinity begins.
    looked: Option<DomId>,
    /// Whether Xen schedules whole cores.
    by_cores: bool,
}

impl Tracing {
    /// Switches the trace off.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    /// Switches the trace on if it is not, and fills in how long vCPUs have been in each state. Returns what to know
    /// about these times, or why they are unknown.
    pub(super) fn fill_in(
        &mut self,
        hypervisor: &Hypervisor,
        (domains, pools): (&mut [Domain], &[Pool]),
        host: &mut Host,
        allow_untested: bool,
    ) -> Result<Vec<Note>, Error> {
        if self.tracer.is_none() {
            self.by_cores = hypervisor.schedules_cores()?;
            self.tracer = Some(Tracer::start(allow_untested)?);
        }
        let (known, now) = self.know(hypervisor, (domains, pools), host)?;
        let Some(tracer) = &mut self.tracer else {
            return Ok(Vec::new());
        };
        // That it took over is news only once.
        let is_news = self.known.is_empty() || tracer.mode() == Mode::Beside;
        let mut notes: Vec<Note> = tracer
            .mode()
            .note()
            .filter(|_| is_news)
            .into_iter()
            .collect();
        notes.extend(self.by_cores.then_some(Note::CoresScheduled));
        let (figures, stamp) = stamped(|| tracer.figures(known));
        self.known = now;
        let Figures { traced, untraced } = match figures {
            Ok(figures) => figures,
            Err(error) => {
                self.stop();
                return Err(error);
            }
        };
        if !untraced.is_empty() {
            notes.push(Note::PcpusNotTraced(untraced.into_iter().collect()));
        }
        if let Some(traced) = traced {
            fill_in(domains, host, (&traced, stamp));
        }
        Ok(notes)
    }

    /// Returns what hypercalls know that the trace does not, and the domains of this sample.
    fn know(
        &mut self,
        hypervisor: &Hypervisor,
        (domains, pools): (&[Domain], &[Pool]),
        host: &Host,
    ) -> Result<(Known, Vec<(Identity, u32)>), Error> {
        let mut now: Vec<(Identity, u32)> = domains
            .iter()
            .map(|one| (one.identity(), one.pool))
            .collect();
        let before = |domain: &Domain| {
            // Of an ID that was reused, the vCPUs are new.
            let place = self
                .known
                .binary_search_by_key(&domain.identity(), |one| one.0);
            place.ok().map(|place| self.known[place].1)
        };
        let look = looks(domains, self.looked);
        let mut known = Known::default();
        let mut read = Vec::new();
        for domain in domains {
            let pool = before(domain);
            known.stay.extend(pool.map(|_| domain.id));
            let has_affinities = || {
                let mut vcpus = domain.vcpus.iter().flatten();
                domain.vcpus.is_some() && vcpus.all(|vcpu| vcpu.hard_affinity.is_some())
            };
            if has_affinities() {
                read.push(domain.clone());
            } else if pool != Some(domain.pool) || look.contains(&domain.id) {
                match hypervisor.vcpus(domain, true) {
                    Ok(vcpus) => read.push(Domain {
                        vcpus,
                        ..domain.clone()
                    }),
                    // Only this domain's figures are unknown, and the next sample tries again.
                    Err(error) => {
                        tracing::debug!(%error, domain = domain.id.0, "no placement");
                        now.retain(|(identity, _)| *identity != domain.identity());
                    }
                }
            }
        }
        self.looked = look.last().copied();
        known.vcpus = expected(&read, pools);
        if self.by_cores {
            known
                .vcpus
                .iter_mut()
                .for_each(|one| one.may_run_on.clear());
        }
        let online = host.pcpu.iter().filter(|pcpu| pcpu.is_online());
        known.online = online.map(|pcpu| pcpu.id).collect();
        if self.known.is_empty() {
            known.vcpus = with_idle(known.vcpus, known.online.iter().copied());
        }
        Ok((known, now))
    }
}

/// Returns the domains in which to look for another affinity: each in its turn.
fn looks(domains: &[Domain], after: Option<DomId>) -> Vec<DomId> {
    let first = domains.partition_point(|domain| Some(domain.id) <= after);
    let (before, from) = domains.split_at(first);
    let turn = from.iter().chain(before).take(LOOKS);
    turn.map(|domain| domain.id).collect()
}

/// Fills in what the trace says of each vCPU and domain.
fn fill_in(domains: &mut [Domain], host: &mut Host, (traced, stamp): (&Traced, Stamp)) {
    let mut all = traced.vcpus.iter().peekable();
    for domain in domains {
        while all.next_if(|(id, _)| id.domain < domain.id).is_some() {}
        let mut sum = None;
        let mut waited_for = BTreeMap::<DomId, u64>::new();
        while let Some((id, times)) = all.next_if(|(id, _)| id.domain == domain.id) {
            sum.get_or_insert_with(StateTimes::default)
                .add(&times.states);
            for (other, ns) in &times.waited_for_ns {
                let sum = waited_for.entry(*other).or_default();
                *sum = sum.saturating_add(*ns);
            }
            let vcpus = domain.vcpus.iter_mut().flatten();
            for vcpu in vcpus.filter(|vcpu| vcpu.id == id.number) {
                vcpu.state_times = Some(times.states);
            }
        }
        domain.state_times = sum;
        domain.waited_for_ns = waited_for.into_iter().collect();
    }
    let lost = traced.lost_ns.values();
    host.trace = Some(TraceTotals {
        begin_ns: traced.begin_ns,
        elapsed_ns: traced.interval_ns,
        records: traced.records,
        contradictions: traced.contradictions,
        lost_ns: lost.fold(0, |sum, ns| sum.saturating_add(*ns)),
        running_ns: traced.running_ns,
        ready_ns: traced.ready_ns,
        most_ready: traced.most_ready,
        stamp,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinities_are_looked_for_in_turn() {
        let numbers = [0, 1, 5, 7].into_iter().chain(100..140);
        let domains: Vec<Domain> = numbers
            .map(|id| Domain {
                id: DomId(id),
                ..Domain::default()
            })
            .collect();
        let first = looks(&domains, None);
        assert_eq!(
            (first.len(), first[0], first[31]),
            (LOOKS, DomId(0), DomId(127))
        );
        let second = looks(&domains, first.last().copied());
        assert_eq!((second[0], second[12]), (DomId(128), DomId(0)));
        // The last one seen is gone, and there are few.
        assert_eq!(looks(&domains[..2], Some(DomId(139))), [DomId(0), DomId(1)]);
        assert_eq!(looks(&[], None), []);
    }
}
