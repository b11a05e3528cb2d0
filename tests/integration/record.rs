//! The JSON that README.md describes, decoded with unknown fields denied.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub schema: u32,
    pub time: jiff::Timestamp,
    pub interval_ns: Option<u64>,
    pub host: Host,
    pub domains: Vec<Domain>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub xen_version: String,
    pub pcpus: u32,
    pub memory_bytes: u64,
    pub memory_free_bytes: u64,
    pub cpu_percent: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    pub id: u16,
    pub uuid: uuid::Uuid,
    pub name: Option<String>,
    pub r#type: String,
    pub state: String,
    pub shutdown_reason: Option<String>,
    pub vcpus_online: u32,
    pub vcpus_max: u32,
    pub cpu_time_ns: u64,
    pub cpu_percent: Option<f64>,
    pub cpu_percent_of_vcpus: Option<f64>,
    pub memory_bytes: u64,
    pub memory_max_bytes: Option<u64>,
    pub memory_target_bytes: Option<u64>,
}

impl Record {
    /// The records that a text holds, one a line.
    pub fn all(text: &str) -> Vec<Self> {
        assert!(text.ends_with('\n'), "a line is cut off: {text:?}");
        text.lines()
            .map(|line| {
                assert!(line.starts_with("{\"schema\":1,"), "{line}");
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// The one record that a text holds.
    pub fn one(text: &str) -> Self {
        let mut records = Self::all(text);
        assert_eq!(records.len(), 1, "{text}");
        records.remove(0)
    }

    /// The one domain of this name.
    pub fn domain(&self, name: &str) -> &Domain {
        let named: Vec<&Domain> = self
            .domains
            .iter()
            .filter(|domain| domain.name.as_deref() == Some(name))
            .collect();
        assert_eq!(named.len(), 1, "domains called {name}: {named:?}");
        named[0]
    }
}
