use uuid::Uuid;

use super::{assert_harmless, digits};
use crate::interval;
use crate::selector::Selector;
use crate::snapshot::{DomId, Identity};

/// Domains and intervals as people give them on the command line.
pub fn arguments(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    match text.parse() {
        Ok(selector) => means_what_it_says(text, &selector),
        Err(error) => assert_harmless(&format!("{error:#}")),
    }
    match interval::parse(text) {
        Ok(interval) => {
            assert!((interval::SHORTEST..=interval::LONGEST).contains(&interval));
            let said = text.parse().unwrap_or(f64::NAN);
            assert!((interval.as_secs_f64() - said).abs() < 1e-9, "{text:?}");
        }
        Err(error) => assert_harmless(&error),
    }
}

/// A domain is meant by exactly its id, its name or its uuid.
fn means_what_it_says(text: &str, selector: &Selector) {
    assert_harmless(&selector.to_string());
    let (by, value) = match text.split_once(':') {
        Some((by @ ("id" | "name" | "uuid"), value)) => (Some(by), value),
        _ => (None, text),
    };
    let number = digits(value.as_bytes());
    let said = Uuid::try_parse(value).ok();
    let ids = [Some(5), number].into_iter().flatten();
    for id in ids.filter_map(|id| u16::try_from(id).ok()) {
        for uuid in [Uuid::from_u128(5), said.unwrap_or_default()] {
            for name in [None, Some("web"), Some(value)] {
                let may_be = |kind| by.is_none_or(|by| by == kind);
                let expected = may_be("id") && number == Some(id.into())
                    || may_be("uuid") && said == Some(uuid)
                    || may_be("name") && name == Some(value);
                let id = DomId(id);
                let matches = selector.matches(Identity { id, uuid }, name);
                assert_eq!(matches, expected, "{text:?} {id} {uuid} {name:?}");
            }
        }
    }
}
