//! How commands end that go on.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::follow::{Followed, Running};
use super::shells::Shells;
use super::wait_until;
use crate::command::{run, tool, xenscope, xenscope_path};
use crate::record::Event;

/// A follower of events that takes no sample by itself.
const EVENTS: [&str; 6] = [
    "events",
    "--format",
    "json",
    "--since-start",
    "--poll",
    "86400",
];

/// Starts a command that prints events, and waits for its first ones.
fn follow(command: &mut Command) -> Followed {
    let followed = Followed::start(command);
    followed.until("the guests", |events: &[Event]| events.len() >= 4);
    followed
}

fn is_there(events: &[Event], word: &str) -> bool {
    events.iter().any(|event| event.event == word)
}

fn signal(name: &str, pid: u32) {
    tool("kill", &[&format!("-{name}"), &pid.to_string()]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn top_b_ends_with_its_reader() {
    // Its code, because that of a pipe is its last program's.
    let script = format!(
        "{{ timeout 120 {} top -b -d 3600; echo $? >&2; }} | head -n 1",
        xenscope_path()
    );
    let said = run(Command::new("sh").args(["-c", &script]));
    assert_eq!(said.stderr, "0\n", "{said:?}");
    assert_eq!(said.stdout.lines().count(), 1, "{said:?}");
}

/// Renames a guest and back; returns once the follower has seen what happened before.
fn poke(followed: &Followed) {
    let renamed = |events: &[Event]| events.iter().filter(|one| one.event == "renamed").count();
    let before = renamed(&followed.said());
    tool("xl", &["rename", "pv-net", "a-net"]);
    followed.until("a new name", |events| renamed(events) > before);
    tool("xl", &["rename", "a-net", "pv-net"]);
    followed.until("the old name", |events| renamed(events) > before + 1);
}

/// Starts a follower; returns it when it has seen a domain that shut down to reboot, with the
/// domain.
fn follow_a_reboot() -> (Followed, Shells) {
    let followed = follow(&mut xenscope(&EVENTS));
    let shell = Shells::create(1, 3000, "");
    poke(&followed);
    tool("lab-shells", &["shutdown", "3000", "1"]);
    poke(&followed);
    (followed, shell)
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn held_events_do_not_wait_for_the_next_poll() {
    let (followed, _shell) = follow_a_reboot();
    followed.until("its shutdown", |events| is_there(events, "shutdown"));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_signal_flushes_held_events() {
    let (mut followed, _shell) = follow_a_reboot();
    signal("TERM", followed.pid());
    assert_eq!(followed.ended().signal(), Some(15));
    followed.until("its shutdown", |events| is_there(events, "shutdown"));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_stuck_reader_does_not_keep_events_from_ending() {
    let words = [&EVENTS[..4], &["--poll", "0.1"]].concat();
    let mut stuck = Running::start(xenscope(&words).stdout(Stdio::piped()));
    let quick = follow(&mut xenscope(&words));
    // More than a pipe holds.
    let _shells = Shells::create(20, 3200, &format!(":name={}", "\u{1}".repeat(2000)));
    quick.until("the last one", |events: &[Event]| {
        events.iter().any(|event| event.id == Some(3219))
    });
    wait_until("its pipe is full", || {
        let mut threads = fs::read_dir(format!("/proc/{}/task", stuck.id())).unwrap();
        threads.any(|thread| {
            let place = fs::read_to_string(thread.unwrap().path().join("wchan"));
            place.is_ok_and(|place| place.contains("pipe_write"))
        })
    });
    signal("TERM", stuck.id());
    let mut ended = None;
    wait_until("it ends", || {
        ended = stuck.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().signal(), Some(15));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn nohup_is_respected() {
    let script = "trap '' HUP; exec \"$0\" \"$@\"";
    let mut followed = follow(
        Command::new("sh")
            .args(["-c", script, &xenscope_path()])
            .args(EVENTS),
    );
    signal("HUP", followed.pid());
    poke(&followed);
    signal("TERM", followed.pid());
    assert_eq!(followed.ended().signal(), Some(15));
}
