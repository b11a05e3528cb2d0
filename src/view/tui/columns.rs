//! The columns of the table of domains, and how they share a line.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::text::columns;

/// A column of the table of domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The domain's number.
    Id,
    /// Its name.
    Name,
    /// How it is virtualised.
    Type,
    /// Its state in a word.
    State,
    /// vCPUs online.
    Vcpus,
    /// CPU use in per cent of one pCPU.
    Cpu,
    /// CPU use in per cent of its vCPUs.
    CpuOfVcpus,
    /// CPU use of its vCPUs as a bar.
    CpuBar,
    /// CPU use of its vCPUs lately.
    CpuHistory,
    /// CPU time in seconds.
    CpuTime,
    /// Memory.
    Memory,
    /// Memory in per cent of the host's.
    MemoryShare,
    /// The most memory it may hold.
    MemoryMax,
    /// Bytes per second that it received.
    NetReceived,
    /// Bytes per second that it sent.
    NetSent,
    /// Bytes per second that it read from disks.
    DiskRead,
    /// Bytes per second that it wrote to disks.
    DiskWritten,
    /// Requests per second to read from disks.
    DiskReads,
    /// Requests per second to write to disks.
    DiskWrites,
    /// The CPU pool that it is in.
    Pool,
    /// Its uuid.
    Uuid,
}

/// What a column looks like.
pub(super) struct Shape {
    /// Its title, and a short one for where it is narrow.
    pub(super) titles: (&'static str, &'static str),
    /// What it holds.
    pub(super) holds: &'static str,
    /// How narrow and how wide it can be.
    widths: (usize, usize),
    /// The higher, the longer it stays when the line gets narrow. A column that is not one of the
    /// usual was chosen by someone, and stays longer than what is drawn.
    stays: u8,
    /// Whether its text stands on the left.
    pub(super) left: bool,
}

/// The shape of a column whose text stands on the right.
fn right(
    title: &'static str,
    short: &'static str,
    holds: &'static str,
    widths: (usize, usize),
    stays: u8,
) -> Shape {
    Shape {
        titles: (title, short),
        holds,
        widths,
        stays,
        left: false,
    }
}

/// The shape of a column whose text stands on the left.
fn left(
    title: &'static str,
    short: &'static str,
    holds: &'static str,
    widths: (usize, usize),
    stays: u8,
) -> Shape {
    Shape {
        left: true,
        ..right(title, short, holds, widths, stays)
    }
}

/// A column's place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) column: Column,
    pub(super) x: u16,
    pub(super) width: u16,
}

impl Column {
    /// Every column, in the order in which they stand.
    pub const ALL: [Self; 21] = [
        Self::Id,
        Self::Name,
        Self::Type,
        Self::State,
        Self::Vcpus,
        Self::Cpu,
        Self::CpuOfVcpus,
        Self::CpuBar,
        Self::CpuHistory,
        Self::CpuTime,
        Self::Memory,
        Self::MemoryShare,
        Self::MemoryMax,
        Self::NetReceived,
        Self::NetSent,
        Self::DiskRead,
        Self::DiskWritten,
        Self::DiskReads,
        Self::DiskWrites,
        Self::Pool,
        Self::Uuid,
    ];

