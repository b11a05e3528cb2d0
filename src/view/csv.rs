//! CSV: one table under one header, made of what JSON has.
//!
//! A row is about a domain or the host, or about one of its parts; its first column says which. The
//! other columns are the fields of JSON's `domains[]` or `host`, called by their paths in there:
//! `memory_bytes`, `nics.rx_bytes`. What is not known, and what a row is not about, is empty, so
//! that nothing is there twice when a column is summed.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{DisplayOptions, Sample, json};
use crate::text::numbers;

/// What the rows about a part are called, and the field of JSON's that has the parts.
type Part = (&'static str, &'static str);

const VCPU: Part = ("vcpu", "vcpus");
const NIC: Part = ("nic", "nics");
const DISK: Part = ("disk", "disks");

/// The parts of a host.
const OF_HOST: [Part; 3] = [("pcpu", "pcpu"), ("node", "nodes"), ("pool", "pools")];

/// What a row about a domain's part says of the domain.
const WHOSE: [&str; 3] = ["id", "uuid", "name"];

/// The columns before those of what a row is about.
const FIRST: [&str; 4] = ["kind", "time", "interval_ns", "xenstore_as_of"];

/// The sample's domains and those of their parts that are to be shown, under a header when `header`
/// asks for one.
pub fn domains(sample: Sample<'_>, shown: DisplayOptions, header: bool) -> String {
    let parts = [
        (shown.vcpus, VCPU),
        (shown.networks, NIC),
        (shown.vbds, DISK),
    ];
    let parts = parts.iter().filter(|(is_shown, _)| *is_shown);
    let parts: Vec<Part> = parts.map(|(_, part)| *part).collect();
    let columns = columns(&json::example()["domains"][0], &parts);
    let mut sample = json::tree(sample);
    let domains = elements(sample["domains"].take());
    let rows = domains.flat_map(|domain| rows("domain", domain, &WHOSE, &parts));
    text(&sample, &columns, header, rows)
}

/// The vCPUs of the sample's domains.
pub fn vcpus(sample: Sample<'_>) -> String {
    let mut columns = columns(&json::example()["domains"][0], &[VCPU]);
    columns.retain(|path| path.contains('.') || WHOSE.contains(&path.as_str()));
    let mut sample = json::tree(sample);
    let domains = elements(sample["domains"].take());
    // Without the row about the domain as a whole.
    let rows = domains.flat_map(|domain| rows("domain", domain, &WHOSE, &[VCPU]).skip(1));
    text(&sample, &columns, true, rows)
}

/// The host, its pCPUs, NUMA nodes and CPU pools.
pub fn host(sample: Sample<'_>) -> String {
    let columns = columns(&json::example()["host"], &OF_HOST);
    let mut sample = json::tree(sample);
    let rows = rows("host", sample["host"].take(), &[], &OF_HOST);
    text(&sample, &columns, true, rows)
}

/// The paths of the fields in `whole` and in its `parts`.
fn columns(whole: &Value, parts: &[Part]) -> Vec<String> {
    let mut paths = Vec::new();
    for (field, value) in whole.as_object().into_iter().flatten() {
        let inner = match value {
            Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                match parts.iter().any(|(_, part)| part == field) {
                    true => columns(&items[0], &[]),
                    false => continue,
                }
            }
            Value::Object(_) => columns(value, &[]),
            _ => {
                paths.push(field.clone());
                continue;
            }
        };
        paths.extend(inner.iter().map(|path| format!("{field}.{path}")));
    }
    paths
}

/// The row about `whole`, and one for each of its `parts` with the fields of `whole` that say
/// `whose` it is. A row is a kind, and an object in which the paths of its columns lead somewhere.
fn rows(
    kind: &'static str,
    mut whole: Value,
    whose: &[&str],
    parts: &[Part],
) -> impl Iterator<Item = (&'static str, Value)> + use<> {
    let owner = whose
        .iter()
        .map(|&field| (field.to_owned(), whole[field].clone()));
    let owner: Map<String, Value> = owner.collect();
    let mut rows = Vec::new();
    for &(kind, field) in parts {
        rows.extend(elements(whole[field].take()).map(|part| {
            let mut row = owner.clone();
            row.insert(field.to_owned(), part);
            (kind, Value::Object(row))
        }));
    }
    std::iter::once((kind, whole)).chain(rows)
}

