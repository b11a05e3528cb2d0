//! The counters of disks that tapdisk serves.
//!
//! A tapdisk maps a file of one page for its counters: `/dev/shm/td3-PID/vbd-DOM-DEV`
//! (drivers/tapdisk-metrics.c of blktap). Anyone can create files in `/dev/shm`, so a file is
//! trusted only if nobody except root can have created it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use enum_map::{EnumMap, enum_map};
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::roots::Roots;
use super::vbd;
use crate::clock;
use crate::snapshot::{Counters, Disk, DiskCounter, DomId};

/// The user whose files are trusted.
const ROOT: u32 = 0;

/// The length of the longest supported record, that of version 2, in bytes.
const LONGEST: usize = 128;

/// The size of the largest page, and so the largest size of a tapdisk's file, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Fills in the `wanted` counters of a disk that the tapdisk `disk.process` serves, and their stamp. tapdisk
/// counts completed requests, their time, and errors. It counts bytes when a request is accepted.
/// It does not count flushes, and counts discards only in version 2 of the format.
///
/// All counters are `None` if there is no such process or file, or if the file can't be read, is
/// not trusted, or has an unknown format. Returns the error; `None` if the process or file is
/// missing.
pub(super) fn fill_in(
    roots: &Roots,
    domain: DomId,
    wanted: EnumMap<DiskCounter, bool>,
    disk: &mut Disk,
) -> Option<io::Error> {
    if !wanted.values().any(|&wanted| wanted) {
        return None;
    }
    let fault = fill_in_from(roots, domain, disk, ROOT);
    for (counter, figure) in &mut disk.counters {
        *figure = figure.filter(|_| wanted[counter]);
    }
    fault
}

fn fill_in_from(roots: &Roots, domain: DomId, disk: &mut Disk, trusted: u32) -> Option<io::Error> {
    let (read, stamp) = clock::stamped(|| {
        let mut buffer = [0; LONGEST];
        let process = disk.process.ok_or(ErrorKind::NotFound)?;
        let length = open(roots, process, domain, disk.id, trusted)?.read(&mut buffer)?;
        Record::parse(&buffer[..length])
            .ok_or_else(|| io::Error::other("unknown format of the statistics file"))
    });
    let (record, fault) = match read {
        Ok(record) => (Some(record), None),
        Err(error) => (None, Some(error)),
    };
    disk.counters = record.map(Record::counters).unwrap_or_default();
    disk.stamp = stamp;
    fault.filter(|error| error.kind() != ErrorKind::NotFound)
}

/// Opens the file with the counters of the tapdisk `process`.
///
/// # Errors
/// Fails if the process is gone, or if any user except `trusted` could have created the file.
fn open(roots: &Roots, process: u32, domain: DomId, id: u32, trusted: u32) -> io::Result<File> {
    let untrusted =
        || io::Error::other("users other than root could have created the statistics file");
    if !roots.proc.join(process.to_string()).exists() {
        return Err(ErrorKind::NotFound.into());
    }
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
        .open(roots.shm.join(format!("td3-{process}")))?;
    let about = folder.metadata()?;
    let others_may_write = about.mode() & 0o022 != 0;
    if about.uid() != trusted || others_may_write {
        return Err(untrusted());
    }
    // Open it relative to the folder that was checked, because its path may name another folder
    // now. `O_NONBLOCK` is for pipes, which would block.
    let file = openat(
        &folder,
        format!("vbd-{domain}-{id}").as_str(),
        OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC,
        Mode::empty(),
    );
    let file = File::from(file?);
    let about = file.metadata()?;
    let is_tapdisks = about.is_file() && about.uid() == trusted && about.len() <= LARGEST;
    is_tapdisks.then_some(file).ok_or_else(untrusted)
}

/// `struct stats` of blktap's drivers/tapdisk-metrics-stats.h, which is `struct vbd3_stats` in
/// Xen's libxenstat: a version and padding of 32 bits each, then counters of 64 bits. Version 2 has
/// four more counters, for discards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// `oo_reqs`.
    pub(super) out_of_slots: u64,
    pub(super) read: Direction,
    pub(super) write: Direction,
    /// `io_errors`.
    pub(super) errors: u64,
    /// `discard_reqs_completed`; `None` before version 2.
    pub(super) discards: Option<u64>,
}

