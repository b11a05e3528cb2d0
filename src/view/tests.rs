//! Compares complete outputs with the files in `golden`, and the examples in the documentation with
//! the outputs.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{DisplayOptions, Sample, compare, host, list, status, top, vcpus, xentop};
use crate::compare::{Comparison, DomainRef, Figure, Report, Tool, Verdict};
use crate::fixtures::{equipped, troubled};
use crate::rates::Rates;
use crate::snapshot::{DomId, Snapshot};

/// Returns the output of a view for the fixture host: without a limit, for 80 columns, and for 40.
fn texts(view: impl Fn(Sample<'_>, Option<usize>) -> String) -> String {
    let (old, new) = equipped();
    let sample = Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    };
    let texts = [None, Some(80), Some(40)].map(|width| view(sample, width));
    texts.join("\n----\n\n")
}

#[test]
fn the_text_of_list() {
    assert_eq!(texts(list::table), include_str!("golden/list.txt"));
}

#[test]
fn the_text_of_status() {
    assert_eq!(
        texts(|sample, width| status::sections(sample, &[], sample.snapshot, width)),
        include_str!("golden/status.txt")
    );
}

#[test]
fn status_says_why_a_domain_suffers() {
    let (old, new) = troubled();
    let sample = Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    };
    let text = status::sections(sample, &[], sample.snapshot, None);
    let reasons: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("db "))
        .skip_while(|line| !line.starts_with("  suffers "))
        .take(2)
        .collect();
    assert!(reasons[0].starts_with("  suffers   xvda "), "{text}");
    assert!(reasons[1].starts_with("            "), "{text}");
    let idle = text.split("\n\n").next().unwrap();
    assert!(
        idle.starts_with("idle ") && !idle.contains("suffers"),
        "{text}"
    );
}

#[test]
fn named_domains_are_in_the_order_of_their_names_on_the_command_line() {
    let (old, new) = equipped();
    let sample = Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    };
    let wanted = [2, 1].map(|place| new.domains[place].identity());
    let text = status::sections(sample, &wanted, sample.snapshot, None);
    assert!(
        text.starts_with("db (domain 9)") && text.contains("\n\nweb (domain 5)"),
        "{text}"
    );
    assert!(!text.contains("Domain-0 (domain 0)"), "{text}");
    let text = vcpus::lines(sample, &[wanted[1]], None);
    assert!(text.contains("web") && !text.contains("Domain-0"), "{text}");
}

#[test]
fn nodes_that_are_larger_than_the_host_are_explained() {
    let (_, mut new) = equipped();
    let rates = &Rates::between(None, &new);
    let said =
        |snapshot: &Snapshot| host::sections(Sample { snapshot, rates }, None).contains("holes");
    assert!(!said(&new));
    new.host.nodes.as_mut().unwrap()[0].memory_bytes = Some(new.host.memory_bytes + 4096);
    assert!(said(&new));
}

#[test]
fn unknown_sums_of_repositories_are_said_to_be_unknown() {
    let (old, mut new) = equipped();
    let text = |new: &Snapshot| {
        let rates = &Rates::between(Some(&old), new);
        host::sections(
            Sample {
                snapshot: new,
                rates,
            },
            None,
        )
    };
    let unknown = "storage repositories: unknown, as the disks of domain 9 are\n";
    assert!(text(&new).contains("REPOSITORY") && !text(&new).contains(unknown));
    new.domains[2].disks = None;
    assert!(!text(&new).contains("REPOSITORY") && text(&new).ends_with(unknown));
}

#[test]
fn the_text_of_vcpus() {
    assert_eq!(
        texts(|sample, width| vcpus::lines(sample, &[], width)),
        include_str!("golden/vcpus.txt")
    );
}

#[test]
fn the_text_of_host() {
    assert_eq!(texts(host::sections), include_str!("golden/host.txt"));
}

#[test]
fn the_text_of_top() {
    let shown = DisplayOptions {
        pcpus: true,
        ..DisplayOptions::PARTS
    };
    let text = texts(|sample, width| top::table(sample, sample.snapshot, shown, width));
    assert_eq!(text, include_str!("golden/top.txt"));
}

/// Returns the output of `compare`.
fn compared() -> String {
    let figure = Figure {
        domain: DomainRef {
            id: DomId(5),
            name: None,
        },
        column: "Mem",
        theirs: String::new(),
        before: String::new(),
        after: String::new(),
        verdict: Verdict::Agrees,
    };
    let report = Report {
        tool: Tool::Xl,
        path: None,
        version: None,
        time: jiff::Timestamp::UNIX_EPOCH,
        result: Ok(Comparison {
            figures: vec![figure],
            ..Comparison::default()
        }),
    };
    compare::sections(&report, true, None)
}

/// Returns the headings of the tables in a text, as words. Headings are in capitals, except units.
fn headings(text: &str) -> BTreeSet<Vec<&str>> {
    let is_title = |word: &&str| {
        let word = word.trim_end_matches("(sec)").trim_end_matches("(k)");
        let mut letters = word.chars();
        letters.all(|c| c.is_ascii_uppercase() || "%/()_".contains(c))
    };
    let lines = text.lines().map(|line| line.split_whitespace().collect());
    lines
        .filter(|words: &Vec<&str>| words.len() > 2 && words.iter().all(is_title))
        .collect()
}

/// Returns the labels of a paragraph, the first `width` columns of its lines.
fn labels(paragraph: &str, width: usize) -> Vec<&str> {
    let lines = paragraph.lines().take_while(|line| !line.is_empty());
    lines
        .map(|line| line.get(..width).unwrap_or(line).trim())
        .collect()
}

/// Returns the path and text of each document that shows outputs.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.is_file());
    let files = docs.chain([root.join("README.md")]);
    files
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn documented_headings_match_the_output() {
    let all = |sample: Sample<'_>, width| {
        let shown = DisplayOptions {
            pcpus: true,
            ..DisplayOptions::PARTS
        };
        [
            list::table(sample, width),
            status::sections(sample, &[], sample.snapshot, width),
            vcpus::lines(sample, &[], width),
            host::sections(sample, width),
            top::table(sample, sample.snapshot, shown, width),
            xentop::block(sample, DisplayOptions::default()),
            compared(),
        ]
        .concat()
    };
    let printed = texts(all);
    let printed = headings(&printed);
    let mut found = 0;
    for (path, text) in documents() {
        for block in text.split("```").skip(1).step_by(2) {
            for heading in headings(block) {
                assert!(printed.contains(&heading), "{path:?}: {heading:?}");
                found += 1;
            }
        }
    }
    assert!(found > 15, "{found}");
}

#[test]
fn documented_labels_match_the_output() {
    // In the output of status, the domain's name is above the labels.
    let views = [
        (
            "# xenscope status ",
            1,
            12,
            texts(|sample, width| status::sections(sample, &[], sample.snapshot, width)),
        ),
        ("# xenscope host", 0, 13, texts(host::sections)),
    ];
    for (command, above, width, text) in views {
        let printed = &labels(&text, width)[above..];
        let mut found = 0;
        for (path, text) in documents() {
            for output in text.split(command).skip(1) {
                let (rest, output) = output.split_once('\n').unwrap();
                // Skip other formats and partial outputs.
                if rest.contains([' ', '|']) {
                    continue;
                }
                assert_eq!(&labels(output, width)[above..], printed, "{path:?}");
                found += 1;
            }
        }
        assert!(found > 0, "{command}");
    }
}
