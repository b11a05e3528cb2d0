//! What a scrape of the running host contains.

use std::time::Duration;

use super::exposition::Exposition;
use super::family::{Family, Type};
use super::labels::{Labelled, distinguish, with, with_number};
use super::metric::Prefix;
use super::series::Series;
use crate::audit::{Report, Verdict};
use crate::fields::Unit;
use crate::rates::Rates;
use crate::sample::{
    DiskSample, Dom0Sample, DomainSample, HostSample, NicSample, PcpuSample, Sample, VcpuSample,
};
use crate::snapshot::{Build, Node, Note, Pool, Snapshot};

/// A snapshot, and what is known about how it was taken.
#[derive(Clone, Copy, Debug)]
pub struct Scrape<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// How long it took; `None` if that is unknown.
    pub took: Option<Duration>,
    /// What an audit found since the snapshot before; `None` without an audit.
    pub report: Option<&'a Report>,
    /// Which series it has.
    pub series: Series,
}

pub(super) const HOST: Prefix = prefix("xen_host", "Host");
pub(super) const PCPU: Prefix = prefix("xen_pcpu", "pCPU");
pub(super) const NODE: Prefix = prefix("xen_node", "NUMA node");
pub(super) const POOL: Prefix = prefix("xen_pool", "CPU pool");
pub(super) const BUILD: Prefix = prefix("xen_build", "Hypervisor");
pub(super) const DOM0: Prefix = prefix("xen_dom0", "dom0");
pub(super) const DOMAIN: Prefix = prefix("xen_domain", "Domain");
pub(super) const VCPU: Prefix = prefix("xen_domain_vcpu", "vCPU");
pub(super) const NIC: Prefix = prefix("xen_domain_nic", "NIC");
pub(super) const DISK: Prefix = prefix("xen_domain_disk", "Disk");

const fn prefix(name: &'static str, help: &'static str) -> Prefix {
    Prefix { name, help }
}

