//! The state of each vCPU over time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::merge::Merge;
use super::pcpus::{Pcpus, SetIndex, WaitedFor};
use super::record::{IDLE, Record, VcpuId, What};
use super::times::Times;
use crate::snapshot::{DomId, VcpuState};

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
    /// When the interval began, in nanoseconds of the TSC.
    pub begin_ns: u64,
    /// Nanoseconds of the interval.
    pub interval_ns: u64,
    /// How many records were used.
    pub records: u64,
    /// How many records contradict the one before, which happens if the pCPUs' clocks differ.
    pub contradictions: u64,
    /// The pCPUs that lost records, and for how many nanoseconds each.
    pub lost_ns: BTreeMap<u32, u64>,
    /// Nanoseconds that vCPUs ran, the idle ones too, summed over the vCPUs.
    pub running_ns: u64,
    /// Nanoseconds that vCPUs were ready, summed over the vCPUs; too few if records were lost.
    pub ready_ns: u64,
    /// The most vCPUs that were ready at a time; `None` if records were lost.
    pub most_ready: Option<u32>,
    /// The last second of the vCPU that was watched, or a little more; empty if none was.
    pub timeline: Vec<Stretch>,
    /// Each vCPU that was expected or has a record, the idle ones too.
    pub vcpus: BTreeMap<VcpuId, Times>,
}

/// Nanoseconds of a timeline.
const TIMELINE_NS: u64 = 1_000_000_000;

/// A time in which a vCPU was in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From when on, in nanoseconds of the TSC.
    pub from_ns: u64,
    /// Until when.
    pub to_ns: u64,
    /// The state; `None` if it is unknown.
    pub state: Option<VcpuState>,
}

/// Follows the states of all vCPUs.
#[derive(Debug)]
pub struct Runstates {
    expected: Vec<Expected>,
    watched: Option<VcpuId>,
    merge: Merge,
    /// The pCPUs that run and write no records.
    blind: BTreeSet<u32>,
    /// `None` until the interval has begun.
    follow: Option<Follow>,
}

impl Runstates {
    /// Begins with these vCPUs.
    pub fn new(expected: Vec<Expected>) -> Self {
        Self {
            expected,
            watched: None,
            merge: Merge::default(),
            blind: BTreeSet::new(),
            follow: None,
        }
    }

    /// Keeps the last second of this vCPU, see [`Traced::timeline`].
    pub fn watching(mut self, vcpu: VcpuId) -> Self {
        self.watched = Some(vcpu);
        self
    }

    /// Adds the records of one reading of all buffers, those of a pCPU in the order in which it wrote them. The
    /// interval begins with the newest record of the first reading that has any.
    pub fn add(&mut self, records: Vec<Record>) {
        let ready = self.merge.add(records);
        let Some(until_ns) = self.merge.complete_until_ns() else {
            return;
        };
        let follow = self.follow.get_or_insert_with(|| {
            let mut follow = Follow::new(until_ns, &self.expected, self.watched);
            self.blind.iter().for_each(|pcpu| follow.lose(*pcpu));
            follow
        });
        for record in ready {
            follow.apply(record);
        }
        follow.advance(until_ns);
    }

    /// Says what hypercalls know of vCPUs that may have appeared, or may run elsewhere, since the interval began.
    pub fn expect(&mut self, expected: Vec<Expected>) {
        match &mut self.follow {
            Some(follow) => expected.into_iter().for_each(|one| follow.expect(&one)),
            None => self.expected.extend(expected),
        }
    }

    /// Says which pCPUs run and write no records. What vCPUs do is unknown as long as there is one.
    pub fn blind(&mut self, pcpus: BTreeSet<u32>) {
        let before = std::mem::replace(&mut self.blind, pcpus);
        if let Some(follow) = &mut self.follow {
            let new = self.blind.difference(&before);
            new.for_each(|pcpu| follow.lose(*pcpu));
            let gone = before.difference(&self.blind);
            gone.for_each(|pcpu| follow.complete(*pcpu));
        }
    }

    /// Forgets the vCPUs of domains that are gone.
    pub fn forget(&mut self, is_gone: impl Fn(DomId) -> bool) {
        self.expected
            .retain(|one| one.vcpu.is_idle() || !is_gone(one.vcpu.domain));
        if let Some(follow) = &mut self.follow {
            follow.forget(is_gone);
        }
    }

