//! `xenscope events`: reports what happens to domains.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::follow::{Followed, Running};
use super::guest::Plug;
use super::shells::Shells;
use crate::command::{run, say, tool, xenscope, xenscope_path};
use crate::record::{Event, Record};

/// Starts `xenscope events` in JSON, and waits for its first sample.
fn follow(words: &[&str]) -> Followed {
    let words = [&["events", "--format", "json", "--since-start"], words].concat();
    let followed = Followed::start(&mut xenscope(&words));
    followed.until("a first sample", |events: &[Event]| !events.is_empty());
    followed
}

/// Returns the names of the events of the domain with this ID.
fn words(events: &[Event], id: u16) -> Vec<&str> {
    let of_domain = events.iter().filter(|event| event.id == Some(id));
    of_domain.map(|event| event.event.as_str()).collect()
}

/// Waits until the last event is this; returns it.
fn last(followed: &Followed, word: &str) -> Event {
    let mut events = followed.until(word, |events: &[Event]| {
        events.last().is_some_and(|event| event.event == word)
    });
    events.pop().unwrap()
}

/// Waits until the domain with this ID has had this event; returns it.
fn event_of(followed: &Followed, word: &str, id: u16) -> Event {
    let is_it = |event: &Event| event.id == Some(id) && event.event == word;
    let events = followed.until(word, |events: &[Event]| events.iter().any(is_it));
    events.into_iter().find(is_it).unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn xl_actions_are_reported() {
    let followed = follow(&["pv-net", "--poll", "0.2"]);
    let first = last(&followed, "existing");
    assert_eq!(first.name.as_deref(), Some("pv-net"));
    tool("xl", &["pause", "pv-net"]);
    last(&followed, "paused");
    tool("xl", &["unpause", "pv-net"]);
    last(&followed, "unpaused");
    tool("xl", &["rename", "pv-net", "a-net"]);
    let renamed = last(&followed, "renamed");
    assert_eq!((renamed.id, renamed.uuid), (first.id, first.uuid));
    assert_eq!(renamed.name.as_deref(), Some("a-net"));
    assert_eq!(renamed.old_name.as_deref(), Some("pv-net"));
    let set = |weight, cap| {
        tool(
            "xl",
            &["sched-credit2", "-d", "a-net", "-w", weight, "-c", cap],
        );
    };
    set("512", "50");
    let cap = last(&followed, "cap");
    assert_eq!((cap.old_cap_percent, cap.cap_percent), (None, Some(50)));
    set("256", "0");
    let events = followed.until("both shares", |events: &[Event]| {
        let caps = events.iter().filter(|event| event.event == "cap");
        caps.count() == 2
    });
    let weights = events.iter().filter(|event| event.event == "weight");
    let weights: Vec<_> = weights.map(|one| (one.old_weight, one.weight)).collect();
    assert_eq!(weights, [(Some(256), Some(512)), (Some(512), Some(256))]);
    tool("xl", &["mem-max", "a-net", "140"]);
    let max = last(&followed, "memory_max");
    assert_eq!(max.bytes, Some(141 << 20));
    tool("xl", &["mem-max", "a-net", "128"]);
    followed.until("both sizes", |events: &[Event]| {
        events
            .last()
            .is_some_and(|event| event.bytes == Some(129 << 20))
    });
    tool("xl", &["rename", "a-net", "pv-net"]);
    let events = followed.until("both names", |events: &[Event]| {
        words(events, first.id.unwrap()).len() == 11
    });
    assert!(
        events.iter().all(|event| event.id == first.id),
        "{events:?}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn hotplugged_disks_are_reported() {
    let disk = Plug::of("/tmp/extra.img");
    let followed = follow(&["pv-disk", "--poll", "0.2"]);
    disk.plug();
    let attached = last(&followed, "disk_attached");
    assert_eq!(
        (attached.device_id, attached.device.as_deref()),
        (Some(51728), Some("xvdb"))
    );
    disk.unplug();
    last(&followed, "disk_detached");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn watches_trigger_reads_between_polls() {
    let followed = follow(&["pv-disk", "--poll", "86400"]);
    let id = last(&followed, "existing").id.unwrap();
    tool("xl", &["rename", "pv-disk", "a-disk"]);
    last(&followed, "renamed");
    // A disk that a device model would serve, so dom0's kernel does not know it.
    let backend = format!("/local/domain/0/backend/qdisk/{id}/51744");
    tool(
        "xenstore-write",
        &[format!("{backend}/dev"), "xvdc".to_owned()],
    );
    let attached = last(&followed, "disk_attached");
    assert_eq!(
        (attached.device_id, attached.device.as_deref()),
        (Some(51744), Some("xvdc"))
    );
    tool("xenstore-rm", &["/local/domain/0/backend/qdisk"]);
    last(&followed, "disk_detached");
    tool("xl", &["rename", "a-disk", "pv-disk"]);
    let renamed = followed.until("its name", |events: &[Event]| {
        words(events, id)
            == [
                "existing",
                "renamed",
                "disk_attached",
                "disk_detached",
                "renamed",
            ]
    });
    assert_eq!(renamed.last().unwrap().name.as_deref(), Some("pv-disk"));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_burst_of_500_domains_is_reported_exactly() {
    let followed = follow(&["--poll", "0.1"]);
    // Other domains get the same IDs at once; their UUIDs differ.
    let bursts = [500, 50];
    for (burst, all) in bursts.into_iter().zip([500, 550]) {
        let count = |events: &[Event], word: &str| {
            let found = events.iter().filter(|event| event.event == word);
            found.count()
        };
        let shells = Shells::create(burst, 2000, "");
        // A domain that ends before it is seen is not reported.
        followed.until("all of them", |events| count(events, "created") >= all);
        drop(shells);
        followed.until("their ends", |events| count(events, "destroyed") >= all);
    }
    let events: Vec<Event> = followed.said();
    let mut lives = BTreeMap::<_, Vec<&Event>>::new();
    for event in events.iter().filter(|event| event.id >= Some(2000)) {
        lives.entry((event.id, event.uuid)).or_default().push(event);
    }
    assert_eq!(lives.len(), 550);
    for ((id, _), life) in lives {
        let words: Vec<&str> = life.iter().map(|event| event.event.as_str()).collect();
        // A domain may end before XenStore has reported its name.
        let name = match words[..] {
            ["created", "named", "destroyed"] => Some(format!("shell-{}", id.unwrap())),
            _ => None,
        };
        assert!(
            name.is_some() || words == ["created", "destroyed"],
            "{life:?}"
        );
        assert_eq!(life.last().and_then(|end| end.name.clone()), name);
    }
    // The daemon may be too busy to answer within 5 s. That is reported, and is no fault.
    let complaints = followed.complaints();
    let others = complaints.lines().filter(|line| !line.contains("XenStore"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// Sets the handle of a domain, as XAPI does before it destroys one.
fn set_handle(id: u16, uuid: &str) {
    let hex = uuid.replace('-', "");
    tool("lab-shells", &["sethandle", &id.to_string(), &hex]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_domain_with_another_handle_is_the_same() {
    let list = || Record::one(&say(&["list", "--format", "json"]).fine());
    let record = list();
    let net = record.domain("pv-net");
    let shell = Shells::create(1, 2600, "");
    let own = list().domain("shell-2600").uuid;
    let followed = follow(&["--poll", "0.2"]);
    let block = ["top", "-b", "-d", "0.5", "--format", "json"];
    let sampled = Followed::start(&mut xenscope(&block));
    sampled.more(2);
    let other = "01234567-89ab-cdef-0123-456789abcdef";
    set_handle(net.id, other);
    // The empty domain has used no CPU time, which would be a proof. Its ID is 0xa28.
    set_handle(2600, "deadbeef-dead-beef-dead-beef00000a28");
    assert_eq!(list().domain("pv-net").uuid.to_string(), other);
    sampled.more(3);
    set_handle(net.id, &net.uuid.to_string());
    drop(shell);
    let destroyed = event_of(&followed, "destroyed", 2600);
    assert_eq!(destroyed.uuid, Some(own));
    let events: Vec<Event> = followed.said();
    assert_eq!(words(&events, net.id), ["existing"]);
    assert_eq!(words(&events, 2600), ["existing", "destroyed"]);
    let records: Vec<Record> = sampled.said();
    let records = records.iter().map(|record| record.domain("pv-net"));
    let changed: Vec<_> = records
        .filter(|net| net.uuid.to_string() == other)
        .collect();
    assert!(changed.len() > 1);
    for net in changed {
        assert!(net.cpu_percent.is_some(), "{net:?}");
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn shutdown_reasons_are_reported() {
    let followed = follow(&["--poll", "0.1"]);
    let uuid = "0123456789abcdef0123456789abcdef";
    let before = Shells::create(1, 3000, &format!(":name=again:uuid={uuid}"));
    event_of(&followed, "named", 3000);
    tool("lab-shells", &["shutdown", "3000", "1"]);
    let _other = Shells::create(1, 3100, "");
    event_of(&followed, "named", 3100);
    drop(before);
    let again = Shells::create(1, 3001, &format!(":name=again:uuid={uuid}"));
    let rebooted = event_of(&followed, "rebooted", 3001);
    assert_eq!(rebooted.old_id, Some(3000));
    assert_eq!(rebooted.name.as_deref(), Some("again"));

    tool("lab-shells", &["shutdown", "3001", "3"]);
    event_of(&followed, "crashed", 3001);
    drop(again);
    event_of(&followed, "destroyed", 3001);
    let off = Shells::create(1, 3002, "");
    event_of(&followed, "named", 3002);
    tool("lab-shells", &["shutdown", "3002", "0"]);
    let shutdown = event_of(&followed, "shutdown", 3002);
    assert_eq!(shutdown.reason, Some("poweroff".into()));
    drop(off);
    event_of(&followed, "destroyed", 3002);
    let events: Vec<Event> = followed.said();
    assert_eq!(words(&events, 3000), ["created", "named"]);
    assert_eq!(words(&events, 3001), ["rebooted", "crashed", "destroyed"]);
    assert_eq!(
        words(&events, 3002),
        ["created", "named", "shutdown", "destroyed"]
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn hostile_names_are_escaped_in_text() {
    let long = "x".repeat(2000);
    let names = [
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "two\nlines",
        "\u{202e}live",
        "0",
        &long,
    ];
    let json = follow(&["--poll", "0.1"]);
    let text = Followed::start(&mut xenscope(&["events", "--poll", "0.1", "--since-start"]));
    json.until("a first sample in text", |_: &[Event]| {
        text.printed().contains("existing")
    });
    for (name, id) in names.iter().zip(3200..) {
        let _shell = Shells::create(1, id, &format!(":name={name}"));
        let named = event_of(&json, "named", id);
        assert_eq!(named.name.as_deref(), Some(*name));
        json.until("shown as text", |_: &[Event]| {
            let shown = text.printed();
            let mut lines = shown.lines();
            lines.any(|line| line.contains(&format!(" {id} ")) && line.ends_with("named"))
        });
    }
    let shown = text.printed();
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
    assert!(shown.contains(" two\\u{a}lines "), "{shown}");

    // Not UTF-8, or empty: the domain has no name.
    let _nameless = Shells::create(1, 3300, ":nameless");
    tool(
        "sh",
        &[
            "-c",
            "printf 'a\\377b' | xargs -0 xenstore-write /local/domain/3300/name",
        ],
    );
    let created = json.until("one without a name", |events: &[Event]| {
        words(events, 3300) == ["created"]
    });
    assert_eq!(created.last().unwrap().name, None);
    tool("xenstore-write", &["/local/domain/3300/name", ""]);
    tool("xenstore-write", &["/local/domain/3300/name", "late"]);
    assert_eq!(event_of(&json, "named", 3300).name.as_deref(), Some("late"));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_slow_reader_gets_a_dropped_count() {
    // It ends although there is no event to write.
    let script = format!("{} events --since-start | head -n 1", xenscope_path());
    let said = run(Command::new("sh").args(["-c", &script]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.stdout.contains(" Domain-0 "), "{said:?}");

    // A reader that does not read: its pipe fills, then the queue. Another reader shows when all
    // events have been seen.
    let words = [
        "events",
        "--format",
        "json",
        "--poll",
        "0.1",
        "--since-start",
    ];
    let mut slow = Running::start(xenscope(&words).stdout(Stdio::piped()));
    let quick = follow(&["--poll", "0.1"]);
    let count = |events: &[Event], word: &str| {
        let own = events.iter().filter(|event| event.id >= Some(5000));
        own.filter(|event| event.event == word).count()
    };
    // XenStore allows 2 KiB. JSON needs six characters for each of these.
    let shells = Shells::create(60, 5000, &format!(":name={}", "\u{1}".repeat(2000)));
    quick.until("all names", |events| count(events, "named") == 60);
    // Time for the slow one to see the names as well, also if the machine stalls.
    sleep(Duration::from_secs(20));
    drop(shells);
    quick.until("all ends", |events| count(events, "destroyed") == 60);
    let status = fs::read_to_string(format!("/proc/{}/status", slow.id())).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 16 << 10, "{peak}");

    // The count comes as soon as the reader has read what was queued, without another event.
    let reader = Followed::reading(slow.stdout.take().unwrap());
    let dropped = |events: &[Event]| -> u64 { events.iter().filter_map(|event| event.count).sum() };
    let reported = |events: &[Event]| {
        let words = ["created", "named", "destroyed"];
        words
            .map(|word| count(events, word) as u64)
            .iter()
            .sum::<u64>()
    };
    // Each event of the 60 domains is reported or counted. This program may be behind the other one, so some events may
    // follow the count.
    let events = reader.until("all events", |events: &[Event]| {
        reported(events) + dropped(events) >= 180
    });
    slow.kill().unwrap();
    slow.wait().unwrap();
    assert_eq!(reported(&events) + dropped(&events), 180);
    assert!(dropped(&events) > 0, "{} events", events.len());
}
