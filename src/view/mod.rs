//! What people and programs get to see: snapshots and rates turned into text.
//!
//! A view takes a [`Sample`] and returns text; it reads nothing and writes nothing.

pub mod audit;
pub mod compare;
pub mod csv;
pub mod events;
pub mod host;
pub mod json;
pub mod list;
mod options;
pub mod status;
mod table;
pub mod top;
pub mod tui;
pub mod vcpus;
pub mod xentop;

pub use options::DisplayOptions;

use crate::rates::{DomainRates, Rate, Rates};
use crate::snapshot::{Domain, Pcpu, Snapshot, Vcpu};

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

    /// Each vCPU that is known with its domain and its CPU use.
    pub fn vcpus(self) -> impl Iterator<Item = (&'a Domain, &'a Vcpu, Option<Rate>)> {
        self.domains().flat_map(|(domain, rates)| {
            let vcpus = domain.vcpus.iter().flatten();
            vcpus
                .zip(&rates.vcpu_percent)
                .map(move |(vcpu, percent)| (domain, vcpu, *percent))
        })
    }

    /// Each pCPU with its use.
    pub fn pcpus(self) -> impl Iterator<Item = (&'a Pcpu, Option<Rate>)> {
        let percents = self.rates.host.pcpu_percent.iter().copied();
        self.snapshot.host.pcpu.iter().zip(percents)
    }
}

#[cfg(test)]
mod tests;
