mod properties;
mod states;

use uuid::Uuid;

use super::*;
use crate::fixtures::{ReadAt, SECOND, at_work, boot, disk, domain, nic, snapshot, stamp, vcpu};
use crate::snapshot::{Counters, Disk, DiskBackend, Nic, Vcpu};

/// Returns the rates of a domain that is `old`, and `new` two seconds later.
fn over_two_seconds(old: Domain, new: Domain) -> DomainRates {
    let old = snapshot(0, 0, vec![old]);
    let new = snapshot(2 * SECOND, 0, vec![new]);
    Rates::between(Some(&old), &new).domains.remove(0)
}

fn value(measured: Option<Rate>) -> Option<f64> {
    measured.map(|measured| measured.value)
}

#[test]
fn half_of_the_time_is_50_percent() {
    let mut old = domain(5, "web", 0, 7 * SECOND);
    let mut new = domain(5, "web", 2 * SECOND, 8 * SECOND);
    (old.vcpus_online, new.vcpus_online) = (2, 2);
    let rates = over_two_seconds(old, new);
    assert_eq!(value(rates.cpu_percent), Some(50.0));
    assert_eq!(value(rates.cpu_percent_of_vcpus), Some(25.0));
    // Both samples have a bracket of 1 ms to either side, over 2 s.
    let uncertainty = rates.cpu_percent.map(|percent| percent.uncertainty);
    assert_eq!(uncertainty, Some(50.0 * 0.002 / 2.0));
}

#[test]
fn a_domain_has_its_own_interval() {
    // The second batch of a long list is read later than the first.
    let rates = over_two_seconds(
        domain(5, "web", SECOND, 0),
        domain(5, "web", 5 * SECOND, SECOND),
    );
    assert_eq!(value(rates.cpu_percent), Some(25.0));
}

#[test]
fn other_domains_keep_their_rates() {
    let at = |second: u64, ids: &[u16]| {
        let ran = |&id: &u16| {
            domain(
                id,
                "web",
                second * SECOND,
                second * u64::from(id) * SECOND / 8,
            )
        };
        snapshot(second * SECOND, 0, ids.iter().map(ran).collect())
    };
    let rates = Rates::between(Some(&at(1, &[1, 2, 3, 5, 9])), &at(2, &[0, 3, 4, 9, 11]));
    let percents: Vec<_> = rates
        .domains
        .iter()
        .map(|rates| value(rates.cpu_percent))
        .collect();
    assert_eq!(percents, [None, Some(37.5), None, Some(112.5), None]);
}

#[test]
fn a_first_sample_has_no_rates() {
    let rates = Rates::between(None, &snapshot(SECOND, 0, vec![domain(0, "a", 0, 0)]));
    assert_eq!(rates.interval_ns, None);
    assert_eq!(rates.host.cpu_percent, None);
    assert_eq!(rates.host.pcpu_percent, [None, None]);
    assert_eq!(rates.domains, [DomainRates::default()]);
}

#[test]
fn two_boots_have_no_rates() {
    let (mut old, mut new) = at_work(3);
    (old.boot, new.boot) = (boot(1), boot(1));
    assert!(Rates::between(Some(&old), &new).host.cpu_percent.is_some());
    new.boot = boot(2);
    let rates = Rates::between(Some(&old), &new);
    assert_eq!(rates, Rates::between(None, &new));
    assert_eq!(rates.interval_ns, None);
}

#[test]
fn reused_ids_and_reset_counters_have_no_rates() {
    let old = domain(5, "web", 0, 9 * SECOND);
    let mut reused = domain(5, "web", 2 * SECOND, 10 * SECOND);
    reused.uuid = Uuid::from_u128(99);
    assert_eq!(
        over_two_seconds(old.clone(), reused),
        DomainRates::default()
    );
    let back = domain(5, "web", 2 * SECOND, 8 * SECOND);
    assert_eq!(over_two_seconds(old, back), DomainRates::default());
}

