//! The JSON that docs/json.md and docs/events.md describe, decoded with unknown fields denied.

// Every field is declared here, even if no test reads it, because unknown fields are denied.
#![allow(dead_code)]

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Returns the objects of a text, one a line; asserts that the last line is complete.
pub fn all<T: DeserializeOwned>(text: &str) -> Vec<T> {
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "a line is cut off: {text:?}"
    );
    let one = |line: &str| {
        assert!(line.starts_with("{\"schema\":1,"), "{line}");
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    text.lines().map(one).collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub schema: u32,
    pub time: jiff::Timestamp,
    pub interval_ns: Option<u64>,
    pub xenstore_as_of: Option<jiff::Timestamp>,
    pub host: Host,
    pub domains: Vec<Domain>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub xen_version: String,
    pub uptime_ns: Option<u64>,
    pub pcpus: u32,
    pub cpu_khz: u32,
    pub memory_bytes: u64,
    pub memory_free_bytes: u64,
    pub memory_claimed_bytes: u64,
    pub cpu_percent: Option<f64>,
    // Only if the host was traced.
    pub ready_vcpus: Option<f64>,
    pub most_ready_vcpus: Option<u32>,
    pub trace_records: Option<u64>,
    pub trace_lost_ns: Option<u64>,
    pub pcpu: Vec<Pcpu>,
    pub nodes: Option<Vec<Node>>,
    pub pools: Option<Vec<Pool>>,
    pub repositories: Option<Vec<Repository>>,
    pub build: Option<Build>,
    pub dom0: Option<Dom0>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pcpu {
    pub id: u32,
    pub online: bool,
    pub socket: Option<u32>,
    pub core: Option<u32>,
    pub node: Option<u32>,
    pub pool: Option<u32>,
    pub idle_time_ns: Option<u64>,
    pub cpu_percent: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub id: u32,
    pub memory_bytes: Option<u64>,
    pub memory_free_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub id: u32,
    pub name: Option<String>,
    pub scheduler: String,
    pub timeslice_ns: Option<u64>,
    pub pcpus: Vec<u32>,
    pub domains: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    pub uuid: String,
    pub disks: u64,
    pub measured_disks: u64,
    pub read_bytes_per_second: Option<f64>,
    pub write_bytes_per_second: Option<f64>,
    pub read_requests_per_second: Option<f64>,
    pub write_requests_per_second: Option<f64>,
    pub out_of_slots_per_second: Option<f64>,
    pub read_latency_ns: Option<f64>,
    pub write_latency_ns: Option<f64>,
    pub busiest_domain_id: Option<u16>,
    pub busiest_domain: Option<String>,
    pub busiest_percent: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    pub changeset: String,
    pub compiler: String,
    pub date: String,
    pub id: Option<String>,
    pub command_line: String,
    pub capabilities: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dom0 {
    pub uptime_ns: Option<u64>,
    pub cpu_time_ns: Option<u64>,
    pub cpu_percent: Option<f64>,
    pub steal_time_ns: Option<u64>,
    pub steal_percent: Option<f64>,
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
    pub memory_short_bytes: Option<u64>,
    pub memory_static_max_bytes: Option<u64>,
    pub memory_videoram_bytes: Option<u64>,
    pub memory_claimed_bytes: u64,
    pub memory_shared_bytes: u64,
    pub memory_paged_bytes: u64,
    pub paging_pool_bytes: Option<u64>,
    pub target_domain_id: Option<u16>,
    // Only if the host was traced.
    pub ready_missed_changes: Option<u64>,
    pub pool: u32,
    pub scheduler: Option<String>,
    pub weight: Option<u16>,
    pub cap_percent: Option<u16>,
    pub period_ns: Option<u64>,
    pub budget_ns: Option<u64>,
    pub extra_time: Option<bool>,
    // Only if the host was traced.
    pub ready_time_ns: Option<u64>,
    pub ready_percent: Option<f64>,
    pub blocked_time_ns: Option<u64>,
    pub blocked_percent: Option<f64>,
    pub offline_time_ns: Option<u64>,
    pub offline_percent: Option<f64>,
    pub throttled_percent: Option<f64>,
    pub lost_percent: Option<f64>,
    pub schedules: Option<u64>,
    pub schedules_per_second: Option<f64>,
    pub waits: Option<u64>,
    pub waits_per_second: Option<f64>,
    pub longest_wait_ns: Option<u64>,
    pub vcpus: Option<Vec<Vcpu>>,
    pub nics: Option<Vec<Nic>>,
    pub disks: Option<Vec<Disk>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vcpu {
    pub id: u32,
    pub online: bool,
    pub state: String,
    pub pcpu: Option<u32>,
    pub cpu_time_ns: u64,
    pub cpu_percent: Option<f64>,
    pub hard_affinity: Option<Vec<u32>>,
    pub soft_affinity: Option<Vec<u32>>,
    // Only if the host was traced.
    pub ready_time_ns: Option<u64>,
    pub ready_percent: Option<f64>,
    pub blocked_time_ns: Option<u64>,
    pub blocked_percent: Option<f64>,
    pub offline_time_ns: Option<u64>,
    pub offline_percent: Option<f64>,
    pub throttled_percent: Option<f64>,
    pub lost_percent: Option<f64>,
    pub schedules: Option<u64>,
    pub schedules_per_second: Option<f64>,
    pub waits: Option<u64>,
    pub waits_per_second: Option<f64>,
    pub longest_wait_ns: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nic {
    pub id: u32,
    pub device: String,
    pub backend_domain_id: u16,
    pub mac: Option<String>,
    pub rx_bytes: Option<u64>,
    pub rx_packets: Option<u64>,
    pub rx_errors: Option<u64>,
    pub rx_drops: Option<u64>,
    pub tx_bytes: Option<u64>,
    pub tx_packets: Option<u64>,
    pub tx_errors: Option<u64>,
    pub tx_drops: Option<u64>,
    pub tx_missed: Option<u64>,
    pub rx_bytes_per_second: Option<f64>,
    pub rx_packets_per_second: Option<f64>,
    pub rx_errors_per_second: Option<f64>,
    pub rx_drops_per_second: Option<f64>,
    pub tx_bytes_per_second: Option<f64>,
    pub tx_packets_per_second: Option<f64>,
    pub tx_errors_per_second: Option<f64>,
    pub tx_drops_per_second: Option<f64>,
    pub tx_missed_per_second: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    pub id: u32,
    pub device: String,
    pub backend: String,
    pub backend_domain_id: u16,
    pub sr_uuid: Option<String>,
    pub vdi_uuid: Option<String>,
    pub read_requests: Option<u64>,
    pub write_requests: Option<u64>,
    pub read_bytes: Option<u64>,
    pub write_bytes: Option<u64>,
    pub flush_requests: Option<u64>,
    pub discard_requests: Option<u64>,
    pub out_of_slots: Option<u64>,
    pub errors: Option<u64>,
    pub read_time_ns: Option<u64>,
    pub write_time_ns: Option<u64>,
    pub read_requests_per_second: Option<f64>,
    pub write_requests_per_second: Option<f64>,
    pub read_bytes_per_second: Option<f64>,
    pub write_bytes_per_second: Option<f64>,
    pub flush_requests_per_second: Option<f64>,
    pub discard_requests_per_second: Option<f64>,
    pub out_of_slots_per_second: Option<f64>,
    pub errors_per_second: Option<f64>,
    pub read_latency_ns: Option<f64>,
    pub write_latency_ns: Option<f64>,
}

impl Nic {
    /// Returns its counters and their rates, in the same order.
    pub fn counted(&self) -> ([Option<u64>; 9], [Option<f64>; 9]) {
        let counters = [
            self.rx_bytes,
            self.rx_packets,
            self.rx_errors,
            self.rx_drops,
            self.tx_bytes,
            self.tx_packets,
            self.tx_errors,
            self.tx_drops,
            self.tx_missed,
        ];
        let rates = [
            self.rx_bytes_per_second,
            self.rx_packets_per_second,
            self.rx_errors_per_second,
            self.rx_drops_per_second,
            self.tx_bytes_per_second,
            self.tx_packets_per_second,
            self.tx_errors_per_second,
            self.tx_drops_per_second,
            self.tx_missed_per_second,
        ];
        (counters, rates)
    }
}

/// A line of `xenscope events`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub schema: u32,
    pub time: jiff::Timestamp,
    pub id: Option<u16>,
    pub uuid: Option<uuid::Uuid>,
    pub name: Option<String>,
    pub event: String,
    pub old_name: Option<String>,
    pub old_id: Option<u16>,
    pub reason: Option<Value>,
    pub old_online: Option<u32>,
    pub online: Option<u32>,
    pub old_bytes: Option<u64>,
    pub bytes: Option<u64>,
    pub old_weight: Option<u16>,
    pub weight: Option<u16>,
    pub old_cap_percent: Option<u16>,
    pub cap_percent: Option<u16>,
    pub device_id: Option<u32>,
    pub device: Option<String>,
    pub why: Option<String>,
    pub blind_ns: Option<u64>,
    pub count: Option<u64>,
}

impl Record {
    /// Returns the only record of a text.
    pub fn one(text: &str) -> Self {
        let mut records: Vec<Self> = all(text);
        assert_eq!(records.len(), 1, "{text}");
        records.remove(0)
    }

    /// Returns the only domain with this name.
    pub fn domain(&self, name: &str) -> &Domain {
        let named: Vec<&Domain> = self
            .domains
            .iter()
            .filter(|domain| domain.name.as_deref() == Some(name))
            .collect();
        assert_eq!(named.len(), 1, "domains called {name}: {named:?}");
        named[0]
    }

    /// Returns the only domain with this ID.
    pub fn domain_id(&self, id: u16) -> &Domain {
        let found = self.domains.iter().find(|domain| domain.id == id);
        found.unwrap_or_else(|| panic!("no domain {id} in {self:?}"))
    }
}

/// What `xenscope audit --format json` prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub schema: u32,
    pub time: jiff::Timestamp,
    pub interval_ns: Option<u64>,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub check: String,
    pub verdict: String,
    pub compared: String,
    pub comparisons: usize,
    pub domain: Option<u16>,
    pub unit: Option<String>,
    pub relation: Option<String>,
    pub expected: Option<Value>,
    pub observed: Option<Value>,
    pub tolerance: Option<i64>,
    pub tolerance_from: Option<String>,
    pub reason: Option<String>,
}

impl Audit {
    /// Returns check, verdict and domain of the findings with the verdict warning or failed.
    ///
    /// Warnings that the clocks of the pCPUs explain are left out: under emulation they can differ by milliseconds.
    pub fn wrong(&self) -> Vec<(&str, &str, Option<u16>)> {
        let findings = self.findings.iter();
        findings
            .filter(|finding| ["warning", "failed"].contains(&finding.verdict.as_str()))
            .filter(|finding| {
                let reason = finding.reason.as_deref().unwrap_or_default();
                let clocks =
                    finding.check == "cpu.clock_skew" || reason.contains("see cpu.clock_skew");
                finding.verdict == "failed" || !clocks
            })
            .map(|finding| (&*finding.check, &*finding.verdict, finding.domain))
            .collect()
    }

    /// Returns which part of the pCPUs' time is missing, or too much; 0 if the report has no figures.
    pub fn missing(&self) -> f64 {
        let sum = self.of("cpu.conservation");
        let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_f64);
        match (number(&sum.expected), number(&sum.observed)) {
            (Some(expected), Some(observed)) => (expected - observed).abs() / expected,
            _ => 0.0,
        }
    }

    /// Returns the first finding of a check.
    pub fn of(&self, check: &str) -> &Finding {
        let found = self.findings.iter().find(|finding| finding.check == check);
        found.unwrap_or_else(|| panic!("no {check} in {self:?}"))
    }
}

#[test]
fn every_field_of_json_is_known() {
    for name in ["list", "status", "vcpus", "host", "top"] {
        let path = format!("{}/tests/golden/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(!text.is_empty());
        for line in text.lines() {
            let parsed: Result<Record, _> = serde_json::from_str(line);
            assert!(parsed.is_ok(), "{name}: {}", parsed.unwrap_err());
        }
    }
}
