//! CSV: one table with one header and the same fields as JSON.
//!
//! A row describes a domain or the host, or one of its parts; its first column says which. The
//! other columns are the fields of JSON's `domains[]` or `host`, named by their paths there, such
//! as `memory_bytes` and `nics.rx_bytes`. A cell is empty if the value is unknown or the row
//! describes something else, so the sum of a column counts nothing twice.

use std::fmt::{self, Write};

use serde_json::Number;

use super::DisplayOptions;
use crate::fields::{Field, Thing, Value};
use crate::repositories::{Repository, repositories};
use crate::sample::{
    DiskSample, Dom0Sample, DomainSample, HostSample, NicSample, PcpuSample, Sample, VcpuSample,
};
use crate::snapshot::{Build, Node, Pool};
use crate::text::numbers;
use crate::waits::{DomainWaits, Occupant, VcpuWaits, Waits};

/// Formats the sample's domains and the parts selected by `shown`, with a header if `header` is
/// set.
pub fn domains(sample: Sample<'_>, shown: DisplayOptions, header: bool) -> String {
    let mut table = Table::new::<Sample<'_>>(sample);
    let of_domain = is_told(sample);
    let told = is_told(sample);
    let of_vcpu = |field: &Field<VcpuSample<'static>>| shown.vcpus && told(field);
    if header {
        table.header(|row| {
            row.names::<DomainSample<'_>>("", of_domain);
            row.names::<VcpuSample<'_>>("vcpus.", of_vcpu);
            row.names::<NicSample<'_>>("nics.", |_| shown.networks);
            row.names::<DiskSample<'_>>("disks.", |_| shown.vbds);
        });
    }
    let parts = |row: &mut Rows, vcpu, nic, disk| {
        row.cells::<VcpuSample<'_>>(vcpu, of_vcpu);
        row.cells::<NicSample<'_>>(nic, |_| shown.networks);
        row.cells::<DiskSample<'_>>(disk, |_| shown.vbds);
    };
    for domain in sample.domains() {
        table.row("domain", |row| {
            row.cells::<DomainSample<'_>>(Some(domain), of_domain);
            parts(row, None, None, None);
        });
        for vcpu in domain.vcpus().into_iter().flatten().filter(|_| shown.vcpus) {
            table.row("vcpu", |row| {
                row.owner::<DomainSample<'_>>(domain, of_domain);
                parts(row, Some(vcpu), None, None);
            });
        }
        for nic in domain
            .nics()
            .into_iter()
            .flatten()
            .filter(|_| shown.networks)
        {
            table.row("nic", |row| {
                row.owner::<DomainSample<'_>>(domain, of_domain);
                parts(row, None, Some(nic), None);
            });
        }
        for disk in domain.disks().into_iter().flatten().filter(|_| shown.vbds) {
            table.row("disk", |row| {
                row.owner::<DomainSample<'_>>(domain, of_domain);
                parts(row, None, None, Some(disk));
            });
        }
    }
    table.text()
}

/// Formats the vCPUs of the sample's domains.
pub fn vcpus(sample: Sample<'_>) -> String {
    let mut table = Table::new::<Sample<'_>>(sample);
    table.header(|row| {
        row.names::<DomainSample<'_>>("", identifies_owner);
        row.names::<VcpuSample<'_>>("vcpus.", is_told(sample));
    });
    for domain in sample.domains() {
        for vcpu in domain.vcpus().into_iter().flatten() {
            table.row("vcpu", |row| {
                row.cells::<DomainSample<'_>>(Some(domain), identifies_owner);
                row.cells::<VcpuSample<'_>>(Some(vcpu), is_told(sample));
            });
        }
    }
    table.text()
}

