//! Numbers as the kernel prints them, and files that hold one.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use enum_map::{EnumArray, EnumMap};

use super::cached_file::{CachedFile, FdBudget};
use crate::snapshot::Counters;

/// More than `u64::MAX` and its newline take. A longer file is no counter, and not read further.
const LONGEST: usize = 32;

/// The files of a device, one for each of its counters.
pub(super) type Files<C> = EnumMap<C, CachedFile>;

/// The counters of a device, each from the file below `folder` that `name` says; `None` for a counter
/// without a file, where the file is gone, or where it holds anything but one whole number and its
/// newline. With them comes the first reason that is another than that there is no such file.
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
    let counters = Counters::from_iter(
        files
            .iter_mut()
            .map(|(counter, file)| (counter, name(counter).and_then(|name| read(file, name)))),
    );
    (counters, fault)
}

/// As much of a file as fits into `buffer`; `None` when it cannot be read.
///
/// One call of `read` is enough: sysfs and procfs hand out all they have, up to its length.
pub(super) fn start_of<'b>(path: &Path, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = File::open(path).ok()?.read(buffer).ok()?;
    buffer.get(..length)
}

/// A number in decimal digits; `None` for anything else, a sign included.
pub(super) fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    // `from_str` alone would take `+1`.
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// The newline tells a whole number from one that was cut short.
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
    fn a_counter_is_one_whole_number_and_a_newline() {
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
    fn a_file_is_read_no_further_than_a_counter_can_go() {
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
        // 1 TiB that takes no room on the disk; it would take minutes to read.
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
