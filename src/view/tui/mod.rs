//! The live view: its state, its keys and its screen.
//!
//! [`App`] takes snapshots and events, and [`draw`] draws it as a frame. This module never reads a
//! clock, a terminal or the hypervisor, so tests can draw every screen from fixtures.

mod action;
mod app;
mod cells;
mod columns;
mod context;
mod cursor;
mod digest;
mod fit;
mod glyphs;
mod history;
mod line;
mod news;
mod pen;
mod settings;
mod strip;
#[cfg(test)]
mod testing;
mod theme;
mod widgets;

pub use action::{Command, Step, suspends};
pub use app::{App, PastSample, draw};
pub use columns::{Column, filter};
pub use settings::Settings;
pub use theme::{Depth, Terminal, Theme};
pub use widgets::help;
