//! Why a text is no filter.

/// Why a text is no filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {column})")]
pub struct Error {
    /// The first wrong character, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}
