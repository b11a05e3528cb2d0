//! The resource use of all domains, one line each.

use super::table::{Align, Table};
use super::{DisplayOptions, Sample, host, status, vcpus};
use crate::sample::DomainSample;
use crate::snapshot::{DiskCounter, NicCounter, Snapshot};
use crate::text::{columns, or_unknown, safe, shortened};
use crate::units::{counted, kib_per_second, mib, seconds, tenths};

/// The counters of disks in the table of domains.
const DISK_COUNTERS: [DiskCounter; 2] = [DiskCounter::ReadBytes, DiskCounter::WriteBytes];

/// Returns the counters of disks that [`table`] shows.
pub fn disk_counters(shown: DisplayOptions) -> &'static [DiskCounter] {
    match shown.vbds {
        true => &status::DISK_COUNTERS,
        false => &DISK_COUNTERS,
    }
}

/// Formats a heading for the host, a table of its domains, and a table for each kind of part that
/// `shown` selects. They are at most `width` columns wide. `whole` is the snapshot with all domains, which has the names
/// of those that serve devices.
pub fn table(
    sample: Sample<'_>,
    whole: &Snapshot,
    shown: DisplayOptions,
    width: Option<usize>,
) -> String {
    let full_name = shown.full_name;
    let mut tables = vec![domains(sample, full_name)];
    if shown.vcpus {
        tables.push(vcpus::table(sample, &[], full_name));
    }
    if shown.vbds {
        let disks = sample.domains().flat_map(|one| {
            let disks = one.disks().into_iter().flatten();
            disks.map(move |disk| (one.domain, status::disk(disk, whole)))
        });
        tables.push(Table::of_domains(full_name, &status::DISK, disks));
    }
    if shown.networks {
        let nics = sample.domains().flat_map(|one| {
            let nics = one.nics().into_iter().flatten();
            nics.map(move |nic| (one.domain, status::nic(nic, whole)))
        });
        tables.push(Table::of_domains(full_name, &status::NIC, nics));
    }
    if shown.pcpus {
        tables.push(host::pcpus(sample));
    }
    let tables = tables.iter().filter(|table| !table.is_empty());
    let texts: Vec<String> = tables.map(|table| table.render(width)).collect();
    heading(sample, width) + &texts.join("\n")
}

fn domains(sample: Sample<'_>, full_name: bool) -> Table {
    let traced = sample.snapshot.collected.state_times;
    let mut heads = vec![
        ("STATE", Align::Left),
        ("VCPUS", Align::Right),
        ("CPU %", Align::Right),
        ("CPU TIME", Align::Right),
        ("MEMORY", Align::Right),
        ("NET RX", Align::Right),
        ("NET TX", Align::Right),
        ("DISK RD", Align::Right),
        ("DISK WR", Align::Right),
    ];
    if traced {
        heads.extend(vcpus::STATE_HEADS);
    }
    let rows = sample.domains().map(|DomainSample { domain, rates, .. }| {
        let nics = |counter| kib_per_second(rates.of_nics(domain, counter));
        let disks = |counter| kib_per_second(rates.of_disks(domain, counter));
        let mut cells = vec![
            domain.states.summary().to_string(),
            domain.vcpus_online.to_string(),
            tenths(rates.cpu_percent),
            seconds(domain.cpu_time_ns),
            mib(domain.memory_bytes),
            nics(NicCounter::RxBytes),
            nics(NicCounter::TxBytes),
            disks(DiskCounter::ReadBytes),
            disks(DiskCounter::WriteBytes),
        ];
        if traced {
            cells.extend(vcpus::states(rates.states, domain.state_times));
        }
        (domain, cells)
    });
    Table::of_domains(full_name, &heads, rows)
}

