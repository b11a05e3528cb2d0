//! CPU time.

use super::*;

#[test]
fn one_percent_of_the_hosts_cpu_time_lost_is_found() {
    let lost = |snapshot: &mut Snapshot, second: u64| {
        web(snapshot).cpu_time_ns -= second * SECOND / 50;
        web(snapshot).vcpus.as_mut().unwrap()[0].cpu_time_ns -= second * SECOND / 50;
    };
    let report = altered(lost);
    assert_eq!(found(&report), failed("cpu.conservation"));
    let reason = of(&report, "cpu.conservation").reason.as_deref();
    assert_eq!(reason, Some("20.000 ms is not accounted for"));
    // And as well one percent too much.
    let report = altered(|snapshot, second| {
        snapshot.host.pcpu[1].idle_time_ns = Some(second * SECOND * 3 / 10 + second * SECOND / 50);
    });
    assert_eq!(found(&report), failed("cpu.conservation"));
}

#[test]
fn the_smallest_leak_that_is_found_is_the_tolerance() {
    let leak = |ns: u64| {
        altered(move |snapshot, second| {
            web(snapshot).cpu_time_ns -= (second - 1) * ns;
            web(snapshot).vcpus.as_mut().unwrap()[0].cpu_time_ns -= (second - 1) * ns;
        })
    };
    let report = leak(0);
    let Some(Figures::Numbers { tolerance, .. }) = of(&report, "cpu.conservation").figures else {
        panic!("{report:?}");
    };
    // Two pCPUs; a millisecond to either side of both readings, and a tenth of that to either side
    // of Xen's clock.
    assert_eq!(tolerance, 4_400_000);
    assert_eq!(found(&leak(4_400_000)), []);
    assert_eq!(found(&leak(4_400_001)), failed("cpu.conservation"));
}

#[test]
fn xens_clock_counts_and_without_it_the_tolerance_is_wider() {
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
    // Idle times read 9 ms before the domains: the bracket is from the one's start to the other's
    // end.
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
        let kernel = snapshot.host.dom0.as_mut().unwrap();
        kernel.stamp.at_ns = at_ns;
        kernel.idle_time_ns = Some(at_ns / 10 * 7);
    };
    assert_eq!(found(&altered(fast)), warned("cpu.clock"));
    let unknown = altered(|snapshot, second| {
        fast(snapshot, second);
        snapshot.xen_clock = None;
    });
    assert_eq!(found(&unknown), failed("cpu.conservation"));
}

#[test]
fn a_domain_that_went_is_the_reason_for_no_more_than_it_can_have_run() {
    let report = altered(|snapshot, second| {
        if second == 2 {
            snapshot.domains.remove(1);
            let listing = snapshot.listing.as_mut().unwrap();
            listing.domains.as_mut().unwrap().retain(|id| id.0 != 5);
            listing.backends.as_mut().unwrap().clear();
            snapshot.host.pools.as_mut().unwrap()[0].domains = 1;
            snapshot.host.memory_free_bytes += 128 << 20;
            snapshot.host.memory_free_after_bytes = Some(snapshot.host.memory_free_bytes);
            snapshot.host.nodes.as_mut().unwrap()[0].memory_free_bytes =
                Some(snapshot.host.memory_free_bytes);
        }
    });
    assert_eq!(found(&report), warned("cpu.conservation"));
    let reason = of(&report, "cpu.conservation").reason.clone().unwrap();
    assert!(reason.contains("gone within the interval") && reason.contains("domain 5 (web)"));

    // A domain of one vCPU can't take with it what three did not get.
    let mut one = audited(SECOND);
    web(&mut one).vcpus_max = 1;
    let mut two = audited(2 * SECOND);
    two.domains.remove(1);
    for pcpu in &mut two.host.pcpu {
        pcpu.idle_time_ns = one.host.pcpu[pcpu.id as usize].idle_time_ns;
    }
    let report = Auditor::new(one).audit(two).unwrap();
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Failed);
}

#[test]
fn a_domain_that_came_is_accounted_for_from_its_beginning() {
    let mut first = audited(SECOND);
    first.domains.remove(1);
    let mut second = audited(2 * SECOND);
    web(&mut second).cpu_time_ns = SECOND * 9 / 10;
    let report = Auditor::new(first).audit(second).unwrap();
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Ok);
}

