//! Which domain runs on each pCPU, and for how long, for those who wait for it.

use std::collections::{BTreeMap, HashMap};

use super::record::IDLE;
use crate::snapshot::DomId;

/// Who has a pCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Occupant {
    /// Records were lost, or the pCPU switches from one vCPU to another.
    Unknown,
    /// Whoever had this pCPU before its first record says so.
    Before(u32),
    /// A domain; [`IDLE`] if nobody runs.
    Domain(DomId),
}

/// A time for each occupant, by its place in [`Pcpus::occupants`], in nanoseconds of a pCPU. Sums over many pCPUs fit,
/// even if a damaged record makes the interval very long.
pub(super) type ByOccupant = Vec<u128>;

/// A set of pCPUs that some vCPU may run on; an index into [`Pcpus::sets`].
pub(super) type SetIndex = usize;

#[derive(Debug)]
struct Pcpu {
    occupant: Occupant,
    since_ns: u64,
    /// The sets that it is in.
    sets: Vec<SetIndex>,
    /// Who had it before its first record; `None` if that is unknown.
    before: Option<DomId>,
}

#[derive(Debug)]
struct Set {
    pcpus: Vec<u32>,
    times: ByOccupant,
}

/// How long each domain has had the pCPUs of each set.
///
/// A vCPU that waits reads the times of its set when its wait begins and ends; the difference is for whom it waited.
/// So the cost of a record does not depend on how many vCPUs wait.
#[derive(Debug)]
pub(super) struct Pcpus {
    begin_ns: u64,
    pcpus: BTreeMap<u32, Pcpu>,
    sets: Vec<Set>,
    indices: HashMap<Vec<u32>, SetIndex>,
    occupants: Vec<Occupant>,
    places: HashMap<Occupant, usize>,
}

impl Pcpus {
    pub(super) fn new(begin_ns: u64) -> Self {
        Self {
            begin_ns,
            pcpus: BTreeMap::new(),
            sets: Vec::new(),
            indices: HashMap::new(),
            occupants: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Returns the set of these pCPUs, which a vCPU may run on. A new set has times from now on.
    pub(super) fn set(&mut self, pcpus: &[u32], now_ns: u64) -> SetIndex {
        if let Some(&index) = self.indices.get(pcpus) {
            return index;
        }
        let index = self.sets.len();
        for &pcpu in pcpus {
            self.settle(pcpu, now_ns);
            self.pcpu(pcpu).sets.push(index);
        }
        self.sets.push(Set {
            pcpus: pcpus.to_vec(),
            times: ByOccupant::new(),
        });
        self.indices.insert(pcpus.to_vec(), index);
        index
    }

    /// Returns how many pCPUs a set has.
    pub(super) fn size(&self, set: SetIndex) -> usize {
        self.sets[set].pcpus.len()
    }

    /// Says who had a pCPU before its first record, by a hypercall.
    pub(super) fn expect(&mut self, pcpu: u32, domain: DomId) {
        self.pcpu(pcpu).before = Some(domain);
    }

    /// A vCPU of this domain runs on the pCPU from now on.
    pub(super) fn enter(&mut self, pcpu: u32, domain: DomId, at_ns: u64) {
        let state = self.pcpu(pcpu);
        if state.occupant == Occupant::Before(pcpu) {
            // Nobody was seen to leave it.
            state.before = None;
        }
        self.occupy(pcpu, Occupant::Domain(domain), at_ns);
    }

    /// A vCPU of this domain ran on the pCPU until now.
    pub(super) fn leave(&mut self, pcpu: u32, domain: DomId, at_ns: u64) {
        let state = self.pcpu(pcpu);
        if state.occupant == Occupant::Before(pcpu) {
            state.before = Some(domain);
        }
        self.occupy(pcpu, Occupant::Unknown, at_ns);
    }

    /// Nobody knows who runs on the pCPU from now on.
    pub(super) fn lose(&mut self, pcpu: u32, at_ns: u64) {
        self.occupy(pcpu, Occupant::Unknown, at_ns);
    }

    /// Returns how long each occupant has had the pCPUs of a set until now.
    pub(super) fn times(&mut self, set: SetIndex, at_ns: u64) -> &ByOccupant {
        for pcpu in self.sets[set].pcpus.clone() {
            self.settle(pcpu, at_ns);
        }
        &self.sets[set].times
    }

    /// Returns the domains of these times, [`IDLE`] if nobody ran. What is unknown is left out.
    pub(super) fn domains(&self, times: &[u128]) -> BTreeMap<DomId, u128> {
        let mut domains = BTreeMap::new();
        for (occupant, &ns) in self.occupants.iter().zip(times) {
            let domain = match occupant {
                Occupant::Unknown => None,
                Occupant::Before(pcpu) => self.pcpus.get(pcpu).and_then(|pcpu| pcpu.before),
                Occupant::Domain(domain) => Some(*domain),
            };
            if let Some(domain) = domain.filter(|_| ns > 0) {
                *domains.entry(domain).or_default() += ns;
            }
        }
        domains
    }

    fn occupy(&mut self, pcpu: u32, occupant: Occupant, at_ns: u64) {
        self.settle(pcpu, at_ns);
        self.pcpu(pcpu).occupant = occupant;
    }

    /// Adds the time until now to the sets of a pCPU.
    fn settle(&mut self, pcpu: u32, at_ns: u64) {
        let state = self.pcpu(pcpu);
        let passed = at_ns.saturating_sub(state.since_ns);
        state.since_ns = at_ns;
        if passed == 0 || state.sets.is_empty() {
            return;
        }
        let (occupant, sets) = (state.occupant, state.sets.clone());
        let place = self.place(occupant);
        for set in sets {
            let times = &mut self.sets[set].times;
            if times.len() <= place {
                times.resize(place + 1, 0);
            }
            times[place] += u128::from(passed);
        }
    }

    fn place(&mut self, occupant: Occupant) -> usize {
        let next = self.occupants.len();
        let place = *self.places.entry(occupant).or_insert(next);
        if place == next {
            self.occupants.push(occupant);
        }
        place
    }

    fn pcpu(&mut self, pcpu: u32) -> &mut Pcpu {
        let since_ns = self.begin_ns;
        self.pcpus.entry(pcpu).or_insert_with(|| Pcpu {
            occupant: Occupant::Before(pcpu),
            since_ns,
            sets: Vec::new(),
            // Whoever runs there without a record was seen by a hypercall.
            before: Some(IDLE),
        })
    }
}