/// Formats the host, its pCPUs, NUMA nodes, CPU pools and storage repositories.
pub fn host(sample: Sample<'_>) -> String {
    let mut table = Table::new::<Sample<'_>>(sample);
    table.header(|row| {
        row.names::<HostSample<'_>>("", is_told(sample));
        row.names::<PcpuSample<'_>>("pcpu.", all);
        row.names::<Node>("nodes.", all);
        row.names::<Pool>("pools.", all);
        row.names::<Repository>("repositories.", all);
        row.names::<Build>("build.", all);
        row.names::<Dom0Sample<'_>>("dom0.", all);
    });
    let host = sample.host();
    let row = |row: &mut Rows, host: Option<HostSample<'_>>, pcpu, node, pool, repository| {
        row.cells::<HostSample<'_>>(host, is_told(sample));
        row.cells::<PcpuSample<'_>>(pcpu, all);
        row.cells::<Node>(node, all);
        row.cells::<Pool>(pool, all);
        row.cells::<Repository>(repository, all);
        row.cells::<Build>(host.and_then(|host| host.host.build.as_ref()), all);
        row.cells::<Dom0Sample<'_>>(host.and_then(HostSample::dom0), all);
    };
    table.row("host", |it| row(it, Some(host), None, None, None, None));
    for pcpu in host.pcpus() {
        table.row("pcpu", |it| row(it, None, Some(pcpu), None, None, None));
    }
    for node in host.host.nodes.iter().flatten() {
        table.row("node", |it| row(it, None, None, Some(node), None, None));
    }
    for pool in host.host.pools.iter().flatten() {
        table.row("pool", |it| row(it, None, None, None, Some(pool), None));
    }
    for one in repositories(sample).iter().flatten() {
        table.row("repository", |it| {
            row(it, None, None, None, None, Some(one))
        });
    }
    table.text()
}

/// Formats who waited: the host, each domain, each vCPU, and for whom each of them waited.
pub fn waits(waits: &Waits) -> String {
    let mut table = Table::new::<Waits>(waits);
    let of_host = |field: &Field<Waits>| field.name != "schema" && !when(field);
    table.header(|row| {
        row.names::<Waits>("", of_host);
        row.names::<DomainWaits>("", all);
        row.names::<VcpuWaits>("vcpus.", all);
        row.names::<Occupant>("waited_for.", all);
    });
    table.row("host", |row| {
        row.cells::<Waits>(Some(waits), of_host);
        row.cells::<DomainWaits>(None, all);
        row.cells::<VcpuWaits>(None, all);
        row.cells::<Occupant>(None, all);
    });
    for domain in &waits.domains {
        table.row("domain", |row| {
            row.cells::<Waits>(None, of_host);
            row.cells::<DomainWaits>(Some(domain), all);
            row.cells::<VcpuWaits>(None, all);
            row.cells::<Occupant>(None, all);
        });
        for vcpu in domain.vcpus.iter().flatten() {
            let mut part = |kind, occupant: Option<&Occupant>| {
                table.row(kind, |row| {
                    row.cells::<Waits>(None, of_host);
                    row.owner::<DomainWaits>(domain, all);
                    match occupant {
                        None => row.cells::<VcpuWaits>(Some(vcpu), all),
                        Some(_) => row.identity::<VcpuWaits>(vcpu, all, |field| field.name == "id"),
                    }
                    row.cells::<Occupant>(occupant, all);
                });
            };
            part("vcpu", None);
            for occupant in vcpu.waited_for.domains.iter().flatten() {
                part("waited_for", Some(occupant));
            }
        }
    }
    table.text()
}

/// Selects the fields of a sample: what only a trace tells if the host was traced.
fn is_told<T: Thing>(sample: Sample<'_>) -> impl Fn(&Field<T>) -> bool + Copy {
    let traced = sample.snapshot.collected.state_times;
    move |field| traced || !field.is_traced()
}

/// Selects every field.
fn all<T: Thing>(_: &Field<T>) -> bool {
    true
}

/// Selects the fields that identify the domain of a part.
fn identifies_owner<T: Thing>(field: &Field<T>) -> bool {
    matches!(field.name, "id" | "uuid" | "name")
}

/// Rows under construction.
struct Table {
    rows: Rows,
    /// The headings of the cells that say when the sample was taken.
    when_names: String,
    /// These cells, which are the same in each row.
    when: String,
}

/// Receives the cells of rows, from left to right.
#[derive(Default)]
struct Rows(String);