    /// Returns the figures since the interval began, up to the newest record of the reading before the last one;
    /// `None` if there were no records. The longest waits, and the most vCPUs that were ready at a time, are those
    /// since the last call.
    pub fn so_far(&mut self) -> Option<Traced> {
        Some(self.follow.as_mut()?.so_far())
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
    /// For whom it waited.
    waited_for: WaitedFor,
    /// Nanoseconds of the wait that has not ended.
    wait_ns: u64,
    times: Times,
    /// Its last second, if that is kept.
    last: Option<VecDeque<Stretch>>,
}

#[derive(Debug)]
struct Follow {
    begin_ns: u64,
    now_ns: u64,
    vcpus: BTreeMap<VcpuId, Vcpu>,
    pcpus: Pcpus,
    /// The domains that are gone and have a place among the occupants, and those that were the last time as well.
    gone: BTreeSet<DomId>,
    long_gone: BTreeSet<DomId>,
    /// The pCPUs that lose records, and since when.
    losing: BTreeMap<u32, u64>,
    /// The vCPU whose last second is kept.
    watched: Option<VcpuId>,
    /// How many vCPUs are known to be ready.
    ready: u32,
    /// The most of them at a time since the figures were last asked for; `None` if records were lost since then.
    most_ready: Option<u32>,
    traced: Traced,
}

impl Follow {
    fn new(begin_ns: u64, expected: &[Expected], watched: Option<VcpuId>) -> Self {
        let mut follow = Self {
            begin_ns,
            now_ns: begin_ns,
            vcpus: BTreeMap::new(),
            pcpus: Pcpus::default(),
            gone: BTreeSet::new(),
            long_gone: BTreeSet::new(),
            losing: BTreeMap::new(),
            watched,
            ready: 0,
            most_ready: Some(0),
            traced: Traced {
                begin_ns,
                ..Traced::default()
            },
        };
        for one in expected {
            follow.expect(one);
        }
        follow
    }

    /// Takes up a vCPU, or learns where it may run.
    fn expect(&mut self, one: &Expected) {
        let now = self.now_ns;
        let vcpu = self.vcpus.entry(one.vcpu).or_insert_with(|| {
            let pcpu = one.pcpu.filter(|_| one.state == Some(VcpuState::Running));
            if let Some(pcpu) = pcpu {
                self.pcpus.expect(pcpu, one.vcpu.domain);
            }
            let phase = match self.losing.is_empty() {
                true => Phase::Unchanged(one.state),
                false => Phase::Lost,
            };
            let vcpu = Vcpu {
                pcpu,
                ..Vcpu::new(phase, now)
            };
            self.ready += u32::from(vcpu.is_ready(one.vcpu));
            vcpu
        });
        if self.watched == Some(one.vcpu) {
            vcpu.last.get_or_insert_default();
        }
        let is_same = match vcpu.set {
            Some(set) => self.pcpus.is(set, &one.may_run_on),
            None => one.may_run_on.is_empty(),
        };
        if !is_same {
            vcpu.settle(vcpu.state(), now, &self.pcpus);
            if let Some(set) = vcpu.set.take() {
                self.pcpus.part(set);
            }
            if !one.may_run_on.is_empty() {
                vcpu.set = Some(self.pcpus.join(&one.may_run_on));
            }
        }
    }

    fn forget(&mut self, is_gone: impl Fn(DomId) -> bool) {
        self.vcpus.retain(|id, vcpu| {
            let gone = !id.is_idle() && is_gone(id.domain);
            if gone {
                vcpu.settle(vcpu.state(), self.now_ns, &self.pcpus);
                let running_ns = &mut self.traced.running_ns;
                *running_ns = running_ns.saturating_add(vcpu.times.states.running_ns);
            }
            self.ready -= u32::from(gone && vcpu.is_ready(*id));
            if let Some(set) = vcpu.set.filter(|_| gone) {
                self.pcpus.part(set);
            }
            !gone
        });
        // Who waited for a domain that is gone shows so once more.
        let gone = self
            .pcpus
            .known()
            .filter(|domain| is_gone(*domain))
            .collect();
        let before = std::mem::replace(&mut self.gone, gone);
        self.long_gone = &before & &self.gone;
    }

    /// Charges the waits until now, and forgets who had the pCPUs before.
    fn charge(&mut self) {
        for (id, vcpu) in &mut self.vcpus {
            if vcpu.is_ready(*id) {
                vcpu.settle(vcpu.state(), self.now_ns, &self.pcpus);
            }
        }
        self.pcpus.forget_stints();
    }

    /// Time never goes back, so an older record takes effect now.
    fn advance(&mut self, at_ns: u64) {
        if at_ns > self.now_ns {
            // What lasted for no time is one half of a switch.
            self.most_ready = self.most_ready.map(|most| most.max(self.ready));
            let ready_ns = u64::from(self.ready).saturating_mul(at_ns - self.now_ns);
            self.traced.ready_ns = self.traced.ready_ns.saturating_add(ready_ns);
            self.now_ns = at_ns;
        }
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
        (self.ready, self.most_ready) = (0, None);
        for vcpu in self.vcpus.values_mut() {
            let runs_elsewhere =
                vcpu.state() == Some(VcpuState::Running) && vcpu.pcpu.is_some_and(|on| on != pcpu);
            if !runs_elsewhere && vcpu.phase != Phase::Lost {
                vcpu.settle(vcpu.state(), now, &self.pcpus);
                vcpu.enter(Phase::Lost);
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
                vcpu.settle(None, now, &self.pcpus);
                vcpu.enter(Phase::Unchanged(None));
            }
        }
    }

