//! A booted dom0 with its guests, and the commands that users run in it.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::image::{self, Writes};
use crate::machine::{Hardware, Machine};
use crate::protocol::{Exec, Size};
use crate::screen::Screen;
use crate::serial;
use crate::setup;
use crate::spec::{Guests, Kind, Shells};
use crate::terminal;
use crate::xen::{Userland, Xen};

/// How long it may take from QEMU's start until all guests are up.
const BOOT_LIMIT: Duration = Duration::from_secs(300);
/// The same with PVH guests, which may crash several times before they are (see [`Machine::start`]).
const PVH_BOOT_LIMIT: Duration = Duration::from_secs(600);

/// The same with Debian as dom0, whose services all start at once.
const DEBIAN_BOOT_LIMIT: Duration = Duration::from_secs(900);

/// What to boot.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The hypervisor, and dom0 with it.
    pub xen: Xen,
    /// What dom0 runs.
    pub userland: Userland,
    /// The machine.
    pub hardware: Hardware,
    /// The guests to start.
    pub guests: Guests,
    /// Whether half of the pCPUs and every second guest are in a second cpupool, `lab`.
    pub pools: bool,
    /// The empty domains to create after them.
    pub shells: Vec<Shells>,
    /// More programs of the lab in dom0.
    pub extra: Extra,
    /// The host's port on loopback that leads to `xenscope export` in dom0, which has a NIC then.
    pub exporter_port: Option<u16>,
    /// A disk of dom0's that keeps what is written to it.
    pub disk: Option<PathBuf>,
}

/// A program of the lab that dom0 has only if a command needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// None.
    Nothing,
    /// This build of xenscope in the place of the usual one.
    Program(PathBuf),
    /// The integration tests, and the files that they need.
    Tests,
    /// `lab-bench`.
    Bench {
        /// Another build of xenscope to measure as well.
        against: Option<PathBuf>,
    },
}

/// A booted dom0.
pub struct Session {
    machine: Machine,
    plan: Plan,
}

impl Session {
    /// Builds, boots, and starts the guests.
    pub fn start(plan: Plan) -> Result<Self> {
        plan.hardware.check()?;
        if plan.pools && plan.hardware.cpus < 2 {
            bail!("two cpupools need two CPUs: use --cpus 2 or more");
        }
        let mut versions = vec![plan.xen];
        if plan.extra == Extra::Tests {
            // A test needs the other version's library.
            versions.push(plan.xen.other());
        }
        setup::ensure(&versions)?;
        eprintln!("lab: building");
        let programs = build::programs(plan.xen, plan.userland, &plan.extra)?;
        let mut image = image::make(plan.xen, plan.userland, &programs, &plan.guests.0)?;

        let disk = plan.disk.iter();
        let disk = disk.map(|disk| ("kept", disk.clone(), Writes::Kept));
        image.disks.extend(disk);

        // Several may boot at a time.
        let xen = plan.xen.label();
        eprintln!("lab: Xen {xen}: booting, with {}", plan.userland.label());
        let started = Instant::now();
        let svm = plan.guests.0.iter().any(|guest| guest.kind == Kind::Pvh);
        let limit = started
            + match (plan.userland, svm) {
                (Userland::Debian, _) => DEBIAN_BOOT_LIMIT,
                (_, true) => PVH_BOOT_LIMIT,
                (_, false) => BOOT_LIMIT,
            };
        // Tests and hosts of a fleet run two at a time.
        let is_test = plan.extra == Extra::Tests || plan.disk.is_some();
        let two = is_test || plan.exporter_port.is_some();
        let one_thread = svm || two;
        let mut machine = Machine::start(
            plan.xen,
            plan.userland,
            plan.hardware,
            one_thread,
            plan.exporter_port,
            &image,
        )?;
        machine.wait_ready(limit)?;
        let seconds = || started.elapsed().as_secs();
        eprintln!("lab: Xen {xen}: dom0 is up after {} s", seconds());

        let mut session = Self { machine, plan };
        session.start_guests(limit)?;
        if session.plan.extra == Extra::Tests {
            session.pin(limit)?;
        }
        if session.plan.pools {
            session.split(limit)?;
        }
        session.create_shells(limit)?;
        if !session.plan.guests.0.is_empty() {
            eprintln!("lab: Xen {xen}: the guests are up after {} s", seconds());
        }
        Ok(session)
    }

