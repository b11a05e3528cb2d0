//! Which domains are the same as in an earlier snapshot, although their handles changed.

use uuid::Uuid;

use super::domain::Domain;
use super::domid::DomId;
use super::stamp::Stamp;

/// The handle that xenopsd gives to a domain before it destroys it, without the domain's ID
/// (`destroy` in ocaml/xenopsd/xc/domain.ml: `deadbeef-dead-beef-dead-beef0000%04x`).
const XENOPSDS_MARK: u128 = 0xdead_beef_dead_beef_dead_beef_0000_0000;

/// The most that dom0's clock can be slow compared with Xen's, as a part of the time that passed:
/// twice what Linux can correct a clock by (`MAXFREQ`, linux/timex.h).
const SLOW_CLOCK: u64 = 1000;

/// By how many nanoseconds the CPU time of a domain may step back because the clocks of pCPUs differ.
const STEP_BACK_NS: u64 = 1_000_000;

/// Keeps the identities of domains whose handles changed since an earlier sample of the same boot. A
/// toolstack may change a handle at any time, and XAPI does so before it destroys a domain.
pub fn keep_identities(domains: &mut [Domain], earlier: &[Domain]) {
    // Both are ordered by ID.
    let mut earlier = earlier.iter().peekable();
    for domain in domains {
        while earlier.next_if(|was| was.id < domain.id).is_some() {}
        if let Some(was) = earlier.peek() {
            domain.keep_identity_of(was);
        }
    }
}

impl Domain {
    /// Returns whether xenopsd has marked it, because it is about to destroy it.
    pub fn is_marked_by_xenopsd(&self) -> bool {
        self.uuid == xenopsds_mark(self.id)
    }

    /// Returns whether it is the same domain as this one of the sample before: their identities are the same, and its
    /// CPU time did not fall.
    pub fn goes_on_from(&self, before: &Self) -> bool {
        let fell_by_ns = before.cpu_time_ns.saturating_sub(self.cpu_time_ns);
        self.identity() == before.identity() && fell_by_ns <= STEP_BACK_NS
    }

    fn keep_identity_of(&mut self, earlier: &Self) {
        if self.is_same_as(earlier) {
            self.first_uuid = Some(earlier.identity().uuid).filter(|&uuid| uuid != self.uuid);
        }
    }

    /// Returns whether it is certainly the same domain as this one of an earlier sample. If their
    /// handles differ, that is so if its CPU time did not fall and xenopsd marked it, or if it has used
    /// more CPU time than a domain can have used that was created since then.
    fn is_same_as(&self, earlier: &Self) -> bool {
        if self.id != earlier.id {
            return false;
        }
        let fell_by_ns = earlier.cpu_time_ns.saturating_sub(self.cpu_time_ns);
        if self.uuid == earlier.uuid {
            return fell_by_ns <= STEP_BACK_NS;
        }
        fell_by_ns == 0 && (self.is_marked_by_xenopsd() || self.is_older_than(earlier.stamp))
    }

    /// Returns whether it was created before `since`: its vCPUs cannot have run for so long since
    /// then.
    fn is_older_than(&self, since: Stamp) -> bool {
        let read = self.stamp;
        let end = read.at_ns.saturating_add(read.uncertainty_ns);
        let start = since.at_ns.saturating_sub(since.uncertainty_ns);
        let passed = end.saturating_sub(start);
        let passed = passed.saturating_add(passed.div_ceil(SLOW_CLOCK));
        self.cpu_time_ns > passed.saturating_mul(u64::from(self.vcpus_max))
    }
}

