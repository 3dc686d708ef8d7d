//! Turns the buffers of a batch into arrays.
//!
//! `arrow-ipc` could do this, but it panics on hostile lengths and offsets, which this code must
//! survive (`ArrayData` asserts that a buffer's length is a multiple of the size of its items).
//! Only a few types matter here, so each array is built from bounds-checked buffers by a
//! constructor that returns errors.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    ArrayRef, BooleanArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray, StringViewArray,
};
use arrow_buffer::{
    ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer,
};
use arrow_schema::{DataType, Fields, UnionMode};

/// The positions of a batch's buffers in the file. All of them are inside the batch's body.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) rows: usize,
    nodes: Vec<Node>,
    buffers: Vec<Range<usize>>,
    /// The first node and the first buffer of each column.
    columns: Vec<(usize, usize)>,
    /// For each text view column, its first buffer and its number of variadic buffers.
    views: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    len: usize,
    nulls: usize,
}

impl Record {
    /// Reads and checks the header of a batch whose body is at `body` in the file.
    pub(crate) fn new(
        header: &arrow_ipc::RecordBatch<'_>,
        fields: &Fields,
        body: &Range<usize>,
    ) -> Result<Self, &'static str> {
        let number =
            |number: i64| usize::try_from(number).map_err(|_| "a length or offset is negative");
        let node = |node: &arrow_ipc::FieldNode| -> Result<Node, &'static str> {
            Ok(Node { len: number(node.length())?, nulls: number(node.null_count())? })
        };
        let buffer = |buffer: &arrow_ipc::Buffer| -> Result<Range<usize>, &'static str> {
            let start = body.start.checked_add(number(buffer.offset())?);
            let len = number(buffer.length())?;
            match start.and_then(|start| Some(start..start.checked_add(len)?)) {
                Some(range) if range.end <= body.end => Ok(range),
                _ => Err("a buffer lies outside its batch"),
            }
        };
        let nodes = header.nodes().into_iter().flatten().map(node);
        let buffers = header.buffers().into_iter().flatten().map(buffer);
        let mut record = Self {
            rows: number(header.length())?,
            nodes: nodes.collect::<Result<_, _>>()?,
            buffers: buffers.collect::<Result<_, _>>()?,
            columns: Vec::new(),
            views: Vec::new(),
        };
        let mut at = At {
            node: 0,
            buffer: 0,
            variadic: header
                .variadicBufferCounts()
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .into_iter(),
        };
        for field in fields {
            record.columns.push((at.node, at.buffer));
            record.skip(field.data_type(), &mut at)?;
        }
        if at.node != record.nodes.len() || at.buffer != record.buffers.len() {
            return Err("a batch has more columns than the schema");
        }
        Ok(record)
    }

    /// Skips a column.
    fn skip(&mut self, data_type: &DataType, at: &mut At) -> Result<(), &'static str> {
        use DataType as D;
        let buffers = match data_type {
            D::Null | D::RunEndEncoded(..) => 0,
            D::Struct(_) | D::FixedSizeList(..) | D::Union(_, UnionMode::Sparse) => 1,
            D::Utf8
            | D::LargeUtf8
            | D::Binary
            | D::LargeBinary
            | D::ListView(_)
            | D::LargeListView(_) => 3,
            D::Utf8View | D::BinaryView => {
                let count = at.variadic.next().and_then(|count| usize::try_from(count).ok());
                let count = count.ok_or("a text column lacks its number of buffers")?;
                self.views.push((at.buffer, count));
                count.saturating_add(2)
            }
            _ => 2,
        };
        at.node += 1;
        at.buffer = at.buffer.saturating_add(buffers);
        if at.node > self.nodes.len() || at.buffer > self.buffers.len() {
            return Err("a batch has fewer columns than the schema");
        }
        match data_type {
            D::List(item)
            | D::LargeList(item)
            | D::ListView(item)
            | D::LargeListView(item)
            | D::FixedSizeList(item, _)
            | D::Map(item, _) => self.skip(item.data_type(), at),
            D::Struct(fields) => {
                fields.iter().try_for_each(|field| self.skip(field.data_type(), at))
            }
            D::Union(fields, _) => {
                fields.iter().try_for_each(|(_, field)| self.skip(field.data_type(), at))
            }
            D::RunEndEncoded(ends, values) => {
                self.skip(ends.data_type(), at)?;
                self.skip(values.data_type(), at)
            }
            _ => Ok(()),
        }
    }

    /// Returns the items of a `fixed_size_list[dim]` column of numbers, row by row.
    pub(crate) fn lists<T: ArrowNativeType>(
        &self,
        bytes: &Buffer,
        column: usize,
        dim: usize,
    ) -> Result<ScalarBuffer<T>, &'static str> {
        let (node, buffer) = self.columns[column];
        let (list, values) = (self.nodes[node], self.nodes[node + 1]);
        let len = self.rows.checked_mul(dim).ok_or("it has fewer vectors than rows")?;
        if list.len != self.rows || values.len < len {
            return Err("it has fewer vectors than rows");
        }
        if list.nulls > 0 || values.nulls > 0 {
            return Err("a vector, or one of its values, is missing");
        }
        // The list's validity, the values' validity, the values.
        numbers(&self.slice(bytes, buffer + 2), len)
    }

    /// Returns the cells of a column of numbers without nulls.
    pub(crate) fn numbers<T: ArrowNativeType>(
        &self,
        bytes: &Buffer,
        column: usize,
    ) -> Result<ScalarBuffer<T>, &'static str> {
        let (node, buffer) = self.columns[column];
        if self.nodes[node].len != self.rows || self.nodes[node].nulls > 0 {
            return Err("a number is missing");
        }
        numbers(&self.slice(bytes, buffer + 1), self.rows)
    }

    /// Returns the first `len` items of a `list` column of numbers, ignoring its offsets.
    pub(crate) fn first_list<T: ArrowNativeType>(
        &self,
        bytes: &Buffer,
        column: usize,
        len: usize,
    ) -> Result<ScalarBuffer<T>, &'static str> {
        let (_, buffer) = self.columns[column];
        // The list's validity, its offsets, the values' validity, the values.
        numbers(&self.slice(bytes, buffer + 3), len)
    }

    /// Returns a column of one of the types that [`kind_of`](super::cells::kind_of) knows.
    pub(crate) fn array(
        &self,
        bytes: &Buffer,
        column: usize,
        data_type: &DataType,
    ) -> Result<ArrayRef, String> {
        use DataType as D;
        let (node, first) = self.columns[column];
        let node = self.nodes[node];
        if node.len != self.rows {
            return Err("has a different number of rows than its batch".to_owned());
        }
        let nulls = self.nulls(&self.slice(bytes, first), node)?;
        let data = self.slice(bytes, first + 1);
        Ok(match data_type {
            D::Utf8 => self.text::<i32>(&data, self.slice(bytes, first + 2), nulls)?,
            D::LargeUtf8 => self.text::<i64>(&data, self.slice(bytes, first + 2), nulls)?,
            D::Utf8View => {
                let views = numbers(&data, self.rows)?;
                let count =
                    self.views.iter().find(|(at, _)| *at == first).map_or(0, |(_, count)| *count);
                let buffers: Vec<Buffer> =
                    (0..count).map(|at| self.slice(bytes, first + 2 + at)).collect();
                let array = StringViewArray::try_new(views, buffers, nulls);
                Arc::new(array.map_err(|error| format!("cannot be read ({error})"))?)
            }
            D::Boolean => {
                let values = bits(&data, self.rows)?;
                Arc::new(BooleanArray::new(values, nulls))
            }
            D::Int8 => self.primitive::<Int8Type>(&data, nulls)?,
            D::Int16 => self.primitive::<Int16Type>(&data, nulls)?,
            D::Int32 => self.primitive::<Int32Type>(&data, nulls)?,
            D::Int64 => self.primitive::<Int64Type>(&data, nulls)?,
            D::UInt8 => self.primitive::<UInt8Type>(&data, nulls)?,
            D::UInt16 => self.primitive::<UInt16Type>(&data, nulls)?,
            D::UInt32 => self.primitive::<UInt32Type>(&data, nulls)?,
            D::UInt64 => self.primitive::<UInt64Type>(&data, nulls)?,
            D::Float32 => self.primitive::<Float32Type>(&data, nulls)?,
            D::Float64 => self.primitive::<Float64Type>(&data, nulls)?,
            other => return Err(format!("has type {other}, which cannot be read")),
        })
    }

    fn slice(&self, bytes: &Buffer, buffer: usize) -> Buffer {
        let range = &self.buffers[buffer];
        bytes.slice_with_length(range.start, range.len())
    }

    fn nulls(&self, validity: &Buffer, node: Node) -> Result<Option<NullBuffer>, &'static str> {
        if node.nulls == 0 {
            return Ok(None);
        }
        let nulls = NullBuffer::new(bits(validity, self.rows)?);
        if nulls.null_count() != node.nulls {
            return Err("states the wrong number of missing cells");
        }
        Ok(Some(nulls))
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        data: &Buffer,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, String> {
        let values = numbers(data, self.rows)?;
        let array = PrimitiveArray::<T>::try_new(values, nulls);
        Ok(Arc::new(array.map_err(|error| format!("cannot be read ({error})"))?))
    }

    fn text<O: OffsetSizeTrait>(
        &self,
        offsets: &Buffer,
        text: Buffer,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, String> {
        let offsets = match offsets.is_empty() && self.rows == 0 {
            // Arrow allows an empty column to have no offsets, and some writers do that.
            true => OffsetBuffer::new_empty(),
            false => {
                let offsets =
                    numbers::<O>(offsets, self.rows.checked_add(1).ok_or("has too many rows")?)?;
                if offsets[0] < O::zero() || offsets.windows(2).any(|pair| pair[0] > pair[1]) {
                    return Err("has text that ends before it begins".to_owned());
                }
                OffsetBuffer::new(offsets)
            }
        };
        let array = GenericStringArray::<O>::try_new(offsets, text, nulls);
        Ok(Arc::new(array.map_err(|error| format!("cannot be read ({error})"))?))
    }
}

/// The next node and buffer.
struct At {
    node: usize,
    buffer: usize,
    variadic: std::vec::IntoIter<i64>,
}

const TOO_SHORT: &str = "is shorter than its number of rows";

fn bits(data: &Buffer, len: usize) -> Result<BooleanBuffer, &'static str> {
    if data.len() < len.div_ceil(8) {
        return Err(TOO_SHORT);
    }
    Ok(BooleanBuffer::new(data.clone(), 0, len))
}

/// Returns the first `len` numbers of a buffer, copied only if they are not aligned.
fn numbers<T: ArrowNativeType>(data: &Buffer, len: usize) -> Result<ScalarBuffer<T>, &'static str> {
    let bytes =
        len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= data.len()).ok_or(TOO_SHORT)?;
    let mut data = data.slice_with_length(0, bytes);
    if data.as_ptr().align_offset(align_of::<T>()) != 0 {
        data = Buffer::from_slice_ref(data.as_slice());
    }
    Ok(ScalarBuffer::new(data, 0, len))
}
