//! The domains and backends that XenStore lists.

use std::str::FromStr;

use super::parse::number;
use super::reader::{Down, Reader};
use crate::snapshot::{Backend, DomId, Listing};

/// Where dom0's backends are.
const BACKENDS: &str = "/local/domain/0/backend";

/// Reads the lists: one request for the domains, and one for each kind of backend and each domain
/// that has one.
pub(super) fn read(reader: &Reader) -> Result<Listing, Down> {
    let domains = numbers(reader, "/local/domain")?;
    Ok(Listing {
        domains: domains.map(|ids| ids.into_iter().map(DomId).collect()),
        backends: backends(reader)?,
    })
}

fn backends(reader: &Reader) -> Result<Option<Vec<Backend>>, Down> {
    let mut found = Vec::new();
    let Some(mut kinds) = reader.list(BACKENDS.to_owned())? else {
        return Ok(None);
    };
    kinds.sort_unstable();
    for kind in kinds {
        let of_kind = format!("{BACKENDS}/{kind}");
        let Some(domains) = numbers::<u16>(reader, &of_kind)? else {
            return Ok(None);
        };
        for domain in domains {
            let Some(devices) = numbers(reader, &format!("{of_kind}/{domain}"))? else {
                return Ok(None);
            };
            found.extend(devices.into_iter().map(|device| Backend {
                kind: kind.clone(),
                domain: DomId(domain),
                device,
            }));
        }
    }
    Ok(Some(found))
}

/// The numbers among the names below `path`, rising; `None` when they are more than XenStore lists
/// at once.
fn numbers<T: FromStr + Ord>(reader: &Reader, path: &str) -> Result<Option<Vec<T>>, Down> {
    Ok(reader.list(path.to_owned())?.map(|names| {
        let mut numbers: Vec<T> = names.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        numbers
    }))
}
