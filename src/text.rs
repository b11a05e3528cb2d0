//! Text for terminals: escaping, width in columns, units.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::RangeInclusive;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The variation selectors. One makes an emoji of the character before it, another makes an East
/// Asian quotation mark wide; each of them adds one column.
const WIDENING: RangeInclusive<char> = '\u{fe00}'..='\u{fe0f}';

/// Stands for an unknown value.
pub const UNKNOWN: &str = "-";

/// Returns whether a character can do more to a terminal than appear: control characters, and
/// characters that reorder, hide or break the text around them.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Escapes each unsafe character of a text from outside as `\u{…}`; see [`is_unsafe`].
pub fn safe(text: &str) -> Cow<'_, str> {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain || !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Returns bytes as text; `\u{fffd}` replaces what is not UTF-8. `from_utf8_lossy` alone does the same,
/// ten times slower.
pub fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Returns how many terminal columns the text takes.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Returns the text if it fits `width` columns, else its beginning and an ellipsis.
pub fn shortened(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    match width.checked_sub(1) {
        Some(room) => Cow::Owned(format!("{}…", cut(text, room))),
        None => Cow::Borrowed(""),
    }
}

/// Returns a beginning of the text that fits `width` columns. It may be shorter than necessary if
/// characters merge into one, as in some emoji.
pub fn cut(text: &str, width: usize) -> &str {
    if text.len() <= width {
        // No character takes more columns than bytes.
        return text;
    }
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0) + usize::from(WIDENING.contains(&c));
        if taken > width {
            return &text[..at];
        }
    }
    text
}

/// Formats ascending numbers, with runs as `0-3`.
pub fn numbers(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|&(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    runs.join(",")
}

/// Formats a value with `show`; `-` for `None`.
pub fn or_unknown<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_escaped() {
        assert_eq!(safe("web-1 ä 漢"), "web-1 ä 漢");
        assert_eq!(safe("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(safe("\u{9b}31m\u{7f}"), "\\u{9b}31m\\u{7f}");
        assert_eq!(safe("x\u{202e}y\u{2066}z"), "x\\u{202e}y\\u{2066}z");
    }

    #[test]
    fn shortening_counts_columns() {
        assert_eq!(shortened("database", 8), "database");
        assert_eq!(shortened("database", 5), "data…");
        assert_eq!(shortened("漢字漢字", 5), "漢字…");
        assert_eq!(shortened("漢字漢字", 4), "漢…");
        assert_eq!(shortened("web", 0), "");
        assert_eq!(cut("漢字", 3), "漢");
        assert_eq!(cut("❤\u{fe0f}❤\u{fe0f}", 3), "❤\u{fe0f}❤");
    }

    #[test]
    fn numbers_are_formatted_in_runs() {
        assert_eq!(numbers(&[0, 1, 2, 3, 6, 8, 9]), "0-3,6,8-9");
        assert_eq!(numbers(&[u32::MAX]), "4294967295");
        assert_eq!(numbers(&[]), "");
    }
}
