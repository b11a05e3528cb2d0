//! Which domains suffered over a time, for how long, and how badly.

use std::mem::{Discriminant, discriminant};

use jiff::Timestamp;

use crate::pressure::{Pressure, Reason};

/// What a domain suffered from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Troubles {
    /// One of each kind.
    pub all: Vec<Trouble>,
    /// Of each moment, the share of the time its vCPUs wanted that they lost, summed in nanoseconds.
    pub(super) lost_ns: f64,
    /// How long there was any reason, in nanoseconds.
    pub(super) any_ns: f64,
}

/// A kind of reason for which a domain suffered.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// How long, in nanoseconds.
    pub ns: f64,
    /// It at its worst.
    pub worst: Reason,
    /// When that was.
    pub worst_at: Timestamp,
}

impl Troubles {
    /// Adds what a sample says of this many nanoseconds.
    pub(super) fn add(&mut self, pressure: Pressure, at: Timestamp, ns: f64) {
        self.lost_ns += pressure.lost_percent.unwrap_or(0.0) / 100.0 * ns;
        self.any_ns += ns;
        let mut seen: Vec<Discriminant<Reason>> = Vec::new();
        for reason in pressure.reasons {
            let kind = discriminant(&reason);
            // Two slow disks are slow in the same time.
            let ns = match seen.contains(&kind) {
                true => 0.0,
                false => ns,
            };
            seen.push(kind);
            match self
                .all
                .iter_mut()
                .find(|one| discriminant(&one.worst) == kind)
            {
                Some(trouble) => {
                    trouble.ns += ns;
                    if badness(&reason) > badness(&trouble.worst) {
                        (trouble.worst, trouble.worst_at) = (reason, at);
                    }
                }
                None => self.all.push(Trouble {
                    ns,
                    worst: reason,
                    worst_at: at,
                }),
            }
        }
    }
}

/// Returns how bad a reason is beside others of its kind.
fn badness(reason: &Reason) -> f64 {
    match reason {
        Reason::Ready { percent, .. }
        | Reason::Throttled { percent, .. }
        | Reason::Steal { percent } => *percent,
        Reason::MemoryShort { bytes, .. } => *bytes as f64,
        Reason::NoSlots { per_second, .. } | Reason::Drops { per_second, .. } => *per_second,
        Reason::SlowDisk { latency_ns, .. } => *latency_ns,
        Reason::Crashed => 0.0,
    }
}
