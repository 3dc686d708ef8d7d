//! Whether a checkpoint can be used, and everything that is wrong with it.
//!
//! * `run`: file by file, tensor by tensor, tower by tower.
//! * `reference`: comparison with values that others have published.
//! * `report`: what was found, and how people read it.

mod reference;
mod report;
mod run;

pub use reference::{Comparison, Outcome};
pub use report::{Architecture, CheckpointFile, CheckpointReport, Tower, VisionTower};
pub use run::{CheckOptions, check};
