use super::{assert_harmless, digits};
use crate::compare::{Row, Tool};

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
