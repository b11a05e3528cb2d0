//! Which of the named domains a recording does not have.

use xenscope::selector::{NotFound, Selector};
use xenscope::snapshot::{Identity, Snapshot};

use crate::exit::{Outcome, complain};

/// The named domains that were not there so far.
pub(super) struct Missing<'a> {
    missing: Vec<Named<'a>>,
    named: usize,
}

/// A domain that is named, and was not there so far.
#[derive(Debug)]
struct Named<'a> {
    selector: &'a Selector,
    /// Whether it may have been there: its name was unknown in a snapshot.
    is_unknown: bool,
}

impl<'a> Missing<'a> {
    /// Begins with all that are named.
    pub(super) fn of(named: &'a [Selector]) -> Self {
        let missing = named.iter().map(|selector| Named {
            selector,
            is_unknown: false,
        });
        Self {
            missing: missing.collect(),
            named: named.len(),
        }
    }

    /// Leaves out those that are in a snapshot.
    pub(super) fn look_in(&mut self, snapshot: &Snapshot) {
        self.missing
            .retain_mut(|named| match named.selector.find(snapshot) {
                Ok(_) | Err(NotFound::Ambiguous { .. }) => false,
                Err(NotFound::Missing(_)) => true,
                Err(NotFound::NamesUnknown(_)) => {
                    named.is_unknown = true;
                    true
                }
            });
    }

    /// Leaves out those that select this domain.
    pub(super) fn saw(&mut self, domain: Identity, name: Option<&str>) {
        self.missing
            .retain(|named| !named.selector.matches(domain, name));
    }

    /// Returns whether domains are named, and none of them was there.
    pub(super) fn is_all(&self) -> bool {
        self.named > 0 && self.missing.len() == self.named
    }

    /// Says which are missing.
    pub(super) fn report(&self) -> Outcome {
        for Named {
            selector,
            is_unknown,
        } in &self.missing
        {
            match is_unknown {
                false => complain(format_args!(
                    "no domain '{selector}' was there in that time"
                )),
                true => complain(format_args!(
                    "cannot tell whether '{selector}' was there: XenStore did not answer for a part of that time"
                )),
            }
        }
        match self.missing.is_empty() {
            true => Outcome::Done,
            false => Outcome::NotThere,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use xenscope::snapshot::Note;

    use super::*;
    use crate::fixtures::{domain, snapshot};

    #[test]
    fn a_name_is_missing_until_it_is_seen() {
        let named = ["web", "5", "name:db", "nobody"].map(|text| text.parse().unwrap());
        let mut missing = Missing::of(&named);
        assert!(missing.is_all());
        let of = |missing: &Missing<'_>| {
            let texts = missing
                .missing
                .iter()
                .map(|named| named.selector.to_string());
            texts.collect::<Vec<_>>()
        };
        missing.look_in(&snapshot(0, 0, vec![domain(5, "web", 0, 0)]));
        assert_eq!(of(&missing), ["name:db", "nobody"]);
        assert!(!missing.is_all());
        let db = domain(6, "db", 0, 0);
        missing.saw(db.identity(), None);
        assert_eq!(of(&missing), ["name:db", "nobody"]);
        missing.saw(db.identity(), Some("db"));
        assert_eq!(of(&missing), ["nobody"]);
        assert_eq!(missing.report(), Outcome::NotThere);
        assert_eq!(Missing::of(&named[..0]).report(), Outcome::Done);
        assert!(!Missing::of(&named[..0]).is_all());
    }

    #[test]
    fn two_of_one_name_are_there_and_unknown_names_are_not() {
        let named = ["twin", "db", "id:77"].map(|text| text.parse().unwrap());
        let mut missing = Missing::of(&named);
        let twins = [5, 6].map(|id| domain(id, "twin", 0, 0));
        let mut all = snapshot(0, 0, twins.into());
        let unknown = |missing: &Missing<'_>| {
            let unknown = missing.missing.iter().map(|named| named.is_unknown);
            unknown.collect::<Vec<_>>()
        };
        missing.look_in(&all);
        assert_eq!(unknown(&missing), [false, false]);
        // It is not known whether one had the name, but whether one had the ID.
        all.notes.push(Note::XenstoreDown("stopped".into()));
        all.domains[0].name = None;
        missing.look_in(&all);
        assert_eq!(unknown(&missing), [true, false]);
    }
}
