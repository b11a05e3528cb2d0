//! Limits of CPU time, and clocks.

use super::*;

#[test]
fn vcpu_above_100_percent_is_found() {
    // The other vCPU of its domain used less.
    let report = altered(|snapshot, second| {
        let domain = web(snapshot);
        domain.cpu_time_ns = second * SECOND * 14 / 10;
        let vcpus = domain.vcpus.as_mut().unwrap();
        vcpus[0].cpu_time_ns = second * SECOND * 13 / 10;
        vcpus[1].cpu_time_ns = second * SECOND / 10;
        for pcpu in &mut snapshot.host.pcpu {
            pcpu.idle_time_ns = Some(second * SECOND * 3 / 20);
        }
    });
    assert_eq!(found(&report), failed("cpu.vcpu_limit"));
}

#[test]
fn domain_above_its_online_vcpus_is_found() {
    let report = altered(|snapshot, second| {
        let domain = web(snapshot);
        domain.cpu_time_ns = second * SECOND * 12 / 10;
        domain.vcpus_online = 1;
        let vcpus = domain.vcpus.as_mut().unwrap();
        vcpus[0].cpu_time_ns = second * SECOND * 7 / 10;
        vcpus[1].cpu_time_ns = second * SECOND * 5 / 10;
        for pcpu in &mut snapshot.host.pcpu {
            pcpu.idle_time_ns = Some(second * SECOND / 4);
        }
    });
    assert_eq!(found(&report), failed("cpu.domain_limit"));
}

#[test]
fn pcpu_that_idles_for_too_long_is_found() {
    // The other pCPU idles less.
    let report = altered(|snapshot, second| {
        snapshot.host.pcpu[0].idle_time_ns = Some(second * SECOND * 101 / 100);
        snapshot.host.pcpu[1].idle_time_ns = Some(0);
        web(snapshot).cpu_time_ns -= second * SECOND * 21 / 100;
        web(snapshot).vcpus.as_mut().unwrap()[0].cpu_time_ns -= second * SECOND * 21 / 100;
    });
    assert_eq!(found(&report), failed("cpu.idle_limit"));
}

#[test]
fn vcpu_sum_is_checked() {
    let report = altered(|snapshot, second| {
        web(snapshot).vcpus.as_mut().unwrap()[1].cpu_time_ns -= second * SECOND / 100;
    });
    assert_eq!(found(&report), failed("cpu.vcpu_sum"));
}

#[test]
fn decreased_counter_skips_the_sums() {
    let report = altered(|snapshot, second| {
        let domain = web(snapshot);
        domain.cpu_time_ns = 9 * SECOND - second * SECOND / 100;
        let vcpus = domain.vcpus.as_mut().unwrap();
        vcpus[0].cpu_time_ns = 9 * SECOND - second * SECOND / 100;
        vcpus[1].cpu_time_ns = 0;
    });
    // The domain's counter and its vCPU's.
    assert_eq!(
        found(&report),
        [failed("cpu.monotonic"), failed("cpu.monotonic")].concat()
    );
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Skipped);
}

/// Sets by how much the pCPUs' clocks may differ; `None` if they were not read.
fn skew(snapshot: &mut Snapshot, skew_ns: Option<u64>) {
    match skew_ns {
        Some(ns) => {
            for clock in snapshot.host.pcpu_clocks.as_mut().unwrap() {
                clock.stamp.uncertainty_ns = ns / 2;
            }
        }
        None => snapshot.host.pcpu_clocks = None,
    }
}

/// Audits two samples of clocks that differ by this much. At the second, the counters of `web` are
/// lower by this much than at the first.
fn stepped_back(by_ns: u64, skew_ns: Option<u64>) -> Report {
    altered(|snapshot, second| {
        skew(snapshot, skew_ns);
        let domain = web(snapshot);
        domain.cpu_time_ns = 9 * SECOND - (second - 1) * by_ns;
        let vcpus = domain.vcpus.as_mut().unwrap();
        vcpus[0].cpu_time_ns = domain.cpu_time_ns;
        vcpus[1].cpu_time_ns = 0;
        // All that its pCPUs do is to idle.
        snapshot.host.pcpu[0].idle_time_ns = Some(second * SECOND);
        snapshot.host.pcpu[1].idle_time_ns = Some(second * SECOND * 7 / 10);
    })
}

