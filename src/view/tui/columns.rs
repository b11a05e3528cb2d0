//! The columns of the table of domains, and how they share a line.

use serde::{Deserialize, Serialize};

use crate::view::text::columns;

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
    /// How narrow and how wide it can be.
    widths: (usize, usize),
    /// The higher, the longer it stays when the line gets narrow.
    stays: u8,
    /// Whether its text stands on the left.
    pub(super) left: bool,
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
        let (titles, widths, stays, left) = match self {
            Self::Id => (("ID", "ID"), (3, 5), 15, false),
            Self::Name => (("NAME", "NAME"), (8, 12), 20, true),
            Self::Type => (("TYPE", "TYPE"), (5, 5), 5, true),
            Self::State => (("STATE", "STATE"), (8, 9), 16, true),
            Self::Vcpus => (("VCPUS", "VCPU"), (5, 6), 9, false),
            Self::Cpu => (("CPU %", "CPU%"), (5, 7), 19, false),
            Self::CpuOfVcpus => (("VCPU %", "VCP%"), (5, 7), 8, false),
            Self::CpuBar => (("BUSY", "BUSY"), (5, 20), 10, true),
            Self::CpuHistory => (("LATELY", "PAST"), (5, 40), 7, true),
            Self::CpuTime => (("CPU TIME", "TIME"), (7, 9), 4, false),
            Self::Memory => (("MEMORY", "MEM"), (5, 7), 18, false),
            Self::MemoryShare => (("MEM %", "MEM%"), (5, 6), 6, false),
            Self::MemoryMax => (("MEM MAX", "MAX"), (5, 8), 3, false),
            Self::NetReceived => (("NET RX/s", "RX/s"), (5, 9), 14, false),
            Self::NetSent => (("NET TX/s", "TX/s"), (5, 9), 13, false),
            Self::DiskRead => (("DISK RD/s", "RD/s"), (5, 10), 12, false),
            Self::DiskWritten => (("DISK WR/s", "WR/s"), (5, 10), 11, false),
            Self::DiskReads => (("READS/s", "RDS"), (5, 8), 5, false),
            Self::DiskWrites => (("WRITES/s", "WRS"), (5, 9), 5, false),
            Self::Pool => (("POOL", "POOL"), (5, 5), 2, false),
            Self::Uuid => (("UUID", "UUID"), (36, 36), 1, true),
        };
        Shape {
            titles,
            widths,
            stays,
            left,
        }
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

/// The columns that fit into a line of this width, with one column of space between them: those
/// that matter least go first, and what room is left widens the others, the name first.
///
/// `name` is the width of the longest name; a name that must be `whole` gives way last.
pub(super) fn fit(chosen: &[Column], width: u16, name: usize, whole: bool) -> Vec<Slot> {
    let width = usize::from(width);
    let narrowest = |column: Column| match column {
        Column::Name if whole => name.max(column.shape().widths.0),
        _ => column.shape().widths.0,
    };
    let mut taken: Vec<(Column, usize)> = chosen
        .iter()
        .map(|&column| (column, narrowest(column)))
        .collect();
    let total = |taken: &[(Column, usize)]| {
        taken
            .iter()
            .map(|(_, width)| width + 1)
            .sum::<usize>()
            .saturating_sub(1)
    };
    while taken.len() > 1 && total(&taken) > width {
        let least = (0..taken.len()).min_by_key(|&index| taken[index].0.shape().stays);
        taken.remove(least.unwrap_or_default());
    }
    if let [(_, only)] = &mut taken[..] {
        *only = width.min(*only);
    }

    let mut left = width.saturating_sub(total(&taken));
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
