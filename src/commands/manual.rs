//! `xenscope man`, generated from the definition of the command line, and completions.

mod completions;
mod pages;
mod texts;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use thiserror::Error;
use xenscope::text::safe;
use xenscope::view::tui;

use super::output::{Output, replace};
use crate::cli::{self, Cli};
use crate::exit::Outcome;
pub(super) use completions::completions;

/// The section of the manual for system administration.
const SECTION: &str = "8";

/// Why the pages could not be written.
#[derive(Debug, Error)]
enum Unwritten {
    #[error("cannot write manual pages to '{}': {source}; give an existing directory", safe(&dir.to_string_lossy()))]
    Directory { dir: PathBuf, source: io::Error },
    #[error("cannot write '{}': {source}", safe(&file.to_string_lossy()))]
    File { file: PathBuf, source: io::Error },
}

/// Prints one manual page, or writes all of them.
pub(super) fn man(options: &cli::Man, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let pages = all();
    if let Some(dir) = &options.dir {
        write(dir, &pages)?;
        return Ok(Outcome::Done);
    }
    let name = options.command.as_deref().map(page_name);
    let name = name.as_deref().unwrap_or("xenscope");
    let text = pages.iter().find(|(page, _)| page == name);
    // The command line accepts no other names.
    out.print(text.map_or("", |(_, text)| text))?;
    Ok(Outcome::Done)
}

/// Returns the name of a command's page.
fn page_name(command: &str) -> String {
    format!("xenscope-{command}")
}

/// Returns the name and text of each page: first xenscope's, then those of its commands.
fn all() -> Vec<(String, String)> {
    let mut xenscope = Cli::command().disable_help_subcommand(true);
    xenscope.build();
    let mut all = vec![("xenscope".to_owned(), page(&xenscope, &xenscope))];
    all.extend(xenscope.get_subcommands().map(|command| {
        let name = page_name(command.get_name());
        (name, page(&xenscope, command))
    }));
    all
}

/// Writes each page to a file. All users may read it, whatever the umask is.
fn write(dir: &Path, pages: &[(String, String)]) -> Result<(), Unwritten> {
    let metadata = fs::metadata(dir).and_then(|metadata| match metadata.is_dir() {
        true => Ok(metadata),
        false => Err(ErrorKind::NotADirectory.into()),
    });
    metadata.map_err(|source| Unwritten::Directory {
        dir: dir.to_owned(),
        source,
    })?;
    for (name, text) in pages {
        let file = dir.join(format!("{name}.{SECTION}"));
        replace(&file, text).map_err(|source| Unwritten::File { file, source })?;
    }
    Ok(())
}

