//! `enrich`: look up covers, previews, links and more for the songs of an index.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use pixelplay_core::SongIndex;
use pixelplay_core::enrich::{self, EnrichOptions, ProviderSettings, provider_named};

use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Each song is looked up by artist, title and length. Covers, karaoke, DJ mixes, live recordings and \
remixes are refused unless the song itself is one. Only empty cells are filled, in the columns artwork_url, \
preview_url, external_url, album, genre, year, duration_ms and explicit. The columns enriched_from, enriched_id, \
enriched_confidence, enriched_at and enriched_columns record what was filled and from where; enriched_note says why a \
song was not found.

iTunes gets 20 requests per minute, so 1,000 songs take 50 minutes; MusicBrainz gets one per second. Every answer is \
cached at once: stop with Ctrl-C at any time and run the same command again, and it continues from there. The new \
index is written when all songs have been looked up; with `--max-requests N`, after N requests, with the answers so \
far.

Apple allows the use of iTunes content only to promote its store, next to a badge that links to it. MusicBrainz \
requires a contact address (`--contact`). Proxies are taken from HTTPS_PROXY, ALL_PROXY and NO_PROXY.

Examples:
  pixelplay enrich songs.arrow with-covers.arrow --dry-run
  pixelplay enrich songs.arrow with-covers.arrow --country DE
  pixelplay enrich songs.arrow songs.arrow --provider musicbrainz --contact me@example.org
  pixelplay enrich songs.arrow with-covers.arrow --max-requests 0    # only from the cache"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// Where to write the enriched index, as one file; this may be the index itself, which is
    /// replaced once the new one is complete
    out: PathBuf,

    /// Where to look songs up
    #[arg(long, default_value = "itunes", value_parser = ["itunes", "musicbrainz"])]
    provider: String,

    /// The file that caches all answers, for all providers and indexes
    #[arg(long, default_value = "enrich.db", value_name = "FILE")]
    cache: PathBuf,

    /// The country of the iTunes Store, as a two-letter code such as DE
    #[arg(long, default_value = "US", value_name = "CC")]
    country: String,

    /// Your e-mail or web address, which MusicBrainz requires
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,

    /// Replace existing values with the values found, instead of filling only empty cells
    #[arg(long)]
    overwrite: bool,

    /// The minimum confidence of a match, 0 to 1
    #[arg(long, default_value_t = 0.75, value_name = "N")]
    min_confidence: f64,

    /// Make at most N requests per minute, 1 to 600, instead of the provider's own pace
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    per_minute: Option<u32>,

    /// Make at most N requests in this run, and leave the remaining songs as they are; 0 uses only
    /// the cache
    #[arg(long, value_name = "N")]
    max_requests: Option<u64>,

    /// Send requests to another address, such as a mirror or a test server
    #[arg(long, hide = true)]
    base_url: Option<String>,

    /// Show what would be requested and how long it would take; send no request, write nothing
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
    // Windows cannot replace a file that is mapped.
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
