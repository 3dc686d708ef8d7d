//! Draws the sample pictures: `cargo run -p pixelplay-data --example scenes -- OUT_DIR [SEED]`.
//!
//! Each scene becomes `OUT_DIR/<name>.jpg`, and `OUT_DIR/captions.tsv` says what each shows. The
//! same seed draws the same pictures; the committed ones have seed 1.

#![allow(clippy::print_stdout, reason = "an example reports on the terminal")]

mod canvas;
mod random;
mod scene;
mod shape;

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let Some(out_dir) = args.next().map(PathBuf::from) else {
        return Err("usage: scenes OUT_DIR [SEED]".into());
    };
    let seed = match args.next() {
        Some(text) => text
            .to_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("the seed must be a whole number, not {}", text.display()))?,
        None => scene::SAMPLE_SEED,
    };

    std::fs::create_dir_all(&out_dir)
        .map_err(|error| format!("cannot create {}: {error}", out_dir.display()))?;
    let mut captions = String::from("file\tcaption\n");
    for scene in scene::SCENES {
        let file = format!("{}.jpg", scene.name);
        let path = out_dir.join(&file);
        let jpeg = scene.render(seed).to_jpeg()?;
        std::fs::write(&path, &jpeg)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("{} ({} KiB)", path.display(), jpeg.len().div_ceil(1024));
        writeln!(captions, "{file}\t{}", scene.caption)?;
    }
    let path = out_dir.join("captions.tsv");
    std::fs::write(&path, captions)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(())
}
