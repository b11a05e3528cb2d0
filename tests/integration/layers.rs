//! Imports point down the layers, and no files import each other in a circle.
//!
//! The paths in src/ say what imports what. Test code is left out: the modules `tests`, and the
//! files that only tests and fuzzing compile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The layers, from the lowest to the highest. A file or folder of src/ imports from those before it.
const LAYERS: [&str; 36] = [
    "text",
    "interval",
    "moment",
    "snapshot",
    "anonymous",
    "clock",
    "runstate",
    "rates",
    "sample",
    "pressure",
    "repositories",
    "waits",
    "fields",
    "units",
    "filter",
    "xen",
    "xenstore",
    "dom0",
    "tracer",
    "source",
    "recording",
    "feed",
    "selector",
    "xentop",
    "events",
    "audit",
    "compare",
    "doctor",
    "report",
    "view",
    "export",
    "cli",
    "exit",
    "commands",
    "main",
    "lib",
];

/// What only tests and fuzzing compile.
const TEST_CODE: [&str; 2] = ["fixtures", "fuzzing"];

/// Modules by their paths, such as `view::json::line`, with their texts.
type Sources = BTreeMap<String, String>;

/// The modules that each module imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn imports_point_down_the_layers() {
    let imports = imports(&sources());
    let mut wrong = Vec::new();
    for (importer, imported) in &imports {
        for imported in imported {
            let [from, to] = [importer, imported].map(|module| layer(module));
            if from != to && height(to) >= height(from) {
                wrong.push(format!("{importer} imports {imported}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_import_each_other() {
    let circles = circles(&imports(&sources()));
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_turned_import_is_found() {
    let sources = |pairs: &[(&str, &str)]| -> Sources {
        let owned = |&(module, text): &(&str, &str)| (module.to_owned(), text.to_owned());
        pairs.iter().map(owned).collect()
    };
    let mut all = sources(&[
        ("text", "pub fn safe() {}"),
        (
            "view",
            "mod table;\npub use table::Table;\nuse crate::text::{self, safe};",
        ),
        ("view::table", "use crate::text::safe as harmless;"),
    ]);
    let found = imports(&all);
    assert_eq!(
        found["view"],
        ["text", "view::table"].map(String::from).into()
    );
    assert_eq!(circles(&found), Vec::<Vec<String>>::new());
    all.insert("view::table".into(), "use super::{\n    Sample,\n};".into());
    assert_eq!(circles(&imports(&all)), [["view", "view::table"]]);
    let named_in_place = "fn f() { super::draw() } // view::g()";
    all.insert("view::table".into(), named_in_place.into());
    assert_eq!(circles(&imports(&all)), [["view", "view::table"]]);
    all.insert(
        "text".into(),
        "#[cfg(test)]\nmod tests {\n    use crate::view::Table;\n}".into(),
    );
    assert!(!imports(&all).contains_key("text"));
    all.insert("text".into(), "use crate::view::table::Table;".into());
    assert_eq!(
        imports(&all)["text"],
        ["view::table"].map(String::from).into()
    );
    assert!(height("text") < height("view"));
}

/// The layer that a module belongs to.
fn layer(module: &str) -> &str {
    module.split("::").next().unwrap()
}

fn height(layer: &str) -> usize {
    let place = LAYERS.iter().position(|&one| one == layer);
    place.unwrap_or_else(|| {
        panic!(
            "src/{layer} is in no layer: add it to LAYERS in {}",
            file!()
        )
    })
}

/// All modules of src/ that the program is made of.
fn sources() -> Sources {
    let mut sources = Sources::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        "",
        &mut sources,
    );
    assert!(sources.len() > 50, "{}", sources.len());
    sources
}

fn read(folder: &Path, path: &str, sources: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        let stem = entry.file_stem().unwrap().to_str().unwrap();
        let module = match (path, stem) {
            ("", stem) => stem.to_owned(),
            (path, "mod") => path.to_owned(),
            (path, stem) => format!("{path}::{stem}"),
        };
        if TEST_CODE.contains(&stem) || stem == "tests" || stem.ends_with("_tests") {
            continue;
        }
        if entry.is_dir() {
            read(&entry, &module, sources);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            sources.insert(module, fs::read_to_string(&entry).unwrap());
        }
    }
}

/// The imports of each module that has any.
fn imports(sources: &Sources) -> Imports {
    let mut imports = Imports::new();
    for (module, text) in sources {
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for path in used(program) {
            if let Some(imported) = resolve(module, &path, sources)
                && imported != *module
            {
                imports.entry(module.clone()).or_default().insert(imported);
            }
        }
    }
    imports
}

/// Returns the paths that a text names: one for each name that its `use` lines bring in, and those
/// that it names in place.
fn used(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = text;
    while let Some(line) = rest.find("use ") {
        let (before, from) = rest.split_at(line);
        let start = before.rsplit('\n').next().unwrap().trim();
        rest = &from["use ".len()..];
        if !(start.is_empty() || start.starts_with("pub")) || start.contains("//") {
            continue;
        }
        let end = rest.find(';').unwrap_or(rest.len());
        expand("", &rest[..end], &mut paths);
    }
    // What is named in place, such as `cpu::checks()` by the file that declares `cpu`.
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    for line in code {
        // Who may use something is no import.
        let line = line.rsplit_once("pub(in ").map_or(line, |(_, seen)| {
            seen.split_once(')').map_or("", |(_, named)| named)
        });
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let named = words.map(|word| word.trim_matches(':'));
        let named = named.filter(|word| word.contains("::"));
        paths.extend(
            named
                .filter(|word| word.starts_with(char::is_lowercase))
                .map(str::to_owned),
        );
    }
    paths
}

/// `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((before, inside)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap().trim();
        if !name.is_empty() {
            paths.push(format!("{prefix}{name}"));
        }
        return;
    };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let prefix = format!("{prefix}{}", before.trim());
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &inside[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand(&prefix, &inside[start..], paths);
}

/// The module of this program that a path in `module` leads into; `None` for another crate's.
fn resolve(module: &str, path: &str, sources: &Sources) -> Option<String> {
    let mut base: Vec<&str> = module.split("::").collect();
    let words: Vec<&str> = path.split("::").collect();
    let (first, mut rest) = words.split_first()?;
    match *first {
        "crate" | "xenscope" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while let Some((&"super", more)) = rest.split_first() {
                base.pop();
                rest = more;
            }
        }
        child => {
            base.push(child);
            if !sources.contains_key(&base.join("::")) {
                return None;
            }
        }
    }
    base.extend(rest);
    // What follows the module is a name in it.
    while !base.is_empty() {
        let module = base.join("::");
        if sources.contains_key(&module) {
            return Some(module);
        }
        base.pop();
    }
    None
}

/// The groups of modules that lead to each other.
fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let reachable = |from: &String| {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(module) = next.pop() {
            for imported in imports.get(module).into_iter().flatten() {
                if reached.insert(imported.clone()) {
                    next.push(imported);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&String, _> = imports.keys().map(|m| (m, reachable(m))).collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (module, reached_from) in &reached {
        let circle = reached_from.iter().filter(|other| {
            reached
                .get(other)
                .is_some_and(|back| back.contains(*module))
        });
        let circle: Vec<String> = circle.cloned().collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}
