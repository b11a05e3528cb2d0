//! What is read when a watch fires.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use xenstore_rs::AsyncXs;
use xenstore_rs::tokio::XsTokio;

use super::parse::{is_absent, number};
use super::watched_path::{Backend, Key, Kind, WatchedPath};
use crate::snapshot::DomId;

/// What a place holds.
pub(super) enum Value {
    Keys(Vec<(Key, Option<Arc<str>>)>),
    Text(Option<String>),
    Backends(Vec<Backend>),
    /// Whether a folder is there.
    Folder(bool),
}

/// Reads what is at a place.
pub(super) async fn read(xs: &XsTokio, place: WatchedPath) -> io::Result<Value> {
    let path = place.path();
    match place {
        WatchedPath::Key(domain, key) => together(xs, domain, key).await.map(Value::Keys),
        WatchedPath::Backends(_) => there(xs.directory(&path).await).map(Value::Folder),
        WatchedPath::Served(_, kind) => backends(xs, &path, kind).await.map(Value::Backends),
        _ => text(xs.read(&path).await).map(Value::Text),
    }
}

/// A key's text; `None` when there is none.
fn text(read: io::Result<Box<str>>) -> io::Result<Option<String>> {
    match read {
        Ok(text) => Ok(Some(text.into())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The key that was watched, and those that are read with it.
async fn together(
    xs: &XsTokio,
    domain: DomId,
    key: Key,
) -> io::Result<Vec<(Key, Option<Arc<str>>)>> {
    let mut values = Vec::new();
    for &key in key.together() {
        let value = text(xs.read(&WatchedPath::Key(domain, key).path()).await)?;
        values.push((key, value.map(Arc::from)));
    }
    Ok(values)
}

/// Whether there is a folder, however long its listing.
fn there(listed: io::Result<Vec<Box<str>>>) -> io::Result<bool> {
    match listed {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if is_absent(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The backends in a folder, by their ids.
async fn backends(xs: &XsTokio, folder: &str, kind: Kind) -> io::Result<Vec<Backend>> {
    let names = match xs.directory(folder).await {
        Ok(names) => names,
        Err(error) if is_absent(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for id in names.iter().filter_map(|name| number(name)) {
        let value = text(xs.read(&format!("{folder}/{id}/{}", kind.shown())).await)?;
        let process = match kind {
            Kind::Vif => None,
            _ => text(xs.read(&format!("{folder}/{id}/kthread-pid")).await)?,
        };
        found.push(Backend {
            id,
            value,
            process: process.and_then(|pid| number(&pid)),
        });
    }
    found.sort_by_key(|backend: &Backend| backend.id);
    Ok(found)
}
