//! `xenscope export` beside the guests.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use openmetrics_parser::openmetrics::parse_openmetrics;

use super::shells::Shells;
use crate::command::{run, say, tool, xenscope, xenscope_path};
use crate::http::{connect, get};
use crate::record::Record;

/// How long a process may take to start or to end, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(120);

/// The default port.
const PORT: u16 = 14170;

/// Debian's user nobody, who is the lab's only other user.
const NOBODY: &str = "65534";

/// An exporter; it ends when this is dropped.
pub(super) struct Exporter {
    pub(super) sampler: Child,
    pub(super) server: u32,
}

impl Exporter {
    pub(super) fn start(options: &[&str]) -> Self {
        let words = [&["export", "--min-interval", "0.01"], options].concat();
        let sampler = xenscope(&words).stdout(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + LIMIT;
        while get(PORT, "/healthz", "").is_none() {
            assert!(Instant::now() < end, "the server does not start");
            sleep(Duration::from_millis(100));
        }
        let server = child_of(sampler.id());
        Self { sampler, server }
    }

    pub(super) fn scrape() -> String {
        let (head, body) = get(PORT, "/metrics", "").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body
    }

    /// Waits until the sampler has ended, and asserts that the server has.
    pub(super) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.sampler.try_wait().unwrap()
                && !is_running(self.server)
            {
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
            sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.sampler.kill();
        let _ = self.sampler.wait();
        let end = Instant::now() + LIMIT;
        while is_running(self.server) && Instant::now() < end {
            sleep(Duration::from_millis(50));
        }
    }
}

/// Returns the values of a line of `/proc/PID/status`; none if the process has ended.
fn status(pid: u32, name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let words = line.unwrap_or_default().split_whitespace();
    words.map(str::to_owned).collect()
}

fn is_running(pid: u32) -> bool {
    status(pid, "State:")
        .first()
        .is_some_and(|state| state != "Z")
}

/// Returns the only child of a process.
fn child_of(parent: u32) -> u32 {
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let mut children = pids.filter(|&pid| status(pid, "PPid:") == [parent.to_string()]);
    let child = children.next().unwrap();
    assert_eq!(children.next(), None);
    child
}

/// Returns what a process has open.
fn files(pid: u32) -> Vec<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    // A file may be closed meanwhile.
    files
        .filter_map(|file| fs::read_link(file.unwrap().path()).ok())
        .collect()
}

/// Returns how many of a process's sockets are on a network.
fn network_sockets(pid: u32) -> usize {
    let tables = ["tcp", "tcp6", "udp", "udp6", "raw", "packet"];
    let tables =
        tables.map(|name| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default());
    let inodes: Vec<&str> = tables
        .iter()
        .flat_map(|table| table.split_whitespace())
        .collect();
    let is_there = |file: &PathBuf| {
        let name = file.to_string_lossy();
        let inode = name
            .strip_prefix("socket:[")
            .and_then(|name| name.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.contains(&inode))
    };
    files(pid).iter().filter(|file| is_there(file)).count()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_server_has_nothing_and_the_sampler_no_network() {
    let exporter = Exporter::start(&[]);
    Exporter::scrape();
    let of = |name| status(exporter.server, name);
    assert_eq!(of("Uid:"), [NOBODY; 4]);
    assert_eq!(of("Gid:"), [NOBODY; 4]);
    assert_eq!(of("Groups:"), [""; 0]);
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(of(set), ["0000000000000000"], "{set}");
    }
    assert_eq!(
        (of("NoNewPrivs:"), of("Seccomp:")),
        (vec!["1".into()], vec!["2".into()])
    );
    // Only its ends of sockets, and what it waits with.
    for file in files(exporter.server) {
        let name = file.to_string_lossy();
        let known = [
            "socket:[",
            "anon_inode:[event",
            "pipe:[",
            "/dev/null",
            "/dev/console",
            "/dev/hvc0",
        ];
        assert!(known.iter().any(|known| name.starts_with(known)), "{name}");
    }
    assert!(network_sockets(exporter.server) > 0);
    // privcmd and XenStore's socket are the sampler's.
    let privcmd = |pid| files(pid).iter().any(|file| file.ends_with("privcmd"));
    assert!(privcmd(exporter.sampler.id()) && !privcmd(exporter.server));
    assert_eq!(network_sockets(exporter.sampler.id()), 0);
}

