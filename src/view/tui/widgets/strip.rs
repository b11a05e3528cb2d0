//! The strip below the header: the host's CPU use over the hour around a sample of the past, and where that is.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use crate::feed::Use;
use crate::text::columns;
use crate::view::tui::context::Context;
use crate::view::tui::glyphs::history;
use crate::view::tui::pen::Pen;
use crate::view::tui::strip::column_s;
use crate::view::tui::theme::Role;

/// The number of columns before those of the hour.
const BEFORE: usize = "CPU 13:00 ".len();

/// Returns how many lines the strip has.
pub(super) fn height(context: Context<'_>) -> u16 {
    let has_room = column_s(context.screen).is_some();
    u16::from(context.strip.is_some() && has_room && context.draws())
}

/// Draws the strip in the first line of the area.
pub(super) fn draw(context: Context<'_>, buffer: &mut Buffer) {
    let pen = Pen::new(buffer, context.area, 0);
    let Some((strip, mut pen)) = context.strip.zip(pen) else {
        return;
    };
    let unicode = context.terminal.unicode;
    let cells: String = strip.uses.iter().map(|&one| glyph(one, unicode)).collect();
    let calm = context.style(Role::Calm);
    pen.put("CPU ", context.style(Role::Accent));
    pen.say(&context.local(strip.begin, "%H:%M "))
        .put(&cells, calm);
    pen.say(&context.local(strip.end, " %H:%M"));
    let zone = context.local(strip.end, " %Z");
    if columns(&zone) <= pen.room() {
        pen.say(&zone);
    }
    let shown = context.sample.map(|sample| sample.snapshot.time);
    let place = shown.and_then(|time| strip.column(time));
    if let (Some(place), Some(mut pen)) = (place, Pen::new(buffer, context.area, 0)) {
        let mark = if unicode { "│" } else { "|" };
        let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        pen.skip(BEFORE + place).put(mark, style);
    }
}

fn glyph(one: Use, unicode: bool) -> String {
    match one {
        Use::Unread => "?".to_owned(),
        Use::Unknown => " ".to_owned(),
        Use::Percent(percent) => history(std::iter::once(Some(percent)), 100.0, unicode),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::tz::{Offset, TimeZone};
    use jiff::{SignedDuration, Timestamp};
    use ratatui::layout::Position;

    use super::*;
    use crate::feed::{Feed, Hour, Recorded};
    use crate::fixtures::{SECOND, boot, domain, snapshot};
    use crate::snapshot::Snapshot;
    use crate::view::tui::testing::{app, cells, lines, take, watching};
    use crate::view::tui::{App, Settings};

    /// Returns a recording of two hours from 11:30 to 13:30 UTC, without ten minutes from 12:10 on, and with a reboot at
    /// 12:40. The host was idle in the first half of each ten minutes, and busy in the second.
    fn recorded() -> Recorded {
        let begin: Timestamp = "2026-11-28T11:30:00Z".parse().unwrap();
        let seconds = (0..=7200)
            .step_by(10)
            .filter(|at| !(2400..3000).contains(at));
        let samples = seconds.map(|second| {
            let idle_s = second / 600 * 300 + (second % 600).min(300);
            let ns = (second as u64 + 1) * SECOND;
            Snapshot {
                time: begin + SignedDuration::from_secs(second),
                boot: boot(u128::from(second >= 4200)),
                ..snapshot(
                    ns,
                    idle_s as u64 * SECOND,
                    vec![domain(0, "Domain-0", ns, 0)],
                )
            }
        });
        Recorded::new(samples.collect())
    }

    /// Shows this time of the recording on a screen of this size, and returns the strip.
    fn at(time: &str, app: &mut App, screen: (u16, u16)) -> String {
        let mut feed = recorded();
        let pair = feed.go_to(time.parse().unwrap()).unwrap().unwrap();
        app.jump(&[pair]);
        lines(app, screen.0, screen.1);
        let mut hour = Hour::default();
        hour.move_to(
            app.shown_time().unwrap(),
            app.hour_column_s().unwrap(),
            &mut feed,
        );
        while hour.read(&mut feed) {}
        app.show_hour(&hour);
        strip(app, screen)
    }

    fn strip(app: &mut App, (width, height): (u16, u16)) -> String {
        let header = if height < 30 { 4 } else { 6 };
        lines(app, width, height)[header].clone()
    }

    #[test]
    fn the_strip_shows_the_hour_around_the_time() {
        let mut app = app(Settings::default()).with_zone(TimeZone::fixed(Offset::constant(1)));
        let hour =
            "CPU 13:00 ▁▁▁▁▁█████          ▁▁▁▁▁█████│▁▁▁▁████ ▁▁▁▁▁█████▁▁▁▁▁█████ 14:00 +01";
        let shown = at("2026-11-28T12:30:00Z", &mut app, (80, 24));
        assert_eq!(shown, hour);
        // The header is of the same zone.
        let top = lines(&mut app, 80, 24)[0].clone();
        assert!(top.contains("2026-11-28 13:30:00 +01"), "{top}");
    }

    #[test]
    fn the_strip_is_there_in_the_past_only() {
        let mut app = watching(3).with_zone(TimeZone::fixed(Offset::constant(1)));
        assert!(!strip(&mut app, (80, 24)).starts_with("CPU "));
        at("2026-11-28T12:30:00Z", &mut app, (80, 24));
        take(&mut app, snapshot(SECOND, 0, Vec::new()));
        assert!(strip(&mut app, (80, 24)).starts_with("CPU 13:"));
        for (width, height) in [(45, 24), (80, 15)] {
            let screen = lines(&mut app, width, height).join("\n");
            assert!(!screen.contains("13:00 "), "{screen}");
        }
        app.show_newest();
        assert!(!strip(&mut app, (80, 24)).starts_with("CPU "));
    }

    #[test]
    fn a_wide_screen_has_more_columns() {
        let mut app = app(Settings::default()).with_zone(TimeZone::fixed(Offset::constant(1)));
        for (width, columns) in [(46, 30), (80, 60), (140, 120), (200, 180)] {
            let shown = at("2026-11-28T12:30:00Z", &mut app, (width, 40));
            let mark = shown.chars().position(|c| c == '│').unwrap();
            assert_eq!(mark, 10 + columns / 2, "{shown}");
            let cell = &cells(&mut app, width, 40)[Position::new(mark as u16, 6)];
            assert!(cell.modifier.contains(Modifier::REVERSED));
        }
    }
}
