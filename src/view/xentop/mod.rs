//! The layout of `xentop -b`, so that scripts for xentop work with xenscope.
//!
//! Columns, widths, order and the lines below a domain are those of xentop on Xen 4.17 and 4.20;
//! `-p` is that of xentop on 4.21. The differences are deliberate: the first block has rates, no
//! domain appears twice, domains without a name are included, NICs without a bridge are included,
//! VCPUS is the number of online vCPUs, and an unknown value is `-`.
//!
//! As in xentop, a device that another domain serves is not there, and not in the sums.
//!
//! NETTX and NETRX are what dom0's side of the NIC sent and received, as in xentop.

mod line;
mod parts;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use super::{DisplayOptions, Sample};
use crate::snapshot::{DomId, Domain};
use crate::xentop::{COLUMNS, Cells, Figures, disks, nics};
use line::{Line, Widths, usual_widths};

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

/// Formats blocks, one for each sample. A domain's line is copied from the block before if nothing
/// in it has changed.
#[derive(Debug)]
pub struct Blocks {
    shown: DisplayOptions,
    /// The rows of the last block.
    rows: Vec<Row>,
    /// The widths of the last block's columns.
    widths: Widths,
    /// The last block.
    text: String,
    /// The block before it, whose memory is reused.
    spent: String,
}

/// A domain in the last block.
#[derive(Debug)]
struct Row {
    /// The domain's index in the sample.
    index: usize,
    id: DomId,
    name: Option<Arc<str>>,
    /// `None` if the row is not formatted yet.
    line: Option<Formatted>,
}

/// A domain's line in the last block.
#[derive(Debug)]
struct Formatted {
    figures: Figures,
    /// Where it is in the text of the block, with the heading above it.
    text: Range<usize>,
    /// The widths that it needs; `None` if xentop's usual widths are enough.
    wide: Option<Box<Widths>>,
}

impl Blocks {
    /// Returns a formatter that has no block yet.
    pub fn new(shown: DisplayOptions) -> Self {
        Self {
            shown,
            rows: Vec::new(),
            widths: usual_widths(),
            text: String::new(),
            spent: String::new(),
        }
    }

    /// Formats the next block: the heading and a line for each domain, ordered by name as in
    /// xentop.
    pub fn block(&mut self, sample: Sample<'_>) -> &str {
        self.sort(&sample.snapshot.domains);
        self.format(sample);
        let widths = self.needed();
        if widths != self.widths {
            self.widths = widths;
            self.rows.iter_mut().for_each(|row| row.line = None);
            self.format(sample);
        }
        if self.shown.pcpus {
            self.text.push_str(&parts::pcpus(sample));
        }
        &self.text
    }

    /// Sorts the rows, unless the domains and their names are those of the last block.
    fn sort(&mut self, domains: &[Domain]) {
        let same = |row: &Row| {
            let domain = domains.get(row.index);
            domain.is_some_and(|domain| domain.id == row.id && domain.name == row.name)
        };
        if self.rows.len() == domains.len() && self.rows.iter().all(same) {
            return;
        }
        let row = |(index, domain): (usize, &Domain)| Row {
            index,
            id: domain.id,
            name: domain.name.clone(),
            line: None,
        };
        self.rows = domains.iter().enumerate().map(row).collect();
        let later = |row: &Row| self.shown.dom0_first && row.id != DomId::DOM0;
        self.rows
            .sort_by(|a, b| later(a).cmp(&later(b)).then_with(|| by_name(a, b)));
    }

    /// Formats the rows, with columns of the current widths.
    fn format(&mut self, sample: Sample<'_>) {
        let DisplayOptions {
            networks,
            vbds,
            repeat_header,
            full_name,
            ..
        } = self.shown;
        let host_bytes = sample.snapshot.host.memory_bytes;
        mem::swap(&mut self.text, &mut self.spent);
        self.text.clear();
        let (text, before) = (&mut self.text, &self.spent);
        let mut line = Line::new(self.widths);
        for (number, row) in self.rows.iter_mut().enumerate() {
            let domain = &sample.snapshot.domains[row.index];
            let figures = Figures::of(domain, &sample.rates.domains[row.index], host_bytes);
            let start = text.len();
            match &mut row.line {
                Some(same) if same.figures == figures => {
                    text.push_str(&before[same.text.clone()]);
                    same.text = start..text.len();
                }
                changed => {
                    if number == 0 || repeat_header {
                        line.start();
                        COLUMNS.iter().for_each(|(head, _)| line.text(head));
                        text.push_str(&line.written());
                    }
                    line.start();
                    figures.fill(&mut line, row.name.as_deref(), full_name);
                    text.push_str(&line.written());
                    *changed = Some(Formatted {
                        figures,
                        text: start..text.len(),
                        wide: line.wide(),
                    });
                }
            }
            if self.shown.vcpus {
                text.push_str(&parts::vcpus(domain));
            }
            if networks {
                for (index, nic) in nics(domain).into_iter().flatten().enumerate() {
                    text.push_str(&parts::network(index, nic));
                }
            }
            if vbds {
                for disk in disks(domain).into_iter().flatten() {
                    text.push_str(&parts::vbd(disk));
                }
            }
        }
    }

    /// Returns the widths that the rows need.
    fn needed(&self) -> Widths {
        let lines = self.rows.iter().filter_map(|row| row.line.as_ref());
        let mut widths = usual_widths();
        for wide in lines.filter_map(|line| line.wide.as_ref()) {
            for column in GROWING {
                widths[column] = widths[column].max(wide[column]);
            }
        }
        widths
    }
}

/// Compares by name, ignoring case, with domains without a name last, and then by ID.
fn by_name(a: &Row, b: &Row) -> Ordering {
    match (&a.name, &b.name) {
        (Some(a), Some(b)) => lowered(a).cmp(lowered(b)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
    .then(a.id.cmp(&b.id))
}

fn lowered(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}
