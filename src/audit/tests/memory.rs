//! Memory.

use super::*;

#[test]
fn lost_pages_are_found() {
    // A domain releases 16 MiB, and a quarter of it does not become free.
    let report = altered(|snapshot, second| {
        if second == 2 {
            let domain = web(snapshot);
            domain.memory_bytes -= 16 << 20;
            domain.memory_target_bytes = Some(domain.memory_bytes);
            free(snapshot, 12 << 20);
        }
    });
    assert_eq!(found(&report), failed("memory.conservation"));
    let released = altered(|snapshot, second| {
        if second == 2 {
            let domain = web(snapshot);
            domain.memory_bytes -= 16 << 20;
            domain.memory_target_bytes = Some(domain.memory_bytes);
            free(snapshot, 16 << 20);
        }
    });
    assert_eq!(found(&released), []);
    // Free memory that shrinks while no domain grows went to Xen.
    let report = altered(|snapshot, second| free(snapshot, -(4096 * second as i64)));
    assert_eq!(found(&report), warned("memory.xen_share"));
    // More than the host has.
    let report = altered(|snapshot, _| snapshot.host.memory_bytes = 1 << 30);
    assert_eq!(found(&report), failed("memory.conservation"));
}

#[test]
fn change_of_free_memory_is_tolerated() {
    let report = altered(|snapshot, second| {
        if second == 2 {
            // 8 KiB went from free memory to the domain after the first reading.
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
fn sums_of_claims_and_nodes_are_checked() {
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
fn domain_above_its_ceiling_is_found() {
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
fn time_off_target_is_reported() {
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
    assert!(reason.contains("for at least 3.0 s"), "{reason}");
    // After a time on target, the count starts again.
    auditor.audit(at(6, false));
    let report = auditor.audit(at(7, true)).unwrap();
    let reason = of(&report, "memory.target").reason.clone().unwrap();
    assert_eq!(reason, "domain 5 (web): not at its target");
}

#[test]
fn shut_down_domain_has_no_target() {
    let report = altered(|snapshot, _| {
        web(snapshot).states.shutdown = Some(ShutdownReason::Poweroff);
        web(snapshot).memory_target_bytes = Some(1 << 20);
    });
    assert_eq!(found(&report), []);
}
