//! The value of a node, and its bytes.

/// What a node is in a sample. It takes 16 bytes, because a host has many.
#[allow(clippy::box_collection, reason = "a vector alone takes 24 bytes")]
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
    Struct(Box<Vec<u32>>),
    /// The nodes of its elements.
    List(Box<Vec<u32>>),
}

const _: () = assert!(size_of::<Cell>() == 16);

impl Cell {
    /// Returns a value with these fields.
    pub(super) fn of_fields(fields: Vec<u32>) -> Self {
        Self::Struct(Box::new(fields))
    }

    /// Returns a list of these elements.
    pub(super) fn of_elements(elements: Vec<u32>) -> Self {
        Self::List(Box::new(elements))
    }
}
