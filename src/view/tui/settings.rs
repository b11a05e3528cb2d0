//! The settings of the live view, and their TOML text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::columns::{Column, filter};
use super::theme::Theme;
use crate::interval::{self, LONGEST, SHORTEST};
use crate::text::safe;

/// The settings that the user can change and save.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The columns of the table.
    pub columns: Vec<Column>,
    /// The column that the table is sorted by.
    pub sort: Column,
    /// Whether the order is descending.
    pub descending: bool,
    /// The time from one sample to the next.
    pub interval: Duration,
    /// The theme.
    pub theme: Theme,
    /// The filter; empty if there is none.
    pub filter: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            columns: Column::defaults().collect(),
            sort: Column::CPU,
            descending: true,
            interval: interval::DEFAULT,
            theme: Theme::default(),
            filter: String::new(),
        }
    }
}

/// The keys of the configuration file; `None` means the default.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    columns: Option<Vec<Column>>,
    sort: Option<Column>,
    descending: Option<bool>,
    interval_seconds: Option<f64>,
    theme: Option<Theme>,
    filter: Option<String>,
}

impl Settings {
    /// Sorts by this column, in its usual direction.
    pub fn sort_by(&mut self, column: Column) {
        (self.sort, self.descending) = (column, column.descends());
    }

    /// Returns the settings in a TOML text.
    ///
    /// # Errors
    /// A message, escaped for a terminal, that says what is wrong with the text. It quotes at most
    /// the wrong word, because the text may be that of a secret file.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| 1 + before.matches('\n').count());
            let place = line.map_or_else(String::new, |line| format!("line {line}: "));
            format!("{place}{}", safe(error.message()))
        })?;
        let defaults = Self::default();
        let mut columns = file.columns.unwrap_or(defaults.columns);
        let mut seen = Vec::new();
        columns.retain(|column| {
            let new = !seen.contains(column);
            seen.push(*column);
            new
        });
        if columns.is_empty() {
            return Err("'columns' is empty".to_owned());
        }
        let interval = match file.interval_seconds {
            None => defaults.interval,
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|interval| (SHORTEST..=LONGEST).contains(interval))
                .ok_or("'interval_seconds' must be from 0.01 to 86400")?,
        };
        let sort = file.sort.unwrap_or(defaults.sort);
        let text = file.filter.unwrap_or_default();
        filter(&text).map_err(|error| format!("'filter': {error}"))?;
        Ok(Self {
            columns,
            sort,
            descending: file.descending.unwrap_or(sort.descends()),
            interval,
            theme: file.theme.unwrap_or(defaults.theme),
            filter: text,
        })
    }

    /// Returns the settings as a TOML text.
    ///
    /// # Errors
    /// A message of the TOML writer. No settings are known to cause one.
    pub fn to_toml(&self) -> Result<String, String> {
        let file = File {
            columns: Some(self.columns.clone()),
            sort: Some(self.sort),
            descending: Some(self.descending),
            interval_seconds: Some(self.interval.as_secs_f64()),
            theme: Some(self.theme),
            filter: Some(self.filter.clone()).filter(|filter| !filter.is_empty()),
        };
        toml::to_string(&file).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    fn all() -> Vec<Column> {
        Column::all().collect()
    }

    #[test]
    fn missing_keys_are_defaults() {
        assert_eq!(Settings::from_toml(""), Ok(Settings::default()));
        let name = Settings::from_toml("sort = \"name\"").unwrap();
        assert!(!name.descending, "names sort in ascending order");
    }

    #[test]
    fn malformed_text_is_an_error() {
        for (text, why) in [
            ("columns = []", "is empty"),
            ("columns = [\"secret\"]", "unknown column"),
            ("theme = \"plain\"\nsort = 7", "line 2: "),
            ("colour = 1", "unknown field"),
            ("interval_seconds = 0", "0.01 to 86400"),
            ("interval_seconds = nan", "0.01 to 86400"),
            ("root:$6$secret:19000:0", "key"),
            ("theme = 7", ""),
            ("filter = \"cpu>\"", "'filter': "),
            ("columns = [\"\\u001b[2J\"]", "`\\u{1b}[2J`"),
        ] {
            let error = Settings::from_toml(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("$6$"), "{text}: {error}");
        }
    }

    #[test]
    fn documented_example_is_valid() {
        let docs = include_str!("../../../docs/top.md");
        let (_, text) = docs.split_once("```toml\n").unwrap();
        let (text, _) = text.split_once("```").unwrap();
        let settings = Settings::from_toml(text).unwrap();
        assert_eq!(settings.theme, Theme::ColourBlind);
        assert_eq!(settings.columns.len(), 8);
    }

    #[test]
    fn repeated_column_is_dropped() {
        let settings = Settings::from_toml("columns = [\"id\", \"cpu\", \"id\"]").unwrap();
        assert_eq!(settings.columns, [Column::ID, Column::CPU]);
    }

    proptest! {
        #[test]
        fn settings_survive_a_round_trip(
            columns in subsequence(all(), 1..=all().len()),
            sort in select(all()),
            descending: bool,
            millis in 10_u64..=86_400_000,
            theme in select(vec![Theme::Usual, Theme::ColourBlind, Theme::Plain, Theme::ScreenReader]),
            filter in select(vec!["", "web", "!idle & cpu>50", "name=\"a\\b\""]),
        ) {
            let filter = filter.to_owned();
            let interval = Duration::from_millis(millis);
            let before = Settings { columns, sort, descending, interval, theme, filter };
            let after = Settings::from_toml(&before.to_toml().unwrap()).unwrap();
            prop_assert_eq!(after, before);
        }
    }
}
