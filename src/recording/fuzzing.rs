//! Properties of what a recording has; see [`crate::fuzzing`].

use std::sync::Arc;

use super::bytes::Bytes;
use super::chunk::Chunk;
use super::compress::{MAX_BYTES, decompressed};
use super::group::Group;
use super::part::Part;
use super::tree::Tree;
use crate::rates::Rates;
use crate::snapshot::Snapshot;

/// How many samples of a chunk are tried.
const SAMPLES: usize = 8;

/// Checks a chunk: a number says how many of the bytes are its key.
pub fn recording(bytes: &[u8]) {
    if let Ok(bytes) = decompressed(bytes) {
        assert!(bytes.len() as u64 <= MAX_BYTES);
    }
    let mut rest = Bytes(bytes);
    let Ok(key) = rest.bytes() else {
        return;
    };
    let mut tree = Tree::new();
    let decoded = Part::decode(key, &mut tree);
    let applied = decoded.and_then(|part| part.apply(0, &mut tree));
    // A node takes two bytes at least.
    assert!(tree.nodes.len() <= 1 + key.len() / 2);
    if applied.is_ok()
        && let Ok(mut chunk) = Chunk::decode(rest.0.to_vec(), Arc::new(tree))
    {
        is_read_as_written(&mut chunk);
    }
}

/// Asserts that the snapshots of a chunk, whatever they are, can be recorded, and compared.
fn is_read_as_written(chunk: &mut Chunk) {
    let read = (0..chunk.len().min(SAMPLES))
        .map_while(|sample| chunk.tree(sample).and_then(Tree::snapshot).ok());
    let read: Vec<Snapshot> = read.collect();
    let mut group = Group::new();
    let mut last = None;
    let mut push = |snapshot| match last.replace(snapshot) {
        Some(last) => group.push_next(last, snapshot),
        None => group.push(snapshot),
    };
    if read.iter().any(|snapshot| push(snapshot).is_err()) {
        return;
    }
    let again = Chunk::decode(group.take_part(), Arc::new(Tree::new()));
    assert_eq!(again.as_ref().err(), None);
    let Ok(mut again) = again else {
        return;
    };
    for (sample, snapshot) in read.iter().enumerate() {
        let found = again.tree(sample).and_then(Tree::snapshot);
        assert_eq!(found.as_ref(), Ok(snapshot));
        let time = again.tree(sample).and_then(Tree::time);
        assert_eq!(time, Ok(snapshot.time));
        let before = sample.checked_sub(1).map(|before| &read[before]);
        Rates::between(before, snapshot);
    }
}
