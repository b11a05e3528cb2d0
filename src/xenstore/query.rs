//! Reads the values of watched paths.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use xenstore_rs::AsyncXs;
use xenstore_rs::tokio::XsTokio;

use super::parse::{is_absent, number};
use super::watched_path::{Backend, Key, Kind, WatchedPath};
use crate::snapshot::DomId;

/// What was read.
pub(super) enum Value {
    Keys(Vec<(Key, Option<Arc<str>>)>),
    Text(Option<String>),
    Backends(Vec<Backend>),
    /// Whether a folder exists.
    Folder(bool),
}

/// Reads what is at a watched path.
pub(super) async fn read(xs: &XsTokio, watched: WatchedPath) -> io::Result<Value> {
    let path = watched.path();
    match watched {
        WatchedPath::Key(domain, key) => keys(xs, domain, key).await.map(Value::Keys),
        WatchedPath::Backends(_) => exists(xs.directory(&path).await).map(Value::Folder),
        WatchedPath::Served(_, kind) => backends(xs, &path, kind).await.map(Value::Backends),
        _ => text(xs.read(&path).await).map(Value::Text),
    }
}

/// Returns a key's text; `None` if there is none.
fn text(read: io::Result<Box<str>>) -> io::Result<Option<String>> {
    match read {
        Ok(text) => Ok(Some(text.into())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the watched key, and the keys that are read with it.
async fn keys(xs: &XsTokio, domain: DomId, key: Key) -> io::Result<Vec<(Key, Option<Arc<str>>)>> {
    let mut values = Vec::new();
    for &key in key.read_with() {
        let value = text(xs.read(&WatchedPath::Key(domain, key).path()).await)?;
        values.push((key, value.map(Arc::from)));
    }
    Ok(values)
}

/// Returns whether a folder exists, even if its list is too long.
fn exists(listed: io::Result<Vec<Box<str>>>) -> io::Result<bool> {
    match listed {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if is_absent(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Reads the backends in a folder, in the order of their IDs.
async fn backends(xs: &XsTokio, folder: &str, kind: Kind) -> io::Result<Vec<Backend>> {
    let names = match xs.directory(folder).await {
        Ok(names) => names,
        Err(error) if is_absent(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for id in names.iter().filter_map(|name| number(name)) {
        let value = text(
            xs.read(&format!("{folder}/{id}/{}", kind.shown_key()))
                .await,
        )?;
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
