//! Why a domain suffers, in words.

use crate::pressure::{Occupant, Reason};
use crate::text::{columns, safe};
use crate::units::{bytes, nanoseconds};

/// How many of those that had the pCPUs are named.
const NAMED: usize = 3;

/// The share of the ready time, in per cent, from which one is named.
const WORTH_NAMING: f64 = 0.5;

/// Formats a reason, such as `ready 31.0 %, for web-112 58 %, Domain-0 42 %`.
pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Crashed => "has crashed".to_owned(),
        Reason::Ready {
            percent,
            waited_for,
        } => {
            let named = waited_for
                .iter()
                .filter(|(_, percent)| *percent >= WORTH_NAMING)
                .take(NAMED)
                .map(|(one, percent)| format!("{} {percent:.0} %", occupant(one)));
            let named: Vec<String> = named.collect();
            match named.is_empty() {
                true => format!("ready {percent:.1} %"),
                false => format!("ready {percent:.1} %, for {}", named.join(", ")),
            }
        }
        Reason::Throttled {
            percent,
            cap_percent: Some(cap),
        } => format!("throttled {percent:.1} % by its cap of {cap} %"),
        Reason::Throttled { percent, .. } => format!("throttled {percent:.1} %"),
        Reason::MemoryShort {
            bytes: short,
            target_bytes,
        } => {
            let (short, target) = (bytes(*short as f64), bytes(*target_bytes as f64));
            format!("memory {short} below its target of {target}")
        }
        Reason::NoSlots { disk, per_second } => {
            format!("{} no slot {per_second:.1}/s", safe(disk))
        }
        Reason::SlowDisk { disk, latency_ns } => {
            format!(
                "{} takes {} a request",
                safe(disk),
                nanoseconds(*latency_ns)
            )
        }
        Reason::Drops { nic, per_second } => format!("{} drops {per_second:.1}/s", safe(nic)),
        Reason::Steal { percent } => format!("its kernel counts {percent:.1} % steal"),
    }
}

/// Formats how bad a reason is, such as `31.0 %`; a crash is one or none.
pub(super) fn amount(reason: &Reason) -> String {
    match reason {
        Reason::Crashed => String::new(),
        Reason::Ready { percent, .. }
        | Reason::Throttled { percent, .. }
        | Reason::Steal { percent } => format!("{percent:.1} %"),
        Reason::MemoryShort { bytes: short, .. } => bytes(*short as f64),
        Reason::NoSlots { per_second, .. } | Reason::Drops { per_second, .. } => {
            format!("{per_second:.1}/s")
        }
        Reason::SlowDisk { latency_ns, .. } => nanoseconds(*latency_ns),
    }
}

/// Formats a reason with what matters most about it, such as `ready 31% (web-112 58%)`.
pub(super) fn short(reason: &Reason) -> String {
    let brief = brief(reason);
    match reason {
        Reason::Ready { waited_for, .. } => match waited_for.first() {
            Some((one, percent)) if *percent >= WORTH_NAMING => {
                format!("{brief} ({} {percent:.0}%)", occupant(one))
            }
            _ => brief,
        },
        Reason::Throttled {
            cap_percent: Some(cap),
            ..
        } => format!("{brief} (cap {cap}%)"),
        Reason::MemoryShort { target_bytes, .. } => {
            format!("{brief} of {}", bytes(*target_bytes as f64))
        }
        Reason::NoSlots { disk, per_second } => {
            format!("{} no slot {per_second:.0}/s", safe(disk))
        }
        Reason::SlowDisk { disk, latency_ns } => {
            format!("{} {}", safe(disk), nanoseconds(*latency_ns))
        }
        Reason::Drops { nic, per_second } => format!("{} drops {per_second:.1}/s", safe(nic)),
        Reason::Crashed | Reason::Throttled { .. } | Reason::Steal { .. } => brief,
    }
}

/// Formats a reason without who or what causes it, such as `ready 31%`.
pub(super) fn brief(reason: &Reason) -> String {
    match reason {
        Reason::Crashed => "crashed".to_owned(),
        Reason::Ready { percent, .. } => format!("ready {percent:.0}%"),
        Reason::Throttled { percent, .. } => format!("throttled {percent:.0}%"),
        Reason::MemoryShort { bytes: short, .. } => format!("short {}", bytes(*short as f64)),
        Reason::NoSlots { .. } => "no slot".to_owned(),
        Reason::SlowDisk { .. } => "slow disk".to_owned(),
        Reason::Drops { .. } => "drops".to_owned(),
        Reason::Steal { percent } => format!("steal {percent:.0}%"),
    }
}

/// Returns what a reason is about, in one word.
pub(super) fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Crashed => "crash",
        Reason::Ready { .. } => "cpu",
        Reason::Throttled { .. } => "cap",
        Reason::MemoryShort { .. } => "mem",
        Reason::NoSlots { .. } => "slot",
        Reason::SlowDisk { .. } => "disk",
        Reason::Drops { .. } => "net",
        Reason::Steal { .. } => "steal",
    }
}

