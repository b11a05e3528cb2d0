//! Properties that hold for any text from outside.
//!
//! There is one function for each family of parsers. It gives any bytes to each parser of the
//! family, and panics if a parser accepts what the bytes do not say, or passes on something
//! harmful. The fuzz targets in `fuzz/` call these functions, and so does `cargo test`.

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
pub use crate::recording::fuzzing::recording;
pub use crate::xen::fuzzing::trace;
pub use crate::xenstore::fuzzing::xenstore;

/// Asserts that a message is one line without characters that are unsafe on a terminal.
fn assert_harmless(message: &str) {
    assert!(!message.is_empty());
    assert!(!message.contains(crate::text::is_unsafe), "{message:?}");
}

/// Parses decimal digits; `None` for anything else, and for more than a u64 holds.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    text.first()?;
    text.iter().try_fold(0_u64, |number, byte| {
        number.checked_mul(10)?.checked_add(digit(byte)?)
    })
}

/// Checks domains and intervals of the command line.
pub fn arguments(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    match text.parse() {
        Ok(selector) => selects_what_it_says(text, &selector),
        Err(error) => assert_harmless(&format!("{error:#}")),
    }
    match interval::parse(text) {
        Ok(interval) => {
            assert!((interval::SHORTEST..=interval::LONGEST).contains(&interval));
            let expected = text.parse().unwrap_or(f64::NAN);
            assert!((interval.as_secs_f64() - expected).abs() < 1e-9, "{text:?}");
        }
        Err(error) => assert_harmless(&error),
    }
}

/// Asserts that a selector matches exactly its ID, its name or its UUID.
fn selects_what_it_says(text: &str, selector: &Selector) {
    assert_harmless(&selector.to_string());
    let (by, value) = match text.split_once(':') {
        Some((by @ ("id" | "name" | "uuid"), value)) => (Some(by), value),
        _ => (None, text),
    };
    let number = digits(value.as_bytes());
    let uuid_given = Uuid::try_parse(value).ok();
    let ids = [Some(5), number].into_iter().flatten();
    for id in ids.filter_map(|id| u16::try_from(id).ok()) {
        for uuid in [Uuid::from_u128(5), uuid_given.unwrap_or_default()] {
            for name in [None, Some("web"), Some(value)] {
                let may_be = |kind| by.is_none_or(|by| by == kind);
                let expected = may_be("id") && number == Some(id.into())
                    || may_be("uuid") && uuid_given == Some(uuid)
                    || may_be("name") && name == Some(value);
                let id = DomId(id);
                let matches = selector.matches(Identity { id, uuid }, name);
                assert_eq!(matches, expected, "{text:?} {id} {uuid} {name:?}");
            }
        }
    }
}

/// Checks text on its way to a terminal.
pub fn display(bytes: &[u8]) {
    // The first byte is the width.
    let (width, bytes) = bytes.split_first().unwrap_or((&0, bytes));
    let text = String::from_utf8_lossy(bytes);
    let shown = safe(&text);
    assert!(!shown.contains(is_unsafe), "{shown:?}");
    assert_eq!(safe(&shown), shown);
    assert_eq!(strip_shown(&shown, &text), Some(""), "{shown:?}");
    fits(&shown, usize::from(*width));
}

/// Returns the rest of `text` after everything in `shown`; `None` if something else is shown.
fn strip_shown<'t>(shown: &str, text: &'t str) -> Option<&'t str> {
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

/// Asserts that shortened text fits the width and uses it.
fn fits(text: &str, width: usize) {
    let beginning = cut(text, width);
    assert!(text.starts_with(beginning));
    assert!(columns(beginning) <= width, "{beginning:?} in {width}");
    if text.is_ascii() {
        assert_eq!(beginning.len(), width.min(text.len()));
    }
    let short = shortened(text, width);
    assert!(columns(&short) <= width, "{short:?} in {width}");
    if short != text {
        assert!(columns(text) > width, "{text:?} in {width}");
        assert!(width == 0 || short.ends_with('…'), "{short:?}");
    }
}

/// Checks the settings file.
pub fn settings(bytes: &[u8]) {
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

/// Checks the output of xentop and xl.
pub fn tools(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for tool in [Tool::Xentop, Tool::Xl] {
        match tool.read(&text) {
            Ok(rows) => {
                // The first line holds the headings.
                assert_eq!(rows.len() + 1, text.lines().count());
                for (row, line) in rows.iter().zip(text.lines().skip(1)) {
                    has_the_words_of_its_line(tool, row, line);
                }
            }
            Err(error) => {
                assert!((1..=text.lines().count().max(1)).contains(&error.line));
                assert_harmless(&error.to_string());
            }
        }
    }
}

/// Asserts that a line has, after the name, the words of the cells in their order, and nothing else
/// but the ID or the CPU use, and the letters of states that do not last.
fn has_the_words_of_its_line(tool: Tool, row: &Row, line: &str) {
    let rest = line.trim_start().strip_prefix(row.name.trim_start());
    let lasting = |word: &str| word.replace(['r', 'b'], "-");
    let mut words: Vec<String> = rest
        .unwrap_or_default()
        .split_whitespace()
        .map(lasting)
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
