//! The value of a node, and its bytes.

use std::sync::Arc;

use super::bytes::{Broken, Bytes, fold, put, unfold};

/// What a node is in a sample. It takes 16 bytes, because a host has many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Cell {
    /// An unknown value.
    #[default]
    Null,
    Bool(bool),
    Number(u64),
    /// A text, by its number.
    Text(u32),
    /// The nodes of its fields.
    Struct(Nodes),
    /// The nodes of its elements.
    List(Nodes),
}

const _: () = assert!(size_of::<Cell>() == 16);

/// The nodes below one, which several samples have in common.
pub(super) type Nodes = Arc<Vec<u32>>;

impl Cell {
    /// Returns the number that its kind has in a file.
    pub(super) fn kind(&self) -> u64 {
        match self {
            Self::Number(_) => 0,
            Self::Null => 1,
            Self::Bool(false) => 2,
            Self::Bool(true) => 3,
            Self::Text(_) => 4,
            Self::Struct(_) => 5,
            Self::List(_) => 6,
        }
    }

    /// Appends what its kind does not say. A number is taken for a difference.
    pub(super) fn put(&self, node: u32, to: &mut Vec<u8>) {
        match self {
            Self::Null | Self::Bool(_) => {}
            Self::Number(difference) => put(to, fold(*difference)),
            Self::Text(text) => put(to, (*text).into()),
            Self::Struct(below) | Self::List(below) => {
                put(to, below.len() as u64);
                // Mostly they are consecutive.
                let mut due = node;
                for &one in below.iter() {
                    put(to, fold(u64::from(one).wrapping_sub(due.into())));
                    due = one + 1;
                }
            }
        }
    }

    /// Takes the value of a node that is of this kind.
    ///
    /// # Errors
    /// If there is no such kind, or if the bytes are not what [`Cell::put`] appended.
    pub(super) fn take(kind: u64, node: u32, from: &mut Bytes<'_>) -> Result<Self, Broken> {
        Ok(match kind {
            0 => Self::Number(unfold(from.number()?)),
            1 => Self::Null,
            2 => Self::Bool(false),
            3 => Self::Bool(true),
            4 => Self::Text(from.small()?),
            5 => Self::Struct(below(node, from)?),
            6 => Self::List(below(node, from)?),
            _ => return Err(Broken("an unknown kind of value")),
        })
    }
}

/// Takes the nodes below one.
fn below(node: u32, values: &mut Bytes<'_>) -> Result<Nodes, Broken> {
    let mut below = Vec::new();
    let mut due = u64::from(node);
    for _ in 0..values.small()? {
        due = due.wrapping_add(unfold(values.number()?));
        let one = u32::try_from(due).map_err(|_| Broken("no such node"))?;
        below.push(one);
        due += 1;
    }
    Ok(below.into())
}
