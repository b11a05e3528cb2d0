//! OpenMetrics 1.0 and the older Prometheus text format 0.0.4.
//!
//! The formats differ only in what precedes a family's samples. So an [`Exposition`] has each family's
//! samples once, and [`Exposition::text`] adds the rest.

mod exposition;
mod family;
mod format;
mod history;
mod labels;
mod metric;
mod scrape;
mod series;
#[cfg(test)]
mod tests;
mod value;

pub use exposition::Exposition;
pub use family::Family;
pub use format::Format;
pub use history::History;
pub use scrape::Scrape;
pub use series::Series;
