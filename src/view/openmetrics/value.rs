//! The values of samples, in the base units.

use crate::fields::{Unit, Value};

/// Returns the name of the base unit that metrics with this unit have; empty without a unit.
pub(super) fn base_unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes | Unit::BytesPerSecond => "bytes",
        Unit::Nanoseconds => "seconds",
        Unit::Percent => "ratio",
        Unit::Kilohertz => "hertz",
        Unit::None | Unit::Number | Unit::Count | Unit::PerSecond => "",
    }
}

/// Writes a value in the base unit of `unit`, exactly. Returns `false` and writes nothing if it is unknown or
/// no number.
pub(super) fn write(out: &mut String, value: Value<'_>, unit: Unit) -> bool {
    match (value, unit) {
        (Value::Unlimited, _) => out.push_str("+Inf"),
        (Value::Bool(yes), _) => out.push(if yes { '1' } else { '0' }),
        (Value::Count(ns), Unit::Nanoseconds) => decimal(out, ns, 9),
        (Value::Count(percent), Unit::Percent) => decimal(out, percent, 2),
        (Value::Count(khz), Unit::Kilohertz) => whole(out, u128::from(khz) * 1000),
        (Value::Count(count), _) => whole(out, count),
        _ => return false,
    }
    true
}

/// Writes a whole number. A scrape has thousands, and this is much faster than `write!`.
fn whole(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Writes `count` / 10^`places`.
fn decimal(out: &mut String, count: u64, places: usize) {
    let one = 10_u64.pow(places as u32);
    whole(out, count / one);
    let rest = count % one;
    if rest > 0 {
        // The leading 1 keeps the zeros after the point.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(one + rest).trim_end_matches('0');
        out.push('.');
        out.push_str(&digits[1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_and_in_base_units() {
        let number = |value, unit| {
            let mut out = String::new();
            let is_number = write(&mut out, value, unit);
            assert_eq!(is_number, !out.is_empty());
            out
        };
        let ns = |ns: u64| number(ns.into(), Unit::Nanoseconds);
        assert_eq!(ns(0), "0");
        assert_eq!(ns(1), "0.000000001");
        assert_eq!(ns(1_500_000_000), "1.5");
        assert_eq!(ns(u64::MAX), "18446744073.709551615");
        assert_eq!(number(Value::Count(50), Unit::Percent), "0.5");
        assert_eq!(
            number(Value::Count(2_000_001), Unit::Kilohertz),
            "2000001000"
        );
        assert_eq!(number(u64::MAX.into(), Unit::Bytes), u64::MAX.to_string());
        assert_eq!(number(Value::Unlimited, Unit::Bytes), "+Inf");
        assert_eq!(number(Value::Bool(true), Unit::None), "1");
        assert_eq!(number(Value::Unknown, Unit::Bytes), "");
    }
}