/// Formats the host in one line, or in several if it is too long.
fn heading(sample: Sample<'_>, width: Option<usize>) -> String {
    let host = &sample.snapshot.host;
    let busy = or_unknown(sample.rates.host.cpu_percent, |figure| {
        format!("{:.1} %", figure.value)
    });
    let (free, all) = (mib(host.memory_free_bytes), mib(host.memory_bytes));
    let time = sample.snapshot.time.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut parts = vec![
        time.to_string(),
        format!("Xen {}", safe(&host.xen_version)),
        counted(sample.snapshot.domains.len(), "domain"),
        format!("{}, {busy} busy", counted(host.pcpus as usize, "pCPU")),
        format!("{free} of {all} free"),
    ];
    if sample.snapshot.collected.state_times {
        let ready = or_unknown(sample.rates.host.ready_vcpus, |rate| {
            format!("{:.1}", rate.value)
        });
        parts.push(format!("{ready} vCPUs ready"));
    }
    if let Some(time) = sample.snapshot.xenstore_as_of() {
        parts.push(format!("names as of {}", time.strftime("%H:%M:%SZ")));
    }
    let limit = width.unwrap_or(usize::MAX);
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if columns(line) + 2 + columns(&part) <= limit => {
                line.push_str("  ");
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    let lines = lines.iter().map(|line| shortened(line, limit) + "\n");
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::fixtures::{disk, domain, nic, snapshot};
    use crate::rates::Rates;
    use crate::snapshot::{DomId, Note};

    #[test]
    fn stale_names_are_marked() {
        let heading = |snapshot: &_| {
            let rates = &Rates::between(None, snapshot);
            let sample = Sample { snapshot, rates };
            let text = table(sample, snapshot, DisplayOptions::default(), None);
            text.lines().next().unwrap_or_default().to_owned()
        };
        let mut snapshot = snapshot(0, 0, vec![domain(5, "web", 0, 7)]);
        assert!(heading(&snapshot).ends_with(" free"));
        snapshot.notes.push(Note::XenstoreStale {
            since: jiff::Timestamp::UNIX_EPOCH,
            why: "stopped".to_owned(),
        });
        assert!(heading(&snapshot).ends_with(" free  names as of 00:00:00Z"));
    }

    #[test]
    fn a_filter_leaves_the_names_of_serving_domains() {
        let mut web = domain(5, "web", 0, 7);
        let mut nic = nic(0, 0, 0);
        nic.backend_domain = DomId(3);
        web.nics = Some(vec![nic]);
        let whole = snapshot(0, 0, vec![domain(3, "sys-net", 0, 7), web]);
        let rates = &Rates::between(None, &whole);
        let filter = Filter::parse("web", &|_| None).unwrap_or_default();
        let (snapshot, rates) = filter.only(Sample {
            snapshot: &whole,
            rates,
        });
        let sample = Sample {
            snapshot: &snapshot,
            rates: &rates,
        };
        let shown = DisplayOptions {
            networks: true,
            ..DisplayOptions::default()
        };
        let text = table(sample, &whole, shown, None);
        assert!(text.contains("  1 domain  "), "{text}");
        assert!(text.contains("vif9.0 in domain 3 (sys-net)"), "{text}");
    }

    #[test]
    fn traffic_is_0_without_devices() {
        let mut domains = vec![domain(5, "web", 0, 7), domain(6, "db", 0, 7)];
        domains[0].nics = Some(Vec::new());
        domains[1].disks = Some(vec![disk(51712, 0, 0)]);
        let snapshot = snapshot(0, 0, domains);
        let rates = &Rates::between(None, &snapshot);
        let snapshot = &snapshot;
        let sample = Sample { snapshot, rates };
        let text = table(sample, snapshot, DisplayOptions::default(), None);
        let ends: Vec<Vec<&str>> = text
            .lines()
            .skip(2)
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
            })
            .map(|cells| cells.skip(7).collect())
            .collect();
        assert_eq!(
            ends,
            [["0.0 KiB/s", "0.0 KiB/s", "-", "-"], ["-", "-", "-", "-"]]
        );
    }
}
