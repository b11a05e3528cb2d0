//! Properties of the kernel's files; see [`crate::fuzzing`].

use super::counter::{counter, number};
use super::kernel::{Ticks, parse_boot_id, uptime_ns};
use super::netlink::News;
use super::tapdisk::Record;
use super::{bus, vif};
use crate::fuzzing::digits;

/// Checks the parsers of sysfs, procfs, `/dev/shm` and netlink.
pub fn kernel(bytes: &[u8]) {
    assert_eq!(number(bytes), digits(bytes));
    let line = bytes.strip_suffix(b"\n");
    assert_eq!(counter(bytes), line.and_then(digits));
    bus_name(bytes);
    uptime(bytes);
    boot_id(bytes);
    stat(bytes);
    stat(&[b"cpu  ", bytes].concat());
    interface(bytes);
    interface(&[b"INTERFACE=", bytes].concat());
    netlink(bytes);
    tapdisk(bytes);
    for version in 0..4_u32 {
        tapdisk(&[&version.to_ne_bytes(), bytes].concat());
    }
}

/// Asserts that a device has the numbers of its name, and that other names are no devices.
fn bus_name(name: &[u8]) {
    let parts: Vec<&[u8]> = name.split(|&byte| byte == b'-').collect();
    let expected = match parts[..] {
        [b"vif", domain, id] => digits(domain).zip(digits(id)),
        _ => None,
    };
    let in_range =
        expected.filter(|&(domain, id)| domain <= u16::MAX.into() && id <= u32::MAX.into());
    let found = bus::numbers(name, "vif").map(|(domain, id)| (domain.0.into(), id.into()));
    assert_eq!(found, in_range);
}

/// Asserts that the interface is that of the first complete line that has one.
fn interface(uevent: &[u8]) {
    let mut lines: Vec<&[u8]> = uevent.split(|&byte| byte == b'\n').collect();
    // Text after the last newline is an incomplete line.
    lines.pop();
    let mut names = lines
        .iter()
        .filter_map(|line| line.strip_prefix(b"INTERFACE="));
    let expected = names.next().filter(|name| !name.is_empty());
    assert_eq!(vif::name(uevent), expected);
    let mut indices = lines
        .iter()
        .filter_map(|line| line.strip_prefix(b"IFINDEX="));
    let expected = indices.next().and_then(digits);
    assert_eq!(
        vif::index(uevent).map(u64::from),
        expected.filter(|&index| index <= u32::MAX.into())
    );
}

/// Asserts that each message is read that is complete, up to the first that is not.
fn netlink(bytes: &[u8]) {
    const SEQUENCE: u32 = 7;
    let word = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_ne_bytes(*bytes))
    };
    let (mut at, mut changes, mut answers) = (0, 0, 0);
    let (mut is_cut, mut is_error) = (false, false);
    while at < bytes.len() && !is_error {
        let length = word(at).map_or(0, |length| length as usize);
        is_cut = length < 16 || bytes.len() - at < length;
        if is_cut {
            break;
        }
        let kind = word(at + 4).unwrap_or_default() & 0xffff;
        let is_answer = word(at + 8) == Some(SEQUENCE);
        // RTM_NEWLINK and RTM_DELLINK, RTM_NEWSTATS, and NLMSG_ERROR.
        match kind {
            16 | 17 => changes += 1,
            92 if is_answer => answers += 1,
            2 => is_error = is_answer,
            _ => {}
        }
        at += length.next_multiple_of(4);
    }
    let mut news = News::default();
    let read = news.add(bytes, SEQUENCE);
    assert!(news.changed.len() <= changes && news.counters.len() <= answers);
    assert!(news.lost || !is_cut);
    assert_eq!(read.is_err(), is_error);
}

/// Asserts that a time, printed, is the text that it was parsed from.
fn uptime(text: &[u8]) {
    let Some(ns) = uptime_ns(text) else { return };
    assert_eq!(ns % 10_000_000, 0);
    let (seconds, hundredths) = (ns / 1_000_000_000, ns / 10_000_000 % 100);
    let printed = format!("{seconds}.{hundredths:02} ");
    let text = String::from_utf8_lossy(text);
    let (text, printed) = (
        text.trim_start_matches('0'),
        printed.trim_start_matches('0'),
    );
    assert!(text.starts_with(printed), "{text:?}");
}

/// Asserts that a boot ID, printed, is the text that it was parsed from, in lower case.
fn boot_id(text: &[u8]) {
    if let Some(id) = parse_boot_id(text) {
        assert_eq!(format!("{id}\n").as_bytes(), text.to_ascii_lowercase());
    }
}

/// Asserts that each sum is that of its fields, and known if and only if all of them are.
fn stat(text: &[u8]) {
    let line = text.split(|&byte| byte == b'\n').next();
    let line = line.filter(|line| line.len() < text.len());
    let fields = line.and_then(|line| line.strip_prefix(b"cpu  "));
    let fields: Vec<_> = fields
        .map(|fields| fields.split(|&byte| byte == b' ').map(digits).collect())
        .unwrap_or_default();
    let sum = |places: &[usize]| {
        let of = |&place: &usize| Some(u128::from((*fields.get(place)?)?));
        let sum = places.iter().map(of).sum::<Option<u128>>()?;
        u64::try_from(sum).ok()
    };
    let expected = Ticks {
        busy: sum(&[0, 1, 2, 5, 6]),
        steal: sum(&[7]),
    };
    assert_eq!(Ticks::parse(text), expected);
}

/// Asserts that a record is complete, of a known version, and has each counter at its offset.
fn tapdisk(bytes: &[u8]) {
    let at = |place: usize| {
        let bytes = bytes.get(8 + 8 * place..)?.first_chunk()?;
        Some(u64::from_ne_bytes(*bytes))
    };
    let version = bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
    let last = match version {
        Some(1) => at(10),
        Some(2) => at(14),
        _ => None,
    };
    let record = Record::parse(bytes);
    assert_eq!(record.is_some(), last.is_some());
    let Some(record) = record else { return };
    let discards = at(12).filter(|_| version == Some(2));
    assert_eq!(record.discards, discards);
    let (read, write) = (record.read, record.write);
    let counters = [
        record.out_of_slots,
        read.completed,
        read.sectors,
        read.ticks,
    ];
    assert_eq!(counters.map(Some), [0, 2, 3, 4].map(at));
    let counters = [write.completed, write.sectors, write.ticks, record.errors];
    assert_eq!(counters.map(Some), [6, 7, 8, 9].map(at));
    for direction in [read, write] {
        let time_ns = direction.time_ns();
        assert!(time_ns.is_none_or(|ns| ns / 1000 == direction.ticks));
    }
}
