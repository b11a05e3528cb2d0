//! Parses XenStore's values. They are arbitrary bytes, so anything unexpected is `None`.

use std::io::{self, ErrorKind};
use std::str::FromStr;
use std::str::Utf8Error;

use uuid::Uuid;

use crate::snapshot::{DiskBackend, DomId, Storage};

/// Parses a number as toolstacks write it, in node names and in values; `None` for anything else,
/// such as a sign or a leading zero: `backend/vif/05` is not `backend/vif/5`.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// Parses a number of KiB, in bytes; `None` for anything else.
pub(super) fn kib(text: &str) -> Option<u64> {
    number::<u64>(text.trim())?.checked_mul(1024)
}

/// Parses the UUID at the end of a domain's `vm` path: `/vm/UUID`, or `/vm/UUID-N` if an older
/// domain held that path; `None` for anything else.
pub(super) fn uuid(vm: &str) -> Option<Uuid> {
    let (uuid, rest) = vm.strip_prefix("/vm/")?.split_at_checked(36)?;
    let is_whole = rest.is_empty() || number::<u64>(rest.strip_prefix('-')?).is_some();
    Uuid::try_parse(uuid).ok().filter(|_| is_whole)
}

/// Parses the path of a device's backend, `/local/domain/SERVER/backend/KIND/DOMAIN/DEVICE`: returns
/// the domain that serves it, and the backend if it is a disk, `None` if it is a NIC. Returns `None`
/// for anything else.
pub(super) fn backend(path: &str) -> Option<(DomId, Option<DiskBackend>)> {
    let (domain, rest) = path.strip_prefix("/local/domain/")?.split_once('/')?;
    let (kind, _) = rest.strip_prefix("backend/")?.split_once('/')?;
    let disk = match kind {
        "vif" => None,
        "vbd" => Some(DiskBackend::Blkback),
        "vbd3" => Some(DiskBackend::Tapdisk),
        "qdisk" => Some(DiskBackend::Qdisk),
        _ => return None,
    };
    Some((DomId(number(domain)?), disk))
}

/// Returns whether a vCPU should be online by its `availability`; `None` for an unknown word.
pub(super) fn online(availability: &str) -> Option<bool> {
    match availability {
        "online" => Some(true),
        "offline" => Some(false),
        _ => None,
    }
}

/// Returns whether an error of xenstore-rs means that a path has nothing to show, and not that the
/// connection failed: the path does not exist, is not readable, or is not UTF-8.
pub(super) fn is_absent(error: &io::Error) -> bool {
    let source = error.get_ref();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => true,
        ErrorKind::InvalidData => source.is_some_and(|source| source.is::<Utf8Error>()),
        _ => false,
    }
}

/// Returns whether an error of xenstore-rs means that a list is longer than one reply.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    let source = error.get_ref();
    source.is_some_and(|source| source.to_string() == "XS interface error E2BIG")
}

/// Parses the `params` of a disk of XAPI, `/dev/sm/backend/SR/VDI` (xapi-project/sm, drivers/blktap2.py); `None` for
/// anything else.
pub(super) fn storage(params: &str) -> Option<Storage> {
    let (repository, image) = params.strip_prefix("/dev/sm/backend/")?.split_once('/')?;
    // As the storage manager writes them: 36 characters.
    let uuid = |text: &str| Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    Some(Storage {
        repository: uuid(repository)?,
        image: uuid(image)?,
    })
}

