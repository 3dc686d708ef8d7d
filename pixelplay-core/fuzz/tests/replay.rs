//! Runs every seed, and every input that has failed before, through its target.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::Path;

use pixelplay_fuzz::TARGETS;

#[test]
fn seeds_and_regressions_pass() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        for (_, bytes) in &seeds {
            (target.run)(bytes);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target.name);
        let mut regressions = 0;
        for entry in fs::read_dir(folder).into_iter().flatten() {
            (target.run)(&fs::read(entry.unwrap().path()).unwrap());
            regressions += 1;
        }
        println!("{}: {} seeds and {regressions} regressions pass", target.name, seeds.len());
    }
}