/// Starts it as systemd does: with a socket as file 3, and the variables of sd_listen_fds(3).
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_socket_of_systemd_is_served_by_the_server_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = "export LISTEN_PID=$$ LISTEN_FDS=1
        exec 3<&0 </dev/null
        exec \"$0\" export --web.systemd-socket";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, &xenscope_path()]);
    let mut sampler = shell.stdin(OwnedFd::from(listener)).spawn().unwrap();
    // The shell's copy of the socket is closed, so this connects to the server's.
    drop(shell);
    let (head, body) = get(port, "/metrics", "").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && body.contains("\nxen_up 1\n"),
        "{head}"
    );
    let server = child_of(sampler.id());
    assert_eq!(network_sockets(sampler.id()), 0);
    assert!(network_sockets(server) > 0);
    assert_eq!(status(server, "Uid:"), [NOBODY; 4]);
    sampler.kill().unwrap();
    sampler.wait().unwrap();

    let said = say(&["export", "--web.systemd-socket"]);
    said.refused(2, &["systemd has passed no socket"]);
}

/// Returns the samples of a family by the name of their domain.
fn by_name(text: &str, sample: &str) -> BTreeMap<String, f64> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(sample)?.strip_prefix('{'));
    let parse = |line: &str| {
        let (labels, value) = line.rsplit_once("} ").unwrap();
        let (_, name) = labels.split_once("name=\"").unwrap();
        let (name, _) = name.split_once('"').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(parse).collect()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn figures_are_those_of_list() {
    let _exporter = Exporter::start(&["--collector.vcpus"]);
    let list = || Record::one(&say(&["list", "--format", "json"]).fine());
    let before = list();
    let text = Exporter::scrape();
    let after = list();
    let accept = "Accept: application/openmetrics-text;version=1.0.0\r\n";
    let (head, open) = get(PORT, "/metrics", accept).unwrap();
    assert!(head.contains("application/openmetrics-text"), "{head}");
    let parsed = parse_openmetrics(&open).unwrap_or_else(|error| panic!("{error}: {open}"));
    for family in [
        "xen_up",
        "xen_build",
        "xen_host_memory_bytes",
        "xen_pcpu_idle_seconds",
        "xen_pool",
        "xen_dom0_steal_seconds",
        "xen_domain",
        "xen_domain_state",
        "xen_domain_vcpu_cpu_seconds",
        "xen_domain_nic_rx_bytes",
        "xen_domain_disk_read_bytes",
    ] {
        assert!(parsed.families.contains_key(family), "no {family}: {open}");
    }
    let cpu = by_name(&text, "xen_domain_cpu_seconds_total");
    let memory = by_name(&text, "xen_domain_memory_bytes");
    let target = by_name(&text, "xen_domain_memory_target_bytes");
    assert!(before.domains.len() >= 4);
    assert_eq!(cpu.len(), before.domains.len());
    for (old, new) in before.domains.iter().zip(&after.domains) {
        let name = old.name.as_ref().unwrap();
        // The same domain reads a little less on another pCPU whose clock is behind.
        let seconds = |ns: u64| ns as f64 / 1e9;
        let range = seconds(old.cpu_time_ns) - 0.2..=seconds(new.cpu_time_ns) + 0.2;
        assert!(
            range.contains(&cpu[name]),
            "{name}: {} {range:?}",
            cpu[name]
        );
        assert_eq!(memory[name] as u64, old.memory_bytes, "{name}");
        let expected = old.memory_target_bytes.map(|bytes| bytes as f64);
        assert_eq!(target.get(name).copied(), expected, "{name}");
    }
    let version = format!("xen_build_info{{version=\"{}\",", before.host.xen_version);
    assert!(text.contains(&version), "no {version}: {text}");
    let bytes = format!("xen_host_memory_bytes {}\n", before.host.memory_bytes);
    assert!(text.contains(&bytes), "no {bytes}: {text}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_domain_that_goes_is_gone_at_the_next_scrape() {
    let _exporter = Exporter::start(&[]);
    let shells = Shells::create(300, 2000, "");
    // A name that XenStore takes too long to tell is missing.
    let domains = || Exporter::scrape().matches("\nxen_domain_info{").count();
    let with = domains();
    assert!(with >= 304, "{with}");
    drop(shells);
    assert_eq!(domains(), with - 300);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_sampler_that_hangs_or_dies_ends_both() {
    let mut exporter = Exporter::start(&[]);
    let pid = exporter.sampler.id().to_string();
    assert!(Exporter::scrape().contains("\nxen_up 1\n"));
    let signal = |name: &str| tool("kill", &[name, &pid]);
    signal("-STOP");
    let answer = Exporter::scrape();
    assert!(answer.contains("\nxen_up 0\n"), "{answer}");
    assert!(!answer.contains("xen_domain"), "{answer}");
    signal("-CONT");
    assert!(
        Exporter::scrape().contains("\nxen_up 1\n"),
        "it was only slow"
    );

    signal("-STOP");
    assert!(Exporter::scrape().contains("\nxen_up 0\n"));
    let end = Instant::now() + LIMIT;
    while is_running(exporter.server) {
        assert!(Instant::now() < end, "the server waits for ever");
        sleep(Duration::from_millis(200));
    }
    signal("-CONT");
    assert_eq!(exporter.ended().code(), Some(1));

    let mut exporter = Exporter::start(&[]);
    exporter.sampler.kill().unwrap();
    exporter.ended();
    assert!(get(PORT, "/metrics", "").is_none());

    // Nor is a sampler left without its server.
    let mut exporter = Exporter::start(&[]);
    tool("kill", &["-KILL", &exporter.server.to_string()]);
    assert_eq!(exporter.ended().code(), Some(1));
}

/// Returns the resident memory of a process in KiB.
fn resident_kib(pid: u32) -> i64 {
    status(pid, "VmRSS:")[0].parse().unwrap()
}

/// 10,000 clients: some say nothing, some never end a header, some read no answer, some talk nonsense.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn many_clients_neither_stop_it_nor_fill_memory() {
    const CLIENTS: usize = 10_000;
    const OPEN: usize = 500;
    let exporter = Exporter::start(&[]);
    let both = [exporter.server, exporter.sampler.id()];
    for _ in 0..10 {
        Exporter::scrape();
    }
    let before = both.map(resident_kib);
    let scrape = b"GET /metrics HTTP/1.1\r\nHost: dom0\r\n\r\n";
    let mut clients: Vec<TcpStream> = Vec::new();
    for number in 0..CLIENTS {
        let mut client = connect(PORT).unwrap();
        // The server may close it at any time.
        let _ = match number % 4 {
            0 => Ok(()),
            1 => client.write_all(b"GET /metrics HTTP/1.1\r\nX: "),
            2 => client.write_all(scrape),
            _ => client.write_all(&[0x16, 3, 1, 255, 255, b'\r', b'\n', b'\n']),
        };
        if clients.len() == OPEN {
            clients[number % OPEN] = client;
        } else {
            clients.push(client);
        }
        if number % 1000 == 0 {
            assert!(Exporter::scrape().contains("\nxen_up 1\n"));
        }
    }
    assert!(Exporter::scrape().contains("\nxen_up 1\n"));
    let after = both.map(resident_kib);
    println!(
        "resident memory in KiB: server {} to {}, sampler {} to {}",
        before[0], after[0], before[1], after[1]
    );
    for (before, after) in before.into_iter().zip(after) {
        assert!(after - before < 16 << 10, "{before} KiB to {after} KiB");
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_audit_is_exported() {
    let _exporter = Exporter::start(&["--audit"]);
    // It compares with the sample before.
    sleep(Duration::from_secs(1));
    let text = Exporter::scrape();
    let verdict = "xen_audit_verdict{check=\"cpu.conservation\",xen_audit_verdict=\"failed\"} 0\n";
    assert!(text.contains(verdict), "{text}");
    // It collects more than it exports.
    assert!(
        !text.contains("xen_domain_vcpu_cpu_seconds_total"),
        "{text}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_textfile_is_replaced_and_goes_with_its_writer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("xen.prom");
    let path = file.to_str().unwrap();
    assert_eq!(say(&["export", "--textfile", path]).fine(), "");
    let once = fs::read_to_string(&file).unwrap();
    assert!(
        once.contains("\nxen_up 1\n") && once.contains("name=\"pv-disk\""),
        "{once}"
    );
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let printed = say(&["export", "--textfile", "-"]).fine();
    assert_eq!(printed.lines().count(), once.lines().count());

    let words = ["export", "--textfile", path, "--interval", "0.2"];
    let mut writer = xenscope(&words).spawn().unwrap();
    let inode = || fs::metadata(&file).map(|file| file.ino()).ok();
    let mut seen = vec![inode()];
    let end = Instant::now() + LIMIT;
    while seen.len() < 4 {
        assert!(Instant::now() < end, "{seen:?}");
        sleep(Duration::from_millis(50));
        let new = inode();
        if seen.last() != Some(&new) {
            seen.push(new);
        }
    }
    assert!(seen.iter().all(Option::is_some), "{seen:?}");
    tool("kill", &[&writer.id().to_string()]);
    writer.wait().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    // Without XenStore's library or Xen itself there are no old figures.
    fs::write(&file, &once).unwrap();
    let hidden = "mount -t tmpfs none /proc/xen && mount -t tmpfs none /dev/xen && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", hidden, "sh"]);
    command
        .arg(xenscope_path())
        .args(["export", "--textfile", path]);
    let said = run(&mut command);
    assert_eq!(said.code, Some(3), "{said:?}");
    let left = fs::read_to_string(&file).unwrap();
    assert!(
        left.contains("\nxen_up 0\n") && !left.contains("xen_domain"),
        "{left}"
    );
}
