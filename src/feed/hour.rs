//! The host's CPU use over an hour of a recording.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::recorded::Recorded;
use crate::rates::cpu_percent;
use crate::snapshot::PcpuTimes;

/// How many seconds there are in it.
const SECONDS: i64 = 3600;

/// The CPU use in a column of an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Use {
    /// It was not read yet.
    Unread,
    /// Nothing was recorded, or the host was booted.
    Unknown,
    /// In per cent of all pCPUs, in the mean.
    Percent(f32),
}

/// An hour in columns. It is read in steps, because a step takes as long as one to another sample. What was read is
/// kept, so that the next hour, which is mostly the same, takes few steps.
#[derive(Debug, Default)]
pub struct Hour {
    /// How long a column is.
    column_s: i64,
    /// The number of the first column, in columns since 1970.
    first: i64,
    /// Where columns begin, by their numbers.
    borders: BTreeMap<i64, Border>,
    /// The times of the first and the last sample.
    span: Option<(Timestamp, Timestamp)>,
}

/// The samples between which a column begins.
#[derive(Debug)]
struct Border {
    /// The number of the last sample up to there.
    number: usize,
    before: Option<PcpuTimes>,
    after: Option<PcpuTimes>,
}

impl Border {
    /// Returns the time from the one to the other, in the same boot; `None` if one is missing.
    fn between(&self) -> Option<SignedDuration> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        let is_same = before.boot.is_same(&after.boot);
        is_same.then(|| after.time.duration_since(before.time))
    }
}

impl Hour {
    /// Moves to the hour around a time: half of it is before and half after, unless there are samples on one side only.
    /// A column is this many seconds long. The feed has to be the same each time.
    pub fn move_to(&mut self, time: Timestamp, column_s: u32, feed: &mut Recorded) {
        let column_s = i64::from(column_s.max(1));
        if self.column_s != column_s {
            self.column_s = column_s;
            self.borders.clear();
        }
        if self.span.is_none() {
            self.span = feed.span();
        }
        let column = |time: Timestamp| time.as_second().div_euclid(column_s);
        self.first = column(time) - self.columns() / 2;
        if let Some((first, last)) = self.span {
            // A shorter recording ends where the hour does: what comes after it is not known.
            let begin = column(last) + 1 - self.columns();
            self.first = self.first.clamp(column(first).min(begin), begin);
        }
        // If the clock was set back, the time may be later than that of the last sample.
        let least = column(time) + 1 - self.columns();
        self.first = self.first.clamp(least, column(time));
        let near = self.first - self.columns()..=self.first + 2 * self.columns();
        self.borders.retain(|border, _| near.contains(border));
    }

    /// Forgets what was not recorded yet when it was read.
    pub fn read_new(&mut self) {
        self.span = None;
        self.borders.retain(|_, border| border.after.is_some());
    }

    /// Returns whether all was read.
    pub fn is_read(&self) -> bool {
        self.unread().is_none()
    }

    /// Returns the first border that was not read yet; `None` if all were.
    fn unread(&self) -> Option<i64> {
        let mut borders = self.first..=self.first + self.columns();
        borders.find(|border| !self.borders.contains_key(border))
    }

    /// Takes a step; returns `false` if all was read.
    pub fn read(&mut self, feed: &mut Recorded) -> bool {
        let Some(border) = self.unread() else {
            return false;
        };
        let number = feed.number_at(self.begin_of(border));
        let [before, after] = [number, number + 1].map(|number| feed.pcpu_times(number));
        let read = Border {
            number,
            before,
            after,
        };
        self.borders.insert(border, read);
        true
    }

    /// Returns when the first column begins.
    pub fn begin(&self) -> Timestamp {
        self.begin_of(self.first)
    }

    /// Returns when the last column ends.
    pub fn end(&self) -> Timestamp {
        self.begin_of(self.first + self.columns())
    }

