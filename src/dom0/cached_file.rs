//! Files that stay open between samples.
//!
//! The kernel generates the content of a sysfs file whenever it is read from its beginning, so a
//! sample needs only one `pread`. If the device is gone, that fails with ENODEV, even if there is a
//! new file with the same name. An open file does not keep its device from going away.
//!
//! Each open file that has been read takes 4.6 kB of the kernel's memory (Linux 6.18): the page
//! that `seq_read_iter` allocates (fs/seq_file.c), and what `kernfs_fop_open` allocates
//! (fs/kernfs/file.c).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The most files to keep open, for which the kernel takes 75 MB: those of 2,300 disks, or of 900
/// domains with a NIC and a disk each if the counters of NICs do not come by netlink.
const MOST: u64 = 16 * 1024;

/// How many of the files that the process may open are left for other uses.
const RESERVE: u64 = 64;

/// Limits how many files are kept open.
#[derive(Debug, Default)]
pub(super) struct FdBudget {
    most: usize,
    /// Each file that is kept open has a reference to this.
    kept: Arc<()>,
}

impl FdBudget {
    /// Returns a budget for as many files as this process may have open, after raising its limit.
    pub(super) fn for_many() -> Self {
        Self::for_up_to(allowed().unwrap_or(0).saturating_sub(RESERVE) as usize)
    }

    pub(super) fn for_up_to(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// Returns how many files are kept open.
    pub(super) fn taken(&self) -> usize {
        Arc::strong_count(&self.kept) - 1
    }

    fn take(&self) -> Option<Arc<()>> {
        (self.taken() < self.most).then(|| self.kept.clone())
    }
}

/// Returns how many files this process may have open, after raising its limit as far as useful.
fn allowed() -> io::Result<u64> {
    let wanted = MOST + RESERVE;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(wanted);
    }
    let more = wanted.min(hard);
    Ok(match setrlimit(Resource::RLIMIT_NOFILE, more, hard) {
        Ok(()) => more,
        Err(_) => soft,
    })
}

/// A file that is kept open between samples if the budget allows it, or else opened for each.
#[derive(Debug, Default)]
pub(super) struct CachedFile(Option<(File, Arc<()>)>);

impl CachedFile {
    /// Reads as much of the file at `path` as fits `buffer`.
    ///
    /// One `pread` is enough: sysfs returns all it has, up to the buffer's length.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read<'b>(
        &mut self,
        buffer: &'b mut [u8],
        budget: &FdBudget,
        path: impl FnOnce() -> PathBuf,
    ) -> io::Result<&'b [u8]> {
        let length = match self.length_in_place(buffer) {
            Some(length) => length,
            None => {
                let file = File::open(path())?;
                let length = file.read_at(buffer, 0)?;
                self.0 = budget.take().map(|slot| (file, slot));
                length
            }
        };
        Ok(&buffer[..length])
    }

    /// Reads as much of the open file as fits `buffer`; `None` if it is not open, or cannot be read
    /// any more.
    pub(super) fn read_in_place<'b>(&mut self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let length = self.length_in_place(buffer)?;
        buffer.get(..length)
    }

    fn length_in_place(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let (file, _) = self.0.as_ref()?;
        let read = file.read_at(buffer, 0).ok();
        if read.is_none() {
            self.0 = None;
        }
        read
    }

    /// Opens the file at `path` for the next samples, if it exists and the budget allows it.
    pub(super) fn keep(&mut self, budget: &FdBudget, path: impl FnOnce() -> PathBuf) {
        self.0 = budget
            .take()
            .and_then(|slot| Some((File::open(path()).ok()?, slot)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::dom0::fake_sysfs::{FakeSysfs, VanishingFile};

    fn read(file: &mut CachedFile, path: &Path, budget: &FdBudget) -> Option<Vec<u8>> {
        let mut buffer = [0; 16];
        let bytes = file.read(&mut buffer, budget, || path.to_owned());
        bytes.ok().map(<[u8]>::to_vec)
    }

    #[test]
    fn file_is_opened_once_and_read_again() {
        let tree = FakeSysfs::new();
        let path = tree.path().join("counter");
        let (mut kept, budget) = (CachedFile::default(), FdBudget::for_up_to(1));
        assert_eq!(read(&mut kept, &path, &budget), None);
        fs::write(&path, "7\n").unwrap();
        assert_eq!(read(&mut kept, &path, &budget).unwrap(), b"7\n");
        fs::write(&path, "12345678901234567890\n").unwrap();
        assert_eq!(
            read(&mut kept, &path, &budget).unwrap(),
            b"1234567890123456"
        );
        // A removed file that is open can be read.
        fs::remove_file(&path).unwrap();
        assert_eq!(
            read(&mut kept, &path, &budget).unwrap(),
            b"1234567890123456"
        );
        assert_eq!(budget.taken(), 1);
        drop(kept);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn vanished_file_is_opened_again() {
        let tree = FakeSysfs::new();
        let path = tree.path().join("counter");
        let (mut kept, budget) = (CachedFile::default(), FdBudget::for_up_to(1));
        let file = VanishingFile::create(&path);
        assert_eq!(read(&mut kept, &path, &budget).unwrap(), b"0\n");
        file.vanish();
        assert_eq!(read(&mut kept, &path, &budget), None);
        assert_eq!(budget.taken(), 0);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "7\n").unwrap();
        assert_eq!(read(&mut kept, &path, &budget).unwrap(), b"7\n");
    }

    #[test]
    fn without_budget_files_are_closed() {
        let tree = FakeSysfs::new();
        let path = tree.path().join("counter");
        fs::write(&path, "7\n").unwrap();
        let budget = FdBudget::for_up_to(2);
        let mut files = [(); 5].map(|()| CachedFile::default());
        for _ in 0..2 {
            for file in &mut files {
                assert_eq!(read(file, &path, &budget).unwrap(), b"7\n");
                assert!(budget.taken() <= 2);
            }
        }
        assert_eq!(budget.taken(), 2);
    }

    #[test]
    fn limit_of_open_files_is_raised() {
        let budget = FdBudget::for_many();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(soft >= hard.min(MOST + RESERVE), "{soft} of {hard}");
        assert_eq!(budget.most as u64, MOST.min(soft - RESERVE));
    }
}
