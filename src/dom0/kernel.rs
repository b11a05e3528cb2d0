//! dom0's own CPU time, uptime and boot ID.

use nix::unistd::{SysconfVar, sysconf};
use uuid::Uuid;

use super::counter::{number, start_of};
use super::roots::Roots;
use crate::clock::stamped;
use crate::snapshot::Dom0Kernel;

/// More than the length of `/proc/uptime`.
const UPTIME: usize = 128;
/// More than the length of the first line of `/proc/stat`. The rest of the file, which can be 32 KiB, is not read.
const STAT: usize = 512;

/// The length of `boot_id`: a UUID in its usual form and a newline.
const BOOT_ID: usize = 37;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Reads dom0's own figures. A field is `None` if its file is missing or malformed.
pub(super) fn kernel(roots: &Roots) -> Dom0Kernel {
    let tick_ns = tick_ns();
    let mut uptime = [0; UPTIME];
    let uptime_ns = start_of(&roots.proc.join("uptime"), &mut uptime).and_then(uptime_ns);
    let mut stat = [0; STAT];
    let (stat, stamp) = stamped(|| start_of(&roots.proc.join("stat"), &mut stat));
    let ticks = stat.map(Ticks::parse).unwrap_or_default();
    let time_ns = |ticks: Option<u64>| ticks?.checked_mul(tick_ns?);
    Dom0Kernel {
        uptime_ns,
        cpu_time_ns: time_ns(ticks.busy),
        steal_time_ns: time_ns(ticks.steal),
        tick_ns,
        stamp,
    }
}

/// Reads the ID of dom0's boot (`/proc/sys/kernel/random/boot_id`).
pub(super) fn boot_id(roots: &Roots) -> Option<Uuid> {
    // A longer file does not hold a boot ID.
    let mut text = [0; BOOT_ID + 1];
    start_of(&roots.proc.join("sys/kernel/random/boot_id"), &mut text).and_then(parse_boot_id)
}

/// Parses a UUID in its usual form and a newline.
pub(super) fn parse_boot_id(text: &[u8]) -> Option<Uuid> {
    let text = text.strip_suffix(b"\n")?;
    // The other forms of a UUID have other lengths.
    (text.len() + 1 == BOOT_ID).then(|| Uuid::try_parse_ascii(text).ok())?
}

/// Returns the length of a tick; `None` if the C library does not have it.
fn tick_ns() -> Option<u64> {
    let hz = sysconf(SysconfVar::CLK_TCK).ok().flatten()?;
    NS_PER_SECOND.checked_div(u64::try_from(hz).ok()?)
}

/// Parses the first number of `/proc/uptime`: seconds, and hundredths with two digits.
pub(super) fn uptime_ns(text: &[u8]) -> Option<u64> {
    let space = text.iter().position(|&byte| byte == b' ')?;
    let (seconds, hundredths) = text.get(..space)?.split_last_chunk::<2>()?;
    let seconds: u64 = number(seconds.strip_suffix(b".")?)?;
    let hundredths: u64 = number(hundredths)?;
    let whole_ns = seconds.checked_mul(NS_PER_SECOND)?;
    whole_ns.checked_add(hundredths * (NS_PER_SECOND / 100))
}

/// The first line of `/proc/stat`, which is for all CPUs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    pub(super) busy: Option<u64>,
    pub(super) steal: Option<u64>,
}

