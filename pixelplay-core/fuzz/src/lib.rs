//! Fuzz targets: functions that process hostile input, to find out whether the code panics, hangs,
//! or returns an impossible result.
//!
//! Each target takes bytes. libFuzzer calls the targets in `cargo xtask soak`, and an ordinary test
//! calls them with every seed and with every input that has failed before (`regressions/`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a target fails by panicking")]

mod answer;
mod checkpoint;
mod image;
mod index;
mod query;
mod table;
mod vectors;

pub use answer::read_answer;
pub use checkpoint::read_checkpoint;
pub use image::decode_image;
pub use index::open_index;
pub use query::{filter, query};
pub use table::clean_csv;
pub use vectors::import_npy;

/// Inputs to start from, with file names.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// A function to call with hostile bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of the target's program, and of the folder with its regressions.
    pub name: &'static str,
    /// The function to fuzz. It panics if something is wrong.
    pub run: fn(&[u8]),
    /// Returns the seeds, which come from real files.
    pub seeds: fn() -> Seeds,
}

/// All fuzz targets.
pub const TARGETS: &[Target] = &[
    Target { name: "open_index", run: open_index, seeds: index::seeds },
    Target { name: "decode_image", run: decode_image, seeds: image::seeds },
    Target { name: "read_checkpoint", run: read_checkpoint, seeds: checkpoint::seeds },
    Target { name: "clean_csv", run: clean_csv, seeds: table::seeds },
    Target { name: "import_npy", run: import_npy, seeds: vectors::seeds },
    Target { name: "filter", run: filter, seeds: query::filter_seeds },
    Target { name: "query", run: query, seeds: query::query_seeds },
    Target { name: "read_answer", run: read_answer, seeds: answer::seeds },
];

/// Creates a folder for the files of one process, in memory if the system supports that.
fn scratch() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Returns the files in a folder, whose path is relative to the repository; none if the folder is
/// missing.
fn files(folder: &str) -> Seeds {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            path.is_file().then(|| (name, std::fs::read(path).unwrap()))
        })
        .collect();
    files.sort();
    files
}
