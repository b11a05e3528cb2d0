//! Reads the values of paths.

use std::collections::BTreeSet;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use futures::future::try_join_all;

use super::client::{Client, Names};
use super::parse::{self, number, online};
use super::watched_path::{Device, Key, Kind, WatchedPath};
use crate::snapshot::{Backend, DiskBackend, DomId, Listing};

/// What was read.
pub(super) enum Value {
    Keys(Vec<(Key, Option<Arc<str>>)>),
    Text(Option<Box<str>>),
    Devices(Vec<Device>),
    /// Whether a folder exists.
    Folder(bool),
    /// The vCPUs with an availability, and whether they are available.
    Available(Vec<(u32, bool)>),
    Listing(Listing),
}

/// What to read at a path.
#[derive(PartialEq, Eq)]
pub(super) enum Query {
    /// The value of the path itself.
    Path(WatchedPath),
    /// Keys of a domain.
    Keys(DomId, &'static [Key]),
    /// The devices at a path of a toolstack's record that other domains than dom0 serve.
    Record {
        path: WatchedPath,
        /// Whether to read the NICs.
        nics: bool,
        /// Whether to read the disks.
        disks: bool,
    },
    /// What XenStore lists. The domains are those that Xen has.
    Listing(Vec<DomId>),
}

/// Reads. All that does not depend on another answer is requested at once.
pub(super) async fn read(client: &Client, query: Query) -> io::Result<Value> {
    match query {
        Query::Keys(domain, keys) => read_keys(client, domain, keys).await.map(Value::Keys),
        Query::Listing(domains) => list(client, domains).await.map(Value::Listing),
        Query::Record { path, nics, disks } => {
            let folder = path.path();
            let folders = [("vif", nics), ("vbd", disks)];
            let wanted = folders.into_iter().filter(|(_, wanted)| *wanted);
            let lists = wanted.map(|(kind, _)| recorded(client, format!("{folder}/{kind}")));
            let lists = try_join_all(lists).await?.into_iter();
            Ok(Value::Devices(lists.flatten().collect()))
        }
        Query::Path(path) => {
            let text = path.path();
            match path {
                WatchedPath::Devices(_) => client.list(&text).await.map(|names| {
                    // A folder whose list is too long exists.
                    Value::Folder(names != Names::Absent)
                }),
                WatchedPath::DevicesOf(_, kind) => {
                    devices(client, &text, kind).await.map(Value::Devices)
                }
                WatchedPath::Available(_) => available(client, &text).await.map(Value::Available),
                _ => client.read(&text).await.map(Value::Text),
            }
        }
    }
}

async fn read_keys(
    client: &Client,
    domain: DomId,
    keys: &[Key],
) -> io::Result<Vec<(Key, Option<Arc<str>>)>> {
    let reads = keys.iter().map(|&key| async move {
        let value = client.read(&key.path(domain)).await?;
        Ok::<_, io::Error>((key, value.map(Arc::from)))
    });
    try_join_all(reads).await
}

/// Reads the devices in a folder of dom0's backends, in the order of their IDs, without empty CD drives.
async fn devices(client: &Client, folder: &str, kind: Kind) -> io::Result<Vec<Device>> {
    let disk = match kind {
        Kind::Vbd3 => Some(DiskBackend::Tapdisk),
        Kind::Qdisk => Some(DiskBackend::Qdisk),
        _ => None,
    };
    let ids = numbers::<u32>(client.list(folder).await?.known());
    let reads = ids.into_iter().map(|id| async move {
        let backend = format!("{folder}/{id}");
        let process = match disk {
            None => None,
            Some(_) => client.read(&format!("{backend}/kthread-pid")).await?,
        };
        let params = match kind {
            Kind::Qdisk | Kind::Vbd3 => client.read(&format!("{backend}/params")).await?,
            _ => None,
        };
        let params = params.as_deref();
        // It transfers nothing, so it must not make the sums of its domain unknown.
        if kind == Kind::Qdisk && params.is_some_and(parse::is_empty_drive) {
            return Ok(None);
        }
        Ok::<_, io::Error>(Some(Device {
            id,
            disk,
            backend_domain: DomId::DOM0,
            value: shown(client, &backend, disk).await?,
            process: process.and_then(|pid| number(&pid)),
            storage: params.and_then(parse::storage),
        }))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Reads the devices in a folder of a toolstack's record that other domains than dom0 serve, in the
/// order of their IDs.
async fn recorded(client: &Client, folder: String) -> io::Result<Vec<Device>> {
    let ids = numbers::<u32>(client.list(&folder).await?.known());
    let folder = &folder;
    let reads = ids.into_iter().map(|id| async move {
        let record = format!("{folder}/{id}");
        let backend = client.read(&format!("{record}/backend")).await?;
        let backend = backend.and_then(|path| parse::backend(&path));
        let Some((backend_domain, disk)) = backend.filter(|(domain, _)| *domain != DomId::DOM0)
        else {
            return Ok(None);
        };
        Ok::<_, io::Error>(Some(Device {
            id,
            disk,
            backend_domain,
            value: shown(client, &record, disk).await?,
            process: None,
            storage: None,
        }))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Reads what is shown of a device: a NIC's MAC, a disk's name.
async fn shown(
    client: &Client,
    device: &str,
    disk: Option<DiskBackend>,
) -> io::Result<Option<String>> {
    let key = if disk.is_some() { "dev" } else { "mac" };
    let value = client.read(&format!("{device}/{key}")).await?;
    Ok(value.map(String::from))
}

/// Reads the availability of the vCPUs in a domain's folder.
async fn available(client: &Client, folder: &str) -> io::Result<Vec<(u32, bool)>> {
    let ids = numbers::<u32>(client.list(folder).await?.known());
    let reads = ids.into_iter().map(|id| async move {
        let word = client.read(&format!("{folder}/{id}/availability")).await?;
        Ok::<_, io::Error>(word.and_then(|word| online(&word)).map(|is| (id, is)))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Lists domains and backends. If a list is longer than one reply, asks for each domain that Xen
/// has.
async fn list(client: &Client, known: Vec<DomId>) -> io::Result<Listing> {
    let mut too_long = Vec::new();
    let domains = match client.list(Listing::DOMAINS).await? {
        Names::TooLong => {
            too_long.push(Listing::DOMAINS.to_owned());
            let reads = known.iter().map(|&id| async move {
                let found = client.read(&format!("{}/{id}", Listing::DOMAINS)).await?;
                Ok::<_, io::Error>(found.map(|_| id))
            });
            try_join_all(reads).await?.into_iter().flatten().collect()
        }
        names => numbers(names.known()).into_iter().map(DomId).collect(),
    };
    let kinds: BTreeSet<Box<str>> = client
        .list(Listing::BACKENDS)
        .await?
        .known()
        .into_iter()
        .collect();
    let mut backends = Vec::new();
    for kind in kinds {
        let folder = format!("{}/{kind}", Listing::BACKENDS);
        let served = match client.list(&folder).await? {
            Names::TooLong => {
                too_long.push(folder.clone());
                known.clone()
            }
            names => numbers(names.known()).into_iter().map(DomId).collect(),
        };
        let (folder, kind) = (&folder, &kind);
        let lists = served.into_iter().map(|domain| async move {
            let ids = numbers(client.list(&format!("{folder}/{domain}")).await?.known());
            let of_domain = ids.into_iter().map(move |device| Backend {
                kind: kind.to_string(),
                domain,
                device,
            });
            Ok::<_, io::Error>(of_domain)
        });
        backends.extend(try_join_all(lists).await?.into_iter().flatten());
    }
    Ok(Listing {
        domains,
        backends,
        too_long,
    })
}

/// Returns the numbers among names, in ascending order.
fn numbers<T: FromStr + Ord>(names: Vec<Box<str>>) -> Vec<T> {
    let mut numbers: Vec<T> = names.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    numbers
}