    /// The columns that are shown unless others were chosen.
    pub const USUAL: [Self; 12] = [
        Self::Id,
        Self::Name,
        Self::State,
        Self::Vcpus,
        Self::Cpu,
        Self::CpuBar,
        Self::CpuHistory,
        Self::Memory,
        Self::NetReceived,
        Self::NetSent,
        Self::DiskRead,
        Self::DiskWritten,
    ];

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Id => right("ID", "ID", "its number", (3, 5), 15),
            Self::Name => left("NAME", "NAME", "its name", (8, 12), 21),
            Self::Type => left("TYPE", "TYPE", "pv, pvh or hvm", (5, 5), 8),
            Self::State => left("STATE", "STATE", "what it does", (8, 9), 16),
            Self::Vcpus => right("VCPUS", "VCPU", "vCPUs online", (5, 6), 2),
            Self::Cpu => right("CPU %", "CPU%", "CPU use, per cent of one pCPU", (5, 7), 19),
            Self::CpuOfVcpus => right(
                "VCPU %",
                "VCP%",
                "CPU use, per cent of its vCPUs",
                (5, 7),
                10,
            ),
            Self::CpuBar => left("BUSY", "BUSY", "CPU use of its vCPUs, as a bar", (5, 20), 3),
            Self::CpuHistory => left("LATELY", "PAST", "CPU use of its vCPUs lately", (5, 40), 1),
            Self::CpuTime => right("CPU TIME", "TIME", "CPU time in seconds", (7, 9), 7),
            Self::Memory => right("MEMORY", "MEM", "memory", (5, 7), 18),
            Self::MemoryShare => {
                right("MEM %", "MEM%", "memory, per cent of the host's", (5, 6), 9)
            }
            Self::MemoryMax => right("MEM MAX", "MAX", "the most memory it may hold", (5, 8), 6),
            Self::NetReceived => right("NET RX/s", "RX/s", "bytes received per second", (5, 9), 14),
            Self::NetSent => right("NET TX/s", "TX/s", "bytes sent per second", (5, 9), 13),
            Self::DiskRead => right("DISK RD/s", "RD/s", "bytes read per second", (5, 10), 12),
            Self::DiskWritten => {
                right("DISK WR/s", "WR/s", "bytes written per second", (5, 10), 11)
            }
            Self::DiskReads => right("READS/s", "RDS", "read requests per second", (5, 8), 8),
            Self::DiskWrites => right("WRITES/s", "WRS", "write requests per second", (5, 9), 8),
            Self::Pool => right("POOL", "POOL", "the CPU pool it is in", (5, 5), 5),
            Self::Uuid => left("UUID", "UUID", "its uuid", (36, 36), 4),
        }
    }

    /// Its place among all columns.
    pub(super) fn place(self) -> usize {
        let place = Self::ALL.iter().position(|&column| column == self);
        place.unwrap_or_default()
    }

    /// Whether people look for the greatest first in it.
    pub(super) fn descends(self) -> bool {
        !matches!(
            self,
            Self::Id | Self::Name | Self::Type | Self::State | Self::Pool | Self::Uuid
        )
    }
}

impl Slot {
    /// The longer title that fits, with room for the mark of the order.
    pub(super) fn title(self) -> &'static str {
        let (long, short) = self.column.shape().titles;
        match columns(long) < usize::from(self.width) {
            true => long,
            false => short,
        }
    }
}

/// What stays the longest has the highest.
fn rank(column: Column, sort: Column) -> u8 {
    match column {
        Column::Name => column.shape().stays,
        column if column == sort => Column::Name.shape().stays - 1,
        column => column.shape().stays,
    }
}