impl Scrape<'_> {
    /// Returns the metrics.
    pub fn exposition(&self) -> Exposition {
        let mut all = Exposition::up();
        self.about_the_sample(&mut all);
        let sample = Sample {
            snapshot: self.snapshot,
            rates: &Rates::between(None, self.snapshot),
        };
        self.host(sample.host(), &mut all);
        self.domains(sample, &mut all);
        all
    }

    /// Adds how good the sample is, and what the audit found.
    fn about_the_sample(&self, all: &mut Exposition) {
        let took = self
            .took
            .and_then(|took| u64::try_from(took.as_nanos()).ok());
        let uncertainty = Some(self.snapshot.stamp.uncertainty_ns);
        for (name, help, ns) in [
            (
                "xen_scrape_duration",
                "How long it took to take the sample.",
                took,
            ),
            (
                "xen_sample_uncertainty",
                "How far the domains' CPU times may be from the time of the sample.",
                uncertainty,
            ),
        ] {
            let mut family = Family::new(&format!("{name}_seconds"), Type::Gauge, "seconds", help);
            family.put_value("", ns.into(), Unit::Nanoseconds);
            all.add(family);
        }
        let is_down =
            |note: &Note| matches!(note, Note::XenstoreDown(_) | Note::XenstoreStale { .. });
        let up = !self.snapshot.notes.iter().any(is_down);
        let help =
            "Whether XenStore answers. If not, names and memory targets may be old or missing.";
        let mut family = Family::new("xen_xenstore_up", Type::Gauge, "", help);
        family.put("", if up { "1" } else { "0" });
        all.add(family);
        if let Some(report) = self.report {
            all.add(verdicts(report));
        }
    }

    fn host(&self, host: HostSample<'_>, all: &mut Exposition) {
        let snapshot = host.host;
        let version = || with(String::new(), "version", &snapshot.xen_version);
        let build = snapshot.build.iter();
        let build = build.map(|build| Labelled::new(version(), build));
        all.things::<Build>(BUILD, &build.collect::<Vec<_>>());
        all.things::<HostSample<'_>>(HOST, &[Labelled::new(String::new(), host)]);
        let numbered = |name, id: u32| with_number(String::new(), name, id);
        if !self.series.no_pcpus {
            let pcpus = host.pcpus();
            let pcpus = pcpus.map(|of| Labelled::new(numbered("pcpu", of.pcpu.id), of));
            all.things::<PcpuSample<'_>>(PCPU, &pcpus.collect::<Vec<_>>());
        }
        let nodes = snapshot.nodes.iter().flatten();
        let nodes = nodes.map(|node| Labelled::new(numbered("node", node.id), node));
        all.things::<Node>(NODE, &nodes.collect::<Vec<_>>());
        let pools = snapshot.pools.iter().flatten();
        let pools = pools.map(|pool| Labelled::new(numbered("pool", pool.id), pool));
        all.things::<Pool>(POOL, &pools.collect::<Vec<_>>());
        let dom0 = host.dom0().map(|dom0| Labelled::new(String::new(), dom0));
        all.things::<Dom0Sample<'_>>(DOM0, dom0.as_slice());
    }

    fn domains(&self, sample: Sample<'_>, all: &mut Exposition) {
        let series = self.series;
        let domains = sample.domains().map(|of| Labelled::new(labels_of(of), of));
        let mut domains: Vec<_> = domains.collect();
        distinguish(&mut domains, "domid", |of| of.domain.id.0.into());
        let (mut vcpus, mut nics, mut disks) = (Vec::new(), Vec::new(), Vec::new());
        for domain in &domains {
            let own = || domain.labels().to_owned();
            let of = domain.of;
            for vcpu in of.vcpus().into_iter().flatten().filter(|_| series.vcpus) {
                let labels = with_number(own(), "vcpu", vcpu.vcpu.id);
                vcpus.push(Labelled::new(labels, vcpu));
            }
            for nic in of.nics().into_iter().flatten().filter(|_| !series.no_nics) {
                let labels = with_number(own(), "nic", nic.nic.id);
                nics.push(Labelled::new(labels, nic));
            }
            for disk in of
                .disks()
                .into_iter()
                .flatten()
                .filter(|_| !series.no_disks)
            {
                let labels = with(own(), "disk", &disk.disk.device);
                disks.push(Labelled::new(labels, disk));
            }
        }
        distinguish(&mut nics, "backend_domid", |of| {
            of.nic.backend_domain.0.into()
        });
        distinguish(&mut disks, "id", |of| of.disk.id.into());
        all.things::<DomainSample<'_>>(DOMAIN, &domains);
        all.things::<VcpuSample<'_>>(VCPU, &vcpus);
        all.things::<NicSample<'_>>(NIC, &nics);
        all.things::<DiskSample<'_>>(DISK, &disks);
    }
}

/// Returns the labels that a domain keeps when it reboots or moves to another host.
fn labels_of(of: DomainSample<'_>) -> String {
    let uuid = of.domain.identity().uuid.to_string();
    let labels = with(String::new(), "uuid", &uuid);
    with(
        labels,
        "name",
        of.domain.name.as_deref().unwrap_or_default(),
    )
}

/// Returns the worst verdict of each check.
fn verdicts(report: &Report) -> Family {
    let help = "The worst verdict of each check of the accounting since the sample before.";
    let mut family = Family::new("xen_audit_verdict", Type::StateSet, "", help);
    let mut checks: Vec<(&str, Verdict)> = Vec::new();
    for finding in &report.findings {
        match checks.iter_mut().find(|(check, _)| *check == finding.check) {
            Some((_, worst)) => *worst = finding.verdict.max(*worst),
            None => checks.push((finding.check, finding.verdict)),
        }
    }
    for (check, worst) in checks {
        let labels = with(String::new(), "check", check);
        family.put_states(&labels, &Verdict::ALL.map(Verdict::word), worst.word());
    }
    family
}
