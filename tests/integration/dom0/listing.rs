//! `xenscope list` and the identity of domains, compared with `xl`.

use super::guest::Guest;
use super::shells::Shells;
use crate::command::{say, tool};
use crate::record::Record;

/// A domain as `xl list` shows it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct XlDomain {
    id: u16,
    name: String,
    mib: u64,
    vcpus: u32,
}

/// Returns the domains that `xl list` shows.
fn xl_list() -> Vec<XlDomain> {
    tool("xl", &["list"])
        .lines()
        .skip(1)
        .map(|line| {
            // A name may contain spaces; the five columns after it do not.
            let mut words: Vec<&str> = line.split_whitespace().collect();
            let columns = words.split_off(words.len() - 5);
            XlDomain {
                id: columns[0].parse().unwrap(),
                name: words.join(" "),
                mib: columns[1].parse().unwrap(),
                vcpus: columns[2].parse().unwrap(),
            }
        })
        .collect()
}

/// Returns the record of `xenscope list`.
fn list() -> Record {
    Record::one(&say(&["list", "--format", "json"]).fine())
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn list_agrees_with_xl_list() {
    let ours: Vec<XlDomain> = list()
        .domains
        .into_iter()
        .map(|domain| XlDomain {
            id: domain.id,
            name: domain.name.unwrap(),
            mib: domain.memory_bytes >> 20,
            vcpus: domain.vcpus_online,
        })
        .collect();
    assert!(ours.len() >= 4, "{ours:?}");
    assert_eq!(ours, xl_list());
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn table_and_csv_show_the_same_domains() {
    let record = list();
    let table = say(&["list"]).fine();
    let mut lines = table.lines();
    let heads: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(heads, ["ID", "NAME", "TYPE", "STATE", "VCPUS", "MEMORY"]);
    for (line, domain) in lines.zip(&record.domains) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells[0], domain.id.to_string());
        assert_eq!(Some(cells[1]), domain.name.as_deref());
        assert_eq!(cells[2], domain.r#type);
        assert_eq!(cells[4], domain.vcpus_online.to_string());
        assert_eq!(cells[6], "MiB");
    }
    assert_eq!(table.lines().count(), record.domains.len() + 1);

    let csv = say(&["list", "--format", "csv"]).fine();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(
        reader.headers().unwrap().iter().take(5).collect::<Vec<_>>(),
        ["kind", "time", "interval_ns", "xenstore_as_of", "id"]
    );
    let ids: Vec<String> = reader
        .records()
        .map(|row| row.unwrap()[4].to_owned())
        .collect();
    let expected: Vec<String> = record
        .domains
        .iter()
        .map(|domain| domain.id.to_string())
        .collect();
    assert_eq!(ids, expected);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn types_uuids_and_memory_agree_with_xl() {
    let _hvm = Shells::create(1, 700, ":hvm:name=an-hvm");
    let _pvh = Guest::pvh_that_never_runs("a-pvh");
    let record = list();
    assert_eq!(record.interval_ns, None);
    let version = tool("xl", &["info", "xen_version"]);
    assert_eq!(record.host.xen_version, version.trim());
    let memory: u64 = tool("xl", &["info", "total_memory"])
        .trim()
        .parse()
        .unwrap();
    assert_eq!(record.host.memory_bytes >> 20, memory);
    let pcpus: u32 = tool("xl", &["info", "nr_cpus"]).trim().parse().unwrap();
    assert_eq!(record.host.pcpus, pcpus);
    assert!(record.host.memory_free_bytes < record.host.memory_bytes);

    assert_eq!(record.domain("Domain-0").r#type, "pv");
    assert_eq!(record.domain("pv-disk").r#type, "pv");
    assert_eq!(record.domain("a-pvh").r#type, "pvh");
    assert_eq!(record.domain("an-hvm").r#type, "hvm");
    assert_eq!(record.domain("an-hvm").state, "paused");
    let words = [
        "status",
        "a-pvh",
        "pv-disk",
        "--interval",
        "0.1",
        "--format",
        "json",
    ];
    let status = Record::one(&say(&words).fine());
    assert_eq!(status.domain("a-pvh").paging_pool_bytes, Some(8 << 20));
    assert_eq!(status.domain("pv-disk").paging_pool_bytes, None);
    assert_eq!(record.domain("an-hvm").memory_max_bytes, Some(4 << 20));
    let burn = record.domain("pv-burn");
    assert_eq!((burn.vcpus_online, burn.vcpus_max), (1, 1));
    let uuids = tool("xl", &["list", "-v"]);
    assert!(uuids.contains(&burn.uuid.to_string()), "{uuids}");
    assert_eq!(
        burn.memory_target_bytes.map(|bytes| bytes >> 20),
        Some(xl_memory("pv-burn"))
    );
}

/// Returns the memory that `xl` gave this domain, in MiB.
fn xl_memory(name: &str) -> u64 {
    let found = xl_list().into_iter().find(|domain| domain.name == name);
    found.unwrap().mib
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_nameless_domain_has_no_name() {
    let _nameless = Shells::create(1, 800, ":nameless");
    let record = list();
    let shell = record
        .domains
        .iter()
        .find(|domain| domain.id == 800)
        .unwrap();
    assert_eq!(shell.name, None);
    let table = say(&["list"]).fine();
    let line = table
        .lines()
        .find(|line| line.trim_start().starts_with("800 "))
        .unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("-"));
    let status = say(&["status", "800", "--interval", "0.1"]).fine();
    assert!(status.starts_with("- (domain 800)\n"), "{status}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn control_characters_in_names_are_escaped() {
    let _shell = Shells::create(1, 801, "");
    let name = "a\x1b[2J\u{202e}b";
    tool("xenstore-write", &["/local/domain/801/name", name]);
    for words in [
        &["list"][..],
        &["status", "801", "--interval", "0.1"],
        &["top", "-b", "-i", "1"],
    ] {
        let text = say(words).fine();
        assert!(
            !text.contains('\x1b') && !text.contains('\u{202e}'),
            "{text:?}"
        );
        assert!(text.contains("a\\u{1b}"), "{text:?}");
    }
    assert_eq!(list().domain(name).id, 801);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_name_not_in_utf8_is_none() {
    let _shell = Shells::create(1, 802, "");
    // The shell writes the byte, because an argument has to be UTF-8 here.
    tool(
        "sh",
        &[
            "-c",
            "xenstore-write /local/domain/802/name \"$(printf 'a\\377b')\"",
        ],
    );
    let record = list();
    let shell = record
        .domains
        .iter()
        .find(|domain| domain.id == 802)
        .unwrap();
    assert_eq!(shell.name, None);
    assert_eq!(record.domain("pv-burn").r#type, "pv");
}
