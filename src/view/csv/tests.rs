//! Tests of CSV.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;

use super::{DisplayOptions, Sample, domains, host, quote, vcpus, waits};
use crate::fixtures::{domain, equipped, snapshot};
use crate::rates::Rates;
use crate::view::json;
use crate::waits::tests::waiting;

/// Returns the output of `view` for the fixture host.
fn of_equipped(view: impl Fn(Sample<'_>) -> String) -> String {
    let (old, new) = equipped();
    view(Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    })
}

/// Returns the header, and the rows with the name of each column. Asserts that all have the
/// same length.
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

/// Returns the cells of a row that are not empty, as `name=cell`.
fn written(row: &[(String, String)]) -> Vec<String> {
    row.iter()
        .map(|(name, cell)| format!("{name}={cell}"))
        .collect()
}

#[test]
fn unknown_is_empty_and_names_are_quoted() {
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
         memory_target_bytes,memory_short_bytes,memory_static_max_bytes,memory_videoram_bytes,memory_claimed_bytes,\
         memory_shared_bytes,memory_paged_bytes,paging_pool_bytes,target_domain_id,pool,scheduler,weight,\
         cap_percent,period_ns,budget_ns,extra_time\n\
         domain,1970-01-01T00:00:00Z,,,7,00000000-0000-0000-0000-000000000008,\
         \"a,\"\"b\"\"\",pvh,blocked,,1,2,5,,,134217728,,134217728,0,268435456,,0,0,0,,,0,,,,,,\n"
    );
    let (_, row) = text.split_once('\n').unwrap();
    assert_eq!(domains(sample, DisplayOptions::default(), false), row);
}

#[test]
fn csv_and_json_have_the_same_fields() {
    let (old, new) = equipped();
    let rates = &Rates::between(Some(&old), &new);
    let line = json::host(Sample {
        snapshot: &new,
        rates,
    });
    let value: Value = serde_json::from_str(&line).unwrap();
    /// Collects the paths of the fields, including those in arrays of objects.
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
        let first = ["kind", "time", "interval_ns", "xenstore_as_of"];
        let mut expected = first.map(str::to_owned).to_vec();
        paths(whole, "", &mut expected);
        let (header, rows) = table(&text);
        assert_eq!(header, expected);
        assert!(rows.len() > 2);
    }
}

#[test]
fn a_parts_row_identifies_its_domain() {
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
            "disks.id=51728 disks.device=xvdb disks.backend=qdisk \
             disks.backend_domain_id=0",
        ),
    ] {
        let expected = format!("kind={kind} {first} {web} {expected}");
        assert_eq!(written(&rows[row]).join(" "), expected);
    }
    // These rows may have more columns than expected.
    for (row, expected) in [
        (
            5,
            "nics.id=0 nics.device=vif9.0 nics.backend_domain_id=0 nics.mac=00:16:3e:00:00:01 \
             nics.rx_bytes=150994944 \
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
fn only_selected_parts_have_columns_and_rows() {
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
fn vcpus_have_the_same_rows_as_in_domains() {
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
fn the_host_and_its_parts_have_rows() {
    let (_, rows) = table(&of_equipped(host));
    let first = "time=1970-01-01T00:00:00Z interval_ns=2000000000";
    assert!(written(&rows[0]).join(" ").starts_with(&format!(
        "kind=host {first} xen_version=4.17.5 uptime_ns=93853000000000 pcpus=2 cpu_khz=2000000 \
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
            "kind=repository {first} repositories.uuid=00000000-0000-0000-0000-000000000051 \
             repositories.disks=1 repositories.measured_disks=1 \
             repositories.read_bytes_per_second=4194304.0 repositories.write_bytes_per_second=1048576.0 \
             repositories.read_requests_per_second=128.0 repositories.write_requests_per_second=32.0 \
             repositories.out_of_slots_per_second=0.0 repositories.read_latency_ns=500000.0 \
             repositories.write_latency_ns=2500000.0 repositories.busiest_domain_id=5 \
             repositories.busiest_domain=web repositories.busiest_percent=100.0",
        ]
        .map(|part| part.replace("{first}", first))
    );
}

proptest! {
    #[test]
    fn a_text_is_one_cell(text in "([a-z ä,\"\r\n]{0,3}|.*)") {
        let mut row = "kind,".to_owned();
        quote(&mut row, &text).unwrap();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["kind", &text]).unwrap();
        let expected = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(row + "\n", expected);
    }
}

#[test]
fn waits_have_a_row_for_each_vcpu_and_whom_it_waited_for() {
    let text = waits(&waiting());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads = reader.headers().unwrap().clone();
    // The reader refuses rows of another length.
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, name: &str| {
        let at = heads.iter().position(|head| head == name).unwrap();
        row[at].to_owned()
    };
    let of = |names: [&str; 4]| -> Vec<String> {
        let cells = |row| names.map(|name| cell(row, name)).join(" ");
        rows.iter().map(cells).collect()
    };
    assert_eq!(
        of(["kind", "name", "vcpus.id", "waited_for.name"]),
        [
            "host   ",
            "domain Domain-0  ",
            "vcpu Domain-0 0 ",
            "waited_for Domain-0 0 web",
            "domain web  ",
            "vcpu web 0 ",
            "waited_for web 0 db",
            "waited_for web 0 Domain-0",
            "vcpu web 1 ",
            "domain db  ",
        ]
    );
    let sum = |name| {
        let cells = rows.iter().map(|row| cell(row, name));
        cells
            .filter_map(|cell| cell.parse::<f64>().ok())
            .sum::<f64>()
    };
    assert_eq!(sum("ready_percent"), sum("vcpus.ready_percent"));
    assert_eq!(sum("waited_for.percent"), 125.0);
}
