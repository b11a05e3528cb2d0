//! The size of recordings of made-up hosts.

use std::time::Duration;

use super::*;
use crate::fixtures::{full, pcpus};
use crate::snapshot::{Collect, DiskCounter, NicCounter};

/// Returns a function that returns random numbers below one.
fn random() -> impl FnMut(u64) -> u64 {
    let mut seed = 1u64;
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    }
}

/// Makes a host busy for a second: each domain uses a random part of it, and one in ten has busy NICs and disks. What
/// the kernel tells in one answer has one stamp, and each disk has its own.
fn pass(host: &mut Snapshot, random: &mut impl FnMut(u64) -> u64) {
    let step = SECOND + random(200_000);
    host.time += Duration::from_nanos(step);
    host.stamp.at_ns += step;
    host.stamp.uncertainty_ns = 300_000 + random(30_000);
    host.host.pcpu_stamp.at_ns = host.stamp.at_ns + random(20_000);
    for ns in host
        .host
        .pcpu
        .iter_mut()
        .flat_map(|pcpu| &mut pcpu.idle_time_ns)
    {
        *ns += random(SECOND);
    }
    let of_nics = host.stamp.at_ns + random(100_000);
    let mut of_disk = of_nics;
    for domain in &mut host.domains {
        domain.stamp = host.stamp;
        domain.cpu_time_ns += random(SECOND);
        let is_busy = domain.id.0 % 10 == 0;
        for nic in domain.nics.iter_mut().flatten() {
            nic.stamp.at_ns = of_nics;
            nic.stamp.uncertainty_ns = host.stamp.uncertainty_ns;
            for (counter, below) in [
                (NicCounter::RxBytes, 1 << 24),
                (NicCounter::TxBytes, 1 << 24),
                (NicCounter::RxPackets, 1 << 13),
                (NicCounter::TxPackets, 1 << 13),
            ] {
                let more = if is_busy { random(below) } else { 0 };
                nic.counters[counter] = nic.counters[counter].map(|before| before + more);
            }
        }
        for disk in domain.disks.iter_mut().flatten() {
            let took = 8_000 + random(2_000);
            disk.stamp.at_ns = of_disk + took / 2;
            disk.stamp.uncertainty_ns = took / 2;
            of_disk += took + random(500);
            for (counter, unit) in [
                (DiskCounter::ReadBytes, 4096),
                (DiskCounter::WriteBytes, 4096),
                (DiskCounter::ReadRequests, 1),
                (DiskCounter::WriteRequests, 1),
            ] {
                let more = if is_busy { unit * random(1 << 10) } else { 0 };
                disk.counters[counter] = disk.counters[counter].map(|before| before + more);
            }
        }
    }
}

/// Returns the mean bytes of a sample in the file of a recording of this many seconds.
fn bytes_a_sample(count: u16, seconds: u64) -> u64 {
    let random = &mut random();
    let mut host = at_work(count).1;
    host.host = full(host.host);
    host.host.pcpu = pcpus(32, 1000 * SECOND);
    host.collected = Collect::ALL;
    for domain in &mut host.domains {
        let [high, low] = [random(u64::MAX), random(u64::MAX)];
        domain.uuid = uuid::Uuid::from_u64_pair(high, low);
        domain.xenstore_uuid = Some(domain.uuid);
        domain.vcpus_available = Some(vec![Some(true); 2]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.sqlite");
    let mut recorder = Recorder::to_file(&path).unwrap();
    for _ in 0..seconds {
        pass(&mut host, random);
        recorder.push(&Arc::new(host.clone())).unwrap();
    }
    recorder.close().unwrap();
    std::fs::metadata(&path).unwrap().len() / seconds
}

#[test]
fn samples_are_small() {
    // The tables and the index take some pages, which count less the longer a recording is.
    let few = bytes_a_sample(20, 3600);
    let many = bytes_a_sample(1000, 400);
    println!("{few} and {many} bytes a sample");
    assert!(few * 86_400 <= 40_000_000, "{few}");
    assert!(many <= 12 << 10, "{many}");
}
