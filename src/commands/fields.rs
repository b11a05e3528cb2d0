//! `xenscope fields`

use std::io;

use xenscope::view::fields;

use super::{print, terminal_width};
use crate::cli::{Fields, FieldsFormat};

pub(crate) fn run(options: &Fields) -> io::Result<()> {
    print(&match options.format {
        FieldsFormat::Table => fields::tables(terminal_width()),
        FieldsFormat::Markdown => fields::markdown(),
    })
}
