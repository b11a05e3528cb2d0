//! Guests that do what a test tells them, made for it and gone with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::command::{run, tool};

/// How long a guest may take to do what is waited for, under emulation and beside busy ones.
const LIMIT: Duration = Duration::from_secs(120);

/// Guests that stand still for as long as this lives, so that no one contends for a pCPU.
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
        for name in self.0 {
            tool("xl", &["unpause", name]);
        }
    }
}

/// A PV guest whose first process is a script of the test's. It stays when it ends, for whatever
/// reason, until the test does; until then the laboratory's busiest guests stand still, for it
/// boots slowly beside them.
pub struct Guest {
    name: String,
    _others: Paused,
}

impl Guest {
    /// Starts a guest that runs `script`, with its NIC if it is to have one, and with copies of
    /// these files of dom0 at their own places.
    pub fn start(name: &str, script: &str, nic: bool, files: &[String]) -> Self {
        Self::with_vcpus(1, name, script, nic, files)
    }

    /// As [`Guest::start`], with so many vCPUs.
    pub fn with_vcpus(vcpus: u16, name: &str, script: &str, nic: bool, files: &[String]) -> Self {
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
        // The kernel unpacks one archive after the other: the laboratory's guest, and what is new.
        let pack = "cd $0/tree && find . | cpio -o -H newc >$0/new.cpio 2>/dev/null &&
            cat /lab/guest.cpio $0/new.cpio >$0/guest.cpio && rm -r $0/tree $0/new.cpio";
        tool("sh", &["-c".as_ref(), pack.as_ref(), folder.as_os_str()]);
        let config = folder.join("guest.cfg");
        fs::write(
            &config,
            format!(
                "{}vcpus = {vcpus}\n",
                configuration(name, nic, files, &folder.join("guest.cpio"))
            ),
        )
        .unwrap();
        let guest = Self {
            name: name.to_owned(),
            _others: Paused::all(&["pv-burn", "pv-disk"]),
        };
        tool("xl", &["create".as_ref(), config.as_os_str()]);
        guest
    }

    /// What it has written on its console.
    pub fn console(&self) -> String {
        let log = format!("/var/log/xen/console/guest-{}.log", self.name);
        String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned()
    }

    /// Waits until the console has these words; returns what it has then.
    pub fn until_it_says(&self, words: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let console = self.console();
            if console.contains(words) {
                return console;
            }
            assert!(Instant::now() < end, "never {words:?}: {console}");
            sleep(Duration::from_millis(200));
        }
    }

    /// Waits until `xl list` has this among its letters, such as `s` for shut down.
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
            assert!(Instant::now() < end, "{list}{}", self.console());
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The test itself may have destroyed it.
        run(Command::new("xl").args(["destroy", &self.name]));
        let _ = fs::remove_dir_all(std::env::temp_dir().join(&self.name));
    }
}

/// What xl reads: the laboratory's settings for a guest, with what is different here.
fn configuration(name: &str, nic: bool, files: &[String], ramdisk: &Path) -> String {
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
    // On the pCPUs of the laboratory's guests, and before them: they are busy.
    lines.push("cpus = 'all,^0'\ncpu_weight = 8192".into());
    if !files.is_empty() {
        // They lie in its memory, in the archive and out of it.
        lines.retain(|line| !line.starts_with("memory"));
        lines.push("memory = 320".into());
    }
    if nic {
        lines.push("vif = ['mac=00:16:3e:4c:01:01,ip=10.77.201.2,script=vif-lab']".into());
    }
    lines.join("\n") + "\n"
}