/// The counters of one direction, without the `reqs_submitted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Direction {
    /// `reqs_completed`.
    pub(super) completed: u64,
    /// Units of 512 bytes.
    pub(super) sectors: u64,
    /// Microseconds (`total_ticks`, from `timeval_to_us` in drivers/td-req.c).
    pub(super) ticks: u64,
}

impl Record {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let length = match u32::from_ne_bytes(*bytes.first_chunk()?) {
            1 => 96,
            2 => LONGEST,
            _ => return None,
        };
        let (counters, []) = bytes.get(8..length)?.as_chunks() else {
            return None;
        };
        let [
            out_of_slots,
            _reads_submitted,
            reads_completed,
            sectors_read,
            read_ticks,
            _writes_submitted,
            writes_completed,
            sectors_written,
            write_ticks,
            errors,
            _flags,
            of_version_2 @ ..,
        ] = counters
        else {
            return None;
        };
        let value = |counter: &[u8; 8]| u64::from_ne_bytes(*counter);
        let direction = |completed, sectors, ticks| Direction {
            completed: value(completed),
            sectors: value(sectors),
            ticks: value(ticks),
        };
        let discards = match of_version_2 {
            [_discards_submitted, completed, ..] => Some(value(completed)),
            _ => None,
        };
        Some(Self {
            out_of_slots: value(out_of_slots),
            read: direction(reads_completed, sectors_read, read_ticks),
            write: direction(writes_completed, sectors_written, write_ticks),
            errors: value(errors),
            discards,
        })
    }
}

impl Record {
    fn counters(self) -> Counters<DiskCounter> {
        enum_map! {
            DiskCounter::ReadRequests => Some(self.read.completed),
            DiskCounter::WriteRequests => Some(self.write.completed),
            DiskCounter::ReadBytes => vbd::bytes(self.read.sectors),
            DiskCounter::WriteBytes => vbd::bytes(self.write.sectors),
            DiskCounter::FlushRequests => None,
            DiskCounter::DiscardRequests => self.discards,
            DiskCounter::OutOfSlots => Some(self.out_of_slots),
            DiskCounter::Errors => Some(self.errors),
            DiskCounter::ReadTime => self.read.time_ns(),
            DiskCounter::WriteTime => self.write.time_ns(),
        }
    }
}

