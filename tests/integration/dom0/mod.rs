//! Tests in a real dom0. `cargo lab test` runs them; they are ignored elsewhere.

mod accounting;
mod audit;
mod bridge;
mod churn;
mod compare;
mod debian;
mod devices;
mod doctor;
mod driver_domains;
mod ends;
mod events;
mod export;
mod faults;
mod follow;
mod guest;
mod guests;
mod listing;
mod live;
mod many;
mod nics;
mod packages;
mod panes;
mod proxy;
mod quiet;
mod ready;
mod recordings;
mod refusals;
mod sample;
mod shells;
mod store;
mod topology;
mod waits;
mod xenstored_killed;
mod xentop;

/// Returns the middle one of these values.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
