//! Feeds: where snapshots come from, one after the other, each with the one before it.
//!
//! A command takes a [`Feed`] and does not see whether it is [`Live`] or [`Recorded`].

mod live;
mod pair;
mod recorded;
mod schedule;
#[cfg(test)]
mod tests;

pub use live::{Live, Pace};
pub use pair::{Feed, Pair};
pub use recorded::Recorded;
