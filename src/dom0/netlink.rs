//! Counters of network interfaces by netlink (`RTM_GETSTATS`, since Linux 4.7), all in one answer.
//!
//! The socket also gets a notification (`RTNLGRP_LINK`) when an interface appears, is renamed, or
//! leaves the network namespace. The counters are those of `/sys/class/net/*/statistics`: both come
//! from `dev_get_stats` (Linux, net/core/dev.c).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, IoSliceMut};
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NlasIterator,
};
use nix::errno::Errno;
use nix::libc::{RTM_DELLINK, RTM_NEWLINK, RTMGRP_LINK};
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, NetlinkAddr, SockFlag, SockProtocol, SockType, bind,
    recvmmsg, send, socket,
};

use super::vif;
use crate::snapshot::{Counters, NicCounter};

/// Types of messages, and the attribute with the counters (linux/rtnetlink.h, linux/if_link.h).
const RTM_NEWSTATS: u16 = 92;
const RTM_GETSTATS: u16 = 94;
const IFLA_STATS_LINK_64: u16 = 1;

/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// The length of `struct if_stats_msg`. Its interface is at the same offset as in `struct
/// ifinfomsg`.
const STATS_HEADER: usize = 12;
const INTERFACE: Range<usize> = 4..8;

/// The kernel makes its messages as long as the buffers of the messages before, up to this length,
/// which is enough for the counters of 140 interfaces (`netlink_recvmsg` in Linux,
/// net/netlink/af_netlink.c).
const BUFFER: usize = 32 << 10;

/// How many messages one system call receives: the counters of 1,100 interfaces.
const BUFFERS: usize = 8;

/// A socket for the interfaces of this process's network namespace.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: OwnedFd,
    /// Pages of it that the kernel never wrote to take no memory.
    buffers: Vec<u8>,
    /// The number of the last request.
    sequence: u32,
}

/// What the kernel sent since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The counters of interfaces by their indices. If interfaces came or went while the kernel
    /// answered, some may be missing (`NLM_F_DUMP_INTR`).
    pub(super) counters: BTreeMap<u32, Counters<NicCounter>>,
    /// The indices of interfaces that were changed, such as renamed or removed.
    pub(super) changed: BTreeSet<u32>,
    /// Whether there were more changes than the kernel could keep.
    pub(super) lost: bool,
    /// Whether the answer to the request is complete.
    complete: bool,
}

