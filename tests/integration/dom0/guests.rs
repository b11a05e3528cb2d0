//! How guests end, and xenscope's messages inside a guest.

use super::follow::Followed;
use super::guest::{Console, Guest};
use crate::command::{say, tool, xenscope, xenscope_path};
use crate::record::Record;

/// Returns the path of one of dom0's kernel modules.
fn module(name: &str) -> String {
    format!("/lab/modules/{name}.ko")
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn in_a_guest_commands_exit_3() {
    let crashed = Guest::start(
        "test-crash",
        "echo 1 >/proc/sys/kernel/sysrq\necho c >/proc/sysrq-trigger",
        &[],
    );
    let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
    let library = format!("/usr/lib/x86_64-linux-gnu/libxenctrl.so.{xen}");
    let loader = "/lib64/ld-linux-x86-64.so.2";
    let mut files = vec![xenscope_path(), loader.to_owned(), module("xen_privcmd")];
    for program in [xenscope_path(), library.clone()] {
        let needed = tool(loader, &["--list", &program]);
        let paths = needed
            .split_whitespace()
            .filter(|word| word.starts_with('/'));
        files.extend(paths.map(str::to_owned));
    }
    files.push(library.clone());
    let ended = Guest::start(
        "test-inside",
        &format!(
            "busybox mv {library} /away
xenscope list; echo \"without a library: $?\"
busybox mv /away {library}
xenscope list; echo \"without the device: $?\"
busybox insmod /lab/modules/xen_privcmd.ko
xenscope list; echo \"with all: $?\"
busybox poweroff -f"
        ),
        &files,
    );

    let console = ended.console().until_it_says("with all: ");
    let remedy = "this is a guest, not dom0: only dom0 may query the hypervisor; run xenscope in dom0; \
                  'xenscope doctor' shows what is missing";
    for case in [
        "without a library: 3",
        "without the device: 3",
        "with all: 3",
    ] {
        let before = console.split(case).next().unwrap();
        let said = before.trim_end().lines().last().unwrap();
        assert_eq!(said.trim_end(), format!("xenscope: {remedy}"), "{console}");
        assert!(console.contains(case), "{console}");
    }

    ended.until_its_state_is('s');
    crashed.until_its_state_is('c');
    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    let end = |name: &str| {
        let domain = record.domain(name);
        (domain.state.clone(), domain.shutdown_reason.clone())
    };
    assert_eq!(
        end("test-inside"),
        ("shutdown".into(), Some("poweroff".into()))
    );
    assert_eq!(end("test-crash"), ("crashed".into(), Some("crash".into())));
    let status = say(&["status", "test-inside", "--interval", "0.1"]).fine();
    assert!(status.contains("shutdown (poweroff)"), "{status}");
    let block = say(&["top", "-b", "-f", "-i", "1"]).fine();
    for (name, letters) in [("test-inside", "-s----"), ("test-crash", "---c--")] {
        let line = block.lines().find(|line| line.contains(name)).unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some(letters), "{block}");
    }
}

/// The counters of a NIC restart from 0 when its frontend reconnects.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_reconnected_nic_has_no_false_rate() {
    let words = ["top", "-b", "-d", "0.3", "--format", "json"];
    let top = Followed::start(&mut xenscope(&words));
    top.more(2);
    let guest = Console::of("pv-net");
    guest.run(
        "echo vif-0 >/sys/bus/xen/drivers/vif/unbind && echo 'test: gone'; busybox sleep 2
echo vif-0 >/sys/bus/xen/drivers/vif/bind
until [ -e /sys/class/net/eth0 ]; do busybox usleep 100000; done
busybox ip addr add $ip/30 dev eth0; busybox ip link set eth0 up
busybox ping -q -c 20 -i 0.05 -s 1000 ${ip%.*}.1 && echo 'test: back'",
    );
    let console = guest.until_it_says("test: back");
    assert!(console.contains("test: gone"), "{console}");
    top.more(2);
    let records: Vec<Record> = top.said();

    let mut fell = 0;
    for pair in records.windows(2) {
        let nics = [&pair[0], &pair[1]].map(|record| {
            let nics = record.domain("pv-net").nics.as_deref();
            nics.unwrap().first()
        });
        let [Some(old), Some(new)] = nics else {
            continue;
        };
        let ((before, _), (after, rates)) = (old.counted(), new.counted());
        let seconds = pair[1].interval_ns.unwrap() as f64 / 1e9;
        let pairs = before.into_iter().zip(after);
        let pairs: Vec<Option<(u64, u64)>> = pairs.map(|(old, new)| old.zip(new)).collect();
        // If one counter decreases, all rates are unknown.
        let anew = pairs.iter().flatten().any(|(before, after)| after < before);
        fell += usize::from(anew);
        for (pair, rate) in pairs.into_iter().zip(rates) {
            match pair.filter(|_| !anew) {
                // The rate is of what was counted. The NIC's interval is shorter than the sample's if the emulator
                // pauses between reading the domains and the NICs.
                Some((before, after)) => {
                    let most = (after - before) as f64 / seconds * 100.0;
                    assert!((0.0..=most).contains(&rate.unwrap()), "{old:?} {new:?}");
                }
                None => assert_eq!(rate, None, "{old:?} {new:?}"),
            }
        }
    }
    assert!(fell >= 1, "{records:?}");
}
