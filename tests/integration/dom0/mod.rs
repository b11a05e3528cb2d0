//! In a real dom0. Every test here is ignored elsewhere and run by `cargo lab test`.

mod accounting;
mod listing;
mod live;
mod refusals;
mod shells;
mod store;
