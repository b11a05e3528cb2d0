//! Everything that is measured beside one set of domains.

use std::time::Duration;

use anyhow::Result;
use lab::bench::figures::Stage;
use xenscope::snapshot::Collect;
use xenscope::source::Source;

use crate::books::Books;
use crate::{inside, monitor, once};

/// How long a program has for what it does but once, such as to watch XenStore, for each domain.
const WARMING: Duration = Duration::from_millis(10);

/// Measures it all; it takes a minute and more.
pub(crate) fn measure() -> Result<Stage> {
    let collect = Collect {
        nics: true,
        disks: true,
        ..Collect::default()
    };
    let domains = Source::open(collect, false)?.sample()?.domains;
    let warming = WARMING * domains.len() as u32;
    let mut books = Books::open()?;
    let books = &mut books;
    let lists = once::measure([&["xenscope", "list"], &["xl", "list"]], books)?;
    let [xenscope_list, xl_list] = lists;
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
        xenscope_top: monitor::measure(&["xenscope", "top", "-b", "-d", "1"], warming, books)?,
        xentop: monitor::measure(&["xentop", "-b", "-d", "1"], warming, books)?,
        xenscope_list,
        xl_list,
        inside: inside::measure(warming)?,
    })
}
