//! The lines below a domain, and those of the pCPUs at the end of a block.

use crate::sample::{PcpuSample, Sample};
use crate::snapshot::{Disk, DiskBackend, DiskCounter, Domain, Nic, NicCounter, VcpuState};
use crate::text::or_unknown;
use crate::units::tenths;
use crate::xentop::SECTOR;

/// Formats the CPU times of the online vCPUs in seconds, five to a line.
pub(super) fn vcpus(domain: &Domain) -> String {
    let mut out = "VCPUs(sec): ".to_owned();
    for vcpu in domain.vcpus.iter().flatten() {
        if vcpu.state != VcpuState::Offline {
            if vcpu.id != 0 && vcpu.id % 5 == 0 {
                out.push_str("\n        ");
            }
            let seconds = vcpu.cpu_time_ns / 1_000_000_000;
            out.push_str(&format!(" {:2}: {seconds:10}s", vcpu.id));
        }
    }
    out.push('\n');
    out
}

/// Formats a NIC, as seen from dom0.
pub(super) fn network(index: usize, nic: &Nic) -> String {
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    let side = |[bytes, packets, errors, drops]: [Option<u64>; 4]| {
        format!(
            "{:>8}bytes {:>8}pkts {:>8}err {:>8}drop",
            count(bytes),
            count(packets),
            count(errors),
            count(drops)
        )
    };
    format!(
        "Net{index} RX: {}  TX: {}\n",
        side([
            nic[NicCounter::TxBytes],
            nic[NicCounter::TxPackets],
            nic[NicCounter::TxErrors],
            nic[NicCounter::TxDrops]
        ]),
        side([
            nic[NicCounter::RxBytes],
            nic[NicCounter::RxPackets],
            nic[NicCounter::RxErrors],
            nic[NicCounter::RxDrops]
        ])
    )
}

/// Formats a disk.
pub(super) fn vbd(disk: &Disk) -> String {
    let kind = match disk.backend {
        DiskBackend::Blkback => "BlkBack",
        DiskBackend::Tapdisk => "Tapdisk3",
        DiskBackend::Qdisk => "Unidentified",
    };
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    let sectors = |bytes: Option<u64>| count(bytes.map(|bytes| bytes / SECTOR));
    format!(
        "VBD {kind} {:4} [{:2x}:{:2x}]  OO: {:>8}   RD: {:>8}   WR: {:>8}   RSECT: {:>10}   WSECT: {:>10}\n",
        disk.id,
        disk.id >> 8,
        disk.id & 0xff,
        count(disk[DiskCounter::OutOfSlots]),
        count(disk[DiskCounter::ReadRequests]),
        count(disk[DiskCounter::WriteRequests]),
        sectors(disk[DiskCounter::ReadBytes]),
        sectors(disk[DiskCounter::WriteBytes])
    )
}

/// Formats the pCPUs in a box.
pub(super) fn pcpus(sample: Sample<'_>) -> String {
    const EDGE: &str = "+-------+--------+\n";
    let mut out = format!("\nPhysical CPU Usage:\n{EDGE}| Core  | Usage  |\n{EDGE}");
    for PcpuSample {
        pcpu,
        cpu_percent: busy,
        ..
    } in sample.host().pcpus()
    {
        out.push_str(&format!("| {:<5} | {:>5}% |\n", pcpu.id, tenths(busy)));
    }
    out.push_str(EDGE);
    out
}
