//! The options of the live view that are also settings.

use clap::Args;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use xenscope::filter::Filter;
use xenscope::selector::Selector;
use xenscope::text::safe;
use xenscope::view::tui::{self, Column, Settings, Theme};

/// How the live view looks at its start. Settings that are not given are those that `W` wrote.
#[derive(Debug, Default, Args)]
pub(crate) struct Look {
    /// Show only these domains: IDs, names or UUIDs
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    /// Sort by this column, such as cpu, memory or name
    ///
    /// Names are in ascending order, figures in descending order. Not with -b.
    #[arg(long, value_name = "COLUMN", conflicts_with = "batch", value_parser = setting::<Column>)]
    pub(crate) sort: Option<Column>,

    /// Show these columns, such as id,name,cpu,ready
    ///
    /// Their names are those of the settings that W writes. Not with -b.
    #[arg(
        long,
        value_name = "COLUMNS",
        conflicts_with = "batch",
        value_delimiter = ','
    )]
    #[arg(value_parser = setting::<Column>)]
    pub(crate) columns: Option<Vec<Column>>,

    /// Show only domains that match, such as 'web & cpu>50'
    ///
    /// Part of a name, the start of an ID or UUID, a state (idle, running, paused, crashed), or a
    /// figure compared with a value; with !, & or a blank, | or a comma, and parentheses. As '/' does.
    #[arg(long, value_name = "FILTER", value_parser = tui::filter)]
    filter: Option<Filter>,

    /// Use this theme: usual, colour-blind, plain or screen-reader
    ///
    /// Not with -b.
    #[arg(long, value_name = "THEME", conflicts_with = "batch", value_parser = setting::<Theme>)]
    pub(crate) theme: Option<Theme>,
}

impl Look {
    /// Returns the filter for what was given: only the named domains, and of them those that match; `None` if nothing
    /// was given.
    ///
    /// # Errors
    /// If the two together are no filter: they are nested too deep.
    pub(crate) fn filter(&self) -> Result<Option<Filter>, String> {
        if self.domains.is_empty() {
            return Ok(self.filter.clone());
        }
        let named: Vec<String> = self.domains.iter().map(Selector::filter).collect();
        let mut text = named.join(" | ");
        if let Some(filter) = self.filter.as_ref().filter(|filter| !filter.is_empty()) {
            text = format!("({text}) ({})", filter.text());
        }
        tui::filter(&text)
            .map(Some)
            .map_err(|error| error.to_string())
    }

    /// Returns whether the filter compares figures that only a trace tells.
    pub(crate) fn compares_ready(&self) -> bool {
        let filter = self.filter.as_ref();
        filter.is_some_and(|filter| filter.part().state_times)
    }

    /// Changes the settings to what was given.
    pub(crate) fn change(&self, settings: &mut Settings) {
        if let Some(sort) = self.sort {
            settings.sort_by(sort);
        }
        if let Some(columns) = &self.columns {
            settings.columns.clone_from(columns);
        }
        if let Some(theme) = self.theme {
            settings.theme = theme;
        }
    }
}

/// Parses a word of the settings.
fn setting<T: DeserializeOwned>(word: &str) -> Result<T, String> {
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    T::deserialize(word).map_err(|error| safe(&error.to_string()).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[arg(long)]
        batch: bool,
        #[command(flatten)]
        look: Look,
    }

    fn parsed(words: &[&str]) -> Result<Look, String> {
        let words = ["top"].into_iter().chain(words.iter().copied());
        let options = Options::try_parse_from(words).map_err(|error| error.to_string())?;
        assert!(!options.batch);
        Ok(options.look)
    }

    #[test]
    fn what_is_given_replaces_the_setting() {
        let words = [
            "--sort",
            "name",
            "--columns",
            "id,name,ready",
            "--theme",
            "colour-blind",
        ];
        let mut settings = Settings::default();
        parsed(&words).unwrap().change(&mut settings);
        let wanted =
            "sort = \"name\"\ncolumns = [\"id\", \"name\", \"ready\"]\ntheme = \"colour-blind\"";
        assert_eq!(Ok(&settings), Settings::from_toml(wanted).as_ref());
        parsed(&[]).unwrap().change(&mut settings);
        assert_eq!(Ok(settings), Settings::from_toml(wanted));
    }

    #[test]
    fn unknown_words_are_named() {
        for (words, why) in [
            (["--sort", "cpus"], "unknown column `cpus`"),
            (["--columns", "id,\x1b[2J"], "unknown column `\\u{1b}[2J`"),
            (["--theme", "blue"], "unknown variant `blue`"),
            (
                ["--filter", "web & cpu>"],
                "what is 'cpu' compared with? (at 11)",
            ),
        ] {
            let said = parsed(&words).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
