//! Times as people give them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};

/// Parses a time in the local zone: `03:00` (the last one), `yesterday 14:05`, `2026-11-28 03:00`, `-2h` (two hours
/// ago), or RFC 3339 such as `2026-11-28T03:00:00Z`.
///
/// # Errors
/// A sentence that says what to give instead.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text, &Zoned::now())
}

/// Parses a time as [`parse`] does, but `03:00` is of the day of another time, unless that is still to come.
///
/// # Errors
/// As for [`parse`].
pub fn near(text: &str, other: Timestamp) -> Result<Timestamp, String> {
    near_at(text, other, &Zoned::now())
}

fn near_at(text: &str, other: Timestamp, now: &Zoned) -> Result<Timestamp, String> {
    let day = other.to_zoned(now.time_zone().clone()).date();
    let on_day = clock(text.trim()).and_then(|time| in_zone(day, time, now));
    let on_day = on_day.filter(|time| *time <= now.timestamp());
    on_day.map_or_else(|| parse_at(text, now), Ok)
}

/// Formats a time in the local zone, with its offset from UTC.
pub fn local(time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::system());
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Formats how long something lasted, to the minute, such as `3 d 0 h 12 min`; in seconds if it is less than one.
pub fn lasted(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{} s", time.as_secs()),
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h {minutes} min"),
    }
}

fn parse_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let found = match text.starts_with('-') {
        true => ago(text, now),
        false => of_clock(text, now),
    };
    found.ok_or_else(|| "not a time; use for example 03:00, 'yesterday 14:05' or -2h".to_owned())
}

/// Returns the time that is this span before now.
fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    Some(now.checked_add(span).ok()?.timestamp())
}

/// Returns the time of a date, a word or a clock.
fn of_clock(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<DateTime>() {
        return in_zone(at.date(), at.time(), now);
    }
    let today = now.date();
    if let Some(time) = clock(text) {
        let last = in_zone(today, time, now)?;
        return match last <= now.timestamp() {
            true => Some(last),
            false => in_zone(today.checked_sub(1.day()).ok()?, time, now),
        };
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, "00:00"));
    let date = match word {
        "today" => today,
        "yesterday" => today.checked_sub(1.day()).ok()?,
        date => date.parse().ok()?,
    };
    in_zone(date, clock(rest.trim())?, now)
}

/// Parses the time of a day; its hour may have one digit.
fn clock(text: &str) -> Option<Time> {
    match text.find(':') {
        Some(1) => format!("0{text}").parse().ok(),
        _ => text.parse().ok(),
    }
}

/// Returns the time of a clock in the zone of now; `None` if that is out of range.
fn in_zone(date: Date, time: Time, now: &Zoned) -> Option<Timestamp> {
    let zoned = date.to_datetime(time).to_zoned(now.time_zone().clone());
    zoned.ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Returns a time in Berlin, as RFC 3339 in UTC.
    fn at(text: &str, now: &str) -> Option<String> {
        let now: Zoned = format!("{now}[Europe/Berlin]").parse().unwrap();
        parse_at(text, &now).ok().map(|time| time.to_string())
    }

    #[test]
    fn times_are_in_the_local_zone() {
        let now = "2026-11-28T12:00:00+01:00";
        for (text, time) in [
            ("03:00", "2026-11-28T02:00:00Z"),
            ("03:00:30", "2026-11-28T02:00:30Z"),
            ("3:00", "2026-11-28T02:00:00Z"),
            ("yesterday 3:00", "2026-11-27T02:00:00Z"),
            ("2026-11-20 3:00:30", "2026-11-20T02:00:30Z"),
            // It is noon.
            ("14:05", "2026-11-27T13:05:00Z"),
            ("today", "2026-11-27T23:00:00Z"),
            ("today 14:05", "2026-11-28T13:05:00Z"),
            ("yesterday", "2026-11-26T23:00:00Z"),
            ("yesterday 14:05", "2026-11-27T13:05:00Z"),
            ("-2h", "2026-11-28T09:00:00Z"),
            ("-1h30m", "2026-11-28T09:30:00Z"),
            ("-1d", "2026-11-27T11:00:00Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
            ("2026-11-20 03:00", "2026-11-20T02:00:00Z"),
            ("2026-11-20T03:00:00-05:00", "2026-11-20T08:00:00Z"),
            ("2026-11-20T03:00:00Z", "2026-11-20T03:00:00Z"),
        ] {
            assert_eq!(at(text, now).as_deref(), Some(time), "{text}");
        }
        for text in [
            "",
            "-",
            "noon",
            "25:00",
            ":00",
            "3:0",
            "é:00",
            "yesterday 25:00",
            "2026-13-01",
            "2h",
            "-2",
        ] {
            assert_eq!(at(text, now), None, "{text}");
        }
    }

    #[test]
    fn a_clock_alone_is_of_the_day_of_another_time() {
        let now: Zoned = "2026-11-28T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let shown = "2026-11-18T23:30:00Z".parse().unwrap();
        let near = |text| near_at(text, shown, &now).unwrap().to_string();
        assert_eq!(near("14:05"), "2026-11-19T13:05:00Z");
        assert_eq!(near("9:05"), "2026-11-19T08:05:00Z");
        // Today at 14:05 has not come.
        let today = "2026-11-28T01:00:00Z".parse().unwrap();
        let near_today = near_at("14:05", today, &now).unwrap();
        assert_eq!(near_today.to_string(), "2026-11-27T13:05:00Z");
        assert_eq!(near("yesterday 14:05"), "2026-11-27T13:05:00Z");
        assert_eq!(near("-2h"), "2026-11-28T09:00:00Z");
        assert!(near_at("noon", shown, &now).is_err());
    }

    #[test]
    fn daylight_saving_time_is_respected() {
        // Clocks went forward at 02:00.
        let now = "2026-03-29T12:00:00+02:00";
        assert_eq!(at("01:30", now).unwrap(), "2026-03-29T00:30:00Z");
        assert_eq!(at("02:30", now).unwrap(), "2026-03-29T01:30:00Z");
        assert_eq!(at("-1d", now).unwrap(), "2026-03-28T11:00:00Z");
        assert_eq!(at("-24h", now).unwrap(), "2026-03-28T10:00:00Z");
    }
}
