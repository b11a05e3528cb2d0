//! Which domain runs on each pCPU, and for how long, for those who wait for it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::record::IDLE;
use crate::snapshot::DomId;

/// Who has a pCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Occupant {
    /// Whoever had this pCPU before its first record says so.
    Before(u32),
    /// A domain; [`IDLE`] if nobody runs.
    Domain(DomId),
}

/// The place of an occupant in [`Pcpus::occupants`] and in sums.
type Place = usize;

/// For whom a vCPU waited, by places, in nanoseconds of its ready time. Each moment is split evenly over its set of
/// pCPUs. Empty if it never waited.
#[derive(Debug, Default)]
pub(super) struct WaitedFor(Vec<f64>);

/// A set of pCPUs that some vCPU may run on; a key of [`Pcpus::sets`].
pub(super) type SetIndex = usize;

/// A time in which a pCPU had one occupant.
#[derive(Clone, Copy, Debug)]
struct Stint {
    occupant: Place,
    from_ns: u64,
    to_ns: u64,
}

#[derive(Debug)]
struct Pcpu {
    /// `None` if records were lost, or if the pCPU switches from one vCPU to another.
    occupant: Option<Place>,
    since_ns: u64,
    /// The sets that it is in.
    sets: Vec<SetIndex>,
    /// Who had it before its first record; `None` if that is unknown.
    before: Option<DomId>,
}

#[derive(Debug)]
struct Set {
    pcpus: Vec<u32>,
    /// How many vCPUs may run on these pCPUs and no others.
    vcpus: usize,
    /// The stints on these pCPUs that have ended, in the order of their ends.
    ended: VecDeque<Stint>,
}

/// How many stints of a set are kept.
const STINTS: usize = 1 << 14;

/// Who had the pCPUs of each set.
///
/// A wait that ends looks at the stints that ended within it, and at who has the pCPUs now. So its cost depends on how
/// much happened meanwhile on the pCPUs that it waited for, and not on how many domains there are.
#[derive(Debug, Default)]
pub(super) struct Pcpus {
    pcpus: BTreeMap<u32, Pcpu>,
    sets: BTreeMap<SetIndex, Set>,
    indices: HashMap<Vec<u32>, SetIndex>,
    next: SetIndex,
    is_full: bool,
    /// `None` at a place that is free.
    occupants: Vec<Option<Occupant>>,
    places: HashMap<Occupant, Place>,
    free: Vec<Place>,
}

impl Pcpus {
    /// Returns the set of these pCPUs for one more vCPU that may run on them. In a new set, stints are known that end
    /// from now on.
    pub(super) fn join(&mut self, pcpus: &[u32]) -> SetIndex {
        if let Some(index) = self.indices.get(pcpus).copied() {
            if let Some(set) = self.sets.get_mut(&index) {
                set.vcpus += 1;
            }
            return index;
        }
        let index = self.next;
        self.next += 1;
        for &pcpu in pcpus {
            self.pcpu(pcpu).sets.push(index);
        }
        let set = Set {
            pcpus: pcpus.to_vec(),
            vcpus: 1,
            ended: VecDeque::new(),
        };
        self.sets.insert(index, set);
        self.indices.insert(pcpus.to_vec(), index);
        index
    }

    /// Ends what [`Pcpus::join`] began. A set that no vCPU needs costs nothing.
    pub(super) fn part(&mut self, index: SetIndex) {
        let Some(set) = self.sets.get_mut(&index) else {
            return;
        };
        set.vcpus -= 1;
        if set.vcpus > 0 {
            return;
        }
        for pcpu in &set.pcpus {
            if let Some(pcpu) = self.pcpus.get_mut(pcpu) {
                pcpu.sets.retain(|other| *other != index);
            }
        }
        self.indices.remove(&set.pcpus);
        self.sets.remove(&index);
    }

    /// Returns whether these are the pCPUs of a set.
    pub(super) fn is(&self, index: SetIndex, pcpus: &[u32]) -> bool {
        self.indices.get(pcpus) == Some(&index)
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
        self.occupy(pcpu, Some(Occupant::Domain(domain)), now_ns);
    }

    /// A vCPU of this domain ran on the pCPU until now.
    pub(super) fn leave(&mut self, pcpu: u32, domain: DomId, now_ns: u64) {
        if self.is_unseen(pcpu) {
            self.pcpu(pcpu).before = Some(domain);
        }
        self.occupy(pcpu, None, now_ns);
    }

    /// Nobody knows who runs on the pCPU from now on.
    pub(super) fn lose(&mut self, pcpu: u32, now_ns: u64) {
        self.occupy(pcpu, None, now_ns);
    }

    /// Adds who had the pCPUs of a set in a wait until now.
    pub(super) fn charge(
        &self,
        index: SetIndex,
        (from_ns, now_ns): (u64, u64),
        waited_for: &mut WaitedFor,
    ) {
        let Some(set) = self.sets.get(&index) else {
            return;
        };
        let pcpus = set.pcpus.len() as f64;
        let mut add = |stint: Stint| {
            let ns = stint.to_ns.saturating_sub(stint.from_ns.max(from_ns));
            if ns > 0 {
                waited_for.add(stint.occupant, ns as f64 / pcpus);
            }
        };
        let ended = set.ended.iter().rev();
        ended
            .take_while(|stint| stint.to_ns > from_ns)
            .for_each(|stint| add(*stint));
        for pcpu in set.pcpus.iter().filter_map(|pcpu| self.pcpus.get(pcpu)) {
            if let Some(stint) = pcpu.stint(now_ns) {
                add(stint);
            }
        }
    }

