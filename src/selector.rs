//! Which domain a person means.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use crate::snapshot::{DomId, Domain, Identity, Note, Snapshot};
use crate::view::text::safe;

/// A domain by its id, its exact name or its uuid, as given on the command line.
///
/// `id:5`, `name:5` and `uuid:…` say which of them is meant; without that, whichever fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    id: Option<DomId>,
    name: Option<String>,
    uuid: Option<Uuid>,
}

/// Why a selector is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Nothing was given.
    #[error("a domain is given by its id, name or uuid, not by nothing")]
    Empty,
    /// `id:` without a domain id behind it.
    #[error("'{}' is not a domain id; ids are numbers from 0 to 65535", safe(.0))]
    Id(String),
    /// `uuid:` without a uuid behind it.
    #[error("'{}' is not a uuid; they look like 01234567-89ab-cdef-0123-456789abcdef", safe(.0))]
    Uuid(String),
}

/// Why a selector leads to no domain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotFound {
    /// No domain has that id, name or uuid.
    #[error("no domain '{}'; 'xenscope list' shows those there are", safe(.0))]
    Missing(String),
    /// None has that id or uuid, and the names are not known.
    #[error(
        "no domain has the id or uuid '{}', and names are not known while XenStore does not answer; give the id or uuid",
        safe(.0)
    )]
    NamesUnknown(String),
    /// More than one domain fits.
    #[error("'{}' fits more than one domain; say {choices}", safe(.text))]
    Ambiguous {
        /// What was given.
        text: String,
        /// What to give instead.
        choices: String,
    },
}

impl FromStr for Selector {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let id = |text: &str| text.parse().ok().map(DomId);
        let uuid = |text: &str| Uuid::try_parse(text).ok();
        let mut selector = Self {
            text: text.to_owned(),
            id: None,
            name: None,
            uuid: None,
        };
        if text.is_empty() {
            return Err(Malformed::Empty);
        } else if let Some(rest) = text.strip_prefix("id:") {
            selector.id = Some(id(rest).ok_or_else(|| Malformed::Id(rest.to_owned()))?);
        } else if let Some(rest) = text.strip_prefix("uuid:") {
            selector.uuid = Some(uuid(rest).ok_or_else(|| Malformed::Uuid(rest.to_owned()))?);
        } else if let Some(rest) = text.strip_prefix("name:") {
            selector.name = Some(rest.to_owned());
        } else {
            selector.id = id(text);
            selector.uuid = uuid(text);
            selector.name = Some(text.to_owned());
        }
        Ok(selector)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        safe(&self.text).fmt(f)
    }
}

impl Selector {
    fn fits(&self, domain: &Domain) -> bool {
        self.id == Some(domain.id)
            || self.uuid == Some(domain.uuid)
            || self.name.is_some() && self.name == domain.name
    }

    /// The one domain of the snapshot that is meant.
    ///
    /// # Errors
    /// When none fits, or more than one.
    pub fn find(&self, snapshot: &Snapshot) -> Result<Identity, NotFound> {
        let fitting: Vec<&Domain> = snapshot
            .domains
            .iter()
            .filter(|domain| self.fits(domain))
            .collect();
        match fitting[..] {
            [domain] => Ok(domain.identity()),
            [] => {
                let text = self.text.clone();
                let no_names = snapshot
                    .notes
                    .iter()
                    .any(|note| matches!(note, Note::StoreDown(_)));
                Err(if no_names && self.name.is_some() {
                    NotFound::NamesUnknown(text)
                } else {
                    NotFound::Missing(text)
                })
            }
            _ => Err(NotFound::Ambiguous {
                text: self.text.clone(),
                choices: self.choices(&fitting),
            }),
        }
    }

    /// What would name each of these domains alone.
    fn choices(&self, domains: &[&Domain]) -> String {
        let choices: Vec<String> = domains
            .iter()
            .map(|domain| format!("id:{}", domain.id))
            .collect();
        choices.join(" or ")
    }
}
