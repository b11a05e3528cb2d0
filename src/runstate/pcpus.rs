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

/// The place of an occupant in [`Pcpus::occupants`].
type Place = usize;

/// A time for each occupant, by its place, in nanoseconds of a pCPU.
pub(super) type ByOccupant = Vec<i128>;

/// A set of pCPUs that some vCPU may run on; an index into [`Pcpus::sets`].
pub(super) type SetIndex = usize;

#[derive(Debug)]
struct Pcpu {
    occupant: Place,
    /// The sets that it is in.
    sets: Vec<SetIndex>,
    /// Who had it before its first record; `None` if that is unknown.
    before: Option<DomId>,
}

/// How long an occupant has had the pCPUs of a set: `ended_ns` plus now for each pCPU that it has now.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Nanoseconds until each end, less the time of each begin.
    ended_ns: i128,
    /// How many pCPUs of the set it has now.
    now: i128,
}

#[derive(Debug)]
struct Set {
    pcpus: usize,
    /// By the occupants' places.
    held: Vec<Held>,
}

/// How long each domain has had the pCPUs of each set.
///
/// A vCPU that waits reads the times of its set when its wait begins and ends; the difference is for whom it waited.
/// So the cost of a record depends neither on how many vCPUs wait nor on how many pCPUs there are, only on how many
/// sets a pCPU is in and on how many domains ran.
#[derive(Debug)]
pub(super) struct Pcpus {
    pcpus: BTreeMap<u32, Pcpu>,
    sets: Vec<Set>,
    indices: HashMap<Vec<u32>, SetIndex>,
    occupants: Vec<Occupant>,
    places: HashMap<Occupant, Place>,
}

impl Pcpus {
    pub(super) fn new() -> Self {
        Self {
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
        self.sets.push(Set {
            pcpus: pcpus.len(),
            held: Vec::new(),
        });
        for &pcpu in pcpus {
            let state = self.pcpu(pcpu);
            state.sets.push(index);
            let occupant = state.occupant;
            self.sets[index].begins(occupant, now_ns);
        }
        self.indices.insert(pcpus.to_vec(), index);
        index
    }

    /// Returns how many pCPUs a set has.
    pub(super) fn size(&self, set: SetIndex) -> usize {
        self.sets[set].pcpus
    }

    /// Says who had a pCPU before its first record, by a hypercall.
    pub(super) fn expect(&mut self, pcpu: u32, domain: DomId) {
        self.pcpu(pcpu).before = Some(domain);
    }

    /// A vCPU of this domain runs on the pCPU from now on.
    pub(super) fn enter(&mut self, pcpu: u32, domain: DomId, now_ns: u64) {
        if self.is_unseen(pcpu) {
            // Nobody was seen to leave it.
            self.pcpu(pcpu).before = None;
        }
        self.occupy(pcpu, Occupant::Domain(domain), now_ns);
    }

    /// A vCPU of this domain ran on the pCPU until now.
    pub(super) fn leave(&mut self, pcpu: u32, domain: DomId, now_ns: u64) {
        if self.is_unseen(pcpu) {
            self.pcpu(pcpu).before = Some(domain);
        }
        self.occupy(pcpu, Occupant::Unknown, now_ns);
    }

    /// Nobody knows who runs on the pCPU from now on.
    pub(super) fn lose(&mut self, pcpu: u32, now_ns: u64) {
        self.occupy(pcpu, Occupant::Unknown, now_ns);
    }

    /// Puts into `times` how long each occupant has had the pCPUs of a set until now.
    pub(super) fn times(&self, set: SetIndex, now_ns: u64, times: &mut ByOccupant) {
        times.clear();
        let held = self.sets[set].held.iter();
        times.extend(held.map(|held| held.until(now_ns)));
    }

    /// Adds to `sums` how long each occupant has had the pCPUs of a set since it had them for `before`.
    pub(super) fn charge(
        &self,
        set: SetIndex,
        now_ns: u64,
        before: &ByOccupant,
        sums: &mut ByOccupant,
    ) {
        let held = &self.sets[set].held;
        if sums.len() < held.len() {
            sums.resize(held.len(), 0);
        }
        let before = before.iter().copied().chain(std::iter::repeat(0));
        for ((sum, held), before) in sums.iter_mut().zip(held).zip(before) {
            *sum += held.until(now_ns) - before;
        }
    }

    /// Returns the domains of these times, [`IDLE`] if nobody ran. What is unknown is left out.
    pub(super) fn domains(&self, times: &ByOccupant) -> BTreeMap<DomId, i128> {
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

    fn is_unseen(&mut self, pcpu: u32) -> bool {
        let occupant = self.pcpu(pcpu).occupant;
        self.occupants[occupant] == Occupant::Before(pcpu)
    }

    fn occupy(&mut self, pcpu: u32, occupant: Occupant, now_ns: u64) {
        let new = self.place(occupant);
        let state = self.pcpu(pcpu);
        let old = std::mem::replace(&mut state.occupant, new);
        if old == new {
            return;
        }
        let Some(state) = self.pcpus.get(&pcpu) else {
            return;
        };
        for &set in &state.sets {
            self.sets[set].ends(old, now_ns);
            self.sets[set].begins(new, now_ns);
        }
    }

    fn place(&mut self, occupant: Occupant) -> Place {
        let next = self.occupants.len();
        let place = *self.places.entry(occupant).or_insert(next);
        if place == next {
            self.occupants.push(occupant);
        }
        place
    }

    fn pcpu(&mut self, pcpu: u32) -> &mut Pcpu {
        let unseen = match self.pcpus.contains_key(&pcpu) {
            true => 0,
            false => self.place(Occupant::Before(pcpu)),
        };
        self.pcpus.entry(pcpu).or_insert_with(|| Pcpu {
            occupant: unseen,
            sets: Vec::new(),
            // Whoever runs there without a record was seen by a hypercall.
            before: Some(IDLE),
        })
    }
}

impl Set {
    fn begins(&mut self, occupant: Place, now_ns: u64) {
        if self.held.len() <= occupant {
            self.held.resize(occupant + 1, Held::default());
        }
        let held = &mut self.held[occupant];
        held.ended_ns -= i128::from(now_ns);
        held.now += 1;
    }

    fn ends(&mut self, occupant: Place, now_ns: u64) {
        let held = &mut self.held[occupant];
        held.ended_ns += i128::from(now_ns);
        held.now -= 1;
    }
}

impl Held {
    fn until(self, now_ns: u64) -> i128 {
        self.ended_ns + self.now * i128::from(now_ns)
    }
}
