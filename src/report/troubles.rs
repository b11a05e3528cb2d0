//! Which domains suffered over a time, for how long, and how badly.

use std::mem::{Discriminant, discriminant};

use jiff::Timestamp;

use crate::pressure::{Pressure, Reason};

/// What a domain suffered from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Troubles {
    /// One of each kind.
    pub all: Vec<Trouble>,
    /// How much it suffered at each moment, summed over the time: per cent of a pCPU times nanoseconds.
    pub(super) severity: f64,
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
        // A crash counts without end, but not for no time.
        if ns > 0.0 {
            self.severity += pressure.severity() * ns;
        }
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
                    if reason.severity() > trouble.worst.severity() {
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