#[test]
fn no_share_of_vcpus_without_online_vcpus() {
    let mut old = domain(5, "web", 0, 0);
    let mut new = domain(5, "web", 2 * SECOND, SECOND);
    (old.vcpus_online, new.vcpus_online) = (0, 0);
    let rates = over_two_seconds(old, new);
    assert_eq!(value(rates.cpu_percent), Some(50.0));
    assert_eq!(rates.cpu_percent_of_vcpus, None);
}

#[test]
fn no_share_of_vcpus_if_their_number_changed() {
    for (before, after) in [(2, 1), (1, 2)] {
        let mut old = domain(5, "web", 0, 0);
        let mut new = domain(5, "web", 2 * SECOND, 3 * SECOND);
        (old.vcpus_online, new.vcpus_online) = (before, after);
        let rates = over_two_seconds(old, new);
        assert_eq!(value(rates.cpu_percent), Some(150.0));
        assert_eq!(rates.cpu_percent_of_vcpus, None);
    }
}

#[test]
fn host_use_is_the_time_not_idle() {
    let busy =
        |old: &Snapshot, new: &Snapshot| value(Rates::between(Some(old), new).host.cpu_percent);
    let old = snapshot(0, 0, vec![]);
    let mut new = snapshot(2 * SECOND, 2 * SECOND, vec![]);
    assert_eq!(busy(&old, &new), Some(0.0));
    new.host.pcpu[0].idle_time_ns = Some(SECOND);
    assert_eq!(busy(&old, &new), Some(25.0));
    // A pCPU that went offline does not count.
    new.host.pcpu[1].idle_time_ns = None;
    assert_eq!(busy(&old, &new), Some(50.0));
    new.host.pcpu[0].idle_time_ns = None;
    assert_eq!(busy(&old, &new), None);
}

#[test]
fn dom0_has_its_own_interval() {
    let at = |pcpus, kernel, cpu_time_ns| {
        let mut snapshot = snapshot(pcpus, 0, vec![]);
        snapshot.host.dom0 = Some(Dom0Kernel {
            cpu_time_ns: Some(cpu_time_ns),
            steal_time_ns: Some(2 * cpu_time_ns),
            stamp: stamp(kernel),
            ..Dom0Kernel::default()
        });
        snapshot
    };
    let percents = |old: &Snapshot, new: &Snapshot| {
        let host = Rates::between(Some(old), new).host;
        [host.dom0_cpu_percent, host.dom0_steal_percent].map(value)
    };
    let old = at(0, SECOND, 0);
    let new = at(2 * SECOND, 5 * SECOND, SECOND);
    assert_eq!(percents(&old, &new), [Some(25.0), Some(50.0)]);
    // This does not need the pCPUs' times.
    let new = at(0, 5 * SECOND, SECOND);
    assert_eq!(percents(&old, &new), [Some(25.0), Some(50.0)]);
    let new = at(2 * SECOND, SECOND, SECOND);
    assert_eq!(percents(&old, &new), [None, None]);
}

/// Returns the rates over two seconds of a domain with this NIC and this disk. Each was read at
/// the time of its domain.
fn of_devices(old: (Nic, Disk), new: (Nic, Disk)) -> DomainRates {
    let with = |at, (mut nic, mut disk): (Nic, Disk)| {
        (nic.stamp, disk.stamp) = (stamp(at), stamp(at));
        let mut domain = domain(5, "web", at, 0);
        (domain.nics, domain.disks) = (Some(vec![nic]), Some(vec![disk]));
        domain
    };
    over_two_seconds(with(0, old), with(2 * SECOND, new))
}

