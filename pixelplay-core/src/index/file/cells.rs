//! The cells of one column of a batch, by the kind of values they hold.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, PrimitiveArray,
    StringArray, StringViewArray,
};
use arrow_schema::DataType;

use crate::song::{COLUMNS, Kind, Value};

/// Returns the kind of cells that an Arrow type holds, or `None` if songs cannot hold the type.
pub(crate) fn kind_of(data_type: &DataType) -> Option<Kind> {
    use DataType as D;
    match data_type {
        D::Utf8 | D::LargeUtf8 | D::Utf8View => Some(Kind::Text),
        D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => {
            Some(Kind::Integer)
        }
        D::Float32 | D::Float64 => Some(Kind::Real),
        D::Boolean => Some(Kind::Flag),
        _ => None,
    }
}

/// Returns the kind of a known column.
pub(crate) fn known_kind(name: &str) -> Option<Kind> {
    COLUMNS.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
}

/// Returns the kind that a column is written as: its own for a known column, text otherwise.
pub(crate) fn written_kind(name: &str) -> Kind {
    known_kind(name).unwrap_or(Kind::Text)
}

/// Text in any of Arrow's layouts.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    Utf8(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
}

impl Text {
    pub(crate) fn new(array: &ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Utf8(array.as_string().clone())),
            DataType::LargeUtf8 => Some(Self::Large(array.as_string().clone())),
            DataType::Utf8View => Some(Self::View(array.as_string_view().clone())),
            _ => None,
        }
    }

    /// Returns the text in a row; meaningless if the row is null.
    pub(crate) fn value(&self, row: usize) -> &str {
        match self {
            Self::Utf8(a) => a.value(row),
            Self::Large(a) => a.value(row),
            Self::View(a) => a.value(row),
        }
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Utf8(a) => a.is_null(row),
            Self::Large(a) => a.is_null(row),
            Self::View(a) => a.is_null(row),
        }
    }
}

/// The cells of one column of one batch.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    Text(Text),
    Integer(Int64Array),
    Real(Float64Array),
    Flag(BooleanArray),
    /// The shard does not have this column: every cell is null.
    Missing,
}

impl Cells {
    /// Reads a column as cells of `kind`. Numbers of other widths are converted. A real that is not
    /// finite becomes null, since some programs write NaN for a missing value.
    pub(crate) fn new(array: &ArrayRef, kind: Kind) -> Result<Self, String> {
        match kind {
            Kind::Text => Text::new(array).map(Self::Text),
            Kind::Flag => array.as_boolean_opt().cloned().map(Self::Flag),
            Kind::Integer => return integers(array).map(Self::Integer),
            Kind::Real => reals(array).map(Self::Real),
        }
        .ok_or_else(|| format!("has type {}, expected {}", array.data_type(), describe(kind)))
    }

    pub(crate) fn get(&self, row: usize) -> Option<Value> {
        match self {
            Self::Text(a) => (!a.is_null(row)).then(|| Value::Text(a.value(row).to_owned())),
            Self::Integer(a) => a.is_valid(row).then(|| Value::Integer(a.value(row))),
            Self::Real(a) => a.is_valid(row).then(|| Value::Real(a.value(row))),
            Self::Flag(a) => a.is_valid(row).then(|| Value::Flag(a.value(row))),
            Self::Missing => None,
        }
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(a) => a.is_null(row),
            Self::Integer(a) => a.is_null(row),
            Self::Real(a) => a.is_null(row),
            Self::Flag(a) => a.is_null(row),
            Self::Missing => true,
        }
    }

    /// Returns the number of bytes of text in a row.
    pub(crate) fn text_len(&self, row: usize) -> usize {
        match self {
            Self::Text(a) if !a.is_null(row) => a.value(row).len(),
            _ => 0,
        }
    }

    /// Returns the number in a row, if there is one.
    pub(crate) fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Integer(a) => a.is_valid(row).then(|| a.value(row) as f64),
            Self::Real(a) => a.is_valid(row).then(|| a.value(row)),
            _ => None,
        }
    }
}

/// Describes a kind for error messages.
pub(crate) fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "whole numbers",
        Kind::Real => "numbers",
        Kind::Flag => "true or false",
    }
}

/// Formats a cell as text.
pub(crate) fn plain_text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
}

fn convert<From, To>(
    array: &ArrayRef,
    convert: impl Fn(From::Native) -> Option<To::Native>,
) -> Option<PrimitiveArray<To>>
where
    From: arrow_array::ArrowPrimitiveType,
    To: arrow_array::ArrowPrimitiveType,
{
    let array = array.as_primitive_opt::<From>()?;
    Some(array.unary_opt(convert))
}

fn integers(array: &ArrayRef) -> Result<Int64Array, String> {
    use DataType as D;
    let before = array.null_count();
    let converted = match array.data_type() {
        D::Int64 => array.as_primitive_opt::<Int64Type>().cloned(),
        D::Int8 => convert::<Int8Type, _>(array, |v| Some(v.into())),
        D::Int16 => convert::<Int16Type, _>(array, |v| Some(v.into())),
        D::Int32 => convert::<Int32Type, _>(array, |v| Some(v.into())),
        D::UInt8 => convert::<UInt8Type, _>(array, |v| Some(v.into())),
        D::UInt16 => convert::<UInt16Type, _>(array, |v| Some(v.into())),
        D::UInt32 => convert::<UInt32Type, _>(array, |v| Some(v.into())),
        D::UInt64 => convert::<UInt64Type, _>(array, |v| i64::try_from(v).ok()),
        // pandas has no missing integers, so its years are floats with NaN.
        D::Float32 | D::Float64 => {
            let Some(reals) = reals(array) else {
                return Err("cannot be read".to_owned());
            };
            let nulls = reals.null_count();
            let whole = reals.unary_opt::<_, Int64Type>(whole);
            if whole.null_count() != nulls {
                return Err(
                    "contains a number that is not whole, expected whole numbers".to_owned()
                );
            }
            return Ok(whole);
        }
        _ => None,
    }
    .ok_or_else(|| format!("has type {}, expected whole numbers", array.data_type()))?;
    if converted.null_count() != before {
        return Err("contains a number above 2^63 - 1".to_owned());
    }
    Ok(converted)
}

fn whole(value: f64) -> Option<i64> {
    // Beyond 2^53 an f64 can no longer represent every integer.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a small whole number")]
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

fn reals(array: &ArrayRef) -> Option<Float64Array> {
    use DataType as D;
    let finite = |v: f64| v.is_finite().then_some(v);
    match array.data_type() {
        D::Float64 => {
            let array = array.as_primitive_opt::<Float64Type>()?;
            // The usual case: no copy.
            if array.values().iter().all(|v| v.is_finite()) {
                return Some(array.clone());
            }
            Some(array.unary_opt(finite))
        }
        D::Float32 => convert::<Float32Type, _>(array, |v| finite(v.into())),
        D::UInt64 => convert::<UInt64Type, _>(array, |v| Some(v as f64)),
        _ => integers(array).ok().map(|a| a.unary_opt(|v| Some(v as f64))),
    }
}
