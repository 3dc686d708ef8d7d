//! Fuzzes NumPy files, from the bytes to an index.

use std::cell::LazyCell;
use std::fs;

use pixelplay_core::SongIndex;
use pixelplay_core::catalog::{ImportOptions, import};

use crate::Seeds;

thread_local! {
    static FOLDER: LazyCell<tempfile::TempDir> = LazyCell::new(crate::scratch);
}

/// Imports an array. The result must be a complete index with the same number of songs.
pub fn import_npy(data: &[u8]) {
    FOLDER.with(|folder| {
        let (array, out) = (folder.path().join("vectors.npy"), folder.path().join("songs.arrow"));
        fs::write(&array, data).unwrap();
        let options =
            ImportOptions { normalize: data.len().is_multiple_of(2), ..ImportOptions::default() };
        let Ok(report) = import(&array, None, &out, &options, &mut ()) else {
            return;
        };
        let index = SongIndex::open(&out).unwrap();
        index.verify().unwrap();
        assert_eq!((index.len(), index.dim()), (report.songs, report.dim));
    });
}

/// Returns two vectors of each number type, with each version of the header.
pub(crate) fn seeds() -> Seeds {
    let mut all = Seeds::new();
    let numbers: [(&str, Vec<u8>); 4] = [
        ("<f4", bytes([0.6_f32, 0.8, 1.0, 0.0].map(f32::to_le_bytes))),
        (">f4", bytes([0.6_f32, 0.8, 1.0, 0.0].map(f32::to_be_bytes))),
        ("<f8", bytes([0.6_f64, 0.8, 1.0, 0.0].map(f64::to_le_bytes))),
        ("<f2", bytes([0x38cd_u16, 0x3a66, 0x3c00, 0].map(u16::to_le_bytes))),
    ];
    for (number, data) in numbers {
        for version in 1..=3_u8 {
            let header =
                format!("{{'descr': '{number}', 'fortran_order': False, 'shape': (2, 2), }}\n");
            let mut file = b"\x93NUMPY".to_vec();
            file.extend([version, 0]);
            if version == 1 {
                file.extend((header.len() as u16).to_le_bytes());
            } else {
                file.extend((header.len() as u32).to_le_bytes());
            }
            file.extend(header.bytes());
            file.extend(&data);
            all.push((
                format!("{}-{version}", number.replace('<', "little-").replace('>', "big-")),
                file,
            ));
        }
    }
    all
}

fn bytes<const N: usize>(numbers: [[u8; N]; 4]) -> Vec<u8> {
    numbers.concat()
}
