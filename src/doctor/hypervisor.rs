//! Xen, its library, and XenStore.

use std::path::Path;

use super::check::{Check, State, list};
use super::programs::tracers;
use crate::xen::{self, Buffers, Error, Hypervisor, Interfaces};
use crate::xenstore::{self, Reached, Unreached};

/// An answer of XenStore that takes longer is slow, in milliseconds: a sample of a command that runs once waits for
/// some of them.
const SLOW_MS: u128 = 100;

/// Returns the checks of all that a sample is read from, and of what traces need.
pub(super) fn checks(allow_untested: bool, root: &Path) -> Vec<Check> {
    let opened = Hypervisor::open(allow_untested);
    let mut checks = vec![
        of_xen(&opened),
        of_library(&opened),
        of_rights(&opened, root),
    ];
    checks.push(match &opened {
        Ok(hypervisor) => of_interface(hypervisor),
        Err(error @ (Error::Denied { .. } | Error::Filtered { .. })) => {
            Check::failed("interface", State::Blocked, error)
        }
        Err(_) => Check::unknown("interface", "Xen could not be asked"),
    });
    checks.push(match &opened {
        // There is no XenStore to look for.
        Err(Error::NotXen) => Check::unknown("xenstore", "Xen could not be asked"),
        _ => of_xenstore(xenstore::examine(), root),
    });
    checks.push(match &opened {
        Ok(hypervisor) => of_trace(
            hypervisor.trace_buffers(),
            hypervisor.has_tracer(),
            &tracers(root),
        ),
        Err(_) => Check::unknown("trace buffers", "Xen could not be asked"),
    });
    checks.push(match &opened {
        Ok(hypervisor) => of_clock(hypervisor.console().as_deref()),
        Err(_) => Check::unknown("Xen's clock", "Xen could not be asked"),
    });
    checks
}

fn of_xen(opened: &Result<Hypervisor, Error>) -> Check {
    const NAME: &str = "xen";
    match opened {
        Ok(hypervisor) => of_version(hypervisor.version()),
        Err(
            error @ (Error::NotXen
            | Error::VersionUnreadable { .. }
            | Error::NotDom0
            | Error::UntestedXen { .. }),
        ) => Check::failed(NAME, State::Blocked, error),
        Err(_) => match xen::running(Path::new("/sys")) {
            Ok(version) => of_version(&version.to_string()),
            Err(error) => Check::failed(NAME, State::Blocked, &error),
        },
    }
}

/// Judges where this kernel runs, if it runs on this version of Xen.
fn of_version(version: &str) -> Check {
    const NAME: &str = "xen";
    match xen::is_dom0(Path::new("/sys")) {
        Some(true) => Check::ok(NAME, format!("Xen {version}, and this is dom0")),
        Some(false) => Check::failed(NAME, State::Blocked, &Error::NotDom0),
        None => Check::ok(NAME, format!("Xen {version}")),
    }
}

fn of_library(opened: &Result<Hypervisor, Error>) -> Check {
    const NAME: &str = "library";
    match opened {
        Err(error @ (Error::LibraryMissing { .. } | Error::LibraryUnusable { .. })) => {
            Check::failed(NAME, State::Blocked, error)
        }
        Err(Error::NotXen | Error::VersionUnreadable { .. } | Error::UntestedXen { .. }) => {
            Check::unknown(NAME, "it depends on the version of Xen")
        }
        // In a guest, any other error was replaced by this one.
        Err(Error::NotDom0) => Check::unknown(NAME, "it was not looked for outside of dom0"),
        _ => match xen::running(Path::new("/sys")) {
            Ok(version) => Check::ok(NAME, xen::library_name(version)),
            Err(error) => Check::failed(NAME, State::Unknown, &error),
        },
    }
}

/// Returns whether this process may make hypercalls.
fn of_rights(opened: &Result<Hypervisor, Error>, root: &Path) -> Check {
    const NAME: &str = "rights";
    let who = super::kernel::identity(root);
    match opened {
        Ok(_) => Check::ok(NAME, who),
        Err(error @ Error::Refused { .. }) => {
            let mut check = Check::failed(NAME, State::Blocked, error);
            check.found = format!("{who}: {}", check.found);
            check
        }
        Err(error @ Error::NoPrivcmd { .. }) => Check::failed(NAME, State::Blocked, error),
        Err(_) => Check::unknown(NAME, who),
    }
}

fn of_interface(hypervisor: &Hypervisor) -> Check {
    const NAME: &str = "interface";
    let Interfaces { sysctl, domctl } = hypervisor.interfaces();
    let version = |name: &str, version: Option<u64>| match version {
        Some(version) => format!("{name} {version:#x}"),
        None => format!("no {name} that was tried"),
    };
    let accepted = list([version("sysctl", sysctl), version("domctl", domctl)], "");
    match hypervisor.try_calls() {
        Ok(()) => Check::ok(
            NAME,
            format!("Xen accepts {accepted}; the library has the same"),
        ),
        Err(error) => {
            let mut check = Check::failed(NAME, State::Blocked, &error);
            check.found.push_str(&format!("; Xen accepts {accepted}"));
            check
        }
    }
}

