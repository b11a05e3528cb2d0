//! Rows of a damaged file that SQLite does not find any more.
//!
//! Each page of SQLite with rows says so itself (<https://www.sqlite.org/fileformat2.html>), so they are found without the
//! pages that lead to them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::compress::MAX_BYTES;
use super::log::MAX_SAMPLES;
use super::store::Entry;

/// The size of a page, which SQLite chooses.
const PAGE: usize = 4096;

/// What the first page has before its rows.
const HEADER: usize = 100;

/// The first byte of a page with rows.
const ROWS: u8 = 0x0d;

/// The most bytes of a row that are in the page itself.
const MOST_LOCAL: usize = PAGE - 35;

/// The least bytes of a larger row that are in the page itself.
const LEAST_LOCAL: usize = (PAGE - 12) * 32 / 255 - 23;

/// The most rows with the same ID that are tried. A recording has three; more are left from before.
const MOST_PLACES: usize = 64;

type Page = [u8; PAGE];

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    page: u64,
    at: usize,
}

/// The rows of a file.
#[derive(Debug)]
pub(super) struct Salvaged {
    file: File,
    entries: BTreeMap<i64, Entry>,
    blobs: BTreeMap<i64, Vec<Place>>,
}

impl Salvaged {
    /// Looks at all pages of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let pages = file.metadata()?.len() / PAGE as u64;
        let mut salvaged = Self {
            file,
            entries: BTreeMap::new(),
            blobs: BTreeMap::new(),
        };
        let mut page = [0; PAGE];
        for number in 0..pages {
            // A page that the disk does not read has no rows.
            if salvaged.read(number, &mut page).is_ok() {
                salvaged.take_rows(number, &page);
            }
        }
        Ok(salvaged)
    }

    /// Returns the chunks of the index.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.values().copied()
    }

    /// Returns the bytes of the rows with this ID, one after the other: those of a chunk, of a key and of its copy.
    pub(super) fn blobs(&self, id: i64) -> impl Iterator<Item = Vec<u8>> {
        let places = self.blobs.get(&id).into_iter().flatten();
        places.filter_map(|&place| self.blob(place))
    }

    fn read(&self, number: u64, page: &mut Page) -> io::Result<()> {
        self.file.read_exact_at(page, number * PAGE as u64)
    }

    fn take_rows(&mut self, number: u64, page: &Page) {
        let start = if number == 0 { HEADER } else { 0 };
        if page[start] != ROWS {
            return;
        }
        let count = number_at(page, start + 3, 2).unwrap_or(0);
        for row in 0..count as usize {
            let Some(at) = number_at(page, start + 8 + 2 * row, 2) else {
                return;
            };
            let at = at as usize;
            let Some(row) = Row::at(page, at) else {
                continue;
            };
            if let Some(entry) = row.entry() {
                self.entries.insert(entry.id, entry);
            } else if row.blob().is_some() {
                let place = Place { page: number, at };
                let places = self.blobs.entry(row.id).or_default();
                // A page may say a thousand times that it has the same row.
                if places.len() < MOST_PLACES && !places.contains(&place) {
                    places.push(place);
                }
            }
        }
    }

    /// Returns the bytes of a row that has some.
    fn blob(&self, place: Place) -> Option<Vec<u8>> {
        let mut page = [0; PAGE];
        self.read(place.page, &mut page).ok()?;
        let row = Row::at(&page, place.at)?;
        let mut bytes = row.blob()?.to_vec();
        let mut missing = row.bytes.checked_sub(row.local.len())?;
        let mut next = row.next;
        while missing > 0 {
            self.read(next?.checked_sub(1)?, &mut page).ok()?;
            next = number_at(&page, 0, 4);
            let taken = missing.min(PAGE - 4);
            bytes.extend_from_slice(&page[4..4 + taken]);
            missing -= taken;
        }
        Some(bytes)
    }
}

