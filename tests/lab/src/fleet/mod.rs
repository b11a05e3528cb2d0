//! Two hosts, one on each Xen, with Debian's Prometheus and alertmanager beside them.

mod dashboards;
#[path = "../../../integration/http.rs"]
#[allow(unreachable_pub)]
mod http;
mod receiver;
mod server;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::debian;
use crate::machine::{EXPORTER_PORT, Hardware};
use crate::session::{Extra, Plan, Session};
use crate::xen::{Store, Userland, Xen};
use receiver::Receiver;
use server::{Answer, Servers};

/// The name of the test in `cargo lab test`.
pub const TEST: &str = "fleet::alerts_reach_a_receiver";

/// The guests of each host: two that burn on the same pCPU, so that they wait, with the same names on both hosts.
const GUESTS: &str = "pv:burn,pv:burn:nonic";

/// How long a step in dom0 may take.
const STEP: Duration = Duration::from_secs(60);

/// How long an alert may take: Prometheus has to see what it is about in several scrapes.
const ALERT: Duration = Duration::from_secs(150);

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

/// Boots both hosts and scrapes them. Fails unless alerts arrive, by the rules of `deploy/prometheus` with shorter
/// times, and each query of the dashboards has an answer.
pub fn test() -> Result<()> {
    debian::ensure_tools()?;
    let receiver = Receiver::start()?;
    let ports = [free_port()?, free_port()?];
    let [mut first, second] = boot(ports)?;
    let servers = Servers::start(ports, receiver.port())?;
    servers.until("count(xen_up == 1)", Answer::One("2"), ALERT)?;
    first.step(&["sh", "-c", CRASHES], Instant::now() + STEP)?;
    let on = |port: u16| format!("127.0.0.1:{port}");
    let here = on(ports[0]);
    receiver.expect(
        "XenGuestWaiting",
        &[("name", "pv-burn"), ("instance", &here)],
        ALERT,
    )?;
    receiver.expect("XenGuestNameOnTwoHosts", &[("name", "pv-burn-2")], ALERT)?;
    receiver.expect(
        "XenGuestCrashed",
        &[("name", "crashes"), ("instance", &here)],
        ALERT,
    )?;
    // Each panel has data, as there are alerts by now.
    for (dashboard, query) in dashboards::queries()? {
        let query = query.replace("$host", &here).replace("$guest", "pv-burn");
        let query = query.replace("$__rate_interval", server::WINDOW);
        servers
            .until(&query, Answer::Some, STEP)
            .with_context(|| format!("a panel of {dashboard} is empty"))?;
    }
    // The machine stops.
    drop(second);
    receiver.expect("XenHostDown", &[("instance", &on(ports[1]))], ALERT)?;
    // What the host said before is not shown as if it were of now.
    servers.until("count(xen_up)", Answer::One("1"), ALERT)
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
    })?;
    let listen = format!("xenscope export --web.listen-address :{EXPORTER_PORT} --collector.ready");
    let serve = format!("{listen} </dev/null >/tmp/export.log 2>&1 &");
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

/// Returns a port that nothing listens on.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener
        .local_addr()
        .context("a listener has no address")?
        .port())
}