#[test]
fn skew_of_clocks_explains_steps_back() {
    let twice = |found: Vec<(&'static str, Verdict)>| [found.clone(), found].concat();
    let clocks = stepped_back(900_000, None);
    assert_eq!(found(&clocks), twice(warned("cpu.monotonic")));
    let reason = of(&clocks, "cpu.monotonic").reason.clone().unwrap();
    assert!(reason.contains("clocks"), "{reason}");
    // The domain's counter is that of two vCPUs.
    let more = stepped_back(1_100_000, None);
    let both = [warned("cpu.monotonic"), failed("cpu.monotonic")].concat();
    assert_eq!(found(&more), both);
    assert_eq!(
        found(&stepped_back(3_000_000, None)),
        twice(failed("cpu.monotonic"))
    );
    // If the skew was measured, it is the tolerance.
    assert_eq!(found(&stepped_back(900_000, Some(900_000))), []);
    assert_eq!(
        found(&stepped_back(900_000, Some(400_000))),
        twice(failed("cpu.monotonic"))
    );
    assert_eq!(
        of(&stepped_back(900_000, Some(900_000)), "cpu.conservation").verdict,
        Verdict::Ok
    );
}

#[test]
fn skew_of_clocks_widens_the_tolerances() {
    let tolerance = |check: &str, skew_ns: Option<u64>| {
        let report = altered(|snapshot, _| skew(snapshot, skew_ns));
        match of(&report, check).figures {
            Some(Figures::Numbers { tolerance, .. }) => tolerance,
            _ => panic!("{report:?}"),
        }
    };
    // The closest comparison is that of both pCPUs, of one vCPU, or of a domain with two vCPUs.
    for (check, times) in [
        ("cpu.conservation", 8),
        ("cpu.vcpu_sum", 2),
        ("cpu.vcpu_limit", 2),
        ("cpu.domain_limit", 4),
    ] {
        let wider = tolerance(check, Some(500_000)) - tolerance(check, None);
        assert_eq!(wider, times * 500_000, "{check}");
    }
}

#[test]
fn cap_has_a_tolerance_of_one_period() {
    let capped = |percent: u16| {
        altered(move |snapshot, _| {
            web(snapshot).scheduling = Some(Scheduling::Credit2 {
                weight: 256,
                cap_percent: Some(percent),
            });
        })
    };
    // It used 90 %.
    assert_eq!(found(&capped(90)), []);
    assert_eq!(of(&capped(90), "cpu.cap").comparisons, 1);
    assert_eq!(found(&capped(89)), []);
    assert_eq!(found(&capped(85)), failed("cpu.cap"));
    let credit = |percent: u16, timeslice_ns: Option<u64>| {
        altered(move |snapshot, _| {
            snapshot.host.pools.as_mut().unwrap()[0].timeslice_ns = timeslice_ns;
            web(snapshot).scheduling = Some(Scheduling::Credit {
                weight: 256,
                cap_percent: Some(percent),
            });
        })
    };
    // A timeslice of the cap and one for each vCPU: 30 ms if Xen does not tell.
    assert_eq!(found(&credit(82, None)), []);
    assert_eq!(found(&credit(80, None)), failed("cpu.cap"));
    assert_eq!(found(&credit(82, Some(5_000_000))), failed("cpu.cap"));
    assert_eq!(found(&credit(80, Some(40_000_000))), []);
    let changed = altered(|snapshot, second| {
        web(snapshot).scheduling = Some(Scheduling::Credit {
            weight: 256,
            cap_percent: (second == 2).then_some(20),
        });
    });
    let finding = of(&changed, "cpu.cap");
    assert_eq!(finding.verdict, Verdict::Skipped);
    assert!(
        finding
            .reason
            .as_ref()
            .unwrap()
            .contains("its scheduling changed")
    );
}

#[test]
fn budgets_of_rtds_have_a_tolerance_of_two_periods() {
    // web has two vCPUs, which used 90 % together.
    let with = |budget_ms: u64, extra_time: bool| {
        altered(move |snapshot, _| {
            web(snapshot).scheduling = Some(Scheduling::Rtds {
                reservation: Some(Reservation {
                    period_ns: 10_000_000,
                    budget_ns: budget_ms * 1_000_000,
                    extra_time,
                }),
            });
        })
    };
    assert_eq!(found(&with(5, false)), []);
    assert_eq!(found(&with(4, false)), failed("cpu.cap"));
    assert_eq!(found(&with(4, true)), []);
    assert_eq!(of(&with(4, true), "cpu.cap").verdict, Verdict::Skipped);
}

#[test]
fn c_states_are_idle_time() {
    // pCPU 1 has been idle for 600 ms; 500 ppm of that are 0.3 ms.
    let with = |us: u64| {
        altered(move |snapshot, second| {
            if second == 2 {
                snapshot.host.pcpu[1].idle_states_ns = Some(us * 1000);
            }
        })
    };
    assert_eq!(found(&with(500_000)), []);
    assert_eq!(found(&with(600_300)), []);
    assert_eq!(found(&with(600_301)), failed("cpu.idle_limit"));
}
