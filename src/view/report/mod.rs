//! A report as one page of HTML, with its charts in it: no scripts, and nothing from a network.

mod chart;
#[cfg(test)]
mod tests;
mod ticks;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::chart::{Band, Frame, LABELS, Shade};
use self::ticks::ticks;
use super::{events, pressure};
use crate::audit::Verdict;
use crate::report::{Checked, Course, Figure, LeftOut, Report, Series, is_mark};
use crate::text::{UNKNOWN, or_unknown, safe};
use crate::units::bytes;

const STYLE: &str = include_str!("style.css");

/// How many domains have a band of their own.
const BANDS: usize = 8;

/// How many sufferers are listed.
const SUFFERERS: usize = 40;

/// How many reasons of a domain are listed: each of its disks and NICs may be one.
const TROUBLES: usize = 8;

/// How many gaps of the recording are listed.
const GAPS: usize = 8;

/// What a chart of bands is of.
struct Chart {
    figure: Figure,
    title: &'static str,
    /// Said if the figure is unknown all the time.
    without: &'static str,
    unit: fn(f64) -> String,
    /// How far labels are apart, for a highest value.
    step: fn(f64) -> f64,
}

const CHARTS: [Chart; 7] = [
    Chart {
        figure: Figure::Cpu,
        title: "CPU use, in per cent of a pCPU",
        without: "CPU use is unknown.",
        unit: percent,
        step: tens,
    },
    Chart {
        figure: Figure::Ready,
        title: "Waiting for a pCPU, in per cent of a pCPU",
        without: "Ready time was not recorded: xenscope record --ready does that.",
        unit: percent,
        step: tens,
    },
    Chart {
        figure: Figure::Memory,
        title: "Memory of domains",
        without: "Memory is unknown.",
        unit: bytes,
        step: twos,
    },
    Chart {
        figure: Figure::DiskRead,
        title: "Read from disks",
        without: "No domain has disks whose counters dom0 knows.",
        unit: per_second,
        step: twos,
    },
    Chart {
        figure: Figure::DiskWritten,
        title: "Written to disks",
        without: "No domain has disks whose counters dom0 knows.",
        unit: per_second,
        step: twos,
    },
    Chart {
        figure: Figure::Received,
        title: "Received by domains' NICs",
        without: "No domain has NICs whose counters dom0 knows.",
        unit: per_second,
        step: twos,
    },
    Chart {
        figure: Figure::Sent,
        title: "Sent by domains' NICs",
        without: "No domain has NICs whose counters dom0 knows.",
        unit: per_second,
        step: twos,
    },
];

/// Formats a report as a page, with times in this zone.
pub fn page(report: &Report, zone: &TimeZone) -> String {
    let axis = report.axis();
    let times = &Times(zone);
    let all_ticks = ticks(axis, zone);
    let marks = marks(report);
    let frame = &Frame {
        columns: axis.columns(),
        ticks: &all_ticks,
        marks: &marks,
    };
    let whom = whom(report);
    let of = whom
        .as_ref()
        .map_or_else(String::new, |whom| format!(" of {whom}"));
    let title = format!("xenscope report{of}, {}", times.whole(axis.begin()));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(report, times))
                (sufferers(report, times))
                @let mut colors = Colors::default();
                @for chart in &CHARTS { (bands(report, frame, chart, &mut colors)) }
                (pcpus(report, frame))
                (audit(report, frame, times))
                (happenings(report, times))
            }
        }
    };
    page.into_string()
}

/// Returns the domains that the report is restricted to, as they were asked for; `None` if it is about all.
fn whom(report: &Report) -> Option<String> {
    let wanted: Vec<String> = report.wanted().iter().map(ToString::to_string).collect();
    (!wanted.is_empty()).then(|| wanted.join(", "))
}

/// Returns where the charts have a line, in columns.
fn marks(report: &Report) -> Vec<f64> {
    let axis = report.axis();
    let (happened, _) = report.events();
    happened
        .iter()
        .filter(|event| is_mark(&event.change))
        .map(|event| axis.place(event.time))
        // The clock may have been set.
        .filter(|place| (0.0..=axis.columns() as f64).contains(place))
        .collect()
}

