//! A file like those that other programs write. The fuzz targets start from it too.

use std::sync::Arc;

use arrow_array::types::Float32Type;
use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, Int64Array, RecordBatch, StringArray,
    StringViewArray,
};
use arrow_ipc::writer::FileWriter;

/// An index of three songs without checksums, with a column of every kind, so that only our
/// structure checks protect Arrow from damage.
pub(crate) fn foreign_file() -> Vec<u8> {
    let unit = |x, y| Some(vec![Some(x), Some(y)]);
    let vectors = [unit(0.6, 0.8), unit(1.0, 0.0), unit(0.0, 1.0)];
    let columns: [(&str, ArrayRef); 7] = [
        ("id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("title", Arc::new(StringArray::from(vec![Some("Title"), None, Some("")]))),
        (
            "artist",
            Arc::new(StringViewArray::from(vec![
                Some("A name too long to be inline"),
                None,
                Some("b"),
            ])),
        ),
        ("year", Arc::new(Int64Array::from(vec![Some(1990), None, Some(2000)]))),
        ("energy", Arc::new(Float64Array::from(vec![Some(0.5), None, Some(f64::NAN)]))),
        ("explicit", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        (
            "embedding",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, 2)),
        ),
    ];
    let table = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &table.schema()).unwrap();
    writer.write(&table).unwrap();
    writer.into_inner().unwrap()
}
