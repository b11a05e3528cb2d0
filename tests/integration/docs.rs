//! The documentation: its links work, and every command has an example.

use std::collections::BTreeSet;
use std::fs;

use crate::console;
use crate::usage::commands;

/// Returns the anchors of a file's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut links = 0;
    for (path, text) in console::documents() {
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').unwrap();
            // A link may be broken into lines.
            let link = link.replace('\n', " ");
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let found = fs::read(&file);
            let found = found.unwrap_or_else(|error| panic!("{link} in {path:?}: {error}"));
            let headings = || anchors(&String::from_utf8_lossy(&found));
            let known = anchor.is_empty() || headings().contains(anchor);
            assert!(known, "{link} in {path:?}: no such heading");
            links += 1;
        }
    }
    assert!(links > 20, "{links}");
}

#[test]
fn every_command_has_an_example() {
    let shown = console::commands();
    for command in commands() {
        let is_shown = shown
            .iter()
            .any(|(_, words)| words.starts_with(&["xenscope".to_owned(), command.clone()]));
        assert!(is_shown, "{command}");
    }
}
