//! `cargo lab test`: all tests, on the host and in dom0.

use std::env;
use std::io::{self, Write};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::debian;
use crate::fleet;
use crate::libtest::{self, Counts};
use crate::machine::Hardware;
use crate::paths;
use crate::power;
use crate::session::{Extra, Plan, Session};
use crate::setup;
use crate::tied;
use crate::xen::{Store, Userland, Xen};

/// How long the tests of one boot may take.
const RUN_LIMIT: Duration = Duration::from_secs(60 * 60);

/// The tests that run after all others of a boot, because they kill XenStore's daemon. The new one
/// does not know the guests, so all that needs XenStore for them fails.
const LAST: &str = "dom0::xenstored_killed::";

/// The tests before which dom0 is rebooted, after all others of the boot. dom0 is then alone.
const REBOOTED: &str = "dom0::packages::rebooted::";

/// The tests that need a boot of their own.
const DEBIAN: &str = "dom0::debian::";
const PACKAGES: &str = "dom0::packages::";
const TOPOLOGY: &str = "dom0::topology::";

/// A boot, and the tests that run on it.
struct Boot {
    name: &'static str,
    xen: Xen,
    userland: Userland,
    hardware: Hardware,
    pools: bool,
    /// What the names of its tests begin with.
    tests: &'static [&'static str],
    /// What the names of tests begin with that do not run on it.
    except: &'static [&'static str],
}

impl Boot {
    /// The two boots that all tests run on.
    const fn whole(name: &'static str, xen: Xen, store: Store) -> Self {
        Self {
            name,
            xen,
            userland: Userland::Minimal(store),
            hardware: Hardware::USUAL,
            pools: false,
            tests: &["dom0::"],
            except: &[DEBIAN, PACKAGES, TOPOLOGY],
        }
    }

    fn is_whole(&self) -> bool {
        self.tests == ["dom0::"]
    }

    /// Returns the names of those of its tests that have one of these in their names, or all of its tests.
    fn names<'a>(&self, all: &[&'a str], filters: &[String]) -> Vec<&'a str> {
        let is_here = |name: &&str| {
            let begins = |start: &&str| name.starts_with(start);
            self.tests.iter().any(begins) && !self.except.iter().any(begins)
        };
        let is_wanted = |name: &&str| {
            filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
        };
        let names = all.iter().copied();
        names.filter(is_here).filter(is_wanted).collect()
    }
}

/// The boots. oxenstored is Debian's default. All tests run with it on 4.17. On 4.20, the tests that use
/// XenStore most run with it, except those of a burst of events and of a slow reader, where the
/// daemon does not matter.
const BOOTS: [Boot; 5] = [
    Boot::whole("Xen 4.17 oxenstored", Xen::V4_17, Store::Oxenstored),
    Boot {
        userland: Userland::Debian,
        tests: &[DEBIAN, PACKAGES],
        except: &[],
        ..Boot::whole("Xen 4.17 Debian", Xen::V4_17, Store::Oxenstored)
    },
    Boot::whole("Xen 4.20 xenstored", Xen::V4_20, Store::Xenstored),
    Boot {
        tests: &["dom0::events::", "dom0::listing::", "dom0::store::", LAST],
        except: &["dom0::events::a_slow_reader", "dom0::events::a_burst"],
        ..Boot::whole("Xen 4.20 oxenstored", Xen::V4_20, Store::Oxenstored)
    },
    Boot {
        hardware: Hardware {
            cpus: 4,
            nodes: 2,
            ..Hardware::USUAL
        },
        pools: true,
        tests: &[TOPOLOGY],
        except: &[],
        ..Boot::whole("Xen 4.20 4 pCPUs", Xen::V4_20, Store::Xenstored)
    },
];

/// The guests beside which the tests run. All are PV, because PVH guests often crash under QEMU's
/// emulation of SVM (see `Machine::start`). The tests of PVH domains use one that never runs.
const GUESTS: &str = "pv:net,pv:disk:vcpus=2,pv:burn";

/// At most this many failed tests are run again. If more fail, it is not the machine that is at fault.
const AGAIN: usize = 5;

/// One line of the table at the end.
struct Run {
    name: &'static str,
    counts: Counts,
    /// Why it failed, if it did.
    failure: Option<String>,
    took: Duration,
}