fn xenopsds_mark(domain: DomId) -> Uuid {
    Uuid::from_u128(XENOPSDS_MARK | u128::from(domain.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{SECOND, domain};

    /// Returns domain 26 with this handle, as read at `at_ns`.
    fn read(uuid: Uuid, at_ns: u64, cpu_time_ns: u64) -> Domain {
        let mut read = domain(26, "web", at_ns, cpu_time_ns);
        read.uuid = uuid;
        read
    }

    /// Returns the identity of domain 26 in each of a series of samples, by its UUID.
    fn identities<const N: usize>(mut reads: [Domain; N]) -> [Uuid; N] {
        for at in 1..N {
            let (earlier, later) = reads.split_at_mut(at);
            keep_identities(&mut later[..1], &earlier[at - 1..]);
        }
        reads.map(|read| read.identity().uuid)
    }

    const OWN: Uuid = Uuid::from_u128(7);
    const OTHER: Uuid = Uuid::from_u128(8);

    #[test]
    fn the_mark_has_the_id_in_hexadecimal_digits() {
        let mark = xenopsds_mark(DomId(26)).to_string();
        assert_eq!(mark, "deadbeef-dead-beef-dead-beef0000001a");
    }

    #[test]
    fn a_marked_domain_keeps_its_identity() {
        let mark = xenopsds_mark(DomId(26));
        let own = read(OWN, SECOND, 5);
        let marked = [2, 3].map(|second| read(mark, second * SECOND, 5));
        let [second, third] = marked.clone();
        assert_eq!(identities([own.clone(), second, third]), [OWN; 3]);
        // The mark of another domain is a handle like any other.
        let other = xenopsds_mark(DomId(27));
        assert_eq!(identities([own, read(other, 2 * SECOND, 5)]), [OWN, other]);
        // A domain that was marked when it was first seen has no other identity.
        assert_eq!(identities(marked), [mark; 2]);
    }

    #[test]
    fn a_reused_id_is_another_domain() {
        // Empty domains have used no CPU time.
        let empty = [read(OWN, SECOND, 0), read(OTHER, 2 * SECOND, 0)];
        assert_eq!(identities(empty), [OWN, OTHER]);
        // Its CPU time is less than before.
        let mark = xenopsds_mark(DomId(26));
        let [own, marked] = [
            read(OWN, SECOND, 9_000_000),
            read(mark, 2 * SECOND, 9_000_000),
        ];
        let new = read(mark, 3 * SECOND, 7_000_000);
        assert_eq!(
            identities([own.clone(), marked.clone(), new]),
            [OWN, OWN, mark]
        );
        // It may step back by a little.
        let same = read(mark, 3 * SECOND, 8_500_000);
        assert_eq!(identities([own, marked, same]), [OWN; 3]);
    }

    #[test]
    fn a_handle_may_change_more_than_once() {
        let hour = 3600 * SECOND;
        let mut second = 0;
        let reads = [OWN, OTHER, OTHER, OWN, OTHER].map(|uuid| {
            second += 1;
            read(uuid, second * SECOND, hour)
        });
        assert_eq!(identities(reads), [OWN; 5]);
    }

    #[test]
    fn each_domain_keeps_its_own_identity() {
        let hour = 3600 * SECOND;
        let at = |second: u64, ids: &[u16]| -> Vec<Domain> {
            let domains = ids.iter().map(|&id| domain(id, "", second * SECOND, hour));
            domains.collect()
        };
        let earlier = at(1, &[0, 3, 5, 9]);
        let mut domains = at(2, &[0, 4, 5, 9]);
        for domain in &mut domains {
            domain.uuid = OTHER;
        }
        keep_identities(&mut domains, &earlier);
        let kept = domains
            .iter()
            .map(|domain| domain.identity() != earlier[0].identity());
        assert_eq!(kept.collect::<Vec<_>>(), [false, true, true, true]);
        assert_eq!(domains[1].first_uuid, None);
        assert_eq!(domains[2].identity(), earlier[2].identity());
        assert_eq!(domains[3].identity(), earlier[3].identity());
    }

    proptest! {
        /// A domain that may have been created since the earlier sample is never taken for the earlier
        /// one, and one that has used more CPU time than that is never taken for another.
        #[test]
        fn only_a_proof_joins_two_handles(
            earlier_cpu_ns in 0..100 * SECOND,
            passed_ns in 0..20 * SECOND,
            uncertainty_ns in 0..SECOND,
            vcpus in 0..9_u32,
            created_part in 0.0..1.0,
            busy_part in 0.0..1.0,
            more_ns in 0..100 * SECOND,
        ) {
            let (from, to) = (200 * SECOND, 200 * SECOND + passed_ns);
            let at = |at_ns, uuid, cpu_time_ns| Domain {
                vcpus_max: vcpus,
                stamp: Stamp { at_ns, uncertainty_ns },
                ..read(uuid, at_ns, cpu_time_ns)
            };
            let earlier = at(from, OWN, earlier_cpu_ns);
            // The most that passed between the two readings, by a clock of Xen that runs faster.
            let bracket = (passed_ns + 2 * uncertainty_ns) as f64 * 1.0005;
            let used = bracket * (1.0 - created_part) * busy_part * f64::from(vcpus);
            prop_assert!(!at(to, OTHER, used as u64).is_same_as(&earlier));
            let limit = (bracket * 1.001 + 2.0) as u64 * u64::from(vcpus);
            let grown = earlier_cpu_ns.max(limit + 1) + more_ns;
            prop_assert!(at(to, OTHER, grown).is_same_as(&earlier));
            prop_assert!(at(to, xenopsds_mark(earlier.id), earlier_cpu_ns).is_same_as(&earlier));
        }
    }
}
