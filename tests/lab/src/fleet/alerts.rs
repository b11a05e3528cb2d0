//! The test of two hosts, one on each Xen, with Prometheus and alertmanager beside them.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::dashboards::{Dashboard, Kind, NAMES, Variables};
use super::files::{Pace, QUICK_WINDOW};
use super::picture::{self, Span};
use super::receiver::Receiver;
use super::server::{Answer, Servers};
use super::{free_port, now};
use crate::debian;
use crate::machine::{EXPORTER_PORT, Hardware};
use crate::paths;
use crate::session::{Extra, Plan, Session};
use crate::xen::{Store, Userland, Xen};

/// The name of the test in `cargo lab test`.
pub const TEST: &str = "fleet::alerts_reach_a_receiver";

/// The guests of each host, with the same names on both. Two burn on the same pCPU, so that they wait; they start last,
/// because the others boot slowly beside them.
const GUESTS: &str = "pv:net,pv:disk,pv:burn,pv:burn:nonic";

/// How long a step in dom0 may take.
const STEP: Duration = Duration::from_secs(120);

/// How long an alert may take: Prometheus has to see what it is about in several scrapes.
const ALERT: Duration = Duration::from_secs(400);

/// The seconds between two scrapes.
const SCRAPE: f64 = 2.0;

/// What the pictures say about their figures.
const NOTE: &str = "two hosts of the lab, Xen 4.17 and 4.20, scraped every 2 s, rates over 20 s";

/// Loads the driver of QEMU's NIC. The address is the one that QEMU forwards to.
const NETWORK: &str =
    "for name in failover net_failover virtio_net; do insmod /lab/modules/$name.ko; done
    ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up";

/// A guest whose kernel finds no file system and panics, and that Xen keeps.
const CRASHES: &str = "cat >/tmp/crashes.cfg <<'END'
name = 'crashes'
type = 'pv'
kernel = '/lab/vmlinux'
memory = 128
extra = 'console=hvc0 quiet'
on_crash = 'preserve'
END
xl create /tmp/crashes.cfg";

/// A guest that may use more memory than the host has.
const PROMISES: &str = "xl mem-max pv-burn 4096";

/// A guest's UUID that XenStore has wrong.
const WRONG_UUID: &str = "id=$(xl domid pv-burn-2)
    xenstore-write /local/domain/$id/vm /vm/01234567-89ab-cdef-0123-456789abcdef";

/// A disk whose requests find no slot. Nothing in the lab makes that happen, so this writes what a tapdisk would: its
/// entries in XenStore, and its counters, where the first one rises (`struct stats` of blktap's
/// drivers/tapdisk-metrics-stats.h).
const NO_SLOTS: &str = r#"id=$(xl domid pv-net)
    sleep 100000 </dev/null >/dev/null 2>&1 &
    process=$!
    folder=/dev/shm/td3-$process
    mkdir -p $folder
    disk=/local/domain/0/backend/vbd3/$id/51760
    xenstore-write $disk/dev xvdc $disk/kthread-pid $process
    count=0
    while [ $count -lt 255 ]; do
        count=$((count + 1))
        { printf '\1\0\0\0\0\0\0\0\0'; printf "\\$(printf %03o $count)"; head -c 86 /dev/zero; } >$folder/new
        mv $folder/new $folder/vbd-$id-51760
        sleep 2
    done </dev/null >/dev/null 2>&1 &"#;

/// Boots both hosts and scrapes them. Fails unless alerts arrive, by the rules of `deploy/prometheus` with shorter
/// times, and each query of the dashboards has an answer.
pub fn test() -> Result<()> {
    debian::ensure_tools()?;
    let receiver = Receiver::start()?;
    let ports = [free_port()?, free_port()?];
    let [mut first, second] = boot(ports)?;
    let servers = Servers::start(&ports, receiver.port(), Pace::Quick)?;
    servers.until("count(xen_up == 1)", Answer::One(2.0), ALERT)?;
    let since = now();
    for script in [CRASHES, PROMISES, WRONG_UUID, NO_SLOTS] {
        first.step(&["sh", "-c", script], Instant::now() + STEP)?;
    }
    let here = ("instance", "host1");
    for (alert, labels) in [
        ("XenGuestNameOnTwoHosts", [("name", "pv-burn-2")].as_slice()),
        ("XenGuestCrashed", &[("name", "crashes"), here]),
        ("XenGuestWaiting", &[("name", "pv-burn"), here]),
        ("XenMemoryOvercommitted", &[here]),
        (
            "XenDiskOutOfSlots",
            &[("name", "pv-net"), ("disk", "xvdc"), here],
        ),
        ("XenAuditFailed", &[("check", "identity.uuids"), here]),
    ] {
        receiver.expect(alert, labels, ALERT)?;
    }
    draw(&servers, since)?;
    // The machine stops.
    drop(second);
    receiver.expect("XenHostDown", &[("instance", "host2")], ALERT)?;
    // What the host said before is not shown as if it were of now.
    servers.until("count(xen_up)", Answer::One(1.0), ALERT)
}

/// Fails unless each panel of the dashboards gets data, as there are alerts by now. Draws what Prometheus answers, from
/// `since` on, to `target/lab/fleet`.
fn draw(servers: &Servers, since: f64) -> Result<()> {
    let variables = Variables {
        host: "host1",
        guest: "pv-burn",
        window: QUICK_WINDOW,
    };
    let folder = paths::lab().join("fleet");
    let problem = || format!("cannot write to {}", folder.display());
    fs::create_dir_all(&folder).with_context(problem)?;
    for name in NAMES {
        let dashboard = Dashboard::read(name, &variables)?;
        let span = Span {
            from: since,
            to: now(),
            step: SCRAPE,
        };
        let mut answers = Vec::new();
        for panel in &dashboard.panels {
            let mut of_panel = Vec::new();
            for target in &panel.targets {
                servers
                    .until(&target.expr, Answer::Some, STEP)
                    .with_context(|| format!("a panel of {name}.json is empty"))?;
                of_panel.push(match panel.kind {
                    Kind::TimeSeries => {
                        servers.over(&target.expr, span.from, span.to, span.step)?
                    }
                    Kind::Stat => servers.now(&target.expr)?,
                });
            }
            answers.push(of_panel);
        }
        let svg = picture::draw(&dashboard, &answers, span, NOTE);
        fs::write(folder.join(format!("{name}.svg")), svg).with_context(problem)?;
    }
    Ok(())
}

/// Boots a host on each Xen, whose exporters answer on these ports. One after the other: a machine ends with the thread
/// that started it.
fn boot(ports: [u16; 2]) -> Result<[Session; 2]> {
    Ok([start(Xen::V4_17, ports[0])?, start(Xen::V4_20, ports[1])?])
}

fn start(xen: Xen, port: u16) -> Result<Session> {
    let mut session = Session::start(Plan {
        xen,
        userland: Userland::Minimal(Store::Xenstored),
        hardware: Hardware::USUAL,
        guests: GUESTS.parse()?,
        pools: false,
        shells: Vec::new(),
        extra: Extra::Nothing,
        exporter_port: Some(port),
        disk: None,
    })?;
    let listen = format!("xenscope export --web.listen-address :{EXPORTER_PORT}");
    let serve = format!("{listen} --collector.ready --audit </dev/null >/tmp/export.log 2>&1 &");
    for command in [NETWORK, &serve] {
        session.step(&["sh", "-c", command], Instant::now() + STEP)?;
    }
    for guest in session.guests() {
        session.step(
            &["xl", "vcpu-pin", &guest, "all", "1"],
            Instant::now() + STEP,
        )?;
    }
    Ok(session)
}