/// Formats times in a zone.
struct Times<'a>(&'a TimeZone);

impl Times<'_> {
    fn whole(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.0.clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    fn short(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.0.clone());
        zoned.strftime("%b %-d %H:%M:%S").to_string()
    }
}

fn head(report: &Report, times: &Times<'_>) -> Markup {
    let axis = report.axis();
    let last = report.last();
    let (memory, free) = report.memory();
    let host = &last.host;
    let domains = report.domains().count();
    html! {
        header {
            h1 { "xenscope report" }
            @if let Some(whom) = whom(report) {
                p { "Only of: " b { (whom) } ". The pCPUs, the audit and the memory below are of the whole host." }
            }
            p {
                (times.whole(axis.begin())) " to " (times.whole(report.end())) ". "
                (report.samples()) " samples, " (domains) @if domains == 1 { " domain" } @else { " domains" }
                ". A point of the charts is " (duration(axis.column_seconds() * 1e9))
                "; figures are means over that time, and a gap is unknown time. Dashed lines are events: domains that \
                 were created, rebooted, shut down, crashed or destroyed, and boots of the host."
            }
            (gaps(report, times))
            @if let left_out @ 1.. = report.left_out() {
                p {
                    (left_out) @if left_out == 1 { " sample is" } @else { " samples are" }
                    " left out: by their clock, they are not of that time."
                }
            }
            p {
                "Xen " (safe(&host.xen_version)) ", " (host.pcpus) " pCPUs, "
                (or_unknown(memory.mean(), bytes)) " memory, of which " (or_unknown(free.mean(), bytes))
                " were free in the mean, and " (or_unknown(least(free), bytes)) " at least."
            }
        }
    }
}

/// Says which parts of the time that was asked for were not recorded.
fn gaps(report: &Report, times: &Times<'_>) -> Markup {
    let (since, until) = report.asked();
    let gaps = report.gaps();
    let listed = gaps.iter().take(GAPS);
    let listed = listed.map(|&(from, to)| format!("{} to {}", times.short(from), times.short(to)));
    let listed: Vec<String> = listed.collect();
    html! {
        @if !gaps.is_empty() {
            p {
                "Of " (times.whole(since)) " to " (times.whole(until)) ", nothing was recorded from "
                (listed.join(", from "))
                @if let more @ 1.. = gaps.len() - listed.len() { ", and in " (more) " more gaps" }
                "."
            }
        }
    }
}

fn least(series: &Series) -> Option<f64> {
    series.means().flatten().min_by(f64::total_cmp)
}

fn sufferers(report: &Report, times: &Times<'_>) -> Markup {
    let all = report.sufferers();
    html! {
        section {
            h2 { "Who suffered, and why" }
            @if all.is_empty() {
                p { (none(report, "No domain", "None of these domains")) " did, as far as was recorded." }
            } @else {
                table {
                    tr { th { "domain" } th.n { "for" } th { "reason, in the mean" } th.n { "worst" } th { "when" } }
                    @for course in all.iter().take(SUFFERERS) {
                        @let troubles = course.troubles.worst_first();
                        @for (row, trouble) in troubles.iter().take(TROUBLES).enumerate() {
                            tr {
                                td { @if row == 0 { div.name { (name(report, course)) } } }
                                td.n { (duration(trouble.ns)) }
                                td { (pressure::reason(&trouble.mean())) }
                                td.n { (pressure::amount(&trouble.worst)) }
                                td.t { (times.short(trouble.worst_at)) }
                            }
                        }
                        @if let more @ 1.. = troubles.len().saturating_sub(TROUBLES) {
                            tr { td {} td {} td { "and " (more) " more" } td {} td {} }
                        }
                    }
                }
                @if let more @ 1.. = all.len().saturating_sub(SUFFERERS) { p { "and " (more) " more" } }
            }
        }
    }
}

/// Returns one of two texts: for a report on all domains, or on some.
fn none(report: &Report, of_all: &'static str, of_some: &'static str) -> &'static str {
    match report.wanted() {
        [] => of_all,
        _ => of_some,
    }
}

