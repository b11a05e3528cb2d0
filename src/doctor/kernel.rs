//! Dom0's kernel, and what it lets this process do.

use std::fs;
use std::path::Path;

use super::check::{Check, State, list};

/// A device of Xen, its module, and what needs it.
struct Device {
    path: &'static str,
    module: &'static str,
    missing: State,
    needed_by: &'static str,
}

/// The devices, the most needed one first.
const DEVICES: [Device; 3] = [
    Device {
        path: "/dev/xen/privcmd",
        module: "xen-privcmd",
        missing: State::Limited,
        needed_by: "every command, unless xenfs is mounted",
    },
    Device {
        path: "/dev/xen/evtchn",
        module: "xen-evtchn",
        missing: State::Limited,
        needed_by: "'waits' and --ready",
    },
    Device {
        path: "/dev/xen/gntdev",
        module: "xen-gntdev",
        missing: State::Ok,
        needed_by: "toolstacks and disks in user space, not by xenscope",
    },
];

/// Returns the checks of the file system at `root`.
pub(super) fn checks(root: &Path) -> Vec<Check> {
    let mut checks = vec![xenfs(root)];
    checks.extend(DEVICES.iter().map(|device| of_device(device, root)));
    checks.push(lockdown(root));
    checks.push(clock(root));
    checks
}

/// Returns who this process is.
pub(super) fn identity(root: &Path) -> String {
    let uid = nix::unistd::geteuid();
    let status = fs::read_to_string(root.join("proc/self/status")).unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    match capabilities {
        Some(capabilities) => format!("UID {uid}, capabilities {}", capabilities.trim()),
        None => format!("UID {uid}"),
    }
}

/// Reads a file of one line; `None` if it is not there, or not readable.
fn line(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}

fn runs_on_xen(root: &Path) -> bool {
    line(root, "sys/hypervisor/type").as_deref() == Some("xen")
}

fn xenfs(root: &Path) -> Check {
    const NAME: &str = "xenfs";
    let Ok(mounts) = fs::read_to_string(root.join("proc/mounts")) else {
        return Check::unknown(NAME, "/proc/mounts cannot be read");
    };
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    match mounts.any(|mut fields| fields.nth(2) == Some("xenfs")) {
        true => Check::ok(NAME, "mounted"),
        false if !runs_on_xen(root) => Check::unknown(NAME, "not mounted, without Xen"),
        false if root.join("dev/xen/privcmd").exists() => {
            Check::ok(NAME, "not mounted; xenscope does not need it")
        }
        false => Check::limited(NAME, "not mounted", "mount -t xenfs xenfs /proc/xen"),
    }
}

fn of_device(device: &Device, root: &Path) -> Check {
    let Device {
        path,
        module,
        missing,
        needed_by,
    } = device;
    let has = root.join(path.trim_start_matches('/')).exists();
    let loaded = line(
        root,
        &format!("sys/module/{}/refcnt", module.replace('-', "_")),
    );
    let loaded = match loaded {
        Some(_) => "as a module",
        None => "built in",
    };
    // The two are the same device.
    let by_xenfs = *module == "xen-privcmd" && root.join("proc/xen/privcmd").exists();
    match missing {
        _ if has => Check::ok(module, format!("{path}, {loaded}")),
        _ if !runs_on_xen(root) => Check::unknown(module, format!("no {path}, without Xen")),
        _ if by_xenfs => Check::ok(module, "/proc/xen/privcmd"),
        State::Ok => Check::ok(module, format!("no {path}; needed by {needed_by}")),
        _ => Check::limited(
            module,
            format!("no {path}; needed by {needed_by}"),
            format!("modprobe {module}"),
        ),
    }
}