/// Returns how XenStore answers. Without it there are figures, but no names.
fn of_xenstore(reached: Result<Reached, Unreached>, root: &Path) -> Check {
    const NAME: &str = "xenstore";
    const START: &str = "start XenStore's daemon, for example: systemctl start xenstored (Debian: systemctl start xen)";
    match reached {
        Ok(Reached::Socket {
            daemon,
            answer_time,
        }) => {
            let daemon = daemon.unwrap_or_else(|| "a daemon".to_owned());
            let ms = answer_time.as_secs_f64() * 1e3;
            let found = format!("{daemon} answers in {ms:.2} ms (median)");
            match answer_time.as_millis() > SLOW_MS {
                true => Check::limited(
                    NAME,
                    found,
                    "see what keeps the daemon busy, for example: xenstore-watch / (as short as possible)",
                ),
                false => Check::ok(NAME, found),
            }
        }
        Ok(Reached::Kernel) if root.join("dev/xen/xenbus").exists() => {
            Check::ok(NAME, "no daemon in dom0; reached by /dev/xen/xenbus")
        }
        Ok(Reached::Kernel) => {
            Check::limited(NAME, "there is no daemon, and no /dev/xen/xenbus", START)
        }
        Err(why) => {
            let remedy = match &why {
                Unreached::Down(_) => START.to_owned(),
                Unreached::Stopped { pid } => format!("let it go on: kill -CONT {pid}"),
                // A second daemon would take the socket, and knows nothing of the domains that there are.
                Unreached::NoAnswer { pid: Some(pid), .. } => format!(
                    "it runs and does not answer: do not start a second one; see what it does, for example: top -p {pid}"
                ),
                Unreached::NoAnswer { pid: None, .. } => {
                    "do not start a second one; see whether one runs: pidof xenstored oxenstored"
                        .to_owned()
                }
                Unreached::Denied(_) => "run it as root".to_owned(),
                Unreached::Other(_) => {
                    "run it again; see what listens at the socket: ss -xlp | grep xenstored"
                        .to_owned()
                }
            };
            let state = match why {
                Unreached::Denied(_) => State::Unknown,
                _ => State::Limited,
            };
            let found = match why {
                Unreached::Denied(_) => format!("its socket cannot be opened: {why}"),
                _ => format!("it does not answer: {why}"),
            };
            Check {
                remedy: Some(remedy),
                ..Check::new(NAME, state, found)
            }
        }
    }
}

/// Returns whether `waits` and `--ready` can trace. `taken` is whether a program has the interrupt, and `tracers` are
/// the programs that may be it.
fn of_trace(buffers: Result<Buffers, Error>, taken: Option<bool>, tracers: &[String]) -> Check {
    const NAME: &str = "trace buffers";
    let buffers = match buffers {
        Ok(buffers) => buffers,
        Err(error) => {
            let mut check = Check::failed(NAME, State::Limited, &error);
            check
                .found
                .push_str(": 'waits' and --ready have no figures");
            return check;
        }
    };
    let Buffers { mask, bytes } = buffers;
    let users = list(tracers, "an unknown program");
    let size = match bytes {
        Some(bytes) => format!("{} KiB for each pCPU", bytes >> 10),
        None => "not made yet in this boot".to_owned(),
    };
    match taken {
        Some(false) => Check::ok(NAME, format!("free; {size}")),
        Some(true) if buffers.have_states() => {
            Check::ok(NAME, format!("in use by {users} (mask {mask:#x}); {size}"))
        }
        Some(true) if bytes.is_none() => Check::unknown(
            NAME,
            format!("taken by {users}, which has not made them yet: run it again"),
        ),
        Some(true) => {
            let mut check = Check::failed(NAME, State::Limited, &Error::TraceTaken { mask });
            check.found.push_str(&format!(": {users}"));
            check
        }
        None => Check::unknown(
            NAME,
            format!("the library cannot tell who uses them; {size}"),
        ),
    }
}

fn of_clock(console: Option<&str>) -> Check {
    const NAME: &str = "Xen's clock";
    match console.map(platform_timer) {
        Some(Some(timer)) => Check::ok(NAME, timer),
        Some(None) => Check::unknown(NAME, "Xen's console no longer has the line about it"),
        None => Check::unknown(NAME, "Xen's console cannot be read"),
    }
}

