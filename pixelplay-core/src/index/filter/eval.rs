//! Evaluates a [`Filter`] over the columns of a batch.

use std::cmp::Ordering;
use std::ops::Range;

use arrow_array::Array;
use arrow_buffer::{BooleanBuffer, Buffer};

use super::display::literal;
use super::{Comparison, Filter, FilterError, Node, comparable};
use crate::index::error::SongIndexError;
use crate::index::file::{Cells, Text, describe};
use crate::index::shard::{ID_COLUMN, Span};
use crate::index::song_index::SongIndex;
use crate::song::{Kind, Value};

/// A filter bound to an index: its columns exist, and its values have the right types.
pub(crate) enum BoundFilter {
    All(Vec<BoundFilter>),
    Any(Vec<BoundFilter>),
    Not(Box<BoundFilter>),
    Test(usize, Test),
    Null(usize),
}

/// The condition that a cell must meet; null cells never do.
pub(crate) enum Test {
    Compare(Comparison, Value),
    Between(Value, Value),
    In(Vec<Value>),
}

/// Binds a filter to the columns of an index.
pub(crate) fn bind(filter: &Filter, index: &SongIndex) -> Result<BoundFilter, FilterError> {
    let test = |name: &str, test: Test| {
        let (column, kind) = find(index, name)?;
        for value in test.values() {
            if let Value::Real(value) = *value
                && !value.is_finite()
            {
                return Err(FilterError::NotFinite { column: name.to_owned(), value });
            }
            if !comparable(kind, value) {
                let describe = |(name, kind): (&str, Kind)| format!("{name} ({})", describe(kind));
                return Err(FilterError::WrongType {
                    column: name.to_owned(),
                    expected: self::describe(kind),
                    found: literal(value),
                    available: columns(index).map(describe).collect(),
                });
            }
        }
        Ok(BoundFilter::Test(column, test))
    };
    let each = |filters: &[Filter]| -> Result<Vec<BoundFilter>, FilterError> {
        filters.iter().map(|filter| bind(filter, index)).collect()
    };
    match filter.node() {
        Node::All(filters) => each(filters).map(BoundFilter::All),
        Node::Any(filters) => each(filters).map(BoundFilter::Any),
        Node::Not(inner) => Ok(BoundFilter::Not(Box::new(bind(inner, index)?))),
        Node::Compare(name, comparison, value) => {
            test(name, Test::Compare(*comparison, value.clone()))
        }
        Node::Between(name, low, high) => test(name, Test::Between(low.clone(), high.clone())),
        Node::In(name, values) => test(name, Test::In(values.clone())),
        Node::Null(name) => find(index, name).map(|(column, _)| BoundFilter::Null(column)),
        Node::TooDeep => Err(FilterError::TooDeep),
    }
}

/// Returns which rows of a span match a filter; `None` if there is no filter.
pub(crate) fn mask(
    filter: Option<&BoundFilter>,
    index: &SongIndex,
    span: &Span<'_>,
) -> Result<Option<BooleanBuffer>, SongIndexError> {
    filter.map(|filter| filter.rows(index, span)).transpose()
}

fn columns(index: &SongIndex) -> impl Iterator<Item = (&str, Kind)> {
    let others = index.columns().iter().map(|(name, kind)| (name.as_str(), *kind));
    std::iter::once(("id", Kind::Text)).chain(others)
}

fn find(index: &SongIndex, name: &str) -> Result<(usize, Kind), FilterError> {
    if name == "id" {
        return Ok((ID_COLUMN, Kind::Text));
    }
    match index.columns().iter().position(|(column, _)| column == name) {
        Some(at) => Ok((at, index.columns()[at].1)),
        None => Err(FilterError::UnknownColumn {
            column: name.to_owned(),
            available: columns(index).map(|(name, _)| name.to_owned()).collect(),
        }),
    }
}

impl BoundFilter {
    /// Returns which rows of a span match the filter.
    fn rows(&self, index: &SongIndex, span: &Span<'_>) -> Result<BooleanBuffer, SongIndexError> {
        let cells = |column| index.cells(span.shard, span.batch, column);
        self.fulfilled(&cells, &span.range, false)
    }

