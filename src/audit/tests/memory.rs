//! Memory.

use super::*;

#[test]
fn pages_that_are_lost_are_found() {
    // A domain gives up 16 MiB, and a quarter of it is never free again.
    let report = altered(|snapshot, second| {
        if second == 2 {
            let domain = web(snapshot);
            domain.memory_bytes -= 16 << 20;
            domain.memory_target_bytes = Some(domain.memory_bytes);
            free(snapshot, 12 << 20);
        }
    });
    assert_eq!(found(&report), failed("memory.conservation"));
    let given_up = altered(|snapshot, second| {
        if second == 2 {
            let domain = web(snapshot);
            domain.memory_bytes -= 16 << 20;
            domain.memory_target_bytes = Some(domain.memory_bytes);
            free(snapshot, 16 << 20);
        }
    });
    assert_eq!(found(&given_up), []);
    // Free memory that dwindles while no domain grows went to Xen itself, rightly or not.
    let report = altered(|snapshot, second| free(snapshot, -(4096 * second as i64)));
    assert_eq!(found(&report), warned("memory.xen_share"));
    // More than there is.
    let report = altered(|snapshot, _| snapshot.host.memory_bytes = 1 << 30);
    assert_eq!(found(&report), failed("memory.conservation"));
}

#[test]
fn memory_that_moves_while_it_is_read_is_tolerated() {
    let report = altered(|snapshot, second| {
        if second == 2 {
            // 8 KiB went from free to the domain after the first reading.
            let domain = web(snapshot);
            domain.memory_bytes += 8192;
            domain.memory_target_bytes = Some(domain.memory_bytes);
            let host = &mut snapshot.host;
            host.memory_free_after_bytes = Some(host.memory_free_bytes - 8192);
            host.nodes.as_mut().unwrap()[0].memory_free_bytes = Some(host.memory_free_bytes - 8192);
        }
    });
    assert_eq!(found(&report), []);
}

#[test]
fn claims_and_nodes_that_do_not_add_up_are_found() {
    let report = altered(|snapshot, _| web(snapshot).memory_claimed_bytes = 4096);
    assert_eq!(found(&report), failed("memory.claims"));
    let report = altered(|snapshot, second| web(snapshot).memory_claimed_bytes = 4096 * second);
    assert_eq!(found(&report), warned("memory.claims"));
    let report = altered(|snapshot, _| {
        snapshot.host.nodes.as_mut().unwrap()[0].memory_free_bytes = Some(4096);
    });
    assert_eq!(found(&report), failed("memory.nodes"));
}

#[test]
fn a_domain_above_its_ceiling_is_found_unless_it_comes_down_to_its_target() {
    let ceiling = |target: u64, grows: u64| {
        altered(move |snapshot, second| {
            free(snapshot, -((grows * second) as i64));
            let domain = web(snapshot);
            domain.memory_bytes += grows * second;
            domain.memory_max_bytes = Some((target + 1) << 20);
            domain.memory_target_bytes = Some(target << 20);
        })
    };
    assert_eq!(found(&ceiling(100, 0)), warned("memory.target"));
    let report = ceiling(100, 4096);
    assert!(found(&report).contains(&("memory.ceiling", Verdict::Failed)));
    let report = altered(|snapshot, _| {
        web(snapshot).memory_max_bytes = Some(127 << 20);
        web(snapshot).memory_static_max_bytes = Some(126 << 20);
    });
    assert_eq!(found(&report), failed("memory.ceiling"));
}

#[test]
fn how_long_a_target_is_not_followed_is_told() {
    let at = |second: u64, off: bool| {
        let mut snapshot = audited(second * SECOND);
        if off {
            web(&mut snapshot).memory_target_bytes = Some(100 << 20);
        }
        snapshot
    };
    let mut auditor = Auditor::new(at(1, false));
    auditor.audit(at(2, true));
    auditor.audit(at(3, true));
    let report = auditor.audit(at(5, true)).unwrap();
    assert_eq!(found(&report), warned("memory.target"));
    let reason = of(&report, "memory.target").reason.clone().unwrap();
    assert!(reason.contains("for 3.0 s at least"), "{reason}");
    // A time that it was on target in between counts anew.
    auditor.audit(at(6, false));
    let report = auditor.audit(at(7, true)).unwrap();
    let reason = of(&report, "memory.target").reason.clone().unwrap();
    assert!(reason.contains("for 0.0 s at least"), "{reason}");
}

#[test]
fn a_domain_that_was_shut_down_has_no_target_to_follow() {
    let report = altered(|snapshot, _| {
        web(snapshot).states.shutdown = Some(ShutdownReason::Poweroff);
        web(snapshot).memory_target_bytes = Some(1 << 20);
    });
    assert_eq!(found(&report), []);
}
