//! The files of `deploy/prometheus`, changed for a fleet of the lab.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::paths;

/// The window of rates in the rules of [`Pace::Quick`], which is ten scrapes.
pub(super) const QUICK_WINDOW: &str = "20s";

/// How often hosts are scraped, and over what time rules and alerts compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As the files say.
    Deployed,
    /// What takes minutes there takes seconds.
    Quick,
}

/// Where everything listens: ports of loopback.
pub(super) struct Ports<'a> {
    pub(super) exporters: &'a [u16],
    pub(super) alertmanager: u16,
    /// What alertmanager sends alerts to.
    pub(super) receiver: u16,
}

/// Writes what Prometheus and alertmanager need to a folder. The hosts are host1, host2, and so on.
pub(super) fn write(folder: &Path, ports: &Ports<'_>, pace: Pace) -> Result<()> {
    let hosts = (1..).zip(ports.exporters);
    let hosts = hosts.map(|(number, port)| {
        format!("- targets: [\"127.0.0.1:{port}\"]\n        labels: {{instance: host{number}}}")
    });
    let hosts: Vec<String> = hosts.collect();
    let hosts = hosts.join("\n      ");
    let [alertmanager, receiver] =
        [ports.alertmanager, ports.receiver].map(|port| format!("localhost:{port}"));
    let targets = [
        (
            "- targets: [\"host1:14170\", \"host2:14170\"]",
            hosts.as_str(),
        ),
        ("localhost:9093", &alertmanager),
        ("    file_sd_configs:\n      - files: [\"hosts.yml\"]\n", ""),
        (
            "    dns_sd_configs:\n      - names: [\"_xenscope._tcp.example.org\"]\n",
            "",
        ),
    ];
    let routes = [("localhost:8080", receiver.as_str())];
    let window = format!("[{QUICK_WINDOW}]");
    let [
        mut quick_windows,
        mut quick_alerts,
        mut quick_targets,
        mut quick_routes,
    ] = [(); 4].map(|()| Vec::new());
    if pace == Pace::Quick {
        quick_windows.push(("[5m]", window.as_str()));
        quick_alerts.extend([
            ("[10m]", "[60s]"),
            ("m\n        labels:", "s\n        labels:"),
        ]);
        quick_targets.push(("15s", "2s"));
        quick_routes.extend([
            ("group_wait: 30s", "group_wait: 1s"),
            ("group_interval: 5m", "group_interval: 1s"),
        ]);
    }
    quick_alerts.extend(&quick_windows);
    copy("recording.yml", &quick_windows, folder)?;
    copy("alerts.yml", &quick_alerts, folder)?;
    quick_targets.extend(targets);
    copy("prometheus.yml", &quick_targets, folder)?;
    quick_routes.extend(routes);
    copy("alertmanager.yml", &quick_routes, folder)
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
        let ports = Ports {
            exporters: &[1, 2],
            alertmanager: 3,
            receiver: 4,
        };
        let text = |name| fs::read_to_string(folder.path().join(name));
        write(folder.path(), &ports, Pace::Deployed)?;
        let targets = text("prometheus.yml")?;
        let second = "- targets: [\"127.0.0.1:2\"]\n        labels: {instance: host2}";
        assert!(
            targets.contains(second) && targets.contains("scrape_interval: 15s"),
            "{targets}"
        );
        write(folder.path(), &ports, Pace::Quick)?;
        // No minutes are left.
        let rules = text("alerts.yml")? + &text("recording.yml")?;
        let minutes =
            |line: &&str| line.contains("m]") || line.contains("for:") && line.ends_with('m');
        assert_eq!(rules.lines().find(minutes), None);
        Ok(())
    }
}