/// The columns that fit into a line of this width, with one column of space between them: those
/// that matter most take their room first, then those that fit beside them, and what room is left
/// widens them, the name first. Only the name matters more than the column that is sorted by.
///
/// `id` and `name` are the widths of the longest of each; a name that must be `whole` gives way
/// last.
pub(super) fn fit(
    chosen: &[Column],
    sort: Column,
    width: u16,
    (id, name): (usize, usize),
    whole: bool,
) -> Vec<Slot> {
    let width = usize::from(width);
    let narrowest = |column: Column| match column {
        Column::Id => id.max(column.shape().widths.0),
        Column::Name if whole => name.max(column.shape().widths.0),
        _ => column.shape().widths.0,
    };
    let mut ranked: Vec<usize> = (0..chosen.len()).collect();
    ranked.sort_by_key(|&place| Reverse(rank(chosen[place], sort)));
    let mut taken = vec![None; chosen.len()];
    // The first column needs no space before it, and gets what there is.
    let mut left = width + 1;
    for (index, place) in ranked.into_iter().enumerate() {
        let mut needed = narrowest(chosen[place]);
        if index == 0 {
            needed = needed.min(width);
        }
        if let Some(rest) = left.checked_sub(needed + 1) {
            (taken[place], left) = (Some((chosen[place], needed)), rest);
        }
    }
    let mut taken: Vec<(Column, usize)> = taken.into_iter().flatten().collect();

    let mut widen = |column: Column, limit: usize| {
        if let Some((_, width)) = taken.iter_mut().find(|(this, _)| *this == column) {
            let more = limit.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    };
    widen(Column::Name, name.min(24));
    widen(Column::CpuBar, 8);
    widen(Column::CpuHistory, 8);
    for &column in chosen {
        if !matches!(column, Column::CpuBar | Column::CpuHistory) {
            widen(column, column.shape().widths.1);
        }
    }
    for column in [Column::Name, Column::CpuBar, Column::CpuHistory] {
        let limit = match column {
            Column::Name => name,
            _ => column.shape().widths.1,
        };
        widen(column, limit);
    }

    let mut x = 0;
    taken
        .into_iter()
        .map(|(column, width)| {
            let slot = Slot {
                column,
                x: x as u16,
                width: width as u16,
            };
            x += width + 1;
            slot
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    fn titles(width: u16, name: usize) -> String {
        let slots = fit(&Column::USUAL, Column::Cpu, width, (1, name), false);
        let titles = slots.iter().map(|slot| slot.title());
        titles.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_matters_least_goes_first() {
        let narrow = "ID NAME STATE VCPU CPU% BUSY PAST MEM RX/s TX/s RD/s WR/s";
        assert_eq!(titles(75, 30), narrow);
        assert_eq!(titles(74, 30), narrow.replace(" PAST", ""));
        assert_eq!(titles(60, 30), "ID NAME STATE CPU% MEM RX/s TX/s RD/s WR/s");
        assert_eq!(titles(40, 30), "ID NAME STATE CPU% MEM RX/s");
        assert_eq!(titles(20, 30), "NAME CPU% MEM");
        assert_eq!(titles(1, 30), "NAME");
    }

    #[test]
    fn what_was_chosen_stays_longer_than_what_is_drawn() {
        for column in Column::ALL {
            if !Column::USUAL.contains(&column) {
                let drawn = [Column::CpuBar, Column::CpuHistory];
                assert!(
                    drawn
                        .iter()
                        .all(|drawn| column.shape().stays > drawn.shape().stays)
                );
            }
        }
    }

    #[test]
    fn the_column_that_is_sorted_by_stays_the_longest_beside_the_name() {
        for sort in Column::ALL {
            let slots = fit(&Column::ALL, sort, 45, (1, 30), false);
            assert!(slots.iter().any(|slot| slot.column == sort), "{sort:?}");
        }
    }

    #[test]
    fn the_name_gets_the_room_that_it_needs() {
        let name = |width, longest, whole| {
            let slots = fit(&Column::USUAL, Column::Cpu, width, (1, longest), whole);
            let name = slots.iter().find(|slot| slot.column == Column::Name);
            name.map(|slot| slot.width)
        };
        assert_eq!(name(200, 60, false), Some(60));
        assert_eq!(name(80, 60, false), Some(13));
        assert_eq!(name(80, 60, true), Some(60));
        assert_eq!(name(200, 3, false), Some(12));
    }

    proptest! {
        #[test]
        fn slots_stand_side_by_side_within_the_line(
            chosen in subsequence(Column::ALL.to_vec(), 1..=Column::ALL.len()),
            sort in select(Column::ALL.to_vec()),
            width in 0_u16..300, id in 1_usize..=5, name in 0_usize..100, whole: bool,
        ) {
            let slots = fit(&chosen, sort, width, (id, name), whole);
            prop_assert!(!slots.is_empty());
            let mut next = 0;
            for slot in &slots {
                prop_assert_eq!(slot.x, next);
                next += slot.width + 1;
            }
            prop_assert!(next <= width + 1);
            // Whatever is left out matters less than all that is shown, or is wider.
            let narrowest = |column: Column| match column {
                Column::Id => id.max(3),
                column => column.shape().widths.0,
            };
            let shown = |column: &Column| slots.iter().any(|slot| slot.column == *column);
            for left_out in chosen.iter().filter(|column| !shown(column)) {
                prop_assert!(*left_out != Column::Name);
                for slot in &slots {
                    prop_assert!(rank(*left_out, sort) <= rank(slot.column, sort)
                        || narrowest(*left_out) > narrowest(slot.column));
                }
            }
        }
    }
}
