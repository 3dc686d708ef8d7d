//! `audit`: measure how evenly pictures use a catalogue.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::index::{Hubness, SearchOptions};
use pixelplay_core::query::HybridQuery;
use serde_json::json;

use crate::images::ImageArgs;
use crate::query::DiversityArgs;
use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "In spaces with many dimensions, a few songs are found for nearly every picture (hubs), and many for \
none. The report says how many songs are ever shown; their share cannot exceed pictures x count / songs. It also gives \
two measures of how often songs are shown. Both are 0 if all songs are shown equally often. The skewness is above 1 if \
there are hubs; the Gini coefficient is near 1 if a few songs take almost all the places.

Examples:
  pixelplay audit holiday-pictures/ --index songs.arrow
  pixelplay audit holiday-pictures/ --index songs.arrow --max-per-artist 2 --diversity 0.3 --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pictures: ImageArgs,

    /// The index: a file or a folder; without it, the embedded starter catalogue
    #[arg(short, long)]
    index: Option<PathBuf>,

    /// The number of songs to show for each picture
    #[arg(short = 'k', long = "count", value_name = "N", default_value = "50")]
    k: NonZeroUsize,

    #[command(flatten)]
    diversity: DiversityArgs,

    /// Print JSON instead of text
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let encoder = args.encoder.open()?;
    let index = open::index_or_starter(args.index.as_deref(), &encoder)?;
    let pictures = args.pictures.encode(&encoder)?;
    let options = args.diversity.options(SearchOptions::top(args.k.get()));
    let mut hubness = Hubness::new(index.len());
    let mut artists = HashSet::new();
    for picture in pictures.embeddings {
        let query = HybridQuery::new().image(picture);
        let hits = query.search_with(&index, &options, &mut progress::Quiet)?;
        for hit in &hits {
            artists.extend(hit.song()?.artist);
        }
        hubness.add(&hits);
    }
    let report = hubness.report(&index)?;
    if args.json {
        let mut document = serde_json::to_value(&report)?;
        document["count"] = json!(args.k);
        document["artists_ever_shown"] = json!(artists.len());
        document["pictures_passed_over"] = json!(pictures.unusable);
        return output::line(&serde_json::to_string_pretty(&document)?);
    }
    let text = output::printable_lines(&report.to_string());
    let artists = artists.len();
    output::line(&format!("{} songs for each picture, {artists} artists in total\n{text}", args.k))
}
