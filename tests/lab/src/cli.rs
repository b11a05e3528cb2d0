//! The command line.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::bench;
use crate::check;
use crate::disk;
use crate::fleet;
use crate::machine::{self, Hardware};
use crate::package;
use crate::paths;
use crate::protocol::Size;
use crate::session::{Extra, Plan, Session};
use crate::setup;
use crate::spec::{Guests, Shells};
use crate::terminal;
use crate::test;
use crate::xen::{Store, Userland, Which, Xen};

/// The guests of a demo.
const DEMO_GUESTS: &str = "pvh:net,pv:disk,pv:burn";

/// Boots a real Xen under QEMU and runs things in its dom0. No hardware virtualisation needed.
#[derive(Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install and fetch what the lab needs; the other commands do it if needed
    Setup {
        /// Which Xen
        #[arg(long, value_enum, default_value = "all")]
        xen: Which,
    },
    /// Boot, run a command in dom0 as root, end with its exit code
    Run {
        #[command(flatten)]
        boot: Boot,
        /// The command and its arguments; xenscope, xl and xentop are in PATH
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<String>,
    },
    /// Boot, open a shell in dom0 on this terminal; the machine ends with it
    Shell {
        #[command(flatten)]
        boot: Boot,
    },
    /// Boot, run a command in dom0 on its own terminal, print its last screen
    ///
    /// For full-screen programs: the last screen is the one before the program restores the terminal.
    Screen {
        #[command(flatten)]
        boot: Boot,
        /// The terminal's columns and lines
        #[arg(long, value_name = "COLSxLINES", default_value = "80x24")]
        size: Size,
        /// What to type as soon as there is a screen
        #[arg(long, value_name = "KEYS", default_value = "")]
        keys: String,
        /// Also write the screen to FILE as an SVG picture, in colour
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// The command and its arguments; it has to end by itself
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<String>,
    },
    /// Boot with three guests at work and watch them with xenscope top; q ends it
    Demo {
        /// Which Xen
        #[arg(long, value_enum, default_value = "4.17")]
        xen: Xen,
    },
    /// Boot, measure what xenscope, xentop and xl cost, and how exact CPU % is
    ///
    /// Measures beside 200 empty domains, 200 with a NIC and a disk each, then 10, 100, 1,000 and
    /// 4,000 empty ones, and prints tables. The figures also go to target/lab/bench.json. It takes half an hour
    /// on an idle machine. On a busy machine the figures are wrong.
    Bench {
        /// Which Xen
        #[arg(long, value_enum, default_value = "4.17")]
        xen: Xen,
        /// XenStore's daemon
        #[arg(long, value_enum, default_value = "xenstored")]
        store: Store,
        /// Numbers of empty domains to measure beside, dom0 counted
        ///
        /// If this is given, the lab does not measure how exact CPU % is.
        #[arg(long, value_name = "N,...", value_delimiter = ',',
              value_parser = clap::value_parser!(u16).range(2..=32752))]
        domains: Vec<u16>,
        /// Measure only what recording costs, beside empty domains and beside as many with a NIC and a disk each
        ///
        /// Unless --domains is given, there are 20, 201 and 1,000. The figures also go to target/lab/recording.json.
        #[arg(long)]
        recording: bool,
        /// Another build of xenscope to measure too, in turns with this one
        #[arg(long, value_name = "PROGRAM", conflicts_with = "recording")]
        against: Option<PathBuf>,
    },
    /// Scrape made-up hosts with Prometheus, print what it needs for them and how long queries take
    ///
    /// The figures are made up, but each host is a real server of xenscope export. Nothing is booted. On a busy
    /// machine, times are too long.
    Fleet {
        /// How many hosts
        #[arg(long, value_name = "N", default_value_t = 200,
              value_parser = clap::value_parser!(u16).range(1..=10_000))]
        hosts: u16,
        /// How many domains each host has, dom0 counted
        #[arg(long, value_name = "N", default_value_t = 50,
              value_parser = clap::value_parser!(u16).range(1..=4000))]
        domains: u16,
        /// How many minutes to scrape them; the first five are not measured
        #[arg(long, value_name = "N", default_value_t = 30,
              value_parser = clap::value_parser!(u64).range(6..))]
        minutes: u64,
    },
    /// Build xenscope for all dom0s, package it, and try it on each Xen
    ///
    /// The program runs with any glibc from 2.17 on. A Debian package and an RPM of it go to target/release-files. The
    /// lab boots each Xen, and runs 'xenscope doctor', 'list' and 'top' there.
    Package,
    /// Do what 'package' does, and add a tar of the files, the list of crates, and checksums
    ///
    /// What was in target/release-files before is deleted.
    Release,
    /// Check the crates: licences, sources, duplicates, and which Rust they need
    Check,
    /// Run all tests: on the host, then in dom0 on each Xen
    Test {
        /// Which Xen
        #[arg(long, value_enum, default_value = "all")]
        xen: Which,
        /// Run only tests whose name contains one of these
        #[arg(value_name = "FILTER")]
        filters: Vec<String>,
    },
}

