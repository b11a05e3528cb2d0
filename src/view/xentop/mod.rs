//! The layout of `xentop -b`, so that scripts for xentop work with xenscope.
//!
//! Columns, widths, order and the lines below a domain are those of xentop on Xen 4.17 and 4.20;
//! `-p` is that of xentop on 4.21. The differences are deliberate: the first block has rates, no
//! domain appears twice, domains without a name are included, NICs without a bridge are included,
//! VCPUS is the number of online vCPUs, and an unknown value is `-`.
//!
//! NETTX and NETRX are what dom0's side of the NIC sent and received, as in xentop.

mod lines;
mod parts;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use super::{DisplayOptions, Sample};
use crate::snapshot::{DomId, Domain};
use crate::xentop::{COLUMNS, Cells, Figures};
use lines::Lines;

pub use crate::xentop::DISK_COUNTERS;

/// The columns that are widened to fit their cells.
const GROWING: [usize; 7] = [0, 10, 11, 14, 15, 16, 17];

/// Returns a single block.
#[cfg(test)]
pub(crate) fn block(sample: Sample<'_>, shown: DisplayOptions) -> String {
    let mut blocks = Blocks::new(shown);
    blocks.block(sample);
    blocks.text
}

/// Formats blocks, one for each sample.
#[derive(Debug)]
pub struct Blocks {
    shown: DisplayOptions,
    /// The indices of the domains in the last sample, in the order of its lines. The next sample
    /// usually has the same order, so sorting is fast.
    order: Vec<usize>,
    /// The last block.
    text: String,
}

impl Blocks {
    /// Returns a formatter that has no block yet.
    pub fn new(shown: DisplayOptions) -> Self {
        Self {
            shown,
            order: Vec::new(),
            text: String::new(),
        }
    }

    /// Formats the next block: the heading and a line for each domain, ordered by name as in
    /// xentop.
    pub fn block(&mut self, sample: Sample<'_>) -> &str {
        self.sort(&sample.snapshot.domains);
        let usual = COLUMNS.map(|(_, width)| width);
        let spent = std::mem::take(&mut self.text);
        let mut lines = self.lines(sample, usual, spent);
        let mut widths = usual;
        for column in GROWING {
            widths[column] = lines.wanted[column];
        }
        if widths != usual {
            // This is rare, because most numbers fit.
            lines = self.lines(sample, widths, lines.into_text());
        }
        if self.shown.pcpus {
            lines.push(&parts::pcpus(sample));
        }
        self.text = lines.into_text();
        &self.text
    }

    fn sort(&mut self, domains: &[Domain]) {
        if self.order.len() != domains.len() {
            self.order = (0..domains.len()).collect();
        }
        let later = |domain: &Domain| self.shown.dom0_first && domain.id != DomId(0);
        self.order.sort_by(|&a, &b| {
            let (a, b) = (&domains[a], &domains[b]);
            later(a).cmp(&later(b)).then_with(|| by_name(a, b))
        });
    }

    /// Returns the lines, with columns of these widths.
    fn lines(&self, sample: Sample<'_>, widths: [usize; COLUMNS.len()], spent: String) -> Lines {
        let DisplayOptions {
            networks,
            vbds,
            repeat_header,
            full_name,
            ..
        } = self.shown;
        let host_bytes = sample.snapshot.host.memory_bytes;
        let mut lines = Lines::new(widths, spent);
        for (line, &index) in self.order.iter().enumerate() {
            let domain = &sample.snapshot.domains[index];
            let rates = &sample.rates.domains[index];
            if line == 0 || repeat_header {
                COLUMNS.iter().for_each(|(head, _)| lines.text(head));
            }
            let figures = Figures::of(domain, rates, host_bytes);
            figures.fill(&mut lines, domain.name.as_deref(), full_name);
            if self.shown.vcpus {
                lines.push(&parts::vcpus(domain));
            }
            let nics = domain.nics.iter().flatten().filter(|_| networks);
            for (index, nic) in nics.enumerate() {
                lines.push(&parts::network(index, nic));
            }
            for disk in domain.disks.iter().flatten().filter(|_| vbds) {
                lines.push(&parts::vbd(disk));
            }
        }
        lines
    }
}

/// Compares by name, ignoring case, with domains without a name last, and then by ID.
fn by_name(a: &Domain, b: &Domain) -> Ordering {
    match (&a.name, &b.name) {
        (Some(a), Some(b)) => lowered(a).cmp(lowered(b)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
    .then(a.id.cmp(&b.id))
}

fn lowered(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}
