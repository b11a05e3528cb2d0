//! The JSON of each command, compared to the byte with files in tests/golden: whoever reads it
//! depends on the order and the form of its fields, not only on their values.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use xenscope::feed::{Feed, Recorded};

use super::tests::{recording, run_on};
use crate::fixtures::equipped;

/// Returns a feed of a host with every field, at its second snapshot.
fn host() -> Recorded {
    let (first, second) = equipped();
    let mut feed = Recorded::new(vec![first, second]);
    for _ in 0..2 {
        feed.next().unwrap();
    }
    feed
}

/// Compares the JSON of a command with tests/golden/NAME.jsonl.
fn compare(name: &str, mut feed: Recorded, words: &[&str]) {
    let words = [words, &["--format", "json"]].concat();
    let (printed, _) = run_on(&mut feed, &words);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.jsonl"));
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let same = printed.bytes().zip(golden.bytes());
    let same = same.take_while(|(printed, golden)| printed == golden);
    let at = same.count().saturating_sub(60);
    assert!(
        printed == golden,
        "{} differs from '{}' here:\n{}\nIf that is intended, its new text is:\n{printed}",
        path.display(),
        words.join(" "),
        String::from_utf8_lossy(&printed.as_bytes()[at..])
    );
}

#[test]
fn json_does_not_change_by_a_byte() {
    compare("list", host(), &["list"]);
    compare("status", host(), &["status", "web", "db"]);
    compare("vcpus", host(), &["vcpus"]);
    compare("host", host(), &["host"]);
    compare("audit", recording(), &["audit", "--samples", "2"]);
    compare("events", recording(), &["events", "--since-start"]);
    let (first, second) = equipped();
    let top = Recorded::new(vec![first, second]);
    compare("top", top, &["top", "-b", "-v"]);
}
