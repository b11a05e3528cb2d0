//! Guests that run a test's commands: the lab's, and some that a test creates and destroys.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{revert, wait_until};
use crate::command::{run, tool};

/// How long a test waits for a guest, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(120);

/// Pauses guests until it is dropped, so no vCPU contends for a pCPU.
pub struct Paused(&'static [&'static str]);

impl Paused {
    pub fn all(names: &'static [&'static str]) -> Self {
        for name in names {
            tool("xl", &["pause", name]);
        }
        Self(names)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        revert(|| {
            for name in self.0 {
                tool("xl", &["unpause", name]);
            }
        });
    }
}

/// A guest's console.
pub struct Console {
    name: String,
}

impl Console {
    pub fn of(guest: &str) -> Self {
        let name = guest.to_owned();
        Self { name }
    }

    /// Runs a shell command in one of the lab's guests.
    pub fn run(&self, command: &str) {
        let id = tool("xl", &["domid", &self.name]);
        let path = format!("/local/domain/{}/console/tty", id.trim());
        let terminal = tool("xenstore-read", &[path]);
        let write = "printf '%s\\n' \"$1\" >$0";
        tool("sh", &["-c", write, terminal.trim(), command]);
    }

    /// Returns what has been written to it.
    pub fn text(&self) -> String {
        let log = format!("/var/log/xen/console/guest-{}.log", self.name);
        String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned()
    }

    /// Waits until it contains these words; returns its text.
    pub fn until_it_says(&self, words: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let text = self.text();
            if text.contains(words) {
                return text;
            }
            assert!(Instant::now() < end, "never {words:?}: {text}");
            sleep(Duration::from_millis(200));
        }
    }
}

/// Unpauses `pv-burn`, the lab's busiest guest, until it is dropped.
pub struct Burning(());

impl Burning {
    pub fn start() -> Self {
        tool("xl", &["unpause", "pv-burn"]);
        Self(())
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        revert(|| {
            tool("xl", &["pause", "pv-burn"]);
        });
    }
}

