//! Adds a snapshot to a group, by what serde tells of it.
//!
//! Elements of a list that have a field `id` are found by it, so that a domain that is gone does not move all others.

use std::fmt::Display;

use serde::ser::{self, Error, Impossible, Serialize, Serializer};

use super::bytes::Broken;
use super::cell::Cell;
use super::changes::Changes;
use super::children::{Children, Kind, Place};
use super::group::{Group, SCRATCH};
use super::tree::ROOT;
use crate::snapshot::Snapshot;

impl Group {
    /// Adds the sample after the last one, `before`.
    ///
    /// # Errors
    /// As for [`Group::push`].
    pub(super) fn push_next(&mut self, before: &Snapshot, now: &Snapshot) -> Result<(), Broken> {
        now.write(before, ROOT, self)?;
        self.end_sample();
        Ok(())
    }

    /// Adds a sample, a snapshot of this or another version.
    ///
    /// # Errors
    /// If the snapshot has values that a recording cannot have. The group is useless then.
    pub(super) fn push(&mut self, snapshot: &impl Serialize) -> Result<(), Broken> {
        self.write(Place::Node(ROOT), snapshot)?;
        self.end_sample();
        Ok(())
    }

    /// Writes a value, and returns its node.
    ///
    /// # Errors
    /// As for [`Group::push`].
    pub(super) fn write(&mut self, place: Place, value: &impl Serialize) -> Result<u32, Broken> {
        value.serialize(At { group: self, place })
    }
}

impl Error for Broken {
    fn custom<T: Display>(_: T) -> Self {
        Self("a value cannot be serialised")
    }
}

/// The field by which elements of a list are found.
const ID: &str = "id";

/// Writes one value.
struct At<'a> {
    group: &'a mut Group,
    place: Place,
}

impl<'a> At<'a> {
    fn set(self, cell: Cell) -> Result<u32, Broken> {
        let node = self.place.node(self.group)?;
        self.group.set(node, cell)?;
        Ok(node)
    }

    fn below(self, kind: Kind) -> Result<Below<'a>, Broken> {
        let node = self.place.node(self.group)?;
        Ok(Below::new(Place::Node(node), self.group, kind))
    }
}

/// Writes the values below one.
struct Below<'a> {
    group: &'a mut Group,
    children: Children,
    /// The key of a map whose value comes next.
    key: String,
}

impl<'a> Below<'a> {
    fn new(place: Place, group: &'a mut Group, kind: Kind) -> Self {
        Self {
            group,
            children: Children::new(place, kind),
            key: String::new(),
        }
    }

    /// Writes a value outside of the snapshot, and returns what it is.
    fn scratch(&mut self, value: &(impl Serialize + ?Sized)) -> Result<&Cell, Broken> {
        value.serialize(At {
            group: self.group,
            place: Place::Node(SCRATCH),
        })?;
        Ok(self.group.cell(SCRATCH))
    }

    fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Broken> {
        if name == ID
            && let Some(element) = self.children.element()
        {
            let id = match *self.scratch(value)? {
                Cell::Number(id) => id,
                _ => element.1 as u64,
            };
            self.children.are_of(id, element, self.group)?;
        }
        let place = self.children.named(name, self.group)?;
        self.value(place, value)
    }

    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Broken> {
        let place = self.children.next(self.group)?;
        self.value(place, value)
    }

    fn value(&mut self, place: Place, value: &(impl Serialize + ?Sized)) -> Result<(), Broken> {
        let written = value.serialize(At {
            group: self.group,
            place,
        })?;
        self.children.add(written, self.group)
    }

    fn finish(self) -> Result<u32, Broken> {
        self.children.finish(self.group)
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

    fn serialize_str(self, text: &str) -> Result<u32, Broken> {
        let node = self.place.node(self.group)?;
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
        let mut below = self.below(Kind::Struct)?;
        below.field(variant, value)?;
        below.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Below<'a>, Broken> {
        self.below(Kind::List)
    }

    fn serialize_tuple(self, _: usize) -> Result<Below<'a>, Broken> {
        self.below(Kind::List)
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
        self.below(Kind::Struct)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Below<'a>, Broken> {
        // Its first field may say which element it is.
        Ok(Below::new(self.place, self.group, Kind::Struct))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'a>, Broken> {
        let node = self.place.node(self.group)?;
        let inner = self.group.field(node, variant, 0)?;
        self.group.set(node, Cell::Struct(vec![inner].into()))?;
        Ok(Variant {
            node,
            fields: Below::new(Place::Node(inner), self.group, Kind::Struct),
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
        self.element(value)
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
        self.scratch(key)?;
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
