//! A file tree that stands in for dom0's in tests.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Devices, Dom0, Roots};
use crate::snapshot::Collect;

/// A temporary folder with `sys`, `proc` and `shm`, which is removed when dropped.
#[derive(Debug)]
pub(super) struct FakeSysfs {
    folder: TempDir,
    pub(super) roots: Roots,
}

impl FakeSysfs {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let roots = Roots {
            sys: folder.path().join("sys"),
            proc: folder.path().join("proc"),
            shm: folder.path().join("shm"),
        };
        Self { folder, roots }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn folder(&self, path: &str) {
        fs::create_dir_all(self.path().join(path)).unwrap();
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Returns all devices, as a first sample sees them.
    pub(super) fn devices(&self) -> Devices {
        Dom0::new(self.roots.clone())
            .devices(Collect::ALL, |_| Collect::ALL)
            .unwrap()
    }

    pub(super) fn remove(&self, path: &str) {
        let path = self.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}

/// A file with the content `0` until it vanishes. After that, reading the open file fails, like a
/// sysfs file whose device is gone. It is a link to a process's file in procfs.
#[derive(Debug)]
pub(super) struct VanishingFile(Child);

impl VanishingFile {
    /// Creates it at `path`.
    pub(super) fn create(path: &Path) -> Self {
        // It ends with its standard input, even if the test does not call `vanish`.
        let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        symlink(format!("/proc/{}/oom_score_adj", child.id()), path).unwrap();
        Self(child)
    }

    pub(super) fn vanish(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
