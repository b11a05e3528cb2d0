//! Reads a snapshot from a tree.
//!
//! What this version does not know is ignored, and what the writer did not know is `None`.

use std::fmt::Display;

use jiff::Timestamp;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::bytes::Broken;
use super::cell::Cell;
use super::tree::{ROOT, Tree};
use crate::snapshot::{Boot, Pcpu, PcpuTimes, Snapshot, Stamp};

impl Tree {
    /// Returns the snapshot that the tree is.
    ///
    /// # Errors
    /// If it is not one of a snapshot.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Broken> {
        Snapshot::deserialize(Of {
            tree: self,
            node: ROOT,
        })
    }

    /// Returns the wall-clock time of the snapshot.
    ///
    /// # Errors
    /// If it has none.
    pub(super) fn time(&self) -> Result<Timestamp, Broken> {
        let taken = Taken::deserialize(Of {
            tree: self,
            node: ROOT,
        });
        taken.map(|taken| taken.time)
    }

    /// Returns the pCPUs of the snapshot.
    ///
    /// # Errors
    /// If it has none.
    pub(super) fn pcpu_times(&self) -> Result<PcpuTimes, Broken> {
        let WithPcpus { time, boot, host } = WithPcpus::deserialize(Of {
            tree: self,
            node: ROOT,
        })?;
        Ok(PcpuTimes {
            time,
            boot,
            stamp: host.pcpu_stamp,
            pcpu: host.pcpu,
        })
    }
}

/// When a snapshot was taken.
#[derive(Deserialize)]
struct Taken {
    time: Timestamp,
}

/// The pCPUs of a snapshot, and when it was taken.
#[derive(Deserialize)]
struct WithPcpus {
    time: Timestamp,
    boot: Boot,
    host: Pcpus,
}

#[derive(Deserialize)]
struct Pcpus {
    pcpu: Vec<Pcpu>,
    pcpu_stamp: Stamp,
}

impl Error for Broken {
    fn custom<T: Display>(_: T) -> Self {
        Self("it is not a snapshot")
    }
}

/// Reads the value of a node.
#[derive(Clone, Copy)]
struct Of<'de> {
    tree: &'de Tree,
    node: u32,
}

impl<'de> Of<'de> {
    fn cell(self) -> Result<&'de Cell, Broken> {
        Ok(&self.tree.node(self.node)?.cell)
    }
}

impl<'de> Deserializer<'de> for Of<'de> {
    type Error = Broken;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Broken> {
        let tree = self.tree;
        match self.cell()? {
            Cell::Null => visitor.visit_unit(),
            Cell::Bool(value) => visitor.visit_bool(*value),
            Cell::Number(value) => visitor.visit_u64(*value),
            Cell::Text(text) => visitor.visit_borrowed_str(tree.text(*text)?),
            Cell::Struct(below) | Cell::List(below) => {
                let below = Below { tree, nodes: below };
                match self.cell()? {
                    Cell::List(_) => visitor.visit_seq(below),
                    _ => visitor.visit_map(below),
                }
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Broken> {
        match self.cell()? {
            Cell::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Broken> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Broken> {
        match self.cell()? {
            Cell::Text(text) => visitor.visit_enum(self.tree.text(*text)?.into_deserializer()),
            Cell::Struct(below) => visitor.visit_enum(MapAccessDeserializer::new(Below {
                tree: self.tree,
                nodes: below,
            })),
            _ => Err(Broken("it is not a snapshot")),
        }
    }

    /// Passes over a value of which only its name counts, such as what belongs to an unknown variant.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Broken> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Broken> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

/// Reads the values of the nodes below one.
struct Below<'de> {
    tree: &'de Tree,
    nodes: &'de [u32],
}

impl<'de> Below<'de> {
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Broken> {
        let Some((&node, rest)) = self.nodes.split_first() else {
            return Ok(None);
        };
        self.nodes = rest;
        let tree = self.tree;
        seed.deserialize(Of { tree, node }).map(Some)
    }
}

impl<'de> SeqAccess<'de> for Below<'de> {
    type Error = Broken;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Broken> {
        self.next(seed)
    }
}

impl<'de> MapAccess<'de> for Below<'de> {
    type Error = Broken;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Broken> {
        let Some(&node) = self.nodes.first() else {
            return Ok(None);
        };
        let name = self
            .tree
            .name_of(self.tree.node(node)?)
            .ok_or(Broken("no name"))?;
        let name = BorrowedStrDeserializer::new(self.tree.text(name)?);
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Broken> {
        self.next(seed)?.ok_or(Broken("no value"))
    }
}
