//! How large the file may become on its disk.

use std::fs;
use std::path::Path;

use nix::sys::statvfs::statvfs;

/// What a disk that the recording fills has left for other programs. If that is more than a half, it is a half.
const LEFT: u64 = 1 << 20;

/// What the index and unfilled pages of a chunk take at most.
const UNFILLED: u64 = 64 << 10;

/// What there is room for before a chunk is appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The bytes that what was written before may have.
    pub(super) others: u64,
    /// The bytes that the file keeps even if it does not need them, because it would not get them back.
    pub(super) kept: u64,
}

impl Room {
    /// Returns how much room there is for a file if a chunk of so many bytes is appended.
    pub(super) fn of(path: &Path, chunk: u64, cannot_grow: bool) -> Self {
        let size = fs::metadata(path).map_or(0, |file| file.len());
        let growth = match available(path) {
            _ if cannot_grow => 0,
            Some(bytes) => bytes.saturating_sub(LEFT).max(bytes / 2),
            None => u64::MAX,
        };
        let needed = chunk + UNFILLED;
        Self {
            others: size.saturating_add(growth).saturating_sub(needed),
            kept: if growth < needed { size } else { 0 },
        }
    }
}

/// Returns the bytes that are free on a file's disk; `None` if they are unknown.
fn available(path: &Path) -> Option<u64> {
    let disk = statvfs(path).ok().filter(|disk| disk.blocks() > 0)?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
}
