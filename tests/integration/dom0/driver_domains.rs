//! Devices that another domain than dom0 serves, by the records of libxl and of xenopsd.

use super::bridge::Bridge;
use super::follow::Followed;
use super::revert;
use super::shells::Shells;
use crate::command::{say, tool, xenscope};
use crate::record::{Disk, Event, Nic, Record};

/// The ID of each device, and of the domain that serves it.
type Ids = Vec<(u32, u16)>;

/// The ID of the domain that serves them.
const SERVER: u16 = 7950;

/// A domain `sys-net` that serves a NIC and a disk to pv-net by libxl's record, and by xenopsd's,
/// until this is dropped. The guest itself claims that it serves another NIC.
struct Served {
    guest: u16,
    _server: Shells,
}

impl Served {
    fn to_pv_net() -> Self {
        let server = Shells::create(1, SERVER, ":name=sys-net");
        let list = say(&["list", "--format", "json"]).fine();
        let guest = Record::one(&list).domain("pv-net").id;
        let served = Self {
            guest,
            _server: server,
        };
        served.write();
        served
    }

    /// Writes what libxl and xenopsd write for each device.
    fn write(&self) {
        let Self { guest, .. } = self;
        let [libxl, xenopsd, home] = self.folders();
        let backend =
            |kind: &str, id: u32| format!("/local/domain/{SERVER}/backend/{kind}/{guest}/{id}");
        let frontend = |kind: &str, id: u32| format!("{home}/{kind}/{id}");
        let keys = [
            (format!("{libxl}/vif/1/frontend"), frontend("vif", 1)),
            (format!("{libxl}/vif/1/backend"), backend("vif", 1)),
            (format!("{libxl}/vif/1/mac"), "00:16:3e:00:79:50".to_owned()),
            (
                format!("{libxl}/vbd/51776/frontend"),
                frontend("vbd", 51776),
            ),
            (format!("{libxl}/vbd/51776/backend"), backend("vbd", 51776)),
            (format!("{libxl}/vbd/51776/dev"), "xvde".to_owned()),
            (format!("{xenopsd}/vif/2/backend"), backend("vif", 2)),
            (
                format!("{xenopsd}/vbd/51792/backend"),
                backend("vbd3", 51792),
            ),
            // dom0's own devices are in the record as well.
            (
                format!("{xenopsd}/vif/0/backend"),
                format!("/local/domain/0/backend/vif/{guest}/0"),
            ),
            (format!("{home}/vif/3/backend"), backend("vif", 3)),
        ];
        let words: Vec<String> = keys
            .into_iter()
            .flat_map(|(key, value)| [key, value])
            .collect();
        tool("xenstore-write", &words);
    }

    /// Removes the devices from the records.
    fn remove(&self) {
        let [libxl, _, home] = self.folders();
        let paths = [
            format!("{libxl}/vif/1"),
            format!("{libxl}/vbd/51776"),
            "/xenops".to_owned(),
            format!("{home}/vif/3"),
        ];
        tool("xenstore-rm", &paths);
    }

    /// Returns the folders of the guest's devices: libxl's, xenopsd's, and the guest's own.
    fn folders(&self) -> [String; 3] {
        let guest = self.guest;
        [
            format!("/libxl/{guest}/device"),
            format!("/xenops/domain/{guest}/device"),
            format!("/local/domain/{guest}/device"),
        ]
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        revert(|| self.remove());
    }
}

/// Returns pv-net's NICs and disks.
fn devices(record: &Record) -> (&[Nic], &[Disk]) {
    let guest = record.domain("pv-net");
    (guest.nics.as_ref().unwrap(), guest.disks.as_ref().unwrap())
}

/// Returns the ID of each device, and of the domain that serves it.
fn servers(record: &Record) -> (Ids, Ids) {
    let (nics, disks) = devices(record);
    let nics = nics.iter().map(|nic| (nic.id, nic.backend_domain_id));
    let disks = disks.iter().map(|disk| (disk.id, disk.backend_domain_id));
    (nics.collect(), disks.collect())
}

/// Returns what [`servers`] returns while the record has all of them.
fn all() -> (Ids, Ids) {
    (
        vec![(0, 0), (1, SERVER), (2, SERVER)],
        vec![(51712, 0), (51776, SERVER), (51792, SERVER)],
    )
}