/// What to boot.
#[derive(Args)]
struct Boot {
    /// Which Xen
    #[arg(long, value_enum, default_value = "4.17")]
    xen: Xen,
    /// XenStore's daemon
    #[arg(
        long,
        value_enum,
        default_value = "xenstored",
        conflicts_with = "debian"
    )]
    store: Store,
    /// Make dom0 Debian itself, with systemd; else it has only what Xen needs
    #[arg(long)]
    debian: bool,
    /// Guests to start: TYPE:LOAD[:vcpus=N][:nonic], comma-separated
    ///
    /// TYPE is pv or pvh. LOAD is burn (one vCPU), disk (reads xvda), net (sends packets to dom0) or idle. A guest is
    /// named TYPE-LOAD; a second one of the same name gets -2, and so on. nonic leaves the NIC out.
    #[arg(long, value_name = "SPEC", default_value = "")]
    guests: Guests,
    /// Empty paused domains to create: N[@FIRST][:hvm|:pvh][:nameless][:name=NAME]; may be given again
    ///
    /// N domains at domids from FIRST on, else wherever Xen puts them; PV unless hvm or pvh. In XenStore each is named
    /// shell-DOMID, unless nameless, or all of them NAME.
    #[arg(long, value_name = "SPEC")]
    shells: Vec<Shells>,
    /// The machine's memory in MiB, of which dom0 takes 768 and each guest 128
    #[arg(long, value_name = "MIB", default_value_t = machine::USUAL_MEMORY,
          value_parser = clap::value_parser!(u32).range(1536..))]
    memory: u32,
    /// The machine's CPUs
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    cpus: u16,
    /// The machine's NUMA nodes, each with an equal part of the CPUs and of the memory
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=8))]
    nodes: u16,
    /// Put half of the pCPUs and every second guest into a second cpupool, lab
    #[arg(long)]
    pools: bool,
}

impl From<Boot> for Plan {
    fn from(boot: Boot) -> Self {
        Self {
            xen: boot.xen,
            userland: match boot.debian {
                true => Userland::Debian,
                false => Userland::Minimal(boot.store),
            },
            hardware: Hardware {
                memory: boot.memory,
                cpus: boot.cpus,
                nodes: boot.nodes,
            },
            guests: boot.guests,
            pools: boot.pools,
            shells: boot.shells,
            extra: Extra::Nothing,
            exporter_port: None,
            disk: None,
        }
    }
}

