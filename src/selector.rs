//! Which domain a person means.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use crate::snapshot::{DomId, Domain, Identity, Note, Snapshot};
use crate::text::safe;

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
        let id = |text: &str| {
            // `parse` alone would take `+5`.
            let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_digits).map(DomId)
        };
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
    /// Whether a domain of this identity and name is meant.
    pub fn means(&self, identity: Identity, name: Option<&str>) -> bool {
        self.id == Some(identity.id)
            || self.uuid == Some(identity.uuid)
            || self.name.is_some() && self.name.as_deref() == name
    }

    fn fits(&self, domain: &Domain) -> bool {
        self.means(domain.identity(), domain.name.as_deref())
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
                    .any(|note| matches!(note, Note::XenstoreDown(_)));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{domain, snapshot};

    fn host() -> Snapshot {
        let mut nameless = domain(9, "", 0, 0);
        nameless.name = None;
        snapshot(
            0,
            0,
            vec![
                domain(0, "Domain-0", 0, 0),
                domain(5, "web", 0, 0),
                domain(6, "twin", 0, 0),
                domain(7, "twin", 0, 0),
                domain(8, "5", 0, 0),
                nameless,
            ],
        )
    }

    fn find(text: &str) -> Result<u16, NotFound> {
        let selector: Selector = text.parse().unwrap();
        selector.find(&host()).map(|identity| identity.id.0)
    }

    #[test]
    fn by_id_name_or_uuid() {
        assert_eq!(find("0"), Ok(0));
        assert_eq!(find("web"), Ok(5));
        assert_eq!(find("00000000-0000-0000-0000-000000000006"), Ok(5));
        assert_eq!(find("id:9"), Ok(9));
        assert_eq!(find("name:Domain-0"), Ok(0));
        assert_eq!(find("uuid:00000000-0000-0000-0000-000000000001"), Ok(0));
    }

    #[test]
    fn a_name_that_is_another_domains_id_has_to_be_told_apart() {
        let error = find("5").unwrap_err();
        assert_eq!(
            error.to_string(),
            "'5' fits more than one domain; say id:5 or id:8"
        );
        assert_eq!(find("id:5"), Ok(5));
        assert_eq!(find("name:5"), Ok(8));
    }

    #[test]
    fn a_name_that_two_domains_bear_is_not_guessed() {
        let error = find("twin").unwrap_err();
        assert_eq!(
            error.to_string(),
            "'twin' fits more than one domain; say id:6 or id:7"
        );
    }

    #[test]
    fn what_is_not_there_is_missing() {
        for text in ["Web", "we", "4", "+5", "id:1", "-", "name:"] {
            assert!(matches!(find(text), Err(NotFound::Missing(_))), "{text:?}");
        }
    }

    #[test]
    fn without_names_an_unknown_name_says_so() {
        let mut snapshot = host();
        snapshot.notes.push(Note::XenstoreDown("stopped".into()));
        let find = |text: &str| text.parse::<Selector>().unwrap().find(&snapshot);
        assert!(matches!(find("db"), Err(NotFound::NamesUnknown(_))));
        assert!(matches!(find("id:77"), Err(NotFound::Missing(_))));
    }

    #[test]
    fn an_id_or_uuid_that_is_none_is_refused() {
        assert_eq!("".parse::<Selector>(), Err(Malformed::Empty));
        assert_eq!(
            "id:70000".parse::<Selector>(),
            Err(Malformed::Id("70000".into()))
        );
        assert_eq!("id:-1".parse::<Selector>(), Err(Malformed::Id("-1".into())));
        assert_eq!("id:+5".parse::<Selector>(), Err(Malformed::Id("+5".into())));
        assert_eq!(
            "uuid:5".parse::<Selector>(),
            Err(Malformed::Uuid("5".into()))
        );
    }
}
