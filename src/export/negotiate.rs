//! What a client wants: the format, and whether it is compressed.

use crate::view::openmetrics::Format;

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) format: Format,
    pub(super) gzip: bool,
}

/// Returns the format that an `Accept` header prefers (RFC 9110, 12.5.1); the classic one if it names none.
pub(super) fn format(accept: &str) -> Format {
    let mut best = (Format::Classic, 0);
    for Range {
        name,
        quality,
        version,
    } in ranges(accept)
    {
        let format = match (name.as_str(), version) {
            ("application/openmetrics-text", None | Some("1.0.0")) => Format::OpenMetrics,
            ("text/plain" | "text/*" | "*/*", None | Some("0.0.4")) => Format::Classic,
            _ => continue,
        };
        if quality > best.1 || (quality == best.1 && quality > 0 && format == Format::OpenMetrics) {
            best = (format, quality);
        }
    }
    best.0
}

/// Returns whether an `Accept-Encoding` header allows gzip (RFC 9110, 12.5.3).
pub(super) fn gzip(accept_encoding: &str) -> bool {
    let quality = |wanted: &str| {
        let mut ranges = ranges(accept_encoding);
        ranges.find_map(|range| (range.name == wanted).then_some(range.quality))
    };
    quality("gzip").or_else(|| quality("*")).unwrap_or(0) > 0
}

/// A part of such a header.
struct Range<'a> {
    /// In lower case.
    name: String,
    /// From 0 to 1, in thousandths.
    quality: u32,
    version: Option<&'a str>,
}

fn ranges(header: &str) -> impl Iterator<Item = Range<'_>> {
    header.split(',').map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut quality, mut version) = (1000, None);
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("q", value)) => quality = thousandths(value.trim()),
                Some(("version", value)) => version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        Range {
            name,
            quality,
            version,
        }
    })
}

/// Returns a quality from 0 to 1 in thousandths; 0 if it is malformed.
fn thousandths(quality: &str) -> u32 {
    let quality: f64 = quality.parse().unwrap_or(0.0);
    (quality.clamp(0.0, 1.0) * 1000.0) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clients_get_what_they_prefer() {
        for (accept, expected) in [
            ("", Format::Classic),
            ("*/*", Format::Classic),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Classic),
            ("application/openmetrics-text", Format::OpenMetrics),
            // Prometheus 2.42 (Debian 12) and 3.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "text/plain;version=0.0.4;q=0.6, application/openmetrics-text; version=1.0.0; q=0.5",
                Format::Classic,
            ),
            (
                "application/openmetrics-text;version=0.0.1",
                Format::Classic,
            ),
            ("application/openmetrics-text;q=0", Format::Classic),
            ("application/openmetrics-text;q=NaN", Format::Classic),
        ] {
            assert_eq!(format(accept), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_used_if_it_is_allowed() {
        for (accept_encoding, expected) in [
            ("", false),
            ("gzip", true),
            ("deflate, gzip;q=0.5, br", true),
            ("GZIP", true),
            ("*", true),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("xgzip", false),
        ] {
            assert_eq!(gzip(accept_encoding), expected, "{accept_encoding}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_headers_cause_no_panic(header: String) {
            format(&header);
            gzip(&header);
        }
    }
}
