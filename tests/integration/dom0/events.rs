//! `xenscope events`: what happens to domains, as it happens.

use std::fs;

use super::follow::Followed;
use super::shells::Shells;
use crate::command::{tool, xenscope};
use crate::record::Happening;

/// `xenscope events` in JSON, after its first look.
fn follow(words: &[&str]) -> Followed {
    let words = [&["events", "--format", "json", "--since-start"], words].concat();
    let followed = Followed::start(&mut xenscope(&words));
    followed.until("a first look", |events: &[Happening]| !events.is_empty());
    followed
}

/// What happened to the domain with this id, in words.
fn words(events: &[Happening], id: u16) -> Vec<&str> {
    let of_domain = events.iter().filter(|event| event.id == Some(id));
    of_domain.map(|event| event.event.as_str()).collect()
}

/// Waits until the last thing that happened is this.
fn last(followed: &Followed, word: &str) -> Happening {
    let mut events = followed.until(word, |events: &[Happening]| {
        events.last().is_some_and(|event| event.event == word)
    });
    events.pop().unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn what_xl_does_to_a_guest_is_told() {
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
    tool("xl", &["mem-max", "a-net", "140"]);
    let max = last(&followed, "memory_max");
    assert_eq!(max.bytes, Some(141 << 20));
    tool("xl", &["mem-max", "a-net", "128"]);
    followed.until("both sizes", |events: &[Happening]| {
        events
            .last()
            .is_some_and(|event| event.bytes == Some(129 << 20))
    });
    tool("xl", &["rename", "a-net", "pv-net"]);
    let events = followed.until("both names", |events: &[Happening]| {
        words(events, first.id.unwrap()).len() == 7
    });
    assert!(
        events.iter().all(|event| event.id == first.id),
        "{events:?}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_disk_that_comes_and_goes_is_told() {
    fs::write("/tmp/extra.img", vec![0; 1 << 20]).unwrap();
    let followed = follow(&["pv-disk", "--poll", "0.2"]);
    let disk =
        "format=raw,vdev=xvdb,access=rw,backendtype=phy,script=disk-lab,target=/tmp/extra.img";
    tool("xl", &["block-attach", "pv-disk", disk]);
    let attached = last(&followed, "disk_attached");
    assert_eq!(
        (attached.device_id, attached.device.as_deref()),
        (Some(51728), Some("xvdb"))
    );
    tool("xl", &["block-detach", "pv-disk", "xvdb"]);
    last(&followed, "disk_detached");
    fs::remove_file("/tmp/extra.img").unwrap();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn watches_make_for_looks_between_those_of_poll() {
    let followed = follow(&["pv-disk", "--poll", "86400"]);
    let id = last(&followed, "existing").id.unwrap();
    tool("xl", &["rename", "pv-disk", "a-disk"]);
    last(&followed, "renamed");
    // A disk that a device model would serve; dom0's kernel knows nothing of it.
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
    let renamed = followed.until("its name", |events: &[Happening]| {
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
fn how_a_domain_ends_is_told_and_a_reboot_as_one() {
    let followed = follow(&["--poll", "0.1"]);
    let uuid = "0123456789abcdef0123456789abcdef";
    let before = Shells::create(1, 3000, &format!(":name=again:uuid={uuid}"));
    last(&followed, "named");
    tool("lab-shells", &["shutdown", "3000", "1"]);
    let _other = Shells::create(1, 3100, "");
    last(&followed, "named");
    drop(before);
    let again = Shells::create(1, 3001, &format!(":name=again:uuid={uuid}"));
    let rebooted = last(&followed, "rebooted");
    assert_eq!((rebooted.id, rebooted.old_id), (Some(3001), Some(3000)));
    assert_eq!(rebooted.name.as_deref(), Some("again"));

    tool("lab-shells", &["shutdown", "3001", "3"]);
    last(&followed, "crashed");
    drop(again);
    last(&followed, "destroyed");
    let off = Shells::create(1, 3002, "");
    last(&followed, "named");
    tool("lab-shells", &["shutdown", "3002", "0"]);
    let shutdown = last(&followed, "shutdown");
    assert_eq!(shutdown.reason, Some("poweroff".into()));
    drop(off);
    last(&followed, "destroyed");
    let events: Vec<Happening> = followed.said();
    assert_eq!(words(&events, 3000), ["created", "named"]);
    assert_eq!(words(&events, 3001), ["rebooted", "crashed", "destroyed"]);
    assert_eq!(
        words(&events, 3002),
        ["created", "named", "shutdown", "destroyed"]
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn names_meant_to_deceive_come_out_exact_in_json_and_harmless_in_text() {
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
    json.until("a first look at text", |_: &[Happening]| {
        text.printed().contains("existing")
    });
    for (name, id) in names.iter().zip(3200..) {
        let _shell = Shells::create(1, id, &format!(":name={name}"));
        let named = last(&json, "named");
        assert_eq!((named.id, named.name.as_deref()), (Some(id), Some(*name)));
        json.until("shown as text", |_: &[Happening]| {
            let shown = text.printed();
            shown.contains(&format!(" {id} ")) && shown.lines().last().unwrap().ends_with("named")
        });
    }
    let shown = text.printed();
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
    assert!(shown.contains(" two\\u{a}lines "), "{shown}");

    // No text, and empty: the domain has no name.
    let _nameless = Shells::create(1, 3300, ":nameless");
    tool(
        "sh",
        &[
            "-c",
            "printf 'a\\377b' | xargs -0 xenstore-write /local/domain/3300/name",
        ],
    );
    let created = json.until("one without a name", |events: &[Happening]| {
        words(events, 3300) == ["created"]
    });
    assert_eq!(created.last().unwrap().name, None);
    tool("xenstore-write", &["/local/domain/3300/name", ""]);
    tool("xenstore-write", &["/local/domain/3300/name", "late"]);
    assert_eq!(last(&json, "named").name.as_deref(), Some("late"));
}
