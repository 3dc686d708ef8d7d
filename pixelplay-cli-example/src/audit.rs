//! `audit`: how evenly some pictures use a catalogue.

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pixelplay_core::index::Hubness;
use pixelplay_core::query::{HybridQuery, QueryOptions};
use serde_json::json;

use crate::query::DiversityArgs;
use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "In spaces of many dimensions a few songs come up for nearly every picture (hubs), and many for none. \
The share of songs that are ever shown cannot exceed pictures x count / songs; the skewness of how often songs are shown is \
0 where all come up alike and above 1 where there are hubs, the Gini coefficient 0 where all come up alike and near 1 \
where few take it all.

Examples:
  pixelplay audit holiday-pictures/ --index songs.arrow
  pixelplay audit holiday-pictures/ --index songs.arrow --max-per-artist 2 --diversity 0.3 --json"
)]
pub(crate) struct Args {
    /// Pictures, and folders of pictures
    #[arg(required = true)]
    pictures: Vec<PathBuf>,

    /// The index; without it, the embedded starter catalogue
    #[arg(short, long)]
    index: Option<PathBuf>,

    /// How many songs are shown for a picture
    #[arg(short = 'k', long = "count", value_name = "N", default_value = "50")]
    k: NonZeroUsize,

    #[command(flatten)]
    diversity: DiversityArgs,

    /// Print JSON for machines instead of a table
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut pictures = Vec::new();
    for path in &args.pictures {
        find_pictures(path, &mut pictures)?;
    }
    let encoder = args.encoder.open()?;
    let index = open::index_or_starter(args.index.as_deref(), &encoder)?;
    let options = args.diversity.apply(QueryOptions {
        k: args.k.get(),
        ..QueryOptions::default()
    });
    let mut hubness = Hubness::new(index.len());
    let mut artists = HashSet::new();
    let mut unusable = 0;
    let bar = progress::new_bar("looking at pictures", Some(pictures.len() as u64));
    for picture in &pictures {
        if progress::interrupted() {
            bail!("interrupted");
        }
        match encoder.encode_image(picture.as_path()) {
            Ok(embedding) => {
                let query = HybridQuery::new().image(embedding);
                let hits = query.search_with(&index, &options, &mut progress::quiet())?;
                for hit in &hits {
                    artists.extend(index.song(hit.row)?.artist);
                }
                hubness.add(&hits);
            }
            Err(error) => {
                unusable += 1;
                bar.suspend(|| output::complain(&format!("passed over: {error}")));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if hubness.queries == 0 {
        bail!("no picture was found in what was named");
    }
    let report = hubness.report(&index)?;
    if args.json {
        let mut document = serde_json::to_value(&report)?;
        document["count"] = json!(args.k);
        document["artists_ever_shown"] = json!(artists.len());
        document["pictures_passed_over"] = json!(unusable);
        return output::line(&serde_json::to_string_pretty(&document)?);
    }
    let text = output::printable_lines(&report.to_string());
    let artists = artists.len();
    output::line(&format!(
        "{} songs for each picture, {artists} artists in all\n{text}",
        args.k
    ))
}

/// A file as it is named; of a folder and those in it, what is called like a picture, in the order of the names.
fn find_pictures(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp"];
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let cannot_read = || format!("cannot read the folder {}", path.display());
    let mut entries = fs::read_dir(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(cannot_read)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().with_context(cannot_read)?;
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_picture =
            ending.is_some_and(|ending| ENDINGS.contains(&ending.to_lowercase().as_str()));
        // A link to a folder may lead in a circle.
        if kind.is_dir() || (is_picture && path.is_file()) {
            find_pictures(&path, found)?;
        }
    }
    Ok(())
}