    /// Destroys the guests and reboots a Debian dom0, which is then alone.
    pub fn reboot(&mut self) -> Result<()> {
        let started = Instant::now();
        let limit = started + DEBIAN_BOOT_LIMIT;
        // Debian would save the memory of each at shutdown, and restore it at boot: minutes.
        for guest in self.guests() {
            self.step(&["xl", "destroy", &guest], limit)?;
        }
        self.plan.guests.0.clear();
        let argv = ["systemctl", "reboot"].map(str::to_owned).to_vec();
        let exec = self.exec(argv, None);
        self.machine.reboot(exec, limit)?;
        let (xen, seconds) = (self.plan.xen.label(), started.elapsed().as_secs());
        eprintln!("lab: Xen {xen}: dom0 is up again after {seconds} s");
        self.pin(limit)
    }

    /// Runs a user's command on pipes, with the caller's standard input; returns its exit code.
    pub fn run(&mut self, argv: Vec<String>, limit: Option<Instant>) -> Result<i32> {
        terminal::feed(self.machine.dom0());
        self.run_to(argv, limit, &mut io::stdout())
    }

    /// Does the same as [`Session::run`], but writes the output to `stdout` and sends no input.
    pub fn run_to(
        &mut self,
        argv: Vec<String>,
        limit: Option<Instant>,
        stdout: &mut dyn io::Write,
    ) -> Result<i32> {
        let exec = self.exec(argv, None);
        self.machine.exec(exec, limit, stdout, &mut io::stderr())
    }

