//! The command lines that the documentation shows.

#![allow(clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the path and the text of each file of the documentation.
pub(crate) fn documents() -> Vec<(PathBuf, String)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = own.filter(|path| path.join("README.md").exists()).last();
    let root = root.expect("README.md");
    let mut files = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
        .map(|name| root.join(name))
        .to_vec();
    let docs = fs::read_dir(root.join("docs")).expect("docs");
    files.extend(docs.map(|entry| entry.expect("a file").path()));
    files.retain(|path| path.extension().is_some_and(|end| end == "md"));
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).expect("text"));
    files.into_iter().map(read).collect()
}

/// Returns the commands in the console blocks, and the file that each is in.
pub(crate) fn commands() -> Vec<(PathBuf, Vec<String>)> {
    let mut all = Vec::new();
    for (path, text) in documents() {
        let blocks = text.split("```console\n").skip(1);
        let lines = blocks.flat_map(|block| block.split("\n```").next().unwrap_or("").lines());
        for line in lines {
            let line = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "));
            let commands = line.map(split).unwrap_or_default();
            all.extend(commands.into_iter().map(|words| (path.clone(), words)));
        }
    }
    all
}

/// Returns the commands of a shell's line as words, those of a pipeline one by one. What follows
/// `--` or `sh -c` is a command as well.
pub(crate) fn split(line: &str) -> Vec<Vec<String>> {
    let words = shlex::split(line).unwrap_or_else(|| panic!("no words: {line}"));
    let mut all = vec![Vec::new()];
    for word in words {
        let text = word.strip_suffix(';').unwrap_or(&word);
        let ends = text != word || ["|", "&&"].contains(&text);
        if let Some(command) = all.last_mut().filter(|_| !["", "|", "&&"].contains(&text)) {
            command.push(text.to_owned());
        }
        if ends {
            all.push(Vec::new());
        }
    }
    let inner: Vec<Vec<String>> = all.iter().flat_map(|words| inner(words)).collect();
    all.extend(inner);
    for command in &mut all {
        // Redirections are the shell's.
        let end = command.iter().position(|word| word == ">");
        command.truncate(end.unwrap_or(command.len()));
    }
    all
}

/// Returns the commands among a command's arguments.
fn inner(words: &[String]) -> Vec<Vec<String>> {
    let Some(place) = words.iter().position(|word| word == "--") else {
        return Vec::new();
    };
    match &words[place + 1..] {
        [sh, option, script] if sh == "sh" && option == "-c" => split(script),
        command => vec![command.to_vec()],
    }
}
