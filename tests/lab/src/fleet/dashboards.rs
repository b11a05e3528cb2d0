//! The dashboards of `deploy/grafana`.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::paths;

/// Returns the queries of all panels, each with its dashboard's file.
pub(super) fn queries() -> Result<Vec<(String, String)>> {
    let folder = paths::workspace().join("deploy/grafana");
    let problem = || format!("cannot read {}", folder.display());
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).with_context(problem)? {
        let path = entry.with_context(problem)?.path();
        let text = fs::read(&path).with_context(problem)?;
        let dashboard: Value = serde_json::from_slice(&text).with_context(problem)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for panel in dashboard["panels"].as_array().into_iter().flatten() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let query = target["expr"].as_str();
                let query = query.with_context(|| format!("{name} has a panel without a query"))?;
                all.push((name.clone().into_owned(), query.to_owned()));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dashboard_has_queries() -> Result<()> {
        let all = queries()?;
        for name in ["fleet.json", "guest.json", "host.json"] {
            assert!(
                all.iter().filter(|(file, _)| file == name).count() > 8,
                "{all:?}"
            );
        }
        Ok(())
    }
}