/// Parses the command line and runs the command; returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match terminal::end_on_signals().and_then(|()| run(cli.command)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<u8> {
    let code = match command {
        Command::Setup { xen } => {
            let versions = xen.versions();
            setup::ensure(&versions)?;
            // The tests use Debian as dom0 only there.
            if versions.contains(&Xen::V4_17) {
                disk::ensure(Xen::V4_17)?;
            }
            eprintln!("lab: ready");
            0
        }
        Command::Run { boot, command } => Session::start(boot.into())?.run(command, None)?,
        Command::Shell { boot } => {
            let mut session = Session::start(boot.into())?;
            session.run_on_terminal(vec!["sh".into(), "-l".into()])?
        }
        Command::Screen {
            boot,
            size,
            keys,
            svg,
            command,
        } => {
            if let Some(file) = &svg {
                check_writable(file)?;
            }
            let (code, screen) = Session::start(boot.into())?.screen(command, size, &keys)?;
            println!("{}", screen.text());
            if let Some(file) = &svg {
                let picture = screen
                    .picture()
                    .context("there is nothing to draw: the command has shown no screen")?;
                fs::write(file, picture).with_context(|| cannot_write(file))?;
            }
            code
        }
        Command::Demo { xen } => demo(xen)?,
        Command::Bench {
            xen,
            store,
            domains,
            recording,
            against,
        } => {
            bench::run(bench::Options {
                xen,
                store,
                domains,
                recording,
                against,
            })?;
            0
        }
        Command::Fleet {
            hosts,
            domains,
            minutes,
        } => {
            fleet::run(&fleet::Options {
                hosts,
                domains,
                minutes,
            })?;
            0
        }
        Command::Package => ship(package::make)?,
        Command::Release => ship(package::release)?,
        Command::Check => {
            check::run()?;
            0
        }
        Command::Test { xen, filters } => i32::from(!test::run(&xen.versions(), &filters)?),
    };
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Fails if a file cannot be written. Its contents stay.
fn check_writable(file: &Path) -> Result<()> {
    let mut options = File::options();
    let opened = options.create(true).truncate(false).write(true).open(file);
    opened.map(drop).with_context(|| cannot_write(file))
}

fn cannot_write(file: &Path) -> String {
    format!("cannot write {}", file.display())
}

fn demo(xen: Xen) -> Result<i32> {
    let mut session = Session::start(Plan {
        xen,
        userland: Userland::Minimal(Store::Xenstored),
        hardware: Hardware::USUAL,
        guests: DEMO_GUESTS.parse()?,
        pools: false,
        shells: Vec::new(),
        extra: Extra::Nothing,
        exporter_port: None,
        disk: None,
    })?;
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        session.run_on_terminal(words("xenscope top"))
    } else {
        session.run(words("xenscope top -b -i 3"), None)
    }
}

/// Builds xenscope for all dom0s, makes files of it, prints their paths, and tries the program. Returns the exit code.
fn ship(files: impl FnOnce(&Path, &Path) -> Result<Vec<PathBuf>>) -> Result<i32> {
    let program = package::build()?;
    for file in files(&program, &paths::release_files())? {
        println!("{}", file.display());
    }
    try_everywhere(&program)
}

/// Runs this build of xenscope on each Xen; returns the first exit code that is not 0.
fn try_everywhere(program: &Path) -> Result<i32> {
    for xen in Xen::ALL {
        let mut session = Session::start(Plan {
            xen,
            userland: Userland::Minimal(Store::Xenstored),
            hardware: Hardware::USUAL,
            guests: Guests::default(),
            pools: false,
            shells: Vec::new(),
            extra: Extra::Program(program.to_owned()),
            exporter_port: None,
            disk: None,
        })?;
        let script = "xenscope doctor && xenscope list && xenscope top -b -i 1";
        let code = session.run(["sh", "-c", script].map(str::to_owned).into(), None)?;
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::console;
    use crate::spec::Guest;

    #[test]
    fn the_documented_command_lines_parse() {
        let shown = console::commands();
        let shown = shown
            .iter()
            .filter(|(_, words)| words.starts_with(&["cargo", "lab"].map(String::from)));
        assert!(shown.clone().count() > 5);
        for (_, words) in shown {
            if let Err(error) = Cli::try_parse_from(&words[1..]) {
                assert!(!error.use_stderr(), "{words:?}: {error}");
            }
        }
    }

    #[test]
    fn a_demo_has_every_type_and_load() -> Result<()> {
        let guests: Guests = DEMO_GUESTS.parse()?;
        let of = |words: fn(&Guest) -> String| guests.0.iter().map(words).collect::<BTreeSet<_>>();
        assert_eq!(
            of(|guest| guest.kind.to_string()),
            ["pv", "pvh"].map(String::from).into()
        );
        let loads = ["burn", "disk", "net"].map(String::from).into();
        assert_eq!(of(|guest| guest.load.to_string()), loads);
        Ok(())
    }
}
