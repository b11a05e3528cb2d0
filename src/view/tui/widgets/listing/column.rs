//! The columns of the panes over all domains.

use std::fmt;

use super::rows::Row;
use crate::fields::{Field, Kind, Thing, Unit, Value};
use crate::filter::{Compared, RowFigure};
use crate::sample::DomainSample;
use crate::snapshot::Collect;
use crate::units;
use crate::view::tui::theme::{Role, load};

/// How a value gets its colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tint {
    /// It has none.
    Plain,
    /// By its size, as a load in per cent.
    Load,
    /// It is marked above this number.
    Above(f64),
}

/// A figure of the row itself.
type OfRow<T> = for<'r, 'a> fn(&'r Row<'a, T>) -> Value<'r>;

/// Where the value of a column comes from.
enum Source<T: Thing> {
    Domain(&'static Field<DomainSample<'static>>),
    Thing(&'static Field<T>),
    Row(OfRow<T>),
}

/// A column.
pub(super) struct Column<T: Thing> {
    source: Source<T>,
    pub(super) title: &'static str,
    /// Its description in the list of columns.
    pub(super) doc: &'static str,
    /// What has to be collected for it.
    pub(super) part: Collect,
    kind: Kind,
    unit: Unit,
    /// Its minimum and maximum width, in columns of the terminal.
    pub(super) widths: (u16, u16),
    /// A narrow line drops the columns with the lowest priority first.
    pub(super) priority: u8,
    tint: Tint,
}

impl<T: Thing> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title)
    }
}

impl<T: Thing> Column<T> {
    /// Returns a column of a field of the domain; none if it has no such field.
    pub(super) fn of_domain(name: &str, title: &'static str, priority: u8) -> Option<Self> {
        let field = DomainSample::fields().iter().find(|one| one.name == name)?;
        let source = Source::Domain(field);
        let about = (field.doc, field.part, field.kind, field.unit);
        Some(Self::new(source, title, priority, about))
    }

    /// Returns a column of a field of the thing; none if it has no such field.
    pub(super) fn of(name: &str, title: &'static str, priority: u8) -> Option<Self> {
        let field = T::fields().iter().find(|one| one.name == name)?;
        let source = Source::Thing(field);
        let about = (field.doc, field.part, field.kind, field.unit);
        Some(Self::new(source, title, priority, about))
    }

    /// Returns a column of a figure of the row.
    pub(super) fn of_row(
        get: OfRow<T>,
        title: &'static str,
        priority: u8,
        (doc, part, kind, unit): (&'static str, Collect, Kind, Unit),
    ) -> Option<Self> {
        let source = Source::Row(get);
        Some(Self::new(source, title, priority, (doc, part, kind, unit)))
    }

    fn new(
        source: Source<T>,
        title: &'static str,
        priority: u8,
        (doc, part, kind, unit): (&'static str, Collect, Kind, Unit),
    ) -> Self {
        // One more for the mark of the sorted column; a figure takes at most five.
        let width = (title.len() as u16 + 1).max(5);
        Self {
            source,
            title,
            doc,
            part,
            kind,
            unit,
            widths: (width, width),
            priority,
            tint: Tint::Plain,
        }
    }

    /// Returns this column with these widths.
    pub(super) fn wide(self, least: u16, most: u16) -> Self {
        Self {
            widths: (least, most),
            ..self
        }
    }

    /// Returns this column with this colour.
    pub(super) fn tinted(self, tint: Tint) -> Self {
        Self { tint, ..self }
    }

    /// Returns whether its text is left-aligned.
    pub(super) fn left(&self) -> bool {
        self.unit == Unit::None
    }

    /// Returns whether it sorts in descending order by default.
    pub(super) fn descends(&self) -> bool {
        !matches!(self.kind, Kind::Text | Kind::State { .. })
    }

    /// Returns what a filter compares; `index` is that of the column.
    pub(super) fn compared(&self, index: usize) -> Compared {
        let name = match &self.source {
            Source::Domain(field) => return Compared::Domain(field),
            Source::Thing(field) => field.name,
            Source::Row(_) => self.title,
        };
        Compared::Row(RowFigure {
            name,
            index,
            kind: self.kind,
            unit: self.unit,
            part: self.part,
        })
    }

    /// Returns whether this is its title, with `_` for blanks.
    pub(super) fn is_titled(&self, name: &str) -> bool {
        self.title.replace(' ', "_").eq_ignore_ascii_case(name)
    }

    /// Returns whether this is its title without the unit, or the name of its field.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let title = self.title.trim_end_matches("/s").trim_end_matches('%');
        let field = match &self.source {
            Source::Domain(field) => field.name,
            Source::Thing(field) => field.name,
            Source::Row(_) => "",
        };
        title.replace(' ', "_").eq_ignore_ascii_case(name) || field == name
    }

    /// Returns its value in a row.
    pub(super) fn value<'r>(&self, row: &'r Row<'_, T>) -> Value<'r> {
        match &self.source {
            Source::Domain(field) => match &row.domain {
                Some(domain) => field.of(domain),
                None => Value::Unknown,
            },
            Source::Thing(field) => field.of(&row.thing),
            Source::Row(get) => get(row),
        }
    }

    /// Returns its escaped text in a row, and the role of its colour. A figure that is zero is
    /// `nothing`; one that this sample did not collect is empty.
    pub(super) fn cell(&self, row: &Row<'_, T>, nothing: &str) -> (String, Option<Role>) {
        let collected = match row.domain {
            Some(domain) => domain.collected(),
            None => row.sample.snapshot.collected,
        };
        if !collected.covers(self.part) {
            return (String::new(), None);
        }
        let value = self.value(row);
        let number = match value {
            Value::Count(count) => Some(count as f64),
            Value::Real(real) => Some(real),
            _ => None,
        };
        let role = match (self.tint, number) {
            (Tint::Load, Some(number)) => Some(load(number)),
            (Tint::Above(most), Some(number)) if number > most => Some(Role::Busy),
            _ => None,
        };
        let text = units::compact(value, self.kind, self.unit);
        let is_figure = !matches!(self.unit, Unit::None | Unit::Number);
        match is_figure && matches!(text.as_str(), "0" | "0.0" | "0.0ms") {
            true => (nothing.to_owned(), Some(Role::Dim)),
            false => (text, role),
        }
    }
}
