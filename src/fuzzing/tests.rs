#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

/// A target's name and function.
type Family = (&'static str, fn(&[u8]));

const FAMILIES: [Family; 8] = [
    ("arguments", super::arguments),
    ("display", super::display),
    ("kernel", super::kernel),
    ("recording", super::recording),
    ("settings", super::settings),
    ("tools", super::tools),
    ("trace", super::trace),
    ("xenstore", super::xenstore),
];

fn fuzz(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    files
}

/// Lists the corpus of a family.
fn corpus(family: &str) -> Vec<PathBuf> {
    files(&fuzz("corpus").join(family))
}

#[test]
fn families_have_targets_and_corpora() {
    let expected: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
    let stems = |folder: &str| -> Vec<String> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&fuzz(folder)).into_iter().map(stem).collect()
    };
    assert_eq!(stems("fuzz_targets"), expected);
    assert_eq!(stems("corpus"), expected);
}

#[test]
fn corpus_is_harmless() {
    for (family, check) in FAMILIES {
        for file in corpus(family) {
            // The test shows it if the check fails.
            println!("{}", file.display());
            check(&fs::read(file).unwrap());
        }
    }
}

/// A change at a position of a text.
#[derive(Clone, Debug)]
enum Edit {
    Put(Vec<u8>),
    Overwrite(u8),
    Remove(Index),
    Repeat(Index),
}

fn edit() -> impl Strategy<Value = (Index, Edit)> {
    let fragments = prop::sample::select(vec![
        "\0",
        "\n",
        " ",
        "-",
        "+",
        "0",
        ".",
        "\u{1b}[2J",
        "\u{202e}",
        "\u{fe0f}",
        "\"",
        "inf",
        "18446744073709551616",
        "/",
    ]);
    let edit = prop_oneof![
        fragments.prop_map(|text| Edit::Put(text.into())),
        any::<Vec<u8>>().prop_map(Edit::Put),
        any::<u8>().prop_map(Edit::Overwrite),
        any::<Index>().prop_map(Edit::Remove),
        any::<Index>().prop_map(Edit::Repeat),
    ];
    (any::<Index>(), edit)
}

fn change(text: &mut Vec<u8>, (position, edit): (Index, Edit)) {
    let at = position.index(text.len() + 1);
    let end = |index: Index| at + index.index(text.len() + 1 - at);
    match edit {
        Edit::Put(bytes) => drop(text.splice(at..at, bytes)),
        Edit::Overwrite(byte) => text.iter_mut().skip(at).take(1).for_each(|b| *b = byte),
        Edit::Remove(index) => drop(text.drain(at..end(index))),
        Edit::Repeat(index) => text.extend_from_within(at..end(index)),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_harmless(bytes: Vec<u8>, text: String) {
        for (_, check) in FAMILIES {
            check(&bytes);
            check(text.as_bytes());
        }
    }

    #[test]
    fn changed_corpus_is_harmless(
        file: Index,
        edits in prop::collection::vec(edit(), 1..8),
    ) {
        for (family, check) in FAMILIES {
            let mut text = fs::read(file.get(&corpus(family))).unwrap();
            for edit in &edits {
                change(&mut text, edit.clone());
            }
            check(&text);
        }
    }
}