    /// Returns the CPU use in each column.
    pub fn uses(&self) -> Vec<Use> {
        let steps = self.borders.values().filter_map(Border::between);
        let mut steps: Vec<SignedDuration> = steps.filter(|step| step.is_positive()).collect();
        steps.sort_unstable();
        let usual = steps.get(steps.len() / 2).copied();
        let longest = usual.unwrap_or_default().saturating_mul(2);
        let longest = longest.max(SignedDuration::from_secs(self.column_s));
        let columns = self.first..self.first + self.columns();
        columns.map(|column| self.of(column, longest)).collect()
    }

    /// Returns the use in a column. There is none over a time without samples that is longer than the longest step.
    fn of(&self, column: i64, longest: SignedDuration) -> Use {
        let [begin, end] = [column, column + 1].map(|border| self.borders.get(&border));
        let (Some(begin), Some(end)) = (begin, end) else {
            return Use::Unread;
        };
        let goes_on = begin.between().is_some_and(|step| step <= longest);
        let (from, to) = match (end.number > begin.number, goes_on) {
            (true, true) => (&begin.before, &end.before),
            (true, false) => (&begin.after, &end.before),
            // Samples are farther apart than columns are long.
            (false, true) => (&begin.before, &begin.after),
            (false, false) => return Use::Unknown,
        };
        // If the clock was set back, what is between two times may be long.
        let most = longest.saturating_mul(2) + SignedDuration::from_secs(self.column_s);
        let most_ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        let percent = from.as_ref().zip(to.as_ref()).filter(|(from, to)| {
            let passed = to.stamp.at_ns.checked_sub(from.stamp.at_ns);
            passed.is_some_and(|ns| ns <= most_ns)
        });
        let percent = percent.and_then(|(from, to)| cpu_percent(from, to));
        percent.map_or(Use::Unknown, |percent| Use::Percent(percent.value as f32))
    }

    fn columns(&self) -> i64 {
        SECONDS / self.column_s.max(1)
    }

