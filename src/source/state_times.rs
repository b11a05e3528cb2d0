//! How long vCPUs are in each state, from a trace.

use std::collections::BTreeMap;

use crate::clock::stamped;
use crate::runstate::{Traced, expected, with_idle};
use crate::snapshot::{DomId, Domain, Host, Identity, Pool, Stamp, StateTimes, TraceTotals};
use crate::tracer::Tracer;
use crate::xen::{Error, Hypervisor};

/// The trace of a source, from the first sample with state times to the first without.
#[derive(Default)]
pub(super) struct Tracing {
    tracer: Option<Tracer>,
    /// The domains whose vCPUs are followed, by their IDs.
    known: Vec<Identity>,
}

impl Tracing {
    /// Switches the trace off.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    /// Switches the trace on if it is not, and fills in how long vCPUs have been in each state. Returns why that is
    /// unknown.
    pub(super) fn fill_in(
        &mut self,
        hypervisor: &Hypervisor,
        (domains, pools): (&mut [Domain], &[Pool]),
        host: &mut Host,
        allow_untested: bool,
    ) -> Result<(), Error> {
        let tracer = match &mut self.tracer {
            Some(tracer) => tracer,
            None => self.tracer.insert(Tracer::start(allow_untested)?),
        };
        let now: Vec<Identity> = domains.iter().map(Domain::identity).collect();
        // Of an ID that was reused, the vCPUs are new.
        let stay = now
            .iter()
            .filter(|now| self.known.binary_search(now).is_ok());
        let stay: Vec<DomId> = stay.map(|identity| identity.id).collect();
        let mut new = Vec::new();
        for domain in &*domains {
            if self.known.binary_search(&domain.identity()).is_err() {
                new.push(Domain {
                    vcpus: hypervisor.vcpus(domain, true)?,
                    ..domain.clone()
                });
            }
        }
        let mut new = expected(&new, pools);
        if self.known.is_empty() {
            let online = host.pcpu.iter().filter(|pcpu| pcpu.is_online());
            new = with_idle(new, online.map(|pcpu| pcpu.id));
        }
        let (figures, stamp) = stamped(|| tracer.figures(stay, new));
        self.known = now;
        match figures {
            Ok(Some(traced)) => fill_in(domains, host, (&traced, stamp)),
            Ok(None) => {}
            Err(error) => {
                self.stop();
                return Err(error);
            }
        }
        Ok(())
    }
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
