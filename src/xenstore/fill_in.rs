//! Fills in what is known of XenStore.

use super::known::Known;
use super::parse;
use super::watched_path::{Device, Key};
use crate::clock::stamped;
use crate::snapshot::{Collect, Counters, Disk, DiskBackend, DomId, Domain, Nic, Pool};

impl Known {
    /// Fills in the known values.
    pub(super) fn fill_in(&mut self, domains: &mut [Domain], pools: &mut [Pool]) {
        // Both are in the order of IDs.
        let collect = self.wanted.collect;
        let mut facts = self.facts.iter_mut().peekable();
        for domain in domains {
            let identity = domain.identity();
            while facts.next_if(|(known, _)| **known < identity).is_some() {}
            let Some((_, facts)) = facts.next_if(|(known, _)| **known == identity) else {
                if collect.of(identity).driver_domains && domain.id != DomId::DOM0 {
                    forget_empty_lists(domain);
                }
                continue;
            };
            let wanted = collect.of(identity);
            let value = |key: Key| facts.values[key as usize].as_deref();
            if wanted.names {
                let name = facts.values[Key::Name as usize].as_ref();
                domain.name = name.filter(|name| !name.is_empty()).cloned();
            }
            if wanted.targets {
                domain.memory_target_bytes = value(Key::Target).and_then(parse::kib);
            }
            if wanted.details {
                domain.memory_static_max_bytes = value(Key::StaticMax).and_then(parse::kib);
                domain.memory_videoram_bytes = value(Key::Videoram).and_then(parse::kib);
                domain.xenstore_uuid = value(Key::Vm).and_then(parse::uuid);
                let target = value(Key::TargetDomain).and_then(parse::number);
                domain.target_domain = target.map(DomId);
            }
            for device in facts.devices.iter().flatten() {
                device.fill_in(domain, wanted);
            }
            if let Some(available) = facts.available.take() {
                let of = |vcpu| available.iter().find(|(id, _)| *id == vcpu);
                let all = (0..domain.vcpus_max).map(|vcpu| of(vcpu).map(|(_, is)| *is));
                domain.vcpus_available = Some(all.collect());
            }
        }
        for pool in pools {
            pool.name = self.pools.get(&pool.id).cloned().flatten();
        }
    }
}

/// Makes an empty list of devices unknown if the toolstack's record of a domain was not read: another domain may
/// serve some.
fn forget_empty_lists(domain: &mut Domain) {
    if domain.nics.as_deref().is_some_and(<[Nic]>::is_empty) {
        domain.nics = None;
    }
    if domain.disks.as_deref().is_some_and(<[Disk]>::is_empty) {
        domain.disks = None;
    }
}

