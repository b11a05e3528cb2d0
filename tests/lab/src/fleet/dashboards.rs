//! The dashboards of `deploy/grafana`.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::paths;

/// The files, without `.json`.
pub(super) const NAMES: [&str; 3] = ["fleet", "host", "guest"];

/// A dashboard.
#[derive(Debug, Deserialize)]
pub(super) struct Dashboard {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

/// One of its panels. They are two in a row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Panel {
    pub(super) title: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) field_config: FieldConfig,
    pub(super) targets: Vec<Target>,
}

/// How a panel shows its figures.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Lines over time.
    TimeSeries,
    /// The numbers of now.
    Stat,
}

#[derive(Debug, Deserialize)]
pub(super) struct FieldConfig {
    pub(super) defaults: Defaults,
}

#[derive(Debug, Deserialize)]
pub(super) struct Defaults {
    pub(super) unit: String,
}

/// A query of a panel.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) expr: String,
    /// What its series are called, with labels in braces.
    pub(super) legend_format: String,
}

/// What stands for the variables of the dashboards.
pub(super) struct Variables<'a> {
    pub(super) host: &'a str,
    pub(super) guest: &'a str,
    /// The window of rates.
    pub(super) window: &'a str,
}

impl Dashboard {
    /// Reads one of the dashboards, with these values of its variables.
    pub(super) fn read(name: &str, variables: &Variables<'_>) -> Result<Self> {
        let path = paths::workspace().join(format!("deploy/grafana/{name}.json"));
        let problem = || format!("cannot read {}", path.display());
        let text = fs::read_to_string(&path).with_context(problem)?;
        let mut dashboard: Self = serde_json::from_str(&text).with_context(problem)?;
        for target in dashboard
            .panels
            .iter_mut()
            .flat_map(|panel| &mut panel.targets)
        {
            let expr = target.expr.replace("$host", variables.host);
            let expr = expr.replace("$guest", variables.guest);
            target.expr = expr.replace("$__rate_interval", variables.window);
        }
        Ok(dashboard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_dashboards_are_read() -> Result<()> {
        let variables = Variables {
            host: "h",
            guest: "g",
            window: "1m",
        };
        for name in NAMES {
            let dashboard = Dashboard::read(name, &variables)?;
            assert!(dashboard.panels.len() > 8, "{dashboard:?}");
            let targets = dashboard.panels.iter().flat_map(|panel| &panel.targets);
            assert!(targets.clone().count() >= dashboard.panels.len());
            for target in targets {
                assert!(!target.expr.contains('$'), "{target:?}");
            }
        }
        Ok(())
    }
}
