//! A file tree that stands for dom0's in tests.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Devices, Dom0, Roots};
use crate::snapshot::Collect;

/// A temporary folder with `sys`, `proc` and `shm` in it, which goes when it is dropped.
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

    /// All devices, as who samples once sees them.
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

/// A file that says `0` until it dies: from then on whoever has it open gets an error, as with a
/// file of sysfs whose device went. It is one of a process's in procfs, behind a link.
#[derive(Debug)]
pub(super) struct Mortal(Child);

impl Mortal {
    /// Makes it at `path`.
    pub(super) fn at(path: &Path) -> Self {
        // Ends by itself when its input does, should the test not get so far.
        let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        symlink(format!("/proc/{}/oom_score_adj", child.id()), path).unwrap();
        Self(child)
    }

    pub(super) fn die(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
