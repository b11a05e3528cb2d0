//! Which domains suffered over a time, for how long, and how badly.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use jiff::Timestamp;

use super::key::Key;
use crate::pressure::{Occupant, Pressure, Reason};
use crate::runstate::IDLE;
use crate::snapshot::{DomId, Identity};
use crate::waits::waited_ns::WaitedNs;

/// What a domain suffered from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Troubles {
    /// One of each kind, and of each disk or NIC.
    all: Vec<Trouble>,
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
    /// As [`Troubles::severity`].
    severity: f64,
    /// Its figure, and for memory the target, each times the nanoseconds.
    sums: [f64; 2],
    /// The cap; `None` also if it changed.
    cap_percent: Option<u16>,
    waited: WaitedNs<Key>,
    /// Those that had the pCPUs, with their last IDs and their last known names.
    occupants: BTreeMap<Key, Occupant>,
}

impl Trouble {
    fn new(worst: Reason, worst_at: Timestamp) -> Self {
        Self {
            ns: 0.0,
            worst_at,
            severity: 0.0,
            sums: [0.0; 2],
            cap_percent: cap(&worst),
            waited: WaitedNs::default(),
            occupants: BTreeMap::new(),
            worst,
        }
    }

    /// Adds a reason of the same kind.
    fn add(&mut self, reason: Reason, at: Timestamp, ns: f64, who: impl Fn(DomId) -> Identity) {
        self.ns += ns;
        self.severity += reason.severity() * ns;
        for (sum, figure) in self.sums.iter_mut().zip(figures(&reason)) {
            *sum += figure * ns;
        }
        self.cap_percent = self
            .cap_percent
            .filter(|_| self.cap_percent == cap(&reason));
        if let Reason::Ready {
            percent,
            waited_for,
        } = &reason
        {
            let shares = waited_for.iter().map(|(occupant, percent)| {
                let id = match occupant {
                    Occupant::Domain(id, _) => *id,
                    Occupant::Idle => IDLE,
                };
                (Key::of(who(id)), occupant, *percent)
            });
            let shares: Vec<_> = shares.collect();
            let parts = shares.iter().map(|&(key, _, percent)| (key, percent));
            self.waited.add(percent / 100.0 * ns, parts);
            for (key, occupant, _) in shares {
                self.name(key, occupant);
            }
        }
        if reason.severity() > self.worst.severity() {
            (self.worst, self.worst_at) = (reason, at);
        }
    }

    /// Notes who has a key. One that is gone keeps its name.
    fn name(&mut self, key: Key, occupant: &Occupant) {
        let known = self.occupants.get(&key);
        let is_known = known == Some(occupant);
        let is_nameless = known.is_some() && matches!(occupant, Occupant::Domain(_, None));
        if !is_known && !is_nameless {
            self.occupants.insert(key, occupant.clone());
        }
    }

    /// Returns the reason as it was in the mean over the time: also for whom it waited is a sum over all of it.
    pub fn mean(&self) -> Reason {
        let [figure, target] = self.sums.map(|sum| sum / self.ns);
        match self.worst.clone() {
            Reason::Crashed => Reason::Crashed,
            Reason::Ready { .. } => Reason::Ready {
                percent: figure,
                waited_for: self.waited_for(),
            },
            Reason::Throttled { .. } => Reason::Throttled {
                percent: figure,
                cap_percent: self.cap_percent,
            },
            Reason::MemoryShort { .. } => Reason::MemoryShort {
                bytes: figure as u64,
                target_bytes: target as u64,
            },
            Reason::NoSlots { disk, .. } => Reason::NoSlots {
                disk,
                per_second: figure,
            },
            Reason::SlowDisk { disk, .. } => Reason::SlowDisk {
                disk,
                latency_ns: figure,
            },
            Reason::Drops { nic, .. } => Reason::Drops {
                nic,
                per_second: figure,
            },
            Reason::Steal { .. } => Reason::Steal { percent: figure },
        }
    }

    fn waited_for(&self) -> Vec<(Occupant, f64)> {
        let all = self.waited.percents().into_iter();
        let named =
            all.filter_map(|(key, percent)| Some((self.occupants.get(&key)?.clone(), percent)));
        named.collect()
    }
}

