//! The tables of fields, for authors of programs that read JSON or CSV.

use super::table::{Align, Table};
use crate::fields::{Field, Kind, Thing, Unit};
use crate::repositories::Repository;
use crate::sample::{
    DiskSample, Dom0Sample, DomainSample, HostSample, NicSample, PcpuSample, Sample, VcpuSample,
};
use crate::snapshot::{Build, Node, Pool};
use crate::waits::{DomainWaits, Occupant, VcpuWaits, Waits};

/// The fields of one kind of thing.
struct Section {
    /// The kind of thing.
    name: &'static str,
    /// The path of its fields in a line of JSON.
    path: &'static str,
    rows: Vec<Row>,
}

/// A field's name, kind, unit and meaning.
type Row = [String; 4];

/// Formats all fields as plain tables, at most `width` columns wide if texts can be shortened.
pub fn tables(width: Option<usize>) -> String {
    let sections = sections().into_iter().map(|section| {
        let heads = [
            ("FIELD", Align::Left),
            ("KIND", Align::Left),
            ("UNIT", Align::Left),
            ("MEANING", Align::Yielding),
        ];
        let rows = section.rows.into_iter().map(|row| row.to_vec());
        let table = Table::of(&heads, rows).render(width);
        let path = path(section.path).replace('`', "");
        format!("{}, in {path}\n{table}", section.name)
    });
    sections.collect::<Vec<_>>().join("\n")
}

/// Formats all fields as Markdown tables for docs/json.md, each between comments that name it.
pub fn markdown() -> String {
    let sections = sections().into_iter().map(|section| {
        let rows = section.rows.iter().map(|[name, kind, unit, meaning]| {
            format!("| `{name}` | {kind} | {unit} | {meaning} |\n")
        });
        let rows: String = rows.collect();
        format!(
            "<!-- fields:{name} -->\nIn {path}:\n\n| field | kind | unit | meaning |\n|---|---|---|---|\n{rows}<!-- /fields:{name} -->\n",
            name = section.name,
            path = path(section.path),
        )
    });
    sections.collect::<Vec<_>>().join("\n")
}

/// Formats the path of the fields.
fn path(path: &str) -> String {
    match path {
        "" => "the object itself".to_owned(),
        path => format!("`{path}`"),
    }
}

fn sections() -> Vec<Section> {
    vec![
        section::<Sample<'_>>("sample", ""),
        section::<HostSample<'_>>("host", "host"),
        section::<PcpuSample<'_>>("pcpu", "host.pcpu[]"),
        section::<Node>("node", "host.nodes[]"),
        section::<Pool>("pool", "host.pools[]"),
        section::<Repository>("repository", "host.repositories[]"),
        section::<Build>("build", "host.build"),
        section::<Dom0Sample<'_>>("dom0", "host.dom0"),
        section::<DomainSample<'_>>("domain", "domains[]"),
        section::<VcpuSample<'_>>("vcpu", "domains[].vcpus[]"),
        section::<NicSample<'_>>("nic", "domains[].nics[]"),
        section::<DiskSample<'_>>("disk", "domains[].disks[]"),
        section::<Waits>("waits", ""),
        section::<DomainWaits>("waits of a domain", "domains[]"),
        section::<VcpuWaits>("waits of a vCPU", "domains[].vcpus[]"),
        section::<Occupant>("waited for", "domains[].vcpus[].waited_for[]"),
    ]
}

fn section<T: Thing>(name: &'static str, path: &'static str) -> Section {
    Section {
        name,
        path,
        rows: T::fields().iter().map(row).collect(),
    }
}

fn row<T: Thing>(field: &Field<T>) -> Row {
    let mut meaning = field.doc.to_owned();
    if let Kind::State { words } = field.kind
        && !words.is_empty()
    {
        meaning.push_str(&format!(": {}", words.join(", ")));
    }
    let (kind, unit) = match field.unit {
        // An identifying number has no unit.
        Unit::Number => ("number".to_owned(), String::new()),
        unit => (field.kind.to_string(), unit.to_string()),
    };
    [field.name.to_owned(), kind, unit, meaning]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the part of a text from a section's first comment to its last.
    fn block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        let [first, last] = ["", "/"].map(|slash| format!("<!-- {slash}fields:{name} -->"));
        let start = text.find(&first)?;
        let end = start + text[start..].find(&last)? + last.len();
        text.get(start..end)
    }

    #[test]
    fn the_reference_has_every_field() {
        let docs = include_str!("../../docs/json.md");
        let printed = markdown();
        for section in sections() {
            let name = section.name;
            assert_eq!(
                block(docs, name),
                block(&printed, name),
                "docs/json.md: replace the block of {name} by that of 'xenscope fields --format markdown'"
            );
        }
        assert_eq!(docs.matches("<!-- fields:").count(), sections().len());
    }

    #[test]
    fn names_end_with_their_unit() {
        fn check<T: Thing>() {
            for field in T::fields() {
                let end = match field.unit {
                    Unit::Bytes => "_bytes",
                    Unit::BytesPerSecond => "_bytes_per_second",
                    Unit::PerSecond => "_per_second",
                    Unit::Nanoseconds => "_ns",
                    Unit::Kilohertz => "_khz",
                    Unit::Percent => "percent",
                    Unit::None | Unit::Number | Unit::Count => continue,
                };
                let is_right = field.name.ends_with(end) || field.name.starts_with("cpu_percent");
                assert!(is_right, "{}", field.name);
                if let Kind::Counter { rate: Some(rate) } = field.kind {
                    let rate = T::fields().iter().find(|field| field.name == rate);
                    assert!(
                        rate.is_some_and(|rate| rate.kind == Kind::Rate),
                        "{}",
                        field.name
                    );
                }
                assert!(
                    field.doc.chars().count() < 60,
                    "{}: {}",
                    field.name,
                    field.doc
                );
            }
        }
        check::<Sample<'_>>();
        check::<HostSample<'_>>();
        check::<PcpuSample<'_>>();
        check::<Node>();
        check::<Pool>();
        check::<Repository>();
        check::<Dom0Sample<'_>>();
        check::<DomainSample<'_>>();
        check::<VcpuSample<'_>>();
        check::<NicSample<'_>>();
        check::<DiskSample<'_>>();
        check::<Waits>();
        check::<DomainWaits>();
        check::<VcpuWaits>();
        check::<Occupant>();
    }
}
