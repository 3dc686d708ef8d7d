//! Writes the initial inputs for fuzzing into one folder per target: `seeds FOLDER`.
use libfuzzer_sys as _; // Required by every program built for fuzzing.

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map(std::path::PathBuf::from);
    let folder = folder.ok_or_else(|| std::io::Error::other("usage: seeds FOLDER"))?;
    for target in pixelplay_fuzz::TARGETS {
        let corpus = folder.join(target.name);
        std::fs::create_dir_all(&corpus)?;
        for (name, bytes) in (target.seeds)() {
            std::fs::write(corpus.join(name), bytes)?;
        }
    }
    Ok(())
}
