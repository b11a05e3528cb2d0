//! An event in JSON; docs/events.md describes its fields.

use serde::Serialize;
use uuid::Uuid;

use super::line::object;
use crate::events::{Change, Event};
use crate::fields::SCHEMA;
use crate::snapshot::DomId;

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: jiff::Timestamp,
    id: Option<DomId>,
    uuid: Option<Uuid>,
    name: Option<&'a str>,
    #[serde(flatten)]
    change: &'a Change,
}

/// Formats an event as one line.
pub fn line(event: &Event) -> String {
    object(&Line {
        schema: SCHEMA,
        time: event.time,
        id: event.domain.map(|domain| domain.id),
        uuid: event.domain.map(|domain| domain.uuid),
        name: event.name.as_deref(),
        change: &event.change,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::events::Device;
    use crate::snapshot::ShutdownReason;

    #[test]
    fn the_docs_describe_every_event_and_its_fields() {
        let device = || Device {
            id: 51712,
            device: "xvda".to_owned(),
        };
        let changes = [
            Change::Existing,
            Change::Created,
            Change::Named,
            Change::Renamed {
                old_name: "".into(),
            },
            Change::Paused,
            Change::Unpaused,
            Change::Shutdown {
                reason: ShutdownReason::Poweroff,
            },
            Change::Crashed,
            Change::Resumed,
            Change::Destroyed,
            Change::Rebooted { old_id: DomId(1) },
            Change::Vcpus {
                old_online: 1,
                online: 2,
            },
            Change::MemoryTarget {
                old_bytes: 1,
                bytes: 2,
            },
            Change::MemoryMax {
                old_bytes: None,
                bytes: None,
            },
            Change::Weight {
                old_weight: 1,
                weight: 2,
            },
            Change::Cap {
                old_cap_percent: None,
                cap_percent: Some(1),
            },
            Change::DiskAttached(device()),
            Change::DiskDetached(device()),
            Change::NicAttached(device()),
            Change::NicDetached(device()),
            Change::XenstoreLost { why: String::new() },
            Change::XenstoreBack { blind_ns: 1 },
            Change::HostBooted { xen_start: None },
            Change::Dropped { count: 1 },
        ];
        let mut written = BTreeSet::new();
        for change in changes {
            let line = line(&Event {
                time: jiff::Timestamp::UNIX_EPOCH,
                domain: None,
                name: None,
                change,
            });
            let value: Value = serde_json::from_str(&line).unwrap();
            for (field, value) in value.as_object().unwrap() {
                written.insert(match field.as_str() {
                    "schema" | "time" | "id" | "uuid" | "name" => continue,
                    "event" => value.as_str().unwrap().to_owned(),
                    field => field.to_owned(),
                });
            }
        }
        let docs = include_str!("../../../docs/events.md");
        let section = docs.split("## JSON").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .skip(1);
        let documented: BTreeSet<String> = rows
            .flat_map(|row| {
                let cells: Vec<&str> = row.split('|').collect();
                let names: Vec<&str> = [cells[1], cells[2]]
                    .into_iter()
                    .flat_map(|cell| cell.split('`').skip(1).step_by(2))
                    .collect();
                names
            })
            .map(str::to_owned)
            .collect();
        assert_eq!(documented, written);
    }
}
