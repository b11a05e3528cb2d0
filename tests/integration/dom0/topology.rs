//! A host with four pCPUs in two NUMA nodes, and two cpupools: Pool-0 with credit2, and `lab` with credit. The lab boots
//! it for these tests alone.

use super::{quiet, revert};
use crate::command::{say, tool};
use crate::record::{Audit, Record, all};

/// The guest that the lab moves to its second pool.
const MOVED: &str = "pv-disk";

/// Moves it to a pool, paused: Xen can panic if its vCPU is on a pCPU.
fn move_to(pool: &str) {
    tool("xl", &["pause", MOVED]);
    tool("xl", &["cpupool-migrate", MOVED, pool]);
    tool("xl", &["unpause", MOVED]);
}

fn host() -> Record {
    let text = say(&["host", "--interval", "0.2", "--format", "json"]).fine();
    all::<Record>(&text).remove(0)
}

fn audit() -> Audit {
    let text = say(&["audit", "--interval", "0.3", "--format", "json"]).fine();
    all::<Audit>(&text).remove(0)
}

/// A pCPU that is offline until this is dropped. It is in no pool meanwhile.
struct Offline(&'static str);

impl Offline {
    fn take(pcpu: &'static str) -> Self {
        tool("xl", &["cpupool-cpu-remove", "lab", pcpu]);
        tool("xen-hptool", &["cpu-offline", pcpu]);
        Self(pcpu)
    }
}

impl Drop for Offline {
    fn drop(&mut self) {
        revert(|| {
            tool("xen-hptool", &["cpu-online", self.0]);
            // Xen adds it to Pool-0.
            tool("xl", &["cpupool-cpu-remove", "Pool-0", self.0]);
            tool("xl", &["cpupool-cpu-add", "lab", self.0]);
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn nodes_and_pools_are_those_of_xl() {
    let host = host().host;
    let nodes = host.nodes.unwrap();
    assert_eq!(nodes.len(), 2);
    let memory = nodes.iter().map(|node| node.memory_bytes.unwrap());
    assert!(memory.sum::<u64>() >= host.memory_bytes);
    let on: Vec<_> = host
        .pcpu
        .iter()
        .map(|pcpu| (pcpu.node, pcpu.pool))
        .collect();
    let expected = [(0, 0), (0, 0), (1, 1), (1, 1)];
    assert_eq!(on, expected.map(|(node, pool)| (Some(node), Some(pool))));
    let topology = tool("xl", &["info", "-n"]);
    for pcpu in &host.pcpu {
        let socket = pcpu.socket.unwrap();
        let row = [pcpu.id, pcpu.core.unwrap(), socket, pcpu.node.unwrap()];
        let printed = topology.lines().map(|line| line.replace(':', " "));
        let mut rows = printed.map(|line| line.split_whitespace().map(str::to_owned).collect());
        let row: Vec<String> = row.iter().map(u32::to_string).collect();
        assert!(
            rows.any(|found: Vec<String>| found == row),
            "{row:?}: {topology}"
        );
    }

    let pools = host.pools.unwrap();
    let [first, second] = &pools[..] else {
        panic!("{pools:?}");
    };
    assert_eq!(
        (first.name.as_deref(), &*first.scheduler),
        (Some("Pool-0"), "credit2")
    );
    assert_eq!(
        (second.name.as_deref(), &*second.scheduler),
        (Some("lab"), "credit")
    );
    assert_eq!(
        (first.timeslice_ns, second.timeslice_ns),
        (None, Some(30_000_000))
    );
    assert_eq!((&*first.pcpus, &*second.pcpus), (&[0, 1][..], &[2, 3][..]));
    assert_eq!((first.domains, second.domains), (3, 1));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn domains_are_in_their_pools_and_follow_when_they_move() {
    let pool = |name: &str| {
        let text = say(&["status", name, "--interval", "0.2", "--format", "json"]).fine();
        all::<Record>(&text).remove(0).domains.remove(0)
    };
    assert_eq!((pool("pv-net").pool, pool(MOVED).pool), (0, 1));
    assert_eq!(pool(MOVED).scheduler.as_deref(), Some("credit"));
    let list = say(&["list", "--format", "json"]).fine();
    assert!(list.contains("\"pool\":1"), "{list}");

    move_to("Pool-0");
    let moved = pool(MOVED);
    let report = audit();
    move_to("lab");
    assert_eq!(
        (moved.pool, moved.scheduler.as_deref()),
        (0, Some("credit2"))
    );
    assert_eq!(report.wrong(), [], "{report:?}");
    assert_eq!(pool(MOVED).pool, 1);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_pcpu_that_goes_offline_is_shown_and_costs_no_check() {
    {
        let _offline = Offline::take("3");
        let host = host().host;
        let pcpu = &host.pcpu[3];
        assert_eq!(
            (pcpu.online, pcpu.pool, pcpu.cpu_percent),
            (false, None, None)
        );
        assert_eq!(host.pcpus, 3);
        let table = say(&["host"]).fine();
        assert!(table.contains("offline"), "{table}");
        // The lab has pinned these two to pCPUs 1 to 3.
        let pinned = [1, 3].map(|id| ("placement.affinity", "warning", Some(id)));
        let report = audit();
        assert_eq!(report.wrong(), pinned, "{report:?}");
    }
    let host = host().host;
    assert_eq!(
        (host.pcpus, host.pcpu[3].online, host.pcpu[3].pool),
        (4, true, Some(1))
    );
    let report = audit();
    assert_eq!(report.wrong(), [], "{report:?}");
}

/// No other test of this boot traces, so Xen makes the trace buffers here.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_pcpu_that_comes_online_after_the_trace_buffers_makes_states_unknown() {
    let words = ["waits", "--seconds", "1", "--format", "csv"];
    {
        let _offline = Offline::take("3");
        assert!(!say(&words).fine().contains("pCPU 3"));
    }
    let said = say(&words);
    assert_eq!(said.code, Some(0), "{said:?}");
    let about = "pCPU 3 came online after Xen made its trace buffers";
    assert!(said.stderr.contains(about), "{said:?}");
    let top = [
        "top",
        "-b",
        "--ready",
        "--iterations",
        "2",
        "-d",
        "1",
        "--format",
        "json",
    ];
    let said = say(&top);
    assert!(said.stderr.contains(about), "{said:?}");
    // An idle guest is blocked, if it is known what it is.
    let unknown = "\"ready_percent\":null";
    assert!(said.stdout.contains(unknown), "{said:?}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn affinities_are_those_of_xl() {
    tool("xl", &["vcpu-pin", MOVED, "0", "3", "2"]);
    let text = say(&["vcpus", MOVED, "--interval", "0.2", "--format", "json"]).fine();
    tool("xl", &["vcpu-pin", MOVED, "0", "all", "all"]);
    let domain = all::<Record>(&text).remove(0).domains.remove(0);
    let vcpu = &domain.vcpus.unwrap()[0];
    assert_eq!(vcpu.hard_affinity.as_deref(), Some(&[3][..]));
    assert_eq!(vcpu.soft_affinity.as_deref(), Some(&[2][..]));
    assert_eq!(vcpu.pcpu, Some(3));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn audits_do_not_fail_while_domains_move_between_pools_and_nodes() {
    quiet::audits_while(3, |round| match round % 3 {
        0 => {
            move_to("Pool-0");
            tool("xl", &["vcpu-pin", MOVED, "all", "0"]);
            tool("xl", &["vcpu-pin", MOVED, "all", "all"]);
            move_to("lab");
        }
        1 => {
            for pcpu in ["2", "3", "all"] {
                tool("xl", &["vcpu-pin", MOVED, "all", pcpu]);
            }
        }
        _ => quiet::changes(0),
    });
}
