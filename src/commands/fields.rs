//! `xenscope fields`

use xenscope::view::fields;

use super::output::Output;
use crate::cli::{Fields, FieldsFormat};
use crate::exit::Outcome;

pub(super) fn run(options: &Fields, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let text = match options.format {
        FieldsFormat::Table => fields::tables(out.width()),
        FieldsFormat::Markdown => fields::markdown(),
    };
    out.print(&text)?;
    Ok(Outcome::Done)
}
