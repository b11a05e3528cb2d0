//! Which domain runs on each pCPU, and for how long, for those who wait for it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::record::IDLE;
use crate::snapshot::DomId;

/// Who has a pCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Occupant {
    /// Whoever had this pCPU before its first record says so.
    Before(u32),
    /// A domain; [`IDLE`] if nobody runs.
    Domain(DomId),
}

/// For whom a vCPU waited, in nanoseconds of its ready time. Each moment is split evenly over its set of pCPUs.
#[derive(Debug, Default)]
pub(super) struct WaitedFor(BTreeMap<Occupant, f64>);

/// A set of pCPUs that some vCPU may run on; a key of [`Pcpus::sets`].
pub(super) type SetIndex = usize;

/// A time in which a pCPU had one occupant.
#[derive(Clone, Copy, Debug)]
struct Stint {
    occupant: Occupant,
    from_ns: u64,
    to_ns: u64,
}

#[derive(Debug)]
struct Pcpu {
    /// `None` if records were lost, or if the pCPU switches from one vCPU to another.
    occupant: Option<Occupant>,
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
                *waited_for.0.entry(stint.occupant).or_default() += ns as f64 / pcpus;
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
        for (occupant, ns) in &waited_for.0 {
            let domain = match occupant {
                Occupant::Before(pcpu) => self.pcpus.get(pcpu).and_then(|pcpu| pcpu.before),
                Occupant::Domain(domain) => Some(*domain),
            };
            if let Some(domain) = domain {
                *domains.entry(domain).or_default() += ns;
            }
        }
        let whole = |(domain, ns): (DomId, f64)| (domain, ns.round() as u64);
        domains.into_iter().map(whole).collect()
    }

    fn is_unseen(&mut self, pcpu: u32) -> bool {
        self.pcpu(pcpu).occupant == Some(Occupant::Before(pcpu))
    }

    fn occupy(&mut self, id: u32, occupant: Option<Occupant>, now_ns: u64) {
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
        self.pcpus.entry(pcpu).or_insert_with(|| Pcpu {
            occupant: Some(Occupant::Before(pcpu)),
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
    /// Calls this with each domain that is known.
    pub(super) fn each(&self, mut domain: impl FnMut(DomId)) {
        for occupant in self.0.keys() {
            if let Occupant::Domain(id) = occupant {
                domain(*id);
            }
        }
    }

    /// Forgets these domains.
    pub(super) fn forget(&mut self, is_gone: impl Fn(DomId) -> bool) {
        self.0
            .retain(|occupant, _| !matches!(occupant, Occupant::Domain(id) if is_gone(*id)));
    }
}