/// The elements of an array; none of what is none.
fn elements(value: Value) -> impl Iterator<Item = Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
    .into_iter()
}

/// The rows as text, with the time of the sample in each.
fn text(
    sample: &Value,
    columns: &[String],
    header: bool,
    rows: impl Iterator<Item = (&'static str, Value)>,
) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to a Vec does not fail, and every row has the same number of columns.
    if header {
        let columns = columns.iter().map(String::as_str);
        let _ = writer.write_record(FIRST.into_iter().chain(columns));
    }
    let [_, when @ ..] = FIRST;
    let when = when.map(|field| cell(sample, field));
    for (kind, row) in rows {
        let first = [kind, &when[0], &when[1], &when[2]].map(Cow::Borrowed);
        let cells = columns.iter().map(|path| cell(&row, path));
        for cell in first.into_iter().chain(cells) {
            let _ = writer.write_field(cell.as_bytes());
        }
        let _ = writer.write_record(None::<&[u8]>);
    }
    let out = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&out).into_owned()
}

/// What is at the path in a row; a list of numbers is written like 0-3,6.
fn cell<'a>(row: &'a Value, path: &str) -> Cow<'a, str> {
    let found = path.split('.').try_fold(row, |row, field| row.get(field));
    match found {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Array(items)) => {
            let items = items.iter().filter_map(Value::as_u64);
            let items: Vec<u32> = items.filter_map(|item| item.try_into().ok()).collect();
            Cow::Owned(numbers(&items))
        }
        Some(value) => Cow::Owned(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{domain, equipped, snapshot};
    use crate::rates::Rates;

    /// What `view` makes of the equipped host.
    fn of_equipped(view: impl Fn(Sample<'_>) -> String) -> String {
        let (old, new) = equipped();
        view(Sample {
            snapshot: &new,
            rates: &Rates::between(Some(&old), &new),
        })
    }

    /// The rows by their columns' names, after the header; asserts that they are as long.
    fn table(text: &str) -> (Vec<String>, Vec<Vec<(String, String)>>) {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(Into::into).collect();
        let rows = reader.records().map(|row| {
            let row = row.unwrap();
            assert_eq!(row.len(), header.len(), "{row:?}");
            let cells = row.iter().map(str::to_owned);
            let named = header.iter().cloned().zip(cells);
            named.filter(|(_, cell)| !cell.is_empty()).collect()
        });
        let rows = rows.collect();
        (header, rows)
    }

    /// A row's cells that are not empty, `name=cell`.
    fn written(row: &[(String, String)]) -> Vec<String> {
        row.iter()
            .map(|(name, cell)| format!("{name}={cell}"))
            .collect()
    }

    #[test]
    fn unknown_is_empty_and_names_are_quoted_and_exact() {
        let mut shell = domain(7, "a,\"b\"", 0, 5);
        shell.memory_max_bytes = None;
        let snapshot = snapshot(0, 0, vec![shell]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let text = domains(sample, DisplayOptions::default(), true);
        assert_eq!(
            text,
            "kind,time,interval_ns,xenstore_as_of,id,uuid,name,type,state,shutdown_reason,\
             vcpus_online,vcpus_max,cpu_time_ns,cpu_percent,cpu_percent_of_vcpus,memory_bytes,memory_max_bytes,\
             memory_target_bytes,memory_static_max_bytes,memory_claimed_bytes,\
             memory_shared_bytes,memory_paged_bytes,pool,scheduler,weight,cap_percent,period_ns,\
             budget_ns,extra_time\n\
             domain,1970-01-01T00:00:00Z,,,7,00000000-0000-0000-0000-000000000008,\
             \"a,\"\"b\"\"\",pvh,blocked,,1,2,5,,,134217728,,134217728,268435456,0,0,0,0,,,,,,\n"
        );
        let (_, row) = text.split_once('\n').unwrap();
        assert_eq!(domains(sample, DisplayOptions::default(), false), row);
    }

    #[test]
    fn every_column_is_a_field_of_json_and_every_field_a_column() {
        let (old, new) = equipped();
        let rates = &Rates::between(Some(&old), &new);
        let line = json::line(Sample {
            snapshot: &new,
            rates,
        });
        let value: Value = serde_json::from_str(&line).unwrap();
        /// The paths of the figures, those in arrays of objects too.
        fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        paths(value, &format!("{path}.{name}"), found);
                    }
                }
                Value::Array(items) if items[0].is_object() => paths(&items[0], path, found),
                _ => found.push(path.trim_start_matches('.').to_owned()),
            }
        }
        for (text, whole) in [
            (
                of_equipped(|sample| domains(sample, DisplayOptions::PARTS, true)),
                &value["domains"][1],
            ),
            (of_equipped(host), &value["host"]),
        ] {
            let mut expected = FIRST.map(str::to_owned).to_vec();
            paths(whole, "", &mut expected);
            let (header, rows) = table(&text);
            assert_eq!(header, expected);
            assert!(rows.len() > 2);
        }
    }

    #[test]
    fn a_part_has_a_row_that_says_whose_it_is_and_nothing_twice() {
        let text = of_equipped(|sample| domains(sample, DisplayOptions::PARTS, true));
        let (_, rows) = table(&text);
        let kinds: Vec<&str> = rows.iter().map(|row| row[0].1.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "domain", "vcpu", "domain", "vcpu", "vcpu", "nic", "nic", "disk", "disk", "domain",
                "nic", "disk"
            ]
        );
        let first = "time=1970-01-01T00:00:00Z interval_ns=2000000000";
        let web = "id=5 uuid=00000000-0000-0000-0000-000000000006 name=web";
        assert!(written(&rows[2]).contains(&"memory_bytes=134217728".to_owned()));
        for (row, kind, expected) in [
            (
                3,
                "vcpu",
                "vcpus.id=0 vcpus.online=true vcpus.state=running vcpus.pcpu=1 \
                 vcpus.cpu_time_ns=1500000000 vcpus.cpu_percent=50.0 vcpus.hard_affinity=0-1 \
                 vcpus.soft_affinity=1",
            ),
            (
                4,
                "vcpu",
                "vcpus.id=1 vcpus.online=false vcpus.state=offline vcpus.cpu_time_ns=7000000000 \
                 vcpus.cpu_percent=0.0 vcpus.hard_affinity=0-1 vcpus.soft_affinity=0-1",
            ),
            (
                8,
                "disk",
                "disks.id=51728 disks.device=xvdb disks.backend=qdisk",
            ),
        ] {
            let expected = format!("kind={kind} {first} {web} {expected}");
            assert_eq!(written(&rows[row]).join(" "), expected);
        }
        // What another column may be added to has what these have.
        for (row, expected) in [
            (
                5,
                "nics.id=0 nics.device=vif9.0 nics.mac=00:16:3e:00:00:01 nics.rx_bytes=150994944 \
                 nics.rx_packets=147456 nics.rx_errors=1 nics.rx_drops=2 nics.tx_bytes=49152 \
                 nics.tx_packets=48 nics.tx_errors=3 nics.tx_drops=4 \
                 nics.rx_bytes_per_second=50331648.0 nics.rx_packets_per_second=49152.0 \
                 nics.tx_bytes_per_second=16384.0 nics.tx_packets_per_second=16.0",
            ),
            (
                6,
                "nics.id=1 nics.rx_bytes=6144 nics.tx_packets=15 nics.rx_bytes_per_second=2048.0",
            ),
            (
                7,
                "disks.id=51712 disks.device=xvda disks.backend=tapdisk disks.read_requests=384 \
                 disks.write_requests=96 disks.read_bytes=12582912 disks.write_bytes=3145728 \
                 disks.flush_requests=5 disks.discard_requests=6 disks.out_of_slots=8 \
                 disks.errors=9 disks.read_requests_per_second=128.0 \
                 disks.write_requests_per_second=32.0 disks.read_bytes_per_second=4194304.0 \
                 disks.write_bytes_per_second=1048576.0 disks.read_latency_ns=500000.0 \
                 disks.write_latency_ns=2500000.0",
            ),
        ] {
            let written = written(&rows[row]);
            for cell in format!("{first} {web} {expected}").split(' ') {
                assert!(written.iter().any(|one| one == cell), "{cell}: {written:?}");
            }
        }
        assert!(
            !written(&rows[6])
                .iter()
                .any(|cell| cell.starts_with("nics.tx_bytes"))
        );
    }

    #[test]
    fn only_the_parts_that_are_asked_for_have_columns_and_rows() {
        let shown = DisplayOptions {
            networks: true,
            ..DisplayOptions::default()
        };
        let (header, rows) = table(&of_equipped(|sample| domains(sample, shown, true)));
        assert!(header.iter().any(|name| name == "nics.rx_bytes"));
        assert!(
            !header
                .iter()
                .any(|name| name.starts_with("disks") || name.contains("vcpus."))
        );
        assert_eq!(rows.len(), 6);
    }

    #[test]
    fn vcpus_are_in_the_rows_that_they_have_among_the_domains() {
        let (header, rows) = table(&of_equipped(vcpus));
        assert_eq!(
            header.join(" "),
            "kind time interval_ns xenstore_as_of id uuid name vcpus.id vcpus.online vcpus.state vcpus.pcpu \
             vcpus.cpu_time_ns vcpus.cpu_percent vcpus.hard_affinity vcpus.soft_affinity"
        );
        let (_, all) = table(&of_equipped(|sample| {
            domains(sample, DisplayOptions::PARTS, true)
        }));
        let of_all = all.iter().filter(|row| row[0].1 == "vcpu");
        assert_eq!(rows, of_all.cloned().collect::<Vec<_>>());
    }

    #[test]
    fn the_host_has_a_row_and_so_has_each_of_its_parts() {
        let (_, rows) = table(&of_equipped(host));
        let first = "time=1970-01-01T00:00:00Z interval_ns=2000000000";
        assert!(written(&rows[0]).join(" ").starts_with(&format!(
            "kind=host {first} xen_version=4.17.5 pcpus=2 cpu_khz=2000000 \
             memory_bytes=4294967296 memory_free_bytes=1073741824 memory_claimed_bytes=0 "
        )));
        for cell in ["build.command_line=dom0_mem=768M", "dom0.cpu_percent=20.0"] {
            assert!(written(&rows[0]).contains(&cell.to_owned()));
        }
        let parts: Vec<String> = rows[1..].iter().map(|row| written(row).join(" ")).collect();
        assert_eq!(
            parts,
            [
                "kind=pcpu {first} pcpu.id=0 pcpu.online=true pcpu.socket=0 pcpu.core=0 \
                 pcpu.node=0 pcpu.pool=0 pcpu.idle_time_ns=3000000000 pcpu.cpu_percent=0.0",
                "kind=pcpu {first} pcpu.id=1 pcpu.online=true pcpu.socket=0 pcpu.core=1 \
                 pcpu.node=1 pcpu.pool=0 pcpu.idle_time_ns=750000000 pcpu.cpu_percent=75.0",
                "kind=pcpu {first} pcpu.id=2 pcpu.online=false pcpu.socket=1 pcpu.core=2 \
                 pcpu.node=2",
                "kind=node {first} nodes.id=0 nodes.memory_bytes=4294967296 \
                 nodes.memory_free_bytes=1073741824",
                "kind=pool {first} pools.id=0 pools.name=Pool-0 pools.scheduler=credit2 \
                 pools.pcpus=0-1 pools.domains=1",
            ]
            .map(|part| part.replace("{first}", first))
        );
    }
}
