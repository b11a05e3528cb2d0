//! Memory.

use super::*;

#[test]
fn more_memory_than_the_host_has_is_found() {
    let report = altered(|snapshot, _| snapshot.host.memory_bytes = 1 << 30);
    assert_eq!(found(&report), failed("memory.conservation"));
}

/// Makes `web` release 16 MiB, of which this much becomes free.
fn ballooned(snapshot: &mut Snapshot, second: u64, freed: i64) {
    if second == 2 {
        let domain = web(snapshot);
        domain.memory_bytes -= 16 << 20;
        domain.memory_target_bytes = Some(domain.memory_bytes);
        free(snapshot, freed);
    }
}

#[test]
fn growth_of_xens_memory_is_one_finding() {
    let released = |freed: i64| altered(move |snapshot, second| ballooned(snapshot, second, freed));
    assert_eq!(found(&released(16 << 20)), []);
    assert_eq!(found(&released(12 << 20)), warned("memory.xen_share"));
    // A grant table may grow at any time.
    assert_eq!(
        found(&released((16 << 20) - 4096)),
        warned("memory.xen_share")
    );
    // No domain released anything.
    let report = altered(|snapshot, second| free(snapshot, -(4096 * second as i64)));
    assert_eq!(found(&report), warned("memory.xen_share"));
}

#[test]
fn shared_pages_hide_xens_own_memory() {
    let report = altered(|snapshot, second| {
        web(snapshot).memory_shared_bytes = 4096;
        ballooned(snapshot, second, 0);
    });
    assert_eq!(found(&report), []);
    assert_eq!(of(&report, "memory.xen_share").verdict, Verdict::Skipped);
}

#[test]
fn change_of_free_memory_is_tolerated() {
    let report = altered(|snapshot, second| {
        if second == 2 {
            // 8 KiB went from free memory to the domain after the first reading.
            let domain = web(snapshot);
            domain.memory_bytes += 8192;
            domain.memory_target_bytes = Some(domain.memory_bytes);
            let first = snapshot.host.memory_free_bytes;
            free(snapshot, -8192);
            snapshot.host.memory_free_bytes = first;
        }
    });
    assert_eq!(found(&report), []);
}

#[test]
fn nodes_are_compared_with_the_memory_at_their_time() {
    let node = |since: u64| {
        altered(move |snapshot, second| {
            if second >= since {
                snapshot.host.nodes.as_mut().unwrap()[0].memory_free_bytes = Some(4096);
            }
        })
    };
    assert_eq!(found(&node(1)), failed("memory.nodes"));
    assert_eq!(found(&node(2)), warned("memory.nodes"));
    let report = altered(|snapshot, _| snapshot.host.memory_free_at_nodes_bytes = None);
    assert_eq!(found(&report), []);
    assert_eq!(of(&report, "memory.nodes").verdict, Verdict::Skipped);
    let report = altered(|snapshot, _| {
        snapshot.host.nodes.as_mut().unwrap()[0].memory_bytes = Some(1 << 30);
    });
    assert_eq!(found(&report), failed("memory.nodes"));
}

#[test]
fn sum_of_claims_is_checked() {
    let report = altered(|snapshot, _| web(snapshot).memory_claimed_bytes = 4096);
    assert_eq!(found(&report), failed("memory.claims"));
    let report = altered(|snapshot, second| web(snapshot).memory_claimed_bytes = 4096 * second);
    assert_eq!(found(&report), warned("memory.claims"));
}

/// Lowers the ceiling of `web` to 101 MiB. Its memory is this at this second.
fn above_ceiling(memory: impl Fn(u64) -> u64) -> impl Fn(&mut Snapshot, u64) {
    move |snapshot, second| {
        let domain = web(snapshot);
        let released = domain.memory_bytes as i64 - memory(second) as i64;
        domain.memory_bytes = memory(second);
        domain.memory_max_bytes = Some(101 << 20);
        free(snapshot, released);
    }
}

#[test]
fn domain_that_stays_above_its_ceiling_is_found() {
    let stays = above_ceiling(|_| 128 << 20);
    assert_eq!(found(&altered(&stays)), warned("memory.ceiling"));
    fails_after_30_s("memory.ceiling", stays);
    let grows = altered(above_ceiling(|second| (128 << 20) + second * 4096));
    assert!(found(&grows).contains(&("memory.ceiling", Verdict::Failed)));
}

#[test]
fn domain_that_balloons_down_may_be_above_its_ceiling() {
    let falls = above_ceiling(|second| (160 - second) << 20);
    let report = audited_at(&[1, 20, 50], falls);
    assert_eq!(of(&report, "memory.ceiling").verdict, Verdict::Ok);
    // The last step was 29 s ago.
    let pauses = above_ceiling(|second| if second < 20 { 128 << 20 } else { 120 << 20 });
    let report = audited_at(&[1, 20, 49], pauses);
    assert_eq!(of(&report, "memory.ceiling").verdict, Verdict::Warning);
}

#[test]
fn video_memory_is_not_part_of_the_target() {
    let report = altered(|snapshot, _| {
        let domain = web(snapshot);
        domain.memory_target_bytes = Some(112 << 20);
        domain.memory_videoram_bytes = Some(16 << 20);
    });
    assert_eq!(found(&report), []);
    let report = altered(|snapshot, _| web(snapshot).memory_videoram_bytes = Some(16 << 20));
    assert_eq!(found(&report), warned("memory.target"));
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