/// Returns the kernel's lockdown: under it, a kernel may filter hypercalls. Whether it does, the check of the
/// interface says.
fn lockdown(root: &Path) -> Check {
    const NAME: &str = "lockdown";
    // All modes, the current one in brackets.
    let modes = line(root, "sys/kernel/security/lockdown");
    let current = modes.as_deref().and_then(|modes| {
        let (_, from) = modes.split_once('[')?;
        Some(from.split_once(']')?.0)
    });
    match current {
        Some("none") => Check::ok(NAME, "none"),
        Some(mode) => Check::ok(NAME, format!("{mode}; the kernel may filter hypercalls")),
        None => Check::unknown(NAME, "this kernel has none, or securityfs is not mounted"),
    }
}

fn clock(root: &Path) -> Check {
    const NAME: &str = "dom0's clock";
    let folder = "sys/devices/system/clocksource/clocksource0";
    let Some(current) = line(root, &format!("{folder}/current_clocksource")) else {
        return Check::unknown(NAME, format!("/{folder} cannot be read"));
    };
    let others = line(root, &format!("{folder}/available_clocksource")).unwrap_or_default();
    let others = others.split(' ').filter(|&other| other != current);
    Check::ok(
        NAME,
        format!("{current} (others: {})", list(others, "none")),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A file system with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    /// The states, findings and remedies by name.
    fn found(root: &Path, name: &str) -> Check {
        let mut checks = checks(root).into_iter();
        checks.find(|check| check.name == name).unwrap()
    }

    #[test]
    fn missing_devices_have_a_command() {
        let xen = ("sys/hypervisor/type", "xen\n");
        let bare = root(&[xen, ("proc/mounts", "sysfs /sys sysfs rw 0 0\n")]);
        for (name, command) in [
            ("xenfs", "mount -t xenfs xenfs /proc/xen"),
            ("xen-privcmd", "modprobe xen-privcmd"),
            ("xen-evtchn", "modprobe xen-evtchn"),
        ] {
            let check = found(bare.path(), name);
            assert_eq!(check.state, State::Limited, "{check:?}");
            assert_eq!(check.remedy.as_deref(), Some(command));
        }
        assert_eq!(found(bare.path(), "xen-gntdev").state, State::Ok);
        let old = root(&[
            xen,
            ("proc/mounts", "xenfs /proc/xen xenfs rw 0 0\n"),
            ("proc/xen/privcmd", ""),
        ]);
        for name in ["xenfs", "xen-privcmd"] {
            assert_eq!(found(old.path(), name).state, State::Ok);
        }

        let whole = root(&[
            xen,
            ("proc/mounts", "xenfs /proc/xen xenfs rw 0 0\n"),
            ("dev/xen/privcmd", ""),
            ("dev/xen/evtchn", ""),
            ("sys/module/xen_evtchn/refcnt", "0\n"),
        ]);
        let evtchn = found(whole.path(), "xen-evtchn");
        assert_eq!(evtchn.found, "/dev/xen/evtchn, as a module");
        assert!(
            checks(whole.path())
                .iter()
                .all(|check| check.remedy.is_none())
        );
    }

    #[test]
    fn without_xen_no_device_is_missed() {
        let empty = root(&[("proc/mounts", "")]);
        for check in checks(empty.path()) {
            assert_eq!(
                (check.state, &check.remedy),
                (State::Unknown, &None),
                "{check:?}"
            );
        }
    }

    #[test]
    fn the_lockdown_in_brackets_counts() {
        let of = |text| lockdown(root(&[("sys/kernel/security/lockdown", text)]).path());
        assert_eq!(of("[none] integrity confidentiality\n").found, "none");
        assert!(
            of("none [integrity] confidentiality\n")
                .found
                .starts_with("integrity;")
        );
        assert_eq!(of("").state, State::Unknown);
    }

    #[test]
    fn the_current_clock_is_named_first() {
        let folder = "sys/devices/system/clocksource/clocksource0";
        let root = root(&[
            (&format!("{folder}/current_clocksource"), "tsc\n"),
            (
                &format!("{folder}/available_clocksource"),
                "xen tsc hpet \n",
            ),
        ]);
        assert_eq!(clock(root.path()).found, "tsc (others: xen, hpet)");
    }
}