/// Draws the bands of the domains with most of a figure, and of all others together.
fn bands<'a>(
    report: &'a Report,
    frame: &Frame<'_>,
    chart: &Chart,
    colors: &mut Colors<'a>,
) -> Markup {
    let all = report.most(chart.figure);
    let (own, others) = all.split_at(all.len().min(BANDS));
    let mut bands: Vec<Band> = colors
        .of(own)
        .into_iter()
        .zip(own)
        .map(|(color, course)| Band {
            color,
            means: course.figures[chart.figure].means().collect(),
        })
        .collect();
    if !others.is_empty() {
        let sum = |column: usize| {
            let values = others
                .iter()
                .map(|course| course.figures[chart.figure].at(column));
            values.flatten().reduce(|sum, value| sum + value)
        };
        bands.push(Band {
            color: BANDS,
            means: (0..frame.columns).map(sum).collect(),
        });
    }
    html! {
        section {
            h2 { (chart.title) }
            @if !report.knows(chart.figure) {
                p { (chart.without) }
            } @else if own.is_empty() {
                p { "It was zero all the time." }
            } @else {
                (drawn(chart::stacked(frame, &bands, chart.unit, chart.step)))
                table {
                    tr { th { "domain" } th.n { "mean" } th.n { "most" } }
                    @for (number, course) in own.iter().enumerate() {
                        @let series = &course.figures[chart.figure];
                        tr {
                            td { (swatch(number, &bands[number])) " " span.name { (name(report, course)) } }
                            td.n { (or_unknown(series.mean(), chart.unit)) }
                            td.n { (or_unknown(series.most(), chart.unit)) }
                        }
                    }
                    @if let Some(band) = bands.get(own.len()) {
                        tr { td { (swatch(own.len(), band)) " " (others.len()) " others" } td {} td {} }
                    }
                }
            }
        }
    }
}

fn swatch(number: usize, band: &Band) -> Markup {
    let class = format!("swatch b{}", band.color + 1);
    html! { span class=(class) { (number + 1) } }
}

/// The colours of domains. A domain has the same in all charts, unless two of one chart would have the same.
#[derive(Default)]
struct Colors<'a>(Vec<(&'a Course, usize)>);

