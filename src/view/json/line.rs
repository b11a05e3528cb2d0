//! JSON objects, one per line.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::text::{is_unsafe, utf8};

/// Formats an object as one line.
pub(in crate::view) fn object(object: &impl Serialize) -> String {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Escaping);
    // Writing to a Vec can't fail, and no object has maps or numbers that JSON can't represent.
    let _ = object.serialize(&mut serializer);
    out.push(b'\n');
    utf8(&out).into_owned()
}

/// Escapes characters that could affect a terminal, in addition to those that JSON escapes.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unsafe) {
            let (before, from) = rest.split_at(at);
            CompactFormatter.write_string_fragment(writer, before)?;
            let mut characters = from.chars();
            for unit in characters
                .next()
                .into_iter()
                .collect::<String>()
                .encode_utf16()
            {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}
