//! What XenStore's values mean; they are arbitrary bytes, and believed only as far as they make
//! sense.

use uuid::Uuid;

/// Bytes from a number of KiB; `None` for anything else.
pub(super) fn kib(text: &str) -> Option<u64> {
    text.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The uuid at the end of a domain's `vm` path: `/vm/UUID`, or `/vm/UUID-N` where an older
/// domain held that path.
pub(super) fn uuid(vm: &str) -> Option<Uuid> {
    let last = vm.strip_prefix("/vm/")?;
    Uuid::try_parse(last.get(..36)?).ok()
}

/// Whether a vCPU's `availability` says that it is to be online; `None` for a word without meaning.
pub(super) fn online(availability: &str) -> Option<bool> {
    match availability {
        "online" => Some(true),
        "offline" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_kib_or_nothing() {
        assert_eq!(kib("131072"), Some(134_217_728));
        for text in [
            "",
            "-1",
            "12x",
            "1.5",
            "99999999999999999999",
            "18446744073709551615",
        ] {
            assert_eq!(kib(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_vm_path_ends_in_the_uuid() {
        let expected = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(uuid(&format!("/vm/{expected}")), Some(expected));
        assert_eq!(uuid(&format!("/vm/{expected}-1")), Some(expected));
        for text in [
            "",
            "/vm/",
            "/vm/web",
            "/vm/ééééééééééééééééééééééééééééééééééééé",
        ] {
            assert_eq!(uuid(text), None, "{text:?}");
        }
    }
}
