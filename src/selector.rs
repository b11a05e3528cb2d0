//! Selects a domain by ID, name or UUID.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use crate::snapshot::{DomId, Domain, Identity, Note, Snapshot};
use crate::text::safe;

/// A domain on the command line, given by its ID, its exact name or its UUID.
///
/// `id:5`, `name:5` and `uuid:…` say which of them is meant; a plain `5` matches all three.
///
/// ```
/// use xenscope::selector::{Malformed, Selector};
/// use xenscope::snapshot::{DomId, Identity};
///
/// let web = Identity { id: DomId(5), uuid: Default::default() };
/// let selector: Selector = "name:web".parse()?;
/// assert!(selector.matches(web, Some("web")));
/// assert!(!selector.matches(web, Some("db")));
/// assert_eq!("id:web".parse::<Selector>(), Err(Malformed::Id("web".into())));
/// # Ok::<(), Malformed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    id: Option<DomId>,
    name: Option<String>,
    uuid: Option<Uuid>,
}

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// The text is empty.
    #[error("no domain given; use an ID, a name or a UUID")]
    Empty,
    /// `id:` without a domain ID after it.
    #[error("'{}' is not a domain ID; IDs are numbers from 0 to 65535", safe(.0))]
    Id(String),
    /// `uuid:` without a UUID after it.
    #[error("'{}' is not a UUID; UUIDs look like 01234567-89ab-cdef-0123-456789abcdef", safe(.0))]
    Uuid(String),
}

/// Why a selector does not select one domain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotFound {
    /// No domain has that ID, name or UUID.
    #[error("no domain '{}'; 'xenscope list' shows all domains", safe(.0))]
    Missing(String),
    /// No domain has that ID or UUID, and the names are unknown.
    #[error(
        "cannot find '{}': XenStore does not answer, so names are not known; use an ID or UUID",
        safe(.0)
    )]
    NamesUnknown(String),
    /// More than one domain matches.
    #[error("'{}' is ambiguous; use {choices}", safe(.text))]
    Ambiguous {
        /// The text of the selector.
        text: String,
        /// Selectors that are unambiguous, such as `id:5 or id:8`.
        choices: String,
    },
}

/// The selectors that no domain has matched so far.
#[derive(Clone, Debug)]
pub struct Unmatched {
    count: usize,
    left: Vec<Selector>,
}

impl Unmatched {
    /// Begins with all of these.
    pub fn new(wanted: Vec<Selector>) -> Self {
        Self {
            count: wanted.len(),
            left: wanted,
        }
    }

    /// Removes those that match a domain of this snapshot.
    pub fn see(&mut self, snapshot: &Snapshot) {
        let matches = |selector: &Selector, domain: &Domain| {
            selector.matches(domain.identity(), domain.name.as_deref())
        };
        self.left.retain(|selector| {
            let mut domains = snapshot.domains.iter();
            !domains.any(|domain| matches(selector, domain))
        });
    }

    /// Returns those that are left.
    pub fn left(&self) -> &[Selector] {
        &self.left
    }

    /// Returns whether there were some and all are left.
    pub fn is_all(&self) -> bool {
        self.count > 0 && self.left.len() == self.count
    }
}

impl FromStr for Selector {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let id = |text: &str| {
            // `parse` alone would accept `+5`.
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
    /// Returns whether a domain with this identity and name is selected.
    pub fn matches(&self, identity: Identity, name: Option<&str>) -> bool {
        self.id == Some(identity.id)
            || self.uuid == Some(identity.uuid)
            || self.name.is_some() && self.name.as_deref() == name
    }

    /// Returns the [filter](crate::filter) that matches the selected domains.
    pub fn filter(&self) -> String {
        let id = self.id.map(|id| format!("id={id}"));
        let name = self.name.as_ref().map(|name| {
            let quoted = name.replace('"', "\"\"");
            format!("name=\"{quoted}\"")
        });
        let uuid = self.uuid.map(|uuid| format!("uuid={uuid}"));
        let parts: Vec<String> = [id, name, uuid].into_iter().flatten().collect();
        parts.join(" | ")
    }

