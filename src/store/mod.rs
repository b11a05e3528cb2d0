//! XenStore: what people call the domains, and what the toolstack asked of them.

mod reader;

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::snapshot::{DomId, Domain, Note};
use reader::Reader;

/// How long a store that failed is left alone before it is tried again.
const REST: Duration = Duration::from_secs(5);

/// Which of a domain's keys to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// `~/name`.
    pub names: bool,
    /// `~/memory/target` and `~/vm`.
    pub details: bool,
}

/// A line to XenStore that comes up by itself, and again after it went down.
#[derive(Debug)]
pub struct Store {
    line: Line,
}

#[derive(Debug)]
enum Line {
    /// Not tried yet.
    Untried,
    /// Up.
    Up(Reader),
    /// Down, and why. A reader that still waits for its answer is kept, so that there is never
    /// more than one of them.
    Down {
        why: String,
        since: Instant,
        stuck: Option<Reader>,
    },
}

impl Store {
    /// A store that is not connected before something is read.
    pub fn new() -> Self {
        Self {
            line: Line::Untried,
        }
    }

    /// Fills in what XenStore knows of `domains`; a note says so when it could not be asked.
    pub fn describe(&mut self, domains: &mut [Domain], keys: Keys) -> Option<Note> {
        if keys == Keys::default() {
            return None;
        }
        self.bring_up();
        let reader = match &mut self.line {
            Line::Up(reader) => reader,
            Line::Untried => return None,
            Line::Down { why, .. } => return Some(Note::StoreDown(why.clone())),
        };
        match fill_in(reader, domains, keys) {
            Ok(()) => None,
            Err(why) => {
                // What was read so far may be half of a domain: unknown is better.
                for domain in domains {
                    domain.name = None;
                    domain.memory_target_bytes = None;
                    domain.store_uuid = None;
                }
                self.take_down(why.clone());
                Some(Note::StoreDown(why))
            }
        }
    }

    fn bring_up(&mut self) {
        let retry = match &self.line {
            Line::Untried => true,
            Line::Up(_) => false,
            Line::Down { since, stuck, .. } => {
                since.elapsed() >= REST && stuck.as_ref().is_none_or(Reader::has_ended)
            }
        };
        if retry {
            self.line = match Reader::start() {
                Ok(reader) => Line::Up(reader),
                Err(error) => Line::Down {
                    why: error.to_string(),
                    since: Instant::now(),
                    stuck: None,
                },
            };
        }
    }

    fn take_down(&mut self, why: String) {
        let line = std::mem::replace(&mut self.line, Line::Untried);
        let stuck = match line {
            Line::Up(reader) => Some(reader),
            Line::Down { stuck, .. } => stuck,
            Line::Untried => None,
        };
        self.line = Line::Down {
            why,
            since: Instant::now(),
            stuck,
        };
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

fn fill_in(reader: &mut Reader, domains: &mut [Domain], keys: Keys) -> Result<(), String> {
    for domain in domains {
        let path = |key: &str| home(domain.id, key);
        if keys.names {
            domain.name = reader.read(path("name"))?.filter(|name| !name.is_empty());
        }
        if keys.details {
            let target = reader.read(path("memory/target"))?;
            domain.memory_target_bytes = target.and_then(|text| kib(&text));
            let vm = reader.read(path("vm"))?;
            domain.store_uuid = vm.and_then(|path| uuid_of(&path));
        }
    }
    Ok(())
}

/// The path of a domain's key below its home in XenStore.
fn home(id: DomId, key: &str) -> String {
    format!("/local/domain/{id}/{key}")
}

/// Bytes from a number of KiB; `None` for anything else.
fn kib(text: &str) -> Option<u64> {
    text.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The uuid at the end of a domain's `vm` path: `/vm/UUID`, or `/vm/UUID-N` where an older
/// domain held that path.
fn uuid_of(vm: &str) -> Option<Uuid> {
    let last = vm.strip_prefix("/vm/")?;
    Uuid::try_parse(last.get(..36)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_kib_or_nothing() {
        assert_eq!(kib("131072"), Some(134_217_728));
        for text in [
            "",
            "-1",
            "12x",
            "1.5",
            "99999999999999999999",
            "18446744073709551615",
        ] {
            assert_eq!(kib(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_vm_path_ends_in_the_uuid() {
        let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(uuid_of(&format!("/vm/{uuid}")), Some(uuid));
        assert_eq!(uuid_of(&format!("/vm/{uuid}-1")), Some(uuid));
        for text in [
            "",
            "/vm/",
            "/vm/web",
            "/vm/ééééééééééééééééééééééééééééééééééééé",
        ] {
            assert_eq!(uuid_of(text), None, "{text:?}");
        }
    }
}
