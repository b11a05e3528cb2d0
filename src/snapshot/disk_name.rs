//! The names of virtual disks.

use super::device::Disk;

impl Disk {
    /// Returns the name of a disk in a domain's configuration and in most guests, such as `xvda` or
    /// `sdb1`; `dev` and the number if the number has no name. The scheme is that of
    /// xen-vbd-interface(7).
    pub(crate) fn name(id: u32) -> String {
        let minor = id & 0xff;
        let (kind, disk, partition) = match (id >> 28, id >> 8) {
            (1, _) => ("xvd", (id >> 8) & 0xf_ffff, minor),
            (0, 202) => ("xvd", minor >> 4, minor & 0xf),
            (0, 8) => ("sd", minor >> 4, minor & 0xf),
            (0, 3) if minor >> 6 < 2 => ("hd", minor >> 6, minor & 0x3f),
            (0, 22) if minor >> 6 < 2 => ("hd", 2 + (minor >> 6), minor & 0x3f),
            _ => return format!("dev{id}"),
        };
        let letters = letters(disk);
        match partition {
            0 => format!("{kind}{letters}"),
            partition => format!("{kind}{letters}{partition}"),
        }
    }

    /// Returns the name of a disk as XAPI's users know it: the disks of an HVM guest are numbered as IDE's (hda is 768), and
    /// its Xen drivers and XAPI call them xvda and so on.
    pub(crate) fn name_of_xapi(name: String) -> String {
        match name.strip_prefix("hd") {
            Some(rest) => format!("xvd{rest}"),
            None => name,
        }
    }
}

/// Returns the letters of a disk's index: a, b, … z, aa, ab, …
fn letters(disk: u32) -> String {
    let mut reversed = Vec::new();
    let mut left = disk + 1;
    while left > 0 {
        left -= 1;
        reversed.push(b'a' + (left % 26) as u8);
        left /= 26;
    }
    reversed.into_iter().rev().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_disk_is_named_after_its_number() {
        for (id, expected) in [
            (202 << 8, "xvda"),
            (202 << 8 | 1, "xvda1"),
            (202 << 8 | 1 << 4 | 2, "xvdb2"),
            (202 << 8 | 15 << 4 | 15, "xvdp15"),
            (1 << 28 | 16 << 8, "xvdq"),
            (1 << 28 | 25 << 8, "xvdz"),
            (1 << 28 | 26 << 8, "xvdaa"),
            (1 << 28 | 701 << 8, "xvdzz"),
            (1 << 28 | 702 << 8, "xvdaaa"),
            // From the manual page: d536p37.
            (1 << 28 | 536 << 8 | 37, "xvdtq37"),
            (1 << 28 | 0xf_ffff << 8 | 255, "xvdbgqcv255"),
            (8 << 8 | 1 << 4 | 3, "sdb3"),
            (3 << 8, "hda"),
            (3 << 8 | 1 << 6 | 63, "hdb63"),
            (22 << 8 | 2, "hdc2"),
            (22 << 8 | 1 << 6, "hdd"),
            (0, "dev0"),
            (3 << 8 | 2 << 6, "dev896"),
            (22 << 8 | 3 << 6, "dev5824"),
            (9 << 8, "dev2304"),
            (2 << 28, "dev536870912"),
            (2 << 28 | 202 << 8, "dev536922624"),
            (u32::MAX, "dev4294967295"),
        ] {
            assert_eq!(Disk::name(id), expected, "{id}");
        }
    }

    #[test]
    fn xapis_ide_disks_are_xvd() {
        for (id, expected) in [
            (768, "xvda"),
            (832, "xvdb"),
            (5632, "xvdc"),
            (5696, "xvdd"),
            (51712, "xvda"),
            (8 << 8, "sda"),
        ] {
            assert_eq!(Disk::name_of_xapi(Disk::name(id)), expected, "{id}");
        }
    }

    proptest! {
        #[test]
        fn every_number_has_a_name(id: u32) {
            prop_assert!(Disk::name(id).bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }

        #[test]
        fn disk_names_are_unique(one in 0_u32..1 << 20, other in 0_u32..1 << 20) {
            prop_assert_eq!(letters(one) == letters(other), one == other);
        }
    }
}