/// Formats all reasons in one line, in the longest form that is at most so many columns wide; `+` marks that there are
/// more than the first. A state, in a long and a short form, comes before them.
pub(super) fn fitting(state: Option<(&str, &str)>, all: &[Reason], width: usize) -> String {
    let (long, short_state) = state.unzip();
    let told = |state: Option<&str>, form: fn(&Reason) -> String, between: &str| {
        let parts = state.map(str::to_owned).into_iter();
        let parts: Vec<String> = parts.chain(all.iter().map(form)).collect();
        parts.join(between)
    };
    let one_word = |reason: &Reason| word(reason).to_owned();
    let forms = [
        told(long, reason, "; "),
        told(long, short, ", "),
        told(long, brief, ", "),
        told(long, one_word, ","),
        told(short_state, one_word, ","),
    ];
    let fits = |form: &String| columns(form) <= width;
    forms.into_iter().find(fits).unwrap_or_else(|| {
        let first = short_state.or(all.first().map(word)).unwrap_or_default();
        let has_more = usize::from(state.is_some()) + all.len() > 1;
        format!("{first}{}", if has_more { "+" } else { "" })
    })
}

fn occupant(occupant: &Occupant) -> String {
    match occupant {
        Occupant::Domain(_, Some(name)) => safe(name).into_owned(),
        Occupant::Domain(id, None) => format!("domain {id}"),
        Occupant::Idle => "idle pCPUs".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::troubled;
    use crate::pressure::sufferers;
    use crate::rates::Rates;
    use crate::snapshot::DomId;
    use crate::view::Sample;

    #[test]
    fn reasons_are_in_words() {
        let (old, new) = troubled();
        let rates = &Rates::between(Some(&old), &new);
        let snapshot = &new;
        let all = sufferers(Sample { snapshot, rates });
        let texts: Vec<String> = all
            .iter()
            .map(|one| fitting(None, &one.reasons, usize::MAX))
            .collect();
        assert_eq!(
            texts,
            [
                "throttled 80.0 % by its cap of 20 %",
                "memory 64.0M below its target of 192M",
                "ready 30.0 %, for batch 67 %, idle pCPUs 33 %",
                "xvda no slot 40.0/s; vif9.0 drops 3.0/s",
            ]
        );
        // The next form is narrower, with commas; a state comes first, and `+` stands for what has no room.
        let fitted = |state, width| fitting(state, &all[3].reasons, width);
        assert_eq!(fitted(None, 38), "xvda no slot 40/s, vif9.0 drops 3.0/s");
        assert_eq!(fitted(None, 8), "slot,net");
        assert_eq!(fitted(None, 5), "slot+");
        let paused = Some(("paused", "pause"));
        assert_eq!(fitted(paused, 30), "paused, no slot, drops");
        assert_eq!(fitted(paused, 6), "pause+");
        assert_eq!(fitting(None, &all[0].reasons, 1), "cap");
        let short = |at: usize| {
            let texts: Vec<String> = all[at].reasons.iter().map(short).collect();
            texts.join("; ")
        };
        assert_eq!(short(0), "throttled 80% (cap 20%)");
        assert_eq!(short(1), "short 64.0M of 192M");
        assert_eq!(short(2), "ready 30% (batch 67%)");
        assert_eq!(short(3), "xvda no slot 40/s; vif9.0 drops 3.0/s");
    }

    #[test]
    fn short_forms_say_what_it_is_about() {
        let (old, new) = troubled();
        let rates = &Rates::between(Some(&old), &new);
        let snapshot = &new;
        let all = sufferers(Sample { snapshot, rates });
        let reasons = || all.iter().flat_map(|one| &one.reasons);
        let briefs: Vec<String> = reasons().map(brief).collect();
        assert_eq!(
            briefs,
            [
                "throttled 80%",
                "short 64.0M",
                "ready 30%",
                "no slot",
                "drops"
            ]
        );
        let amounts: Vec<String> = reasons().map(amount).collect();
        assert_eq!(amounts, ["80.0 %", "64.0M", "30.0 %", "40.0/s", "3.0/s"]);
        let words: Vec<&str> = reasons().map(word).collect();
        assert_eq!(words, ["cap", "mem", "cpu", "slot", "net"]);
    }

    #[test]
    fn a_name_cannot_leave_its_line() {
        let waited_for = vec![(Occupant::Domain(DomId(7), Some("a\x1b[2J\n".into())), 60.0)];
        let text = reason(&Reason::Ready {
            percent: 10.0,
            waited_for,
        });
        assert!(!text.contains(['\x1b', '\n']), "{text:?}");
    }
}
