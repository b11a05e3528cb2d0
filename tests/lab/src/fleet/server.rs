//! Debian's Prometheus and alertmanager, with what `deploy/prometheus` has.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::free_port;
use super::http::get;
use crate::paths;
use crate::tied;

/// The window of rates, which is ten scrapes.
pub(super) const WINDOW: &str = "20s";

/// Runs a program of an unpacked package with that package's files in /usr/share, where alertmanager looks for its
/// templates.
const IN_PLACE: &str = "mount --bind \"$0/usr/share\" /usr/share && exec \"$@\"";

/// What a query may have as its answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer<'a> {
    /// One sample with this value.
    One(&'a str),
    /// Any samples.
    Some,
}

/// The servers; they end when this is dropped.
pub(super) struct Servers {
    children: Vec<Child>,
    port: u16,
    /// Their configuration and data.
    folder: TempDir,
}

impl Servers {
    /// Starts both. Prometheus scrapes these ports, and alerts go to `receiver`.
    pub(super) fn start(exporters: [u16; 2], receiver: u16) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a folder")?;
        let (port, alertmanager) = (free_port()?, free_port()?);
        configure(folder.path(), exporters, alertmanager, receiver)?;
        let mut servers = Self {
            children: Vec::new(),
            port,
            folder,
        };
        let options = ["--storage.path=data", "--cluster.listen-address="];
        servers.run(
            ("prometheus-alertmanager", "alertmanager.yml"),
            alertmanager,
            &options,
        )?;
        let options = ["--storage.tsdb.path=tsdb"];
        servers.run(("prometheus", "prometheus.yml"), port, &options)?;
        Ok(servers)
    }

    /// Starts a program with a configuration file, in the folder, where it also logs.
    fn run(&mut self, (name, file): (&str, &str), port: u16, options: &[&str]) -> Result<()> {
        let folder = self.folder.path();
        let log = File::create(folder.join(format!("{name}.log"))).context("cannot write a log")?;
        let root = paths::tools().join("root");
        let mut program = tied::command("unshare");
        let child = program
            .args(["--map-root-user", "--mount", "sh", "-c", IN_PLACE])
            .arg(&root)
            .arg(root.join("usr/bin").join(name))
            .arg(format!("--config.file={file}"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(options)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.children
            .push(child.with_context(|| format!("cannot start {name}"))?);
        Ok(())
    }

    /// Waits until a query has this answer.
    pub(super) fn until(&self, query: &str, wanted: Answer<'_>, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        let path = format!("/api/v1/query?query={}", encoded(query));
        let mut answer = String::new();
        while Instant::now() < end {
            answer = get(self.port, &path, "").map_or(String::new(), |(_, body)| body);
            let has_come = match wanted {
                Answer::One(value) => answer.contains(&format!("\"{value}\"]}}]")),
                Answer::Some => answer.contains("\"result\":[{"),
            };
            if has_come {
                return Ok(());
            }
            sleep(Duration::from_millis(200));
        }
        bail!("{query} has no answer {wanted:?}: {answer}")
    }
}

/// Encodes a query for an address.
fn encoded(query: &str) -> String {
    let bytes = query.bytes();
    bytes.map(|byte| format!("%{byte:02x}")).collect()
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Errors are ignored: it ends now if it has not already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Writes what both need to a folder: the files of `deploy/prometheus` with other addresses and shorter times.
/// What takes minutes there takes seconds here. The hosts are host1 and host2.
fn configure(folder: &Path, exporters: [u16; 2], alertmanager: u16, receiver: u16) -> Result<()> {
    let mut number = 0;
    let hosts = exporters.map(|port| {
        number += 1;
        format!("- targets: [\"127.0.0.1:{port}\"]\n        labels: {{instance: host{number}}}")
    });
    let hosts = hosts.join("\n      ");
    let [alertmanager, receiver] = [alertmanager, receiver].map(|port| format!("localhost:{port}"));
    let window = format!("[{WINDOW}]");
    let windows = [("[5m]", window.as_str())];
    let alerts = [
        ("[10m]", "[60s]"),
        ("m\n        labels:", "s\n        labels:"),
    ];
    let targets = [
        (
            "- targets: [\"host1:14170\", \"host2:14170\"]",
            hosts.as_str(),
        ),
        ("15s", "2s"),
        ("localhost:9093", &alertmanager),
        ("    file_sd_configs:\n      - files: [\"hosts.yml\"]\n", ""),
        (
            "    dns_sd_configs:\n      - names: [\"_xenscope._tcp.example.org\"]\n",
            "",
        ),
    ];
    let routes = [
        ("localhost:8080", receiver.as_str()),
        ("group_wait: 30s", "group_wait: 1s"),
        ("group_interval: 5m", "group_interval: 1s"),
    ];
    copy("recording.yml", &windows, folder)?;
    copy("alerts.yml", &[&windows[..], &alerts].concat(), folder)?;
    copy("prometheus.yml", &targets, folder)?;
    copy("alertmanager.yml", &routes, folder)
}

/// Copies a file of `deploy/prometheus`, with these changes. Each has to be possible.
fn copy(name: &str, changes: &[(&str, &str)], folder: &Path) -> Result<()> {
    let from = paths::workspace().join("deploy/prometheus").join(name);
    let mut text =
        fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
    for (old, new) in changes {
        if !text.contains(old) {
            bail!("{} does not have '{old}' any more", from.display());
        }
        text = text.replace(old, new);
    }
    fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deployed_can_be_shortened() -> Result<()> {
        let folder = tempfile::tempdir()?;
        configure(folder.path(), [1, 2], 3, 4)?;
        let text = |name| fs::read_to_string(folder.path().join(name));
        let targets = text("prometheus.yml")?;
        assert!(
            targets.contains("- targets: [\"127.0.0.1:2\"]\n        labels: {instance: host2}"),
            "{targets}"
        );
        // No minutes are left.
        let rules = text("alerts.yml")? + &text("recording.yml")?;
        let minutes =
            |line: &&str| line.contains("m]") || line.contains("for:") && line.ends_with('m');
        assert_eq!(rules.lines().find(minutes), None);
        Ok(())
    }
}
