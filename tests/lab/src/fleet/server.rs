//! Debian's Prometheus and alertmanager.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::answer::{Series, series};
use super::files::{self, Pace, Ports};
use super::free_port;
use super::http::{connect, get};
use crate::paths;
use crate::tied;

/// Runs a program of an unpacked package with that package's files in /usr/share, where alertmanager looks for its
/// templates.
const IN_PLACE: &str = "mount --bind \"$0/usr/share\" /usr/share && exec \"$@\"";

/// What a query may have as its answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// One sample with this value.
    One(f64),
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
    pub(super) fn start(exporters: &[u16], receiver: u16, pace: Pace) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a folder")?;
        let (port, alertmanager) = (free_port()?, free_port()?);
        let ports = Ports {
            exporters,
            alertmanager,
            receiver,
        };
        files::write(folder.path(), &ports, pace)?;
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
        let options = ["--storage.tsdb.path=tsdb", "--web.enable-admin-api"];
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

    /// Gets a page of Prometheus.
    pub(super) fn page(&self, path: &str) -> Result<String> {
        let (head, body) = get(self.port, path, "").context("Prometheus does not answer")?;
        match head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            true => joined(body.as_bytes()).context("an answer of Prometheus is cut off"),
            false => Ok(body),
        }
    }

    /// Returns the series that a query gives now.
    pub(super) fn now(&self, query: &str) -> Result<Vec<Series>> {
        let path = format!("/api/v1/query?query={}", encoded(query));
        series(&self.page(&path)?)
    }

    /// Returns the series that a query gives from one time to another, in seconds since 1970, every `step` seconds.
    pub(super) fn over(&self, query: &str, from: f64, to: f64, step: f64) -> Result<Vec<Series>> {
        let query = encoded(query);
        let path =
            format!("/api/v1/query_range?query={query}&start={from:.3}&end={to:.3}&step={step}");
        series(&self.page(&path)?)
    }

    /// Writes what is in memory to a block, as Prometheus does every two hours; returns the block's folder.
    pub(super) fn snapshot(&self) -> Result<PathBuf> {
        let mut stream = connect(self.port).context("cannot connect to Prometheus")?;
        stream.write_all(b"POST /api/v1/admin/tsdb/snapshot HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let name = answer.split_once("\"name\":\"");
        let name = name.and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        let name = name.with_context(|| format!("Prometheus makes no snapshot: {answer}"))?;
        let folder = self.folder.path().join("tsdb/snapshots").join(name);
        let mut blocks = fs::read_dir(&folder).context("the snapshot is missing")?;
        let block = blocks.next().context("the snapshot is empty")?;
        Ok(block.context("the snapshot is missing")?.path())
    }

    /// Waits until a query has this answer.
    pub(super) fn until(&self, query: &str, wanted: Answer, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            let answer = self.now(query);
            let has_come = match (&answer, wanted) {
                (Ok(series), Answer::One(value)) => {
                    matches!(&series[..], [only] if only.points.iter().all(|point| point.1 == value))
                }
                (Ok(series), Answer::Some) => !series.is_empty(),
                (Err(_), _) => false,
            };
            if has_come {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{query} has no answer {wanted:?}: {answer:?}");
            }
            sleep(Duration::from_millis(200));
        }
    }
}

/// Encodes a query for an address.
fn encoded(query: &str) -> String {
    let bytes = query.bytes();
    bytes.map(|byte| format!("%{byte:02x}")).collect()
}

/// Returns a body that was sent in chunks (RFC 9112, 7.1); `None` if it is not complete.
fn joined(mut body: &[u8]) -> Option<String> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|pair| pair == b"\r\n")?;
        let size = std::str::from_utf8(&body[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return String::from_utf8(whole).ok();
        }
        let chunk = end + 2..(end + 2).checked_add(size)?;
        whole.extend(body.get(chunk.clone())?);
        body = body.get(chunk.end + 2..)?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let body = "4\r\n{\"a\"\r\nb\r\n: \"\u{e4}\r\n\u{fc}\"}\r\n0\r\n\r\n";
        assert_eq!(
            joined(body.as_bytes()).as_deref(),
            Some("{\"a\": \"\u{e4}\r\n\u{fc}\"}")
        );
        assert_eq!(joined(b"4\r\nabc"), None);
        assert_eq!(joined(b""), None);
    }
}
