//! The state of each vCPU over time.

use std::collections::BTreeMap;

use super::merge::Merge;
use super::pcpus::{ByOccupant, Pcpus, SetIndex};
use super::record::{Record, VcpuId, What};
use super::times::Times;
use crate::snapshot::VcpuState;

/// What is known of a vCPU without its records, from hypercalls after tracing began.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The vCPU.
    pub vcpu: VcpuId,
    /// Its state, which holds as long as it has no record; `None` if it is unknown.
    pub state: Option<VcpuState>,
    /// The pCPU that it is on if it runs.
    pub pcpu: Option<u32>,
    /// The pCPUs that it may run on, of its CPU pool and hard affinity, in ascending order; empty if that is unknown.
    pub may_run_on: Vec<u32>,
}

/// The figures of all vCPUs within an interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// Nanoseconds of the interval.
    pub interval_ns: u64,
    /// How many records were used.
    pub records: u64,
    /// How many records contradict the one before, which happens if the pCPUs' clocks differ.
    pub contradictions: u64,
    /// The pCPUs that lost records, and for how many nanoseconds each.
    pub lost_ns: BTreeMap<u32, u64>,
    /// Each vCPU that was expected or has a record, the idle ones too.
    pub vcpus: BTreeMap<VcpuId, Times>,
}

/// Follows the states of all vCPUs.
#[derive(Debug)]
pub struct Runstates {
    expected: Vec<Expected>,
    merge: Merge,
    /// `None` until the interval has begun.
    follow: Option<Follow>,
}

impl Runstates {
    /// Begins with these vCPUs.
    pub fn new(expected: Vec<Expected>) -> Self {
        Self {
            expected,
            merge: Merge::default(),
            follow: None,
        }
    }

    /// Adds the records of one reading of all buffers, those of a pCPU in the order in which it wrote them. The
    /// interval begins with the newest record of the first reading that has any.
    pub fn add(&mut self, records: Vec<Record>) {
        let ready = self.merge.add(records);
        let Some(until_ns) = self.merge.complete_until_ns() else {
            return;
        };
        let expected = &self.expected;
        let follow = self
            .follow
            .get_or_insert_with(|| Follow::new(until_ns, expected));
        for record in ready {
            follow.apply(record);
        }
        follow.advance(until_ns);
    }

    /// Returns the figures up to the newest record of the reading before the last one; `None` if there were no
    /// records.
    pub fn finish(self) -> Option<Traced> {
        Some(self.follow?.finish())
    }
}

/// What is known of the state of a vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is in this state.
    Known(VcpuState),
    /// It has not changed. The next record says what it was; without one it is this, if that is known.
    Unchanged(Option<VcpuState>),
    /// Its changes may have been lost.
    Lost,
}

#[derive(Debug)]
struct Vcpu {
    phase: Phase,
    since_ns: u64,
    /// The pCPU that it is on, or was on last.
    pcpu: Option<u32>,
    set: Option<SetIndex>,
    /// The times of its set since when it may wait.
    set_times: ByOccupant,
    /// For whom it waited.
    waited_for: ByOccupant,
    times: Times,
}

#[derive(Debug)]
struct Follow {
    begin_ns: u64,
    now_ns: u64,
    vcpus: BTreeMap<VcpuId, Vcpu>,
    pcpus: Pcpus,
    /// The pCPUs that lose records, and since when.
    losing: BTreeMap<u32, u64>,
    traced: Traced,
}

impl Follow {
    fn new(begin_ns: u64, expected: &[Expected]) -> Self {
        let mut pcpus = Pcpus::new(begin_ns);
        let mut vcpus = BTreeMap::new();
        for one in expected {
            let may_run = !one.may_run_on.is_empty();
            let set = may_run.then(|| pcpus.set(&one.may_run_on));
            let pcpu = one.pcpu.filter(|_| one.state == Some(VcpuState::Running));
            if let Some(pcpu) = pcpu {
                pcpus.expect(pcpu, one.vcpu.domain);
            }
            let vcpu = Vcpu {
                pcpu,
                set,
                ..Vcpu::new(Phase::Unchanged(one.state), begin_ns)
            };
            vcpus.insert(one.vcpu, vcpu);
        }
        Self {
            begin_ns,
            now_ns: begin_ns,
            vcpus,
            pcpus,
            losing: BTreeMap::new(),
            traced: Traced::default(),
        }
    }

    /// Time never goes back, so an older record takes effect now.
    fn advance(&mut self, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
    }

    fn apply(&mut self, record: Record) {
        self.advance(record.at_ns);
        match record.what {
            What::Lost => self.lose(record.pcpu),
            What::Complete => self.complete(record.pcpu),
            What::Change { vcpu, old, new } => {
                self.complete(record.pcpu);
                let counts = record.at_ns > self.begin_ns;
                self.traced.records += u64::from(counts);
                self.change(record.pcpu, vcpu, (old, new), counts);
            }
        }
    }

    /// Takes all states as unknown that this pCPU may change: those of all vCPUs but the ones that run elsewhere.
    fn lose(&mut self, pcpu: u32) {
        let now = self.now_ns;
        if self.losing.contains_key(&pcpu) {
            return;
        }
        self.losing.insert(pcpu, now);
        self.pcpus.lose(pcpu, now);
        for vcpu in self.vcpus.values_mut() {
            let runs_elsewhere =
                vcpu.state() == Some(VcpuState::Running) && vcpu.pcpu.is_some_and(|on| on != pcpu);
            if !runs_elsewhere && vcpu.phase != Phase::Lost {
                vcpu.settle(vcpu.state(), now, &mut self.pcpus);
                vcpu.phase = Phase::Lost;
            }
        }
    }

