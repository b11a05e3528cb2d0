//! Identity.

use super::*;

#[test]
fn a_nameless_domain_is_wrong_when_it_runs_and_may_be_unfinished_when_it_never_did() {
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
fn domains_that_one_side_does_not_know_are_found() {
    let report = altered(|snapshot, _| {
        let listing = snapshot.listing.as_mut().unwrap();
        listing.domains = Some(vec![DomId(0)]);
        // What is not in XenStore has no name there either.
        web(snapshot).name = None;
    });
    assert_eq!(found(&report), failed("identity.in_store"));
    let orphan = |from: u64| {
        altered(move |snapshot, second| {
            if second >= from {
                let listing = snapshot.listing.as_mut().unwrap();
                listing.domains.as_mut().unwrap().push(DomId(4000));
            }
        })
    };
    assert_eq!(found(&orphan(1)), failed("identity.orphans"));
    assert_eq!(found(&orphan(2)), warned("identity.orphans"));
}

#[test]
fn a_list_too_long_for_xenstore_skips_what_needs_it() {
    let report = altered(|snapshot, _| {
        let listing = snapshot.listing.as_mut().unwrap();
        (listing.domains, listing.backends) = (None, None);
    });
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
        assert!(
            finding.reason.as_ref().unwrap().contains("4 KiB"),
            "{check}"
        );
    }
}

#[test]
fn two_of_a_name_and_another_uuid_are_found() {
    let report = altered(|snapshot, _| web(snapshot).name = Some("Domain-0".into()));
    assert_eq!(found(&report), failed("identity.unique_names"));
    let report =
        altered(|snapshot, _| web(snapshot).xenstore_uuid = Some(uuid::Uuid::from_u128(9)));
    assert_eq!(found(&report), failed("identity.uuids"));
}

#[test]
fn a_domain_that_is_stuck_dying_is_found() {
    let dying = |held: fn(u64) -> u64| {
        altered(move |snapshot, second| {
            let domain = web(snapshot);
            let bytes = held(second);
            let given_up = domain.memory_bytes - bytes;
            domain.states.dying = true;
            domain.memory_bytes = bytes;
            free(snapshot, given_up as i64);
        })
    };
    let report = dying(|_| 8192);
    assert_eq!(found(&report), failed("identity.dying"));
    let Some(Figures::Words { observed, .. }) = &of(&report, "identity.dying").figures else {
        panic!("{report:?}");
    };
    assert_eq!(observed, "dead, with 8 KiB");
    assert_eq!(
        found(&dying(|second| 8192 / second)),
        warned("identity.dying")
    );
}
