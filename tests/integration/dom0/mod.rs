//! Tests in a real dom0. `cargo lab test` runs them; they are ignored elsewhere.

mod accounting;
mod audit;
mod bridge;
mod churn;
mod compare;
mod debian;
mod devices;
mod driver_domains;
mod ends;
mod events;
mod faults;
mod follow;
mod guest;
mod guests;
mod listing;
mod live;
mod many;
mod nics;
mod proxy;
mod refusals;
mod sample;
mod shells;
mod store;
mod topology;
mod xenstored_killed;
mod xentop;
