//! Identity.

use super::*;

#[test]
fn running_domain_without_a_name_fails_at_once() {
    let nameless = |domain: fn(&mut Domain, u64)| {
        move |snapshot: &mut Snapshot, second: u64| {
            web(snapshot).name = None;
            domain(web(snapshot), second);
        }
    };
    assert_eq!(
        found(&altered(nameless(|_, _| {}))),
        failed("identity.names")
    );
    let once = altered(|snapshot, second| {
        web(snapshot).name = web(snapshot).name.take().filter(|_| second == 1);
    });
    assert_eq!(found(&once), warned("identity.names"));
    // These may be torn down.
    fails_after_30_s(
        "identity.names",
        nameless(|web, _| web.states.paused = true),
    );
    fails_after_30_s("identity.names", nameless(|web, _| web.cpu_time_ns = 0));
    fails_after_30_s(
        "identity.names",
        nameless(|web, second| web.memory_bytes -= second << 20),
    );
    fails_after_30_s(
        "identity.names",
        nameless(|web, _| {
            web.states.shutdown = Some(ShutdownReason::Reboot);
        }),
    );
    // This may be under construction.
    fails_after_30_s("identity.names", |snapshot, _| {
        never_run(snapshot);
        web(snapshot).name = None;
    });
}

#[test]
fn domain_on_one_side_only_is_found() {
    let missing = |snapshot: &mut Snapshot, _: u64| {
        let listing = snapshot.listing.as_mut().unwrap();
        listing.domains = vec![DomId(0)];
        // A domain that is not in XenStore has no name there.
        web(snapshot).name = None;
    };
    assert_eq!(found(&altered(missing)), failed("identity.in_store"));
    fails_after_30_s("identity.in_store", |snapshot, second| {
        missing(snapshot, second);
        web(snapshot).states.dying = true;
    });
    let orphan = |snapshot: &mut Snapshot, _: u64| {
        let listing = snapshot.listing.as_mut().unwrap();
        listing.domains.push(DomId(4000));
    };
    assert_eq!(found(&altered(orphan)), warned("identity.orphans"));
    fails_after_30_s("identity.orphans", orphan);
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
fn shared_name_is_a_warning() {
    let report = audited_at(&[1, 2, 99], |snapshot, _| {
        web(snapshot).name = Some("Domain-0".into())
    });
    assert_eq!(found(&report), warned("identity.unique_names"));
}

#[test]
fn other_uuid_is_found() {
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
fn domain_stuck_dying_is_found() {
    let dying = |held: fn(u64) -> u64| {
        move |snapshot: &mut Snapshot, second: u64| {
            let domain = web(snapshot);
            let released = domain.memory_bytes - held(second);
            domain.states.dying = true;
            domain.memory_bytes = held(second);
            free(snapshot, released as i64);
        }
    };
    let report = altered(dying(|_| 8192));
    assert_eq!(found(&report), warned("identity.dying"));
    let Some(Figures::Words { observed, .. }) = &of(&report, "identity.dying").figures else {
        panic!("{report:?}");
    };
    assert_eq!(observed, "dying, with 8 KiB");
    fails_after_30_s("identity.dying", dying(|_| 8192));
    let released = audited_at(&[1, 20, 60], dying(|second| (100 - second) * 4096));
    assert_eq!(found(&released), warned("identity.dying"));
}
