//! The records of a trace buffer, as Xen writes them (xen/trace.h). Pure: no I/O.

use crate::runstate::{Record, VcpuId, What};
use crate::snapshot::{DomId, VcpuState};
use crate::xen::binding::*;

/// The bit of a record's first word that says that the TSC follows, in two words.
const HAS_TSC: u32 = 1 << 31;

/// Nanoseconds by the TSC, from its rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    khz: u32,
}

impl Clock {
    /// Makes a clock of this rate; `None` if Xen does not know the rate.
    pub(super) fn new(khz: u32) -> Option<Self> {
        (khz > 0).then_some(Self { khz })
    }

    fn ns(self, tsc: u64) -> u64 {
        let ns = u128::from(tsc) * 1_000_000 / u128::from(self.khz);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// The text of a buffer is not a sequence of records.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Appends the records of this pCPU that say something about vCPUs. `last_ns` becomes the time of the last record.
///
/// # Errors
/// If the last record is incomplete, after the others were appended.
pub(super) fn parse(
    mut words: &[u32],
    (pcpu, clock): (u32, Clock),
    last_ns: &mut u64,
    records: &mut Vec<Record>,
) -> Result<(), Malformed> {
    while let Some((&head, rest)) = words.split_first() {
        let has_tsc = head & HAS_TSC != 0;
        let payload = if has_tsc { 2 } else { 0 };
        let end = payload + (head >> 28 & 7) as usize;
        let body = rest.get(..end).ok_or(Malformed)?;
        words = &rest[end..];
        // Fill-in at the end of the buffer has none.
        if !has_tsc {
            continue;
        }
        let at_ns = clock.ns(long(body[0], body[1]));
        let event = head & 0x0fff_ffff;
        let mut add = |at_ns, what| records.push(Record { pcpu, at_ns, what });
        match (event, &body[payload..]) {
            // How many are lost, who ran then, and the TSC of the first of them.
            (TRC_LOST_RECORDS, &[_, _, low, high, ..]) => {
                // After an earlier mark, because records were lost since then.
                let first_ns = clock
                    .ns(long(low, high))
                    .clamp((*last_ns).min(at_ns), at_ns);
                add(first_ns, What::Lost);
                add(at_ns, What::Complete);
            }
            (event, &[vcpu, ..]) => {
                if let Some((old, new)) = states(event) {
                    let vcpu = vcpu_id(vcpu);
                    add(at_ns, What::Change { vcpu, old, new });
                }
            }
            _ => {}
        }
        *last_ns = at_ns;
    }
    Ok(())
}

/// Returns the state before and after an event; `None` if it is not about the state of a vCPU.
fn states(event: u32) -> Option<(VcpuState, VcpuState)> {
    if event == TRC_SCHED_CONTINUE_RUNNING {
        return Some((VcpuState::Running, VcpuState::Running));
    }
    let is_change = event & !0x330 == TRC_SCHED_RUNSTATE_CHANGE;
    is_change.then(|| (state(event >> 8), state(event >> 4)))
}

/// Returns the state with this number (`RUNSTATE_*`, xen/vcpu.h), in the lowest two bits.
#[allow(non_upper_case_globals, reason = "the header's names")]
fn state(bits: u32) -> VcpuState {
    match bits & 3 {
        RUNSTATE_running => VcpuState::Running,
        RUNSTATE_runnable => VcpuState::Runnable,
        RUNSTATE_blocked => VcpuState::Blocked,
        _ => VcpuState::Offline,
    }
}

fn vcpu_id(word: u32) -> VcpuId {
    VcpuId {
        domain: DomId((word >> 16) as u16),
        number: word & 0xffff,
    }
}

fn long(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::runstate::IDLE;

    fn parsed(words: &[u32]) -> (Vec<Record>, u64, Result<(), Malformed>) {
        let (mut records, mut last) = (Vec::new(), 0);
        let clock = Clock::new(2_000_000).unwrap();
        let result = parse(words, (1, clock), &mut last, &mut records);
        (records, last, result)
    }

    fn change(at_ns: u64, vcpu: (u16, u32), old: VcpuState, new: VcpuState) -> Record {
        let (domain, number) = vcpu;
        let vcpu = VcpuId {
            domain: DomId(domain),
            number,
        };
        let what = What::Change { vcpu, old, new };
        Record {
            pcpu: 1,
            at_ns,
            what,
        }
    }

    #[test]
    fn changes_of_state_are_read() {
        use VcpuState::*;
        let words = [
            // Domain 5's vCPU 2 is blocked, and the idle vCPU runs.
            0x9002_1021,
            2000,
            0,
            5 << 16 | 2,
            0x9002_1101,
            2000,
            1,
            0x7fff_0001,
            // Fill-in, and another class of events.
            0x1001_f002,
            77,
            0xa008_1002,
            4000,
            0,
            1,
            2,
            // The idle vCPU goes on.
            0x9002_1002,
            6000,
            0,
            0x7fff_0001,
        ];
        let (records, last, result) = parsed(&words);
        let idle = (IDLE.0, 1);
        let expected = [
            change(1000, (5, 2), Running, Blocked),
            change(1000 + (1 << 31), idle, Runnable, Running),
            change(3000, idle, Running, Running),
        ];
        assert_eq!(records, expected);
        assert_eq!((last, result), (3000, Ok(())));
    }

    #[test]
    fn losses_begin_with_the_first_lost_record() {
        let words = [
            0x9002_1021,
            2000,
            0,
            5 << 16,
            0xc001_f001,
            8000,
            0,
            12,
            5 << 16,
            4000,
            0,
        ];
        let (records, ..) = parsed(&words);
        let lost = |at_ns, what| Record {
            pcpu: 1,
            at_ns,
            what,
        };
        assert_eq!(
            records[1..],
            [lost(2000, What::Lost), lost(4000, What::Complete)]
        );
    }

    #[test]
    fn an_incomplete_record_is_an_error() {
        let words = [0x9002_1021, 2000, 0, 5 << 16, 0x9002_1021, 4000, 0];
        let (records, last, result) = parsed(&words);
        assert_eq!((records.len(), last, result), (1, 1000, Err(Malformed)));
    }
}