#[test]
fn devices_have_rates_per_second() {
    let rates = of_devices(
        (nic(0, 1024, 0), disk(51712, 512, 0)),
        (nic(0, 5120, 2048), disk(51712, 512, 1024)),
    );
    assert_eq!(value(rates.nics[0][NicCounter::RxBytes]), Some(2048.0));
    assert_eq!(value(rates.nics[0][NicCounter::RxPackets]), Some(2.0));
    assert_eq!(value(rates.nics[0][NicCounter::TxBytes]), Some(1024.0));
    assert_eq!(value(rates.disks[0][DiskCounter::ReadBytes]), Some(0.0));
    assert_eq!(value(rates.disks[0][DiskCounter::WriteBytes]), Some(512.0));
    assert_eq!(value(rates.disks[0][DiskCounter::ReadRequests]), Some(0.0));
    assert_eq!(value(rates.disks[0][DiskCounter::OutOfSlots]), Some(0.0));
    assert_eq!(
        rates.disks[0][DiskCounter::Errors],
        None,
        "its backend does not count them"
    );
}

#[test]
fn errors_and_drops_have_rates() {
    let (mut old_nic, mut old_disk) = (nic(0, 0, 0), disk(51712, 0, 0));
    (old_nic[NicCounter::RxErrors], old_nic[NicCounter::RxDrops]) = (Some(0), Some(10));
    (old_nic[NicCounter::TxErrors], old_nic[NicCounter::TxDrops]) = (Some(20), Some(30));
    (
        old_disk[DiskCounter::FlushRequests],
        old_disk[DiskCounter::DiscardRequests],
    ) = (Some(0), Some(10));
    (
        old_disk[DiskCounter::OutOfSlots],
        old_disk[DiskCounter::Errors],
    ) = (Some(20), Some(30));
    let (mut nic, mut disk) = (old_nic.clone(), old_disk.clone());
    (nic[NicCounter::RxErrors], nic[NicCounter::RxDrops]) = (Some(2), Some(14));
    (nic[NicCounter::TxErrors], nic[NicCounter::TxDrops]) = (Some(26), Some(38));
    (
        disk[DiskCounter::FlushRequests],
        disk[DiskCounter::DiscardRequests],
    ) = (Some(2), Some(14));
    (disk[DiskCounter::OutOfSlots], disk[DiskCounter::Errors]) = (Some(26), Some(38));
    let rates = of_devices((old_nic, old_disk), (nic, disk));
    let (nic, disk) = (rates.nics[0], rates.disks[0]);
    let of_nic = [
        nic[NicCounter::RxErrors],
        nic[NicCounter::RxDrops],
        nic[NicCounter::TxErrors],
        nic[NicCounter::TxDrops],
    ];
    assert_eq!(of_nic.map(value), [1.0, 2.0, 3.0, 4.0].map(Some));
    let of_disk = [
        disk[DiskCounter::FlushRequests],
        disk[DiskCounter::DiscardRequests],
        disk[DiskCounter::OutOfSlots],
        disk[DiskCounter::Errors],
    ];
    assert_eq!(of_disk.map(value), [1.0, 2.0, 3.0, 4.0].map(Some));
}

#[test]
fn a_reset_nic_has_no_rates() {
    let unchanged = || disk(51712, 512, 0);
    let rates = of_devices(
        (nic(0, 4096, 9000), unchanged()),
        (nic(0, 10, 9500), unchanged()),
    );
    assert_eq!(rates.nics, [NicRates::default()]);
    // An error counter that goes back is enough.
    let mut old = nic(0, 0, 0);
    old[NicCounter::TxErrors] = Some(1);
    let rates = of_devices((old, unchanged()), (nic(0, 4096, 4096), unchanged()));
    assert_eq!(rates.nics, [NicRates::default()]);
    assert!(
        rates.disks[0][DiskCounter::ReadBytes].is_some(),
        "the disk is not affected"
    );
}

#[test]
fn a_reset_disk_has_no_rates() {
    let unchanged = || nic(0, 512, 0);
    for counter in Counters::<DiskCounter>::default()
        .into_iter()
        .map(|(counter, _)| counter)
    {
        let (mut old, mut new) = (disk(51712, 512, 512), disk(51712, 1024, 1024));
        (old[counter], new[counter]) = (Some(1000), Some(999));
        let rates = of_devices((unchanged(), old), (unchanged(), new));
        assert_eq!(rates.disks, [DiskRates::default()]);
        assert!(
            rates.nics[0][NicCounter::RxBytes].is_some(),
            "the NIC is not affected"
        );
    }
}

