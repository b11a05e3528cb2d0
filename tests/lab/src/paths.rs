//! Where the lab keeps things: all of it in the target directory.

use std::env;
use std::path::{Path, PathBuf};

use crate::xen::Xen;

/// The workspace's root.
pub fn workspace() -> PathBuf {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    lab.ancestors().nth(2).unwrap_or(lab).to_owned()
}

/// A file that belongs to the lab's sources.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The lab's own corner of the target directory.
pub fn lab() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(target).join("lab")
}

/// What belongs to one version of Xen.
pub fn version(xen: Xen) -> PathBuf {
    lab().join(xen.label())
}

/// The unpacked Debian packages of one version.
pub fn root(xen: Xen) -> PathBuf {
    version(xen).join("root")
}

/// The serial consoles' logs.
pub fn logs() -> PathBuf {
    lab().join("logs")
}
