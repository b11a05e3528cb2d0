//! Snapshots without what tells whose they are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use uuid::Uuid;

use crate::snapshot::{DomId, Domain, Note, Snapshot};

/// What stands for a text that is left out.
const REMOVED: &str = "removed";

/// Replaces names, UUIDs and MAC addresses, each always by the same. Numbers, times and figures stay.
#[derive(Debug, Default)]
pub struct Anonymizer {
    names: Replaced<Arc<str>>,
    pools: Replaced<String>,
    nics: Replaced<String>,
    macs: Replaced<String>,
    uuids: Replaced<Uuid>,
}

/// What was replaced, with its number, from 1.
#[derive(Debug)]
struct Replaced<T>(HashMap<T, u64>);

impl<T> Default for Replaced<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Eq + Hash + Clone> Replaced<T> {
    fn number(&mut self, of: &T) -> u64 {
        let next = self.0.len() as u64 + 1;
        match self.0.get(of) {
            Some(number) => *number,
            None => *self.0.entry(of.clone()).or_insert(next),
        }
    }
}

impl Anonymizer {
    /// Returns a snapshot with everything replaced that people have named. dom0, `Pool-0` and UUIDs of zeros stay.
    pub fn replace(&mut self, snapshot: &Snapshot) -> Snapshot {
        let mut new = snapshot.clone();
        self.uuid(&mut new.boot.dom0_boot_id);
        if let Some(build) = &mut new.host.build {
            build.command_line = REMOVED.to_owned();
        }
        for pool in new.host.pools.iter_mut().flatten() {
            if let Some(name) = pool.name.as_mut().filter(|name| *name != "Pool-0") {
                *name = format!("pool-{}", self.pools.number(name));
            }
        }
        for domain in &mut new.domains {
            self.domain(domain);
        }
        if let Some(focus) = &mut new.collected.focus {
            focus.uuid = self.replaced(focus.uuid);
        }
        new.notes.iter_mut().for_each(|note| self.note(note));
        new
    }

