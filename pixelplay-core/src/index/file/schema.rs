//! The schema of the index files that we write.

use std::collections::HashMap;

use arrow_schema::{DataType, Field, Schema};

use super::layout::{self, list_len, value_field};
use crate::embedding::Fingerprint;
use crate::index::{hubness, quantized};
use crate::song::Kind;

/// The properties that all rows of a file share.
pub(crate) struct FileSchema {
    pub(crate) dim: usize,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// How the songs were described.
    pub(crate) recipe: Option<String>,
    /// The columns other than `id` and the vector.
    pub(crate) columns: Vec<(String, Kind)>,
    pub(crate) batch_rows: usize,
    pub(crate) quantized: bool,
    /// The query bank that the rows' biases come from.
    pub(crate) query_bank: Option<String>,
}

/// Returns the Arrow type of columns with this kind of cells.
pub(crate) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Real => DataType::Float64,
        Kind::Flag => DataType::Boolean,
    }
}

/// Returns the columns in the order in which they are written, with our metadata.
pub(crate) fn schema(file: &FileSchema) -> Schema {
    let mut fields = vec![Field::new(layout::ID, DataType::Utf8, false)];
    for (name, kind) in &file.columns {
        fields.push(Field::new(name, data_type(*kind), true));
    }
    let dim = list_len(file.dim);
    let vector = DataType::FixedSizeList(value_field(), dim);
    fields.push(Field::new(layout::EMBEDDING, vector, false));
    if file.quantized {
        fields.extend(quantized::fields(dim));
    }
    fields.extend(file.query_bank.iter().map(|_| hubness::field()));
    let mut metadata = vec![
        (layout::KEY_FORMAT.to_owned(), layout::FORMAT.to_string()),
        (layout::KEY_DIM.to_owned(), file.dim.to_string()),
    ];
    if let Some(fingerprint) = &file.fingerprint {
        metadata.push((layout::KEY_FINGERPRINT.to_owned(), fingerprint.to_string()));
    }
    if let Some(recipe) = &file.recipe {
        metadata.push((layout::KEY_RECIPE.to_owned(), recipe.clone()));
    }
    if let Some(bank) = &file.query_bank {
        metadata.push((layout::KEY_QUERY_BANK.to_owned(), bank.clone()));
    }
    Schema::new_with_metadata(fields, metadata.into_iter().collect::<HashMap<_, _>>())
}