    /// Takes the records of this pCPU as complete from now on.
    fn complete(&mut self, pcpu: u32) {
        let now = self.now_ns;
        let Some(since) = self.losing.remove(&pcpu) else {
            return;
        };
        *self.traced.lost_ns.entry(pcpu).or_default() += now - since;
        if !self.losing.is_empty() {
            return;
        }
        for vcpu in self.vcpus.values_mut() {
            if vcpu.phase == Phase::Lost {
                vcpu.settle(None, now, &mut self.pcpus);
                vcpu.enter(Phase::Unchanged(None), now, &mut self.pcpus);
            }
        }
    }

    /// Applies a change that this pCPU wrote.
    fn change(&mut self, pcpu: u32, id: VcpuId, (old, new): (VcpuState, VcpuState), counts: bool) {
        use VcpuState::Running;
        let now = self.now_ns;
        let vcpu = self.vcpus.entry(id);
        let vcpu = vcpu.or_insert_with(|| Vcpu::new(Phase::Known(old), now));
        if old == Running {
            vcpu.pcpu = Some(pcpu);
        }
        let was = match vcpu.phase {
            Phase::Known(state) if state != old => {
                self.traced.contradictions += 1;
                None
            }
            Phase::Known(_) | Phase::Unchanged(_) => Some(old),
            Phase::Lost => None,
        };
        vcpu.settle(was, now, &mut self.pcpus);
        if new == Running && old != Running && counts {
            vcpu.times.schedules += 1;
            vcpu.times.moves += u64::from(vcpu.pcpu.is_some_and(|before| before != pcpu));
        }
        if new == Running {
            vcpu.pcpu = Some(pcpu);
        }
        // A vCPU that runs changes its state only on its own pCPU, whose records are complete.
        let phase = match self.losing.is_empty() || new == Running {
            true => Phase::Known(new),
            false => Phase::Lost,
        };
        if old == Running {
            self.pcpus.leave(pcpu, id.domain, now);
        }
        if new == Running {
            self.pcpus.enter(pcpu, id.domain, now);
        }
        vcpu.enter(phase, now, &mut self.pcpus);
    }

    fn finish(mut self) -> Traced {
        let now = self.now_ns;
        for (pcpu, since) in std::mem::take(&mut self.losing) {
            *self.traced.lost_ns.entry(pcpu).or_default() += now - since;
        }
        for (id, mut vcpu) in std::mem::take(&mut self.vcpus) {
            vcpu.settle(vcpu.state(), now, &mut self.pcpus);
            if let Some(set) = vcpu.set {
                let size = self.pcpus.size(set) as u128;
                let domains = self.pcpus.domains(&vcpu.waited_for);
                // No share is longer than the interval.
                let shares = domains
                    .into_iter()
                    .map(|(domain, ns)| (domain, u64::try_from(ns / size).unwrap_or(u64::MAX)));
                vcpu.times.waited_for_ns = shares.collect();
            }
            self.traced.vcpus.insert(id, vcpu.times);
        }
        self.traced.interval_ns = now - self.begin_ns;
        self.traced
    }
}

impl Vcpu {
    fn new(phase: Phase, since_ns: u64) -> Self {
        Self {
            phase,
            since_ns,
            pcpu: None,
            set: None,
            set_times: ByOccupant::new(),
            waited_for: ByOccupant::new(),
            times: Times::default(),
        }
    }

    /// Returns its state if it is known without another record.
    fn state(&self) -> Option<VcpuState> {
        match self.phase {
            Phase::Known(state) => Some(state),
            Phase::Unchanged(state) => state,
            Phase::Lost => None,
        }
    }

    /// Adds the time until now, in which it was in this state.
    fn settle(&mut self, state: Option<VcpuState>, now_ns: u64, pcpus: &mut Pcpus) {
        let passed = now_ns - self.since_ns;
        self.since_ns = now_ns;
        if passed == 0 {
            return;
        }
        self.times.add(state, passed);
        match state {
            Some(VcpuState::Running) => self.times.ran_on.extend(self.pcpu),
            Some(VcpuState::Runnable) => {
                self.times.waits.add(passed);
                self.charge(now_ns, pcpus);
            }
            _ => {}
        }
    }

    /// Charges a wait that ends now to those who had its pCPUs.
    fn charge(&mut self, now_ns: u64, pcpus: &mut Pcpus) {
        let Some(set) = self.set else { return };
        let times = pcpus.times(set, now_ns);
        if self.waited_for.len() < times.len() {
            self.waited_for.resize(times.len(), 0);
        }
        let before = self.set_times.iter().copied().chain(std::iter::repeat(0));
        for ((sum, time), before) in self.waited_for.iter_mut().zip(times).zip(before) {
            *sum += time - before;
        }
    }

    /// Enters a phase now.
    fn enter(&mut self, phase: Phase, now_ns: u64, pcpus: &mut Pcpus) {
        self.phase = phase;
        let may_wait = matches!(
            phase,
            Phase::Known(VcpuState::Runnable) | Phase::Unchanged(_)
        );
        if let Some(set) = self.set.filter(|_| may_wait) {
            self.set_times.clone_from(pcpus.times(set, now_ns));
        }
    }
}