/// Runs the tests and prints the table; returns whether all tests passed.
pub fn run(versions: &[Xen], filters: &[String]) -> Result<bool> {
    // A test in dom0 needs the other version's library.
    setup::ensure(&Xen::ALL)?;
    let mut runs = thread::scope(|scope| {
        // This takes minutes. The boots build it again, and report an error if it fails.
        scope.spawn(build::xenscope);
        vec![timed("host", |counts| on_host(filters, counts))]
    });
    let list = tied::capture(
        tied::command(build::integration()?).args(["--list", "--ignored"]),
        "the list of tests",
    )?;
    let list = String::from_utf8_lossy(&list);
    let names = libtest::names(&list);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // A machine with pv-burn paused uses one core.
    for versions in versions.chunks(cores) {
        thread::scope(|scope| {
            let on = |&xen| {
                let names = &names;
                scope.spawn(move || on_version(xen, names, filters))
            };
            let all: Vec<_> = versions.iter().map(on).collect();
            for each in all {
                runs.extend(each.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
        });
    }
    // It needs a host on each Xen.
    let is_wanted = filters.is_empty() || filters.iter().any(|name| fleet::TEST.contains(name));
    if versions.len() == Xen::ALL.len() && is_wanted {
        runs.push(timed("two hosts", |counts| {
            Ok(alone(fleet::TEST, filters, counts, fleet::test))
        }));
    }
    let all = print_table(&runs);
    let well = runs.iter().all(|run| run.failure.is_none());
    if well && all == Counts::default() {
        bail!("no test has run: no name contains {}", filters.join(" or "));
    }
    Ok(well)
}

/// Runs the boots of one version in turn, those without a test left out.
fn on_version(xen: Xen, all: &[&str], filters: &[String]) -> Vec<Run> {
    let mut runs = Vec::new();
    for boot in BOOTS.iter().filter(|boot| boot.xen == xen) {
        let names = boot.names(all, filters);
        if !names.is_empty() {
            let everything = filters.is_empty();
            runs.push(timed(boot.name, |counts| {
                in_dom0(boot, &names, everything, counts)
            }));
        }
    }
    if filters.is_empty() || filters.iter().any(|filter| power::TEST.contains(filter)) {
        let name = match xen {
            Xen::V4_17 => "Xen 4.17 power fails",
            Xen::V4_20 => "Xen 4.20 power fails",
        };
        runs.push(timed(name, |counts| {
            Ok(alone(power::TEST, filters, counts, || power::test(xen)))
        }));
    }
    runs
}

fn timed(name: &'static str, tests: impl FnOnce(&mut Counts) -> Result<Option<String>>) -> Run {
    let started = Instant::now();
    let mut counts = Counts::default();
    let failure = tests(&mut counts).unwrap_or_else(|error| {
        let error = format!("{error:#}");
        eprintln!("lab: {name}: {error}");
        // The table shows only the first line, which has the serial log's path.
        error.lines().next().map(str::to_owned)
    });
    Run {
        name,
        counts,
        failure,
        took: started.elapsed(),
    }
}

/// Runs all tests that need no Xen; returns why they failed, `None` if they passed.
fn on_host(filters: &[String], counts: &mut Counts) -> Result<Option<String>> {
    debian::ensure_tools()?;
    let mut path = paths::tools().join("root/usr/bin").into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut child = build::cargo_command()
        .args(["test", "--workspace", "--no-fail-fast", "--"])
        .args(filters)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo test")?;
    let mut output = Output::new("host");
    if let Some(mut stdout) = child.stdout.take() {
        io::copy(&mut stdout, &mut output).context("cannot copy the output of cargo test")?;
    }
    let status = child.wait().context("cannot wait for cargo test")?;
    *counts = libtest::counts(&output.finish());
    Ok((!status.success()).then(|| format!("cargo test failed ({status})")))
}

/// Runs these tests, which need Xen; returns why they failed, `None` if they passed. With `everything`,
/// runs those few that failed again, because an emulated CPU on a busy machine stalls for seconds, and tests that the
/// lab notices when a machine crashes.
fn in_dom0(
    boot: &Boot,
    names: &[&str],
    everything: bool,
    counts: &mut Counts,
) -> Result<Option<String>> {
    let mut session = Session::start(Plan {
        xen: boot.xen,
        userland: boot.userland,
        hardware: boot.hardware,
        guests: GUESTS.parse()?,
        pools: boot.pools,
        shells: Vec::new(),
        extra: Extra::Tests,
        exporter_port: None,
        disk: None,
    })?;
    // Unpaused, it takes a core from the other machine. Tests that need its load unpause it.
    let soon = Instant::now() + Duration::from_secs(60);
    session.step(&["xl", "pause", "pv-burn"], soon)?;
    let (last, first): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| name.starts_with(LAST));
    let (rebooted, first): (Vec<&str>, Vec<&str>) = first
        .into_iter()
        .partition(|name| name.starts_with(REBOOTED));
    let limit = Instant::now() + RUN_LIMIT;
    let mut failure = None;
    for (names, reboot) in [(first, false), (last, false), (rebooted, true)] {
        // What comes after the reboot needs what the tests before it have left.
        if names.is_empty() || (reboot && failure.is_some()) {
            continue;
        }
        if reboot {
            session.reboot()?;
        }
        let mut run = |names: &[&str]| {
            let argv = [
                "/lab/integration",
                "--ignored",
                "--test-threads=1",
                "--exact",
            ];
            let argv = argv.iter().chain(names).map(|&word| word.to_owned());
            let mut output = Output::new(boot.xen.label());
            let code = session.run_to(argv.collect(), Some(limit), &mut output);
            (output.finish(), code)
        };
        let (output, mut code) = run(&names);
        let mut these = libtest::counts(&output);
        let failed = libtest::failed(&output);
        if everything && (1..=AGAIN).contains(&failed.len()) {
            let (output, again) = run(&failed);
            these.run_again(&failed, &output);
            code = again;
        }
        *counts += these;
        let code = code?;
        if code != 0 {
            failure = Some(format!("the test program ended with {code}"));
        }
    }
    if everything && boot.is_whole() {
        // A boot of its own would take longer.
        let reported = reports_losses(session);
        counts.failed += u64::from(reported.is_err());
        counts.passed += u64::from(reported.is_ok());
        reported?;
    }
    Ok(failure)
}

/// Runs a test that starts its machines itself, again if it fails and there is no filter; returns why it failed, `None`
/// if it passed.
fn alone(
    name: &str,
    filters: &[String],
    counts: &mut Counts,
    test: impl Fn() -> Result<()>,
) -> Option<String> {
    let run = || {
        let failure = test().err().map(|error| format!("{error:#}"));
        let result = if failure.is_none() { "ok" } else { "FAILED" };
        println!("test {name} ... {result}");
        failure
    };
    let mut failure = run();
    if let Some(first) = &failure
        && filters.is_empty()
    {
        println!("{first}");
        failure = run();
        if failure.is_none() {
            counts.second.push(name.to_owned());
        }
    }
    counts.passed += u64::from(failure.is_none());
    counts.failed += u64::from(failure.is_some());
    failure
}

/// Fails unless the lab reports a command that does not end, and a kernel's panic, with the log's path.
fn reports_losses(mut session: Session) -> Result<()> {
    let mut says = |command: &str, seconds: u64, words: &str| {
        let limit = Instant::now() + Duration::from_secs(seconds);
        let said = match session.step(&["sh", "-c", command], limit) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        if !said.contains(words) || !said.contains("the serial log, ") {
            bail!("the lab did not report '{words}' but: {said}");
        }
        Ok(())
    };
    let panic = "sleep 4; echo c >/proc/sysrq-trigger; sleep 1000";
    says(panic, 1, "it takes too long")?;
    says("sleep 1000", 60, "the machine has crashed: ")
}

fn print_table(runs: &[Run]) -> Counts {
    let mut all = Counts::default();
    println!(
        "\n{:<22} {:>7} {:>7} {:>8}",
        "run", "passed", "failed", "seconds"
    );
    for Run {
        name,
        counts,
        failure,
        took,
    } in runs
    {
        let Counts { passed, failed, .. } = counts;
        let seconds = took.as_secs();
        let mut notes: Vec<String> = failure.iter().cloned().collect();
        if !counts.second.is_empty() {
            notes.push(format!("only in a second run: {}", counts.second.join(" ")));
        }
        let notes = notes.join("; ");
        println!("{name:<22} {passed:>7} {failed:>7} {seconds:>8}  {notes}");
        all += counts.clone();
    }
    println!("tests: {} passed, {} failed", all.passed, all.failed);
    all
}

/// Prints the lines of a test program, each with a label, and copies them to count the tests.
struct Output {
    label: &'static str,
    copy: Vec<u8>,
    /// How much of the copy is printed.
    printed: usize,
}

impl Output {
    const fn new(label: &'static str) -> Self {
        Self {
            label,
            copy: Vec::new(),
            printed: 0,
        }
    }

    /// Prints the last line even if it has no end; returns all that was printed.
    fn finish(mut self) -> String {
        if self.printed < self.copy.len() {
            let _ = self.write(b"\n");
        }
        String::from_utf8_lossy(&self.copy).into_owned()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.copy.extend_from_slice(bytes);
        let mut stdout = io::stdout().lock();
        for line in self.copy[self.printed..].split_inclusive(|&byte| byte == b'\n') {
            if line.ends_with(b"\n") {
                stdout.write_all(format!("{:<5}", self.label).as_bytes())?;
                stdout.write_all(line)?;
                self.printed += line.len();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