/// Returns the page of xenscope or of one of its commands, in roff.
fn page(xenscope: &Command, command: &Command) -> String {
    let name = command.get_display_name().unwrap_or("xenscope");
    let version = xenscope.get_version().unwrap_or_default();
    let page = texts::page(command.get_name());
    let mut roff = Roff::new();
    let mut out = roff.render();
    let preamble = out.clone();
    // `Roff` leaves empty arguments out, here the date.
    out += &format!(".TH {name} {SECTION} \"\" \"xenscope {version}\" \"System administration\"\n");

    let about = command.get_about().map(ToString::to_string);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", about.unwrap_or_default()))]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text(synopsis(command));
    if name == "xenscope" {
        roff.control("br", []);
        roff.text([bold("xentop"), roman(" [option]...")]);
    }
    roff.control("SH", ["DESCRIPTION"]);
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    for paragraph in about.split("\n\n").chain(page.description.iter().copied()) {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    out += &roff.render();

    let mut options = Vec::new();
    // Writing to a Vec does not fail.
    let _ = Man::new(command.clone()).render_options_section(&mut options);
    out += &String::from_utf8_lossy(&options);

    let mut roff = Roff::new();
    if command.has_subcommands() {
        roff.control("SH", ["COMMANDS"]);
        for sub in command.get_subcommands() {
            let about = sub.get_about().map(ToString::to_string);
            roff.control("TP", []);
            roff.text(reference(&page_name(sub.get_name()), SECTION));
            roff.text([roman(about.unwrap_or_default())]);
        }
    }
    if command.get_name() == "top" {
        keys(&mut roff);
    }
    list(&mut roff, "EXIT STATUS", &page.exit_status());
    list(&mut roff, "ENVIRONMENT", &page.environment());
    list(&mut roff, "FILES", &page.files());
    list(&mut roff, "EXAMPLES", page.examples);
    roff.control("SH", ["SEE ALSO"]);
    roff.text(see_also(xenscope, command, page.see_also));
    out += &roff.render();

    let body = out.replace(&preamble, "");
    preamble + &ascii(&body)
}

/// Returns the command with its arguments. clap's usage text lacks the options' values.
fn synopsis(command: &Command) -> Vec<Inline> {
    let mut line = vec![bold(command.get_bin_name().unwrap_or("xenscope"))];
    let visible = |arg: &&Arg| {
        !arg.is_hide_set()
            && !matches!(
                arg.get_action(),
                ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
            )
    };
    for option in command.get_opts().chain(flags(command)).filter(visible) {
        let name = match (option.get_short(), option.get_long()) {
            (Some(short), _) => format!("-{short}"),
            (None, long) => format!("--{}", long.unwrap_or_default()),
        };
        line.extend([roman(" ["), bold(name)]);
        if option.get_action().takes_values() {
            let value = option.get_value_names().unwrap_or_default();
            line.extend([roman(" "), italic(value.join(" "))]);
        }
        line.push(roman("]"));
    }
    for positional in command.get_positionals().filter(visible) {
        let value = positional.get_value_names().unwrap_or_default().join(" ");
        let more = match positional.get_num_args() {
            Some(range) if range.max_values() > 1 => "...",
            _ => "",
        };
        line.push(roman(" "));
        line.extend(match positional.is_required_set() {
            true => vec![italic(value), roman(more)],
            false => vec![roman("["), italic(value), roman(format!("]{more}"))],
        });
    }
    if command.has_subcommands() {
        line.extend([roman(" "), italic("command"), roman(" [option]...")]);
    }
    line
}

/// Returns the options without a value.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    let arguments = command.get_arguments();
    arguments.filter(|arg| !arg.is_positional() && !arg.get_action().takes_values())
}

/// Adds a section of terms and their meanings; nothing if there are none.
fn list<T: Into<String> + Clone>(roff: &mut Roff, heading: &str, entries: &[(&str, T)]) {
    if entries.is_empty() {
        return;
    }
    roff.control("SH", [heading]);
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(meaning.clone())]);
    }
}

/// Adds the section of the live view's keys, from its help.
fn keys(roff: &mut Roff) {
    roff.control("SH", ["KEYS"]);
    for &(keys, does) in tui::help() {
        match keys {
            "" if !does.starts_with(' ') => {
                roff.control("SS", [does]);
            }
            "" => {
                roff.control("br", []);
                roff.text([roman(does.trim_start())]);
            }
            keys => {
                roff.control("TP", []);
                roff.text([bold(keys)]);
                roff.text([roman(does)]);
            }
        }
    }
}

/// Returns a reference to a page.
fn reference(name: &str, section: &str) -> Vec<Inline> {
    vec![bold(name), roman(format!("({section})"))]
}

/// Returns the references to other pages: on xenscope's page to all commands, on a command's page
/// to xenscope, and then to `others`.
fn see_also(xenscope: &Command, command: &Command, others: &[(&str, &str)]) -> Vec<Inline> {
    let own = match command.has_subcommands() {
        true => xenscope
            .get_subcommands()
            .map(|command| page_name(command.get_name()))
            .collect(),
        false => vec!["xenscope".to_owned()],
    };
    let own = own.iter().map(|name| (name.as_str(), SECTION));
    let mut line = Vec::new();
    for (name, section) in own.chain(others.iter().copied()) {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend(reference(name, section));
    }
    line
}

/// Escapes the characters that roff would change, and those outside ASCII.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '^' => out.push_str(r"\(ha"),
            '~' => out.push_str(r"\(ti"),
            '`' => out.push_str(r"\(ga"),
            c if c.is_ascii() => out.push(c),
            c => out.push_str(&format!("\\[u{:04X}]", u32::from(c))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console;

    #[test]
    fn examples_parse() {
        let xenscope = Cli::command();
        for command in std::iter::once(&xenscope).chain(xenscope.get_subcommands()) {
            let name = command.get_name();
            let examples = texts::page(name).examples.iter();
            let commands = examples.flat_map(|(line, _)| console::split(line));
            let own: Vec<_> = commands.filter(|words| words[0] == "xenscope").collect();
            assert!(!own.is_empty(), "no example of {name}");
            for words in own {
                assert!(Cli::parses(&words), "{words:?}");
            }
        }
    }
}
