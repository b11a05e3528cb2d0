//! How much a recording keeps, as people give it.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::Span;

/// The smallest size of a recording: some minutes of a large host.
const SMALLEST: u64 = 16 << 20;

/// Parses an age, such as `90m`, `12h` or `7d`. A day has 24 hours.
///
/// # Errors
/// A sentence that says what to give instead.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let span = text.parse::<Span>().ok();
    let age = span.and_then(|span| {
        let relative = jiff::SpanRelativeTo::days_are_24_hours();
        SignedDuration::try_from(span)
            .or_else(|_| span.to_duration(relative))
            .ok()
    });
    age.and_then(|age| Duration::try_from(age).ok())
        .filter(|age| !age.is_zero())
        .ok_or_else(|| "not an age; use for example 90m, 12h or 7d".to_owned())
}

/// Parses a size: bytes, or a number with K, M, G or T, which are powers of 1024.
///
/// # Errors
/// A sentence that says what to give instead.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size; use for example 500M or 2G".to_owned();
    let unit = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let size = number.checked_mul(1 << shift).ok_or_else(wrong)?;
    match size {
        SMALLEST..=0x7fff_ffff_ffff_ffff => Ok(size),
        _ => Err("out of range; use at least 16M".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units() {
        let seconds = |text| age(text).map(|age| age.as_secs());
        assert_eq!(seconds("7d"), Ok(7 * 86_400));
        assert_eq!(seconds("1d 12h"), Ok(36 * 3600));
        assert_eq!(seconds("90m"), Ok(5400));
        for text in ["", "7", "0s", "-1d", "soon", "1y"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("1G"), Ok(1 << 30));
        assert_eq!(size("16777216"), Ok(16 << 20));
        for text in [
            "",
            "G",
            "1g",
            "15M",
            "-1G",
            "1.5G",
            "99999999999T",
            "20000000T",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
