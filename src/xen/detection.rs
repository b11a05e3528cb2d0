//! Reads from `/sys/hypervisor` which Xen runs, before any hypercall.

use std::fs;
use std::path::Path;

use super::error::Error;
use super::version::Version;

/// The bit of `/sys/hypervisor/properties/features` that is set in dom0 (`XENFEAT_dom0`,
/// xen/features.h).
const FEATURE_DOM0: u32 = 11;

/// Reads the version of Xen from the sysfs mounted at `sysfs`.
///
/// # Errors
/// [`Error::NotXen`] if this kernel does not run on Xen, [`Error::VersionUnreadable`] if sysfs has
/// no version of it.
pub(crate) fn running(sysfs: &Path) -> Result<Version, Error> {
    let folder = sysfs.join("hypervisor");
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse().ok();
    if read("type").as_deref().map(str::trim) != Some("xen") {
        return Err(Error::NotXen);
    }
    match (number("version/major"), number("version/minor")) {
        (Some(major), Some(minor)) => Ok(Version { major, minor }),
        _ => Err(Error::VersionUnreadable {
            path: folder.join("version"),
        }),
    }
}

/// Reads from the sysfs mounted at `sysfs` whether this kernel is dom0's; `None` if the feature
/// bits cannot be read.
pub(crate) fn is_dom0(sysfs: &Path) -> Option<bool> {
    let text = fs::read_to_string(sysfs.join("hypervisor/properties/features")).ok()?;
    let features = u64::from_str_radix(text.trim(), 16).ok()?;
    Some(features >> FEATURE_DOM0 & 1 == 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn sysfs(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join("hypervisor").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn reads_the_running_version() {
        let root = sysfs(&[
            ("type", "xen\n"),
            ("version/major", "4\n"),
            ("version/minor", "20\n"),
        ]);
        let version = running(root.path()).unwrap();
        assert_eq!(
            version,
            Version {
                major: 4,
                minor: 20
            }
        );
        assert_eq!(version.to_string(), "4.20");
    }

    #[test]
    fn other_hypervisors_are_not_xen() {
        for files in [&[][..], &[("type", "kvm\n")][..]] {
            let root = sysfs(files);
            assert!(matches!(running(root.path()), Err(Error::NotXen)));
        }
    }

    #[test]
    fn malformed_version_is_an_error() {
        let root = sysfs(&[
            ("type", "xen\n"),
            ("version/major", "4\n"),
            ("version/minor", "twenty\n"),
        ]);
        let error = running(root.path()).unwrap_err();
        assert!(error.to_string().contains("hypervisor/version"), "{error}");
    }

    #[test]
    fn tested_from_4_17_to_4_22() {
        let tested = |major, minor| Version { major, minor }.is_tested();
        assert!((17..=22).all(|minor| tested(4, minor)));
        assert!(!tested(4, 16) && !tested(4, 23) && !tested(5, 17));
    }

    #[test]
    fn feature_bit_marks_dom0() {
        let dom0 = |text| is_dom0(sysfs(&[("properties/features", text)]).path());
        assert_eq!(dom0("00000b05\n"), Some(true));
        assert_eq!(dom0("00000705\n"), Some(false));
        assert_eq!(dom0("?\n"), None);
        assert_eq!(is_dom0(sysfs(&[]).path()), None);
    }
}
