//! The rows of the panes over all domains.

use crate::fields::Thing;
use crate::sample::{DomainSample, Sample};
use crate::snapshot::Identity;
use crate::view::tui::cursor::Rows;

/// Where the thing of a row is in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The index of its domain in the snapshot. For a pCPU, the domain that ran on it, if one did.
    pub(super) domain: Option<usize>,
    /// Its index among those of its domain. For a pCPU, among those of the host.
    pub(super) index: usize,
    /// For a pCPU, the number of the vCPU that ran on it, if one did.
    pub(super) vcpu: Option<u32>,
    /// For a pCPU, the number of vCPUs that waited for it; `None` if unknown.
    pub(super) queued: Option<u32>,
}

/// What stays the same of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Its domain; `None` for a pCPU.
    pub(super) domain: Option<Identity>,
    /// Its number, in the domain or in Xen.
    pub(super) id: u32,
}

/// A row: its key, and where its thing is in the sample.
pub(super) type Entry = (Key, Place);

/// The thing of a row, and its domain.
#[derive(Clone, Copy)]
pub(super) struct Row<'a, T: Thing> {
    pub(super) sample: Sample<'a>,
    pub(super) domain: Option<DomainSample<'a>>,
    pub(super) thing: T::Of<'a>,
    pub(super) place: Place,
}

/// The rows of a pane.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Those that match the filter, in display order.
    pub(super) shown: Vec<Entry>,
    /// The others.
    pub(super) hidden: Vec<Entry>,
}

impl Entries {
    /// Returns the index of the domain of each shown row.
    pub(super) fn domains(&self) -> impl Iterator<Item = usize> {
        self.shown.iter().filter_map(|(_, place)| place.domain)
    }
}

impl Rows for Entries {
    type Key = Key;

    fn count(&self) -> usize {
        self.shown.len()
    }

    fn key(&self, row: usize) -> Option<Key> {
        self.shown.get(row).map(|&(key, _)| key)
    }

    fn find(&self, key: Key) -> Option<usize> {
        self.shown.iter().position(|&(one, _)| one == key)
    }

    fn exists(&self, key: Key) -> bool {
        self.hidden.iter().any(|&(one, _)| one == key)
    }
}
