//! Compares `top -b` with the real xentop, which runs between two of our runs.

use std::fs;

use super::bridge::Bridge;
use super::guest::Burning;
use crate::command::{run, say, tool, xenscope_path};

/// A word of a line: its leading digits, the text after them, and where it ends.
struct Word<'a> {
    digits: Option<u64>,
    rest: &'a str,
    end: usize,
}

fn words(line: &str) -> Vec<Word<'_>> {
    line.split(' ')
        .scan(0, |at, text| {
            let start = *at;
            *at += text.len() + 1;
            Some((start + text.len(), text))
        })
        .filter(|(_, text)| !text.is_empty())
        .map(|(end, text)| {
            let digits = text.chars().take_while(char::is_ascii_digit).count();
            Word {
                digits: text[..digits].parse().ok(),
                rest: &text[digits..],
                end,
            }
        })
        .collect()
}

/// Asserts that xentop's line has our layout and texts, and numbers between ours.
fn assert_between(before: &str, theirs: &str, after: &str) {
    let case = format!("ours   {before}\nxentop {theirs}\nours   {after}");
    assert_eq!(before.len(), theirs.len(), "{case}");
    let is_domain = !["VCPUs(", "Net", "VBD "]
        .iter()
        .any(|start| theirs.starts_with(start));
    let [old, their, new] = [before, theirs, after].map(words);
    assert_eq!((old.len(), new.len()), (their.len(), their.len()), "{case}");
    for (column, ((old, their), new)) in old.iter().zip(&their).zip(&new).enumerate() {
        assert_eq!((old.end, new.end), (their.end, their.end), "{case}");
        // The state changes, and the CPU use is over another interval: 0.0 in xentop's first block.
        if is_domain && (column == 1 || column == 3) {
            continue;
        }
        assert_eq!((old.rest, new.rest), (their.rest, their.rest), "{case}");
        assert!(
            old.digits <= their.digits && their.digits <= new.digits,
            "column {column}:\n{case}"
        );
    }
}

/// Runs xentop with these options between two of our runs, and compares all lines.
fn compare(options: &[&str]) -> String {
    let options = [&["-b", "-i", "1"], options].concat();
    let ours = || say(&[&["top", "-d", "0.05"], &options[..]].concat()).fine();
    let before = ours();
    let theirs = tool("xentop", &options);
    let after = ours();
    let [old, their, new] = [&before, &theirs, &after].map(|text| text.lines().collect::<Vec<_>>());
    let case = format!("{options:?}\n{before}\n{theirs}");
    assert_eq!((old.len(), new.len()), (their.len(), their.len()), "{case}");
    for ((old, their), new) in old.into_iter().zip(their).zip(new) {
        assert_between(old, their, new);
    }
    theirs
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn xentops_figures_lie_between_two_of_ours() {
    let _bridge = Bridge::over_all_guests();
    let _burning = Burning::start();
    compare(&[]);
    compare(&["-f"]);
    compare(&["-r", "-x"]);
    let all = compare(&["-n", "-x", "-v", "-r", "-f"]);
    // The output has the rows that this test compares.
    let net = all
        .lines()
        .find(|line| line.contains("pv-net "))
        .expect("pv-net");
    let columns: Vec<&str> = net.split_whitespace().collect();
    assert_eq!(columns[9], "1", "{all}");
    assert!(columns[10].parse::<u64>().unwrap() > 10, "{all}");
    for part in ["Net0 RX: ", "VBD BlkBack 51712 [ca: 0]", "VCPUs(sec): "] {
        assert!(all.contains(part), "{all}");
    }
    assert!(all.contains("s  1: "), "a second vCPU: {all}");
    if std::env::var("XENSCOPE_LAB_XEN").unwrap() == "4.20" {
        compare(&["-z"]);
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_link_named_xentop_takes_xentops_options() {
    let link = std::env::temp_dir().join("xentop");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(xenscope_path(), &link).unwrap();
    let link = link.to_str().unwrap();
    let heading = |text: &str| text.lines().next().unwrap().to_owned();
    let theirs = tool("xentop", &["-b", "-i", "1"]);
    for options in [
        &["-b", "-i", "1"][..],
        &["--batch", "--iterations=1", "--delay", "1"],
        &["-bfi1"],
        &["-b", "-b", "-i", "5", "--iter", "1", "-d", "9", "-d", "1"],
        &[
            "-b",
            "-i1",
            "--networks",
            "--vbds",
            "--vcpus",
            "--full-name",
        ],
    ] {
        let ours = tool(link, options);
        assert_eq!(heading(&ours), heading(&theirs), "{options:?}");
        assert!(ours.contains("pv-burn"), "{ours}");
    }
    let version = tool(link, &["-V"]);
    assert_eq!(version, format!("xentop {}\n", env!("CARGO_PKG_VERSION")));
    assert!(tool(link, &["-h"]).contains("Usage: xentop [OPTIONS]"));
    // Under this name it is top, and has no commands.
    let list = run(std::process::Command::new(link).arg("list"));
    list.refused(2, &["unexpected argument 'list'"]);
}
