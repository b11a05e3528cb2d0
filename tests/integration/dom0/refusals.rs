//! Each reason why xenscope cannot use the hypervisor has its own message and remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use super::revert;
use crate::command::{run, say, tool, xenscope};
use crate::usage::every_command_exits_3;

/// Replaces a file by another one until it is dropped.
pub struct Replaced(PathBuf);

impl Replaced {
    pub fn put(path: &Path, other: &Path) -> Self {
        tool(
            "mount",
            &[
                "-o".as_ref(),
                "bind".as_ref(),
                other.as_os_str(),
                path.as_os_str(),
            ],
        );
        Self(path.to_owned())
    }

    /// Replaces the file at `path` by one with this text.
    pub fn text(path: &str, text: &str) -> Self {
        let other = std::env::temp_dir().join("in-place-of");
        fs::write(&other, text).unwrap();
        Self::put(Path::new(path), &other)
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        revert(|| {
            tool("umount", &[&self.0]);
        });
    }
}

/// Returns the path of this Xen's libxenctrl.
pub fn library() -> PathBuf {
    let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
    Path::new("/usr/lib/x86_64-linux-gnu").join(format!("libxenctrl.so.{xen}"))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn another_hypervisor_is_not_xen() {
    let _kvm = Replaced::text("/sys/hypervisor/type", "kvm\n");
    every_command_exits_3();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn other_users_than_root_are_refused() {
    run(xenscope(&["list"]).uid(1000)).refused(3, &["as root", "sudo"]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_missing_library_has_a_remedy() {
    let library = library();
    let away = library.with_extension("away");
    fs::rename(&library, &away).unwrap();
    let said = say(&["list"]);
    fs::rename(&away, &library).unwrap();
    let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
    said.refused(
        3,
        &[
            &format!("libxenctrl.so.{xen}"),
            "not installed",
            &format!("libxenmisc{xen}"),
        ],
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn an_unusable_library_has_a_remedy() {
    let empty = std::env::temp_dir().join("no-library");
    fs::write(&empty, "not a library").unwrap();
    let _broken = Replaced::put(&library(), &empty);
    say(&["list"]).refused(3, &["cannot use", "reinstall"]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn an_untested_xen_needs_the_option() {
    let minor = fs::read_to_string("/sys/hypervisor/version/minor").unwrap();
    // The running version's libxenctrl, under the name of the pretended version.
    let pretended = library().with_file_name("libxenctrl.so.4.99");
    fs::copy(library(), &pretended).unwrap();
    let future = Replaced::text("/sys/hypervisor/version/minor", "99\n");
    let refused = say(&["list"]);
    let went_on = say(&["list", "--allow-untested-xen"]);
    drop(future);
    fs::remove_file(pretended).unwrap();
    refused.refused(3, &["Xen 4.99", "4.17 to 4.22", "--allow-untested-xen"]);
    assert!(went_on.fine().contains("Domain-0"));
    assert_eq!(
        fs::read_to_string("/sys/hypervisor/version/minor").unwrap(),
        minor
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_wrong_interface_version_is_refused() {
    let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
    let other = if xen == "4.17" { "4.20" } else { "4.17" };
    let other = Path::new("/lab/other").join(format!("libxenctrl.so.{other}"));
    let _other = Replaced::put(&library(), &other);
    let said = say(&["status", "0", "--interval", "0.1"]);
    eprintln!("{said:?}");
    said.refused(3, &["interface version", "libxenctrl"]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_missing_privcmd_has_a_remedy() {
    let device = "/dev/xen/privcmd";
    fs::rename(device, "/dev/xen/away").unwrap();
    let hidden = tool("umount", &["-l", "/proc/xen"]);
    let said = say(&["list"]);
    fs::rename("/dev/xen/away", device).unwrap();
    tool("mount", &["-t", "xenfs", "xenfs", "/proc/xen"]);
    assert_eq!(hidden, "");
    said.refused(3, &["privcmd", "xen-privcmd"]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_refused_device_is_named() {
    let as_a_user = || run(xenscope(&["list"]).uid(1000));
    let text = |device| format!("cannot open {device}: permission denied");
    let privcmd = "/dev/xen/privcmd";
    as_a_user().refused(3, &[&text(privcmd)]);
    let mode = fs::metadata(privcmd).unwrap().permissions();
    fs::set_permissions(privcmd, Permissions::from_mode(0o666)).unwrap();
    let said = as_a_user();
    fs::set_permissions(privcmd, mode).unwrap();
    said.refused(3, &[&text("/dev/xen/hypercall")]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn libxenctrl_logs_to_stderr_only_if_verbose() {
    let said = run(xenscope(&["-v", "list"]).uid(1000));
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.lines().count() > 1, "{said:?}");
    assert!(said.stderr.contains("privileged command"), "{said:?}");

    let found = say(&["-v", "list"]);
    assert_eq!(found.code, Some(0), "{found:?}");
    let library = library().file_name().unwrap().to_str().unwrap().to_owned();
    for part in [&*library, "XenStore answers"] {
        assert!(found.stderr.contains(part), "no {part:?}: {found:?}");
    }
    assert!(!found.stderr.contains("a sample"), "{found:?}");
    assert!(say(&["-vv", "list"]).stderr.contains("a sample"));
}
