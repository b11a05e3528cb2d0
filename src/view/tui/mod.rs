//! The live view: what is shown, what keys do to it, and how it is drawn.
//!
//! [`App`] takes snapshots and events, and [`draw`] turns it into a frame. Nothing here reads a
//! clock, a terminal or the hypervisor, so every screen can be made from fixtures.

mod app;
mod cells;
mod columns;
mod cursor;
mod draw;
mod history;
mod keys;
mod order;
mod preferences;
#[cfg(test)]
mod tests;
mod theme;

pub use app::{App, Settings};
pub use columns::Column;
pub use draw::{draw, help};
pub use keys::{Command, suspends};
pub use theme::{Depth, Terminal, Theme};