impl Table {
    /// Starts a table about a thing that says when it was taken.
    fn new<T: Thing>(sample: T::Of<'_>) -> Self {
        let (mut names, mut cells) = (Rows::default(), Rows::default());
        names.names::<T>("", when);
        cells.cells::<T>(Some(sample), when);
        Self {
            rows: Rows::default(),
            when_names: names.0,
            when: cells.0,
        }
    }

    fn header(&mut self, columns: impl FnOnce(&mut Rows)) {
        self.rows.0.push_str("kind");
        self.rows.0.push_str(&self.when_names);
        columns(&mut self.rows);
        self.rows.0.push('\n');
    }

    /// Adds a row for a thing of this kind, with the time of the sample.
    fn row(&mut self, kind: &str, columns: impl FnOnce(&mut Rows)) {
        self.rows.0.push_str(kind);
        self.rows.0.push_str(&self.when);
        columns(&mut self.rows);
        self.rows.0.push('\n');
    }

    fn text(self) -> String {
        self.rows.0
    }
}

/// Selects the fields that say when a sample was taken.
fn when<T: Thing>(field: &Field<T>) -> bool {
    matches!(field.name, "time" | "interval_ns" | "xenstore_as_of")
}

impl Rows {
    /// Adds a cell after another one.
    fn cell(&mut self, value: Value<'_>) {
        let out = &mut self.0;
        out.push(',');
        // Writing to a String can't fail.
        let _ = match value {
            Value::Unknown | Value::Unlimited => Ok(()),
            Value::Bool(yes) => write!(out, "{yes}"),
            // Most cells are whole numbers, and `write!` takes longer.
            Value::Count(count) => out.write_str(itoa::Buffer::new().format(count)),
            Value::Real(real) => match Number::from_f64(real) {
                Some(real) => write!(out, "{real}"),
                None => Ok(()),
            },
            Value::Text(text) => quote(out, text),
            Value::Uuid(uuid) => write!(out, "{uuid}"),
            Value::Time(time) => write!(out, "{time}"),
            // Unlike JSON, which has an array.
            Value::Numbers(list) => quote(out, &numbers(list)),
        };
    }

    /// Adds the names of the fields that pass.
    fn names<T: Thing>(&mut self, prefix: &str, passes: impl Fn(&Field<T>) -> bool) {
        for field in T::fields().iter().filter(|field| passes(field)) {
            self.cell(Value::Text(&format!("{prefix}{}", field.name)));
        }
    }

    /// Adds the values of the fields that pass; empty cells without a thing.
    fn cells<T: Thing>(&mut self, thing: Option<T::Of<'_>>, passes: impl Fn(&Field<T>) -> bool) {
        for field in T::fields().iter().filter(|field| passes(field)) {
            let value = thing
                .as_ref()
                .map_or(Value::Unknown, |thing| field.of(thing));
            self.cell(value);
        }
    }

    /// Fills those columns of a domain that are shown with only the fields that identify it.
    fn owner<T: Thing>(&mut self, domain: T::Of<'_>, shown: impl Fn(&Field<T>) -> bool) {
        self.identity::<T>(domain, shown, identifies_owner);
    }

    /// Fills those columns of a thing that are shown with only the fields that pass.
    fn identity<T: Thing>(
        &mut self,
        thing: T::Of<'_>,
        shown: impl Fn(&Field<T>) -> bool,
        passes: impl Fn(&Field<T>) -> bool,
    ) {
        for field in T::fields().iter().filter(|field| shown(field)) {
            let value = match passes(field) {
                true => field.of(&thing),
                false => Value::Unknown,
            };
            self.cell(value);
        }
    }
}

/// Appends a text, in quotation marks if it would not be one cell without them (RFC 4180).
fn quote(out: &mut String, text: &str) -> fmt::Result {
    match text.contains([',', '"', '\r', '\n']) {
        true => write!(out, "\"{}\"", text.replace('"', "\"\"")),
        false => out.write_str(text),
    }
}

#[cfg(test)]
mod tests;
