//! The manual pages. These tests need no hypervisor.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::command::{run, say};
use crate::usage::commands;

/// The sections that every page has, in order.
const SECTIONS: [&str; 7] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "EXIT STATUS",
    "EXAMPLES",
    "SEE ALSO",
];

/// The requests and escapes that a page may use.
const REQUESTS: [&str; 10] = ["TH", "SH", "SS", "PP", "TP", "IP", "RS", "RE", "br", "el"];

/// Returns each page's name and text: xenscope's own, and those of its commands.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("xenscope".to_owned(), say(&["man"]).fine())];
    for command in commands() {
        let text = say(&["man", &command]).fine();
        pages.push((format!("xenscope-{command}"), text));
    }
    pages
}

/// Returns the text between the heading of a section and the next heading.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let start = page.split_once(&format!("\n.SH \"{heading}\"\n"));
    let start = start.or_else(|| page.split_once(&format!("\n.SH {heading}\n")));
    start.and_then(|(_, rest)| rest.split("\n.SH ").next())
}

#[test]
fn every_page_has_its_sections_in_order() {
    for (name, page) in pages() {
        let title = format!(".TH {name} 8 ");
        assert!(page.contains(&title), "{name}: {page}");
        let headings = page.lines().filter_map(|line| line.strip_prefix(".SH "));
        let headings: Vec<&str> = headings.map(|text| text.trim_matches('"')).collect();
        let expected = SECTIONS.iter().map(|wanted| {
            let place = headings.iter().position(|heading| heading == wanted);
            place.unwrap_or_else(|| panic!("{name} has no {wanted}: {headings:?}"))
        });
        assert!(expected.is_sorted(), "{name}: {headings:?}");
        let line = section(&page, "NAME").unwrap();
        let start = format!("{} \\- ", name.replace('-', "\\-"));
        assert!(line.starts_with(&start), "{name}: {line}");
        assert!(section(&page, "SEE ALSO").unwrap().contains("(8)") || name == "xenscope");
    }
}

#[test]
fn pages_have_every_command_and_option() {
    let xenscope = say(&["man"]).fine();
    let list = section(&xenscope, "COMMANDS").unwrap();
    assert!(commands().contains(&"status".to_owned()));
    for command in commands() {
        let name = format!("xenscope\\-{command}");
        assert!(list.contains(&name), "{command}: {list}");
        let page = say(&["man", &command]).fine();
        let help = say(&[&command, "--help"]).fine();
        let options = help
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .filter(|word| word.starts_with("--") && word.len() > 2);
        for option in options {
            let roff = option.replace('-', "\\-");
            assert!(page.contains(&roff), "{command} {option}: {page}");
        }
    }
    assert!(xenscope.contains("allow\\-untested\\-xen"), "{xenscope}");
}

#[test]
fn the_page_of_top_has_all_keys() {
    let page = say(&["man", "top"]).fine();
    let keys = section(&page, "KEYS").unwrap();
    for part in ["\n.TP\n\\fBq  Q  \\(haC\\fR\nquit\n", "\\fBEnter\\fR"] {
        assert!(keys.contains(part), "no {part:?}: {keys}");
    }
}

/// Checks what is possible without roff: only known requests, and no text that roff would change.
#[test]
fn pages_are_valid_roff() {
    for (name, page) in pages() {
        assert!(page.is_ascii(), "{name}");
        for line in page.lines() {
            let request = line.strip_prefix('.').or_else(|| line.strip_prefix('\''));
            let word = request.and_then(|request| request.split(' ').next());
            let known = word.is_none_or(|word| REQUESTS.contains(&word) || word == "ie");
            assert!(known, "{name}: {line}");
            let escapes = ["f", "-", "(", "*(Aq", "&", "[u", "n("];
            for escape in line.split('\\').skip(1) {
                let known = escapes.iter().any(|known| escape.starts_with(known));
                assert!(known, "{name}: {line}");
            }
        }
    }
}

/// Returns whether this machine has the program.
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[test]
fn groff_accepts_all_pages() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    // The second run replaces them.
    for _ in 0..2 {
        assert_eq!(say(&["man", "--dir", dir]).fine(), "");
    }
    for (name, text) in pages() {
        let file = folder.path().join(format!("{name}.8"));
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{name}");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{name}");
        // Without groff, only the test above checks the pages.
        if has("groff") {
            let words = ["-man", "-Tutf8", "-ww", "-z"];
            let said = run(Command::new("groff").args(words).arg(&file));
            assert_eq!(said.fine(), "", "{name}");
        }
    }
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, commands().len() + 1);
}

#[test]
fn unwritable_directories_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refused = |dir: &Path, why: &str| {
        let dir = dir.to_str().unwrap();
        say(&["man", "--dir", dir]).refused(1, &["cannot write", dir, why]);
    };
    refused(&at("none"), "No such file or directory");
    fs::write(at("file"), "").unwrap();
    refused(&at("file"), "not a directory");
    // A directory with the name of a page: root cannot overwrite it either.
    fs::create_dir_all(at("full/xenscope.8/kept")).unwrap();
    refused(&at("full"), "xenscope.8");
    assert_eq!(fs::read_dir(at("full")).unwrap().count(), 1);
}

#[test]
fn a_page_replaces_a_link_not_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("precious"), "as it was").unwrap();
    fs::create_dir(at("man8")).unwrap();
    for link in ["xenscope.8", "xenscope.8.new"] {
        std::os::unix::fs::symlink(at("precious"), at("man8").join(link)).unwrap();
    }
    say(&["man", "--dir", at("man8").to_str().unwrap()]).fine();
    assert_eq!(fs::read_to_string(at("precious")).unwrap(), "as it was");
    assert!(at("man8/xenscope.8").is_file() && !at("man8/xenscope.8").is_symlink());
}

#[test]
fn only_commands_have_pages() {
    let wrong = |words: &[&str], message| say(words).refused(2, &[message, "; see --help"]);
    wrong(&["man", "lsit"], "no such command");
    wrong(&["man", "list", "--dir", "/"], "cannot be used with");
}
