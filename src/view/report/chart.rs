//! Charts as SVG. Their colours stand for classes that `style.css` gives the real ones, for light and dark.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::ticks::Tick;

/// How large a chart is, in pixels.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 220;

/// What is left of a chart for labels.
const LEFT: u32 = 72;
const BOTTOM: u32 = 22;
const MARGIN: u32 = 8;
/// Half of the longest label of the time axis, which may stand at its end.
const RIGHT: u32 = 44;

/// How many labels the axis of a figure has at most, besides 0.
pub(super) const LABELS: u32 = 5;

/// A band has its number where it is at least so high for so long, in pixels.
const NUMBER_HEIGHT: f64 = 14.0;
const NUMBER_WIDTH: f64 = 12.0;

/// What stands for the colours.
const TEXT: RGBColor = RGBColor(2, 0, 0);
const GRID: RGBColor = RGBColor(3, 0, 0);
const MARK: RGBColor = RGBColor(4, 0, 0);
const ON_BAND: RGBColor = RGBColor(5, 0, 0);

/// What a chart shows beside its figures.
pub(super) struct Frame<'a> {
    /// How many columns there are.
    pub(super) columns: usize,
    pub(super) ticks: &'a [Tick],
    /// Where something happened, in columns.
    pub(super) marks: &'a [f64],
}

/// How dark a part of a strip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shade {
    /// A share of ten.
    Tenth(u8),
    /// A verdict, from 0 (well) to 2 (wrong); a worse one is also higher.
    Verdict(u8),
}

impl Shade {
    fn color(self) -> RGBColor {
        match self {
            Self::Tenth(tenth) => RGBColor(7, 0, tenth.min(9)),
            Self::Verdict(level) => RGBColor(8, 0, level.min(2)),
        }
    }

    /// Returns how much of the row's height it has.
    fn height(self) -> f64 {
        match self {
            Self::Tenth(_) => 0.92,
            Self::Verdict(level) => [0.2, 0.55, 0.92][usize::from(level.min(2))],
        }
    }
}

/// An axis with labels at chosen places.
struct Places {
    end: f64,
    labels: Vec<f64>,
}

impl Places {
    fn new(end: f64, labels: Vec<f64>) -> Self {
        Self { end, labels }
    }
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = if self.end > 0.0 {
            value / self.end
        } else {
            0.0
        };
        from.saturating_add((f64::from(to - from) * share).round() as i32)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.labels.clone()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.end
    }
}

/// A chart could not be drawn.
type Failed = Box<dyn std::error::Error>;

/// A band of a chart.
pub(super) struct Band {
    /// The number of its colour, from 0.
    pub(super) color: usize,
    /// The mean of each column; `None` where it is unknown.
    pub(super) means: Vec<Option<f64>>,
}

/// Draws bands on top of each other, the first one at the bottom. A column where none is known is a gap. The numbers of
/// bands, from 1, are on them. `step` returns how far labels are apart, for a highest value.
pub(super) fn stacked(
    frame: &Frame<'_>,
    bands: &[Band],
    unit: fn(f64) -> String,
    step: fn(f64) -> f64,
) -> Result<String, Failed> {
    let sums = sums(frame.columns, bands);
    let highest = sums
        .iter()
        .flatten()
        .filter_map(|sums| sums.last().copied());
    let top = highest.fold(0.0, f64::max) * 1.05;
    let top = if top > 0.0 { top } else { 1.0 };
    let step = step(top);
    let labels = (0..=LABELS)
        .map(|label| label as f64 * step)
        .filter(|at| *at <= top);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let keys: Vec<f64> = frame.ticks.iter().map(|tick| tick.place).collect();
        let mut chart = ChartBuilder::on(&root)
            .margin(MARGIN)
            .margin_right(RIGHT)
            .set_label_area_size(LabelAreaPosition::Left, LEFT)
            .set_label_area_size(LabelAreaPosition::Bottom, BOTTOM)
            .build_cartesian_2d(
                Places::new(frame.columns as f64, keys),
                Places::new(top, labels.collect()),
            )?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_label_formatter(&|place| label(frame.ticks, *place))
            .y_label_formatter(&|value| unit(*value))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", 12).into_font().color(&TEXT))
            .draw()?;
        for (number, band) in bands.iter().enumerate() {
            for run in runs(&sums) {
                let shape = outline(&sums, number, run);
                chart.draw_series([Polygon::new(shape, band_color(band.color).filled())])?;
            }
        }
        let per_unit = f64::from(HEIGHT - BOTTOM - 2 * MARGIN) / top;
        let per_column = f64::from(WIDTH - LEFT - MARGIN - RIGHT) / frame.columns.max(1) as f64;
        let least = (NUMBER_WIDTH / per_column, NUMBER_HEIGHT / per_unit);
        for band in 0..bands.len() {
            if let Some((place, value)) = number(&sums, band, least) {
                let style = ("sans-serif", 11).into_font().color(&ON_BAND);
                let style = style.pos(Pos::new(HPos::Center, VPos::Center));
                chart.draw_series([Text::new((band + 1).to_string(), (place, value), style)])?;
            }
        }
        let marks = frame.marks.iter();
        let lines = marks.map(|place| PathElement::new([(*place, 0.0), (*place, top)], MARK));
        chart.draw_series(lines)?;
        root.present()?;
    }
    Ok(svg)
}