#[test]
fn a_pcpu_that_went_offline_leaves_nothing_to_compare() {
    let report = altered(|snapshot, second| {
        if second == 2 {
            snapshot.host.pcpu[1].idle_time_ns = None;
        }
    });
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Skipped);
}

#[test]
fn a_vcpu_at_130_percent_is_found() {
    // Its domain has two, and the other one ran the less.
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
fn a_domain_above_its_online_vcpus_is_found() {
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
fn vcpus_that_do_not_add_up_are_found() {
    let report = altered(|snapshot, second| {
        web(snapshot).vcpus.as_mut().unwrap()[1].cpu_time_ns -= second * SECOND / 100;
    });
    assert_eq!(found(&report), failed("cpu.vcpu_sum"));
}

#[test]
fn a_counter_that_went_back_is_found_and_no_sum_is_made_of_it() {
    let report = altered(|snapshot, second| {
        let domain = web(snapshot);
        domain.cpu_time_ns = 9 * SECOND - second;
        let vcpus = domain.vcpus.as_mut().unwrap();
        vcpus[0].cpu_time_ns = 9 * SECOND - second;
        vcpus[1].cpu_time_ns = 0;
    });
    // The domain's and its vCPU's.
    assert_eq!(
        found(&report),
        [failed("cpu.monotonic"), failed("cpu.monotonic")].concat()
    );
    assert_eq!(of(&report, "cpu.conservation").verdict, Verdict::Skipped);
}

#[test]
fn a_cap_is_kept_within_a_period_of_the_scheduler() {
    let capped = |percent: u16| {
        altered(move |snapshot, _| {
            web(snapshot).scheduling = Some(Scheduling::Credit2 {
                weight: 256,
                cap_percent: Some(percent),
            });
        })
    };
    // It ran 90 %.
    assert_eq!(found(&capped(90)), []);
    assert_eq!(of(&capped(90), "cpu.cap").comparisons, 1);
    assert_eq!(found(&capped(89)), []);
    assert_eq!(found(&capped(85)), failed("cpu.cap"));
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
            .contains("its share was changed")
    );
}

#[test]
fn dom0s_kernel_may_call_any_of_its_waiting_stolen() {
    let kernel = |idle: u64, steal: u64| {
        altered(move |snapshot, second| {
            let kernel = snapshot.host.dom0.as_mut().unwrap();
            kernel.idle_time_ns = Some(second * SECOND * idle / 100);
            kernel.steal_time_ns = Some(second * SECOND * steal / 100);
        })
    };
    // By Xen's count dom0 ran 30 % of the time.
    assert_eq!(found(&kernel(70, 0)), []);
    assert_eq!(found(&kernel(50, 20)), []);
    assert_eq!(found(&kernel(70, 20)), []);
    assert_eq!(found(&kernel(50, 0)), warned("cpu.dom0"));
    assert_eq!(found(&kernel(90, 0)), warned("cpu.dom0"));
}

#[test]
fn each_interrupt_may_cost_dom0_two_ways_into_xen_and_back() {
    // The kernel misses 200 ms a second; reading Xen's clock takes 0.2 ms.
    let with = |interrupts: u64| {
        altered(move |snapshot, second| {
            let kernel = snapshot.host.dom0.as_mut().unwrap();
            kernel.idle_time_ns = Some(second * SECOND * 90 / 100);
            kernel.interrupts = Some(second * interrupts);
        })
    };
    assert_eq!(found(&with(250)), warned("cpu.dom0"));
    assert_eq!(found(&with(500)), []);
    // They cost what the kernel calls idle, and no more than there was of it: 50 ms here, of the
    // 650 ms that the kernel calls busy and Xen did not count.
    let busy = altered(|snapshot, second| {
        let kernel = snapshot.host.dom0.as_mut().unwrap();
        kernel.idle_time_ns = Some(second * SECOND * 5 / 100);
        kernel.interrupts = Some(second * 1_000_000);
    });
    assert_eq!(found(&busy), warned("cpu.dom0"));
}
