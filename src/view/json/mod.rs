//! One JSON object per line and sample, for programs.
//!
//! Every field is described in docs/json.md. An unknown value is null. An array is null if the
//! command did not collect it, and empty if there is nothing of the kind.

mod audit;
mod event;
mod line;
mod sample;

use super::Sample;
use crate::audit::Report;
use crate::repositories::repositories;
use crate::waits::Waits;

pub(super) use line::object;

pub use event::line as event;

/// Formats a sample as one line.
pub fn line(sample: Sample<'_>) -> String {
    object(&sample::Record::new(sample, None))
}

/// Formats a sample of all domains as one line, with the storage repositories.
pub fn host(sample: Sample<'_>) -> String {
    object(&sample::Record::new(sample, repositories(sample)))
}

/// Formats who waited as one line.
pub fn waits(waits: &Waits) -> String {
    object(&sample::Waiting(waits))
}

/// Formats the report of an audit as one line.
pub fn audit(report: &Report) -> String {
    object(&audit::record(report))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::audit::Auditor;
    use crate::compare::{Comparison, DomainRef, Figure, Repeated, Report, Tool, Verdict};
    use crate::doctor::{Check, State};
    use crate::fixtures::{SECOND, audited, disk, domain, full, nic, snapshot, stamp, vcpu};
    use crate::rates::Rates;
    use crate::snapshot::{
        Collect, Disk, DiskCounter, DomId, NicCounter, Note, Scheduling, ShutdownReason, Storage,
    };
    use crate::text::is_unsafe;
    use crate::view::{compare, doctor};
    use crate::waits::tests::waiting;

    #[test]
    fn the_schema_is_first_and_unknown_is_null() {
        let mut web = domain(5, "web", 0, 7);
        web.states.shutdown = Some(ShutdownReason::SoftReset);
        web.memory_max_bytes = None;
        let snapshot = snapshot(SECOND, 0, vec![web]);
        let line = line(Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        });
        assert!(line.starts_with(
            "{\"schema\":1,\"time\":\"1970-01-01T00:00:00Z\",\"interval_ns\":null,\
             \"xenstore_as_of\":null,\"host\":{\
             \"xen_version\":\"4.17.5\",\"uptime_ns\":null,\"pcpus\":2,"
        ));
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        let value: Value = serde_json::from_str(&line).unwrap();
        let web = &value["domains"][0];
        assert_eq!(web["uuid"], "00000000-0000-0000-0000-000000000006");
        assert_eq!(web["type"], "pvh");
        assert_eq!(web["state"], "shutdown");
        assert_eq!(web["shutdown_reason"], "soft_reset");
        assert_eq!(web["cpu_time_ns"], 7);
        assert_eq!(web["memory_bytes"], 128 << 20);
        for field in [
            "cpu_percent",
            "memory_max_bytes",
            "weight",
            "vcpus",
            "nics",
            "disks",
        ] {
            assert_eq!(web.get(field), Some(&Value::Null), "{field}");
        }
        assert_eq!(value["host"]["cpu_percent"], Value::Null);
        assert_eq!(value["host"]["nodes"], Value::Null);
    }

    #[test]
    fn devices_and_vcpus_have_rates() {
        let at = |time, bytes| {
            let mut web = domain(5, "web", time, 7);
            web.scheduling = Some(Scheduling::Credit2 {
                weight: 512,
                cap_percent: Some(50),
            });
            let (mut vcpu, mut nic) = (vcpu(0, 1, time / 2), nic(0, bytes, 0));
            let mut disk = disk(51712, bytes, 0);
            (nic.backend_domain, disk.backend_domain) = (DomId(3), DomId(4));
            let thousands = |times: u64| Some(bytes / 1000 * times);
            (nic[NicCounter::RxErrors], nic[NicCounter::RxDrops]) = (thousands(1), thousands(2));
            (nic[NicCounter::TxErrors], nic[NicCounter::TxDrops]) = (thousands(3), thousands(4));
            (
                disk[DiskCounter::FlushRequests],
                disk[DiskCounter::DiscardRequests],
            ) = (thousands(1), thousands(2));
            (disk[DiskCounter::OutOfSlots], disk[DiskCounter::Errors]) =
                (thousands(3), thousands(4));
            (vcpu.stamp, nic.stamp, disk.stamp) = (stamp(time), stamp(time), stamp(time));
            web.vcpus = Some(vec![vcpu]);
            web.nics = Some(vec![nic]);
            web.disks = Some(vec![disk]);
            snapshot(time, time, vec![web])
        };
        let (old, new) = (at(0, 1000), at(2 * SECOND, 5000));
        let line = line(Sample {
            snapshot: &new,
            rates: &Rates::between(Some(&old), &new),
        });
        let value: Value = serde_json::from_str(&line).unwrap();
        let web = &value["domains"][0];
        assert_eq!(web["scheduler"], "credit2");
        assert_eq!(
            (&web["weight"], &web["cap_percent"]),
            (&512.into(), &50.into())
        );
        assert_eq!(web["vcpus"][0]["cpu_percent"], 50.0);
        assert_eq!(web["vcpus"][0]["hard_affinity"], serde_json::json!([0, 1]));
        assert_eq!(web["nics"][0]["backend_domain_id"], 3);
        assert_eq!(web["disks"][0]["backend_domain_id"], 4);
        assert_eq!(web["nics"][0]["rx_bytes"], 5000);
        assert_eq!(web["nics"][0]["rx_bytes_per_second"], 2000.0);
        assert_eq!(web["nics"][0]["tx_bytes_per_second"], 0.0);
        assert_eq!(web["disks"][0]["device"], "xvda");
        assert_eq!(web["disks"][0]["read_bytes_per_second"], 2000.0);
        assert_eq!(web["disks"][0]["read_latency_ns"], Value::Null);
        let of_nic = ["rx_errors", "rx_drops", "tx_errors", "tx_drops"];
        let of_disk = [
            "flush_requests",
            "discard_requests",
            "out_of_slots",
            "errors",
        ];
        for (names, device) in [(of_nic, &web["nics"][0]), (of_disk, &web["disks"][0])] {
            let rates = names.map(|name| device[format!("{name}_per_second")].as_f64());
            assert_eq!(rates, [2.0, 4.0, 6.0, 8.0].map(Some), "{device}");
        }
        assert_eq!(value["host"]["pcpu"][1]["cpu_percent"], 0.0);
        assert_eq!(value["interval_ns"], 2 * SECOND);
    }

    #[test]
    fn names_are_exact_and_safe_for_terminals() {
        let name = "a\x1b[2J\u{9b}\u{202e}\u{e0001}\"ä漢";
        let snapshot = snapshot(SECOND, 0, vec![domain(5, name, 0, 7)]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let line = line(sample);
        assert!(!line.trim_end().contains(is_unsafe), "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["domains"][0]["name"], name);
    }

    #[test]
    fn an_audits_numbers_are_json_numbers() {
        let at = |second: u64| {
            let mut snapshot = audited(second * SECOND);
            snapshot.domains[1].name = Some("a\x1b[2J".into());
            snapshot.domains[1].xenstore_uuid = Some(uuid::Uuid::nil());
            snapshot
        };
        let line = audit(&Auditor::new(at(1)).audit(at(2)).unwrap());
        assert!(line.starts_with("{\"schema\":1,\"time\":"));
        assert!(!line.trim_end().contains(is_unsafe), "{line:?}");
        let value: Value = serde_json::from_str(&line).unwrap();
        let findings = value["findings"].as_array().unwrap();
        let of = |check| findings.iter().find(|one| one["check"] == check).unwrap();
        let conservation = of("cpu.conservation");
        assert_eq!(conservation["verdict"], "ok");
        assert_eq!(conservation["unit"], "ns");
        assert_eq!(conservation["relation"], "equal");
        assert_eq!(conservation["expected"], 2 * SECOND);
        assert_eq!(conservation["observed"], 2 * SECOND);
        assert_eq!(conservation["tolerance"], 4_400_000);
        let uuid = of("identity.uuids");
        assert_eq!(uuid["verdict"], "failed");
        assert_eq!((&uuid["domain"], &uuid["unit"]), (&5.into(), &Value::Null));
        assert_eq!(uuid["observed"], "00000000-0000-0000-0000-000000000000");
        assert!(uuid["reason"].as_str().unwrap().contains("\x1b[2J"));
        assert_eq!(of("cpu.cap")["expected"], Value::Null);
    }

    #[test]
    fn stale_data_from_xenstore_is_marked() {
        let mut snapshot = snapshot(SECOND, 0, vec![domain(5, "web", 0, 7)]);
        snapshot.notes.push(Note::XenstoreStale {
            since: "2026-11-21T05:22:40Z".parse().unwrap(),
            why: "stopped".into(),
        });
        let line = line(Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        });
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["xenstore_as_of"], "2026-11-21T05:22:40Z");
        assert_eq!(value["domains"][0]["name"], "web");
    }

    #[test]
    fn waits_do_not_change_by_a_byte() {
        let printed = waits(&waiting());
        let golden = include_str!("../../../tests/golden/waits.jsonl");
        assert_eq!(
            printed, golden,
            "tests/golden/waits.jsonl: its new text is\n{printed}"
        );
    }

    /// Collects the paths of all fields, such as `domains[].nics[].rx_bytes`.
    fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    paths(value, &format!("{path}.{name}"), found);
                }
            }
            Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                paths(&items[0], &format!("{path}[]"), found);
            }
            _ => {
                found.insert(path.trim_start_matches('.').to_owned());
            }
        }
    }

    /// Returns the paths that docs/json.md describes. There, `.c` after `a.b` means `a.c`.
    fn documented() -> BTreeSet<String> {
        let docs = include_str!("../../../docs/json.md");
        let section = docs.split("\n## Which command fills").next().unwrap();
        let mut found = BTreeSet::new();
        let mut place = "";
        for row in section.lines() {
            if let Some(path) = row.strip_prefix("In `") {
                place = path.trim_end_matches("`:");
            } else if row.starts_with("<!-- /fields:") {
                place = "";
            } else if !row.starts_with("| `") {
                continue;
            }
            let Some(cell) = row.split('|').nth(1) else {
                continue;
            };
            let mut parent = String::new();
            for name in cell.split('`').skip(1).step_by(2) {
                let path = match name.strip_prefix('.') {
                    Some(field) => format!("{parent}{field}"),
                    None if place.is_empty() => name.to_owned(),
                    None => format!("{place}.{name}"),
                };
                parent = path.rfind('.').map_or("", |at| &path[..=at]).to_owned();
                found.insert(path);
            }
        }
        found
    }

    /// Returns the JSON of a comparison with every kind of error.
    fn compared() -> String {
        let domain = DomainRef {
            id: DomId(5),
            name: None,
        };
        compare::line(&Report {
            tool: Tool::Xl,
            path: None,
            version: None,
            time: jiff::Timestamp::UNIX_EPOCH,
            result: Ok(Comparison {
                missing: vec![domain.clone()],
                repeated: vec![Repeated {
                    domain: domain.clone(),
                    rows: 2,
                }],
                figures: vec![Figure {
                    domain,
                    column: "Mem",
                    theirs: String::new(),
                    before: String::new(),
                    after: String::new(),
                    verdict: Verdict::Differs,
                }],
                ..Comparison::default()
            }),
        })
    }

    #[test]
    fn the_docs_describe_every_field() {
        let mut web = domain(5, "web", 0, 7);
        web.vcpus = Some(vec![vcpu(0, 1, 0)]);
        web.nics = Some(vec![nic(0, 0, 0)]);
        web.disks = Some(vec![Disk {
            storage: Some(Storage::default()),
            ..disk(51712, 0, 0)
        }]);
        let mut snapshot = snapshot(SECOND, 0, vec![web]);
        snapshot.host = full(snapshot.host);
        snapshot.collected = Collect::ALL;
        let line = host(Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        });
        let report = Auditor::new(snapshot.clone()).audit(snapshot).unwrap();
        let checked = doctor::json(&[Check {
            name: "xen",
            state: State::Ok,
            found: String::new(),
            remedy: None,
        }]);
        let mut written = BTreeSet::new();
        for line in [line, audit(&report), compared(), waits(&waiting()), checked] {
            paths(&serde_json::from_str(&line).unwrap(), "", &mut written);
        }
        assert_eq!(documented(), written);
    }
}
