//! The figures of NICs and disks.

use std::sync::LazyLock;

use enum_map::Enum;

use super::field::{DISKS, Field, Kind, MACS, NIC_COUNTERS, NICS, Thing, Unit};
use super::value::Value;
use crate::sample::{DiskSample, DomainSample, NicSample};
use crate::snapshot::{Collect, DiskCounter, NicCounter};

/// The name, rate, unit and documentation of a device's counter.
pub(super) struct Counted {
    name: &'static str,
    rate: &'static str,
    unit: Unit,
    doc: &'static str,
}

/// A counter whose rate is named after it.
macro_rules! counted {
    ($name:literal, $unit:ident, $doc:literal) => {
        Counted {
            name: $name,
            rate: concat!($name, "_per_second"),
            unit: Unit::$unit,
            doc: $doc,
        }
    };
}

/// A counter of time, with the mean per request as its rate.
macro_rules! timed {
    ($name:literal, $latency:literal, $doc:literal) => {
        Counted {
            name: $name,
            rate: $latency,
            unit: Unit::Nanoseconds,
            doc: $doc,
        }
    };
}

#[rustfmt::skip]
pub(super) fn nic(counter: NicCounter) -> Counted {
    match counter {
        NicCounter::RxBytes => counted!("rx_bytes", Bytes, "bytes the guest received"),
        NicCounter::RxPackets => counted!("rx_packets", Count, "packets the guest received"),
        NicCounter::RxErrors => counted!("rx_errors", Count, "packets to the guest that failed"),
        NicCounter::RxDrops => counted!("rx_drops", Count, "packets to the guest that were dropped"),
        NicCounter::TxBytes => counted!("tx_bytes", Bytes, "bytes the guest sent"),
        NicCounter::TxPackets => counted!("tx_packets", Count, "packets the guest sent"),
        NicCounter::TxErrors => counted!("tx_errors", Count, "packets from the guest that failed"),
        NicCounter::TxDrops => counted!("tx_drops", Count, "packets from the guest that were dropped"),
        NicCounter::TxMissed => counted!("tx_missed", Count, "packets from the guest that dom0 missed"),
    }
}

#[rustfmt::skip]
pub(super) fn disk(counter: DiskCounter) -> Counted {
    match counter {
        DiskCounter::ReadRequests => counted!("read_requests", Count, "read requests"),
        DiskCounter::WriteRequests => counted!("write_requests", Count, "write requests"),
        DiskCounter::ReadBytes => counted!("read_bytes", Bytes, "bytes read"),
        DiskCounter::WriteBytes => counted!("write_bytes", Bytes, "bytes written"),
        DiskCounter::FlushRequests => counted!("flush_requests", Count, "flush requests"),
        DiskCounter::DiscardRequests => counted!("discard_requests", Count, "discard requests"),
        DiskCounter::OutOfSlots => counted!("out_of_slots", Count, "requests that found no free slot"),
        DiskCounter::Errors => counted!("errors", Count, "requests that failed"),
        DiskCounter::ReadTime => timed!("read_time_ns", "read_latency_ns", "total time of completed reads (tapdisk)"),
        DiskCounter::WriteTime => timed!("write_time_ns", "write_latency_ns", "total time of completed writes (tapdisk)"),
    }
}

/// Returns all counters of a kind of device.
pub(super) fn all<C: Enum>() -> impl Iterator<Item = C> {
    (0..C::LENGTH).map(C::from_usize)
}

impl Counted {
    /// Returns whether it counts time. The rate of such a counter is a mean.
    pub(super) fn is_time(&self) -> bool {
        self.unit == Unit::Nanoseconds
    }

    /// Returns the field for the sum of this rate over a domain's devices. Its name is `prefix` and
    /// the name of the rate.
    pub(super) fn sum(
        &self,
        (prefix, part): (&str, Collect),
        get: impl for<'r, 'a> Fn(&'r DomainSample<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Field<DomainSample<'static>> {
        // Leaked once for each counter, because the table is static.
        let name = Box::leak(format!("{prefix}{}", self.rate).into_boxed_str());
        Field::<DomainSample<'static>>::rate(name, self.rate_unit(), self.doc, get).part(part)
    }

    /// Returns the unit of the counter's rate.
    fn rate_unit(&self) -> Unit {
        match self.unit {
            Unit::Bytes => Unit::BytesPerSecond,
            Unit::Nanoseconds => Unit::Nanoseconds,
            _ => Unit::PerSecond,
        }
    }

    fn kind(&self) -> Kind {
        Kind::Counter {
            rate: Some(self.rate),
        }
    }
}

impl Thing for NicSample<'static> {
    type Of<'a> = NicSample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<NicSample<'static>>>> = LazyLock::new(nic_fields);
        &FIELDS
    }
}

