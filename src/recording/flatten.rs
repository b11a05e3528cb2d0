//! Adds a snapshot to a group, by what serde tells of it.
//!
//! Elements of a list that have a field `id` are found by it, so that a domain that is gone does not move all others.

use std::fmt::Display;

use serde::ser::{self, Error, Impossible, Serialize, Serializer};

use super::bytes::Broken;
use super::group::{Group, SCRATCH};
use super::tree::{Cell, ROOT};

/// The field by which elements of a list are found.
const ID: &str = "id";

impl Group {
    /// Adds a sample, a snapshot of this or another version.
    ///
    /// # Errors
    /// If the snapshot has values that a recording cannot have. The group is useless then.
    pub(super) fn push(&mut self, snapshot: &impl Serialize) -> Result<(), Broken> {
        snapshot.serialize(At {
            group: self,
            place: Place::Node(ROOT),
        })?;
        self.end_sample();
        Ok(())
    }
}

impl Error for Broken {
    fn custom<T: Display>(_: T) -> Self {
        Self("a value cannot be serialised")
    }
}

/// Where a value belongs.
#[derive(Clone, Copy)]
enum Place {
    Node(u32),
    /// An element of this list, at this position.
    Element(u32, usize),
}

/// Writes one value.
struct At<'a> {
    group: &'a mut Group,
    place: Place,
}

impl<'a> At<'a> {
    /// Returns the node of the value, which for an element is found by its position.
    fn node(&mut self) -> Result<u32, Broken> {
        match self.place {
            Place::Node(node) => Ok(node),
            Place::Element(list, nth) => self.group.element(list, nth as u64, nth),
        }
    }

    fn set(mut self, cell: Cell) -> Result<u32, Broken> {
        let node = self.node()?;
        self.group.set(node, cell)?;
        Ok(node)
    }

    fn below(mut self, make: fn(Vec<u32>) -> Cell) -> Result<Below<'a>, Broken> {
        let node = self.node()?;
        Ok(Below {
            group: self.group,
            place: Place::Node(node),
            is_same: true,
            count: 0,
            other: Vec::new(),
            make,
            key: String::new(),
        })
    }
}

/// Writes the values below one.
struct Below<'a> {
    group: &'a mut Group,
    place: Place,
    /// Whether the nodes are those of the sample before; `other` has them if not.
    is_same: bool,
    count: usize,
    other: Vec<u32>,
    make: fn(Vec<u32>) -> Cell,
    /// The key of a map whose value comes next.
    key: String,
}

impl Below<'_> {
    /// Returns the node that the values are below.
    fn node(&mut self) -> Result<u32, Broken> {
        if let Place::Element(list, nth) = self.place {
            let node = self.group.element(list, nth as u64, nth)?;
            self.place = Place::Node(node);
        }
        match self.place {
            Place::Node(node) => Ok(node),
            Place::Element(..) => Err(Broken("an element has no node")),
        }
    }

    /// Returns the nodes of the sample before.
    fn before(&self, node: u32) -> &[u32] {
        match self.group.cell(node) {
            Cell::Struct(below) | Cell::List(below) => below,
            _ => &[],
        }
    }

    fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Broken> {
        if name == ID
            && let Place::Element(list, nth) = self.place
        {
            let scratch = Place::Node(SCRATCH);
            value.serialize(At {
                group: self.group,
                place: scratch,
            })?;
            let id = match *self.group.cell(SCRATCH) {
                Cell::Number(id) => id,
                _ => nth as u64,
            };
            self.place = Place::Node(self.group.element(list, id, nth)?);
        }
        let node = self.node()?;
        // The scratch node is below the root.
        let nth = self.count + usize::from(node == ROOT);
        let place = Place::Node(self.group.field(node, name, nth)?);
        self.value(place, value)
    }

    fn value(&mut self, place: Place, value: &(impl Serialize + ?Sized)) -> Result<(), Broken> {
        let written = value.serialize(At {
            group: self.group,
            place,
        })?;
        let node = self.node()?;
        if self.is_same && self.before(node).get(self.count) != Some(&written) {
            self.is_same = false;
            self.other = self.before(node)[..self.count].to_vec();
        }
        if !self.is_same {
            self.other.push(written);
        }
        self.count += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<u32, Broken> {
        let node = self.node()?;
        let before = self.before(node);
        let is_kind = std::mem::discriminant(self.group.cell(node))
            == std::mem::discriminant(&(self.make)(Vec::new()));
        if self.is_same && is_kind && before.len() == self.count {
            return Ok(node);
        }
        let now = match self.is_same {
            true => before[..self.count].to_vec(),
            false => self.other,
        };
        self.group.set(node, (self.make)(now))?;
        Ok(node)
    }
}