/// A row, as far as it is in its page.
struct Row<'a> {
    id: i64,
    /// How many bytes it has.
    bytes: usize,
    local: &'a [u8],
    /// The number of the page with more, from 1.
    next: Option<u64>,
}

impl<'a> Row<'a> {
    /// Returns the row at an offset; `None` if there is none.
    fn at(page: &'a Page, at: usize) -> Option<Self> {
        let mut rest = page.get(at..)?;
        let bytes = usize::try_from(varint(&mut rest)?).ok()?;
        let id = varint(&mut rest)?;
        if bytes as u64 > MAX_BYTES {
            return None;
        }
        let in_page = match bytes {
            0..=MOST_LOCAL => bytes,
            _ => match LEAST_LOCAL + (bytes - LEAST_LOCAL) % (PAGE - 4) {
                length @ 0..=MOST_LOCAL => length,
                _ => LEAST_LOCAL,
            },
        };
        let (local, rest) = rest.split_at_checked(in_page)?;
        Some(Self {
            id,
            bytes,
            local,
            next: number_at(rest, 0, 4).filter(|_| in_page < bytes),
        })
    }

    /// Returns the types of its columns, and what follows them; `None` if they make no sense.
    fn columns(&self) -> Option<(Vec<i64>, &'a [u8])> {
        let mut rest = self.local;
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        let (header, values) = self.local.split_at_checked(length)?;
        let mut types = header.get(self.local.len() - rest.len()..)?;
        let mut columns = Vec::new();
        while !types.is_empty() {
            columns.push(varint(&mut types)?);
        }
        Some((columns, values))
    }

    /// Returns the bytes in the page of a row of an ID and bytes.
    fn blob(&self) -> Option<&'a [u8]> {
        match self.columns()? {
            (columns, values) if matches!(columns[..], [0, kind] if kind >= 12 && kind % 2 == 0) => {
                Some(values)
            }
            _ => None,
        }
    }

    /// Returns what a row of the index says.
    fn entry(&self) -> Option<Entry> {
        let (columns, mut values) = self.columns()?;
        let [0, key, format, boot, earliest, latest, samples] = columns[..] else {
            return None;
        };
        let key = integer(key, &mut values)?;
        let format = integer(format, &mut values)?;
        // 13 is an empty text, and each letter is 2 more.
        let letters = usize::try_from(boot.saturating_sub(13).max(0) / 2).ok()?;
        values = values.get(letters..)?;
        let earliest = integer(earliest, &mut values)?;
        let latest = integer(latest, &mut values)?;
        let samples = u32::try_from(integer(samples, &mut values)?).ok()?;
        let entry = Entry {
            id: self.id,
            key,
            format: u32::try_from(format).ok()?,
            earliest,
            latest,
            samples,
        };
        (1..=MAX_SAMPLES).contains(&samples).then_some(entry)
    }
}

/// Returns a number of up to four bytes, the highest first.
fn number_at(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + length)?.iter();
    Some(bytes.fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// Takes a number of seven bits a byte, the highest first; a ninth byte has eight.
fn varint(from: &mut &[u8]) -> Option<i64> {
    let mut number = 0u64;
    for length in 1..=9 {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        if length == 9 {
            return Some((number << 8 | u64::from(byte)).cast_signed());
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some(number.cast_signed());
        }
    }
    None
}

/// Takes an integer whose column has this type.
fn integer(kind: i64, from: &mut &[u8]) -> Option<i64> {
    let length = match kind {
        1..=4 => kind as usize,
        5 => 6,
        6 => 8,
        8 | 9 => return Some(kind - 8),
        _ => return None,
    };
    let (bytes, rest) = from.split_at_checked(length)?;
    *from = rest;
    let is_negative = bytes.first()? & 0x80 != 0;
    let begin = if is_negative { -1 } else { 0 };
    Some(
        bytes
            .iter()
            .fold(begin, |number, &byte| number << 8 | i64::from(byte)),
    )
}