impl<'a> Colors<'a> {
    /// Returns the colours of the domains of a chart, at most [`BANDS`], each with one of its own.
    fn of(&mut self, courses: &[&'a Course]) -> Vec<usize> {
        let mut taken = [false; BANDS];
        let known = courses.iter().map(|course| {
            let mut known = self.0.iter().filter(|(one, _)| std::ptr::eq(*one, *course));
            let (_, color) = *known.next()?;
            (!std::mem::replace(&mut taken[color], true)).then_some(color)
        });
        let known: Vec<Option<usize>> = known.collect();
        let colors = known.into_iter().zip(courses).map(|(known, course)| {
            let free = || taken.iter().position(|taken| !taken).unwrap_or_default();
            let color = known.unwrap_or_else(free);
            taken[color] = true;
            if known.is_none() {
                self.0.push((course, color));
            }
            color
        });
        colors.collect()
    }
}

/// Draws how busy each pCPU was.
fn pcpus(report: &Report, frame: &Frame<'_>) -> Markup {
    let all = report.pcpus();
    let shade = |percent: f64| Shade::Tenth((percent / 10.0).clamp(0.0, 9.0) as u8);
    let row = |(number, series): (usize, &Series)| {
        let shades = series.means().map(|percent| percent.map(shade));
        (number.to_string(), shades.collect())
    };
    let rows: Vec<_> = all.iter().enumerate().map(row).collect();
    let height = if rows.len() > 24 { 6 } else { 16 };
    html! {
        section {
            h2 { (none(report, "pCPUs", "pCPUs of the whole host")) ": the darker, the busier" }
            @if rows.is_empty() { p { "Unknown." } } @else { (drawn(chart::strips(frame, &rows, height))) }
        }
    }
}

/// Draws the verdicts of the checks that were not always OK.
fn audit(report: &Report, frame: &Frame<'_>, times: &Times<'_>) -> Markup {
    let checks = report.checks();
    let is_wrong = |checked: &Checked| {
        let verdicts = checked.verdicts.iter().flatten();
        verdicts
            .into_iter()
            .any(|verdict| *verdict >= Verdict::Warning)
    };
    let wrong: Vec<_> = checks
        .iter()
        .filter(|(_, checked)| is_wrong(checked))
        .collect();
    let level = |verdict: Verdict| {
        Shade::Verdict(match verdict {
            Verdict::Skipped | Verdict::Ok => 0,
            Verdict::Warning => 1,
            Verdict::Failed => 2,
        })
    };
    let row = |(name, checked): &(&&'static str, &Checked)| {
        let verdicts = checked.verdicts.iter();
        let shades = verdicts.map(|verdict| verdict.map(level)).collect();
        ((**name).to_owned(), shades)
    };
    let rows: Vec<_> = wrong.iter().map(row).collect();
    html! {
        section {
            h2 { (none(report, "The audit", "The audit of the whole host")) }
            p { (checks.len() - wrong.len()) " of " (checks.len()) " checks were OK each time that they were made." }
            @if !rows.is_empty() {
                p { "Low bars are OK, higher ones warnings, and full ones failures." }
                (drawn(chart::strips(frame, &rows, 16)))
                table {
                    tr { th { "check" } th { "worst" } th { "when first" } th { "why" } }
                    @for (name, checked) in &wrong {
                        @if let Some((verdict, time, reason)) = &checked.reason {
                            tr {
                                td { (name) }
                                td class={ "t " (verdict.word()) } { (verdict.word()) }
                                td.t { (times.short(*time)) }
                                td { (safe(reason)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn happenings(report: &Report, times: &Times<'_>) -> Markup {
    let (all, left_out) = report.events();
    html! {
        section {
            h2 { "Events" }
            @if all.is_empty() { p { (none(report, "None", "None of these domains had any")) "." } } @else {
                table {
                    tr { th { "time" } th.n { "ID" } th { "domain" } th { "event" } }
                    @for event in all {
                        tr {
                            td.t { (times.short(event.time)) }
                            td.n { (event.domain.map_or_else(|| UNKNOWN.to_owned(), |domain| domain.id.to_string())) }
                            td { div.name { (safe(event.name.as_deref().unwrap_or(UNKNOWN))) } }
                            td { (events::happening(&event.change)) }
                        }
                    }
                }
                @match left_out {
                    LeftOut { marks: 0, others: 0 } => {}
                    LeftOut { marks: 0, others } => p { "and " (others) " more: see xenscope events --from" }
                    LeftOut { marks, others } => p {
                        "and " (marks + others) " more, " (marks) " of which the charts lack as well: see xenscope events \
                         --from"
                    }
                }
            }
        }
    }
}

fn drawn(svg: Result<String, Box<dyn std::error::Error>>) -> Markup {
    match svg {
        Ok(svg) => html! { div.chart { (PreEscaped(svg)) } },
        Err(error) => html! { p { "The chart could not be drawn: " (error) } },
    }
}

/// Returns a domain's name, with its ID if another one has the same.
fn name(report: &Report, course: &Course) -> String {
    let same = |other: &&Course| other.name == course.name;
    match &course.name {
        Some(name) if report.domains().filter(same).count() > 1 => {
            format!("{} ({})", safe(name), course.id)
        }
        Some(name) => safe(name).into_owned(),
        None => format!("domain {}", course.id),
    }
}

/// Returns a round step: 1, 2 or 5 times a power of ten.
fn tens(top: f64) -> f64 {
    let least = top / f64::from(LABELS);
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= least).unwrap_or(top)
}

/// Returns a step of bytes: a power of two.
fn twos(top: f64) -> f64 {
    2_f64.powf((top / f64::from(LABELS)).log2().ceil())
}

fn percent(value: f64) -> String {
    let digits = usize::from(value < 9.95 && value > 0.0);
    format!("{value:.digits$} %")
}

fn per_second(value: f64) -> String {
    format!("{}/s", bytes(value))
}

/// Formats a length of time in its two largest units.
fn duration(ns: f64) -> String {
    let seconds = (ns / 1e9).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}