    fn domain(&mut self, domain: &mut Domain) {
        // What xenopsd marks a domain with is made of its ID.
        if !domain.is_marked_by_xenopsd() {
            domain.uuid = self.replaced(domain.uuid);
        }
        self.uuid(&mut domain.first_uuid);
        self.uuid(&mut domain.xenstore_uuid);
        let is_dom0 = domain.id == DomId::DOM0;
        let is_usual = |name: &str| is_dom0 && name == "Domain-0";
        if let Some(name) = domain.name.as_mut().filter(|name| !is_usual(name)) {
            *name = format!("domain-{}", self.names.number(name)).into();
        }
        for disk in domain.disks.iter_mut().flatten() {
            if let Some(storage) = &mut disk.storage {
                storage.repository = self.replaced(storage.repository);
                storage.image = self.replaced(storage.image);
            }
            let letters = disk.device.trim_start_matches(['x', 's', 'h', 'v']);
            let is_usual = letters.strip_prefix('d').is_some_and(|rest| {
                rest.len() < 8 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
            if !is_usual {
                disk.device = format!("disk-{}", disk.id);
            }
        }
        for nic in domain.nics.iter_mut().flatten() {
            self.nic(&mut nic.device);
            if let Some(mac) = &mut nic.mac {
                let [.., high, middle, low] = self.macs.number(mac).to_be_bytes();
                *mac = format!("00:16:3e:{high:02x}:{middle:02x}:{low:02x}");
            }
        }
    }

    /// Replaces the name of an interface that is not of the kind that Linux gives it.
    fn nic(&mut self, device: &mut String) {
        let rest = device
            .strip_prefix("vif")
            .or_else(|| device.strip_prefix("tap"));
        let numbers = |rest: &str| {
            rest.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        let is_usual = rest.is_some_and(|rest| numbers(rest.trim_end_matches("-emu")));
        if !is_usual {
            *device = format!("nic-{}", self.nics.number(device));
        }
    }

    fn note(&mut self, note: &mut Note) {
        match note {
            Note::XenstoreDown(why)
            | Note::XenstoreStale { why, .. }
            | Note::NicsUnreadable(why)
            | Note::DisksUnreadable(why)
            | Note::NotTraced(why) => *why = REMOVED.to_owned(),
            Note::CountersUnreadable { device, why, .. } => {
                self.nic(device);
                *why = REMOVED.to_owned();
            }
            Note::XenstoreBack { .. }
            | Note::TracedBeside
            | Note::TraceTakenOver
            | Note::PcpusNotTraced(_)
            | Note::CoresScheduled
            | Note::TraceDiffers { .. }
            | Note::Unknown => {}
        }
    }

    fn uuid(&mut self, uuid: &mut Option<Uuid>) {
        if let Some(uuid) = uuid {
            *uuid = self.replaced(*uuid);
        }
    }

    fn replaced(&mut self, uuid: Uuid) -> Uuid {
        match uuid.is_nil() {
            true => uuid,
            false => Uuid::from_u64_pair(0, self.uuids.number(&uuid)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{boot, disk, domain, nic, snapshot};
    use crate::snapshot::{Disk, Nic, Pool, Scheduler, Storage};

    #[test]
    fn what_people_named_is_replaced_always_by_the_same() {
        let secret = |name: &str| format!("secret-{name}");
        let uuid = Uuid::from_u128(0x5ec1_5ec2_5ec3);
        let nics = vec![
            nic(0, 1, 2),
            Nic {
                device: secret("vif"),
                mac: Some("5e:c1:5e:c2:5e:c3".into()),
                ..nic(1, 3, 4)
            },
        ];
        let web = Domain {
            uuid,
            xenstore_uuid: Some(uuid),
            nics: Some(nics),
            disks: Some(vec![
                Disk {
                    device: secret("/dev/vg/disk"),
                    storage: Some(Storage {
                        repository: uuid,
                        image: uuid,
                    }),
                    ..disk(51728, 0, 0)
                },
                disk(51712, 0, 0),
            ]),
            ..domain(5, &secret("web"), 0, 7)
        };
        let mut old = snapshot(0, 0, vec![domain(0, "Domain-0", 0, 0), web]);
        old.boot = boot(0x5ec1_5ec2_5ec3_5ec4);
        old.notes = vec![
            Note::XenstoreDown(secret("path")),
            Note::CountersUnreadable {
                device: secret("vif"),
                why: secret("why"),
                more: 0,
            },
        ];
        old.host.pools = Some(vec![Pool {
            id: 1,
            name: Some(secret("pool")),
            scheduler: Scheduler::Credit2,
            timeslice_ns: None,
            pcpus: vec![0, 1],
            domains: 2,
        }]);
        let mut anonymizer = Anonymizer::default();
        let new = anonymizer.replace(&old);
        let text = serde_json::to_string(&new).unwrap();
        for wrong in ["secret", "5ec15ec2", "5e:c1", "5ec1-5ec2"] {
            assert!(!text.contains(wrong), "{wrong} in {text}");
        }
        assert_eq!(new, anonymizer.replace(&old));
        let web = &new.domains[1];
        assert_eq!(web.name.as_deref(), Some("domain-1"));
        assert_eq!(web.xenstore_uuid, Some(web.uuid));
        let nics = web.nics.as_deref().unwrap();
        assert_eq!((&*nics[0].device, &*nics[1].device), ("vif9.0", "nic-1"));
        let disks = web.disks.as_deref().unwrap();
        assert_eq!(
            (&*disks[0].device, &*disks[1].device),
            ("disk-51728", "xvda")
        );
        // A name that dom0 was given goes, its usual one stays.
        old.domains[0].name = Some(secret("host").into());
        let named = anonymizer.replace(&old).domains[0].name.clone();
        assert_eq!(named.as_deref(), Some("domain-2"));
        // Figures and dom0's name stay.
        assert_eq!(web.cpu_time_ns, 7);
        assert_eq!(new.domains[0].name.as_deref(), Some("Domain-0"));
    }
}