/// Returns whether a disk of a device model is a CD drive without a disk: libxl writes `params` as `FORMAT:FILE`, for an
/// empty drive without a file, and after a disk was ejected as an empty text (tools/libs/light/libxl_disk.c).
pub(super) fn is_empty_drive(params: &str) -> bool {
    let (_, file) = params.split_once(':').unwrap_or(("", params));
    file.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_plain_numbers_are_kib() {
        assert_eq!(kib("131072"), Some(134_217_728));
        for text in [
            "",
            "-1",
            "+1",
            "012",
            "12x",
            "1.5",
            "99999999999999999999",
            "18446744073709551615",
        ] {
            assert_eq!(kib(text), None, "{text:?}");
        }
    }

    #[test]
    fn vm_path_ends_in_the_uuid() {
        let expected = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(uuid(&format!("/vm/{expected}")), Some(expected));
        assert_eq!(uuid(&format!("/vm/{expected}-1")), Some(expected));
        for text in [
            "",
            "/vm/",
            "/vm/web",
            "/vm/01234567-89ab-cdef-0123-456789abcdef1",
            "/vm/01234567-89ab-cdef-0123-456789abcdef-",
            "/vm/01234567-89ab-cdef-0123-456789abcdef-x",
            "/vm/ééééééééééééééééééééééééééééééééééééé",
        ] {
            assert_eq!(uuid(text), None, "{text:?}");
        }
    }

    #[test]
    fn params_of_xapi_name_repository_and_image() {
        let (sr, vdi) = (
            "8d2b5e6a-0c4f-4a57-9f57-3e5f6c0d1a2b",
            "11111111-2222-3333-4444-555555555555",
        );
        let found = storage(&format!("/dev/sm/backend/{sr}/{vdi}")).unwrap();
        assert_eq!(found.repository.to_string(), sr);
        assert_eq!(found.image.to_string(), vdi);
        for params in [
            "",
            "/dev/sm/backend/",
            &format!("/dev/sm/backend/{sr}"),
            &format!("/dev/sm/backend/{sr}/"),
            &format!("/dev/sm/backend/{sr}/{vdi}/1"),
            &format!("/dev/sm/backend/{}/{vdi}", sr.replace('-', "")),
            &format!("/dev/xapi/cd/{sr}/{vdi}"),
            "aio:/var/lib/xen/images/web.img",
        ] {
            assert_eq!(storage(params), None, "{params}");
        }
    }

    #[test]
    fn a_backend_path_names_the_server() {
        let parsed = |path: &str| backend(&format!("/local/domain/{path}"));
        assert_eq!(parsed("3/backend/vif/5/0"), Some((DomId(3), None)));
        for (kind, disk) in [
            ("vbd", DiskBackend::Blkback),
            ("vbd3", DiskBackend::Tapdisk),
            ("qdisk", DiskBackend::Qdisk),
        ] {
            let path = format!("0/backend/{kind}/5/51712");
            assert_eq!(parsed(&path), Some((DomId(0), Some(disk))));
        }
        for path in [
            "",
            "3",
            "3/backend",
            "3/backend/vif",
            "3/backend/vif2/5/0",
            "3/device/vif/5/0",
            "03/backend/vif/5/0",
            "-1/backend/vif/5/0",
            "70000/backend/vif/5/0",
            "/backend/vif/5/0",
        ] {
            assert_eq!(parsed(path), None, "{path}");
        }
        assert_eq!(backend("local/domain/3/backend/vif/5/0"), None);
    }

    #[test]
    fn only_a_failed_connection_is_an_error() {
        let other = |text: &'static str| io::Error::new(ErrorKind::InvalidData, text);
        let not_text = String::from_utf8(vec![0xff]).map_err(|error| error.utf8_error());
        let not_text = io::Error::new(ErrorKind::InvalidData, not_text.unwrap_err());
        assert!(is_absent(&ErrorKind::NotFound.into()));
        assert!(is_absent(&not_text));
        assert!(is_too_long(&other("XS interface error E2BIG")));
        assert!(!is_absent(&other("XS interface error E2BIG")));
        assert!(!is_too_long(&ErrorKind::NotFound.into()));
        assert!(!is_absent(&other("Got unrelated response (Write)")));
        assert!(!is_absent(&ErrorKind::BrokenPipe.into()));
        assert!(!is_absent(&ErrorKind::UnexpectedEof.into()));
    }

    #[test]
    fn a_drive_without_a_file_is_empty() {
        for empty in ["", "aio:", "qcow2:"] {
            assert!(is_empty_drive(empty), "{empty}");
        }
        for full in ["aio:/iso/a.iso", "/dev/vg/disk", "vhd:a:b"] {
            assert!(!is_empty_drive(full), "{full}");
        }
    }
}
