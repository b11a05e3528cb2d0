//! More domains than two hypercalls list (`FIRST` and `BATCH` in src/xen/domains.rs), with gaps in
//! their ids.

use std::collections::BTreeSet;

use super::shells::Shells;
use crate::command::say;
use crate::record::Record;

fn list() -> Record {
    Record::one(&say(&["list", "--format", "json"]).fine())
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn more_domains_than_two_hypercalls_list_appear_once_each_with_gaps_in_their_ids() {
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
