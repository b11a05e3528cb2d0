//! The trace buffer of a pCPU (`struct t_buf`, xen/trace.h).
//!
//! It begins with two positions, `cons` and `prod`: up to where records were read and written. Both run from 0 to
//! twice the size of the data and begin again. Xen writes whole records between them, in words; none straddles the
//! end of the data.

use std::sync::atomic::{AtomicU32, Ordering, fence};

use super::libraries::Mapping;
use super::parse::{Clock, parse};
use crate::runstate::{Record, What};

/// Where `cons`, `prod` and the data are, in bytes.
const CONS: usize = 0;
const PROD: usize = 4;
const DATA: usize = 8;

/// Less free space than this may have been too little for a record, together with those about lost records and about
/// the end of the data.
const MARGIN: u32 = 256;

/// A mapped trace buffer.
pub(super) struct Buffer {
    pcpu: u32,
    mapping: Mapping,
    ring: Ring,
    /// Up to where it was read.
    position: u32,
    /// Whether this is its only reader, which tells Xen what it has read.
    owned: bool,
    /// The time of the last record that was read.
    last_ns: u64,
}

impl Buffer {
    /// Takes the buffer of this pCPU, and forgets what is in it. `None` if it is not as Xen makes it.
    pub(super) fn new(pcpu: u32, mapping: Mapping, owned: bool) -> Option<Self> {
        let size = u32::try_from(mapping.len() - DATA).ok()?;
        let mut buffer = Self {
            pcpu,
            mapping,
            ring: Ring { size },
            position: 0,
            owned,
            last_ns: 0,
        };
        let position = buffer.produced()?;
        buffer.consume(position);
        Some(buffer)
    }

    /// Appends the records since the last reading. If some may be lost, says so.
    pub(super) fn read(&mut self, clock: Clock, records: &mut Vec<Record>) {
        if self.copy(clock, records).is_none() {
            self.lose(records);
        }
    }

    /// Returns that the records are complete from now on.
    pub(super) fn complete(&self, now_ns: u64) -> Record {
        Record {
            pcpu: self.pcpu,
            at_ns: now_ns,
            what: What::Complete,
        }
    }

    /// Returns whose buffer it is.
    pub(super) fn pcpu(&self) -> u32 {
        self.pcpu
    }

    /// Returns up to where Xen has written.
    pub(super) fn written(&self) -> Option<u32> {
        self.produced()
    }

    /// Appends that records may be lost from now on, until the next one.
    pub(super) fn lose(&self, records: &mut Vec<Record>) {
        records.push(Record {
            pcpu: self.pcpu,
            at_ns: self.last_ns,
            what: What::Lost,
        });
    }

    /// Appends the records since the last reading; `None` if some may be lost after the last of them.
    fn copy(&mut self, clock: Clock, records: &mut Vec<Record>) -> Option<()> {
        let end = self.produced()?;
        let start = self.position;
        let length = self.ring.distance(start, end);
        // How much the program that empties the buffer has left in it: Xen drops what does not fit.
        let left = self.ring.distance(self.emptied()?, end);
        let words = self.words(length);
        self.consume(end);
        // What Xen wrote meanwhile. It does not wait for a reader that it does not know of, and begins to write before
        // it says so.
        fence(Ordering::SeqCst);
        let seen = self.ring.distance(start, self.produced()?);
        if length > self.ring.size || (!self.owned && seen > self.ring.size - MARGIN) {
            return None;
        }
        parse(&words?, (self.pcpu, clock), &mut self.last_ns, records).ok()?;
        let was_full = left.max(seen) > self.ring.size - MARGIN;
        (!was_full).then_some(())
    }

    /// Copies this many bytes from the position on; `None` if there are not as many.
    fn words(&self, length: u32) -> Option<Vec<u32>> {
        let offsets = self.ring.offsets(self.position, length)?;
        offsets
            .map(|offset| self.mapping.read(DATA + offset as usize))
            .collect()
    }

    /// Returns up to where Xen has written; `None` if that cannot be.
    fn produced(&self) -> Option<u32> {
        let end = self.at(PROD)?.load(Ordering::Relaxed);
        // What Xen wrote before it moved on is read after this.
        fence(Ordering::Acquire);
        self.ring.is_position(end).then_some(end)
    }

    /// Returns up to where the program that empties the buffer has read; `None` if that cannot be.
    fn emptied(&self) -> Option<u32> {
        let start = self.at(CONS)?.load(Ordering::Relaxed);
        self.ring.is_position(start).then_some(start)
    }

    /// Goes on from this position at the next reading.
    fn consume(&mut self, position: u32) {
        self.position = position;
        if self.owned
            && let Some(cons) = self.at(CONS)
        {
            cons.store(position, Ordering::Release);
        }
    }

    fn at(&self, offset: usize) -> Option<&AtomicU32> {
        let word = self.mapping.word(offset)?;
        // SAFETY: the word is aligned and inside the mapping, which lives as long as `self`. Xen and this program
        // only access it atomically. It is written to only if the mapping is writable.
        Some(unsafe { AtomicU32::from_ptr(word.as_ptr()) })
    }
}

/// The arithmetic of positions.
#[derive(Clone, Copy, Debug)]
struct Ring {
    /// Bytes of data.
    size: u32,
}

impl Ring {
    fn is_position(self, position: u32) -> bool {
        position.is_multiple_of(4) && u64::from(position) < 2 * u64::from(self.size)
    }

    /// Returns how many bytes are between two positions.
    fn distance(self, from: u32, to: u32) -> u32 {
        match to.checked_sub(from) {
            Some(distance) => distance,
            None => to + (2 * self.size - from),
        }
    }

    /// Returns the offsets of the words of this many bytes from a position on; `None` if the buffer has fewer.
    fn offsets(self, from: u32, length: u32) -> Option<impl Iterator<Item = u32>> {
        let start = from % self.size;
        let fits = length <= self.size;
        fits.then(|| {
            (0..length)
                .step_by(4)
                .map(move |at| (start + at) % self.size)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_run_to_twice_the_size(
            size in (1..5000_u32).prop_map(|words| words * 4),
            from in any::<prop::sample::Index>(),
            length in any::<prop::sample::Index>(),
        ) {
            let ring = Ring { size };
            let from = from.index(size as usize / 2) as u32 * 4;
            let length = length.index(size as usize / 4 + 1) as u32 * 4;
            let to = (from + length) % (2 * size);
            prop_assert!(ring.is_position(from) && ring.is_position(to));
            prop_assert_eq!(ring.distance(from, to), length);
            let offsets: Vec<u32> = ring.offsets(from, length).unwrap().collect();
            prop_assert_eq!(offsets.len(), length as usize / 4);
            prop_assert!(offsets.iter().all(|&offset| offset < size && offset % 4 == 0));
            prop_assert!(offsets.first().is_none_or(|&first| first == from % size));
        }
    }

    #[test]
    fn other_positions_are_refused() {
        let ring = Ring { size: 4088 };
        assert!(!ring.is_position(2 * 4088) && !ring.is_position(2) && !ring.is_position(u32::MAX));
        assert!(ring.offsets(0, 4092).is_none());
    }
}
