//! Sums of CPU time.

use super::*;

#[test]
fn one_percent_of_lost_cpu_time_is_found() {
    let lost = |snapshot: &mut Snapshot, second: u64| {
        web(snapshot).cpu_time_ns -= second * SECOND / 50;
        web(snapshot).vcpus.as_mut().unwrap()[0].cpu_time_ns -= second * SECOND / 50;
    };
    let report = altered(lost);
    assert_eq!(found(&report), failed("cpu.conservation"));
    let reason = of(&report, "cpu.conservation").reason.as_deref();
    assert_eq!(reason, Some("20.000 ms is not accounted for"));
    // So is one per cent too much.
    let report = altered(|snapshot, second| {
        snapshot.host.pcpu[1].idle_time_ns = Some(second * SECOND * 3 / 10 + second * SECOND / 50);
    });
    assert_eq!(found(&report), failed("cpu.conservation"));
}

#[test]
fn losses_above_the_tolerance_are_found() {
    let lose = |ns: u64| {
        altered(move |snapshot, second| {
            web(snapshot).cpu_time_ns -= (second - 1) * ns;
            web(snapshot).vcpus.as_mut().unwrap()[0].cpu_time_ns -= (second - 1) * ns;
        })
    };
    let report = lose(0);
    let Some(Figures::Numbers { tolerance, .. }) = of(&report, "cpu.conservation").figures else {
        panic!("{report:?}");
    };
    // Two pCPUs. The uncertainty of both readings is 1 ms in each direction, that of Xen's clock
    // 0.1 ms.
    assert_eq!(tolerance, 4_400_000);
    assert_eq!(found(&lose(4_400_000)), []);
    assert_eq!(found(&lose(4_400_001)), failed("cpu.conservation"));
}

#[test]
fn without_xens_clock_the_tolerance_is_wider() {
    let tolerance = |fault: fn(&mut Snapshot)| {
        let report = altered(|snapshot, _| fault(snapshot));
        match of(&report, "cpu.conservation").figures {
            Some(Figures::Numbers { tolerance, .. }) => tolerance,
            _ => panic!("{report:?}"),
        }
    };
    assert_eq!(tolerance(|_| {}), 4_400_000);
    // 500 ppm of a second for each pCPU.
    assert_eq!(tolerance(|snapshot| snapshot.xen_clock = None), 5_000_000);
    // The idle times are read 9 ms before the domains: the interval is from the start of the one to
    // the end of the other.
    let apart = |snapshot: &mut Snapshot| {
        snapshot.host.pcpu_stamp = stamp(snapshot.stamp.at_ns - 9_000_000);
    };
    assert_eq!(tolerance(apart), 2 * (5_500_000 * 2 + 200_000));

    // dom0's clock ran a tenth too fast: its second is 0.9 of Xen's.
    let fast = |snapshot: &mut Snapshot, second: u64| {
        *snapshot = audited(second * SECOND / 10 * 9);
        let at_ns = second * SECOND;
        snapshot.stamp.at_ns = at_ns;
        snapshot.host.pcpu_stamp.at_ns = at_ns;
        snapshot.xen_clock.as_mut().unwrap().stamp.at_ns = at_ns;
        for domain in &mut snapshot.domains {
            domain.stamp.at_ns = at_ns;
            for vcpu in domain.vcpus.iter_mut().flatten() {
                vcpu.stamp.at_ns = at_ns;
            }
        }
        for clock in snapshot.host.pcpu_clocks.iter_mut().flatten() {
            clock.stamp.at_ns = at_ns;
        }
        for vcpu in snapshot.host.dom0_vcpus.iter_mut().flatten() {
            vcpu.stamp.at_ns = at_ns;
        }
        snapshot.host.dom0.as_mut().unwrap().stamp.at_ns = at_ns;
    };
    assert_eq!(found(&altered(fast)), warned("cpu.clock"));
    let unknown = altered(|snapshot, second| {
        fast(snapshot, second);
        snapshot.xen_clock = None;
    });
    assert_eq!(
        found(&unknown),
        [failed("cpu.conservation"), failed("dom0.runstate")].concat()
    );
}