    /// Returns the rows that match the filter or, with `negated`, its opposite. A row whose result
    /// is unknown is in neither set, so the opposite is not simply the complement.
    fn fulfilled(
        &self,
        cells: &dyn Fn(usize) -> Result<Cells, SongIndexError>,
        range: &Range<usize>,
        negated: bool,
    ) -> Result<BooleanBuffer, SongIndexError> {
        let len = range.len();
        let fold = |parts: &[Self], all: bool| {
            let mut rows =
                if all { BooleanBuffer::new_set(len) } else { BooleanBuffer::new_unset(len) };
            for part in parts {
                let part = part.fulfilled(cells, range, negated)?;
                rows = if all { &rows & &part } else { &rows | &part };
            }
            Ok(rows)
        };
        match self {
            Self::All(parts) => fold(parts, !negated),
            Self::Any(parts) => fold(parts, negated),
            Self::Not(inner) => inner.fulfilled(cells, range, !negated),
            Self::Null(column) => {
                let cells = cells(*column)?;
                let start = range.start;
                Ok(BooleanBuffer::collect_bool(len, |i| cells.is_null(start + i) != negated))
            }
            Self::Test(column, test) => Ok(test.rows(&cells(*column)?, range, negated)),
        }
    }
}

impl Test {
    fn values(&self) -> impl Iterator<Item = &Value> {
        match self {
            Self::Compare(_, value) => std::slice::from_ref(value).iter().chain(None),
            Self::Between(low, high) => std::slice::from_ref(low).iter().chain(Some(high)),
            Self::In(values) => values.iter().chain(None),
        }
    }

    fn rows(&self, cells: &Cells, range: &Range<usize>, negated: bool) -> BooleanBuffer {
        let len = range.len();
        let start = range.start;
        if let Some((rows, array)) = self.plain(cells, range) {
            return known(if negated { !&rows } else { rows }, array, range);
        }
        match cells {
            Cells::Missing => BooleanBuffer::new_unset(len),
            Cells::Text(array) => {
                let holds = |row| self.holds(|value| order_text(array, row, value)) != negated;
                BooleanBuffer::collect_bool(len, |i| !array.is_null(start + i) && holds(start + i))
            }
            Cells::Integer(array) => {
                let values = &array.values()[range.clone()];
                let rows = BooleanBuffer::collect_bool(len, |i| {
                    self.holds(|value| order_integer(values[i], value)) != negated
                });
                known(rows, array, range)
            }
            Cells::Real(array) => {
                let values = &array.values()[range.clone()];
                let rows = BooleanBuffer::collect_bool(len, |i| {
                    self.holds(|value| order_real(values[i], value)) != negated
                });
                known(rows, array, range)
            }
            Cells::Flag(array) => {
                let rows = BooleanBuffer::collect_bool(len, |i| {
                    self.holds(|value| order_flag(array.value(start + i), value)) != negated
                });
                known(rows, array, range)
            }
        }
    }

