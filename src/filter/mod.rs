//! Filters of domains: by name, state and figure, with and, or, not.
//!
//! A figure that is unknown is neither equal to, below nor above anything: neither `cpu>50` nor
//! `!cpu>50` matches a domain whose CPU use is unknown.

mod comparison;
mod error;
mod expression;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::rates::Rates;
use crate::sample::{DomainSample, Sample};
use crate::snapshot::{Collect, Snapshot};
pub use comparison::{Compared, Figure, Row, RowFigure};
pub use error::Error;
use expression::Expression;

/// A filter of domains.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    /// What matches; `None` for everything.
    expression: Option<Expression>,
}

impl Filter {
    /// Returns the filter that a text describes; an empty text matches everything. `short` returns
    /// the figure with a shorter name, or a figure of the rows.
    ///
    /// # Errors
    /// If the text is no filter.
    pub fn parse(text: &str, short: &dyn Fn(&str) -> Option<Compared>) -> Result<Self, Error> {
        Ok(Self {
            text: text.to_owned(),
            expression: parse::parse(text, short)?,
        })
    }

    /// Returns the text that it was made from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.expression.is_none()
    }

    /// Returns whether a domain matches, or a row that belongs to it.
    pub fn matches(&self, domain: DomainSample<'_>, row: Option<Row<'_>>) -> bool {
        let expression = self.expression.as_ref();
        expression.is_none_or(|expression| expression.holds(domain, row) == Some(true))
    }

    /// Returns the sample with only the domains that match.
    pub fn only(&self, sample: Sample<'_>) -> (Snapshot, Rates) {
        let matching = sample.domains().filter(|one| self.matches(*one, None));
        let matching = matching.map(|one| (one.domain.clone(), one.rates.clone()));
        let (domains, of_domains) = matching.unzip();
        let rates = Rates {
            interval_ns: sample.rates.interval_ns,
            host: sample.rates.host.clone(),
            domains: of_domains,
        };
        let orphans = sample.snapshot.orphans.clone();
        (sample.snapshot.with_only(domains, orphans), rates)
    }

    /// Returns what has to be collected for it.
    pub fn part(&self) -> Collect {
        let expression = self.expression.as_ref();
        expression.map_or(Collect::NOTHING, Expression::part)
    }
}

/// The shortest form of the filter, which is the same filter if it is parsed.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expression {
            Some(expression) => write!(f, "{expression}"),
            None => Ok(()),
        }
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}
