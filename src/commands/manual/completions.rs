//! `xenscope completions`: scripts for shells, which ask xenscope for the names of domains.

use clap::{Command, CommandFactory};
use clap_complete::{generate, shells};

use crate::cli::{Cli, Shell};
use crate::commands::output::Output;
use crate::exit::Outcome;

/// Prints the names of domains, if one may list them. Shells expand words that they complete, so it
/// leaves out names with characters that mean something to one.
const NAMES: &str = r#"xenscope list --format csv 2>/dev/null | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == "name") name = i; next }
        name && $name ~ /^[A-Za-z0-9_.+@-]+$/ { print $name }'"#;

/// Prints the completion script for `shell`.
pub(in crate::commands) fn completions(
    shell: Shell,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
    }
    let script = String::from_utf8_lossy(&script);
    out.print(&match shell {
        Shell::Bash => bash(&script, &command),
        Shell::Zsh => zsh(&script),
        Shell::Fish => fish(&script, &command),
    })?;
    Ok(Outcome::Done)
}

/// Returns the commands that take domains.
fn take_domains(command: &Command) -> impl Iterator<Item = &str> {
    let takes = |one: &&Command| one.get_positionals().any(|arg| arg.get_id() == "domains");
    command
        .get_subcommands()
        .filter(takes)
        .map(Command::get_name)
}

/// Adds the names to the words of the commands that take domains.
fn bash(script: &str, command: &Command) -> String {
    let mut script = script.to_owned();
    for name in take_domains(command) {
        let words = format!("xenscope__subcmd__{name})\n            opts=\"");
        script = script.replace(&words, &format!("{words}$(_xenscope_domains) "));
    }
    format!(
        "_xenscope_domains() {{\n    [[ ${{cur}} == -* ]] && return\n    {NAMES}\n}}\n\n{script}"
    )
}

/// Completes domains by the names.
fn zsh(script: &str) -> String {
    let line = |line: &str| match line.starts_with("'*::domains -- ") {
        true => line.replace(":_default'", ":_xenscope_domains'"),
        false => line.to_owned(),
    };
    let lines: Vec<String> = script.lines().map(line).collect();
    let function = format!(
        "_xenscope_domains() {{\n    local -a names\n    names=(${{(f)\"$({NAMES})\"}})\n    compadd -a names\n}}\n\n"
    );
    let last = "if [ \"$funcstack[1]\"";
    lines.join("\n").replace(last, &(function + last)) + "\n"
}

/// Adds the names to what completes the commands that take domains.
fn fish(script: &str, command: &Command) -> String {
    let names: Vec<&str> = take_domains(command).collect();
    let names = names.join(" ");
    format!(
        "{script}\nfunction __fish_xenscope_domains\n    {NAMES}\nend\n\n\
         complete -c xenscope -n \"__fish_xenscope_using_subcommand {names}\" -f -a \"(__fish_xenscope_domains)\"\n"
    )
}
