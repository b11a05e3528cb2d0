//! The nodes below one, as they become those of the next sample.

use super::bytes::Broken;
use super::cell::{Cell, Nodes};
use super::group::Group;
use super::tree::ROOT;

/// Where a value belongs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Node(u32),
    /// An element of this list, at this position.
    Element(u32, usize),
}

impl Place {
    /// Returns the node, which for an element is found by its position.
    ///
    /// # Errors
    /// If there are too many nodes.
    pub(super) fn node(self, group: &mut Group) -> Result<u32, Broken> {
        match self {
            Self::Node(node) => Ok(node),
            Self::Element(list, nth) => group.element(list, nth as u64, nth),
        }
    }
}

/// What has nodes below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// They are fields.
    Struct,
    /// They are elements.
    List,
}

impl Kind {
    fn of(self, below: Nodes) -> Cell {
        match self {
            Self::Struct => Cell::Struct(below),
            Self::List => Cell::List(below),
        }
    }
}

/// The nodes below one.
#[derive(Debug)]
pub(super) struct Children {
    place: Place,
    /// Whether the nodes are those of the sample before; `other` has them if not.
    is_same: bool,
    count: usize,
    other: Vec<u32>,
    kind: Kind,
}

impl Children {
    /// Returns none yet.
    pub(super) fn new(place: Place, kind: Kind) -> Self {
        Self {
            place,
            is_same: true,
            count: 0,
            other: Vec::new(),
            kind,
        }
    }

    /// Returns the node that they are below.
    ///
    /// # Errors
    /// Those of [`Place::node`].
    pub(super) fn node(&mut self, group: &mut Group) -> Result<u32, Broken> {
        let node = self.place.node(group)?;
        self.place = Place::Node(node);
        Ok(node)
    }

    /// Returns the list that they are an element of, if it is not known yet which, and at which position.
    pub(super) fn element(&self) -> Option<(u32, usize)> {
        match self.place {
            Place::Node(_) => None,
            Place::Element(list, nth) => Some((list, nth)),
        }
    }

    /// Says which element of a list they are.
    ///
    /// # Errors
    /// Those of [`Group::element`].
    pub(super) fn are_of(
        &mut self,
        id: u64,
        (list, nth): (u32, usize),
        group: &mut Group,
    ) -> Result<(), Broken> {
        self.place = Place::Node(group.element(list, id, nth)?);
        Ok(())
    }

    /// Returns the place of the next one, an element.
    ///
    /// # Errors
    /// Those of [`Place::node`].
    pub(super) fn next(&mut self, group: &mut Group) -> Result<Place, Broken> {
        Ok(Place::Element(self.node(group)?, self.count))
    }

    /// Returns the place of the next one, a field.
    ///
    /// # Errors
    /// Those of [`Place::node`].
    pub(super) fn named(&mut self, name: &str, group: &mut Group) -> Result<Place, Broken> {
        let node = self.node(group)?;
        // The scratch node is below the root.
        let nth = self.count + usize::from(node == ROOT);
        Ok(Place::Node(group.field(node, name, nth)?))
    }

    /// Adds a node.
    ///
    /// # Errors
    /// Those of [`Place::node`].
    pub(super) fn add(&mut self, child: u32, group: &mut Group) -> Result<(), Broken> {
        let node = self.node(group)?;
        let before = below(group, node);
        if self.is_same && before.get(self.count) != Some(&child) {
            self.is_same = false;
            self.other = before[..self.count].to_vec();
        }
        if !self.is_same {
            self.other.push(child);
        }
        self.count += 1;
        Ok(())
    }

    /// Changes the node to these, and returns it.
    ///
    /// # Errors
    /// Those of [`Group::set`].
    pub(super) fn finish(mut self, group: &mut Group) -> Result<u32, Broken> {
        let node = self.node(group)?;
        let before = below(group, node);
        let is_kind = match group.cell(node) {
            Cell::Struct(_) => self.kind == Kind::Struct,
            Cell::List(_) => self.kind == Kind::List,
            _ => false,
        };
        if self.is_same && is_kind && before.len() == self.count {
            return Ok(node);
        }
        let now = match self.is_same {
            true => before[..self.count].to_vec(),
            false => self.other,
        };
        let now = group.shared(node, now);
        group.set(node, self.kind.of(now))?;
        Ok(node)
    }
}

/// Returns the nodes that were below one in the sample before.
fn below(group: &Group, node: u32) -> &[u32] {
    match group.cell(node) {
        Cell::Struct(below) | Cell::List(below) => below,
        _ => &[],
    }
}
