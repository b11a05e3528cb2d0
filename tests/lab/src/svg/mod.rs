//! A terminal's screen as an SVG picture that looks the same in any viewer.

pub mod style;
