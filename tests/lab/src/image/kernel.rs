//! A suite's kernel and its modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use liblzma::read::XzDecoder;

use super::find;
use crate::elf;

/// A Debian kernel, unpacked from its package.
pub(super) struct Kernel {
    /// The bootable kernel.
    pub(super) image: PathBuf,
    /// Every module by its name, with `_` for `-`.
    modules: BTreeMap<String, PathBuf>,
    /// The names of modules that are built into the kernel.
    builtin: BTreeSet<String>,
}

/// A module, ready to load.
pub(super) struct Module {
    /// Its file's name, `NAME.ko`.
    pub(super) file: String,
    /// The file, uncompressed.
    pub(super) bytes: Vec<u8>,
}

impl Kernel {
    /// Reads the kernel of an unpacked suite.
    pub(super) fn find(root: &Path) -> Result<Self> {
        let release = entries(&find(root, "lib/modules")?)?
            .pop()
            .context("the suite has no kernel modules")?;
        let mut modules = BTreeMap::new();
        collect(&release.join("kernel"), &mut modules)?;
        let list = release.join("modules.builtin");
        let builtin = fs::read_to_string(&list)
            .with_context(|| format!("cannot read {}", list.display()))?
            .lines()
            .filter_map(|line| module_name(Path::new(line)))
            .collect();
        let version = release
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            image: find(root, &format!("boot/vmlinuz-{version}"))?,
            modules,
            builtin,
        })
    }

    /// Returns these modules and all that they depend on, in load order.
    pub(super) fn modules(&self, wanted: &[&str]) -> Result<Vec<Module>> {
        let mut loaded = BTreeSet::new();
        let mut modules = Vec::new();
        for name in wanted {
            self.add(&name.replace('-', "_"), &mut loaded, &mut modules)?;
        }
        Ok(modules)
    }

    fn add(&self, name: &str, loaded: &mut BTreeSet<String>, out: &mut Vec<Module>) -> Result<()> {
        if self.builtin.contains(name) || !loaded.insert(name.to_owned()) {
            return Ok(());
        }
        let Some(path) = self.modules.get(name) else {
            bail!("{} has no module {name}", self.image.display());
        };
        let bytes = uncompressed(path)?;
        let depends = elf::module_depends(&bytes)
            .with_context(|| format!("{} is not a kernel module", path.display()))?;
        for needed in depends {
            self.add(&needed.replace('-', "_"), loaded, out)?;
        }
        out.push(Module {
            file: format!("{name}.ko"),
            bytes,
        });
        Ok(())
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .with_context(|| format!("cannot list {}", folder.display()))
}

fn collect(folder: &Path, modules: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            collect(&path, modules)?;
        } else if let Some(name) = module_name(&path) {
            modules.insert(name, path);
        }
    }
    Ok(())
}

/// `kernel/drivers/xen/xen-evtchn.ko.xz` is `xen_evtchn`.
fn module_name(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let name = file
        .strip_suffix(".ko")
        .or_else(|| file.strip_suffix(".ko.xz"))?;
    Some(name.replace('-', "_"))
}

fn uncompressed(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if path.extension().is_none_or(|extension| extension != "xz") {
        return Ok(bytes);
    }
    let mut module = Vec::new();
    XzDecoder::new(bytes.as_slice())
        .read_to_end(&mut module)
        .with_context(|| format!("cannot uncompress {}", path.display()))?;
    Ok(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_as_by_the_kernel() {
        let name = |path: &str| module_name(Path::new(path));
        assert_eq!(
            name("kernel/drivers/xen/xen-evtchn.ko").as_deref(),
            Some("xen_evtchn")
        );
        assert_eq!(name("kernel/net/llc/llc.ko.xz").as_deref(), Some("llc"));
        assert_eq!(name("kernel/modules.dep"), None);
    }
}