/// A second disk of `pv-disk`, xvdb, in this file of dom0.
pub struct Plug(&'static str);

impl Plug {
    pub fn of(file: &'static str) -> Self {
        fs::write(file, vec![0; 1 << 20]).unwrap();
        Self(file)
    }

    /// Attaches it and waits until the guest has connected. A disk that is detached before that may
    /// stay.
    pub fn plug(&self) {
        let disk = format!(
            "format=raw,vdev=xvdb,access=rw,backendtype=phy,script=disk-lab,target={}",
            self.0
        );
        tool("xl", &["block-attach", "pv-disk", &disk]);
        let id = tool("xl", &["domid", "pv-disk"]);
        let state = format!("/local/domain/0/backend/vbd/{}/51728/state", id.trim());
        let end = Instant::now() + LIMIT;
        // XenbusStateConnected (Xen, public/io/xenbus.h).
        while tool("xenstore-read", &[&state]).trim() != "4" {
            assert!(Instant::now() < end, "never connected");
            sleep(Duration::from_millis(100));
        }
    }

    /// Detaches it if it is attached. xl gives up after ten seconds if the guest does not answer, so it is asked again.
    pub fn unplug(&self) {
        let id = tool("xl", &["domid", "pv-disk"]);
        let state = format!("/local/domain/0/backend/vbd/{}/51728/state", id.trim());
        wait_until("the disk is gone", || {
            let is_there = run(Command::new("xenstore-read").arg(&state)).code == Some(0);
            if is_there {
                run(Command::new("xl").args(["block-detach", "pv-disk", "xvdb"]));
            }
            !is_there
        });
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        revert(|| self.unplug());
        let _ = fs::remove_file(self.0);
    }
}

/// A PV guest whose first process is a test's script. When it shuts down or crashes, xl preserves
/// it until this is dropped. `pv-disk` is paused until then, because this guest boots slowly beside
/// it.
pub struct Guest {
    name: String,
    _other: Paused,
}

impl Guest {
    /// Starts a guest that runs `script`, with copies of these files of dom0 at the same paths.
    pub fn start(name: &str, script: &str, files: &[String]) -> Self {
        let folder = std::env::temp_dir().join(name);
        let tree = folder.join("tree");
        fs::create_dir_all(&tree).unwrap();
        let init = tree.join("test-init");
        let mounts = "#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for module in /modules/*; do busybox insmod $module; done
";
        fs::write(&init, format!("{mounts}{script}\n")).unwrap();
        fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).unwrap();
        for file in files {
            let copy = tree.join(file.trim_start_matches('/'));
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(file, copy).unwrap();
        }
        // The kernel unpacks both archives in turn: the lab's guest, and the new files.
        let pack = "cd $0/tree && find . | cpio -o -H newc >$0/new.cpio 2>/dev/null &&
            cat /lab/guest.cpio $0/new.cpio >$0/guest.cpio && rm -r $0/tree $0/new.cpio";
        tool("sh", &["-c".as_ref(), pack.as_ref(), folder.as_os_str()]);
        let configuration = configuration(name, files, &folder.join("guest.cpio"));
        Self::create(name, &configuration, &[])
    }

    /// Creates a PVH guest with xl and never unpauses it. Its paging pool has 8 MiB.
    pub fn pvh_that_never_runs(name: &str) -> Self {
        fs::create_dir_all(std::env::temp_dir().join(name)).unwrap();
        let pv = configuration(name, &[], Path::new("/lab/guest.cpio"));
        let pvh = pv.replace("type = 'pv'", "type = 'pvh'\nshadow_memory = 8");
        assert_ne!(pvh, pv);
        Self::create(name, &pvh, &["-p"])
    }

    fn create(name: &str, configuration: &str, options: &[&str]) -> Self {
        let file = std::env::temp_dir().join(name).join("guest.cfg");
        fs::write(&file, configuration).unwrap();
        let guest = Self {
            name: name.to_owned(),
            _other: Paused::all(&["pv-disk"]),
        };
        let file = file.to_str().unwrap();
        tool("xl", &[&["create", file], options].concat());
        guest
    }

    /// Returns its console.
    pub fn console(&self) -> Console {
        Console::of(&self.name)
    }

    /// Waits until `xl list` shows this letter among its states, such as `s` for shut down.
    pub fn until_its_state_is(&self, letter: char) {
        let end = Instant::now() + LIMIT;
        loop {
            let list = tool("xl", &["list", &self.name]);
            let state = list.lines().nth(1).and_then(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                words.get(words.len().checked_sub(2)?).copied()
            });
            if state.is_some_and(|state| state.contains(letter)) {
                return;
            }
            assert!(Instant::now() < end, "{list}{}", self.console().text());
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The test may have destroyed it.
        run(Command::new("xl").args(["destroy", &self.name]));
        let _ = fs::remove_dir_all(std::env::temp_dir().join(&self.name));
    }
}

/// Returns xl's configuration: the lab's settings for a guest, with changes.
fn configuration(name: &str, files: &[String], ramdisk: &Path) -> String {
    let usual = fs::read_to_string("/lab/guests/pv-burn.cfg").unwrap();
    let mut lines: Vec<String> = usual
        .lines()
        .filter(|line| {
            let (key, _) = line.split_once(' ').unwrap_or((line, ""));
            matches!(key, "type" | "kernel" | "memory" | "extra")
        })
        .map(|line| line.replace("lab.load=burn", "rdinit=/test-init"))
        .collect();
    lines.push(format!("name = '{name}'"));
    lines.push(format!("ramdisk = '{}'", ramdisk.display()));
    lines.push("on_poweroff = 'preserve'\non_crash = 'preserve'".into());
    // On the pCPUs of the lab's guests, with a higher weight because they are busy.
    lines.push("cpus = 'all,^0'\ncpu_weight = 8192".into());
    if !files.is_empty() {
        // Its memory holds the files twice: packed and unpacked.
        lines.retain(|line| !line.starts_with("memory"));
        lines.push("memory = 320".into());
    }
    lines.join("\n") + "\n"
}
