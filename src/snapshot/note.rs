//! What is to be said of a sample.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is to be known of how a sample was read: mostly something that it wanted and could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// XenStore could not be asked, so what it supplies is not known; the text says why.
    XenstoreDown(String),
    /// XenStore does not answer any more, so what it supplies is what was known at `since`.
    XenstoreStale {
        /// Wall-clock time when it was known to be right last.
        since: jiff::Timestamp,
        /// Why it does not answer.
        why: String,
    },
    /// XenStore answers again, and what it supplies is right again.
    XenstoreBack {
        /// Nanoseconds for which it was not.
        blind_ns: u64,
    },
    /// The NICs that dom0's kernel serves could not be listed; the text says why.
    NicsUnreadable(String),
    /// The disks that dom0's kernel serves could not be listed; the text says why.
    DisksUnreadable(String),
    /// Counters of a device could not be read, in this sample and the one before.
    CountersUnreadable {
        /// What dom0's kernel calls it.
        device: String,
        /// Why they could not.
        why: String,
        /// How many more devices there are like it.
        more: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::XenstoreDown(why) => write!(
                f,
                "XenStore does not answer, so names are not known: {why}; \
                 start xenstored or oxenstored, whichever this dom0 has"
            ),
            Self::XenstoreStale { since, why } => write!(
                f,
                "XenStore does not answer, so names are as of {}: {why}",
                since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            ),
            Self::XenstoreBack { blind_ns } => write!(
                f,
                "XenStore answers again; for {:.1} s names may have been old",
                *blind_ns as f64 / 1e9
            ),
            Self::NicsUnreadable(why) => write!(f, "the NICs can't be listed: {why}"),
            Self::DisksUnreadable(why) => write!(f, "the disks can't be listed: {why}"),
            Self::CountersUnreadable { device, why, more } => {
                write!(f, "{device}: counters can't be read: {why}")?;
                match more {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
        }
    }
}
