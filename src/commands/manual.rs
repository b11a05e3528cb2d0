//! `xenscope man` and `xenscope completions`: made from the definitions of the command line.

use std::io;

use clap::CommandFactory;
use clap_complete::{generate, shells};
use clap_mangen::Man;

use super::print;
use crate::cli::{Cli, Shell};

/// The manual page: xenscope's own, with a section for each command.
pub(crate) fn man() -> io::Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let page = Man::new(command.clone());
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    let mut text = String::from_utf8_lossy(&out).into_owned();
    for sub in command.get_subcommands() {
        let page = Man::new(sub.clone());
        let mut out = Vec::new();
        page.render_synopsis_section(&mut out)?;
        page.render_description_section(&mut out)?;
        page.render_options_section(&mut out)?;
        let heading = format!(".SH \"XENSCOPE {}\"", sub.get_name().to_uppercase());
        text.push_str(
            &String::from_utf8_lossy(&out)
                .replace(".SH SYNOPSIS", &heading)
                .replace(".SH DESCRIPTION", ".PP")
                .replace(".SH OPTIONS", ".PP"),
        );
    }
    let mut out = Vec::new();
    page.render_extra_section(&mut out)?;
    page.render_version_section(&mut out)?;
    text.push_str(&String::from_utf8_lossy(&out));
    print(&text)
}

/// What `shell` sources.
pub(crate) fn completions(shell: Shell) -> io::Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut out = Vec::new();
    match shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut out),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut out),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut out),
    }
    print(&String::from_utf8_lossy(&out))
}
