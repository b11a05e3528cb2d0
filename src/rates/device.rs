//! The rates of NICs and disks, whose counters may begin anew.

use super::{Rate, Span, risen};
use crate::snapshot::{Disk, Nic};

/// What a NIC did per second, seen from the guest. All of it is `None` when it was reset: when any
/// of its counters went back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NicRates {
    /// Bytes received.
    pub rx_bytes: Option<Rate>,
    /// Packets received.
    pub rx_packets: Option<Rate>,
    /// Packets to the guest that failed.
    pub rx_errors: Option<Rate>,
    /// Packets to the guest that were dropped.
    pub rx_drops: Option<Rate>,
    /// Bytes sent.
    pub tx_bytes: Option<Rate>,
    /// Packets sent.
    pub tx_packets: Option<Rate>,
    /// Packets from the guest that failed.
    pub tx_errors: Option<Rate>,
    /// Packets from the guest that were dropped.
    pub tx_drops: Option<Rate>,
}

/// What a disk did per second, and how long it took. All of it is `None` when it was reset: when
/// any of its counters went back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DiskRates {
    /// Read requests.
    pub read_requests: Option<Rate>,
    /// Write requests.
    pub write_requests: Option<Rate>,
    /// Bytes read.
    pub read_bytes: Option<Rate>,
    /// Bytes written.
    pub write_bytes: Option<Rate>,
    /// Flush requests.
    pub flush_requests: Option<Rate>,
    /// Discard requests.
    pub discard_requests: Option<Rate>,
    /// How often a request found no free slot in the backend; no error.
    pub out_of_slots: Option<Rate>,
    /// Requests that failed.
    pub errors: Option<Rate>,
    /// Nanoseconds that a read took on average; `None` too when none was completed.
    pub read_latency_ns: Option<f64>,
    /// Nanoseconds that a write took on average; `None` too when none was completed.
    pub write_latency_ns: Option<f64>,
}

pub(super) fn nic_rates(old: &Nic, new: &Nic) -> NicRates {
    let Some(span) = Span::between(old.stamp, new.stamp) else {
        return NicRates::default();
    };
    let counters = |nic: &Nic| {
        [
            nic.rx_bytes,
            nic.rx_packets,
            nic.rx_errors,
            nic.rx_drops,
            nic.tx_bytes,
            nic.tx_packets,
            nic.tx_errors,
            nic.tx_drops,
        ]
    };
    let [
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_drops,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_drops,
    ] = rises(counters(old), counters(new)).map(|rise| span.per_second(rise));
    NicRates {
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_drops,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_drops,
    }
}

pub(super) fn disk_rates(old: &Disk, new: &Disk) -> DiskRates {
    let Some(span) = Span::between(old.stamp, new.stamp) else {
        return DiskRates::default();
    };
    let counters = |disk: &Disk| {
        [
            disk.read_requests,
            disk.write_requests,
            disk.read_bytes,
            disk.write_bytes,
            disk.flush_requests,
            disk.discard_requests,
            disk.out_of_slots,
            disk.errors,
            disk.read_time_ns,
            disk.write_time_ns,
        ]
    };
    let [
        read_requests,
        write_requests,
        read_bytes,
        write_bytes,
        flush_requests,
        discard_requests,
        out_of_slots,
        errors,
        read_time_ns,
        write_time_ns,
    ] = rises(counters(old), counters(new));
    let rate = |rise| span.per_second(rise);
    let latency = |time: Option<u64>, requests: Option<u64>| {
        let requests = requests.filter(|&requests| requests > 0)?;
        Some(time? as f64 / requests as f64)
    };
    DiskRates {
        read_requests: rate(read_requests),
        write_requests: rate(write_requests),
        read_bytes: rate(read_bytes),
        write_bytes: rate(write_bytes),
        flush_requests: rate(flush_requests),
        discard_requests: rate(discard_requests),
        out_of_slots: rate(out_of_slots),
        errors: rate(errors),
        read_latency_ns: latency(read_time_ns, read_requests),
        write_latency_ns: latency(write_time_ns, write_requests),
    }
}

/// By how much each counter of a device rose; `None` for one that is not known. When one went back,
/// all began anew, those too that are higher by now than they were, and none has risen.
fn rises<const N: usize>(old: [Option<u64>; N], new: [Option<u64>; N]) -> [Option<u64>; N] {
    let went_back =
        |(old, new): (Option<u64>, Option<u64>)| old.zip(new).is_some_and(|(old, new)| new < old);
    if old.into_iter().zip(new).any(went_back) {
        return [None; N];
    }
    std::array::from_fn(|at| risen(old[at], new[at]))
}
