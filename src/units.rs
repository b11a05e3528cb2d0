//! Numbers with their units: short for narrow columns, long for tables with room.

use crate::fields::{Kind, Unit, Value};
use crate::rates::Rate;
use crate::text::{UNKNOWN, numbers, or_unknown, safe};

/// Formats a number of things with their name, such as `1 domain` or `3 domains`.
pub(crate) fn counted(count: usize, name: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

/// Formats bytes in at most five columns: `0`, `512B`, `1.5K`, `1023K`, `12.3G`.
pub(crate) fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["B", "K", "M", "G", "T", "P", "E"];
    if bytes <= 0.0 {
        return "0".to_owned();
    }
    let mut value = bytes;
    let mut unit = 0;
    // A value that would round to 1024 gets the next unit.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95 && unit > 0 || value < 9.95);
    format!("{value:.digits$}{}", UNITS[unit])
}

/// Formats a figure of this kind and unit as escaped text: numbers as short as [`bytes`] and
/// [`percent`], CPU time in seconds, other times in milliseconds; `-` if it is unknown.
pub(crate) fn compact(value: Value<'_>, kind: Kind, unit: Unit) -> String {
    match value {
        Value::Unknown => UNKNOWN.to_owned(),
        Value::Unlimited => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Count(count) => {
            number(count as f64, kind, unit).unwrap_or_else(|| count.to_string())
        }
        Value::Real(real) => number(real, kind, unit).unwrap_or_else(|| few(real)),
        Value::Text(text) => safe(text).into_owned(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Numbers(list) => numbers(list),
    }
}

/// Formats a number in its unit; `None` if it has no unit to show.
fn number(number: f64, kind: Kind, unit: Unit) -> Option<String> {
    match (unit, kind) {
        (Unit::Bytes | Unit::BytesPerSecond, _) => Some(bytes(number)),
        (Unit::Nanoseconds, Kind::Counter { .. }) => Some(format!("{:.0}", number / 1e9)),
        (Unit::Nanoseconds, _) => Some(format!("{:.1}ms", number / 1e6)),
        _ => None,
    }
}

/// Formats bytes per second like [`bytes`]; `-` for `None`.
pub(crate) fn rate(rate: Option<Rate>) -> String {
    or_unknown(rate, |rate| bytes(rate.value))
}

/// Formats events per second, in five columns below 100,000; `-` for `None`.
pub(crate) fn count(rate: Option<Rate>) -> String {
    or_unknown(rate, |rate| few(rate.value))
}

/// Formats a share in per cent without the sign, in five columns up to 99,999; `-` for `None`.
pub(crate) fn percent(share: Option<Rate>) -> String {
    or_unknown(share, |share| few(share.value))
}

/// Formats a number with one decimal if that takes at most five columns.
pub(crate) fn few(value: f64) -> String {
    let digits = usize::from(value < 999.95);
    format!("{value:.digits$}")
}

/// Formats bytes as MiB, for tables with room.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Formats bytes per second as KiB/s, for tables with room; `-` for `None`.
pub(crate) fn kib_per_second(bytes: Option<Rate>) -> String {
    or_unknown(bytes, |bytes| format!("{:.1} KiB/s", bytes.value / 1024.0))
}

/// Formats a rate with one decimal, without its unit; `-` for `None`.
pub(crate) fn tenths(rate: Option<Rate>) -> String {
    or_unknown(rate, |rate| format!("{:.1}", rate.value))
}

/// Formats nanoseconds as seconds, for tables with room.
pub(crate) fn seconds(ns: u64) -> String {
    format!("{:.1} s", ns as f64 / 1e9)
}

/// Formats nanoseconds with three digits and their unit.
pub(crate) fn nanoseconds(ns: f64) -> String {
    match ns {
        ..999_500.0 => format!("{:.0} us", ns / 1e3),
        ..9_995_000.0 => format!("{:.2} ms", ns / 1e6),
        ..99_950_000.0 => format!("{:.1} ms", ns / 1e6),
        ..999_500_000.0 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_get_a_unit_with_few_digits() {
        let kib = 1024.0;
        for (value, text) in [
            (0.0, "0"),
            (0.4, "0.4B"),
            (512.0, "512B"),
            (1023.4, "1023B"),
            (1023.6, "1.0K"),
            (1536.0, "1.5K"),
            (99.96 * kib, "100K"),
            (1023.0 * kib, "1023K"),
            (768.0 * kib * kib, "768M"),
            (12.34 * kib * kib * kib, "12.3G"),
        ] {
            assert_eq!(bytes(value), text, "{value}");
        }
    }

    proptest! {
        #[test]
        fn bytes_take_at_most_five_columns(count in any::<u64>()) {
            prop_assert!(bytes(count as f64).len() <= 5);
            prop_assert!(bytes(count as f64 / 1e6).len() <= 5);
        }

        #[test]
        fn shares_take_at_most_five_columns(share in 0.0..99_999.0) {
            prop_assert!(few(share).len() <= 5);
        }
    }

    #[test]
    fn nanoseconds_have_three_digits() {
        let texts = [
            1e3,
            999_499.0,
            999_501.0,
            9_994_999.0,
            12_345_678.0,
            0.2e9,
            1.5e9,
        ]
        .map(nanoseconds);
        let expected = [
            "1 us", "999 us", "1.00 ms", "9.99 ms", "12.3 ms", "200 ms", "1.50 s",
        ];
        assert_eq!(texts, expected);
    }
}