    /// Finds the selected domain in a snapshot.
    ///
    /// # Errors
    /// If no domain matches, or more than one.
    pub fn find(&self, snapshot: &Snapshot) -> Result<Identity, NotFound> {
        let matching: Vec<&Domain> = snapshot
            .domains
            .iter()
            .filter(|domain| self.matches(domain.identity(), domain.name.as_deref()))
            .collect();
        match matching[..] {
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
            _ => {
                let ids = matching.iter().map(|domain| format!("id:{}", domain.id));
                Err(NotFound::Ambiguous {
                    text: self.text.clone(),
                    choices: ids.collect::<Vec<_>>().join(" or "),
                })
            }
        }
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

    #[test]
    fn selectors_that_nothing_matched_are_left() {
        let wanted = ["web", "nobody", "id:7"].map(|text| text.parse().unwrap());
        let mut unmatched = Unmatched::new(wanted.to_vec());
        assert!(unmatched.is_all() && !Unmatched::new(Vec::new()).is_all());
        let mut other = host();
        other.domains.retain(|domain| domain.id.0 == 7);
        for snapshot in [host(), other] {
            unmatched.see(&snapshot);
        }
        let left = unmatched.left().iter().map(ToString::to_string);
        assert_eq!(left.collect::<Vec<_>>(), ["nobody"]);
        assert!(!unmatched.is_all());
    }

    fn find(text: &str) -> Result<u16, NotFound> {
        let selector: Selector = text.parse().unwrap();
        selector.find(&host()).map(|identity| identity.id.0)
    }

    #[test]
    fn finds_by_id_name_or_uuid() {
        assert_eq!(find("0"), Ok(0));
        assert_eq!(find("web"), Ok(5));
        assert_eq!(find("00000000-0000-0000-0000-000000000006"), Ok(5));
        assert_eq!(find("id:9"), Ok(9));
        assert_eq!(find("name:Domain-0"), Ok(0));
        assert_eq!(find("uuid:00000000-0000-0000-0000-000000000001"), Ok(0));
    }

    #[test]
    fn its_filter_matches_the_same_domains() {
        let snapshot = host();
        let rates = &crate::rates::Rates::between(None, &snapshot);
        for text in [
            "web",
            "5",
            "name:5",
            "id:5",
            "00000000-0000-0000-0000-000000000009",
            "a \"b\" | c",
        ] {
            let selector: Selector = text.parse().unwrap();
            let filter = crate::filter::Filter::parse(&selector.filter(), &|_| None).unwrap();
            let sample = crate::sample::Sample {
                snapshot: &snapshot,
                rates,
            };
            for one in sample.domains() {
                let selected = selector.matches(one.domain.identity(), one.domain.name.as_deref());
                assert_eq!(
                    filter.matches(one, None),
                    selected,
                    "{text}: {:?}",
                    one.domain.name
                );
            }
        }
    }

    #[test]
    fn number_that_is_also_a_name_is_ambiguous() {
        let error = find("5").unwrap_err();
        assert_eq!(error.to_string(), "'5' is ambiguous; use id:5 or id:8");
        assert_eq!(find("id:5"), Ok(5));
        assert_eq!(find("name:5"), Ok(8));
    }

    #[test]
    fn shared_name_is_ambiguous() {
        let error = find("twin").unwrap_err();
        assert_eq!(error.to_string(), "'twin' is ambiguous; use id:6 or id:7");
    }

    #[test]
    fn unknown_domain_is_missing() {
        for text in ["Web", "we", "4", "+5", "id:1", "-", "name:"] {
            assert!(matches!(find(text), Err(NotFound::Missing(_))), "{text:?}");
        }
    }

    #[test]
    fn unknown_names_are_reported() {
        let mut snapshot = host();
        snapshot.notes.push(Note::XenstoreDown("stopped".into()));
        let find = |text: &str| text.parse::<Selector>().unwrap().find(&snapshot);
        assert!(matches!(find("db"), Err(NotFound::NamesUnknown(_))));
        assert!(matches!(find("id:77"), Err(NotFound::Missing(_))));
    }

    #[test]
    fn malformed_selectors_are_refused() {
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
