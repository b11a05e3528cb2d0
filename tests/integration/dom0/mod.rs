//! In a real dom0. Every test here is ignored elsewhere and run by `cargo lab test`.

mod accounting;
mod audit;
mod bridge;
mod churn;
mod compare;
mod devices;
mod events;
mod follow;
mod guest;
mod guests;
mod listing;
mod live;
mod many;
mod refusals;
mod sample;
mod shells;
mod store;
mod xenstored_killed;
mod xentop;
