//! Notes about a sample.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::domid::DomId;

/// A note about how a sample was read, usually that something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// XenStore does not answer, so data that it has not sent is unknown; the text says why.
    XenstoreDown(String),
    /// XenStore no longer answers, so its data is that of `since`.
    XenstoreStale {
        /// Wall-clock time when the data was last known to be up to date.
        since: jiff::Timestamp,
        /// Why it does not answer.
        why: String,
    },
    /// XenStore's data is up to date again, after it did not answer or this program was stopped.
    XenstoreBack {
        /// Nanoseconds for which the data was stale.
        blind_ns: u64,
    },
    /// The NICs that dom0's kernel serves could not be listed; the text says why.
    NicsUnreadable(String),
    /// The disks that dom0's kernel serves could not be listed; the text says why.
    DisksUnreadable(String),
    /// Nobody traces how long vCPUs are in each state; the text says why.
    NotTraced(String),
    /// Another program traces, and xenscope only reads along.
    TracedBeside,
    /// The trace was on as an earlier xenscope leaves it that is killed.
    TraceTakenOver,
    /// These pCPUs are online, and have no trace buffer.
    PcpusNotTraced(Vec<u32>),
    /// Xen schedules whole cores or sockets, so a record does not say which pCPU a vCPU has.
    CoresScheduled,
    /// A domain ran for another time by the trace than by Xen's count, so its state times may be wrong.
    TraceDiffers {
        /// The domain.
        domain: DomId,
        /// Nanoseconds by the trace since the sample before.
        traced_ns: u64,
        /// Nanoseconds by Xen's count.
        counted_ns: u64,
    },
    /// A device's counters could not be read, in this sample and the one before.
    CountersUnreadable {
        /// Its name in dom0's kernel.
        device: String,
        /// Why they could not be read.
        why: String,
        /// How many more devices failed the same way.
        more: usize,
    },
    /// A note in a recording of another version, which this one does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::XenstoreDown(why) => write!(
                f,
                "XenStore does not answer, so names are missing: {why}; \
                 'xenscope doctor' says whether its daemon runs, and how to start it"
            ),
            Self::XenstoreStale { since, why } => write!(
                f,
                "XenStore does not answer, so names are as of {}: {why}",
                since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            ),
            Self::XenstoreBack { blind_ns } => write!(
                f,
                "XenStore is up to date again; for {:.1} s names may have been stale",
                *blind_ns as f64 / 1e9
            ),
            Self::NicsUnreadable(why) => write!(f, "the NICs can't be listed: {why}"),
            Self::DisksUnreadable(why) => write!(f, "the disks can't be listed: {why}"),
            Self::NotTraced(why) => write!(f, "ready time is unknown: {why}"),
            Self::TracedBeside => f.write_str(
                "another program traces, so xenscope only reads along; what it overlooks is unknown",
            ),
            Self::TraceTakenOver => f.write_str(
                "the trace was left on, probably by an xenscope that was killed; it is switched off at the end",
            ),
            Self::PcpusNotTraced(pcpus) => {
                let pcpus: Vec<String> = pcpus.iter().map(u32::to_string).collect();
                write!(
                    f,
                    "pCPU {} came online after Xen made its trace buffers, so what vCPUs do is unknown \
                     until it is offline again, or the host has rebooted",
                    pcpus.join(", ")
                )
            }
            Self::CoresScheduled => f.write_str(
                "Xen schedules whole cores (sched-gran), so it is unknown for whom vCPUs wait",
            ),
            Self::TraceDiffers {
                domain,
                traced_ns,
                counted_ns,
            } => write!(
                f,
                "domain {domain} ran for {:.2} s by the trace and {:.2} s by Xen's count: see 'audit --ready'",
                *traced_ns as f64 / 1e9,
                *counted_ns as f64 / 1e9
            ),
            Self::CountersUnreadable { device, why, more } => {
                write!(f, "{device}: counters can't be read: {why}")?;
                match more {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
            Self::Unknown => f.write_str(
                "the xenscope that recorded this wrote a note that this version does not know",
            ),
        }
    }
}
