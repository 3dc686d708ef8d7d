//! `build-index`: build an index from a table of songs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pixelplay_core::catalog::{
    BuildOptions, Describer, SongTable, Templates, WordWeights, parts_folder,
};
use serde_json::json;

use crate::{open, output, progress, table};

#[derive(clap::Args)]
#[command(
    after_help = "Each song is described by scenes and moods that fit its features, genre and decade, or by a column \
`description` if the table has one. The title and the columns `tags` and `lyrics` are added to the extent that they \
name something visible. A column `title_en` holds translated titles. If the command is interrupted, the finished parts \
are kept next to the index, and the same command continues from there.

Examples:
  pixelplay build-index songs.csv.gz songs.arrow
  pixelplay build-index songs.csv songs.arrow --column title=Werk --encoder clip-vit-base-patch32/
  pixelplay build-index songs.csv songs.arrow --title-weight 0
  pixelplay build-index --print-templates > mine.toml
  pixelplay build-index songs.csv songs.arrow --templates mine.toml"
)]
pub(crate) struct Args {
    /// A table of songs: CSV or TSV, plain or gzipped
    #[arg(required_unless_present = "print_templates")]
    table: Option<PathBuf>,

    /// Where to write the index; an existing index is replaced once the new one is complete
    #[arg(required_unless_present = "print_templates")]
    index: Option<PathBuf>,

    /// A file of phrases for describing songs, instead of the embedded phrases
    #[arg(long, value_name = "FILE.toml")]
    templates: Option<PathBuf>,

    /// Print the embedded phrases, as a starting point for your own, and do nothing else
    #[arg(long, exclusive = true)]
    print_templates: bool,

    #[command(flatten)]
    words: WordArgs,

    /// Print the report as JSON: what was kept, dropped and merged
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: table::TableArgs,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

/// Returns a describer that uses the phrases of a file, or the embedded ones.
pub(super) fn describer(templates: Option<&Path>) -> Result<Describer> {
    Ok(match templates {
        Some(path) => Describer::from(Templates::open(path)?),
        None => Describer::default(),
    })
}

/// The weights of a song's own words. Its scenes and moods together have weight 1.
#[derive(clap::Args)]
struct WordArgs {
    /// The weight of a song's title. Its scenes and moods together have weight 1; 0 leaves the
    /// title out
    #[arg(long, value_name = "WEIGHT", default_value_t = WordWeights::default().title)]
    title_weight: f64,

    /// The weight of its tags together; 0 leaves them out
    #[arg(long, value_name = "WEIGHT", default_value_t = WordWeights::default().tags)]
    tags_weight: f64,

    /// The weight of its lyrics together; 0 leaves them out
    #[arg(long, value_name = "WEIGHT", default_value_t = WordWeights::default().lyrics)]
    lyrics_weight: f64,
}

impl WordArgs {
    fn weights(&self) -> WordWeights {
        WordWeights { title: self.title_weight, tags: self.tags_weight, lyrics: self.lyrics_weight }
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    let (Some(table), Some(index)) = (&args.table, &args.index) else {
        return output::line(Templates::EMBEDDED.trim_end());
    };
    let describer = describer(args.templates.as_deref())?;
    let options =
        BuildOptions { describer, words: args.words.weights(), ..BuildOptions::default() };
    let encoder = args.encoder.open()?;
    let table = SongTable::open(table)?.options(args.reading.options()).build_options(options);
    let done = table.build_index(&encoder, index, &mut progress::bar());
    let (cleaned, built) = done.map_err(|error| -> anyhow::Error {
        let parts = parts_folder(index);
        if !parts.is_dir() {
            return error.into();
        }
        let kept = format!(
            "finished parts are kept in {}, and the same command continues from there",
            parts.display()
        );
        if progress::interrupted() {
            return progress::StoppedAfter(kept).into();
        }
        output::complain(&kept);
        error.into()
    })?;
    if args.json {
        return output::line(&json!({ "clean": cleaned, "build": built }).to_string());
    }
    let text = output::printable_lines(&format!("{cleaned}{built}"));
    output::line(&format!("{text}\nwrote {}", index.display()))
}