/// Draws rows of shades over time, the first row at the top. What is unknown is left blank.
pub(super) fn strips(
    frame: &Frame<'_>,
    rows: &[(String, Vec<Option<Shade>>)],
    row_height: u32,
) -> Result<String, Failed> {
    let height = row_height * rows.len() as u32 + BOTTOM + 2 * MARGIN;
    let count = rows.len() as f64;
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max();
    let left = (longest.unwrap_or(0) as u32 * 7 + 12).clamp(LEFT, WIDTH / 3);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let keys: Vec<f64> = frame.ticks.iter().map(|tick| tick.place).collect();
        // Rows of a few pixels are not all named.
        let every = (13_u32.div_ceil(row_height)) as usize;
        let named: Vec<f64> = (0..rows.len())
            .step_by(every)
            .map(|row| count - row as f64 - 0.5)
            .collect();
        let mut chart = ChartBuilder::on(&root)
            .margin(MARGIN)
            .margin_right(RIGHT)
            .set_label_area_size(LabelAreaPosition::Left, left)
            .set_label_area_size(LabelAreaPosition::Bottom, BOTTOM)
            .build_cartesian_2d(
                Places::new(frame.columns as f64, keys),
                Places::new(count, named),
            )?;
        let row_name = |at: &f64| {
            let row = (count - at) as usize;
            rows.get(row)
                .map_or_else(String::new, |(name, _)| name.clone())
        };
        chart
            .configure_mesh()
            .disable_mesh()
            .x_label_formatter(&|place| label(frame.ticks, *place))
            .y_label_formatter(&row_name)
            .axis_style(GRID)
            .label_style(("sans-serif", 12).into_font().color(&TEXT))
            .draw()?;
        for (row, (_, shades)) in rows.iter().enumerate() {
            let bottom = count - row as f64 - 1.0 + 0.04;
            let parts = same(shades).map(|(from, to, shade)| {
                let corners = [(from as f64, bottom), (to as f64, bottom + shade.height())];
                Rectangle::new(corners, shade.color().filled())
            });
            chart.draw_series(parts)?;
        }
        let marks = frame.marks.iter();
        let lines = marks.map(|place| PathElement::new([(*place, 0.0), (*place, count)], MARK));
        chart.draw_series(lines)?;
        root.present()?;
    }
    Ok(svg)
}

/// Returns what stands for the colour of a band; the class is its number in blue.
fn band_color(band: usize) -> RGBColor {
    RGBColor(1, 0, u8::try_from(band + 1).unwrap_or(u8::MAX))
}

fn label(ticks: &[Tick], place: f64) -> String {
    let tick = ticks.iter().find(|tick| tick.place == place);
    tick.map_or_else(String::new, |tick| tick.label.clone())
}

/// Returns for each column the top of each band; `None` where no band is known.
fn sums(columns: usize, bands: &[Band]) -> Vec<Option<Vec<f64>>> {
    let column = |column: usize| {
        let values = bands
            .iter()
            .map(|band| band.means.get(column).copied().flatten());
        let values: Vec<Option<f64>> = values.collect();
        let is_known = values.iter().any(Option::is_some);
        is_known.then(|| {
            let mut sum = 0.0;
            let add = |value: Option<f64>| {
                sum += value.unwrap_or(0.0).max(0.0);
                sum
            };
            values.into_iter().map(add).collect()
        })
    };
    (0..columns).map(column).collect()
}

/// Returns the runs of columns that are known, as begins and ends.
fn runs(sums: &[Option<Vec<f64>>]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for column in (0..sums.len()).filter(|&column| sums[column].is_some()) {
        match runs.last_mut() {
            Some((_, end)) if *end == column => *end += 1,
            _ => runs.push((column, column + 1)),
        }
    }
    runs
}

/// Returns the outline of a band in a run of columns: its tops, and its bottoms back again.
fn outline(sums: &[Option<Vec<f64>>], band: usize, (from, to): (usize, usize)) -> Vec<(f64, f64)> {
    let height = |column: usize, band: Option<usize>| {
        let of = |band| Some(sums.get(column)?.as_ref()?[band]);
        band.and_then(of).unwrap_or(0.0)
    };
    let line = |band: Option<usize>| {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for column in from..to {
            let value = height(column, band);
            // A level stretch needs only its ends.
            if points.last().is_some_and(|last| last.1 == value) {
                points.pop();
            } else {
                points.push((column as f64, value));
            }
            points.push((column as f64 + 1.0, value));
        }
        points
    };
    let mut points = line(Some(band));
    points.extend(line(band.checked_sub(1)).into_iter().rev());
    points
}

