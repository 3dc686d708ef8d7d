//! Conditions on the columns of songs.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};

mod eval;
mod parse;

pub(super) use self::eval::{BoundFilter, bind};

use crate::song::{Kind, Value};

/// How deep conditions may be nested.
pub(super) const MAX_DEPTH: usize = 64;

/// A condition on the columns of a song; searches return only songs that fulfil it.
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
/// A cell that is not known fulfils no comparison, and neither does it fulfil the opposite (as in
/// SQL): a song without a year is found neither by `year < 1990` nor by `not year < 1990`, only by
/// `year is null`. Numbers compare with numbers, text with text (case matters; the order is that of
/// Unicode), flags with flags.
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
    /// Both ends belong to it.
    Between(String, Value, Value),
    In(String, Vec<Value>),
    Null(String),
    /// Stands for conditions nested deeper than [`MAX_DEPTH`], which are refused when used.
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

/// A column that is about to be compared; made by [`col`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Column(String);

/// Names a column: `id`, a known one, or any other that the index has.
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

    /// The cell equals one of the values.
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
    /// Reads a condition as people write it:
    /// `energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990`.
    ///
    /// * comparisons `=` (or `==`), `!=` (or `<>`), `<`, `<=`, `>`, `>=`; `between LOW and HIGH`;
    ///   `in (A, B)`; `is null`; the last three also with `not`: `not between`, `not in`,
    ///   `is not null`;
    /// * `not` binds closest, then `and`, then `or`; parentheses as usual;
    /// * text stands in single or double quotes (doubled to stand for itself); a single word needs
    ///   none;
    /// * case matters in text, `genre in (POP)` does not find `pop`, but not in `and`, `in`,
    ///   `true`, ...;
    /// * `true` and `false` are flags; a column whose name is not a plain word stands in
    ///   backquotes.
    ///
    /// # Errors
    /// [`FilterError::Syntax`] with the place of the mistake; [`FilterError::TooDeep`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        self::parse::parse(text)
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    fn leaf(node: Node) -> Self {
        Self { node, depth: 1 }
    }

    /// A filter around others; a chain of equal ones becomes one list, so that long chains are not
    /// deep.
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
            // Its depth stays at the limit, so that whatever is built on it is refused too.
            return Self { node: Node::TooDeep, depth: MAX_DEPTH };
        }
        Self { node, depth: depth_inside + 1 }
    }
}

impl BitAnd for Filter {
    type Output = Self;

    /// Both.
    fn bitand(self, other: Self) -> Self {
        self.join(other, true)
    }
}

impl BitOr for Filter {
    type Output = Self;

    /// At least one of the two.
    fn bitor(self, other: Self) -> Self {
        self.join(other, false)
    }
}

impl Not for Filter {
    type Output = Self;

    /// The opposite; a song of which the answer is not known fulfils neither.
    fn not(self) -> Self {
        let depth = self.depth;
        Self::nested(Node::Not(Box::new(self)), depth)
    }
}

/// Writes what [`Filter::parse`] reads.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str| {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                match part.node {
                    Node::All(_) | Node::Any(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match &self.node {
            Node::All(parts) => list(f, parts, "and"),
            Node::Any(parts) => list(f, parts, "or"),
            Node::Not(inner) => write!(f, "not ({inner})"),
            Node::Compare(column, comparison, value) => {
                let sign = match comparison {
                    Comparison::Eq => "=",
                    Comparison::Ne => "!=",
                    Comparison::Lt => "<",
                    Comparison::Le => "<=",
                    Comparison::Gt => ">",
                    Comparison::Ge => ">=",
                };
                write!(f, "{} {sign} {}", Name(column), Literal(value))
            }
            Node::Between(column, low, high) => {
                write!(f, "{} between {} and {}", Name(column), Literal(low), Literal(high))
            }
            Node::In(column, values) => {
                write!(f, "{} in (", Name(column))?;
                for (at, value) in values.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", Literal(value))?;
                }
                f.write_str(")")
            }
            Node::Null(column) => write!(f, "{} is null", Name(column)),
            Node::TooDeep => f.write_str("(nested too deep)"),
        }
    }
}

struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self::parse::is_plain_name(self.0) {
            f.write_str(self.0)
        } else {
            write!(f, "`{}`", self.0.replace('`', "``"))
        }
    }
}

struct Literal<'a>(&'a Value);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Value::Integer(number) => write!(f, "{number}"),
            // `{:?}` keeps the point of 1.0, which makes it a real again when read.
            Value::Real(number) => write!(f, "{number:?}"),
            Value::Flag(flag) => write!(f, "{flag}"),
        }
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
        /// Where, in characters from 1.
        at: usize,
        /// What was expected there.
        what: String,
        /// The text around that place, all of it where it is short.
        near: String,
    },
    /// The index has no such column.
    #[error("there is no column {column:?}; the columns are {}", available.join(", "))]
    UnknownColumn {
        /// The column asked for.
        column: String,
        /// The columns there are.
        available: Vec<String>,
    },
    /// A column is compared with something of another type.
    #[error("column {column:?} holds {expected}, so it cannot be compared with {found}; the columns are {}", available.join(", "))]
    WrongType {
        /// The column.
        column: String,
        /// What it holds.
        expected: &'static str,
        /// The value it was compared with, as it is written in a filter.
        found: String,
        /// The columns there are, with what they hold.
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
    /// Conditions are nested too deep.
    #[error("conditions are nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// A value in a filter against the kind of the column.
pub(super) fn comparable(kind: Kind, value: &Value) -> bool {
    let number = |kind| matches!(kind, Kind::Integer | Kind::Real);
    kind == value.kind() || number(kind) && number(value.kind())
}

/// A value as it is written in a filter.
pub(super) fn literal(value: &Value) -> String {
    Literal(value).to_string()
}
