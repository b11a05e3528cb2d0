//! Memory that comes and goes with domains.

use super::*;
use crate::snapshot::{PodMemory, SharedMemory};

/// Audits a host on which domains come and go this often, and Xen keeps this much more memory each time; returns the
/// last report.
fn came_and_went(cycles: u64, count: u16, kept_bytes: i64) -> Report {
    let mut auditor = Auditor::new(audited(SECOND));
    let mut report = None;
    for cycle in 1..=cycles {
        let mut with = audited(2 * cycle * SECOND);
        for id in 10..10 + count {
            let mut new = domain(id, "new", 2 * cycle * SECOND, 0);
            new.memory_bytes = 4096;
            free(&mut with, -4096);
            with.domains.push(new);
        }
        auditor.audit(with).unwrap();
        let mut after = audited((2 * cycle + 1) * SECOND);
        free(&mut after, -kept_bytes * cycle as i64);
        report = auditor.audit(after);
    }
    report.unwrap()
}

#[test]
fn a_page_kept_for_each_domain_again_and_again_is_a_leak() {
    let check = "memory.lifecycle";
    let verdict = |cycles, count, kept| of(&came_and_went(cycles, count, kept), check).verdict;
    assert_eq!(verdict(3, 3, 0), Verdict::Ok);
    assert_eq!(verdict(1, 3, 3 * 4096), Verdict::Warning);
    assert_eq!(verdict(2, 3, 3 * 4096), Verdict::Warning);
    let report = came_and_went(3, 3, 3 * 4096);
    assert_eq!(of(&report, check).verdict, Verdict::Failed);
    let reason = of(&report, check).reason.clone().unwrap();
    let expected =
        "3 domains came and went, and Xen kept 4096 bytes for each, for the 3. time in a row";
    assert_eq!(reason, expected);
    // One page for all three is not a leak of each.
    assert_eq!(verdict(5, 3, 4096), Verdict::Warning);
    assert_eq!(verdict(1, 0, 4096), Verdict::Skipped);
}

#[test]
fn grant_tables_and_paging_pools_are_the_domains() {
    let grown = |part: fn(&mut Domain)| {
        let report = altered(|snapshot, second| {
            let pages = if second == 2 { 8 } else { 4 };
            free(snapshot, -pages * 4096);
            if second == 2 {
                part(web(snapshot));
            }
        });
        of(&report, "memory.xen_share").verdict
    };
    assert_eq!(grown(|_| {}), Verdict::Warning);
    assert_eq!(
        grown(|web| web.grant_table_bytes = Some(4 * 4096)),
        Verdict::Ok
    );
    assert_eq!(
        grown(|web| web.paging_pool_bytes = Some(4 * 4096)),
        Verdict::Ok
    );
}

#[test]
fn shared_pages_are_counted_on_both_sides() {
    let shared = |of_web: u64| {
        altered(move |snapshot, _| {
            web(snapshot).memory_shared_bytes = of_web;
            snapshot.host.shared = Some(SharedMemory {
                used_bytes: 4096,
                freed_bytes: 8192,
            });
        })
    };
    let verdict = |report: &Report| of(report, "memory.sharing").verdict;
    assert_eq!(verdict(&shared(3 * 4096)), Verdict::Ok);
    assert_eq!(verdict(&shared(2 * 4096)), Verdict::Failed);
    assert_eq!(verdict(&altered(|_, _| {})), Verdict::Skipped);
}

#[test]
fn memory_on_demand_needs_memory() {
    let with = |cache_bytes: u64, entries_bytes: u64| {
        altered(move |snapshot, _| {
            web(snapshot).pod = Some(PodMemory {
                cache_bytes,
                entries_bytes,
            });
        })
    };
    assert_eq!(found(&with(8192, 8192)), []);
    assert_eq!(found(&with(4096, 8192)), warned("memory.pod"));
    assert_eq!(of(&with(0, 0), "memory.pod").verdict, Verdict::Skipped);
}
