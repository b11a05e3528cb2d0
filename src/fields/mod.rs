//! Every field, declared once: its name, kind, unit, one line of documentation, and how to get it.
//!
//! There is a table for each kind of thing. JSON, CSV, OpenMetrics, sort keys, the columns of the live
//! view and the reference in docs/ iterate over them, so that a new field is in all of them.

mod device;
mod domain;
mod field;
mod host;
mod repository;
mod value;
mod waits;

pub use domain::sums;
pub use field::{Field, Kind, Metric, Thing, Unit};
pub use host::SCHEMA;
pub use value::Value;