impl Ticks {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self::of_line(text).unwrap_or_default()
    }

    /// Parses the first line; `None` if it is incomplete.
    fn of_line(text: &[u8]) -> Option<Self> {
        let end = text.iter().position(|&byte| byte == b'\n')?;
        let mut numbers = text
            .get(..end)?
            .strip_prefix(b"cpu ")?
            .split(|&b| b == b' ');
        // The name is padded to the width of `cpu0`, with one space more than between numbers.
        if !numbers.next()?.is_empty() {
            return None;
        }
        let mut next = || numbers.next().and_then(number::<u64>);
        let [user, nice, system, _idle, _iowait, irq, softirq, steal] =
            std::array::from_fn(|_| next());
        // `user` and `nice` include `guest` and `guest_nice`, which follow.
        let sum = |ticks: &[Option<u64>]| {
            let mut ticks = ticks.iter();
            ticks.try_fold(0_u64, |sum, &ticks| sum.checked_add(ticks?))
        };
        Some(Self {
            busy: sum(&[user, nice, system, irq, softirq]),
            steal,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dom0::fake_sysfs::FakeSysfs;

    const STAT: &str = "cpu  10 20 30 1000 2000 40 50 6 7 8\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n";

    fn with(uptime: &str, stat: &str) -> FakeSysfs {
        let tree = FakeSysfs::new();
        tree.write("proc/uptime", uptime);
        tree.write("proc/stat", stat);
        tree
    }

    #[test]
    fn busy_time_excludes_idle_iowait_and_steal() {
        let tree = with("12345.67 23456.78\n", STAT);
        let tick_ns = tick_ns();
        let read = kernel(&tree.roots);
        assert_eq!(
            read,
            Dom0Kernel {
                uptime_ns: Some(12_345_670_000_000),
                cpu_time_ns: tick_ns.map(|tick| 150 * tick),
                steal_time_ns: tick_ns.map(|tick| 6 * tick),
                tick_ns,
                stamp: read.stamp,
            }
        );
        assert!(read.stamp.at_ns > 0);
        // USER_HZ is 100 on every architecture that Xen runs on.
        assert_eq!(tick_ns, Some(10_000_000));
    }

    #[test]
    fn reads_this_kernel() {
        let live = kernel(&Roots::live());
        assert!(live.uptime_ns > Some(0), "{live:?}");
        assert!(live.cpu_time_ns > Some(0), "{live:?}");
        assert!(live.steal_time_ns.is_some(), "{live:?}");
    }

    #[test]
    fn only_a_plain_uuid_is_a_boot_id() {
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        let tree = FakeSysfs::new();
        let read = |text: &str| {
            tree.write("proc/sys/kernel/random/boot_id", text);
            boot_id(&tree.roots)
        };
        assert_eq!(read(&format!("{uuid}\n")), Uuid::try_parse(uuid).ok());
        for text in [
            "",
            "\n",
            uuid,
            &format!("{uuid}\n\n"),
            &format!("{uuid}0\n"),
            &format!("{}\n", uuid.replace('-', "")),
            &format!("{{{uuid}}}\n"),
            "01234567-89ab-cdef-0123-456789abcdeg\n",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(boot_id(&FakeSysfs::new().roots), None);
        assert!(boot_id(&Roots::live()).is_some());
    }

    #[test]
    fn missing_files_are_none() {
        let nothing = |tree: FakeSysfs| {
            let read = kernel(&tree.roots);
            let nothing = Dom0Kernel {
                tick_ns: tick_ns(),
                stamp: read.stamp,
                ..Dom0Kernel::default()
            };
            assert_eq!(read, nothing);
        };
        nothing(FakeSysfs::new());
        nothing(with("", ""));
        let long = "1".repeat(1 << 20);
        nothing(with(&long, &format!("cpu  {long}\n")));
    }

    #[test]
    fn uptime_has_seconds_and_hundredths() {
        assert_eq!(uptime_ns(b"0.00 0.00\n"), Some(0));
        assert_eq!(uptime_ns(b"1.09 0.00\n"), Some(1_090_000_000));
        for text in [
            "",
            " ",
            "1",
            "1.09",
            "1.0 0\n",
            "1.090 0\n",
            ".09 0\n",
            "-1.09 0\n",
            "1.-9 0\n",
            "1,09 0\n",
            "x.09 0\n",
            "18446744074.00 0\n",
            "99999999999999999999.00 0\n",
        ] {
            assert_eq!(uptime_ns(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn malformed_number_affects_only_its_sum() {
        let ticks = |text: &str| Ticks::parse(text.as_bytes());
        let both = |busy, steal| Ticks { busy, steal };
        assert_eq!(ticks(STAT), both(Some(150), Some(6)));
        assert_eq!(ticks("cpu  1 1 1 x 9 1 1 2\n"), both(Some(5), Some(2)));
        assert_eq!(ticks("cpu  1 1 1 9 9 1 1\n"), both(Some(5), None));
        assert_eq!(ticks("cpu  1 1 1 9 9 1 1 x\n"), both(Some(5), None));
        assert_eq!(ticks("cpu  1 -1 1 9 9 1 1 2\n"), both(None, Some(2)));
        let overflow = format!("cpu  {0} {0} 1 9 9 1 1 2\n", u64::MAX);
        assert_eq!(ticks(&overflow), both(None, Some(2)));
        for text in [
            "",
            "cpu",
            "cpu  1 1 1 9 9 1 1 2",
            "cpu0 1 1 1 9 9 1 1 2\n",
            "cpu 1 1 1 9 9 1 1 2 3\n",
            "intr 1\ncpu  1 1 1 9 9 1 1 2\n",
        ] {
            assert_eq!(ticks(text), Ticks::default(), "{text:?}");
        }
    }

    #[test]
    fn overflowing_times_are_none() {
        let busy = u64::MAX / 1000;
        let tree = with("1.00 1.00\n", &format!("cpu  {busy} 0 0 0 0 0 0 1\n"));
        let read = kernel(&tree.roots);
        assert_eq!(read.cpu_time_ns, None);
        assert_eq!(read.steal_time_ns, read.tick_ns);
    }

    proptest! {
        #[test]
        fn uptimes_are_parsed_back(seconds in 0..u64::from(u32::MAX), hundredths in 0..100_u64) {
            let text = format!("{seconds}.{hundredths:02} 1.00\n");
            let expected = seconds * 1_000_000_000 + hundredths * 10_000_000;
            prop_assert_eq!(uptime_ns(text.as_bytes()), Some(expected));
        }
    }
}