impl Device {
    /// Fills in what dom0's kernel does not know: the MAC of a NIC that it serves, and any other
    /// device.
    fn fill_in(&self, domain: &mut Domain, wanted: Collect) {
        let Self {
            id, backend_domain, ..
        } = *self;
        // The values are from earlier, but none of them is a counter.
        let now = || stamped(|| ()).1;
        match (self.disk, &mut domain.disks, &mut domain.nics) {
            (None, _, Some(nics)) if backend_domain == DomId::DOM0 => {
                if let Some(nic) = nics.iter_mut().find(|nic| nic.id == id) {
                    nic.mac.clone_from(&self.value);
                }
            }
            (None, _, Some(nics)) => {
                let at = nics.partition_point(|nic| nic.id <= id);
                let nic = Nic {
                    id,
                    device: Nic::default_name(domain.id, id),
                    backend_domain,
                    mac: self.value.clone().filter(|_| wanted.macs),
                    counters: Counters::default(),
                    stamp: now(),
                };
                nics.insert(at, nic);
            }
            (Some(backend), Some(disks), _) => {
                let at = disks.partition_point(|disk| disk.id <= id);
                let name = self.value.clone().unwrap_or_else(|| Disk::name(id));
                let name = match backend {
                    // Only XAPI has it.
                    DiskBackend::Tapdisk => Disk::name_of_xapi(name),
                    _ => name,
                };
                let disk = Disk {
                    backend_domain,
                    process: self.process,
                    storage: self.storage,
                    ..Disk::without_counters(id, name, backend, now())
                };
                disks.insert(at, disk);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{disk, domain, nic};
    use crate::snapshot::Storage;
    use crate::xenstore::known::Facts;
    use crate::xenstore::watched_path::Kind;

    #[test]
    fn values_go_to_their_domain_and_not_to_its_id() {
        let mut domains = [domain(5, "", 0, 0), domain(5, "", 0, 0)];
        for domain in &mut domains {
            domain.name = None;
            domain.memory_target_bytes = None;
            let nics = [nic(0, 0, 0), nic(1, 0, 0)];
            domain.nics = Some(nics.map(|nic| Nic { mac: None, ..nic }).into());
            domain.disks = Some(vec![disk(51728, 0, 0)]);
        }
        domains[1].uuid = uuid::Uuid::from_u128(99);
        let mut known = Known::example();
        let storage = Storage {
            repository: uuid::Uuid::from_u128(1),
            image: uuid::Uuid::from_u128(2),
        };
        let facts = known.facts.values_mut().next().unwrap();
        facts.devices[Kind::Vbd3 as usize][0].storage = Some(storage);
        known.fill_in(&mut domains, &mut []);
        let [web, other] = domains;
        assert_eq!(web.name.as_deref(), Some("web"));
        assert_eq!(web.memory_target_bytes, Some(1 << 20));
        assert_eq!(web.memory_static_max_bytes, Some(2 << 20));
        assert_eq!(web.memory_videoram_bytes, Some(512 << 10));
        assert_eq!(web.xenstore_uuid, None);
        assert_eq!(web.target_domain, Some(DomId(3)));
        let macs: Vec<_> = web.nics.iter().flatten().map(|nic| &nic.mac).collect();
        let mac = |text: &str| Some(text.to_owned());
        let expected = [None, mac("00:16:3e:00:00:07"), mac("of another domain")];
        assert_eq!(macs, expected.each_ref());
        let disks: Vec<_> = web.disks.iter().flatten().collect();
        let shown: Vec<_> = disks
            .iter()
            .map(|disk| (&*disk.device, disk.backend, disk.backend_domain.0))
            .collect();
        assert_eq!(
            shown,
            [
                ("xvda", DiskBackend::Qdisk, 0),
                ("xvda", DiskBackend::Blkback, 0),
                ("xvdc", DiskBackend::Blkback, 4),
                ("xvdd", DiskBackend::Tapdisk, 0)
            ]
        );
        assert_eq!(disks[3].process, Some(77));
        assert_eq!(disks[3].storage, Some(storage));
        assert_eq!(disks[2].counters, Counters::default());
        let away = &web.nics.as_ref().unwrap()[2];
        assert_eq!((&*away.device, away.backend_domain), ("vif5.2", DomId(3)));
        assert_eq!(away.counters, Counters::default());
        assert_eq!((other.id, other.name), (DomId(5), None));
        assert_eq!(other.disks.map(|disks| disks.len()), Some(1));
    }

    #[test]
    fn missing_domains_and_values_are_skipped() {
        let mut known = Known::example();
        for id in [3, 4, 8, 9] {
            let name = Some(format!("domain {id}").into());
            let facts = Facts {
                values: [name, None, None, None, None, None],
                ..Facts::default()
            };
            known.facts.insert(domain(id, "", 0, 0).identity(), facts);
        }
        let mut domains = [2, 5, 6, 9, 10].map(|id| domain(id, "", 0, 0));
        known.fill_in(&mut domains, &mut []);
        let names = domains.each_ref().map(|domain| domain.name.as_deref());
        assert_eq!(
            names,
            [Some(""), Some("web"), Some(""), Some("domain 9"), Some("")]
        );
    }
}
