//! `cargo lab bench`: what xenscope costs, and how exact its CPU % is, beside xentop and xl.
//!
//! The package `lab-bench` measures in dom0.

pub mod figures;
mod recording;
mod table;

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::elf;
use crate::machine::Hardware;
use crate::paths;
use crate::session::{Extra, Plan, Session};
use crate::xen::{Store, Userland, Xen};
use figures::{Accuracy, Stage};

/// How long one call of `lab-bench` may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The guest that burns.
const BURN: &str = "pv-burn";

/// How many empty domains there are with a NIC and a disk each, and without.
const HOST: u16 = 200;

/// Sets up a disk for all of them, and a bridge for their NICs: xentop sees no NIC without one.
const PREPARE: &str = "truncate -s 1M /run/disk && losetup /dev/loop0 /run/disk \
    && for module in llc stp bridge; do insmod /lab/modules/$module.ko; done; \
    brctl addbr xenbr0 && ip link set xenbr0 up";

/// Waits for the NICs and disks of `$0` domains, and puts the NICs into the bridge.
const PLUG: &str = "cd /sys/bus/xen-backend/devices \
    && until [ \"$(ls -d vif-*/net/* vbd-*/statistics | wc -l)\" -ge $((2 * $0)) ]; do sleep 1; done \
    && for nic in vif-*/net/*; do brctl addif xenbr0 ${nic##*/} && ip link set ${nic##*/} up; done";

/// Waits until there is no device.
const UNPLUG: &str = "until [ -z \"$(ls /sys/bus/xen-backend/devices)\" ]; do sleep 1; done";

/// The usual numbers of domains for [`Options::recording`], dom0 among them.
const RECORDED: [u16; 3] = [20, 201, 1000];

/// The usual numbers of domains, dom0 among them.
const SIZES: [u16; 4] = [10, 100, 1000, 4000];

/// What to measure.
#[derive(Debug)]
pub struct Options {
    /// The hypervisor.
    pub xen: Xen,
    /// XenStore's daemon.
    pub store: Store,
    /// Numbers of domains, dom0 among them. Empty means the usual ones, and how exact CPU % is.
    pub domains: Vec<u16>,
    /// Whether to measure only what recording costs, beside empty domains and beside as many with devices.
    pub recording: bool,
    /// Another build of xenscope to measure as well.
    pub against: Option<PathBuf>,
}

/// The figures of one boot.
#[derive(Debug, Serialize)]
struct Bench {
    xen: &'static str,
    store: &'static str,
    /// The other build of xenscope whose figures are called `against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<PathBuf>,
    accuracy: Vec<Accuracy>,
    /// Beside empty domains, and beside as many with a NIC and a disk each.
    bare: Stage,
    devices: Stage,
    /// Beside empty domains, as many as in [`Options::domains`].
    stages: Vec<Stage>,
}

/// Boots once, measures, prints tables and writes the figures to `target/lab/bench.json`.
pub fn run(options: Options) -> Result<()> {
    let Options {
        xen,
        store,
        domains: mut sizes,
        recording,
        against,
    } = options;
    if let Some(program) = &against {
        File::open(program).with_context(|| format!("cannot read {}", program.display()))?;
        ensure!(
            elf::is_elf(program),
            "{} is not a program for dom0: build xenscope and give its path",
            program.display()
        );
    }
    let everything = sizes.is_empty() && !recording;
    if sizes.is_empty() {
        match recording {
            true => sizes.extend(RECORDED),
            false => sizes.extend(SIZES),
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    let mut session = Session::start(Plan {
        xen,
        userland: Userland::Minimal(store),
        hardware: Hardware::USUAL,
        guests: "pv:burn".parse()?,
        pools: false,
        shells: Vec::new(),
        extra: Extra::Bench {
            against: against.clone(),
        },
        exporter_port: None,
        disk: None,
    })?;
    // QEMU's emulation translates a program's code again for each address that it is loaded at. On
    // real hardware, random addresses cost nothing.
    let fixed = "echo 0 > /proc/sys/kernel/randomize_va_space";
    shell(&mut session, fixed)?;
    let mut stage = vec!["stage"];
    if against.is_some() {
        stage.push("/lab/against");
    }
    // One pCPU for dom0, one for the guest that burns.
    shell(&mut session, "xl vcpu-pin Domain-0 0 0")?;
    shell(&mut session, &format!("xl vcpu-pin {BURN} 0 1"))?;
    let mut accuracy = Vec::new();
    if everything {
        eprintln!("lab: measuring how exact CPU % is");
        accuracy = ask(&mut session, &["accuracy", BURN])?;
    }
    shell(&mut session, &format!("xl destroy {BURN}"))?;
    shell(&mut session, UNPLUG)?;
    if recording {
        return recording::run(&mut session, xen, store, &sizes);
    }
    let [bare, devices] = beside_devices(&mut session, &stage)?;

    let mut bench = Bench {
        xen: xen.label(),
        store: store.label(),
        against,
        accuracy,
        bare,
        devices,
        stages: Vec::new(),
    };
    let path = paths::lab().join("bench.json");
    let mut there = 1;
    for size in sizes {
        eprintln!("lab: measuring beside {size} domains");
        // IDs without gaps: xentop is slower with gaps.
        let shells = format!("lab-shells create {}@{there}", size - there);
        shell(&mut session, &shells)?;
        there = size;
        bench.stages.push(ask(&mut session, &stage)?);
        // After each stage, because the next one may take a quarter of an hour, and may fail.
        fs::write(&path, serde_json::to_string_pretty(&bench)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    print!("{}", table::all(&bench));
    eprintln!("lab: the figures are in {}", path.display());
    Ok(())
}

/// Measures beside [`HOST`] empty domains, and beside as many with devices. Destroys them.
fn beside_devices(session: &mut Session, stage: &[&str]) -> Result<[Stage; 2]> {
    shell(session, PREPARE)?;
    eprintln!("lab: measuring beside {HOST} domains without devices");
    shell(session, &format!("lab-shells create {HOST}@1"))?;
    let bare = ask(session, stage)?;
    destroy(session, HOST)?;

    eprintln!("lab: measuring beside {HOST} domains with a NIC and a disk each");
    create_with_devices(session, HOST)?;
    let devices = ask(session, stage)?;
    destroy(session, HOST)?;
    Ok([bare, devices])
}

/// Creates this many empty domains from ID 1 on, with a NIC and a disk each. Needs [`PREPARE`].
fn create_with_devices(session: &mut Session, count: u16) -> Result<()> {
    let create = format!("lab-shells create {count}@1:nic:disk=/dev/loop0");
    shell(session, &create)?;
    let plug = ["sh", "-c", PLUG, &count.to_string()];
    session.step(&plug, Instant::now() + LIMIT).map(drop)
}

/// Destroys this many domains from ID 1 on, and waits until their devices are gone.
fn destroy(session: &mut Session, count: u16) -> Result<()> {
    shell(session, &format!("lab-shells destroy 1 {count}"))?;
    shell(session, UNPLUG)
}

/// Runs a line of shell in dom0.
fn shell(session: &mut Session, line: &str) -> Result<()> {
    let limit = Instant::now() + LIMIT;
    session.step(&["sh", "-c", line], limit).map(drop)
}

/// Runs `lab-bench` in dom0.
fn ask<T: DeserializeOwned>(session: &mut Session, words: &[&str]) -> Result<T> {
    let argv = [&["/lab/bench"], words].concat();
    let output = session.step(&argv, Instant::now() + LIMIT)?;
    serde_json::from_slice(&output).with_context(|| format!("cannot parse the output of {argv:?}"))
}