    fn begin_of(&self, column: i64) -> Timestamp {
        Timestamp::from_second(column.saturating_mul(self.column_s)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::fixtures::{SECOND, boot, snapshot};
    use crate::snapshot::Snapshot;

    /// When the recording begins: not at a full hour.
    const BEGIN: i64 = 1_800_000_123;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(BEGIN + second).unwrap()
    }

    /// Returns the CPU use in a second: another one in each minute.
    fn percent(second: i64) -> i64 {
        (BEGIN + second).div_euclid(60) * 7 % 100
    }

    /// Returns a feed of samples at these seconds, the later ones after a reboot.
    fn recorded(seconds: impl Iterator<Item = i64>, reboot: i64) -> Recorded {
        let (mut idle_ns, mut passed) = (0, 0);
        let samples = seconds.map(|second| {
            for one in passed..second {
                idle_ns += (100 - percent(one)) as u64 * (SECOND / 100);
            }
            passed = second;
            let begin = if second < reboot { 0 } else { reboot };
            Snapshot {
                time: at(second),
                boot: boot(u128::from(second >= reboot)),
                ..snapshot((second - begin + 1) as u64 * SECOND, idle_ns, Vec::new())
            }
        });
        Recorded::new(samples.collect())
    }

    /// Returns the columns of the hour around a second, when all are read, and when the first begins.
    fn columns(
        hour: &mut Hour,
        second: i64,
        column_s: u32,
        feed: &mut Recorded,
    ) -> (i64, Vec<Use>) {
        hour.move_to(at(second), column_s, feed);
        while hour.read(feed) {}
        (hour.begin().as_second() - BEGIN, hour.uses())
    }

    fn known(uses: &[Use]) -> Vec<Option<i64>> {
        let known = uses.iter().map(|one| match one {
            Use::Percent(percent) => Some(percent.round() as i64),
            Use::Unknown => None,
            Use::Unread => panic!("it is read"),
        });
        known.collect()
    }

    #[test]
    fn a_column_has_the_use_of_its_time() {
        // Ten minutes without samples from second 3,000 on, and a reboot at 5,000.
        let seconds = || (0..10_000).filter(|second| !(3000..3600).contains(second));
        for step in [1, 5, 9] {
            let mut feed = recorded(seconds().step_by(step), 5000);
            for column_s in [20, 30, 60] {
                let mut hour = Hour::default();
                let (begin, uses) = columns(&mut hour, 4000, column_s, &mut feed);
                let (column_s, mut reboot) = (i64::from(column_s), Vec::new());
                assert!((4000 - 1800 - begin).abs() <= column_s, "{begin}");
                for (column, &known) in (0..).zip(&known(&uses)) {
                    let from = begin + column * column_s;
                    let to = from + column_s;
                    let has = |second| from < second + step as i64 && to > second;
                    if has(5000) {
                        reboot.push(known);
                        continue;
                    }
                    // A column in which samples end or begin may have one sample.
                    if has(3000) || has(3600) {
                        continue;
                    }
                    let wanted = (to <= 3000 || from >= 3600).then(|| percent(from));
                    // The sample up to its begin may be some seconds earlier, of another minute.
                    let most = 100 * (step as i64 - 1) / column_s;
                    let is_right = match wanted.zip(known) {
                        Some((wanted, known)) => (wanted - known).abs() <= most,
                        None => wanted == known,
                    };
                    assert!(is_right, "{step} {column_s} {from}: {known:?} {wanted:?}");
                }
                // With longer steps, a column may have samples of the new boot only.
                assert!(step > 1 || reboot.contains(&None), "{reboot:?}");
            }
        }
    }

    #[test]
    fn steps_that_are_longer_than_columns_are_no_pauses() {
        let mut feed = recorded((0..8000).step_by(50), i64::MAX);
        let (_, uses) = columns(&mut Hour::default(), 4000, 20, &mut feed);
        assert!(known(&uses).iter().all(Option::is_some), "{uses:?}");
    }

    #[test]
    fn the_hour_moves_along() {
        let mut feed = recorded((0..10_000).step_by(5), i64::MAX);
        let mut hour = Hour::default();
        columns(&mut hour, 5000, 60, &mut feed);
        for second in [5060, 5000, 4800] {
            hour.move_to(at(second), 60, &mut feed);
            let mut steps = 0;
            while hour.read(&mut feed) {
                steps += 1;
            }
            assert!(steps <= 4, "{second}: {steps}");
            let moved = (hour.begin().as_second() - BEGIN, hour.uses());
            assert_eq!(moved, columns(&mut Hour::default(), second, 60, &mut feed));
        }
        // Nothing is kept of what is far away.
        columns(&mut hour, 9999, 60, &mut feed);
        columns(&mut hour, 0, 60, &mut feed);
        assert!(hour.borders.len() <= 122, "{}", hour.borders.len());
    }

    #[test]
    fn an_hour_at_an_end_has_what_there_is() {
        let mut feed = recorded((0..10_000).step_by(5), i64::MAX);
        let mut hour = Hour::default();
        let (begin, uses) = columns(&mut hour, 0, 60, &mut feed);
        assert!((-60..=0).contains(&begin), "{begin}");
        assert!(known(&uses).iter().all(Option::is_some), "{uses:?}");
        let (begin, uses) = columns(&mut hour, 9995, 60, &mut feed);
        assert!((9995 - 3600..9995 - 3480).contains(&begin), "{begin}");
        assert!(known(&uses).iter().all(Option::is_some), "{uses:?}");
        // A recording of two minutes ends with the hour.
        let mut feed = recorded(0..120, i64::MAX);
        let (_, uses) = columns(&mut Hour::default(), 60, 60, &mut feed);
        let known = known(&uses);
        assert!(
            (2..=3).contains(&known.iter().flatten().count()),
            "{known:?}"
        );
        assert!(known[59].is_some() && known[..55].iter().all(Option::is_none));
        let mut none = Recorded::new(Vec::new());
        let (_, uses) = columns(&mut Hour::default(), 60, 60, &mut none);
        assert_eq!(uses, vec![Use::Unknown; 60]);
    }
}
