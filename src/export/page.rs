//! An exposition, formatted once for everyone who asks.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::view::openmetrics::{Exposition, Format};

/// An exposition with its texts.
pub(super) struct Page {
    exposition: Exposition,
    open_metrics: OnceLock<Bytes>,
    classic: OnceLock<Bytes>,
}

impl Page {
    pub(super) fn of(exposition: Exposition) -> Self {
        Self {
            exposition,
            open_metrics: OnceLock::new(),
            classic: OnceLock::new(),
        }
    }

    /// Returns its text, which is the same memory for all callers.
    pub(super) fn text(&self, format: Format) -> Bytes {
        let text = match format {
            Format::OpenMetrics => &self.open_metrics,
            Format::Classic => &self.classic,
        };
        text.get_or_init(|| self.exposition.text(format).into())
            .clone()
    }
}