impl Direction {
    /// Returns the time in nanoseconds; `None` if the tapdisk does not measure it. A tapdisk counts
    /// ticks only if it could set up its other statistics, `/dev/shm/vbd3-DOM-DEV`.
    pub(super) fn time_ns(self) -> Option<u64> {
        if self.ticks == 0 && self.completed > 0 {
            return None;
        }
        self.ticks.checked_mul(1_000)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use nix::unistd::{Uid, mkfifo};
    use proptest::prelude::*;

    use super::*;
    use crate::dom0::fake_sysfs::FakeSysfs;
    use crate::snapshot::Collect;
    use crate::snapshot::{DiskBackend, Stamp};

    const FOLDER: &str = "shm/td3-77";
    const FILE: &str = "shm/td3-77/vbd-5-51712";

    /// Returns the content of a tapdisk's file, one page.
    fn page(version: u32, counters: &[u64]) -> Vec<u8> {
        let mut bytes = version.to_ne_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(counters.iter().flat_map(|counter| counter.to_ne_bytes()));
        bytes.resize(4096, 0);
        bytes
    }

    fn version_1() -> Vec<u8> {
        page(1, &[1, 12, 11, 16, 3000, 22, 21, 32, 4000, 5, 0])
    }

    /// Returns a tree in which process 77 runs and has `file` as its statistics.
    fn with(file: &[u8]) -> FakeSysfs {
        let tree = FakeSysfs::new();
        tree.folder("proc/77");
        tree.write(FILE, file);
        secure(&tree, FOLDER, 0o700);
        tree
    }

    fn secure(tree: &FakeSysfs, folder: &str, mode: u32) {
        fs::set_permissions(tree.path().join(folder), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn blank(process: Option<u32>) -> Disk {
        let stamp = Stamp {
            at_ns: 0,
            uncertainty_ns: 0,
        };
        Disk {
            process,
            ..Disk::without_counters(51712, "xvda".into(), DiskBackend::Tapdisk, stamp)
        }
    }

    fn read_as(tree: &FakeSysfs, trusted: u32) -> Disk {
        let mut disk = blank(Some(77));
        fill_in_from(&tree.roots, DomId(5), &mut disk, trusted);
        disk
    }

    /// Reads the disk, with the user who runs the tests as the trusted one.
    fn read(tree: &FakeSysfs) -> Disk {
        read_as(tree, Uid::current().as_raw())
    }

    fn is_known(disk: &Disk) -> bool {
        let nothing = Disk {
            stamp: disk.stamp,
            ..blank(disk.process)
        };
        *disk != nothing
    }

    #[test]
    fn each_counter_is_read_from_its_offset() {
        let disk = read(&with(&version_1()));
        let expected = Disk {
            counters: enum_map! {
                DiskCounter::ReadRequests => Some(11),
                DiskCounter::WriteRequests => Some(21),
                DiskCounter::ReadBytes => Some(16 * 512),
                DiskCounter::WriteBytes => Some(32 * 512),
                DiskCounter::OutOfSlots => Some(1),
                DiskCounter::Errors => Some(5),
                DiskCounter::ReadTime => Some(3_000_000),
                DiskCounter::WriteTime => Some(4_000_000),
                DiskCounter::FlushRequests | DiskCounter::DiscardRequests => None,
            },
            stamp: disk.stamp,
            ..blank(Some(77))
        };
        assert_eq!(disk, expected);
        assert!(disk.stamp.at_ns > 0);
    }

    #[test]
    fn version_2_has_discards() {
        let file = page(
            2,
            &[1, 12, 11, 16, 3000, 22, 21, 32, 4000, 5, 0, 8, 7, 64, 9],
        );
        let disk = read(&with(&file));
        assert_eq!(
            (disk[DiskCounter::ReadRequests], disk[DiskCounter::Errors]),
            (Some(11), Some(5))
        );
        assert_eq!(disk[DiskCounter::DiscardRequests], Some(7));
        assert!(!is_known(&read(&with(&file[..120]))));
    }

    #[test]
    fn invalid_files_are_rejected() {
        assert!(is_known(&read(&with(&version_1()[..96]))));
        for file in [
            &[],
            &version_1()[..3],
            &version_1()[..95],
            &page(0, &[1; 11])[..],
            &page(3, &[1; 15]),
            &page(1 << 24, &[1; 11]),
            &[0xff; 4096],
            "read_reqs_completed 7\n".repeat(100).as_bytes(),
            &[version_1(), vec![0; 1 << 16]].concat(),
        ] {
            assert!(!is_known(&read(&with(file))), "{} bytes", file.len());
        }
    }

    #[test]
    fn an_invalid_counter_is_none() {
        let most = u64::MAX;
        // The reads overflow bytes and nanoseconds, and the writes have no ticks.
        let disk = read(&with(&page(1, &[0, 9, 9, most, most, 9, 9, 1, 0, 0, 0])));
        assert_eq!(
            (
                disk[DiskCounter::ReadRequests],
                disk[DiskCounter::WriteRequests]
            ),
            (Some(9), Some(9))
        );
        assert_eq!(
            (disk[DiskCounter::ReadBytes], disk[DiskCounter::WriteBytes]),
            (None, Some(512))
        );
        assert_eq!(
            (disk[DiskCounter::ReadTime], disk[DiskCounter::WriteTime]),
            (None, None)
        );
        // An unused disk has a time of 0.
        let disk = read(&with(&page(1, &[0; 11])));
        assert_eq!(
            (disk[DiskCounter::ReadTime], disk[DiskCounter::WriteTime]),
            (Some(0), Some(0))
        );
    }

    #[test]
    fn only_the_file_of_a_running_process_is_read() {
        let tree = with(&version_1());
        let mut disk = blank(None);
        fill_in_from(&tree.roots, DomId(5), &mut disk, Uid::current().as_raw());
        assert!(!is_known(&disk));
        for (domain, id) in [(6, 51712), (5, 51728)] {
            let mut disk = blank(Some(77));
            disk.id = id;
            fill_in_from(
                &tree.roots,
                DomId(domain),
                &mut disk,
                Uid::current().as_raw(),
            );
            assert_eq!(disk[DiskCounter::ReadRequests], None);
        }
        // The counters of an earlier sample are cleared if the process has died.
        let mut disk = read(&tree);
        assert!(is_known(&disk));
        tree.remove("proc/77");
        fill_in_from(&tree.roots, DomId(5), &mut disk, Uid::current().as_raw());
        assert!(!is_known(&disk));
    }

    #[test]
    fn only_the_trusted_users_files_are_read() {
        let tree = with(&version_1());
        let me = Uid::current().as_raw();
        assert!(!is_known(&read_as(&tree, me + 1)));
        for mode in [0o720, 0o702, 0o1777] {
            secure(&tree, FOLDER, mode);
            assert!(!is_known(&read(&tree)), "{mode:o}");
        }
        secure(&tree, FOLDER, 0o755);
        assert!(is_known(&read(&tree)));

        let mut disk = blank(Some(77));
        fill_in(&tree.roots, DomId(5), Collect::ALL.disk_counters, &mut disk);
        assert_eq!(is_known(&disk), me == ROOT);
    }

    #[test]
    fn folder_and_file_must_have_the_trusted_owner() {
        for path in [FOLDER, FILE] {
            let tree = with(&version_1());
            let other = Uid::current().as_raw() + 1;
            // Only root can change the owner.
            if chown(tree.path().join(path), Some(other), None).is_ok() {
                assert!(!is_known(&read(&tree)), "{path}");
            }
        }
    }

    #[test]
    fn no_symlink_is_followed() {
        let tree = with(&version_1());
        tree.write("shm/elsewhere", version_1());
        tree.remove(FILE);
        symlink(tree.path().join("shm/elsewhere"), tree.path().join(FILE)).unwrap();
        assert!(!is_known(&read(&tree)));

        let tree = with(&version_1());
        let (real, folder) = (tree.path().join("shm/real"), tree.path().join(FOLDER));
        fs::rename(&folder, &real).unwrap();
        symlink(&real, &folder).unwrap();
        assert!(folder.join("vbd-5-51712").exists());
        assert!(!is_known(&read(&tree)));
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let tree = with(&version_1());
        tree.remove(FILE);
        assert!(!is_known(&read(&tree)));
        tree.folder(FILE);
        assert!(!is_known(&read(&tree)));
        tree.remove(FILE);
        let pipe = tree.path().join(FILE);
        mkfifo(&pipe, Mode::from_bits_truncate(0o600)).unwrap();
        // A blocking open would never return, because nobody has opened the pipe for writing.
        assert!(!is_known(&read(&tree)));
        let mut both_ends = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        both_ends.write_all(&version_1()).unwrap();
        assert!(!is_known(&read(&tree)));
        tree.remove(FOLDER);
        tree.write(FOLDER, version_1());
        assert!(!is_known(&read(&tree)));
    }

    proptest! {
        #[test]
        fn records_round_trip(counters: [u64; 15]) {
            let one = Record::parse(&page(1, &counters)).unwrap();
            let two = Record::parse(&page(2, &counters)).unwrap();
            prop_assert_eq!((one.discards, two.discards), (None, Some(counters[12])));
            prop_assert_eq!(one, Record { discards: None, ..two });
            prop_assert_eq!((one.out_of_slots, one.errors), (counters[0], counters[9]));
            let Direction { completed, sectors, ticks } = one.read;
            prop_assert_eq!([completed, sectors, ticks], &counters[2..5]);
            let Direction { completed, sectors, ticks } = one.write;
            prop_assert_eq!([completed, sectors, ticks], &counters[6..9]);
        }
    }
}
