//! The axis of a panel's figures.

/// How figures are written, by Grafana's names of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number.
    Plain,
    /// `percentunit`: a share of 1.
    Share,
    /// `bytes`: powers of 1024.
    Bytes,
    /// `Bps`: bytes a second, in powers of 1000.
    BytesPerSecond,
    /// `s`
    Seconds,
    /// `pps` and `reqps`.
    PerSecond,
}

impl Unit {
    /// Returns the unit with this name; a plain number if it is another one.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "percentunit" => Self::Share,
            "bytes" => Self::Bytes,
            "Bps" => Self::BytesPerSecond,
            "s" => Self::Seconds,
            "pps" | "reqps" => Self::PerSecond,
            _ => Self::Plain,
        }
    }

    /// Formats a figure.
    pub(super) fn text(self, value: f64) -> String {
        if value == 0.0 {
            return "0".into();
        }
        match self {
            Self::Plain => short(value),
            Self::Share => format!("{} %", short(value * 100.0)),
            Self::Bytes => scaled(value, 1024.0, ["B", "KiB", "MiB", "GiB", "TiB"]),
            Self::BytesPerSecond => scaled(value, 1000.0, ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"]),
            Self::Seconds if value < 0.000_999 => format!("{} µs", short(value * 1e6)),
            Self::Seconds if value < 0.999 => format!("{} ms", short(value * 1e3)),
            Self::Seconds => format!("{} s", short(value)),
            Self::PerSecond => format!("{}/s", short(value)),
        }
    }

    /// Returns what figures are divided by, so that round ones are round as text.
    fn base(self, highest: f64) -> f64 {
        match self {
            Self::Bytes if highest >= 1.0 => 1024_f64.powf(highest.log(1024.0).floor()),
            _ => 1.0,
        }
    }
}

/// Formats a number with three digits at most after the point, and no zeros at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn scaled(value: f64, base: f64, units: [&str; 5]) -> String {
    let mut value = value;
    let mut units = units.into_iter().peekable();
    while let Some(unit) = units.next() {
        if value < base * 0.999_9 || units.peek().is_none() {
            return format!("{} {unit}", short(value));
        }
        value /= base;
    }
    short(value)
}

/// Returns where an axis from 0 has lines: two to five round numbers above 0, the last one at least `highest`.
pub(super) fn ticks(highest: f64, unit: Unit) -> Vec<f64> {
    if highest <= 0.0 {
        return vec![0.0, 1.0];
    }
    let base = unit.base(highest);
    let highest = highest / base;
    let power = 10_f64.powf((highest / 4.0).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| highest / step <= 4.0);
    let step = step.unwrap_or(highest);
    let count = (highest / step).ceil() as u32;
    (0..=count)
        .map(|number| f64::from(number) * step * base)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_units() {
        for (unit, value, expected) in [
            ("none", 2.5, "2.5"),
            ("none", 3.0, "3"),
            ("percentunit", 0.25, "25 %"),
            ("bytes", 1.5 * 1024.0 * 1024.0 * 1024.0, "1.5 GiB"),
            ("bytes", 0.0, "0"),
            ("Bps", 12_000.0, "12 kB/s"),
            ("s", 0.25, "250 ms"),
            ("s", 0.000_02, "20 µs"),
            ("s", 2.0, "2 s"),
            ("pps", 0.5, "0.5/s"),
        ] {
            assert_eq!(Unit::of(unit).text(value), expected);
        }
    }

    #[test]
    fn ticks_are_round_and_reach_the_highest() {
        let texts = |highest, unit: Unit| {
            let ticks = ticks(highest, unit);
            ticks
                .into_iter()
                .map(|tick| unit.text(tick))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(0.93, Unit::Share),
            ["0", "25 %", "50 %", "75 %", "100 %"]
        );
        assert_eq!(texts(7.0, Unit::Plain), ["0", "2", "4", "6", "8"]);
        let gibibytes = 3.0 * 1024.0 * 1024.0 * 1024.0;
        assert_eq!(
            texts(gibibytes, Unit::Bytes),
            ["0", "1 GiB", "2 GiB", "3 GiB"]
        );
        assert_eq!(texts(0.0, Unit::Plain), ["0", "1"]);
        for highest in [1e-9, 0.3, 1.0, 99.0, 1e9, 7e15] {
            for unit in [Unit::Plain, Unit::Bytes] {
                let ticks = ticks(highest, unit);
                let last = ticks.last().copied().unwrap_or_default();
                assert!((3..=6).contains(&ticks.len()), "{ticks:?}");
                assert!(
                    last >= highest * 0.999_999 && last < highest * 2.1,
                    "{ticks:?}"
                );
            }
        }
    }
}