impl Troubles {
    /// Adds what a sample says of this many nanoseconds. `who` returns the domain that had an ID then.
    pub(super) fn add(
        &mut self,
        pressure: Pressure,
        at: Timestamp,
        ns: f64,
        who: impl Fn(DomId) -> Identity,
    ) {
        // A crash counts without end, but not for no time.
        if ns <= 0.0 {
            return;
        }
        self.severity += pressure.severity() * ns;
        self.any_ns += ns;
        for reason in pressure.reasons {
            let same = |one: &Trouble| kind(&one.worst) == kind(&reason);
            let place = self.all.iter().position(same).unwrap_or_else(|| {
                self.all.push(Trouble::new(reason.clone(), at));
                self.all.len() - 1
            });
            if let Some(trouble) = self.all.get_mut(place) {
                trouble.add(reason, at, ns, &who);
            }
        }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns all of them, the worst first: by how much and how long the domain suffered.
    pub fn worst_first(&self) -> Vec<&Trouble> {
        let mut all: Vec<&Trouble> = self.all.iter().collect();
        all.sort_by(|one, other| other.severity.total_cmp(&one.severity));
        all
    }
}

/// Returns what kind of reason it is, with the disk or NIC that it is about.
fn kind(reason: &Reason) -> (Discriminant<Reason>, Option<&str>) {
    let device = match reason {
        Reason::NoSlots { disk, .. } | Reason::SlowDisk { disk, .. } => Some(&**disk),
        Reason::Drops { nic, .. } => Some(&**nic),
        _ => None,
    };
    (discriminant(reason), device)
}

/// Returns how bad a reason is in its own unit, and for memory the target.
fn figures(reason: &Reason) -> [f64; 2] {
    match *reason {
        Reason::Crashed => [0.0; 2],
        Reason::Ready { percent, .. }
        | Reason::Throttled { percent, .. }
        | Reason::Steal { percent } => [percent, 0.0],
        Reason::MemoryShort {
            bytes,
            target_bytes,
        } => [bytes as f64, target_bytes as f64],
        Reason::NoSlots { per_second, .. } | Reason::Drops { per_second, .. } => [per_second, 0.0],
        Reason::SlowDisk { latency_ns, .. } => [latency_ns, 0.0],
    }
}

fn cap(reason: &Reason) -> Option<u16> {
    match *reason {
        Reason::Throttled { cap_percent, .. } => cap_percent,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;
    use crate::fixtures::SECOND;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(second)
    }

    fn ready(percent: f64, id: u16, name: &str) -> Reason {
        let occupant = Occupant::Domain(DomId(id), Some(name.into()));
        Reason::Ready {
            percent,
            waited_for: vec![(occupant, 100.0)],
        }
    }

    /// Returns the sum of these reasons, one a second. Domains with the same tens of their IDs are one that rebooted.
    fn troubles(reasons: impl IntoIterator<Item = Reason>) -> Troubles {
        let who = |id: DomId| Identity {
            id,
            uuid: uuid::Uuid::from_u128(u128::from(id.0 / 10 + 1)),
        };
        let mut troubles = Troubles::default();
        for (second, reason) in (1..).zip(reasons) {
            let pressure = Pressure {
                place: 0,
                lost_percent: None,
                reasons: vec![reason],
            };
            troubles.add(pressure, at(second), SECOND as f64, who);
        }
        troubles
    }

    #[test]
    fn blame_is_of_the_whole_time_and_the_worst_is_a_moment() {
        let long = (0..99).map(|second| ready(60.0, if second < 50 { 5 } else { 9 }, "batch"));
        let found = troubles(long.chain([ready(62.0, 20, "backup")]));
        let [trouble] = found.worst_first()[..] else {
            panic!("{found:?}");
        };
        let Reason::Ready {
            percent,
            waited_for,
        } = trouble.mean()
        else {
            panic!("{trouble:?}");
        };
        assert!((percent - 60.02).abs() < 0.001, "{percent}");
        let names: Vec<_> = waited_for.iter().map(|(one, _)| one.clone()).collect();
        let domain = |id, name: &str| Occupant::Domain(DomId(id), Some(name.into()));
        assert_eq!(names, [domain(9, "batch"), domain(20, "backup")]);
        assert!((waited_for[0].1 - 98.967).abs() < 0.001, "{waited_for:?}");
        assert_eq!((trouble.ns, trouble.worst_at), (100e9, at(100)));
        assert_eq!(trouble.worst, ready(62.0, 20, "backup"));
    }

    #[test]
    fn each_disk_is_a_trouble_of_its_own_and_the_worst_is_first() {
        let slow = |disk: &str, latency_ns| Reason::SlowDisk {
            disk: disk.to_owned(),
            latency_ns,
        };
        let found = troubles([
            slow("xvdb", 9e8),
            slow("xvda", 6e8),
            slow("xvda", 8e8),
            Reason::Steal { percent: 7.0 },
        ]);
        let all = found.worst_first();
        let means: Vec<Reason> = all.iter().map(|one| one.mean()).collect();
        let steal = Reason::Steal { percent: 7.0 };
        assert_eq!(means, [slow("xvda", 7e8), slow("xvdb", 9e8), steal]);
        assert_eq!((all[0].ns, all[0].worst_at), (2e9, at(3)));
    }

    #[test]
    fn a_cap_that_changed_is_not_named() {
        let by = |cap| Reason::Throttled {
            percent: 50.0,
            cap_percent: Some(cap),
        };
        for (caps, named) in [([20, 20, 20], Some(20)), ([20, 30, 20], None)] {
            let found = troubles(caps.map(by));
            let mean = found.worst_first()[0].mean();
            let cap_percent = named;
            let percent = 50.0;
            assert_eq!(
                mean,
                Reason::Throttled {
                    percent,
                    cap_percent
                }
            );
        }
    }

    #[test]
    fn no_time_is_no_trouble() {
        let mut troubles = Troubles::default();
        let pressure = Pressure {
            place: 0,
            lost_percent: None,
            reasons: vec![Reason::Crashed],
        };
        let nobody = |id| Identity {
            id,
            uuid: uuid::Uuid::nil(),
        };
        troubles.add(pressure, at(1), 0.0, nobody);
        assert_eq!(troubles, Troubles::default());
    }
}