    /// Runs a user's command on a terminal like the caller's; returns its exit code.
    pub fn run_on_terminal(&mut self, argv: Vec<String>) -> Result<i32> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            bail!("this needs a terminal; without one, use cargo lab run");
        }
        let _raw = terminal::Raw::enter(self.machine.sender())?;
        terminal::feed(self.machine.dom0());
        let exec = self.exec(argv, Some(terminal::size()?));
        self.machine
            .exec(exec, None, &mut io::stdout(), &mut io::stderr())
    }

    /// Runs a user's command on a terminal of this size and types these keys once it has a screen;
    /// returns its exit code and its last screen.
    pub fn screen(&mut self, argv: Vec<String>, size: Size, keys: &str) -> Result<(i32, Screen)> {
        let mut screen = Screen::new(size, keys, self.machine.dom0());
        let mut exec = self.exec(argv, Some(size));
        for (name, value) in &mut exec.env {
            if name == "TERM" {
                *value = "xterm-256color".into();
            }
        }
        let code = self
            .machine
            .exec(exec, None, &mut screen, &mut io::stderr())?;
        Ok((code, screen))
    }

    fn exec(&self, argv: Vec<String>, terminal: Option<Size>) -> Exec {
        let term = std::env::var("TERM").unwrap_or_else(|_| "dumb".into());
        let mut env: Vec<(String, String)> = [
            ("PATH", "/usr/sbin:/usr/bin"),
            ("HOME", "/root"),
            ("USER", "root"),
            ("LANG", "C.UTF-8"),
            ("TERM", &term),
            ("PS1", "dom0# "),
            ("XENSCOPE", "/usr/bin/xenscope"),
            ("XENSCOPE_LAB", "1"),
            ("XENSCOPE_LAB_XEN", self.plan.xen.label()),
            ("XENSCOPE_LAB_STORE", self.plan.userland.store().label()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        // A program in dom0 behaves as it would on the host.
        env.extend(
            [
                "RUST_BACKTRACE",
                "NO_COLOR",
                "XENSCOPE_CHURN_SECONDS",
                "XENSCOPE_AUDITS",
            ]
            .into_iter()
            .filter_map(|name| {
                std::env::var(name)
                    .ok()
                    .map(|value| (name.to_owned(), value))
            }),
        );
        Exec {
            argv,
            env,
            terminal,
        }
    }

    /// Returns the names of the guests that were started.
    pub fn guests(&self) -> Vec<String> {
        let guests = self.plan.guests.0.iter();
        guests.map(|guest| guest.name.clone()).collect()
    }

    fn start_guests(&mut self, limit: Instant) -> Result<()> {
        let names = self.guests();
        for name in &names {
            eprintln!("lab: Xen {}: starting {name}", self.plan.xen.label());
            let config = format!("/lab/guests/{name}.cfg");
            self.step(&["xl", "create", &config], limit)
                .with_context(|| format!("guest {name} cannot be created"))?;
        }
        for name in &names {
            let log = format!("/var/log/xen/console/guest-{name}.log");
            let wait = "until grep -qs 'lab: guest up' $0; do sleep 0.2; done";
            if let Err(error) = self.step(&["sh", "-c", wait, &log], limit) {
                return Err(error.context(format!("guest {name} has not come up")));
            }
        }
        Ok(())
    }

    /// Keeps dom0 on one pCPU and the guests on the others.
    ///
    /// Under emulation the pCPUs' clocks can be milliseconds apart, and Xen loses CPU time of a vCPU
    /// that one pCPU wakes and another runs (docs/accounting.md). The audit warns of that, so its tests
    /// would find more than the fault that they cause.
    fn pin(&mut self, limit: Instant) -> Result<()> {
        if self.plan.hardware.cpus < 2 {
            return Ok(());
        }
        self.step(&["xl", "vcpu-pin", "0", "all", "0"], limit)?;
        for guest in self.plan.guests.0.clone() {
            let words = ["xl", "vcpu-pin", &guest.name, "all", "all,^0"];
            self.step(&words, limit)?;
        }
        Ok(())
    }

    /// Moves the second half of the pCPUs and every second guest to a cpupool of their own.
    fn split(&mut self, limit: Instant) -> Result<()> {
        let cpus = self.plan.hardware.cpus;
        let half: Vec<String> = (cpus / 2..cpus).map(|cpu| cpu.to_string()).collect();
        for cpu in &half {
            self.step(&["xl", "cpupool-cpu-remove", "Pool-0", cpu], limit)?;
        }
        let cpus = format!("cpus=[\"{}\"]", half.join("\",\""));
        self.step(
            &[
                "xl",
                "cpupool-create",
                "name=\"lab\"",
                "sched=\"credit\"",
                &cpus,
            ],
            limit,
        )?;
        // Paused: Xen frees a vCPU's scheduler data while the pCPU that the vCPU ran on may still use it
        // (sched_move_domain, unit_context_saved), and panics.
        for guest in self.guests().iter().skip(1).step_by(2) {
            self.step(&["xl", "pause", guest], limit)?;
            self.step(&["xl", "cpupool-migrate", guest, "lab"], limit)?;
            self.step(&["xl", "unpause", guest], limit)?;
        }
        Ok(())
    }

    fn create_shells(&mut self, limit: Instant) -> Result<()> {
        for shells in self.plan.shells.clone() {
            self.step(&["lab-shells", "create", &shells.0], limit)
                .context("empty domains cannot be created")?;
        }
        Ok(())
    }

    /// Runs a command of the lab; returns what it printed. It is an error if the command fails.
    pub fn step(&mut self, argv: &[&str], limit: Instant) -> Result<Vec<u8>> {
        let exec = self.exec(argv.iter().map(|&word| word.to_owned()).collect(), None);
        let mut output = Vec::new();
        let mut errors = Vec::new();
        let code = self
            .machine
            .exec(exec, Some(limit), &mut output, &mut errors)?;
        if code != 0 {
            bail!(
                "{} ended with {code}: {}; {}",
                argv.join(" "),
                String::from_utf8_lossy(&errors).trim(),
                serial::excerpt(&self.machine.log)
            );
        }
        Ok(output)
    }
}
