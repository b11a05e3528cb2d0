//! How commands print.

use clap::ValueEnum;

/// How `doctor` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object
    Json,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object per line and run of a tool
    Json,
}

/// How `fields` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FieldsFormat {
    /// For people
    #[default]
    Table,
    /// For documents
    Markdown,
}

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON object per line and sample
    Json,
    /// One row per domain, vCPU, NIC or disk, below a header
    Csv,
}

/// How `audit` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object per line and audit
    Json,
}

/// How `top -b` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BatchFormat {
    /// Layout of 'xentop -b'
    #[default]
    Xentop,
    /// For people; -v, -x, -n and -p add tables
    Table,
    /// One JSON object per line and sample
    Json,
    /// One row per domain under a header; -v, -x, -n add rows
    Csv,
    /// Metrics with times, for 'promtool tsdb create-blocks-from'
    Openmetrics,
}

/// How `events` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line and event
    Json,
}