    /// Returns which cells pass the test. Handles the common case in which cells and values are
    /// numbers of one type, with a loop specialised for each comparison. The result for null cells
    /// is arbitrary.
    fn plain<'a>(
        &self,
        cells: &'a Cells,
        range: &Range<usize>,
    ) -> Option<(BooleanBuffer, &'a dyn Array)> {
        use Value::{Integer, Real};
        let rows = match (cells, self) {
            (Cells::Integer(array), Self::Compare(comparison, Integer(value))) => {
                compare(&array.values()[range.clone()], *comparison, *value)
            }
            (Cells::Real(array), Self::Compare(comparison, Real(value))) => {
                compare(&array.values()[range.clone()], *comparison, *value)
            }
            (Cells::Integer(array), Self::Between(Integer(low), Integer(high))) => {
                each(&array.values()[range.clone()], |cell| low <= cell && cell <= high)
            }
            (Cells::Real(array), Self::Between(Real(low), Real(high))) => {
                each(&array.values()[range.clone()], |cell| low <= cell && cell <= high)
            }
            _ => return None,
        };
        match cells {
            Cells::Integer(array) => Some((rows, array)),
            Cells::Real(array) => Some((rows, array)),
            _ => None,
        }
    }

    /// Returns whether the test holds for a cell; `order` compares the cell with a value.
    #[inline]
    fn holds(&self, order: impl Fn(&Value) -> Ordering) -> bool {
        match self {
            Self::Compare(comparison, value) => {
                let order = order(value);
                match comparison {
                    Comparison::Eq => order.is_eq(),
                    Comparison::Ne => order.is_ne(),
                    Comparison::Lt => order.is_lt(),
                    Comparison::Le => order.is_le(),
                    Comparison::Gt => order.is_gt(),
                    Comparison::Ge => order.is_ge(),
                }
            }
            Self::Between(low, high) => order(low).is_ge() && order(high).is_le(),
            Self::In(values) => values.iter().any(|value| order(value).is_eq()),
        }
    }
}

fn compare<T: PartialOrd>(cells: &[T], comparison: Comparison, value: T) -> BooleanBuffer {
    match comparison {
        Comparison::Eq => each(cells, |cell| *cell == value),
        Comparison::Ne => each(cells, |cell| *cell != value),
        Comparison::Lt => each(cells, |cell| *cell < value),
        Comparison::Le => each(cells, |cell| *cell <= value),
        Comparison::Gt => each(cells, |cell| *cell > value),
        Comparison::Ge => each(cells, |cell| *cell >= value),
    }
}

/// Computes one bit for each cell, eight cells at a time, which the compiler vectorises.
fn each<T>(cells: &[T], holds: impl Fn(&T) -> bool) -> BooleanBuffer {
    let (eights, rest) = cells.as_chunks::<8>();
    let byte = |cells: &[T]| {
        let bits = cells.iter().enumerate().map(|(i, cell)| u8::from(holds(cell)) << i);
        bits.fold(0, |byte, bit| byte | bit)
    };
    let mut bytes: Vec<u8> = Vec::with_capacity(cells.len().div_ceil(8));
    bytes.extend(eights.iter().map(|cells| byte(cells)));
    if !rest.is_empty() {
        bytes.push(byte(rest));
    }
    BooleanBuffer::new(Buffer::from_vec(bytes), 0, cells.len())
}

/// Removes the rows whose cell is null.
fn known(rows: BooleanBuffer, array: &dyn Array, range: &Range<usize>) -> BooleanBuffer {
    match array.nulls() {
        Some(nulls) => &rows & &nulls.inner().slice(range.start, range.len()),
        None => rows,
    }
}

// `bind` accepts only comparable values; the orderings below for other values are never used.

fn order_text(array: &Text, row: usize, value: &Value) -> Ordering {
    match value {
        Value::Text(text) => array.value(row).cmp(text),
        _ => Ordering::Less,
    }
}

fn order_integer(cell: i64, value: &Value) -> Ordering {
    match *value {
        Value::Integer(value) => cell.cmp(&value),
        Value::Real(value) => {
            // Rounding to f64 preserves order, except that different values may become equal.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a finite f64 equal to a rounded i64 fits i128"
            )]
            (cell as f64)
                .total_cmp(&(value + 0.0))
                .then_with(|| i128::from(cell).cmp(&(value as i128)))
        }
        _ => Ordering::Less,
    }
}

fn order_real(cell: f64, value: &Value) -> Ordering {
    match *value {
        // Adding 0 turns -0.0 into 0.0; nothing here is NaN.
        Value::Real(value) => (cell + 0.0).total_cmp(&(value + 0.0)),
        Value::Integer(value) => order_integer(value, &Value::Real(cell)).reverse(),
        _ => Ordering::Less,
    }
}

fn order_flag(cell: bool, value: &Value) -> Ordering {
    match value {
        Value::Flag(value) => cell.cmp(value),
        _ => Ordering::Less,
    }
}
