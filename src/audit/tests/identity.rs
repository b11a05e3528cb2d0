//! Identity.

use super::*;

#[test]
fn missing_name_fails_on_a_domain_that_has_run() {
    let report = altered(|snapshot, _| web(snapshot).name = None);
    assert_eq!(found(&report), failed("identity.names"));
    let report = altered(|snapshot, second| {
        web(snapshot).name = web(snapshot).name.take().filter(|_| second == 1);
    });
    assert_eq!(found(&report), warned("identity.names"));
    let report = altered(|snapshot, _| {
        never_run(snapshot);
        web(snapshot).name = None;
    });
    assert_eq!(found(&report), warned("identity.names"));
}

#[test]
fn domain_on_one_side_only_is_found() {
    let report = altered(|snapshot, _| {
        let listing = snapshot.listing.as_mut().unwrap();
        listing.domains = vec![DomId(0)];
        // A domain that is not in XenStore has no name there.
        web(snapshot).name = None;
    });
    assert_eq!(found(&report), failed("identity.in_store"));
    let orphan = |from: u64| {
        altered(move |snapshot, second| {
            if second >= from {
                let listing = snapshot.listing.as_mut().unwrap();
                listing.domains.push(DomId(4000));
            }
        })
    };
    assert_eq!(found(&orphan(1)), failed("identity.orphans"));
    assert_eq!(found(&orphan(2)), warned("identity.orphans"));
}

#[test]
fn missing_list_skips_its_checks() {
    let report = altered(|snapshot, _| snapshot.listing = None);
    assert_eq!(found(&report), []);
    for check in [
        "identity.in_store",
        "identity.orphans",
        "identity.names",
        "devices.backends",
        "devices.kernel",
    ] {
        let finding = of(&report, check);
        assert_eq!(finding.verdict, Verdict::Skipped, "{check}");
        let reason = finding.reason.as_ref().unwrap();
        assert!(reason.contains("did not list"), "{check}: {reason}");
    }
}

#[test]
fn long_lists_hide_only_orphans() {
    let report = altered(|snapshot, _| {
        let listing = snapshot.listing.as_mut().unwrap();
        let folders = ["/local/domain", "/local/domain/0/backend/vif"];
        listing.too_long = folders.map(str::to_owned).to_vec();
    });
    assert_eq!(found(&report), []);
    for (check, verdict) in [
        ("identity.in_store", Verdict::Ok),
        ("identity.names", Verdict::Ok),
        ("identity.orphans", Verdict::Skipped),
        ("devices.backends", Verdict::Ok),
    ] {
        let finding = of(&report, check);
        assert_eq!(finding.verdict, verdict, "{check}");
        let reason = finding.reason.as_deref().unwrap_or_default();
        let limited = ["identity.orphans", "devices.backends"].contains(&check);
        assert_eq!(reason.contains("4 KiB"), limited, "{check}: {reason}");
    }
}

#[test]
fn shared_name_and_other_uuid_are_found() {
    let report = altered(|snapshot, _| web(snapshot).name = Some("Domain-0".into()));
    assert_eq!(found(&report), failed("identity.unique_names"));
    let report =
        altered(|snapshot, _| web(snapshot).xenstore_uuid = Some(uuid::Uuid::from_u128(9)));
    assert_eq!(found(&report), failed("identity.uuids"));
}

#[test]
fn handle_changed_before_destruction_is_no_fault() {
    let uuid = web(&mut audited(SECOND)).uuid;
    let report = altered(|snapshot, second| {
        let web = web(snapshot);
        if second == 2 {
            web.uuid = "deadbeef-dead-beef-dead-beef00000005".parse().unwrap();
            web.first_uuid = Some(uuid);
        }
    });
    assert_eq!(found(&report), []);
    assert_eq!(of(&report, "cpu.conservation").reason, None);
}

#[test]
fn stuck_dying_domain_is_found() {
    let dying = |held: fn(u64) -> u64| {
        altered(move |snapshot, second| {
            let domain = web(snapshot);
            let bytes = held(second);
            let released = domain.memory_bytes - bytes;
            domain.states.dying = true;
            domain.memory_bytes = bytes;
            free(snapshot, released as i64);
        })
    };
    let report = dying(|_| 8192);
    assert_eq!(found(&report), failed("identity.dying"));
    let Some(Figures::Words { observed, .. }) = &of(&report, "identity.dying").figures else {
        panic!("{report:?}");
    };
    assert_eq!(observed, "dying, with 8 KiB");
    assert_eq!(
        found(&dying(|second| 8192 / second)),
        warned("identity.dying")
    );
}
