//! Everything that is measured beside one set of domains.

use anyhow::Result;
use lab::bench::figures::Stage;
use xenscope::source::{Parts, Source};

use crate::books::Books;
use crate::{inside, monitor, once};

/// Measures it all; it takes a minute and more.
pub(crate) fn measure() -> Result<Stage> {
    let parts = Parts {
        nics: true,
        disks: true,
        ..Parts::default()
    };
    let domains = Source::open(parts, false)?.sample()?.domains;
    let mut books = Books::open()?;
    let books = &mut books;
    Ok(Stage {
        domains: domains.len(),
        nics: domains
            .iter()
            .flat_map(|domain| &domain.nics)
            .flatten()
            .count(),
        disks: domains
            .iter()
            .flat_map(|domain| &domain.disks)
            .flatten()
            .count(),
        idle_share: books.idle_share,
        xenscope_top: monitor::measure(
            &["xenscope", "top", "-b", "-d", "1"],
            domains.len(),
            books,
        )?,
        xentop: monitor::measure(&["xentop", "-b", "-d", "1"], domains.len(), books)?,
        xenscope_list: once::measure(&["xenscope", "list"], books)?,
        xl_list: once::measure(&["xl", "list"], books)?,
        inside: inside::measure()?,
    })
}
