//! A snapshot as a tree of values under names.

use std::collections::HashMap;

use super::bytes::Broken;
use super::cell::Cell;

/// The node that is the snapshot itself.
pub(super) const ROOT: u32 = 0;

/// The depth that no snapshot reaches. It bounds the stack of who reads a broken file.
const MAX_DEPTH: u8 = 32;

/// The most nodes, and the most texts.
pub(super) const MAX_NODES: usize = 2 << 20;

/// A place in a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Node {
    parent: u32,
    class: u32,
    pub(super) cell: Cell,
}

impl Node {
    /// Returns the node that it is below.
    pub(super) fn parent(&self) -> u32 {
        self.parent
    }
}

const _: () = assert!(size_of::<Node>() == 24);

/// Nodes that differ only in the elements that they belong to, such as all domains' CPU times.
#[derive(Clone, Debug)]
pub(super) struct Class {
    /// The text that is their name; `None` if they are elements of lists.
    name: Option<u32>,
    depth: u8,
    pub(super) nodes: Vec<u32>,
}

/// The nodes of consecutive samples, with their values in the last one.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) texts: Vec<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) classes: Vec<Class>,
    /// By the class of the nodes above, and the name.
    class_of: HashMap<(u32, Option<u32>), u32>,
}

impl Tree {
    /// Returns a tree of the root alone.
    pub(super) fn new() -> Self {
        let root = Node {
            parent: ROOT,
            class: 0,
            cell: Cell::Null,
        };
        Self {
            texts: Vec::new(),
            nodes: vec![root],
            classes: vec![Class {
                name: None,
                depth: 0,
                nodes: vec![ROOT],
            }],
            class_of: HashMap::new(),
        }
    }

    /// Returns a node.
    ///
    /// # Errors
    /// If there is none with this number.
    pub(super) fn node(&self, node: u32) -> Result<&Node, Broken> {
        self.nodes.get(node as usize).ok_or(Broken("no such node"))
    }

    /// Returns the text that is the name of a node; `None` if it is an element of a list.
    pub(super) fn name_of(&self, node: &Node) -> Option<u32> {
        self.classes[node.class as usize].name
    }

    /// Returns a text.
    ///
    /// # Errors
    /// If there is none with this number.
    pub(super) fn text(&self, text: u32) -> Result<&str, Broken> {
        let text = self.texts.get(text as usize);
        text.map(String::as_str).ok_or(Broken("no such text"))
    }

    /// Adds a node, and returns its number, which is higher than its parent's.
    ///
    /// # Errors
    /// If there is no such parent or name, or if the tree would be too deep.
    pub(super) fn add(&mut self, parent: u32, name: Option<u32>) -> Result<u32, Broken> {
        if self.nodes.len() >= MAX_NODES {
            return Err(Broken("too many nodes"));
        }
        let number = self.nodes.len() as u32;
        let above = self.node(parent)?.class;
        let depth = self.classes[above as usize].depth + 1;
        if depth > MAX_DEPTH {
            return Err(Broken("too deep"));
        }
        if let Some(name) = name {
            self.text(name)?;
        }
        let next = self.classes.len() as u32;
        let class = *self.class_of.entry((above, name)).or_insert(next);
        if class == next {
            self.classes.push(Class {
                name,
                depth,
                nodes: Vec::new(),
            });
        }
        self.classes[class as usize].nodes.push(number);
        self.nodes.push(Node {
            parent,
            class,
            cell: Cell::Null,
        });
        Ok(number)
    }

    /// Changes what a node is.
    ///
    /// # Errors
    /// If there is no such node or text, or if the nodes below it are not its own.
    pub(super) fn set(&mut self, node: u32, cell: Cell) -> Result<(), Broken> {
        match &cell {
            Cell::Struct(below) | Cell::List(below) => self.check_below(node, below, &cell)?,
            Cell::Text(text) => drop(self.text(*text)?),
            Cell::Null | Cell::Bool(_) | Cell::Number(_) => {}
        }
        let node = self.nodes.get_mut(node as usize);
        node.ok_or(Broken("no such node"))?.cell = cell;
        Ok(())
    }

    /// Checks that a walk of the tree visits each node once.
    fn check_below(&self, node: u32, below: &[u32], cell: &Cell) -> Result<(), Broken> {
        let mut sorted = below.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != below.len() {
            return Err(Broken("a node is twice in its parent"));
        }
        for &one in below {
            let one = self.node(one)?;
            if one.parent != node || self.name_of(one).is_some() != matches!(cell, Cell::Struct(_))
            {
                return Err(Broken("a node has another parent"));
            }
        }
        Ok(())
    }
}
