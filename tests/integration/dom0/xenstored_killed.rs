//! XenStore's daemon killed and started again. The lab runs this module after all others of a boot:
//! the new daemon does not know the guests, so all that needs XenStore for them fails.

use std::process::Command;

use super::follow::Followed;
use super::store::{assert_stale, name_of};
use crate::command::{say, tool, xenscope};
use crate::record::Record;

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn names_are_stale_until_the_daemon_restarts() {
    let daemon = std::env::var("XENSCOPE_LAB_STORE").unwrap();
    let top = Followed::start(&mut xenscope(&[
        "top", "-b", "-d", "0.3", "--format", "json",
    ]));
    let named = |record: &Record| name_of(record, "pv-burn");
    top.until("the guests", |records: &[Record]| {
        records.last().is_some_and(named)
    });

    tool("kill", &["-KILL", tool("pidof", &[&daemon]).trim()]);
    let records = top.until("marked", |records: &[Record]| {
        records
            .last()
            .is_some_and(|record| record.xenstore_as_of.is_some())
    });
    assert!(named(records.last().unwrap()), "{records:?}");
    top.more(3);
    assert_stale(&top.said::<Record>().pop().unwrap());

    let without = say(&["list", "--format", "json"]);
    assert_eq!(without.code, Some(0), "{without:?}");
    let remedy = "'xenscope doctor' says whether its daemon runs";
    assert!(without.stderr.contains(remedy), "{without:?}");
    assert_eq!(without.stderr.lines().count(), 1, "{without:?}");
    let list = Record::one(&without.stdout);
    assert_eq!(list.domains.len(), 4, "{list:?}");
    assert!(list.domains.iter().all(|domain| domain.name.is_none()));

    let program = format!("/usr/sbin/{daemon}");
    let started = Command::new(program)
        .args(["--pid-file", "/run/xen/xenstored.pid"])
        .status();
    assert!(started.unwrap().success());
    tool("xenstore-write", &["/local/domain/0/name", "reborn"]);
    // Names are marked as stale until all are read again.
    let records = top.until("with current names", |records: &[Record]| {
        records.last().is_some_and(|record| {
            let name = record.domains[0].name.as_deref();
            name == Some("reborn") && record.xenstore_as_of.is_none()
        })
    });
    let last = records.last().unwrap();
    assert!(
        !named(last),
        "a name that XenStore no longer has is shown: {last:?}"
    );
    let said = top.complaints();
    assert!(
        said.contains("XenStore does not answer, so names are as of "),
        "{said}"
    );
    assert!(
        said.contains("XenStore is up to date again; for "),
        "{said}"
    );
    tool("xenstore-write", &["/local/domain/0/name", "Domain-0"]);
}
