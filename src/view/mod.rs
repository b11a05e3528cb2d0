//! What people and programs get to see: snapshots and rates turned into text.
//!
//! A view takes a [`Sample`] and returns text; it reads nothing and writes nothing.

pub mod csv;
pub mod json;
pub mod list;
pub mod status;
mod table;
pub mod text;
pub mod top;
pub mod xentop;

use crate::rates::{DomainRates, Rates};
use crate::snapshot::{Domain, Snapshot};

/// A snapshot and the rates since the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// What happened since the last time.
    pub rates: &'a Rates,
}

impl<'a> Sample<'a> {
    /// Each domain with its rates.
    pub fn domains(self) -> impl Iterator<Item = (&'a Domain, &'a DomainRates)> {
        self.snapshot.domains.iter().zip(&self.rates.domains)
    }
}