    /// Applies a change that this pCPU wrote.
    fn change(&mut self, pcpu: u32, id: VcpuId, (old, new): (VcpuState, VcpuState), counts: bool) {
        use VcpuState::Running;
        let now = self.now_ns;
        if (old == Running || new == Running) && !id.is_idle() {
            self.is_not_idle(pcpu);
        }
        let was_ready = self.vcpus.get(&id).is_some_and(|vcpu| vcpu.is_ready(id));
        let vcpu = self.vcpus.entry(id);
        let vcpu = vcpu.or_insert_with(|| Vcpu::new(Phase::Known(old), now));
        if self.watched == Some(id) {
            vcpu.last.get_or_insert_default();
        }
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
        vcpu.settle(was, now, &self.pcpus);
        if new == Running && old != Running && counts {
            vcpu.times.states.schedules += 1;
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
        vcpu.enter(phase);
        let is_ready = vcpu.is_ready(id);
        self.ready = self.ready + u32::from(is_ready) - u32::from(was_ready);
        if self.pcpus.is_full() {
            self.charge();
        }
    }

    /// Another vCPU has this pCPU, so an idle vCPU without a record never had it: a hypercall took a moment of a switch
    /// for idleness.
    fn is_not_idle(&mut self, pcpu: u32) {
        let id = VcpuId {
            domain: IDLE,
            number: pcpu,
        };
        if let Some(idle) = self.vcpus.get_mut(&id)
            && idle.phase == Phase::Unchanged(Some(VcpuState::Running))
        {
            idle.settle(Some(VcpuState::Runnable), self.now_ns, &self.pcpus);
            idle.enter(Phase::Known(VcpuState::Runnable));
        }
    }

    fn so_far(&mut self) -> Traced {
        let now = self.now_ns;
        let mut traced = self.traced.clone();
        for (pcpu, since) in &self.losing {
            *traced.lost_ns.entry(*pcpu).or_default() += now - since;
        }
        for (&id, vcpu) in &mut self.vcpus {
            vcpu.settle(vcpu.state(), now, &self.pcpus);
            traced.timeline.extend(vcpu.last.iter().flatten().copied());
            let times = vcpu.so_far(&self.pcpus);
            traced.running_ns = traced.running_ns.saturating_add(times.states.running_ns);
            traced.vcpus.insert(id, times);
        }
        self.pcpus.forget_stints();
        let freed = self.pcpus.free(&std::mem::take(&mut self.long_gone));
        if !freed.is_empty() {
            self.vcpus
                .values_mut()
                .for_each(|vcpu| vcpu.waited_for.clear(&freed));
        }
        traced.interval_ns = now - self.begin_ns;
        let next = self.losing.is_empty().then_some(0);
        traced.most_ready = std::mem::replace(&mut self.most_ready, next);
        traced
    }
}

impl Vcpu {
    fn new(phase: Phase, since_ns: u64) -> Self {
        Self {
            phase,
            since_ns,
            pcpu: None,
            set: None,
            waited_for: WaitedFor::default(),
            wait_ns: 0,
            times: Times::default(),
            last: None,
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

    /// Returns whether it waits for a pCPU. An idle vCPU waits for nobody.
    fn is_ready(&self, id: VcpuId) -> bool {
        self.state() == Some(VcpuState::Runnable) && !id.is_idle()
    }

    /// Adds the time until now, in which it was in this state.
    fn settle(&mut self, state: Option<VcpuState>, now_ns: u64, pcpus: &Pcpus) {
        let passed = now_ns - self.since_ns;
        self.since_ns = now_ns;
        if passed == 0 {
            return;
        }
        self.times.add(state, passed);
        if let Some(last) = &mut self.last {
            last.push_back(Stretch {
                from_ns: now_ns - passed,
                to_ns: now_ns,
                state,
            });
            while last
                .front()
                .is_some_and(|first| first.to_ns.saturating_add(TIMELINE_NS) < now_ns)
            {
                last.pop_front();
            }
        }
        match state {
            Some(VcpuState::Running) => self.times.ran_on.extend(self.pcpu),
            Some(VcpuState::Runnable) => {
                self.wait_ns += passed;
                if let Some(set) = self.set {
                    pcpus.charge(set, (now_ns - passed, now_ns), &mut self.waited_for);
                }
            }
            _ => {}
        }
    }

    /// Returns its figures, and begins to look for the longest wait anew.
    fn so_far(&mut self, pcpus: &Pcpus) -> Times {
        let mut times = self.times.clone();
        if self.wait_ns > 0 {
            times.add_wait(self.wait_ns);
        }
        times.waited_for_ns = pcpus.domains(&self.waited_for);
        self.times.states.longest_wait_ns = 0;
        times
    }

    /// Enters a phase now, after the time before was added.
    fn enter(&mut self, phase: Phase) {
        let wait_ns = std::mem::take(&mut self.wait_ns);
        if wait_ns > 0 {
            self.times.add_wait(wait_ns);
        }
        self.phase = phase;
    }
}
