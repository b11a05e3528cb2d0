//! The pCPUs' clocks, and what Xen counts for dom0's vCPUs.

use super::*;
use crate::snapshot::PcpuClock;

/// Sets by how many nanoseconds pCPU 1's clock is ahead, and the uncertainty of reading it.
fn ahead(ns: i64, uncertainty_ns: u64) -> Report {
    altered(move |snapshot, _| {
        let clocks = snapshot.host.pcpu_clocks.as_mut().unwrap();
        clocks[1].ns = clocks[1].ns.saturating_add_signed(ns);
        clocks[0].stamp.uncertainty_ns = 1_000_000;
        clocks[1].stamp.uncertainty_ns = uncertainty_ns;
    })
}

#[test]
fn clocks_agree_within_the_uncertainty_of_reading_them() {
    // Reading pCPU 0's clock has an uncertainty of 1 ms.
    for ns in [0, 1_500_000, -1_500_000] {
        assert_eq!(found(&ahead(ns, 500_000)), []);
    }
    let report = ahead(-1_600_000, 500_000);
    assert_eq!(found(&report), warned("cpu.clock_skew"));
    let reason = of(&report, "cpu.clock_skew").reason.as_ref().unwrap();
    assert!(
        reason.starts_with("the clock of pCPU 1 is behind that of pCPU 0"),
        "{reason}"
    );
    let report = altered(|snapshot, _| snapshot.host.pcpu_clocks = None);
    assert_eq!(of(&report, "cpu.clock_skew").verdict, Verdict::Skipped);
}

/// Changes what Xen counts for dom0's vCPU in the newer sample.
fn counted(fault: impl Fn(&mut Dom0Vcpu)) -> Report {
    altered(move |snapshot, second| {
        if second == 2 {
            fault(&mut snapshot.host.dom0_vcpus.as_mut().unwrap()[0]);
        }
    })
}

#[test]
fn states_of_dom0s_vcpus_add_up() {
    // The samples have an uncertainty of 1 ms each, and reading Xen's clock adds 0.2 ms.
    assert_eq!(found(&counted(|vcpu| vcpu.blocked_ns += 2_000_000)), []);
    let report = counted(|vcpu| vcpu.blocked_ns -= 3_000_000);
    assert_eq!(found(&report), failed("dom0.runstate"));
    // Running instead of blocked: the states add up, but not to dom0's CPU time.
    let report = counted(|vcpu| {
        vcpu.blocked_ns -= 3_000_000;
        vcpu.running_ns += 3_000_000;
    });
    assert_eq!(found(&report), failed("dom0.runstate"));
}

#[test]
fn waiting_is_the_kernels_steal() {
    let waited = |ms: u64, steal_ms: u64| {
        altered(move |snapshot, second| {
            let vcpu = &mut snapshot.host.dom0_vcpus.as_mut().unwrap()[0];
            vcpu.blocked_ns -= second * ms * 1_000_000;
            vcpu.runnable_ns += second * ms * 500_000;
            vcpu.offline_ns += second * ms * 500_000;
            let kernel = snapshot.host.dom0.as_mut().unwrap();
            kernel.steal_time_ns = Some(second * steal_ms * 1_000_000);
        })
    };
    // 20 ms, a tick of 10 ms, and 1 % of a second.
    assert_eq!(found(&waited(200, 200)), []);
    assert_eq!(found(&waited(200, 160)), []);
    assert_eq!(found(&waited(200, 240)), []);
    assert_eq!(found(&waited(200, 150)), warned("dom0.runstate"));
    assert_eq!(found(&waited(200, 250)), warned("dom0.runstate"));
}

#[test]
fn vcpus_that_dom0_has_offline_have_no_steal() {
    let report = altered(|snapshot, second| {
        let vcpus = snapshot.host.dom0_vcpus.as_mut().unwrap();
        vcpus.push(Dom0Vcpu {
            id: 1,
            offline_ns: second * SECOND,
            stamp: vcpus[0].stamp,
            ..Dom0Vcpu::default()
        });
        let dom0 = &mut snapshot.domains[0];
        dom0.vcpus_max = 2;
        let mut offline = dom0.vcpus.as_ref().unwrap()[0].clone();
        (offline.id, offline.cpu_time_ns) = (1, 0);
        offline.state = VcpuState::Offline;
        dom0.vcpus.as_mut().unwrap().push(offline);
    });
    assert_eq!(found(&report), []);
    assert_eq!(of(&report, "dom0.runstate").comparisons, 4);
}

#[test]
fn without_runstates_nothing_is_compared() {
    let report = altered(|snapshot, _| snapshot.host.dom0_vcpus = None);
    assert_eq!(found(&report), []);
    assert_eq!(of(&report, "dom0.runstate").verdict, Verdict::Skipped);
}

/// Loses 5 ms of a pCPU's time, while its clock is ahead or moves ahead by this much.
fn loses(ahead_ns: impl Fn(u64) -> u64) -> Report {
    altered(move |snapshot, second| {
        snapshot.host.pcpu_clocks.as_mut().unwrap()[1].ns += ahead_ns(second);
        let idle = snapshot.host.pcpu[1].idle_time_ns.as_mut().unwrap();
        *idle -= (second - 1) * 5_000_000;
    })
}