/// Returns the platform timer that Xen's console names last.
fn platform_timer(console: &str) -> Option<&str> {
    let names = console.lines().rev().filter_map(|line| {
        let (_, name) = line.split_once("Platform timer ")?;
        name.strip_prefix("is ")
            .or_else(|| line.contains("Switched to ").then_some(name))
    });
    names.map(str::trim).next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io;
    use std::time::Duration;

    use super::*;

    #[test]
    fn trace_buffers_are_free_or_somebodys() {
        let made = |bytes| {
            Ok(Buffers {
                mask: 0x21000,
                bytes,
            })
        };
        let free = of_trace(made(None), Some(false), &[]);
        assert_eq!(
            (free.state, &*free.found),
            (State::Ok, "free; not made yet in this boot")
        );
        let xentrace = ["xentrace (PID 7)".to_owned()];
        let taken = of_trace(made(Some(131_072)), Some(true), &xentrace);
        let found = "in use by xentrace (PID 7) (mask 0x21000); 128 KiB for each pCPU";
        assert_eq!((taken.state, &*taken.found), (State::Ok, found));
        let unknown = of_trace(made(Some(131_072)), Some(true), &[]);
        assert!(unknown.found.contains("unknown program"), "{unknown:?}");
        // Other events: `waits` and --ready refuse them.
        let memory = Buffers {
            mask: 0x22000,
            bytes: Some(131_072),
        };
        let foreign = of_trace(Ok(memory), Some(true), &xentrace);
        assert_eq!(foreign.state, State::Limited);
        let found = &foreign.found;
        assert!(
            found.contains("does not trace what vCPUs do (mask 0x")
                && found.ends_with(": xentrace (PID 7)"),
            "{found}"
        );
        let remedy = "end it, or start it as 'xentrace -e 0x21000'";
        assert_eq!(foreign.remedy.as_deref(), Some(remedy));
        // It has just begun.
        let early = of_trace(made(None), Some(true), &xentrace);
        assert_eq!(early.state, State::Unknown);
        assert!(early.found.starts_with("taken by xentrace"), "{early:?}");
        assert_eq!(of_trace(made(None), None, &[]).state, State::Unknown);
        let call = "XEN_SYSCTL_tbuf_op";
        let version = "4.17.5".to_owned();
        let none = of_trace(Err(Error::NotBuilt { call, version }), Some(false), &[]);
        assert_eq!(none.state, State::Limited);
        assert!(none.remedy.is_some(), "{none:?}");
    }

    #[test]
    fn without_xenstore_there_is_a_remedy() {
        let root = Path::new("/nonexistent");
        let error = |text| io::Error::other(text);
        let pid = || "812".to_owned();
        let unanswered = |pid| Unreached::NoAnswer {
            error: error("no answer within 5s"),
            pid,
        };
        for (why, state, remedy) in [
            (
                Unreached::Down(error("the daemon has exited")),
                State::Limited,
                "systemctl start",
            ),
            (
                Unreached::Stopped { pid: pid() },
                State::Limited,
                "kill -CONT 812",
            ),
            (unanswered(Some(pid())), State::Limited, "top -p 812"),
            (unanswered(None), State::Limited, "do not start a second"),
            (
                Unreached::Denied(error("no permission")),
                State::Unknown,
                "root",
            ),
            (
                Unreached::Other(error("not XenStore")),
                State::Limited,
                "ss -xlp",
            ),
        ] {
            let is_down = matches!(why, Unreached::Down(_));
            let said = why.to_string();
            let check = of_xenstore(Err(why), root);
            assert_eq!(check.state, state, "{check:?}");
            assert!(check.found.ends_with(&said), "{check:?}");
            let told = check.remedy.unwrap();
            assert!(told.contains(remedy), "{told}");
            // Whoever starts a daemon beside one that runs loses what it knows.
            assert_eq!(told.contains("systemctl"), is_down, "{told}");
        }
        assert_eq!(of_xenstore(Ok(Reached::Kernel), root).state, State::Limited);
        let answers = |ms| Reached::Socket {
            daemon: Some("oxenstored".into()),
            answer_time: Duration::from_millis(ms),
        };
        let fast = of_xenstore(Ok(answers(1)), root);
        assert_eq!(
            (fast.state, &*fast.found),
            (State::Ok, "oxenstored answers in 1.00 ms (median)")
        );
        assert_eq!(of_xenstore(Ok(answers(500)), root).state, State::Limited);
    }

    #[test]
    fn the_last_platform_timer_counts() {
        let console = "(XEN) Platform timer is 14.318MHz HPET\n(XEN) Brought up 2 CPUs\n";
        assert_eq!(platform_timer(console), Some("14.318MHz HPET"));
        let switched = format!("{console}(XEN) Switched to Platform timer 2.1GHz TSC\n");
        assert_eq!(platform_timer(&switched), Some("2.1GHz TSC"));
        assert_eq!(platform_timer("(XEN) *** Building a PV Dom0 ***"), None);
    }
}
