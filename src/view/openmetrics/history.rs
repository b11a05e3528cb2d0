//! Metrics of many snapshots in one text, with the time of each.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::Timestamp;

use super::exposition::END;
use super::scrape::Scrape;
use super::series::Series;
use crate::snapshot::Snapshot;

/// Formats snapshots one after the other, as `promtool tsdb create-blocks-from openmetrics` reads them.
#[derive(Debug, Default)]
pub struct History {
    series: Series,
    /// The families that were described.
    described: BTreeSet<String>,
    last: Option<Timestamp>,
    left_out: usize,
}

impl History {
    /// Begins without samples. Each snapshot adds those of these series.
    pub fn new(series: Series) -> Self {
        Self {
            series,
            ..Self::default()
        }
    }

    /// Returns the samples of the next snapshot. There are none if its time is not after that of the one before, as
    /// when the clock was set back: a database refuses them.
    pub fn add(&mut self, snapshot: &Snapshot) -> String {
        if self.last.is_some_and(|last| snapshot.time <= last) {
            self.left_out += 1;
            return String::new();
        }
        self.last = Some(snapshot.time);
        let scrape = Scrape {
            snapshot,
            took: None,
            report: None,
            series: self.series,
        };
        let ms = snapshot.time.as_millisecond();
        let at = format!(" {}.{:03}\n", ms.div_euclid(1000), ms.rem_euclid(1000));
        let mut out = String::new();
        for family in scrape.exposition().families {
            if self.described.insert(family.open_metrics.clone()) {
                out.push_str(&family.open_metrics);
            }
            for sample in family.samples.lines() {
                // Writing to a string succeeds.
                let _ = write!(out, "{sample}{at}");
            }
        }
        out
    }

    /// Returns how many snapshots were left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns what ends the text.
    pub fn end(&self) -> &'static str {
        END
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;
    use std::{env, fs};

    use tempfile::tempdir;

    use super::*;
    use crate::fixtures::{SECOND, domain, snapshot};

    /// Returns the text of these wall-clock times, in seconds, and how many are left out. A guest has used a CPU second
    /// for each sample.
    fn text(times: &[i64]) -> (String, usize) {
        let mut history = History::new(Series::default());
        let mut text = String::new();
        for (number, &time) in (1..).zip(times) {
            let web = domain(5, "we\"b", 0, number * SECOND);
            let mut snapshot = snapshot(0, 0, vec![web]);
            snapshot.time = Timestamp::from_millisecond(time * 1000 + 250).unwrap();
            text += &history.add(&snapshot);
        }
        (text + history.end(), history.left_out())
    }

    #[test]
    fn a_family_is_described_once_and_each_sample_has_its_time() {
        let (text, left_out) = text(&[1_000, 1_001]);
        assert_eq!(left_out, 0);
        let cpu = "# TYPE xen_domain_cpu_seconds counter\n";
        assert_eq!(text.matches(cpu).count(), 1, "{text}");
        let web = "uuid=\"00000000-0000-0000-0000-000000000006\",name=\"we\\\"b\"";
        for sample in ["1 1000.250", "2 1001.250"] {
            let line = format!("\nxen_domain_cpu_seconds_total{{{web}}} {sample}\n");
            assert!(text.contains(&line), "no {line} in {text}");
        }
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    }

    #[test]
    fn what_is_not_newer_is_left_out_and_counted() {
        let (text, left_out) = text(&[1_000, 900, 1_000, 1_002]);
        assert_eq!(left_out, 2);
        let lines = text.lines().filter(|line| line.starts_with("xen_up "));
        assert_eq!(
            lines.collect::<Vec<_>>(),
            ["xen_up 1 1000.250", "xen_up 1 1002.250"]
        );
    }

    /// Makes a block of Prometheus' database and reads it, where promtool is installed. `cargo lab test` brings it.
    #[test]
    fn promtool_makes_blocks_of_it() {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("promtool").is_file()) {
            return;
        }
        let folder = tempdir().unwrap();
        let [file, database] = ["text", "database"].map(|name| folder.path().join(name));
        fs::write(
            &file,
            text(&[1_700_000_000, 1_700_000_015, 1_700_000_030]).0,
        )
        .unwrap();
        let promtool = |words: &[&str]| {
            let said = Command::new("promtool")
                .arg("tsdb")
                .args(words)
                .output()
                .unwrap();
            assert!(said.status.success(), "{said:?}");
            String::from_utf8(said.stdout).unwrap()
        };
        let [file, database] = [&file, &database].map(|path| path.to_str().unwrap());
        promtool(&["create-blocks-from", "openmetrics", file, database]);
        // It looks for what Prometheus has not made blocks of yet.
        fs::create_dir(format!("{database}/wal")).unwrap();
        let dump = promtool(&["dump", "--match", "xen_domain_cpu_seconds_total", database]);
        let values: Vec<&str> = dump
            .lines()
            .map(|line| line.split("} ").nth(1).unwrap())
            .collect();
        assert_eq!(
            values,
            ["1 1700000000250", "2 1700000015250", "3 1700000030250"],
            "{dump}"
        );
    }
}