#[test]
fn a_replaced_device_has_no_rates() {
    let mut renamed = nic(0, 5120, 0);
    renamed.device = "other".into();
    let mut restarted = disk(51712, 4096, 0);
    restarted.process = Some(77);
    let rates = of_devices((nic(0, 0, 0), disk(51712, 0, 0)), (renamed, restarted));
    assert_eq!(rates.nics, [NicRates::default()]);
    assert_eq!(rates.disks, [DiskRates::default()]);
}

#[test]
fn a_sum_that_lacks_a_part_is_unknown() {
    let at = |at_ns: u64, more: bool| {
        let (mut nics, mut disks) = (
            vec![nic(0, at_ns, 0).at(at_ns, [])],
            vec![disk(51712, at_ns, 0).at(at_ns, [])],
        );
        if more {
            nics.push(Nic {
                counters: Counters::default(),
                ..nic(1, 0, 0)
            });
            let qdisk = DiskBackend::Qdisk;
            disks.push(Disk::without_counters(
                1,
                "xvdb".into(),
                qdisk,
                stamp(at_ns),
            ));
        }
        Domain {
            nics: Some(nics),
            disks: Some(disks),
            ..domain(5, "web", at_ns, 0)
        }
    };
    for (more, sum) in [(false, Some(1e9)), (true, None)] {
        let web = at(2 * SECOND, more);
        let rates = over_two_seconds(at(0, more), web.clone());
        let nics = rates.of_nics(&web, NicCounter::RxBytes);
        let disks = rates.of_disks(&web, DiskCounter::ReadBytes);
        assert_eq!([nics, disks].map(value), [sum, sum]);
    }
}

#[test]
fn latency_is_the_mean_of_completed_requests() {
    let mut old = disk(51712, 0, 0);
    (old[DiskCounter::ReadRequests], old[DiskCounter::ReadTime]) = (Some(10), Some(1_000));
    (old[DiskCounter::WriteRequests], old[DiskCounter::WriteTime]) = (Some(3), Some(500));
    let mut new = old.clone();
    (new[DiskCounter::ReadRequests], new[DiskCounter::ReadTime]) = (Some(14), Some(9_000));
    let rates = of_devices((nic(0, 0, 0), old), (nic(0, 0, 0), new));
    assert_eq!(rates.disks[0].read_latency_ns, Some(2_000.0));
    assert_eq!(rates.disks[0].write_latency_ns, None, "nothing was written");
}

#[test]
fn a_vcpu_has_its_own_interval() {
    let with = |at, vcpus: Vec<Vcpu>| {
        let mut domain = domain(5, "web", at, 0);
        domain.vcpus = Some(vcpus);
        domain
    };
    let at = |time, mut vcpu: Vcpu| {
        vcpu.stamp = stamp(time);
        vcpu
    };
    let rates = over_two_seconds(
        with(0, vec![at(0, vcpu(1, 0, 0))]),
        // vCPU 0 came online between the samples.
        with(
            2 * SECOND,
            vec![
                at(4 * SECOND, vcpu(0, 0, SECOND)),
                at(4 * SECOND, vcpu(1, 0, SECOND)),
            ],
        ),
    );
    let percents: Vec<_> = rates
        .vcpu_percent
        .iter()
        .map(|&percent| value(percent))
        .collect();
    assert_eq!(percents, [None, Some(25.0)]);
}

#[test]
fn a_sum_with_an_unknown_part_is_unknown() {
    let one = Some(Rate {
        value: 1.0,
        uncertainty: 0.5,
    });
    assert_eq!(value(Rate::sum([one, one])), Some(2.0));
    assert_eq!(Rate::sum([one, None]), None);
    assert_eq!(Rate::sum([]), None);
}
