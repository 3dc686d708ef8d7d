//! Formats a [`Filter`] as text.

use std::fmt;

use super::parse::is_plain_name;
use super::{Comparison, Filter, Node};
use crate::song::Value;

/// Writes the syntax that [`Filter::parse`] reads.
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
        if is_plain_name(self.0) {
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
            // `{:?}` keeps the decimal point of 1.0, so it is parsed as a real again.
            Value::Real(number) => write!(f, "{number:?}"),
            Value::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// Formats a value as it is written in a filter.
pub(super) fn literal(value: &Value) -> String {
    Literal(value).to_string()
}