#[test]
fn while_clocks_differ_lost_time_is_no_failure() {
    assert_eq!(found(&loses(|_| 0)), failed("cpu.conservation"));
    let both = [warned("cpu.clock_skew"), warned("cpu.conservation")].concat();
    for moved in [
        loses(|_| 1000),
        loses(|second| if second == 2 { 1000 } else { 0 }),
    ] {
        assert_eq!(found(&moved), both);
    }
    let before = loses(|second| if second == 1 { 1000 } else { 0 });
    assert_eq!(found(&before), warned("cpu.conservation"));
    let reason = of(&before, "cpu.conservation").reason.clone().unwrap();
    assert!(reason.ends_with("see cpu.clock_skew"), "{reason}");
}

#[test]
fn clocks_that_were_not_read_closely_may_differ() {
    let read_to = |ns: u64| {
        altered(move |snapshot, second| {
            for clock in snapshot.host.pcpu_clocks.as_mut().unwrap() {
                clock.stamp.uncertainty_ns = ns / 2;
            }
            let idle = snapshot.host.pcpu[1].idle_time_ns.as_mut().unwrap();
            *idle -= (second - 1) * 10_000_000;
        })
    };
    assert_eq!(found(&read_to(200_000)), failed("cpu.conservation"));
    let report = read_to(200_002);
    assert_eq!(found(&report), warned("cpu.conservation"));
    let reason = of(&report, "cpu.clock_skew").reason.clone().unwrap();
    assert!(
        reason.starts_with("the clocks were read to 0.2 ms only"),
        "{reason}"
    );
}

#[test]
fn a_skew_explains_no_more_than_each_wake_up_can_lose() {
    // 10,000 wake-ups a second on each of two pCPUs lose 1 ns each, which is 20 µs beyond the tolerance.
    let reason = |ns: u64| {
        let report = altered(move |snapshot, second| {
            snapshot.host.pcpu_clocks.as_mut().unwrap()[1].ns += 1;
            let idle = snapshot.host.pcpu[1].idle_time_ns.as_mut().unwrap();
            *idle -= (second - 1) * ns;
        });
        of(&report, "cpu.conservation").verdict
    };
    assert_eq!(reason(4_410_000), Verdict::Failed);
    assert_eq!(
        found(&loses(|_| 1000)).last(),
        Some(&("cpu.conservation", Verdict::Warning))
    );
}

/// Loses 3 ms in each of these seconds, with a clock that is changed like this; returns what the sums since the first
/// sample say after each of them.
fn lost_since_first(change: impl Fn(&mut PcpuClock, u64), seconds: u64) -> Vec<Verdict> {
    let at = |second: u64| {
        let mut snapshot = audited(second * SECOND);
        change(&mut snapshot.host.pcpu_clocks.as_mut().unwrap()[1], second);
        let idle = snapshot.host.pcpu[1].idle_time_ns.as_mut().unwrap();
        *idle -= second * 3_000_000;
        snapshot
    };
    let mut auditor = Auditor::new(at(1));
    let mut verdict = |second| of(&auditor.audit(at(second)).unwrap(), "cpu.since_first").verdict;
    (2..2 + seconds).map(&mut verdict).collect()
}

#[test]
fn clocks_that_differed_once_explain_that_interval_alone() {
    use Verdict::{Failed, Skipped, Warning};
    // The first interval has no sums of its own, and the tolerance is 4.4 ms.
    assert_eq!(lost_since_first(|_, _| {}, 3), [Skipped, Failed, Failed]);
    // 10,000 wake-ups a second lose 300 ns each on two pCPUs, before the third sample and after it: 12 ms.
    let ahead = |clock: &mut PcpuClock, second| clock.ns += if second == 3 { 300 } else { 0 };
    assert_eq!(
        lost_since_first(ahead, 5),
        [Skipped, Warning, Warning, Warning, Failed]
    );
    // A clock that was not read closely explains no more than what was missing then, and the tolerance: 3 + 4.4 ms twice,
    // and twice four times 0.25 ms on two pCPUs.
    let coarse = |clock: &mut PcpuClock, second| {
        clock.stamp.uncertainty_ns = if second == 3 { 250_000 } else { 0 };
    };
    let verdicts = lost_since_first(coarse, 9);
    assert_eq!(verdicts[..3], [Skipped, Verdict::Ok, Warning]);
    assert_eq!(verdicts[8], Failed, "{verdicts:?}");
}

#[test]
fn clocks_that_may_differ_explain_no_gain() {
    let gains = |ns: u64| {
        altered(move |snapshot, second| {
            for clock in snapshot.host.pcpu_clocks.as_mut().unwrap() {
                clock.stamp.uncertainty_ns = 150_000;
            }
            let idle = snapshot.host.pcpu[1].idle_time_ns.as_mut().unwrap();
            *idle += (second - 1) * ns;
        })
    };
    assert_eq!(found(&gains(0)), []);
    let found = super::found(&gains(20_000_000));
    assert!(
        found.contains(&("cpu.conservation", Verdict::Failed)),
        "{found:?}"
    );
}
