//! `enrich`: covers, previews, links and more for the songs of an index.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use pixelplay_core::SongIndex;
use pixelplay_core::enrich::{self, EnrichOptions, ProviderSettings, provider_named};

use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Each song is looked up by artist, title and length. Covers, karaoke, DJ mixes, live recordings and \
remixes are refused unless the song is one. Only empty cells are filled: artwork_url, preview_url, external_url, album, \
genre, year, duration_ms, explicit. The columns enriched_from, enriched_id, enriched_confidence, enriched_at and \
enriched_columns say what came from where, and enriched_note why a song was not found.

iTunes is asked 20 times a minute, so 1,000 songs take 50 minutes; MusicBrainz once a second. Every answer is kept in the \
cache at once: stop with Ctrl-C whenever you like and run the same command again, it goes on from there. The new index is \
written when all is done; with --max-requests, after so many requests, with what is known by then.

Apple allows what iTunes offers only for promoting the content of its shop, beside a badge that leads there. MusicBrainz \
wants to know whom to write to (--contact). Proxies are taken from HTTPS_PROXY, ALL_PROXY and NO_PROXY.

Examples:
  pixelplay enrich songs.arrow with-covers.arrow --dry-run
  pixelplay enrich songs.arrow with-covers.arrow --country DE
  pixelplay enrich songs.arrow songs.arrow --provider musicbrainz --contact me@example.org
  pixelplay enrich songs.arrow with-covers.arrow --max-requests 0    # from the cache alone"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// Where to put the enriched index, one file; it may be the index itself, and is replaced when
    /// all is done
    out: PathBuf,

    /// Where to look songs up
    #[arg(long, default_value = "itunes", value_parser = ["itunes", "musicbrainz"])]
    provider: String,

    /// The file that keeps all answers, for all providers and tables
    #[arg(long, default_value = "enrich.db", value_name = "FILE")]
    cache: PathBuf,

    /// The country of the iTunes shop
    #[arg(long, default_value = "US", value_name = "CC")]
    country: String,

    /// Your address of mail or web, which MusicBrainz asks for
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,

    /// Replace what songs have by what is found
    #[arg(long)]
    overwrite: bool,

    /// How sure it must be that a recording is the song, 0 to 1
    #[arg(long, default_value_t = 0.75, value_name = "N")]
    min_confidence: f64,

    /// Ask at most so often a minute, instead of the pace of the provider
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    per_minute: Option<u32>,

    /// Make at most so many requests now, and leave the other songs as they are
    #[arg(long, value_name = "N")]
    max_requests: Option<u64>,

    /// Ask another address, of a mirror or of a test
    #[arg(long, hide = true)]
    base_url: Option<String>,

    /// Say what would be asked and how long it takes; ask nothing, write nothing
    #[arg(long)]
    dry_run: bool,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let settings =
        ProviderSettings { country: args.country, contact: args.contact, base_url: args.base_url };
    let provider = provider_named(&args.provider, &settings)?;
    let options = EnrichOptions {
        overwrite: args.overwrite,
        min_confidence: args.min_confidence,
        interval: args.per_minute.map(|n| Duration::from_secs(60) / n),
        max_requests: args.max_requests,
        ..EnrichOptions::new(args.cache)
    };
    // Windows does not replace a file that is mapped.
    let index = match cfg!(windows) {
        true => SongIndex::open(&args.index)?,
        false => open::index(&args.index)?,
    };
    if args.dry_run {
        let plan = enrich::plan(&index, &*provider, &options, &mut progress::bar())?;
        return match args.json {
            true => output::line(&serde_json::to_string(&plan)?),
            false => output::line(output::printable_lines(&plan.to_string()).trim_end()),
        };
    }
    let report = enrich::enrich(&index, &args.out, &*provider, &options, &mut progress::bar())?;
    if args.json {
        return output::line(&serde_json::to_string(&report)?);
    }
    let text = output::printable_lines(report.to_string().trim_end());
    output::line(&format!("{text}\nwrote {}", args.out.display()))
}
