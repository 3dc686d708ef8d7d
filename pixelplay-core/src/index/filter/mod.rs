//! Conditions on the columns of songs.
//!
//! | | |
//! |---|---|
//! | this file | a condition, built with [`col`], `&`, `|` and `!` |
//! | `parse` | parsing from text |
//! | `display` | formatting as text |
//! | `eval` | binding to the columns of an index, and evaluation over the rows of a batch |

mod display;
mod eval;
mod parse;

use std::ops::{BitAnd, BitOr, Not};

pub(super) use self::eval::{BoundFilter, bind, mask};

use crate::song::{Kind, Value};

/// The maximum nesting depth of conditions.
const MAX_DEPTH: usize = 64;

/// A condition on the columns of a song. Searches return only songs that match it.
///
/// ```
/// use pixelplay_core::index::{Filter, col};
///
/// let built = col("energy").ge(0.5) & col("genre").is_in(["pop", "hip hop"]) & !col("year").lt(1990);
/// let parsed = Filter::parse("energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990")?;
/// assert_eq!(built, parsed);
/// # Ok::<(), pixelplay_core::index::FilterError>(())
/// ```
///
/// As in SQL, an unknown (null) cell matches neither a comparison nor its opposite: a song without
/// a year is found neither by `year < 1990` nor by `not year < 1990`, only by `year is null`.
/// Numbers compare with numbers, text with text (case-sensitive, in Unicode order), and flags with
/// flags.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    node: Node,
    depth: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare(String, Comparison, Value),
    /// Both ends are included.
    Between(String, Value, Value),
    In(String, Vec<Value>),
    Null(String),
    /// Replaces conditions nested deeper than [`MAX_DEPTH`]; using it is an error.
    TooDeep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A column to compare; created by [`col`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Column(String);

/// Names a column: `id`, a known column, or any other column of the index.
pub fn col(name: impl Into<String>) -> Column {
    Column(name.into())
}

impl Column {
    /// The cell equals `value`.
    #[must_use]
    pub fn eq(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Eq, value)
    }

    /// The cell is known and differs from `value`.
    #[must_use]
    pub fn ne(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Ne, value)
    }

    /// The cell is less than `value`.
    #[must_use]
    pub fn lt(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Lt, value)
    }

    /// The cell is at most `value`.
    #[must_use]
    pub fn le(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Le, value)
    }

    /// The cell is greater than `value`.
    #[must_use]
    pub fn gt(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Gt, value)
    }

    /// The cell is at least `value`.
    #[must_use]
    pub fn ge(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Ge, value)
    }

    /// The cell is at least `low` and at most `high`.
    #[must_use]
    pub fn between(self, low: impl Into<Value>, high: impl Into<Value>) -> Filter {
        Filter::leaf(Node::Between(self.0, low.into(), high.into()))
    }

    /// The cell is known and equals one of the values.
    #[must_use]
    pub fn is_in<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        Filter::leaf(Node::In(self.0, values.into_iter().map(Into::into).collect()))
    }

    /// The cell is not known.
    #[must_use]
    pub fn is_null(self) -> Filter {
        Filter::leaf(Node::Null(self.0))
    }

    fn compare(self, comparison: Comparison, value: impl Into<Value>) -> Filter {
        Filter::leaf(Node::Compare(self.0, comparison, value.into()))
    }
}

impl Filter {
    fn node(&self) -> &Node {
        &self.node
    }

    fn leaf(node: Node) -> Self {
        Self { node, depth: 1 }
    }

    /// Joins two filters. A chain of the same operator becomes one list, so that long chains are
    /// not deeply nested.
    fn join(self, other: Self, is_all: bool) -> Self {
        let mut depth = 0;
        let mut parts_of = |filter: Self| {
            let (parts, inside) = match filter.node {
                Node::All(inner) if is_all => (inner, filter.depth - 1),
                Node::Any(inner) if !is_all => (inner, filter.depth - 1),
                _ => {
                    let depth = filter.depth;
                    (vec![filter], depth)
                }
            };
            depth = depth.max(inside);
            parts
        };
        let mut parts = parts_of(self);
        parts.extend(parts_of(other));
        let node = if is_all { Node::All(parts) } else { Node::Any(parts) };
        Self::nested(node, depth)
    }

    fn nested(node: Node, depth_inside: usize) -> Self {
        if depth_inside >= MAX_DEPTH {
            // The depth stays at the limit, so that any filter built on it is rejected too.
            return Self { node: Node::TooDeep, depth: MAX_DEPTH };
        }
        Self { node, depth: depth_inside + 1 }
    }
}

impl BitAnd for Filter {
    type Output = Self;

    /// Matches songs that match both filters.
    fn bitand(self, other: Self) -> Self {
        self.join(other, true)
    }
}

impl BitOr for Filter {
    type Output = Self;

    /// Matches songs that match at least one of the two filters.
    fn bitor(self, other: Self) -> Self {
        self.join(other, false)
    }
}

impl Not for Filter {
    type Output = Self;

    /// Matches songs that do not match this filter. A song whose result is unknown matches neither.
    fn not(self) -> Self {
        let depth = self.depth;
        Self::nested(Node::Not(Box::new(self)), depth)
    }
}

macro_rules! into_value {
    ($($type:ty => $kind:ident),+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$kind(value.into())
            }
        }
    )+};
}
into_value!(&str => Text, String => Text, i64 => Integer, i32 => Integer, u32 => Integer, f64 => Real, bool => Flag);

/// Why a filter cannot be read, or does not fit an index.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The text is not a condition.
    #[error("{what} at character {at} of {near:?}")]
    Syntax {
        /// The position, in characters from 1.
        at: usize,
        /// What was expected there.
        what: String,
        /// The text around that position, or all of it if it is short.
        near: String,
    },
    /// The index has no such column.
    #[error("there is no column {column:?}; the columns are {}", available.join(", "))]
    UnknownColumn {
        /// The column asked for.
        column: String,
        /// The columns of the index.
        available: Vec<String>,
    },
    /// A column is compared with a value of another type.
    #[error("column {column:?} holds {expected}, so it cannot be compared with {found}; the columns are {}", available.join(", "))]
    WrongType {
        /// The column.
        column: String,
        /// What it holds.
        expected: &'static str,
        /// The value that it was compared with, as written in a filter.
        found: String,
        /// The columns of the index, with their types.
        available: Vec<String>,
    },
    /// A column is compared with NaN or an infinity.
    #[error("column {column:?} is compared with {value}, which is not a finite number")]
    NotFinite {
        /// The column.
        column: String,
        /// The value.
        value: f64,
    },
    /// Conditions are nested too deeply.
    #[error("conditions are nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Returns whether a value of a filter can be compared with a column of this kind.
fn comparable(kind: Kind, value: &Value) -> bool {
    let number = |kind| matches!(kind, Kind::Integer | Kind::Real);
    kind == value.kind() || number(kind) && number(value.kind())
}
