//! Events of domains, found by comparing each snapshot with the state before.
//!
//! A change that is reverted between two samples is not seen, and causes no event.

mod event;
mod filter;
mod history;
mod last_seen;
#[cfg(test)]
mod tests;

pub use event::{Change, Device, Event};
pub use filter::Filter;
pub use history::History;
