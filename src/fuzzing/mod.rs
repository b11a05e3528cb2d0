//! What must hold whatever text comes from outside.
//!
//! There is a function for each family of parsers. It takes any bytes, hands them to each parser of
//! the family, and panics when one of them makes more of the bytes than they say, or lets something
//! harmful through. The fuzz targets in `fuzz/` call these functions, and so does `cargo test`.

#[cfg(test)]
mod tests;

use uuid::Uuid;

use crate::compare::{Row, Tool};
use crate::interval;
use crate::selector::Selector;
use crate::snapshot::{DomId, Identity};
use crate::text::{columns, cut, is_unsafe, safe, shortened};
use crate::view::tui::Settings;

pub use crate::dom0::fuzzing::kernel;
pub use crate::xenstore::fuzzing::xenstore;

/// Asserts that a message for people can do nothing to a terminal and is one line.
fn assert_harmless(message: &str) {
    assert!(!message.is_empty());
    assert!(!message.contains(crate::text::is_unsafe), "{message:?}");
}

/// The number that decimal digits say; `None` for anything else, or more than a u64 holds.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    text.first()?;
    text.iter().try_fold(0_u64, |number, byte| {
        number.checked_mul(10)?.checked_add(digit(byte)?)
    })
}

/// Domains and intervals as people give them on the command line.
pub fn arguments(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    match text.parse() {
        Ok(selector) => means_what_it_says(text, &selector),
        Err(error) => assert_harmless(&format!("{error:#}")),
    }
    match interval::parse(text) {
        Ok(interval) => {
            assert!((interval::SHORTEST..=interval::LONGEST).contains(&interval));
            let said = text.parse().unwrap_or(f64::NAN);
            assert!((interval.as_secs_f64() - said).abs() < 1e-9, "{text:?}");
        }
        Err(error) => assert_harmless(&error),
    }
}

/// A domain is meant by exactly its id, its name or its uuid.
fn means_what_it_says(text: &str, selector: &Selector) {
    assert_harmless(&selector.to_string());
    let (by, value) = match text.split_once(':') {
        Some((by @ ("id" | "name" | "uuid"), value)) => (Some(by), value),
        _ => (None, text),
    };
    let number = digits(value.as_bytes());
    let said = Uuid::try_parse(value).ok();
    let ids = [Some(5), number].into_iter().flatten();
    for id in ids.filter_map(|id| u16::try_from(id).ok()) {
        for uuid in [Uuid::from_u128(5), said.unwrap_or_default()] {
            for name in [None, Some("web"), Some(value)] {
                let may_be = |kind| by.is_none_or(|by| by == kind);
                let expected = may_be("id") && number == Some(id.into())
                    || may_be("uuid") && said == Some(uuid)
                    || may_be("name") && name == Some(value);
                let id = DomId(id);
                let matches = selector.matches(Identity { id, uuid }, name);
                assert_eq!(matches, expected, "{text:?} {id} {uuid} {name:?}");
            }
        }
    }
}

/// Text from outside on its way to a terminal.
pub fn display(bytes: &[u8]) {
    // The first byte is how much room there is.
    let (width, bytes) = bytes.split_first().unwrap_or((&0, bytes));
    let text = String::from_utf8_lossy(bytes);
    let shown = safe(&text);
    assert!(!shown.contains(is_unsafe), "{shown:?}");
    assert_eq!(safe(&shown), shown);
    assert_eq!(as_it_was(&shown, &text), Some(""), "{shown:?}");
    fits(&shown, usize::from(*width));
}

/// What is left of the text when all that is shown is taken from its beginning; `None` when
/// something else is shown.
fn as_it_was<'t>(shown: &str, text: &'t str) -> Option<&'t str> {
    let mut left = text;
    let mut shown = shown;
    while let Some(next) = left.chars().next() {
        let form = match is_unsafe(next) {
            true => format!("\\u{{{:x}}}", u32::from(next)),
            false => next.to_string(),
        };
        shown = shown.strip_prefix(&*form)?;
        left = &left[next.len_utf8()..];
    }
    shown.is_empty().then_some(left)
}

/// Text that is made shorter is as long as there is room for, and not longer.
fn fits(text: &str, width: usize) {
    let begun = cut(text, width);
    assert!(text.starts_with(begun));
    assert!(columns(begun) <= width, "{begun:?} in {width}");
    if text.is_ascii() {
        assert_eq!(begun.len(), width.min(text.len()));
    }
    let short = shortened(text, width);
    assert!(columns(&short) <= width, "{short:?} in {width}");
    if short != text {
        assert!(columns(text) > width, "{text:?} in {width}");
        assert!(width == 0 || short.ends_with('…'), "{short:?}");
    }
}

/// The file of preferences.
pub fn preferences(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let settings = match Settings::from_toml(text) {
        Ok(settings) => settings,
        Err(error) => return assert_harmless(&error),
    };
    assert!((interval::SHORTEST..=interval::LONGEST).contains(&settings.interval));
    assert!(!settings.columns.is_empty());
    let mut seen = Vec::new();
    for column in &settings.columns {
        assert!(!seen.contains(column), "{column:?} twice");
        seen.push(*column);
    }
    let written = settings.to_toml();
    let again = written.and_then(|text| Settings::from_toml(&text));
    assert_eq!(again, Ok(settings));
}

/// What xentop and xl print.
pub fn tools(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for tool in [Tool::Xentop, Tool::Xl] {
        match tool.read(&text) {
            Ok(rows) => {
                // The first line has the headings.
                assert_eq!(rows.len() + 1, text.lines().count());
                for (row, line) in rows.iter().zip(text.lines().skip(1)) {
                    says_what_the_line_says(tool, row, line);
                }
            }
            Err(error) => {
                assert!((1..=text.lines().count().max(1)).contains(&error.line));
                assert_harmless(&error.to_string());
            }
        }
    }
}

/// Behind the name a line has the words of the cells, in their order, and nothing else but the
/// letters of passing states, and the id or the use of CPU.
fn says_what_the_line_says(tool: Tool, row: &Row, line: &str) {
    let behind = line.trim_start().strip_prefix(row.name.trim_start());
    let passing = |word: &str| word.replace(['r', 'b'], "-");
    let mut words: Vec<String> = behind
        .unwrap_or_default()
        .split_whitespace()
        .map(passing)
        .collect();
    match (tool, row.id) {
        (Tool::Xentop, None) => drop(words.remove(2)),
        (Tool::Xl, Some(id)) => assert_eq!(digits(words.remove(0).as_bytes()), Some(id.0.into())),
        _ => unreachable!("only xl prints ids"),
    }
    let cells: Vec<&str> = row.cells.iter().flat_map(|cell| cell.split(' ')).collect();
    assert_eq!(words, cells, "{line:?}");
    for cell in &row.cells {
        let (whole, tenths) = cell.split_once('.').unwrap_or((cell, "0"));
        let is_number = [whole, tenths]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        let is_state = cell.len() == 6 && cell.bytes().all(|byte| b"-dspc".contains(&byte));
        let is_word = ["no limit", "n/a"].contains(&cell.as_str());
        assert!(is_number || is_state || is_word, "{cell:?}");
    }
}
