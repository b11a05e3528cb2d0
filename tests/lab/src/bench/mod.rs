//! `cargo lab bench`: what xenscope costs, and how exact its CPU % is, beside xentop and xl.
//!
//! The package `lab-bench` measures in dom0.

pub mod figures;
mod table;

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::elf;
use crate::machine::{self, Hardware};
use crate::paths;
use crate::session::{Extra, Plan, Session};
use crate::xen::{Store, Xen};
use figures::{Accuracy, Stage};

/// How long one call of `lab-bench` may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Guests, each with a disk and a NIC.
const GUESTS: &str = "pv:burn,pv:idle,pv:idle,pv:idle";

/// Empty domains beside them. With dom0 and the guests there are as many domains as in the first of
/// [`SIZES`], so the difference is what devices cost.
const BESIDE: u16 = 5;

/// The first one's ID.
const BESIDE_FIRST: u16 = 100;

/// The guest that burns.
const BURN: &str = "pv-burn";

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
    /// Beside guests with disks and NICs.
    devices: Stage,
    accuracy: Vec<Accuracy>,
    /// Beside empty domains, as many as in [`Options::domains`].
    stages: Vec<Stage>,
}

/// Boots once, measures, prints tables and writes the figures to `target/lab/bench.json`.
pub fn run(options: Options) -> Result<()> {
    let Options {
        xen,
        store,
        domains: mut sizes,
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
    let everything = sizes.is_empty();
    if everything {
        sizes.extend(SIZES);
    }
    sizes.sort_unstable();
    sizes.dedup();
    let mut session = Session::start(Plan {
        xen,
        store,
        hardware: Hardware {
            memory: machine::USUAL_MEMORY,
            cpus: 2,
        },
        guests: GUESTS.parse()?,
        shells: vec![format!("{BESIDE}@{BESIDE_FIRST}").parse()?],
        extra: Extra::Bench {
            against: against.clone(),
        },
    })?;
    let xl = |session: &mut Session, line: &str| {
        let argv: Vec<&str> = ["xl"].into_iter().chain(line.split(' ')).collect();
        session.step(&argv, Instant::now() + LIMIT).map(drop)
    };
    // QEMU's emulation translates a program's code again for each address that it is loaded at. On
    // real hardware, random addresses cost nothing.
    let fixed = ["sh", "-c", "echo 0 > /proc/sys/kernel/randomize_va_space"];
    session.step(&fixed, Instant::now() + LIMIT)?;
    // One pCPU for dom0, one for the guest that burns.
    xl(&mut session, "vcpu-pin Domain-0 0 0")?;
    xl(&mut session, &format!("vcpu-pin {BURN} 0 1"))?;
    xl(&mut session, &format!("pause {BURN}"))?;
    eprintln!("lab: measuring beside guests with disks and NICs");
    let mut stage = vec!["stage"];
    if against.is_some() {
        stage.push("/lab/against");
    }
    let devices = ask(&mut session, &stage)?;

    let guests = session.guests();
    for name in guests.iter().filter(|name| *name != BURN) {
        xl(&mut session, &format!("destroy {name}"))?;
    }
    let (first, count) = (BESIDE_FIRST.to_string(), BESIDE.to_string());
    let destroy = ["lab-shells", "destroy", &first, &count];
    session.step(&destroy, Instant::now() + LIMIT)?;
    let mut accuracy = Vec::new();
    if everything {
        xl(&mut session, &format!("unpause {BURN}"))?;
        eprintln!("lab: measuring how exact CPU % is");
        accuracy = ask(&mut session, &["accuracy", BURN])?;
    }
    xl(&mut session, &format!("destroy {BURN}"))?;

    let mut bench = Bench {
        xen: xen.label(),
        store: store.label(),
        against,
        devices,
        accuracy,
        stages: Vec::new(),
    };
    let path = paths::lab().join("bench.json");
    let mut there = 1;
    for size in sizes {
        eprintln!("lab: measuring beside {size} domains");
        // IDs without gaps: xentop is slower with gaps.
        let shells = format!("{}@{there}", size - there);
        session.step(&["lab-shells", "create", &shells], Instant::now() + LIMIT)?;
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

/// Runs `lab-bench` in dom0.
fn ask<T: DeserializeOwned>(session: &mut Session, words: &[&str]) -> Result<T> {
    let argv = [&["/lab/bench"], words].concat();
    let output = session.step(&argv, Instant::now() + LIMIT)?;
    serde_json::from_slice(&output).with_context(|| format!("cannot parse the output of {argv:?}"))
}
