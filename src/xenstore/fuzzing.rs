//! Properties of XenStore's texts; see [`crate::fuzzing`].

use super::daemon;
use super::parse::{backend, kib, number, online, uuid};
use super::watched_path::Kind;
use crate::fuzzing::digits;
use crate::snapshot::DiskBackend;

/// Checks the parsers of values, node names and paths in XenStore, and of the daemon's `stat`.
pub fn xenstore(bytes: &[u8]) {
    state(bytes);
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    // Another spelling of a number is another node.
    let plain = |text: &str| digits(text.as_bytes()).filter(|number| number.to_string() == text);
    assert_eq!(number(text), plain(text));
    let bytes = plain(text.trim()).and_then(|kib| kib.checked_mul(1024));
    assert_eq!(kib(text), bytes);
    if let Some(online) = online(text) {
        assert_eq!(if online { "online" } else { "offline" }, text);
    }
    if let Some(uuid) = uuid(text) {
        let lower = text.to_ascii_lowercase();
        let suffix = lower.strip_prefix(&format!("/vm/{uuid}"));
        let suffix = suffix.map(|suffix| suffix.strip_prefix('-').unwrap_or(suffix));
        assert!(
            suffix.is_some_and(|n| n.is_empty() || n.bytes().all(|b| b.is_ascii_digit())),
            "{text:?}"
        );
    }
    if let Some((domain, disk)) = backend(text) {
        let kind = disk.map_or("vif", |disk| match disk {
            DiskBackend::Blkback => "vbd",
            DiskBackend::Tapdisk => "vbd3",
            DiskBackend::Qdisk => "qdisk",
        });
        let start = format!("/local/domain/{domain}/backend/{kind}/");
        assert!(text.starts_with(&start), "{text:?}");
    }
    folder(text);
}

/// Asserts that the domain of a path is in it, below the right folder.
fn folder(path: &str) {
    for (kind, folder) in [
        (Kind::Vif, "/local/domain/0/backend/vif"),
        (Kind::Vbd3, "/local/domain/0/backend/vbd3"),
        (Kind::Qdisk, "/local/domain/0/backend/qdisk"),
        (Kind::Libxl, "/libxl"),
        (Kind::Xenopsd, "/xenops/domain"),
    ] {
        if let Some(domain) = kind.domain_of(path) {
            let expected = format!("{folder}/{domain}");
            assert!(
                path == expected || path.starts_with(&format!("{expected}/")),
                "{path}"
            );
        }
    }
}

/// Asserts that the state is the letter after the last bracket and a space.
fn state(stat: &[u8]) {
    let letter = daemon::state(stat);
    let behind = stat.rsplitn(2, |&byte| byte == b')').next();
    let expected = match behind {
        Some([b' ', letter, ..]) if stat.contains(&b')') => Some(*letter),
        _ => None,
    };
    assert_eq!(letter, expected);
}
