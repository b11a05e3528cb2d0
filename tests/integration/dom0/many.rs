//! More domains than two hypercalls list (`FIRST` and `BATCH` in src/xen/domains.rs), with gaps in
//! their IDs.

use std::collections::BTreeSet;

use super::shells::Shells;
use crate::command::{say, tool, xenscope_path};
use crate::record::Record;

/// Returns how many hypercalls `status pv-disk` makes and how many files it opens.
fn cost_of_one() -> (usize, usize) {
    let trace = "/tmp/status.strace";
    let calls = "trace=ioctl,openat";
    let mut words = vec!["-f", "-qq", "-e", calls, "-o", trace];
    let program = xenscope_path();
    words.extend([&*program, "status", "pv-disk", "--interval", "0.1"]);
    tool("strace", &words);
    let trace = std::fs::read_to_string(trace).unwrap();
    let count = |call: &str| trace.lines().filter(|line| line.contains(call)).count();
    (count(" ioctl("), count(" openat("))
}

/// `status` makes no hypercalls and opens no files for domains that are not requested.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn other_domains_do_not_slow_status() {
    let alone = cost_of_one();
    let _others = Shells::create(100, 60, "");
    assert_eq!(cost_of_one(), alone);
    let (hypercalls, files) = alone;
    assert!(hypercalls > 10 && files > 20, "{alone:?}");
}

fn list() -> Record {
    Record::one(&say(&["list", "--format", "json"]).fine())
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn each_of_many_domains_is_listed_once() {
    let before: Vec<u16> = list().domains.iter().map(|domain| domain.id).collect();
    let _near = Shells::create(100, 60, "");
    let _far = Shells::create(60, 1300, "");
    let names: BTreeSet<String> = list()
        .domains
        .into_iter()
        .map(|domain| domain.name.unwrap())
        .collect();
    assert_eq!(names.len(), before.len() + 160);

    let _nameless = Shells::create(1000, 3000, ":nameless");
    let ids: Vec<u16> = list().domains.iter().map(|domain| domain.id).collect();
    let expected: Vec<u16> = before
        .into_iter()
        .chain(60..160)
        .chain(1300..1360)
        .chain(3000..4000)
        .collect();
    assert_eq!(ids, expected);
    let block = say(&["top", "-b", "-i", "1"]).fine();
    assert_eq!(block.lines().count(), ids.len() + 1, "with a heading");
}
