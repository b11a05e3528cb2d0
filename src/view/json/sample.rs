//! A sample in JSON, written from the tables of fields.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::fields::Thing;
use crate::sample::{DomainSample, HostSample, Sample};
use crate::waits::{DomainWaits, Occupant, VcpuWaits, WaitedFor, Waits};

/// A thing, serialized as an object with all of its fields.
struct Object<'a, T: Thing>(T::Of<'a>);

/// A sample, serialized as an object with its host and its domains.
pub(super) struct Record<'a>(pub(super) Sample<'a>);

struct Host<'a>(HostSample<'a>);

struct Domain<'a>(DomainSample<'a>);

impl<T: Thing> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<T, _>(&mut map, &self.0)?;
        map.end()
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<Sample<'_>, _>(&mut map, &self.0)?;
        map.serialize_entry("host", &Host(self.0.host()))?;
        let domains: Vec<_> = self.0.domains().map(Domain).collect();
        map.serialize_entry("domains", &domains)?;
        map.end()
    }
}

impl Serialize for Host<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use crate::sample::{Dom0Sample, PcpuSample};
        use crate::snapshot::{Build, Node, Pool};

        let host = self.0.host;
        let mut map = serializer.serialize_map(None)?;
        put::<HostSample<'_>, _>(&mut map, &self.0)?;
        map.serialize_entry("pcpu", &objects::<PcpuSample<'_>>(Some(self.0.pcpus())))?;
        let nodes = host.nodes.as_ref().map(|nodes| nodes.iter());
        map.serialize_entry("nodes", &objects::<Node>(nodes))?;
        let pools = host.pools.as_ref().map(|pools| pools.iter());
        map.serialize_entry("pools", &objects::<Pool>(pools))?;
        map.serialize_entry("build", &host.build.as_ref().map(Object::<Build>))?;
        map.serialize_entry("dom0", &self.0.dom0().map(Object::<Dom0Sample<'_>>))?;
        map.end()
    }
}

impl Serialize for Domain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use crate::sample::{DiskSample, NicSample, VcpuSample};

        let mut map = serializer.serialize_map(None)?;
        put::<DomainSample<'_>, _>(&mut map, &self.0)?;
        map.serialize_entry("vcpus", &objects::<VcpuSample<'_>>(self.0.vcpus()))?;
        map.serialize_entry("nics", &objects::<NicSample<'_>>(self.0.nics()))?;
        map.serialize_entry("disks", &objects::<DiskSample<'_>>(self.0.disks()))?;
        map.end()
    }
}

/// Who waited, serialized as an object with the domains.
pub(super) struct Waiting<'a>(pub(super) &'a Waits);

struct WaitingDomain<'a>(&'a DomainWaits);

struct WaitingVcpu<'a>(&'a VcpuWaits);

impl Serialize for Waiting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<Waits, _>(&mut map, &self.0)?;
        let domains: Vec<_> = self.0.domains.iter().map(WaitingDomain).collect();
        map.serialize_entry("domains", &domains)?;
        map.end()
    }
}

impl Serialize for WaitingDomain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<DomainWaits, _>(&mut map, &self.0)?;
        map.serialize_entry("waited_for", &occupants(&self.0.waited_for))?;
        let vcpus = self.0.vcpus.as_ref();
        let vcpus = vcpus.map(|all| all.iter().map(WaitingVcpu).collect::<Vec<_>>());
        map.serialize_entry("vcpus", &vcpus)?;
        map.end()
    }
}

impl Serialize for WaitingVcpu<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<VcpuWaits, _>(&mut map, &self.0)?;
        map.serialize_entry("waited_for", &occupants(&self.0.waited_for))?;
        map.end()
    }
}

fn occupants(waited_for: &WaitedFor) -> Option<Vec<Object<'_, Occupant>>> {
    objects::<Occupant>(waited_for.domains.as_ref().map(|domains| domains.iter()))
}

/// Adds the fields of a thing to an object.
fn put<T: Thing, M: SerializeMap>(map: &mut M, thing: &T::Of<'_>) -> Result<(), M::Error> {
    for field in T::fields() {
        map.serialize_entry(field.name, &field.of(thing))?;
    }
    Ok(())
}

/// Returns each thing as an object; `None` if the things are unknown.
fn objects<'a, T: Thing>(
    things: Option<impl Iterator<Item = T::Of<'a>>>,
) -> Option<Vec<Object<'a, T>>> {
    Some(things?.map(Object).collect())
}