/// Returns the words of a domain's first line.
fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = text.lines().map(|line| line.split_whitespace().collect());
    let found = lines.find(|words: &Vec<&str>| words.contains(&name));
    found.unwrap_or_else(|| panic!("no {name}: {text}"))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn devices_of_driver_domains_have_no_figures() {
    let served = Served::to_pv_net();
    let guest = served.guest;
    let status = ["status", "pv-net", "--interval", "0.1"];
    let record = Record::one(&say(&[&status[..], &["--format", "json"]].concat()).fine());
    assert_eq!(servers(&record), all());
    let (nics, disks) = devices(&record);
    assert!(nics[0].counted().1.iter().all(Option::is_some), "{nics:?}");
    for nic in &nics[1..] {
        assert_eq!(nic.counted(), ([None; 9], [None; 9]));
        assert_eq!(nic.device, format!("vif{guest}.{}", nic.id));
    }
    assert_eq!(nics[1].mac.as_deref(), Some("00:16:3e:00:79:50"));
    assert_eq!(nics[2].mac, None);
    for (disk, device, backend) in [
        (&disks[1], "xvde", "blkback"),
        (&disks[2], "xvdf", "tapdisk"),
    ] {
        assert_eq!((&*disk.device, &*disk.backend), (device, backend));
        assert_eq!((disk.read_bytes, disk.write_requests), (None, None));
        assert_eq!(disk.read_bytes_per_second, None);
    }
    let table = say(&status).fine();
    let nic = format!("vif{guest}.1 in domain {SERVER} (sys-net)  ");
    let disk = format!("xvde  blkback in domain {SERVER} (sys-net)  ");
    assert!(table.contains(&nic) && table.contains(&disk), "{table}");

    // The sums lack a part.
    let words = ["top", "-b", "-i", "1", "-d", "0.2", "--format", "table"];
    let table = say(&[&words[..], &["-n"]].concat()).fine();
    assert!(row(&table, "pv-net").ends_with(&["-"; 4]), "{table}");
    assert!(row(&table, "pv-disk").ends_with(&["KiB/s"]), "{table}");
    let nic = format!("vif{guest}.1 in domain {SERVER} (sys-net)  ");
    assert!(table.contains(&nic), "{table}");
    drop(served);
    let table = say(&words).fine();
    assert!(row(&table, "pv-net").ends_with(&["KiB/s"]), "{table}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn devices_of_driver_domains_come_and_go() {
    let top = ["top", "-b", "-d", "0.2", "--format", "json"];
    let top = Followed::start(&mut xenscope(&top));
    let events = ["events", "--format", "json", "--since-start"];
    let events = Followed::start(&mut xenscope(&events));
    // What comes after its first sample is an event.
    events.until_printed("existing");
    let own = (vec![(0, 0)], vec![(51712, 0)]);
    let shown = |expected: (Ids, Ids)| {
        top.until("its devices", |records: &[Record]| {
            records.last().is_some_and(|last| servers(last) == expected)
        });
    };
    shown(own.clone());
    let served = Served::to_pv_net();
    shown(all());
    let is = |event: &Event, what: &str, id: u32| {
        event.event == what && event.device_id == Some(id) && event.id == Some(served.guest)
    };
    let reported = |suffix: &str| {
        events.until(suffix, |events: &[Event]| {
            [("nic", 1), ("nic", 2), ("disk", 51776), ("disk", 51792)]
                .iter()
                .all(|(kind, id)| {
                    let what = format!("{kind}_{suffix}");
                    events.iter().any(|event| is(event, &what, *id))
                })
        });
    };
    reported("attached");
    served.remove();
    shown(own);
    reported("detached");
    served.write();
    shown(all());
    assert_eq!((top.complaints(), events.complaints()), Default::default());
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn compare_is_about_the_devices_of_dom0() {
    let _bridge = Bridge::over_all_guests();
    let _served = Served::to_pv_net();
    let said = say(&["compare", "--with", "xentop"]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
    let block = say(&["top", "-b", "-i", "1", "-n", "-x", "-d", "0.2"]).fine();
    let columns = row(&block, "pv-net");
    assert_eq!([columns[9], columns[12]], ["1", "1"], "{block}");
    let below = block.lines().skip_while(|line| !line.contains("pv-net "));
    let below = below
        .skip(1)
        .take_while(|line| line.starts_with(['N', 'V']));
    assert_eq!(below.count(), 2, "{block}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_stub_domain_says_whom_it_serves() {
    let served = Served::to_pv_net();
    let guest = served.guest.to_string();
    // As libxl does; see libxl_is_stubdom.
    tool(
        "xenstore-write",
        &[&format!("/local/domain/{SERVER}/target"), &guest],
    );
    let status = ["status", "sys-net", "--interval", "0.1"];
    let text = say(&[&status[..], &["--format", "json"]].concat()).fine();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["domains"][0]["target_domain_id"], served.guest);
    let text = say(&status).fine();
    let line = format!("serves    the device model of domain {guest} (pv-net)\n");
    assert!(text.contains(&line), "{text}");
}