    /// Returns whether there are so many stints that the waits should be charged up to now, and the stints forgotten.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Forgets the stints that have ended. For whom a wait was that began before is unknown for that time.
    pub(super) fn forget_stints(&mut self) {
        self.is_full = false;
        for set in self.sets.values_mut() {
            set.ended.clear();
        }
    }

    /// Returns for which domains a vCPU waited, [`IDLE`] if nobody ran. What is unknown is left out.
    pub(super) fn domains(&self, waited_for: &WaitedFor) -> BTreeMap<DomId, u64> {
        let mut domains = BTreeMap::<DomId, f64>::new();
        for (occupant, &ns) in self.occupants.iter().zip(&waited_for.0) {
            let domain = match occupant {
                Some(Occupant::Before(pcpu)) => self.pcpus.get(pcpu).and_then(|pcpu| pcpu.before),
                Some(Occupant::Domain(domain)) => Some(*domain),
                None => None,
            };
            if let Some(domain) = domain.filter(|_| ns > 0.0) {
                *domains.entry(domain).or_default() += ns;
            }
        }
        let whole = |(domain, ns): (DomId, f64)| (domain, ns.round() as u64);
        domains.into_iter().map(whole).collect()
    }

    /// Returns the domains that have a place.
    pub(super) fn known(&self) -> impl Iterator<Item = DomId> + '_ {
        let occupants = self.occupants.iter().flatten();
        occupants.filter_map(|occupant| match occupant {
            Occupant::Domain(domain) if *domain != IDLE => Some(*domain),
            _ => None,
        })
    }

    /// Frees the places of these domains, unless they have a pCPU, and returns them. Only without stints, and what was
    /// summed at the places has to be cleared.
    pub(super) fn free(&mut self, domains: &BTreeSet<DomId>) -> Vec<Place> {
        let taken = |place: Place| self.pcpus.values().any(|pcpu| pcpu.occupant == Some(place));
        let places = domains
            .iter()
            .filter_map(|domain| self.places.get(&Occupant::Domain(*domain)));
        let freed: Vec<Place> = places.copied().filter(|&place| !taken(place)).collect();
        for &place in &freed {
            if let Some(occupant) = self.occupants[place].take() {
                self.places.remove(&occupant);
            }
        }
        self.free.extend(&freed);
        freed
    }

    fn is_unseen(&mut self, pcpu: u32) -> bool {
        let occupant = self.pcpu(pcpu).occupant;
        occupant.is_some_and(|place| self.occupants[place] == Some(Occupant::Before(pcpu)))
    }

    /// Returns the place of an occupant.
    fn place(&mut self, occupant: Occupant) -> Place {
        if let Some(&place) = self.places.get(&occupant) {
            return place;
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.occupants.push(None);
            self.occupants.len() - 1
        });
        self.occupants[place] = Some(occupant);
        self.places.insert(occupant, place);
        place
    }

    fn occupy(&mut self, id: u32, occupant: Option<Occupant>, now_ns: u64) {
        let occupant = occupant.map(|occupant| self.place(occupant));
        let pcpu = self.pcpu(id);
        if pcpu.occupant == occupant {
            return;
        }
        let ended = pcpu.stint(now_ns);
        (pcpu.occupant, pcpu.since_ns) = (occupant, now_ns);
        let (Some(ended), Some(pcpu)) = (ended, self.pcpus.get(&id)) else {
            return;
        };
        for set in &pcpu.sets {
            if let Some(set) = self.sets.get_mut(set) {
                set.ended.push_back(ended);
                self.is_full |= set.ended.len() >= STINTS;
            }
        }
    }

    fn pcpu(&mut self, pcpu: u32) -> &mut Pcpu {
        let unseen = match self.pcpus.contains_key(&pcpu) {
            true => None,
            false => Some(self.place(Occupant::Before(pcpu))),
        };
        self.pcpus.entry(pcpu).or_insert_with(|| Pcpu {
            occupant: unseen,
            since_ns: 0,
            sets: Vec::new(),
            // Whoever runs there without a record was seen by a hypercall.
            before: Some(IDLE),
        })
    }
}

impl Pcpu {
    /// Returns how long the occupant that it has now has had it; `None` if that is unknown.
    fn stint(&self, now_ns: u64) -> Option<Stint> {
        Some(Stint {
            occupant: self.occupant?,
            from_ns: self.since_ns,
            to_ns: now_ns,
        })
    }
}

impl WaitedFor {
    fn add(&mut self, place: Place, ns: f64) {
        if self.0.len() <= place {
            self.0.resize(place + 1, 0.0);
        }
        self.0[place] += ns;
    }

    /// Forgets what was summed at these places.
    pub(super) fn clear(&mut self, places: &[Place]) {
        for &place in places {
            if let Some(sum) = self.0.get_mut(place) {
                *sum = 0.0;
            }
        }
    }
}
