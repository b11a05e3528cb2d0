//! What all domains use, one line each, for people.

use super::Sample;
use super::table::{Align, Table};
use super::text::{UNKNOWN, kib_per_second, mib, or_unknown, percent, safe, seconds};
use crate::rates::{DiskRates, Measured, NicRates};

/// The heading of the host and the table of its domains.
pub fn table(sample: Sample<'_>, width: Option<usize>) -> String {
    let mut table = Table::new(&[
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("VCPUS", Align::Right),
        ("CPU %", Align::Right),
        ("CPU TIME", Align::Right),
        ("MEMORY", Align::Right),
        ("NET RX", Align::Right),
        ("NET TX", Align::Right),
        ("DISK RD", Align::Right),
        ("DISK WR", Align::Right),
    ]);
    for (domain, rates) in sample.domains() {
        let nics = |rate: fn(&NicRates) -> Option<Measured>| kib_per_second(rates.of_nics(rate));
        let disks =
            |rate: fn(&DiskRates) -> Option<Measured>| kib_per_second(rates.of_disks(domain, rate));
        table.row(vec![
            domain.id.to_string(),
            safe(domain.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
            domain.states.summary().to_string(),
            domain.vcpus_online.to_string(),
            percent(rates.cpu_percent),
            seconds(domain.cpu_time_ns),
            mib(domain.memory_bytes),
            nics(|nic| nic.rx_bytes),
            nics(|nic| nic.tx_bytes),
            disks(|disk| disk.read_bytes),
            disks(|disk| disk.write_bytes),
        ]);
    }
    format!("{}\n{}", heading(sample), table.render(width))
}

/// The host in one line.
fn heading(sample: Sample<'_>) -> String {
    let host = &sample.snapshot.host;
    let busy = sample.rates.host.cpu_percent;
    let names = match sample.snapshot.store_as_of() {
        Some(time) => format!("  names as of {}", time.strftime("%H:%M:%SZ")),
        None => String::new(),
    };
    format!(
        "{}  Xen {}  {} domains  {} pCPUs, {} busy  {} of {} free{names}",
        sample.snapshot.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        safe(&host.xen_version),
        sample.snapshot.domains.len(),
        host.pcpus,
        or_unknown(busy, |figure| format!("{:.1} %", figure.value)),
        mib(host.memory_free_bytes),
        mib(host.memory_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctored::{domain, snapshot};
    use crate::rates::Rates;
    use crate::snapshot::Note;

    #[test]
    fn names_that_may_be_old_are_marked() {
        let heading = |snapshot: &_| {
            let rates = &Rates::between(None, snapshot);
            let text = table(Sample { snapshot, rates }, None);
            text.lines().next().unwrap_or_default().to_owned()
        };
        let mut snapshot = snapshot(0, 0, vec![domain(5, "web", 0, 7)]);
        assert!(heading(&snapshot).ends_with(" free"));
        snapshot.notes.push(Note::StoreStale {
            since: jiff::Timestamp::UNIX_EPOCH,
            why: "stopped".to_owned(),
        });
        assert!(heading(&snapshot).ends_with(" free  names as of 00:00:00Z"));
    }
}
