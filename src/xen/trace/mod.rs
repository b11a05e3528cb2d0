//! Xen's trace buffers: what each vCPU does, as it happens.
//!
//! The buffers belong to the host: one for each pCPU, made once in a boot, for one reader. `control` switches them on
//! and off, `libraries` maps them, `buffer` reads one, and `parse` understands the records. Facts are from xen/trace.h
//! and from Xen's common/trace.c.

mod buffer;
mod buffers;
mod control;
mod libraries;
mod parse;

use std::collections::BTreeSet;
use std::mem;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::buffer::Buffer;
pub use self::buffers::Buffers;
use self::buffers::has_states;
use self::control::{EVERYTHING, Info, STATES};
use self::libraries::{Interrupt, XenMemory};
use self::parse::Clock;
use super::error::Error;
use super::hypervisor::Hypervisor;
use crate::runstate::Record;
use crate::snapshot::Note;

/// The size of each pCPU's buffer in pages, if no earlier program of this boot chose it.
const PAGES: u32 = 32;

/// How long Xen has to write records before it seems not to trace.
const MOMENT: Duration = Duration::from_millis(50);

/// How long nobody can be silent beside a program that traces: this one runs more often, which Xen would record.
const SILENCE: Duration = Duration::from_secs(2);

/// How this program traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It switched the trace on, and switches it off at the end.
    Alone,
    /// As `Alone`. The trace was still set up as an earlier xenscope left it that was killed.
    TookOver,
    /// Another program traces, and this one only reads along.
    Beside,
}

impl Mode {
    /// Returns what to say about it; `None` if all is as usual.
    pub fn note(self) -> Option<Note> {
        match self {
            Self::Alone => None,
            Self::TookOver => Some(Note::TraceTakenOver),
            Self::Beside => Some(Note::TracedBeside),
        }
    }
}

/// A trace of what vCPUs do. When it is dropped, Xen traces as before.
pub struct Trace {
    hypervisor: Hypervisor,
    /// `None` if another program traces.
    interrupt: Option<Interrupt>,
    buffers: Vec<Buffer>,
    clock: Clock,
    mode: Mode,
    /// The events that were traced before.
    mask_before: u32,
    /// Whether all records may have been lost since the reading before.
    lost_all: bool,
    /// When the last reading that had records was.
    seen: Instant,
    buffer_bytes: u64,
}

impl Trace {
    /// Begins to trace. See [`Hypervisor::open`] for `allow_untested`.
    ///
    /// # Errors
    /// If another program traces other events, if Xen cannot trace, and as [`Hypervisor::open`].
    pub fn start(allow_untested: bool) -> Result<Self, Error> {
        let hypervisor = Hypervisor::open(allow_untested)?;
        let physinfo = hypervisor.physinfo()?;
        let clock = Clock::new(physinfo.cpu_khz).ok_or_else(|| unusable("cpu_khz"))?;
        let interrupt = Interrupt::take()?;
        let Info { mask, bytes, .. } = hypervisor.trace_info()?;
        let mode = match &interrupt {
            None if bytes == 0 || !has_states(mask) => {
                return Err(Error::TraceTaken { mask });
            }
            None => Mode::Beside,
            // Nobody but xenscope sets this mask, and it puts the one before back.
            Some(_) if bytes > 0 && mask == STATES => Mode::TookOver,
            Some(_) => Mode::Alone,
        };
        let mut trace = Self {
            hypervisor,
            interrupt,
            buffers: Vec::new(),
            clock,
            mode,
            mask_before: match mode {
                Mode::TookOver => EVERYTHING,
                Mode::Alone | Mode::Beside => mask,
            },
            lost_all: false,
            seen: Instant::now(),
            buffer_bytes: 0,
        };
        let pcpus = physinfo.max_cpu_id;
        if mode == Mode::TookOver {
            trace.map(pcpus)?;
            // Somebody else may have left this mask.
            if !trace.goes_on() {
                (trace.mode, trace.mask_before) = (Mode::Alone, mask);
            }
        }
        if trace.mode != Mode::Beside {
            // Before the size, because that alone begins to trace everything.
            trace.hypervisor.set_trace_mask(STATES)?;
            trace.hypervisor.trace_all_pcpus()?;
            trace.hypervisor.enable_trace(PAGES)?;
        }
        trace.map(pcpus)?;
        Ok(trace)
    }

    /// Returns whether Xen writes records: this process runs again after a moment, so it would write some.
    fn goes_on(&self) -> bool {
        let positions =
            || -> Vec<Option<u32>> { self.buffers.iter().map(Buffer::written).collect() };
        let before = positions();
        std::thread::sleep(MOMENT);
        positions() != before
    }