fn nic_fields() -> Vec<Field<NicSample<'static>>> {
    type F = Field<NicSample<'static>>;
    let mut fields = vec![
        F::number("id", "its number in the domain", |of| of.nic.id.into()),
        F::text(
            "device",
            "its interface in the domain that serves it",
            |of| of.nic.device.as_str().into(),
        )
        .label("device"),
        F::number("backend_domain_id", "the domain that serves it", |of| {
            of.nic.backend_domain.into()
        })
        .label("backend_domid"),
        F::text("mac", "the guest's MAC address", |of| {
            of.nic.mac.as_deref().into()
        })
        .part(MACS),
    ];
    fields.extend(all().map(|counter| {
        let counted = nic(counter);
        let kind = (counted.kind(), counted.unit);
        F::new(counted.name, kind, counted.doc, move |of| {
            of.nic[counter].into()
        })
        .part(NIC_COUNTERS)
    }));
    fields.extend(all().map(|counter| {
        let counted = nic(counter);
        F::rate(counted.rate, counted.rate_unit(), counted.doc, move |of| {
            of.rates[counter].into()
        })
        .part(NIC_COUNTERS)
    }));
    in_part(NICS, fields)
}

impl Thing for DiskSample<'static> {
    type Of<'a> = DiskSample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<DiskSample<'static>>>> = LazyLock::new(disk_fields);
        &FIELDS
    }
}

fn disk_fields() -> Vec<Field<DiskSample<'static>>> {
    type F = Field<DiskSample<'static>>;
    let mut fields = vec![
        F::number("id", "its number in the domain", |of| of.disk.id.into()).label("id"),
        F::text("device", "the guest's name for it", |of| {
            of.disk.device.as_str().into()
        }),
        F::state(
            "backend",
            &["blkback", "tapdisk", "qdisk"],
            "its backend",
            |of| of.disk.backend.name().into(),
        )
        .label("backend"),
        F::number("backend_domain_id", "the domain that serves it", |of| {
            of.disk.backend_domain.into()
        })
        .label("backend_domid"),
        F::text(
            "sr_uuid",
            "the storage repository of XAPI that has it",
            |of| of.disk.storage.map(|storage| storage.repository).into(),
        ),
        F::text("vdi_uuid", "its virtual disk image in XAPI", |of| {
            of.disk.storage.map(|storage| storage.image).into()
        }),
    ];
    fields.extend(all().map(|counter| {
        let counted = disk(counter);
        let kind = (counted.kind(), counted.unit);
        F::new(counted.name, kind, counted.doc, move |of| {
            of.disk[counter].into()
        })
        .part(DISKS.with_disk_counters(&[counter]))
    }));
    fields.extend(all().map(|counter| {
        let counted = disk(counter);
        let (doc, other) = match counter {
            DiskCounter::ReadTime => (
                "mean time per completed read (tapdisk)",
                DiskCounter::ReadRequests,
            ),
            DiskCounter::WriteTime => (
                "mean time per completed write (tapdisk)",
                DiskCounter::WriteRequests,
            ),
            _ => (counted.doc, counter),
        };
        F::rate(
            counted.rate,
            counted.rate_unit(),
            doc,
            move |of| match counter {
                DiskCounter::ReadTime => of.rates.read_latency_ns.into(),
                DiskCounter::WriteTime => of.rates.write_latency_ns.into(),
                _ => of.rates[counter].into(),
            },
        )
        .part(DISKS.with_disk_counters(&[counter, other]))
    }));
    in_part(DISKS, fields)
}

/// Returns the fields; those that need no other part need `part`.
fn in_part<T: Thing>(part: Collect, fields: Vec<Field<T>>) -> Vec<Field<T>> {
    let needs = |field: Field<T>| match field.part == Collect::default() {
        true => field.part(part),
        false => field,
    };
    fields.into_iter().map(needs).collect()
}
