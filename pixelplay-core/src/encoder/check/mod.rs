//! Checks whether a checkpoint can be used, and reports every problem.
//!
//! * `run`: file by file, tensor by tensor, tower by tower.
//! * `reference`: comparison with published values.
//! * `report`: the results, and their text form.

mod reference;
mod report;
mod run;

pub use reference::{Comparison, Outcome};
pub use report::{Architecture, CheckpointFile, CheckpointReport, Tower, VisionTower};
pub use run::{CheckOptions, check};