/// Returns the middle of the largest box in a band that is at least this high: the one over most columns. `None` if that
/// has fewer columns than this.
fn number(
    sums: &[Option<Vec<f64>>],
    band: usize,
    (columns, least): (f64, f64),
) -> Option<(f64, f64)> {
    let span = |sums: &Option<Vec<f64>>| {
        let sums = sums.as_ref()?;
        let bottom = band.checked_sub(1).map_or(0.0, |below| sums[below]);
        Some((bottom, sums[band]))
    };
    let spans: Vec<Option<(f64, f64)>> = sums.iter().map(span).collect();
    let mut widest = 0;
    let mut middle = None;
    for begin in 0..spans.len() {
        let (mut bottom, mut top) = (0.0_f64, f64::INFINITY);
        for (passed, span) in spans.iter().skip(begin).enumerate() {
            let Some((low, high)) = span else {
                break;
            };
            (bottom, top) = (bottom.max(*low), top.min(*high));
            if top - bottom < least || top <= bottom {
                break;
            }
            let width = passed + 1;
            if width > widest && width as f64 >= columns {
                widest = width;
                middle = Some((begin as f64 + width as f64 / 2.0, (bottom + top) / 2.0));
            }
        }
    }
    middle
}

/// Returns the stretches of the same shade, with their first columns and those after them.
fn same(shades: &[Option<Shade>]) -> impl Iterator<Item = (usize, usize, Shade)> + '_ {
    let mut begin = 0;
    shades
        .chunk_by(|one, next| one == next)
        .filter_map(move |part| {
            let from = begin;
            begin += part.len();
            Some((from, begin, part[0]?))
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn bands_are_on_each_other_and_what_is_unknown_is_a_gap() {
        let bands = [
            vec![Some(1.0), None, None, Some(2.0)],
            vec![Some(3.0), Some(1.0)],
        ];
        let bands = bands.map(|means| Band { color: 0, means });
        let sums = sums(5, &bands);
        let known = [
            Some(vec![1.0, 4.0]),
            Some(vec![0.0, 1.0]),
            None,
            Some(vec![2.0, 2.0]),
            None,
        ];
        assert_eq!(sums, known);
        assert_eq!(runs(&sums), [(0, 2), (3, 4)]);
        let upper = [(0.0, 4.0), (1.0, 4.0), (1.0, 1.0), (2.0, 1.0)];
        let lower = [(2.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        assert_eq!(outline(&sums, 1, (0, 2)), [upper, lower].concat());
        assert_eq!(number(&sums, 1, (1.0, 2.0)), Some((0.5, 2.5)));
        assert_eq!(number(&sums, 1, (1.0, 3.5)), None);
    }

    #[test]
    fn a_label_at_the_end_of_the_axis_is_whole() {
        let label = "Nov 28 04:30".to_owned();
        let ticks = [Tick { place: 4.0, label }];
        let frame = Frame {
            columns: 4,
            ticks: &ticks,
            marks: &[],
        };
        let means = vec![Some(1.0); 4];
        let bands = [Band { color: 0, means }];
        let rows = [("0".to_owned(), vec![Some(Shade::Tenth(1)); 4])];
        let unit = |value: f64| value.to_string();
        let stacked = stacked(&frame, &bands, unit, |top| top).unwrap();
        for svg in [stacked, strips(&frame, &rows, 16).unwrap()] {
            let end = svg.find("Nov 28 04:30").unwrap();
            let x = svg[..end].rsplit_once("<text x=\"").unwrap().1;
            let middle: u32 = x.split('"').next().unwrap().parse().unwrap();
            // A character is about 7 pixels wide.
            assert!(middle + 12 * 7 / 2 <= WIDTH, "{middle}");
        }
    }

    #[test]
    fn a_number_is_where_its_band_is_high_for_long() {
        let low = [8.0, 3.0, 3.0, 0.0, 2.0, 2.0, 2.0, 2.0, 1.0];
        let means = low.map(Some).to_vec();
        let sums = sums(10, &[Band { color: 0, means }]);
        assert_eq!(number(&sums, 0, (2.0, 2.0)), Some((6.0, 1.0)));
        assert_eq!(number(&sums, 0, (2.0, 1.0)), Some((6.5, 0.5)));
        assert_eq!(number(&sums, 0, (2.0, 2.5)), Some((1.5, 1.5)));
        assert_eq!(number(&sums, 0, (5.0, 2.0)), None);
        assert_eq!(number(&sums, 0, (1.0, 9.0)), None);
        // Not over a step of what is below it.
        let bands = [[1.0, 1.0, 1.0, 5.0, 5.0], [3.0; 5]];
        let bands = bands.map(|means| Band {
            color: 0,
            means: means.map(Some).to_vec(),
        });
        let sums = self::sums(5, &bands);
        assert_eq!(number(&sums, 1, (2.0, 2.0)), Some((1.5, 2.5)));
    }

    #[test]
    fn equal_shades_are_one_part() {
        let [one, two] = [Shade::Tenth(1), Shade::Tenth(2)];
        let shades = [Some(one), Some(one), None, Some(two)];
        assert_eq!(
            same(&shades).collect::<Vec<_>>(),
            [(0, 2, one), (3, 4, two)]
        );
    }
}
