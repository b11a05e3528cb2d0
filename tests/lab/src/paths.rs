//! The lab's paths, all in the target directory.

use std::env;
use std::path::{Path, PathBuf};

use crate::xen::Xen;

/// Returns the workspace's root.
pub fn workspace() -> PathBuf {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    lab.ancestors().nth(2).unwrap_or(lab).to_owned()
}

/// Returns the path of a file of the lab's sources.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns the target directory.
pub fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(target)
}

/// Returns the lab's folder in the target directory.
pub fn lab() -> PathBuf {
    target().join("lab")
}

/// Returns the folder of one version of Xen.
pub fn version(xen: Xen) -> PathBuf {
    lab().join(xen.label())
}

/// Returns the folder of the unpacked Debian packages of one version.
pub fn root(xen: Xen) -> PathBuf {
    version(xen).join("root")
}

/// Returns the folder of the programs that tests on the host run.
pub fn tools() -> PathBuf {
    lab().join("tools")
}

/// Returns the folder of the serial consoles' logs.
pub fn logs() -> PathBuf {
    lab().join("logs")
}

/// Returns the folder of what is released.
pub fn release_files() -> PathBuf {
    target().join("release-files")
}
