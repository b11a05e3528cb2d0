//! A sample in JSON, written from the tables of fields.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::fields::Thing;
use crate::repositories::Repository;
use crate::sample::{DomainSample, Sample};
use crate::waits::{DomainWaits, Occupant, VcpuWaits, WaitedFor, Waits};

/// A thing, serialized as an object with all of its fields.
struct Object<'a, T: Thing> {
    thing: T::Of<'a>,
    /// Whether what only a trace tells is in it.
    traced: bool,
}

/// A sample, serialized as an object with its host and its domains.
pub(super) struct Record<'a>(Host<'a>);

impl<'a> Record<'a> {
    /// Returns a sample with the storage repositories; `None` if it may lack domains.
    pub(super) fn new(sample: Sample<'a>, repositories: Option<Vec<Repository>>) -> Self {
        Self(Host(sample, repositories))
    }
}

/// The host of a sample, with its storage repositories.
struct Host<'a>(Sample<'a>, Option<Vec<Repository>>);

struct Domain<'a>(DomainSample<'a>);

impl<T: Thing> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<T, _>(&mut map, &self.thing, self.traced)?;
        map.end()
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Self(host) = self;
        put::<Sample<'_>, _>(&mut map, &host.0, false)?;
        map.serialize_entry("host", host)?;
        let domains: Vec<_> = host.0.domains().map(Domain).collect();
        map.serialize_entry("domains", &domains)?;
        map.end()
    }
}

impl Serialize for Host<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use crate::sample::{Dom0Sample, HostSample, PcpuSample};
        use crate::snapshot::{Build, Node, Pool};

        let (sample, host) = (self.0.host(), &self.0.snapshot.host);
        let traced = self.0.snapshot.collected.state_times;
        let mut map = serializer.serialize_map(None)?;
        put::<HostSample<'_>, _>(&mut map, &sample, traced)?;
        map.serialize_entry(
            "pcpu",
            &objects::<PcpuSample<'_>>(Some(sample.pcpus()), false),
        )?;
        let nodes = host.nodes.as_ref().map(|nodes| nodes.iter());
        map.serialize_entry("nodes", &objects::<Node>(nodes, false))?;
        let pools = host.pools.as_ref().map(|pools| pools.iter());
        map.serialize_entry("pools", &objects::<Pool>(pools, false))?;
        let all = self.1.as_ref().map(|all| all.iter());
        map.serialize_entry("repositories", &objects::<Repository>(all, false))?;
        map.serialize_entry("build", &host.build.as_ref().map(plain::<Build>))?;
        map.serialize_entry("dom0", &sample.dom0().map(plain::<Dom0Sample<'_>>))?;
        map.end()
    }
}

impl Serialize for Domain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use crate::sample::{DiskSample, NicSample, VcpuSample};

        let traced = self.0.snapshot.collected.state_times;
        let mut map = serializer.serialize_map(None)?;
        put::<DomainSample<'_>, _>(&mut map, &self.0, traced)?;
        map.serialize_entry("vcpus", &objects::<VcpuSample<'_>>(self.0.vcpus(), traced))?;
        map.serialize_entry("nics", &objects::<NicSample<'_>>(self.0.nics(), false))?;
        map.serialize_entry("disks", &objects::<DiskSample<'_>>(self.0.disks(), false))?;
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
        put::<Waits, _>(&mut map, &self.0, false)?;
        let domains: Vec<_> = self.0.domains.iter().map(WaitingDomain).collect();
        map.serialize_entry("domains", &domains)?;
        map.end()
    }
}

impl Serialize for WaitingDomain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put::<DomainWaits, _>(&mut map, &self.0, false)?;
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
        put::<VcpuWaits, _>(&mut map, &self.0, false)?;
        map.serialize_entry("waited_for", &occupants(&self.0.waited_for))?;
        map.end()
    }
}

fn occupants(waited_for: &WaitedFor) -> Option<Vec<Object<'_, Occupant>>> {
    let domains = waited_for.domains.as_ref();
    objects::<Occupant>(domains.map(|domains| domains.iter()), false)
}

/// Adds the fields of a thing to an object; what only a trace tells if `traced` is set.
fn put<T: Thing, M: SerializeMap>(
    map: &mut M,
    thing: &T::Of<'_>,
    traced: bool,
) -> Result<(), M::Error> {
    for field in T::fields() {
        if traced || !field.is_traced() {
            map.serialize_entry(field.name, &field.of(thing))?;
        }
    }
    Ok(())
}

/// Returns a thing that no trace tells anything about as an object.
fn plain<'a, T: Thing>(thing: T::Of<'a>) -> Object<'a, T> {
    Object {
        thing,
        traced: false,
    }
}

/// Returns each thing as an object; `None` if the things are unknown.
fn objects<'a, T: Thing>(
    things: Option<impl Iterator<Item = T::Of<'a>>>,
    traced: bool,
) -> Option<Vec<Object<'a, T>>> {
    Some(things?.map(|thing| Object { thing, traced }).collect())
}