impl Netlink {
    /// Opens a socket. From now on, the kernel keeps changes for it.
    ///
    /// # Errors
    /// If the kernel has no netlink, or if a security policy denies it.
    pub(super) fn open() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        let any_port = 0;
        let changes = NetlinkAddr::new(any_port, RTMGRP_LINK.cast_unsigned());
        bind(socket.as_raw_fd(), &changes)?;
        Ok(Self {
            socket,
            buffers: vec![0; BUFFERS * BUFFER],
            sequence: 0,
        })
    }

    /// Returns the changes since the last call.
    ///
    /// # Errors
    /// If the socket cannot be read.
    pub(super) fn changes(&mut self) -> io::Result<News> {
        let mut news = News::default();
        while self.receive(&mut news)? {}
        Ok(news)
    }

    /// Returns the counters of all interfaces, and the changes since the last call.
    ///
    /// # Errors
    /// The kernel's answer; EOPNOTSUPP from a kernel that has no such request.
    pub(super) fn counters(&mut self) -> io::Result<News> {
        self.sequence = self.sequence.wrapping_add(1);
        send(
            self.socket.as_raw_fd(),
            &request(self.sequence),
            MsgFlags::empty(),
        )?;
        let mut news = News::default();
        while !news.complete {
            // The kernel writes its answer while the request is sent and messages are received
            // (`netlink_dump`), so the rest of the answer never comes later.
            if !self.receive(&mut news)? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(news)
    }

    /// Receives up to [`BUFFERS`] messages without waiting. Returns `false` if there was none.
    fn receive(&mut self, news: &mut News) -> io::Result<bool> {
        let mut headers = MultiHeaders::<NetlinkAddr>::preallocate(BUFFERS, None);
        let mut buffers: Vec<[IoSliceMut<'_>; 1]> = self
            .buffers
            .chunks_exact_mut(BUFFER)
            .map(|buffer| [IoSliceMut::new(buffer)])
            .collect();
        let received = recvmmsg(
            self.socket.as_raw_fd(),
            &mut headers,
            buffers.iter_mut(),
            MsgFlags::MSG_DONTWAIT,
            None,
        );
        let messages = match received {
            Ok(messages) => messages,
            Err(Errno::EAGAIN) => return Ok(false),
            Err(Errno::ENOBUFS) => {
                news.lost = true;
                return Ok(true);
            }
            Err(errno) => return Err(errno.into()),
        };
        for message in messages {
            // Only the kernel has port 0.
            if message.address.is_none_or(|from| from.pid() != 0) {
                continue;
            }
            news.lost |= message.flags.contains(MsgFlags::MSG_TRUNC);
            for bytes in message.iovs() {
                news.add(bytes, self.sequence)?;
            }
        }
        Ok(true)
    }
}

/// Returns the request for the counters of all interfaces.
fn request(sequence: u32) -> [u8; HEADER + STATS_HEADER] {
    let mut bytes = [0; HEADER + STATS_HEADER];
    let length = bytes.len() as u32;
    let mut message = NetlinkBuffer::new(&mut bytes);
    message.set_length(length);
    message.set_message_type(RTM_GETSTATS);
    message.set_flags(NLM_F_REQUEST | NLM_F_DUMP);
    message.set_sequence_number(sequence);
    let wanted: u32 = 1 << (IFLA_STATS_LINK_64 - 1);
    message.payload_mut()[8..].copy_from_slice(&wanted.to_ne_bytes());
    bytes
}

impl News {
    /// Adds what the kernel sent: changes, and the answer to the request with this number. If a
    /// message is incomplete, ignores it and what follows, and marks changes as lost.
    ///
    /// # Errors
    /// The kernel's answer, if that is an error.
    pub(super) fn add(&mut self, mut bytes: &[u8], sequence: u32) -> io::Result<()> {
        while !bytes.is_empty() {
            let Ok(message) = NetlinkBuffer::new_checked(bytes) else {
                self.lost = true;
                break;
            };
            let payload = message.payload();
            let answers = message.sequence_number() == sequence;
            match message.message_type() {
                RTM_NEWLINK | RTM_DELLINK => match interface(payload) {
                    Some(index) => {
                        self.changed.insert(index);
                    }
                    None => self.lost = true,
                },
                RTM_NEWSTATS if answers => self.counters.extend(stats(payload)),
                NLMSG_DONE if answers => self.complete = true,
                NLMSG_ERROR if answers => return Err(error(payload)),
                _ => {}
            }
            let next = (message.length() as usize).next_multiple_of(4);
            bytes = bytes.get(next..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Returns the error in the kernel's answer (`struct nlmsgerr`).
fn error(payload: &[u8]) -> io::Error {
    let code = payload
        .first_chunk()
        .map(|bytes| i32::from_ne_bytes(*bytes));
    match code.and_then(i32::checked_neg) {
        Some(errno) if errno > 0 => io::Error::from_raw_os_error(errno),
        _ => ErrorKind::InvalidData.into(),
    }
}

/// Returns the index of the interface that a message is about.
fn interface(payload: &[u8]) -> Option<u32> {
    let bytes = payload.get(INTERFACE)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

/// Returns the counters in a message (`struct rtnl_link_stats64`), with the index of the interface;
/// `None` if it has none.
fn stats(payload: &[u8]) -> Option<(u32, Counters<NicCounter>)> {
    let attributes = NlasIterator::new(payload.get(STATS_HEADER..)?);
    let mut attributes = attributes.map_while(Result::ok);
    let found = attributes.find(|attribute| attribute.kind() == IFLA_STATS_LINK_64)?;
    let (words, _) = found.value().as_chunks();
    let word = |counter| words.get(vif::source(counter).word).copied();
    let counters = Counters::from_fn(|counter| word(counter).map(u64::from_ne_bytes));
    Some((interface(payload)?, counters))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    /// The index of `lo` in every network namespace.
    const LOOPBACK: u32 = 1;

    /// The number of the request in these tests.
    const SEQUENCE: u32 = 7;

    /// Returns a message of the kernel.
    fn message(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + payload.len()];
        let length = bytes.len() as u32;
        let mut message = NetlinkBuffer::new(&mut bytes);
        message.set_length(length);
        message.set_message_type(kind);
        message.set_sequence_number(sequence);
        message.payload_mut().copy_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// Returns the counters of an interface; each is 100 more than its place.
    fn counted(index: u32) -> Vec<u8> {
        let words = (100_u64..125).flat_map(u64::to_ne_bytes);
        let attribute = [204_u16, IFLA_STATS_LINK_64].map(u16::to_ne_bytes).concat();
        let header = [0, index, 1].map(u32::to_ne_bytes).concat();
        let payload = header.into_iter().chain(attribute).chain(words);
        message(RTM_NEWSTATS, SEQUENCE, &payload.collect::<Vec<u8>>())
    }

    /// Returns a change of an interface.
    fn change(kind: u16, index: u32) -> Vec<u8> {
        message(kind, 0, &[0, index, 0, 0].map(u32::to_ne_bytes).concat())
    }

    fn read(messages: &[Vec<u8>]) -> io::Result<News> {
        let mut news = News::default();
        news.add(&messages.concat(), SEQUENCE).map(|()| news)
    }

    #[test]
    fn what_dom0_sent_is_what_the_guest_received() {
        let news = read(&[
            counted(3),
            counted(5),
            message(NLMSG_DONE, SEQUENCE, &[0; 4]),
        ])
        .unwrap();
        assert_eq!(news.counters.keys().collect::<Vec<_>>(), [&3, &5]);
        let figures = news.counters[&5];
        assert_eq!(figures[NicCounter::TxPackets], Some(100));
        assert_eq!(figures[NicCounter::RxPackets], Some(101));
        assert_eq!(figures[NicCounter::TxMissed], Some(115));
        assert!(news.complete && !news.lost && news.changed.is_empty());
    }

    #[test]
    fn changes_are_told_apart_from_answers() {
        let news = read(&[
            change(RTM_NEWLINK, 4),
            counted(3),
            change(RTM_DELLINK, 5),
            // An earlier request's answer.
            message(NLMSG_DONE, SEQUENCE - 1, &[0; 4]),
            message(NLMSG_ERROR, SEQUENCE - 1, &[0xff; 4]),
        ]);
        let news = news.unwrap();
        assert_eq!(news.changed, [4, 5].into());
        assert_eq!(news.counters.len(), 1);
        assert!(!news.complete && !news.lost);
    }

    #[test]
    fn an_error_is_the_kernels() {
        let error = |code: i32| {
            let answer = message(NLMSG_ERROR, SEQUENCE, &code.to_ne_bytes());
            read(&[counted(3), answer]).unwrap_err()
        };
        let code = Errno::EOPNOTSUPP as i32;
        assert_eq!(error(-code).raw_os_error(), Some(code));
        for code in [0, 5, i32::MIN] {
            assert_eq!(error(code).kind(), ErrorKind::InvalidData, "{code}");
        }
    }

    #[test]
    fn an_incomplete_message_is_ignored() {
        let whole = [counted(3), counted(5)].concat();
        for length in 1..whole.len() {
            let mut news = News::default();
            news.add(&whole[..length], SEQUENCE).unwrap();
            let (complete, rest) = (length / counted(3).len(), length % counted(3).len());
            assert_eq!(
                (news.counters.len(), news.lost),
                (complete, rest > 0),
                "{length}"
            );
        }
        // A message without counters, and one whose counters are cut.
        let bare = message(RTM_NEWSTATS, SEQUENCE, &[0; STATS_HEADER]);
        let news = read(&[bare, change(RTM_NEWLINK, 4)]).unwrap();
        assert!(news.counters.is_empty() && news.changed == [4].into());
        let mut short = counted(3);
        short[HEADER + STATS_HEADER..][..2].copy_from_slice(&84_u16.to_ne_bytes());
        let figures = read(&[short]).unwrap().counters[&3];
        assert_eq!(figures[NicCounter::TxPackets], Some(100));
        assert_eq!(figures[NicCounter::TxMissed], None);
    }

    #[test]
    fn counters_are_those_of_sysfs() {
        let mut netlink = Netlink::open().unwrap();
        let sysfs = |counter| {
            let name = vif::source(counter).file;
            let text = fs::read_to_string(format!("/sys/class/net/lo/statistics/{name}")).unwrap();
            text.trim().parse::<u64>().unwrap()
        };
        // More than one answer, because their length grows.
        for _ in 0..3 {
            let before = Counters::<NicCounter>::from_fn(|counter| Some(sysfs(counter)));
            let news = netlink.counters().unwrap();
            let counters = &news.counters[&LOOPBACK];
            for (counter, count) in counters {
                assert!(
                    (before[counter]..=Some(sysfs(counter))).contains(count),
                    "{counter:?}"
                );
            }
        }
    }
}
