//! More domains than one hypercall lists, with gaps in their ids, over which xentop stumbles.

use std::collections::BTreeSet;

use super::shells::Shells;
use crate::command::say;
use crate::record::Record;

fn list() -> Record {
    Record::one(&say(&["list", "--format", "json"]).fine())
}

/// What `compare` says of xentop.
fn xentop() -> serde_json::Value {
    let said = say(&["compare", "--with", "xentop", "--format", "json"]);
    assert_eq!((said.code, &*said.stderr), (Some(1), ""));
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn eleven_hundred_domains_with_gaps_in_their_ids_appear_once_each() {
    let before: Vec<u16> = list().domains.iter().map(|domain| domain.id).collect();
    let _near = Shells::create(200, 60, "");
    let _far = Shells::create(400, 1300, "");
    let names: BTreeSet<String> = list()
        .domains
        .into_iter()
        .map(|domain| domain.name.unwrap())
        .collect();
    assert_eq!(names.len(), before.len() + 600);
    let report = xentop();
    let repeated = report["comparison"]["repeated"].as_array().unwrap();
    assert!(!repeated.is_empty(), "{}", report["trouble"]);
    assert!(repeated.iter().all(|it| it["rows"].as_u64() >= Some(2)));

    let _nameless = Shells::create(500, 3000, ":nameless");
    let ids: Vec<u16> = list().domains.iter().map(|domain| domain.id).collect();
    let expected: Vec<u16> = before
        .into_iter()
        .chain(60..260)
        .chain(1300..1700)
        .chain(3000..3500)
        .collect();
    assert_eq!(ids, expected);
    let block = say(&["top", "-b", "-i", "1"]).fine();
    assert_eq!(block.lines().count(), ids.len() + 1, "with a heading");
    // Where it does not crash, it leaves them out.
    let report = xentop();
    let missing = report["comparison"]["missing"].as_array();
    let crashed = report["trouble"].as_str();
    assert!(
        crashed.is_some_and(|why| why.contains("signal"))
            || missing.is_some_and(|missing| missing.len() >= 500),
        "{crashed:?} {missing:?}"
    );
}
