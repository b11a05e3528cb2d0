//! Events as text, one line each.

use std::fmt::Display;

use jiff::Timestamp;

use crate::events::{Change, Device, Event};
use crate::text::{UNKNOWN, safe};
use crate::units::mib;

/// Formats what happened, such as `vcpus 2 online, was 1`.
pub(super) fn happening(change: &Change) -> String {
    let (word, details) = words(change);
    format!("{word}{details}")
}

/// Formats an event as one line, with its time in UTC.
pub fn line(event: &Event) -> String {
    with(&time(event.time), event, "")
}

/// Formats an event as one line that begins with this text for its time.
pub(super) fn line_at(time: &str, event: &Event) -> String {
    with(&time, event, "")
}

/// Formats an event as one line, with the domain's UUID.
pub fn line_with_uuid(event: &Event) -> String {
    let uuid = event.domain.map(|domain| domain.uuid.to_string());
    let uuid = uuid.unwrap_or_else(|| UNKNOWN.to_owned());
    with(&time(event.time), event, &format!("{uuid:<36} "))
}

fn with(time: &impl Display, event: &Event, uuid: &str) -> String {
    let id = event.domain.map(|domain| domain.id.to_string());
    let id = id.unwrap_or_else(|| UNKNOWN.to_owned());
    let (word, details) = words(&event.change);
    let name = safe(event.name.as_deref().unwrap_or(UNKNOWN));
    format!("{time} {id:>5} {uuid}{name:<16} {word}{details}\n")
}

fn time(time: Timestamp) -> impl Display {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
}

/// Returns the event's name and its details.
fn words(change: &Change) -> (&'static str, String) {
    let device = |device: &Device| format!(" {} ({})", device.id, safe(&device.device));
    match change {
        Change::Existing => ("existing", String::new()),
        Change::Created => ("created", String::new()),
        Change::Named => ("named", String::new()),
        Change::Renamed { old_name } => ("renamed", format!(", was {}", safe(old_name))),
        Change::Paused => ("paused", String::new()),
        Change::Unpaused => ("unpaused", String::new()),
        Change::Shutdown { reason } => ("shutdown", format!(" ({reason})")),
        Change::Crashed => ("crashed", String::new()),
        Change::Resumed => ("resumed", String::new()),
        Change::Destroyed => ("destroyed", String::new()),
        Change::Rebooted { old_id } => ("rebooted", format!(", was domain {old_id}")),
        Change::Vcpus { old_online, online } => {
            ("vcpus", format!(" {online} online, was {old_online}"))
        }
        Change::MemoryTarget { old_bytes, bytes } => (
            "memory target",
            format!(" {}, was {}", mib(*bytes), mib(*old_bytes)),
        ),
        Change::MemoryMax { old_bytes, bytes } => (
            "memory max",
            format!(" {}, was {}", limit(*bytes), limit(*old_bytes)),
        ),
        Change::Weight { old_weight, weight } => ("weight", format!(" {weight}, was {old_weight}")),
        Change::Cap {
            old_cap_percent,
            cap_percent,
        } => (
            "cap",
            format!(" {}, was {}", cap(*cap_percent), cap(*old_cap_percent)),
        ),
        Change::DiskAttached(disk) => ("disk attached", device(disk)),
        Change::DiskDetached(disk) => ("disk detached", device(disk)),
        Change::NicAttached(nic) => ("nic attached", device(nic)),
        Change::NicDetached(nic) => ("nic detached", device(nic)),
        Change::XenstoreLost { why } => ("XenStore does not answer:", format!(" {}", safe(why))),
        Change::XenstoreBack { blind_ns } => (
            "XenStore is up to date again",
            format!(" after {:.1} s", *blind_ns as f64 / 1e9),
        ),
        Change::HostBooted { xen_start } => (
            "host booted",
            xen_start.map_or_else(String::new, |start| {
                format!(", Xen started {}", time(start))
            }),
        ),
        Change::Dropped { count } => ("dropped", format!(" {count} events: the reader is slow")),
    }
}

fn cap(percent: Option<u16>) -> String {
    percent.map_or_else(|| "none".to_owned(), |percent| format!("{percent} %"))
}

fn limit(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "no limit".to_owned(), mib)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::domain;
    use crate::text::is_unsafe;
    use crate::view::json;

    fn event(name: Option<&str>, change: Change) -> Event {
        Event {
            time: "2026-11-21T05:22:40.5Z".parse().unwrap(),
            domain: Some(domain(5, "", 0, 0).identity()),
            name: name.map(Into::into),
            change,
        }
    }

    #[test]
    fn line_has_all_fields() {
        let max = Change::MemoryMax {
            old_bytes: Some(64 << 20),
            bytes: None,
        };
        assert_eq!(
            line_with_uuid(&event(Some("web"), max.clone())),
            "2026-11-21T05:22:40.500Z     5 00000000-0000-0000-0000-000000000006 \
             web              memory max no limit, was 64.0 MiB\n"
        );
        assert_eq!(
            line(&event(Some("web"), max)),
            "2026-11-21T05:22:40.500Z     5 web              memory max no limit, was 64.0 MiB\n"
        );
        let dropped = Event {
            domain: None,
            ..event(None, Change::Dropped { count: 7 })
        };
        let xen_start = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(
            line(&Event {
                domain: None,
                ..event(None, Change::HostBooted { xen_start })
            }),
            "2026-11-21T05:22:40.500Z     - -                \
             host booted, Xen started 1970-01-01T00:00:00.000Z\n"
        );
        let cap = Change::Cap {
            old_cap_percent: None,
            cap_percent: Some(50),
        };
        assert!(line(&event(Some("web"), cap)).ends_with(" cap 50 %, was none\n"));
        assert!(line(&dropped).ends_with(" dropped 7 events: the reader is slow\n"));
        assert_eq!(
            json::event(&dropped),
            "{\"schema\":1,\"time\":\"2026-11-21T05:22:40.5Z\",\"id\":null,\"uuid\":null,\
             \"name\":null,\"event\":\"dropped\",\"count\":7}\n"
        );
    }

    #[test]
    fn names_are_escaped_in_text_only() {
        let hostile = "a\x1b[2J\n\u{202e}\u{e0001}\"ä";
        let renamed = Change::Renamed {
            old_name: hostile.into(),
        };
        let event = event(Some(hostile), renamed);
        let json = json::event(&event);
        for line in [line(&event), json.clone()] {
            assert!(!line.trim_end().contains(is_unsafe), "{line:?}");
        }
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["name"], hostile);
        assert_eq!(value["old_name"], hostile);
        assert_eq!(value["event"], "renamed");
    }
}
