//! What a user sees of xenscope: on any machine where that is possible, and in a real dom0.
//!
//! The tests in `dom0` ask a real hypervisor. They are ignored elsewhere; `cargo lab test` runs
//! them on each Xen, one at a time, beside the laboratory's three guests.

// A test that can't go on fails by a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

mod command;
mod console;
mod docs;
mod dom0;
mod hardening;
mod layers;
mod layout;
mod manual;
mod record;
mod terminal;
mod usage;