/// Audits two samples. `web` has a state in the first, and is gone in the second.
fn gone(state: impl Fn(&mut Domain)) -> Report {
    altered(|snapshot, second| {
        if second == 1 {
            state(web(snapshot));
            return;
        }
        snapshot.domains.remove(1);
        let listing = snapshot.listing.as_mut().unwrap();
        listing.domains.retain(|id| id.0 != 5);
        listing.backends.clear();
        snapshot.host.pools.as_mut().unwrap()[0].domains = 1;
        free(snapshot, 128 << 20);
    })
}

#[test]
fn destroyed_domain_explains_what_its_vcpus_can_have_used() {
    // It used 900 ms.
    let report = gone(|_| {});
    assert_eq!(found(&report), warned("cpu.conservation"));
    let reason = of(&report, "cpu.conservation").reason.clone().unwrap();
    assert!(reason.contains("destroyed in this time") && reason.contains("domain 5 (web)"));
    let conservation = |report: &Report| of(report, "cpu.conservation").verdict;
    // One vCPU can have run for so long, even if the others were offline.
    assert_eq!(
        conservation(&gone(|web| web.vcpus_online = 1)),
        Verdict::Warning
    );
    assert_eq!(
        conservation(&gone(|web| web.vcpus_online = 0)),
        Verdict::Failed
    );
    let shutdown = |web: &mut Domain| web.states.shutdown = Some(ShutdownReason::Poweroff);
    assert_eq!(conservation(&gone(shutdown)), Verdict::Failed);
    assert_eq!(
        conservation(&gone(|web| web.states.dying = true)),
        Verdict::Failed
    );
}

/// Audits a sample each second for ten minutes, and returns the last report. `web` loses this much CPU
/// time each second. A domain that nothing else knows comes and goes every 10 s, and shuts down 3 s
/// before that.
fn ten_minutes(lost_ns_per_second: u64) -> Report {
    let at = |second: u64| {
        let mut snapshot = audited(second * SECOND);
        web(&mut snapshot).cpu_time_ns -= second * lost_ns_per_second;
        web(&mut snapshot).vcpus.as_mut().unwrap()[0].cpu_time_ns -= second * lost_ns_per_second;
        // Before it runs, and after it shut down, its pCPU is idle.
        let ran = |age: u64| age.min(5) * SECOND / 100;
        let (age, before) = (second % 10, second / 10 * ran(9));
        let idle = snapshot.host.pcpu[0].idle_time_ns.unwrap();
        snapshot.host.pcpu[0].idle_time_ns = Some(idle - before - ran(age));
        if age > 0 {
            let mut guest = domain(100 + (second / 10) as u16, "", second * SECOND, ran(age));
            guest.states.shutdown = (age > 6).then_some(ShutdownReason::Poweroff);
            snapshot.domains.push(guest);
        }
        snapshot
    };
    let mut auditor = Auditor::new(at(10));
    for second in 11..610 {
        auditor.audit(at(second)).unwrap();
    }
    auditor.audit(at(610)).unwrap()
}

#[test]
fn a_longer_audit_finds_smaller_leaks() {
    let report = ten_minutes(0);
    let whole = of(&report, "cpu.since_first");
    assert_eq!(whole.verdict, Verdict::Ok, "{whole:?}");
    let reason = whole.reason.as_deref().unwrap();
    assert!(
        reason.starts_with("over 600.0 s, a leak above 0.0004 %"),
        "{reason}"
    );
    // 0.01 % of two pCPUs.
    let report = ten_minutes(2 * SECOND / 10_000);
    let whole = of(&report, "cpu.since_first");
    assert_eq!(whole.verdict, Verdict::Failed, "{whole:?}");
    assert!(
        whole
            .reason
            .as_deref()
            .unwrap()
            .starts_with("120.000 ms is not accounted for")
    );
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Ok);
}

#[test]
fn sums_start_anew_if_they_cannot_be_compared() {
    let at = |second: u64| {
        let mut snapshot = audited(second * SECOND);
        let offline = second == 3;
        if offline {
            snapshot.host.pcpu[1].idle_time_ns = None;
        }
        snapshot
    };
    let mut auditor = Auditor::new(at(1));
    let mut verdict = |second| {
        let report = auditor.audit(at(second)).unwrap();
        of(&report, "cpu.since_first").verdict
    };
    use Verdict::{Ok, Skipped};
    assert_eq!(
        [2, 3, 4, 5, 6, 7].map(&mut verdict),
        [Skipped, Skipped, Skipped, Skipped, Ok, Ok]
    );
}

