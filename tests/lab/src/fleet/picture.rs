//! A dashboard as an SVG picture, with the figures that Prometheus answered.

use std::fmt::Write;

use super::answer::Series;
use super::axis::{Unit, ticks};
use super::dashboards::{Dashboard, Kind, Panel, Target};

/// The width of a panel in pixels, and the height of its chart.
const WIDTH: f64 = 452.0;
const CHART: f64 = 120.0;

/// The distance between panels, and from the edge of the picture.
const GAP: f64 = 12.0;

/// Where a chart begins within its panel.
const LEFT: f64 = 62.0;
const TOP: f64 = 34.0;

/// What is below a chart: its times, and each line of its legend.
const TIMES: f64 = 22.0;
const LINE: f64 = 16.0;

/// The colours of series, which differ in brightness as well, on a dark and on a light background.
const COLOURS: [&str; 8] = [
    "#4477aa", "#ee7733", "#228833", "#cc3377", "#aa8800", "#33a5c4", "#7755bb", "#888888",
];

/// The looks of the rest. Viewers choose by their own setting.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}.n{font-size:11px;fill:#57606a}\
.v{font-size:26px}.e{text-anchor:end}.m{text-anchor:middle}.b{fill:#f0f2f5}.p{fill:#fff;stroke:#d0d7de}\
.g{stroke:#d0d7de;fill:none}.l{fill:none;stroke-width:1.6;stroke-linejoin:round}\
@media(prefers-color-scheme:dark){text{fill:#d8dee6}.n{fill:#9aa4b0}.b{fill:#0d1117}.p{fill:#161b22;stroke:#30363d}\
.g{stroke:#30363d}}";

/// The time that a picture shows, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
    /// The seconds between two points. Where one is missing, a line has a gap.
    pub(super) step: f64,
}

/// Draws a dashboard. `answers` has the series of each target of each panel. `note` says where they are from.
pub(super) fn draw(
    dashboard: &Dashboard,
    answers: &[Vec<Vec<Series>>],
    span: Span,
    note: &str,
) -> String {
    let mut body = String::new();
    let mut top = 2.0 * GAP + LINE;
    for row in dashboard.panels.chunks(2).zip(answers.chunks(2)) {
        let mut height: f64 = 0.0;
        let mut drawn = Vec::new();
        for (panel, answers) in row.0.iter().zip(row.1) {
            let (inner, own) = panel_of(panel, answers, span);
            height = height.max(own);
            drawn.push((panel, inner));
        }
        for (column, (panel, inner)) in drawn.into_iter().enumerate() {
            let left = GAP + column as f64 * (WIDTH + GAP);
            let _ = writeln!(
                body,
                "<g transform=\"translate({left},{top})\">\
                 <rect class=\"p\" width=\"{WIDTH}\" height=\"{height}\" rx=\"4\"/>\
                 <text class=\"t\" x=\"12\" y=\"21\">{}</text>{inner}</g>",
                escaped(&panel.title)
            );
        }
        top += height + GAP;
    }
    let width = 3.0 * GAP + 2.0 * WIDTH;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{top}\" viewBox=\"0 0 {width} {top}\">\n\
         <style>{STYLE}</style>\n<rect class=\"b\" width=\"{width}\" height=\"{top}\" rx=\"6\"/>\n\
         <text class=\"t\" x=\"{GAP}\" y=\"24\">{}<tspan class=\"n\" font-weight=\"400\" dx=\"10\">{}</tspan></text>\n\
         {body}</svg>\n",
        escaped(&dashboard.title),
        escaped(note),
    )
}

/// Returns what is in a panel, and its height.
fn panel_of(panel: &Panel, answers: &[Vec<Series>], span: Span) -> (String, f64) {
    let mut all: Vec<(String, &Series)> = Vec::new();
    for (target, series) in panel.targets.iter().zip(answers) {
        all.extend(series.iter().map(|one| (legend(target, one), one)));
    }
    let unit = Unit::of(&panel.field_config.defaults.unit);
    match panel.kind {
        Kind::Stat => numbers(&all, unit),
        Kind::TimeSeries => lines(&all, unit, span),
    }
}

/// Returns the newest value of each series as a number.
fn numbers(all: &[(String, &Series)], unit: Unit) -> (String, f64) {
    let mut out = String::new();
    let (mut x, mut y) = (14.0, 62.0);
    for (name, series) in all {
        let value = series
            .points
            .last()
            .map_or("-".into(), |point| unit.text(point.1));
        let width = text_width(name).max(9.0 * value.chars().count() as f64) + 24.0;
        if x > 14.0 && x + width > WIDTH {
            (x, y) = (14.0, y + 56.0);
        }
        let _ = write!(
            out,
            "<text class=\"v\" x=\"{x}\" y=\"{y}\">{value}</text>\
             <text class=\"n\" x=\"{x}\" y=\"{}\">{}</text>",
            y + 18.0,
            escaped(name)
        );
        x += width;
    }
    (out, y + 34.0)
}

/// Returns a line over time for each series, with axes and a legend.
fn lines(all: &[(String, &Series)], unit: Unit, span: Span) -> (String, f64) {
    let mut out = String::new();
    let points = || all.iter().flat_map(|(_, series)| &series.points);
    let highest = points()
        .map(|point| point.1)
        .filter(|value| value.is_finite());
    let ticks = ticks(highest.fold(0.0, f64::max), unit);
    let top = ticks.last().copied().unwrap_or(1.0);
    let width = WIDTH - LEFT - 14.0;
    let x = |time: f64| LEFT + width * (time - span.from) / (span.to - span.from).max(1.0);
    let y = |value: f64| TOP + CHART * (1.0 - value / top);
    for tick in ticks {
        let at = y(tick);
        let _ = write!(
            out,
            "<path class=\"g\" d=\"M{LEFT} {at:.1}h{width}\"/>\
             <text class=\"n e\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            unit.text(tick)
        );
    }
    for second in times(span) {
        let _ = write!(
            out,
            "<text class=\"n m\" x=\"{:.1}\" y=\"{}\">{}:{:02}</text>",
            x(span.from + second as f64),
            TOP + CHART + 16.0,
            second / 60,
            second % 60
        );
    }
    for (number, (_, series)) in all.iter().enumerate() {
        let mut path = String::new();
        let mut last = f64::NEG_INFINITY;
        for &(time, value) in series.points.iter().filter(|point| point.1.is_finite()) {
            if time - last > 1.5 * span.step {
                // A point alone is a dot.
                let _ = write!(path, "M{:.1} {:.1}h.1", x(time), y(value));
            } else {
                let _ = write!(path, "L{:.1} {:.1}", x(time), y(value));
            }
            last = time;
        }
        let _ = write!(
            out,
            "<path class=\"l\" stroke=\"{}\" d=\"{path}\"/>",
            colour(number)
        );
    }
    let (mut left, mut line) = (14.0, TOP + CHART + TIMES + LINE);
    for (number, (name, _)) in all.iter().enumerate() {
        let width = text_width(name) + 30.0;
        if left > 14.0 && left + width > WIDTH {
            (left, line) = (14.0, line + LINE);
        }
        let _ = write!(
            out,
            "<path stroke=\"{}\" stroke-width=\"3\" d=\"M{left} {}h12\"/>\
             <text class=\"n\" x=\"{}\" y=\"{line}\">{}</text>",
            colour(number),
            line - 4.0,
            left + 16.0,
            escaped(name)
        );
        left += width;
    }
    (out, line + 10.0)
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// Returns the seconds that the axis of time names: six at most.
fn times(span: Span) -> impl Iterator<Item = u64> {
    let length = (span.to - span.from).max(1.0) as u64;
    let steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    let step = steps.into_iter().find(|step| length / step < 6);
    (0..=length).step_by(step.unwrap_or(length.div_ceil(6)) as usize)
}

/// Returns what a series is called: the legend of its target, with the values of its labels.
fn legend(target: &Target, series: &Series) -> String {
    let mut name = target.legend_format.clone();
    for (label, value) in &series.labels {
        name = name.replace(&format!("{{{{{label}}}}}"), value);
    }
    name
}

/// Returns about how wide a text of the legend is, in pixels.
fn text_width(text: &str) -> f64 {
    6.2 * text.chars().count() as f64
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::dashboards::Variables;

    #[test]
    fn a_panel_has_its_lines_and_their_names() -> anyhow::Result<()> {
        let variables = Variables {
            host: "h",
            guest: "g",
            window: "1m",
        };
        let dashboard = Dashboard::read("host", &variables)?;
        let series = Series {
            labels: [("node".to_owned(), "<3>".to_owned())].into(),
            points: vec![(100.0, 0.5), (105.0, 1.0), (110.0, f64::NAN), (115.0, 1.0)],
        };
        let answers: Vec<Vec<Vec<Series>>> = dashboard.panels.iter().map(|_| Vec::new()).collect();
        let span = Span {
            from: 100.0,
            to: 120.0,
            step: 5.0,
        };
        let empty = draw(&dashboard, &answers, span, "nothing");
        assert_eq!(empty.matches("class=\"l\"").count(), 0);
        let mut answers = answers;
        answers[0] = vec![vec![series]];
        let svg = draw(&dashboard, &answers, span, "one & two");
        assert!(
            svg.contains(">one &amp; two<") && svg.contains(">node &lt;3&gt;<"),
            "{svg}"
        );
        // From the half of the height to the top, and a gap.
        let path = "d=\"M62.0 94.0h.1L156.0 34.0M344.0 34.0h.1\"";
        assert!(svg.contains(path), "{svg}");
        assert!(svg.contains(">100 %<") && svg.contains(">0:20<"), "{svg}");
        for panel in &dashboard.panels {
            assert!(
                svg.contains(&format!(">{}<", escaped(&panel.title))),
                "{svg}"
            );
        }
        Ok(())
    }
}
