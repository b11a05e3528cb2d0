//! Which Xen runs, from `/sys/hypervisor`, before any hypercall is made.

use std::fs;
use std::path::Path;

use super::error::Error;
use super::version::Version;

/// Bit of `/sys/hypervisor/properties/features` that the hardware domain has (`XENFEAT_dom0`,
/// xen/features.h).
const FEATURE_DOM0: u32 = 11;

/// Reads which Xen runs below the kernel whose sysfs is mounted at `sysfs`.
///
/// # Errors
/// [`Error::NotXen`] when there is none.
pub fn running(sysfs: &Path) -> Result<Version, Error> {
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

/// Whether the kernel whose sysfs is mounted at `sysfs` is dom0's; `None` when it does not say.
pub fn is_dom0(sysfs: &Path) -> Option<bool> {
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
    fn another_hypervisor_or_none_is_not_xen() {
        for files in [&[][..], &[("type", "kvm\n")][..]] {
            let root = sysfs(files);
            assert!(matches!(running(root.path()), Err(Error::NotXen)));
        }
    }

    #[test]
    fn a_version_that_is_no_number_is_not_guessed() {
        let root = sysfs(&[
            ("type", "xen\n"),
            ("version/major", "4\n"),
            ("version/minor", "twenty\n"),
        ]);
        let error = running(root.path()).unwrap_err();
        assert!(error.to_string().contains("hypervisor/version"), "{error}");
    }

    #[test]
    fn proven_from_4_17_to_4_20_only() {
        let proven = |major, minor| Version { major, minor }.is_proven();
        assert!(proven(4, 17) && proven(4, 18) && proven(4, 19) && proven(4, 20));
        assert!(!proven(4, 16) && !proven(4, 21) && !proven(5, 17));
    }

    #[test]
    fn dom0_is_known_by_its_feature_bit() {
        let says = |text| is_dom0(sysfs(&[("properties/features", text)]).path());
        assert_eq!(says("00000b05\n"), Some(true));
        assert_eq!(says("00000705\n"), Some(false));
        assert_eq!(says("?\n"), None);
        assert_eq!(is_dom0(sysfs(&[]).path()), None);
    }
}
