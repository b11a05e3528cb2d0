//! A file tree that stands for dom0's in tests.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::Roots;

/// A temporary folder with `sys`, `proc` and `shm` in it, which goes when it is dropped.
#[derive(Debug)]
pub(super) struct Tree {
    folder: TempDir,
    pub(super) roots: Roots,
}

impl Tree {
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

    pub(super) fn remove(&self, path: &str) {
        let path = self.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}
