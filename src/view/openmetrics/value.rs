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

/// Formats a value in the base unit of `unit`; `None` if it is unknown or no number.
pub(super) fn number(value: Value<'_>, unit: Unit) -> Option<String> {
    Some(match (value, unit) {
        (Value::Unlimited, _) => "+Inf".to_owned(),
        (Value::Bool(yes), _) => u8::from(yes).to_string(),
        (Value::Count(ns), Unit::Nanoseconds) => decimal(ns, 9),
        (Value::Count(percent), Unit::Percent) => decimal(percent, 2),
        (Value::Count(khz), Unit::Kilohertz) => (u128::from(khz) * 1000).to_string(),
        (Value::Count(count), _) => itoa::Buffer::new().format(count).to_owned(),
        _ => return None,
    })
}

/// Formats `count` / 10^`places` exactly.
fn decimal(count: u64, places: usize) -> String {
    let one = 10_u64.pow(places as u32);
    let (whole, rest) = (count / one, count % one);
    match rest {
        0 => whole.to_string(),
        _ => {
            let digits = format!("{whole}.{rest:0places$}");
            digits.trim_end_matches('0').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_and_in_base_units() {
        let number = |value, unit| number(value, unit).unwrap_or_default();
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
