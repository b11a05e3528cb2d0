//! The content of a file system, written as an initramfs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cpio::newc;

/// An entry of the tree.
enum Node {
    Folder,
    Link(String),
    File { mode: u32, content: Content },
}

enum Content {
    Bytes(Vec<u8>),
    Copy(PathBuf),
}

/// The entries by their paths, relative to the root. Parent folders are added automatically; a
/// later entry replaces an earlier one.
#[derive(Default)]
pub(super) struct Tree(BTreeMap<PathBuf, Node>);

impl Tree {
    /// Adds an empty folder.
    pub(super) fn folder(&mut self, path: impl AsRef<Path>) {
        self.put(path.as_ref(), Node::Folder);
    }

    /// Adds a symbolic link.
    pub(super) fn link(&mut self, path: impl AsRef<Path>, target: impl Into<String>) {
        self.put(path.as_ref(), Node::Link(target.into()));
    }

    /// Adds a regular file with this content.
    pub(super) fn bytes(&mut self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) {
        let content = Content::Bytes(bytes.into());
        self.put(
            path.as_ref(),
            Node::File {
                mode: 0o644,
                content,
            },
        );
    }

    /// Adds an executable copy of a file of the host, which is read when the archive is written.
    pub(super) fn copy(&mut self, path: impl AsRef<Path>, from: impl Into<PathBuf>) {
        let content = Content::Copy(from.into());
        self.put(
            path.as_ref(),
            Node::File {
                mode: 0o755,
                content,
            },
        );
    }

    /// Adds a copy of a folder of the host with all files below it.
    pub(super) fn copy_folder(&mut self, path: &Path, from: &Path) -> Result<()> {
        let entries =
            fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", from.display()))?;
            let (to, from) = (path.join(entry.file_name()), entry.path());
            if from.is_dir() {
                self.copy_folder(&to, &from)?;
            } else {
                self.copy(to, from);
            }
        }
        Ok(())
    }

    /// Returns whether there is an entry at this path.
    pub(super) fn contains(&self, path: impl AsRef<Path>) -> bool {
        self.0.contains_key(path.as_ref())
    }

    fn put(&mut self, path: &Path, node: Node) {
        for parent in path.ancestors().skip(1) {
            if !parent.as_os_str().is_empty() {
                self.0.entry(parent.to_owned()).or_insert(Node::Folder);
            }
        }
        self.0.insert(path.to_owned(), node);
    }

    /// Writes the tree as an uncompressed newc archive, which the kernel reads.
    pub(super) fn write(&self, mut out: impl Write) -> Result<()> {
        // A parent sorts before its entries, so folders come first.
        for (number, (path, node)) in (1..).zip(&self.0) {
            let builder = newc::Builder::new(&path.to_string_lossy())
                .ino(number)
                .nlink(1);
            let written = match node {
                Node::Folder => entry(builder.mode(0o040755), &[], &mut out),
                Node::Link(target) => entry(builder.mode(0o120777), target.as_bytes(), &mut out),
                Node::File { mode, content } => {
                    let builder = builder.mode(0o100000 | mode);
                    match content {
                        Content::Bytes(bytes) => entry(builder, bytes, &mut out),
                        Content::Copy(from) => fs::read(from)
                            .with_context(|| format!("cannot read {}", from.display()))
                            .map(|bytes| entry(builder, &bytes, &mut out))?,
                    }
                }
            };
            written.with_context(|| format!("cannot put {} into the initramfs", path.display()))?;
        }
        newc::trailer(out).context("cannot end the initramfs")?;
        Ok(())
    }
}

fn entry(builder: newc::Builder, content: &[u8], out: &mut impl Write) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut writer = builder.write(out, length);
    writer.write_all(content)?;
    writer.finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_later_files_win() -> Result<()> {
        let mut tree = Tree::default();
        tree.bytes("etc/xen/xl.conf", "old");
        tree.bytes("etc/xen/xl.conf", "new");
        tree.link("bin", "usr/bin");
        let mut archive = Vec::new();
        tree.write(&mut archive)?;

        let mut names = Vec::new();
        let mut rest = archive.as_slice();
        loop {
            let mut reader = newc::Reader::new(rest)?;
            if reader.entry().is_trailer() {
                break;
            }
            names.push(reader.entry().name().to_owned());
            let mut content = Vec::new();
            io::Read::read_to_end(&mut reader, &mut content)?;
            if names.last().is_some_and(|name| name == "etc/xen/xl.conf") {
                assert_eq!(content, b"new");
            }
            rest = reader.finish()?;
        }
        assert_eq!(names, ["bin", "etc", "etc/xen", "etc/xen/xl.conf"]);
        Ok(())
    }
}
