//! Puts the records of all pCPUs in order.

use super::record::Record;

/// The records that were read and not handed out yet.
///
/// The buffers are read one after the other. A record that is newer than those of the reading before may have an
/// elder on a pCPU whose buffer was read a moment earlier, so it is kept until the next reading.
#[derive(Debug, Default)]
pub(super) struct Merge {
    waiting: Vec<Record>,
    /// The time of the newest record of the readings before the last one.
    complete_until_ns: Option<u64>,
    newest_ns: Option<u64>,
}

impl Merge {
    /// Adds the records of one reading of all buffers, those of a pCPU in the order in which it wrote them. Returns
    /// the records that no later reading can precede, oldest first.
    pub(super) fn add(&mut self, records: Vec<Record>) -> Vec<Record> {
        self.complete_until_ns = self.newest_ns;
        let newest = records.iter().map(|record| record.at_ns).max();
        self.newest_ns = self.newest_ns.max(newest);
        self.waiting.extend(records);
        // A stable sort, so that records of one pCPU with the same time stay in order.
        self.waiting.sort_by_key(|record| record.at_ns);
        let Some(until) = self.complete_until_ns else {
            return Vec::new();
        };
        let count = self.waiting.partition_point(|record| record.at_ns <= until);
        self.waiting.drain(..count).collect()
    }

    /// Returns the time until which all records have been handed out; `None` before that.
    pub(super) fn complete_until_ns(&self) -> Option<u64> {
        self.complete_until_ns
    }
}