    /// Maps the buffers of all pCPUs.
    fn map(&mut self, last_pcpu: u32) -> Result<(), Error> {
        (self.buffers, self.buffer_bytes) = (Vec::new(), 0);
        let info = self.hypervisor.trace_info()?;
        let memory = XenMemory::open()?;
        let frames: Vec<u64> = (info.frame..).take(info.bytes.div_ceil(4096)).collect();
        // `struct t_info`: the number of pages of a buffer, then for each pCPU the offset in words of the list of
        // its frames, both in 16 bits. Xen refuses to map it writable.
        let list = memory.map(&frames, false)?;
        let half = |index: u32| {
            let word = list.read(index as usize / 2 * 4)?;
            Some(
                if index.is_multiple_of(2) {
                    word
                } else {
                    word >> 16
                } & 0xffff,
            )
        };
        let pages = half(0)
            .filter(|&pages| pages > 0)
            .ok_or_else(|| unusable("t_info"))?;
        for pcpu in 0..=last_pcpu {
            // 0 for a pCPU that was offline when the buffers were made.
            let Some(first) = half(pcpu + 1).filter(|&first| first > 0) else {
                continue;
            };
            let frames = (first..first + pages).map(|at| list.read(at as usize * 4).map(u64::from));
            let frames: Option<Vec<u64>> = frames.collect();
            let frames = frames.ok_or_else(|| unusable("t_info"))?;
            let owned = self.mode != Mode::Beside;
            let mapping = memory.map(&frames, owned)?;
            self.buffer_bytes += mapping.len() as u64;
            let buffer = Buffer::new(pcpu, mapping, owned).ok_or_else(|| unusable("t_buf"))?;
            self.buffers.push(buffer);
        }
        Ok(())
    }

    /// Returns how this program traces.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the bytes of all buffers, which stay allocated until the host reboots.
    pub fn buffer_bytes(&self) -> u64 {
        self.buffer_bytes
    }

    /// Returns those of the pCPUs that have no buffer: Xen made the buffers while they were offline.
    pub fn untraced(&self, pcpus: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
        let has_buffer = |pcpu: &u32| self.buffers.iter().any(|buffer| buffer.pcpu() == *pcpu);
        pcpus.into_iter().filter(|pcpu| !has_buffer(pcpu)).collect()
    }

    /// Waits until a buffer is half full, until the deadline, until a signal arrives, or until `also` can be read
    /// from, at most for a second. Beside another program, only that one learns how full the buffers are, so this
    /// returns more often.
    ///
    /// # Errors
    /// If dom0's kernel refuses to wait.
    pub fn wait(&self, deadline: Option<Instant>, also: BorrowedFd<'_>) -> nix::Result<()> {
        /// The most milliseconds between two readings beside another program.
        const BESIDE_MS: u16 = 100;
        /// The same without one, because another program may have switched the trace off.
        const ALONE_MS: u16 = 1000;

        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| PollTimeout::try_from(left).ok());
        let left = left.unwrap_or(PollTimeout::MAX);
        let also = PollFd::new(also, PollFlags::POLLIN);
        let waited = match &self.interrupt {
            Some(interrupt) => {
                let mut files = [PollFd::new(interrupt.fd(), PollFlags::POLLIN), also];
                let waited = poll(&mut files, left.min(ALONE_MS.into()));
                if files[0].any() == Some(true) {
                    interrupt.acknowledge();
                }
                waited
            }
            None => poll(&mut [also], left.min(BESIDE_MS.into())),
        };
        match waited {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads the records since the last reading, those of a pCPU in the order in which it wrote them.
    ///
    /// # Errors
    /// If Xen refuses to say what it traces, or to trace it again after another program changed that.
    pub fn read(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for buffer in &mut self.buffers {
            buffer.read(self.clock, &mut records);
        }
        if let Some(newest) = records.iter().map(|record| record.at_ns).max() {
            self.seen = Instant::now();
            if mem::take(&mut self.lost_all) {
                // An idle pCPU writes nothing for long.
                records.extend(self.buffers.iter().map(|buffer| buffer.complete(newest)));
            }
        }
        let Info { mask, .. } = self.hypervisor.trace_info()?;
        if !has_states(mask) {
            for buffer in &self.buffers {
                buffer.lose(&mut records);
            }
            self.lost_all = true;
        }
        if mask != STATES && self.mode != Mode::Beside {
            // xentrace sets its own before it finds out that it may not trace, and then switches the trace off.
            self.hypervisor.set_trace_mask(STATES)?;
            self.hypervisor.trace_all_pcpus()?;
            self.hypervisor.enable_trace(PAGES)?;
        }
        Ok(records)
    }

    /// Returns whether the other program that traced has ended, so that there are no more records.
    pub fn has_ended(&self) -> bool {
        self.mode == Mode::Beside && self.seen.elapsed() > SILENCE
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if self.mode == Mode::Beside {
            return;
        }
        // There is nobody to report a failure to. At the next start, the trace is taken over.
        let disabled = self.hypervisor.disable_trace();
        let masked = self.hypervisor.set_trace_mask(self.mask_before);
        tracing::debug!(?disabled, ?masked, "tracing ended");
    }
}

/// Parses the words of pCPU 0's buffer, with a TSC of 1 GHz.
#[cfg(any(test, fuzzing))]
pub(super) fn parse_words(words: &[u32]) -> Vec<Record> {
    let mut records = Vec::new();
    if let Some(clock) = Clock::new(1_000_000) {
        // An incomplete record at the end is none.
        let _ = parse::parse(words, (0, clock), &mut 0, &mut records);
    }
    records
}

/// Returns the error of something that is not as Xen makes it.
fn unusable(what: &'static str) -> Error {
    Error::Trace {
        what,
        source: std::io::ErrorKind::InvalidData.into(),
        remedy: "report this as a bug of xenscope",
    }
}
