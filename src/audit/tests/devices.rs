//! Devices.

use super::*;

#[test]
fn backend_without_domain_is_found() {
    let report = altered(|snapshot, _| list(snapshot, backend("qdisk", 4001, 0)));
    assert_eq!(found(&report), failed("devices.backends"));
    let report = altered(|snapshot, _| snapshot.orphans.push(backend("vbd", 4001, 51712)));
    assert_eq!(found(&report), failed("devices.backends"));
    let report = altered(|snapshot, second| {
        if second == 2 {
            list(snapshot, backend("vif", 4001, 0));
        }
    });
    assert_eq!(found(&report), warned("devices.backends"));
}

#[test]
fn device_on_one_side_only_is_found() {
    let report = altered(|snapshot, _| web(snapshot).nics.as_mut().unwrap().push(nic(1, 0, 0)));
    assert_eq!(found(&report), failed("devices.kernel"));
    let report = altered(|snapshot, _| web(snapshot).disks.as_mut().unwrap().clear());
    assert_eq!(found(&report), failed("devices.kernel"));
    let report = altered(|snapshot, second| {
        if second == 2 {
            web(snapshot).disks.as_mut().unwrap().clear();
        }
    });
    assert_eq!(found(&report), warned("devices.kernel"));
    // dom0's kernel does not know disks that user space serves.
    let report = altered(|snapshot, _| {
        let mut tapdisk = disk(51728, 0, 0);
        tapdisk.backend = DiskBackend::Tapdisk;
        web(snapshot).disks.as_mut().unwrap().push(tapdisk);
        list(snapshot, backend("vbd3", 5, 51728));
        // Nor what other domains serve.
        let (mut nic, mut disk) = (nic(1, 0, 0), disk(51744, 0, 0));
        (nic.backend_domain, disk.backend_domain) = (DomId(3), DomId(3));
        web(snapshot).nics.as_mut().unwrap().push(nic);
        web(snapshot).disks.as_mut().unwrap().push(disk);
    });
    assert_eq!(found(&report), []);
}

#[test]
fn vcpu_that_went_offline_without_request_is_found() {
    let offline = |available: bool, ran: bool| {
        altered(move |snapshot, second| {
            let domain = web(snapshot);
            domain.vcpus_available = Some(vec![Some(true), Some(available)]);
            let vcpu = &mut domain.vcpus.as_mut().unwrap()[1];
            let time = vcpu.cpu_time_ns;
            (vcpu.state, vcpu.pcpu) = (VcpuState::Offline, None);
            if !ran {
                vcpu.cpu_time_ns = 0;
                domain.cpu_time_ns -= time;
                let idle = &mut snapshot.host.pcpu[0].idle_time_ns;
                *idle = Some(idle.unwrap() + second * SECOND * 3 / 10);
            }
        })
    };
    assert_eq!(found(&offline(true, true)), failed("devices.vcpus"));
    assert_eq!(found(&offline(true, false)), warned("devices.vcpus"));
    assert_eq!(found(&offline(false, true)), []);
    // Requested to go offline, but still online.
    let report = altered(|snapshot, _| {
        web(snapshot).vcpus_available = Some(vec![Some(true), Some(false)]);
    });
    assert_eq!(found(&report), warned("devices.vcpus"));
}
