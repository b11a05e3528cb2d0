//! Devices.

use super::*;

#[test]
fn backend_without_domain_is_found() {
    let qdisk = |snapshot: &mut Snapshot, _: u64| list(snapshot, backend("qdisk", 4001, 0));
    assert_eq!(found(&altered(qdisk)), warned("devices.backends"));
    fails_after_30_s("devices.backends", qdisk);
    fails_after_30_s("devices.backends", |snapshot, _| {
        snapshot.orphans.push(backend("vbd", 4001, 51712));
    });
}

#[test]
fn device_on_one_side_only_is_found() {
    let unlisted = |snapshot: &mut Snapshot, _: u64| {
        web(snapshot).nics.as_mut().unwrap().push(nic(1, 0, 0));
    };
    assert_eq!(found(&altered(unlisted)), warned("devices.kernel"));
    fails_after_30_s("devices.kernel", unlisted);
    fails_after_30_s("devices.kernel", |snapshot, _| {
        web(snapshot).disks.as_mut().unwrap().clear();
    });
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
fn vcpu_that_a_guest_put_offline_is_a_warning() {
    let offline = |snapshot: &mut Snapshot, available: bool| {
        let domain = web(snapshot);
        domain.vcpus_available = Some(vec![Some(true), Some(available)]);
        let vcpu = &mut domain.vcpus.as_mut().unwrap()[1];
        (vcpu.state, vcpu.pcpu) = (VcpuState::Offline, None);
    };
    let report = audited_at(&[1, 2, 99], |snapshot, _| offline(snapshot, true));
    assert_eq!(found(&report), warned("devices.vcpus"));
    assert_eq!(found(&altered(|snapshot, _| offline(snapshot, false))), []);
    // Requested to go offline, but still online.
    let report = altered(|snapshot, _| {
        web(snapshot).vcpus_available = Some(vec![Some(true), Some(false)]);
    });
    assert_eq!(found(&report), warned("devices.vcpus"));
}
