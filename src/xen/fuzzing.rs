//! Properties of what Xen writes; see [`crate::fuzzing`].

use crate::runstate::{Expected, Record, Runstates, VcpuId, What};
use crate::xen::trace::parse_words;

/// Checks the parser of trace buffers, and that its records, whatever they are, add up to the time that passed.
pub fn trace(bytes: &[u8]) {
    let words = bytes.as_chunks().0;
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let records = parse_words(&words);
    // Each record has at least two words, and says at most two things.
    assert!(records.len() <= words.len());
    // What is cut off changes nothing before it.
    for length in [words.len() / 2, words.len().saturating_sub(1)] {
        let shorter = parse_words(&words[..length]);
        assert!(records.starts_with(&shorter), "{length}");
    }
    adds_up(&records);
}

/// Asserts that each expected vCPU's states fill the interval, in any order of the records.
fn adds_up(records: &[Record]) {
    let vcpu = |record: &Record| match record.what {
        What::Change { vcpu, .. } => Some(vcpu),
        What::Lost | What::Complete => None,
    };
    let mut vcpus: Vec<VcpuId> = records.iter().filter_map(vcpu).collect();
    vcpus.sort_unstable();
    vcpus.dedup();
    let expected = vcpus.iter().map(|&vcpu| Expected {
        vcpu,
        state: None,
        pcpu: None,
        may_run_on: vec![0, 1],
    });
    let mut states = Runstates::new(expected.collect());
    let (first, second) = records.split_at(records.len() / 2);
    for reading in [first, second, &[]] {
        states.add(reading.to_vec());
    }
    let Some(traced) = states.so_far() else {
        return assert!(records.is_empty());
    };
    for times in traced.vcpus.values() {
        assert_eq!(times.states.total_ns(), traced.interval_ns);
        let waited_for = times.waited_for_ns.values();
        let waited_for: u128 = waited_for.map(|&ns| u128::from(ns)).sum();
        let ready = u128::from(times.states.ready_ns);
        // They are summed as f64, so they are exact to a part in 2^52 of each of a few sums.
        assert!(
            waited_for <= ready + (ready >> 40),
            "{waited_for} of {ready}"
        );
        assert!(times.states.longest_wait_ns <= times.states.ready_ns);
    }
}
