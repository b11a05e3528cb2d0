//! Numbers as the kernel prints them, and files that contain one.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use enum_map::{EnumArray, EnumMap};

use super::cached_file::{CachedFile, FdBudget};
use crate::snapshot::Counters;

/// More bytes than `u64::MAX` and a newline need. A longer file is not a counter, and its rest is
/// not read.
const LONGEST: usize = 32;

/// The files of a device, one for each of its counters.
pub(super) type Files<C> = EnumMap<C, CachedFile>;

/// Reads the counters of a device, each from the file `name` in `folder`. A counter is `None` if it
/// has no name, if the file is missing, or if the file contains anything but one number and a
/// newline. Also returns the first error, except that a file is missing. Closes the files without
/// a name.
pub(super) fn read_all<C>(
    files: &mut Files<C>,
    name: impl Fn(C) -> Option<&'static str>,
    budget: &FdBudget,
    folder: impl Fn() -> PathBuf,
) -> (Counters<C>, Option<io::Error>)
where
    C: EnumArray<CachedFile> + EnumArray<Option<u64>> + Copy,
{
    let mut buffer = [0; LONGEST];
    let mut fault = None;
    let mut read = |file: &mut CachedFile, name| {
        let text = file.read(&mut buffer, budget, || folder().join(name));
        match text.and_then(|text| counter(text).ok_or_else(|| io::Error::other("not a number"))) {
            Ok(number) => Some(number),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                fault.get_or_insert_with(|| io::Error::other(format!("{name}: {error}")));
                None
            }
        }
    };
    let mut counters = Counters::default();
    for (counter, file) in files {
        match name(counter) {
            Some(name) => counters[counter] = read(file, name),
            None => *file = CachedFile::default(),
        }
    }
    (counters, fault)
}

/// Reads as much of a file as fits into `buffer`; `None` if it can't be read.
///
/// One call of `read` is enough, because sysfs and procfs return as much as fits.
pub(super) fn start_of<'b>(path: &Path, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = File::open(path).ok()?.read(buffer).ok()?;
    buffer.get(..length)
}

/// Parses a number in decimal digits; `None` for anything else, including a sign.
pub(super) fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    // `from_str` accepts `+1`.
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// Parses a number and its newline. Without the newline, the number may be incomplete.
pub(super) fn counter(text: &[u8]) -> Option<u64> {
    number(text.strip_suffix(b"\n")?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::NicCounter;

    #[test]
    fn a_counter_is_a_number_and_a_newline() {
        assert_eq!(counter(b"0\n"), Some(0));
        assert_eq!(counter(b"18446744073709551615\n"), Some(u64::MAX));
        for text in [
            "",
            "\n",
            "12",
            "-1\n",
            "+1\n",
            " 1\n",
            "1 \n",
            "1\n\n",
            "1 2\n",
            "1.5\n",
            "0x10\n",
            "12a\n",
            "18446744073709551616\n",
            "99999999999999999999999999999\n",
        ] {
            assert_eq!(counter(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_long_file_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rx_bytes");
        let read = |name| {
            let budget = FdBudget::default();
            let named = |counter| (counter == NicCounter::RxBytes).then_some(name);
            let (counters, _) = read_all(&mut Files::default(), named, &budget, || {
                folder.path().to_owned()
            });
            counters[NicCounter::RxBytes]
        };
        assert_eq!(read("rx_bytes"), None);
        assert_eq!(read("."), None);
        fs::write(&path, "42\n").unwrap();
        assert_eq!(read("rx_bytes"), Some(42));
        fs::write(&path, format!("{:0>200}\n", 42)).unwrap();
        assert_eq!(read("rx_bytes"), None);
        // This sparse file has 1 TiB, which would take minutes to read.
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read("rx_bytes"), None);
    }

    proptest! {
        #[test]
        fn every_counter_comes_back(expected: u64) {
            prop_assert_eq!(counter(format!("{expected}\n").as_bytes()), Some(expected));
        }

        #[test]
        fn half_a_counter_is_none(whole: u64, cut in 0_usize..20) {
            let text = format!("{whole}\n");
            let cut = cut.min(text.len() - 1);
            prop_assert_eq!(counter(&text.as_bytes()[..cut]), None);
        }
    }
}
