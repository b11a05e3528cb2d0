//! An exposition, formatted once for everyone who asks.

use std::io::Write;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::negotiate::Wanted;
use crate::view::openmetrics::{Exposition, Format};

/// An exposition with its texts.
pub(super) struct Page {
    exposition: Exposition,
    open_metrics: Texts,
    classic: Texts,
}

/// The text in one format.
#[derive(Default)]
struct Texts {
    plain: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl Page {
    pub(super) fn of(exposition: Exposition) -> Self {
        Self {
            exposition,
            open_metrics: Texts::default(),
            classic: Texts::default(),
        }
    }

    /// Returns what a client gets, which is the same memory for all who want the same.
    pub(super) fn body(&self, wanted: Wanted) -> Bytes {
        let texts = match wanted.format {
            Format::OpenMetrics => &self.open_metrics,
            Format::Classic => &self.classic,
        };
        let text = || self.exposition.text(wanted.format);
        let body = match wanted.gzip {
            true => texts.gzip.get_or_init(|| compressed(&text())),
            false => texts.plain.get_or_init(|| text().into()),
        };
        body.clone()
    }
}

/// Compresses with the least effort: dom0's CPU time is the guests'.
fn compressed(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Memory takes all that is written.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default().into()
}
