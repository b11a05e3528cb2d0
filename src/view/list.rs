//! The guests that run, one line each.

use super::Sample;
use super::table::{Align, Table};
use super::text::{UNKNOWN, mib, safe};

/// The table of `xenscope list`, at most `width` columns wide where the names can give way.
pub fn table(sample: Sample<'_>, width: Option<usize>) -> String {
    let mut table = Table::new(&[
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("TYPE", Align::Left),
        ("STATE", Align::Left),
        ("VCPUS", Align::Right),
        ("MEMORY", Align::Right),
    ]);
    for (domain, _) in sample.domains() {
        table.row(vec![
            domain.id.to_string(),
            safe(domain.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
            domain.kind.to_string(),
            domain.states.summary().to_string(),
            domain.vcpus_online.to_string(),
            mib(domain.memory_bytes),
        ]);
    }
    table.render(width)
}
