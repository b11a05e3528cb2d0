//! XenStore that does not answer: figures go on without names.

use super::shells::Shells;
use crate::command::{say, tool};
use crate::record::Record;

/// The store's daemon, stopped for as long as this lives.
pub struct Stopped(String);

impl Stopped {
    pub fn daemon() -> Self {
        let name = std::env::var("XENSCOPE_LAB_STORE").unwrap();
        let pid = tool("pidof", &[name]).trim().to_owned();
        tool("kill", &["-STOP", &pid]);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        tool("kill", &["-CONT", &self.0]);
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn figures_go_on_without_names_when_xenstore_does_not_answer() {
    let stopped = Stopped::daemon();
    let said = say(&["top", "-b", "-i", "3", "-d", "0.2", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "once for three samples: {said:?}");
    assert!(lines[0].contains("XenStore does not answer"), "{said:?}");
    let records = Record::all(&said.stdout);
    assert_eq!(records.len(), 3);
    for record in &records {
        assert!(record.domains.len() >= 4);
        assert!(record.domains.iter().all(|domain| domain.name.is_none()));
        assert!(
            record
                .domains
                .iter()
                .all(|domain| domain.cpu_percent.is_some())
        );
    }

    let unknown = say(&["status", "pv-burn"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(
        unknown.stderr.contains("names are not known"),
        "{unknown:?}"
    );
    drop(stopped);
    let record = Record::one(&say(&["list", "--format", "json"]).fine());
    assert_eq!(record.domain("Domain-0").id, 0);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn without_the_daemons_socket_names_come_over_xenbus() {
    std::fs::rename("/run/xenstored/socket", "/run/xenstored/away").unwrap();
    let record = say(&["list", "--format", "json"]);
    std::fs::rename("/run/xenstored/away", "/run/xenstored/socket").unwrap();
    assert_eq!(Record::one(&record.fine()).domain("pv-burn").r#type, "pv");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_domain_that_is_not_there_is_said_and_the_others_are_shown() {
    say(&["status", "no-such"]).refused(1, &["no domain 'no-such'", "xenscope list"]);
    say(&["status", "id:4321"]).refused(1, &["no domain 'id:4321'"]);
    let said = say(&["status", "no-such", "0", "--interval", "0.1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.starts_with("Domain-0 (domain 0)"), "{said:?}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_name_that_two_domains_bear_is_not_guessed() {
    let _twins = Shells::create(2, 900, ":name=twin");
    say(&["status", "twin"]).refused(2, &["'twin' fits more than one domain", "id:900 or id:901"]);
    let one = say(&["status", "id:901", "--interval", "0.1"]).fine();
    assert!(one.starts_with("twin (domain 901)"), "{one}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_name_that_is_another_domains_id_is_not_guessed() {
    let _shell = Shells::create(1, 910, ":name=0");
    say(&["status", "0"]).refused(2, &["id:0 or id:910"]);
    let one = say(&["status", "name:0", "--interval", "0.1"]).fine();
    assert!(one.starts_with("0 (domain 910)"), "{one}");
}
