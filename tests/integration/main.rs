//! What users see of xenscope, on any machine if possible, else in a real dom0.
//!
//! The tests in `dom0` ask a real hypervisor. They are ignored elsewhere; `cargo lab test` runs
//! them on each Xen, one at a time, beside the lab's three guests.

// A test fails by a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

mod certificates;
mod command;
mod console;
mod deploy;
mod docs;
mod dom0;
mod export;
mod hardening;
mod http;
mod layers;
mod layout;
mod manual;
mod past;
mod record;
mod report;
mod terminal;
mod usage;