#[test]
fn new_domain_counts_from_zero() {
    let mut first = audited(SECOND);
    first.domains.remove(1);
    let mut second = audited(2 * SECOND);
    web(&mut second).cpu_time_ns = SECOND * 9 / 10;
    let report = Auditor::new(first).audit(second).unwrap();
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Ok);
}

/// Puts dom0 and pCPU 0 in one pool, and `web` and pCPU 1 in another, where it runs for 90 % of the time.
fn in_two_pools(snapshot: &mut Snapshot, second: u64) {
    let host = &mut snapshot.host;
    for (pcpu, tenths) in host.pcpu.iter_mut().zip([7, 1]) {
        pcpu.idle_time_ns = Some(second * SECOND / 10 * tenths);
    }
    let pools = host.pools.as_mut().unwrap();
    (pools[0].pcpus, pools[0].domains) = (vec![0], 1);
    let second = Pool {
        id: 1,
        pcpus: vec![1],
        ..pools[0].clone()
    };
    pools.push(second);
    web(snapshot).pool = 1;
    for vcpu in web(snapshot).vcpus.iter_mut().flatten() {
        vcpu.hard_affinity = Some(vec![1]);
    }
}

#[test]
fn time_that_goes_to_another_pool_is_found() {
    assert_eq!(found(&altered(in_two_pools)), []);
    let report = altered(in_two_pools);
    assert_eq!(of(&report, "cpu.pools").comparisons, 2);
    // The host's sum is right.
    let moved = |snapshot: &mut Snapshot, second: u64| {
        in_two_pools(snapshot, second);
        for (pcpu, tenths) in snapshot.host.pcpu.iter_mut().zip([6, 2]) {
            pcpu.idle_time_ns = Some(second * SECOND / 10 * tenths);
        }
    };
    assert_eq!(
        found(&altered(moved)),
        [failed("cpu.pools"), failed("cpu.pools")].concat()
    );
}

#[test]
fn pools_that_changed_are_skipped() {
    let changed = |change: fn(&mut Snapshot)| {
        altered(move |snapshot, second| {
            in_two_pools(snapshot, second);
            if second == 2 {
                change(snapshot);
            }
        })
    };
    let skipped = |report: &Report, why: &str| {
        let pools = of(report, "cpu.pools");
        let reason = pools.reason.clone().unwrap_or_default();
        assert!(reason.contains(why), "{pools:?}");
        pools.comparisons
    };
    let moved = changed(|snapshot| web(snapshot).pool = 0);
    assert_eq!(
        skipped(&moved, "pool 0: a domain came or went; pool 1: a domain"),
        0
    );
    let added = changed(|snapshot| snapshot.host.pools.as_mut().unwrap()[1].pcpus.push(2));
    assert_eq!(skipped(&added, "pool 1: a pCPU was added or removed"), 1);
    let one = altered(|_, _| {});
    assert_eq!(skipped(&one, "there is one CPU pool"), 0);
}

#[test]
fn pcpu_that_went_offline_skips_conservation() {
    let report = altered(|snapshot, second| {
        if second == 2 {
            snapshot.host.pcpu[1].idle_time_ns = None;
        }
    });
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Skipped);
}

proptest! {
    /// Over any samples, exactly a loss or a gain above the tolerance of two of them fails.
    #[test]
    fn the_tolerance_does_not_grow(
        steps in proptest::collection::vec((1..9_u64, -3_000_000..3_000_000_i64), 2..40),
    ) {
        let mut auditor = Auditor::new(audited(SECOND));
        let (mut second, mut gained) = (1, 0);
        let mut last = None;
        for (passed, gain) in steps {
            (second, gained) = (second + passed, gained + gain);
            let mut snapshot = audited(second * SECOND);
            let idle = &mut snapshot.host.pcpu[1].idle_time_ns;
            *idle = Some(idle.unwrap().saturating_add_signed(gained));
            last = Some(auditor.audit(snapshot).unwrap());
        }
        let last = last.unwrap();
        let is_wrong = gained.abs() > 4_400_000;
        prop_assert_eq!(of(&last, "cpu.since_first").verdict == Verdict::Failed, is_wrong);
    }
}
