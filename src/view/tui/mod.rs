//! The live view: what is shown, what keys do to it, and how it is drawn.
//!
//! [`App`] takes snapshots and events, and [`draw`] turns it into a frame. Nothing here reads a
//! clock, a terminal or the hypervisor, so every screen can be made from fixtures.

mod action;
mod app;
mod cells;
mod columns;
mod context;
mod glyphs;
mod history;
mod pen;
mod preferences;
#[cfg(test)]
mod testing;
mod theme;
mod widgets;

pub use action::{Command, suspends};
pub use app::{App, draw};
pub use columns::Column;
pub use preferences::Settings;
pub use theme::{Depth, Terminal, Theme};
pub use widgets::help;
