//! Feeds return snapshots in order, each with the one before it.
//!
//! A command takes a [`Feed`], and works alike with [`Live`] and [`Recorded`] ones.

mod hour;
mod live;
mod pair;
mod recorded;
mod retry;
mod schedule;
mod taken;
#[cfg(test)]
mod tests;
mod thinned;

pub use hour::{Hour, Use};
pub use live::{Live, Pace};
pub use pair::{Feed, Pair};
pub use recorded::Recorded;
pub use thinned::Thinned;

pub use crate::xenstore::Watches;