/// Refuses the types that no snapshot has.
macro_rules! refuse {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, _: $type) -> Result<u32, Broken> {
            Err(Broken("a value of a type that is not recorded"))
        }
    )*};
}

/// Writes unsigned numbers.
macro_rules! numbers {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, number: $type) -> Result<u32, Broken> {
            self.set(Cell::Number(number.into()))
        }
    )*};
}

impl<'a> Serializer for At<'a> {
    type Ok = u32;
    type Error = Broken;
    type SerializeSeq = Below<'a>;
    type SerializeTuple = Below<'a>;
    type SerializeTupleStruct = Impossible<u32, Broken>;
    type SerializeTupleVariant = Impossible<u32, Broken>;
    type SerializeMap = Below<'a>;
    type SerializeStruct = Below<'a>;
    type SerializeStructVariant = Variant<'a>;

    numbers! { serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) }
    refuse! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_bytes(&[u8])
    }

    fn serialize_bool(self, value: bool) -> Result<u32, Broken> {
        self.set(Cell::Bool(value))
    }

    fn serialize_str(mut self, text: &str) -> Result<u32, Broken> {
        let node = self.node()?;
        self.group.set_text(node, text)?;
        Ok(node)
    }

    fn serialize_none(self) -> Result<u32, Broken> {
        self.set(Cell::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u32, Broken> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<u32, Broken> {
        self.set(Cell::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<u32, Broken> {
        self.set(Cell::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<u32, Broken> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<u32, Broken> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<u32, Broken> {
        let mut below = self.below(Cell::Struct)?;
        below.field(variant, value)?;
        below.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Below<'a>, Broken> {
        self.below(Cell::List)
    }

    fn serialize_tuple(self, _: usize) -> Result<Below<'a>, Broken> {
        self.below(Cell::List)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<u32, Broken>, Broken> {
        Err(Broken("a value of a type that is not recorded"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<u32, Broken>, Broken> {
        Err(Broken("a value of a type that is not recorded"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Below<'a>, Broken> {
        self.below(Cell::Struct)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Below<'a>, Broken> {
        // Its first field may say which element it is.
        Ok(Below {
            place: self.place,
            group: self.group,
            is_same: true,
            count: 0,
            other: Vec::new(),
            make: Cell::Struct,
            key: String::new(),
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'a>, Broken> {
        let mut outer = self.below(Cell::Struct)?;
        let node = outer.node()?;
        let inner = outer.group.field(node, variant, 0)?;
        outer.group.set(node, Cell::Struct(vec![inner]))?;
        let inner = At {
            place: Place::Node(inner),
            group: outer.group,
        };
        Ok(Variant {
            node,
            fields: inner.below(Cell::Struct)?,
        })
    }
}

/// Writes the fields of a variant.
struct Variant<'a> {
    /// The node of the enum.
    node: u32,
    fields: Below<'a>,
}

impl ser::SerializeStructVariant for Variant<'_> {
    type Ok = u32;
    type Error = Broken;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Broken> {
        self.fields.field(name, value)
    }

    fn end(self) -> Result<u32, Broken> {
        self.fields.finish()?;
        Ok(self.node)
    }
}

impl ser::SerializeStruct for Below<'_> {
    type Ok = u32;
    type Error = Broken;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Broken> {
        self.field(name, value)
    }

    fn end(self) -> Result<u32, Broken> {
        self.finish()
    }
}

impl ser::SerializeSeq for Below<'_> {
    type Ok = u32;
    type Error = Broken;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Broken> {
        let place = Place::Element(self.node()?, self.count);
        self.value(place, value)
    }

    fn end(self) -> Result<u32, Broken> {
        self.finish()
    }
}

impl ser::SerializeTuple for Below<'_> {
    type Ok = u32;
    type Error = Broken;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Broken> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<u32, Broken> {
        self.finish()
    }
}

impl ser::SerializeMap for Below<'_> {
    type Ok = u32;
    type Error = Broken;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Broken> {
        key.serialize(At {
            group: self.group,
            place: Place::Node(SCRATCH),
        })?;
        let key = self.group.text(SCRATCH);
        let key = key.ok_or(Broken("a key is not a text"))?;
        self.key.clear();
        self.key.push_str(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Broken> {
        let key = std::mem::take(&mut self.key);
        self.field(&key, value)?;
        self.key = key;
        Ok(())
    }

    fn end(self) -> Result<u32, Broken> {
        self.finish()
    }
}
