//! The arguments shared by `match` and `search`.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context, Result, bail};
use pixelplay_core::catalog::{Reason, Templates, why};
use pixelplay_core::index::{Filter, Hits, SearchOptions, SongHit};
use pixelplay_core::query::{DEFAULT_TEXT_WEIGHT, HybridQuery, QueryOptions};
use pixelplay_core::{Embedding, Encoder, SongIndex};

use serde_json::Value;

use crate::commands::user::TasteArgs;
use crate::output::printable;
use crate::{images, open, output, progress};

#[derive(clap::Args)]
pub(crate) struct QueryArgs {
    /// Words that the songs should fit
    #[arg(short, long, value_name = "WORDS")]
    text: Option<String>,

    /// The share of the words in a query with a picture, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT_TEXT_WEIGHT)]
    text_weight: f64,

    /// A song to move towards, as ID or ID:WEIGHT (weight 1 by default); may be repeated
    #[arg(long, value_name = "ID[:WEIGHT]")]
    like: Vec<String>,

    /// A song to move away from, as ID or ID:WEIGHT; may be repeated
    #[arg(long, value_name = "ID[:WEIGHT]")]
    unlike: Vec<String>,

    /// Words to move away from; may be repeated
    #[arg(long, value_name = "WORDS")]
    not_text: Vec<String>,

    /// The weight of unwanted words, and of unwanted songs without their own weight
    #[arg(long, value_name = "WEIGHT", default_value_t = DEFAULT_TEXT_WEIGHT)]
    unlike_weight: f64,

    #[command(flatten)]
    taste: TasteArgs,

    #[command(flatten)]
    answer: AnswerArgs,

    #[command(flatten)]
    diversity: DiversityArgs,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

/// Options for variety among the results.
#[derive(clap::Args)]
pub(crate) struct DiversityArgs {
    /// Show at most N songs by one artist
    #[arg(long, value_name = "N")]
    max_per_artist: Option<NonZeroUsize>,

    /// Show only one recording of each song: no live recording or remix next to it
    #[arg(long)]
    distinct_songs: bool,

    /// How much to prefer songs unlike each other: 0 ranks only by score, higher values prefer
    /// variety
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    diversity: f64,

    /// How strongly to lower songs that are found for nearly every query, 0 to 1; run
    /// `correct-hubness` on the index first
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    hubness_correction: f64,
}

impl DiversityArgs {
    pub(crate) fn options(&self, search: SearchOptions) -> QueryOptions {
        QueryOptions {
            max_per_artist: self.max_per_artist,
            distinct_songs: self.distinct_songs,
            diversity: self.diversity,
            search: SearchOptions { hubness_correction: self.hubness_correction, ..search },
        }
    }
}

/// The arguments of every command that ranks songs.
#[derive(clap::Args)]
pub(crate) struct AnswerArgs {
    /// The number of songs to show
    #[arg(short = 'k', long = "count", value_name = "N", default_value = "10")]
    k: NonZeroUsize,

    /// Show only songs that match, such as "energy >= 0.5 and genre in (pop, rock)"; text is
    /// case-sensitive
    #[arg(long = "where", value_name = "FILTER")]
    filter: Option<String>,

    /// Show only songs with at least this score, -1 to 1: the cosine, minus the hubness correction
    /// if there is one
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true, value_parser = cosine)]
    min_score: Option<f64>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

fn cosine(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(cosine) if (-1.0..=1.0).contains(&cosine) => Ok(cosine),
        Ok(_) => {
            Err("a cosine is between -1 and 1; the table shows percentages instead".to_owned())
        }
        Err(_) => Err("not a number".to_owned()),
    }
}

impl AnswerArgs {
    pub(crate) fn search(&self) -> Result<SearchOptions> {
        let filter = self.filter.as_deref().map(Filter::parse).transpose().context("bad filter")?;
        Ok(SearchOptions { filter, min_score: self.min_score, ..SearchOptions::top(self.k.get()) })
    }
}

impl QueryArgs {
    /// Encodes the query, ranks the songs of `index`, or of the starter catalogue, and prints them.
    pub(crate) fn run(&self, picture: Option<&Path>, index: Option<&Path>) -> Result<()> {
        // Check the arguments before doing slow work.
        let search = self.answer.search()?;
        let taste = self.taste.read()?;
        let encoder = self.encoder.open()?;
        let mut query = HybridQuery::new().text_weight(self.text_weight);
        // The embedding that the reasons refer to: the picture if there is one, otherwise the
        // words.
        let mut asked = None;
        if let Some(words) = &self.text {
            let words = encoder.encode_text(words)?;
            query = query.text(words.clone());
            asked = Some(words);
        }
        if let Some(path) = picture {
            let picture = images::encode(&encoder, path)?;
            query = query.image(picture.clone());
            asked = Some(picture);
        }
        for words in &self.not_text {
            query = query.unlike(encoder.encode_text(words)?, self.unlike_weight);
        }
        let index = open::index_or_starter(index, &encoder)?;
        for part in &self.like {
            let (id, weight) = split_weight(part, 1.0, |id| index.row(id).is_some());
            require_song(&index, id)?;
            query = query.like(id, weight);
        }
        for part in &self.unlike {
            let (id, weight) = split_weight(part, self.unlike_weight, |id| index.row(id).is_some());
            require_song(&index, id)?;
            query = query.unlike(id, weight);
        }
        if let Some((songs, weight)) = taste {
            if !songs.keys().any(|id| index.row(id).is_some()) {
                output::complain(
                    "this index has none of the songs in your taste, so --taste changes nothing; add songs \
                     with `pixelplay user favourites add` and the ids that --json shows",
                );
            }
            query = query.lean_towards(songs, weight);
        }
        let options = self.diversity.options(search);
        let hits = query.search_with(&index, &options, &mut progress::bar())?;
        output::hits(&hits, reasons(&hits, asked.as_ref(), &encoder)?.as_deref(), self.answer.json)
    }
}

/// Returns the best-fitting sentence of each song. Returns `None` if there is no picture and no
/// words, if the index was not described with the embedded templates, or if there are more songs
/// than a person would read.
fn reasons(
    hits: &Hits,
    asked: Option<&Embedding>,
    encoder: &Encoder,
) -> Result<Option<Vec<Option<Reason>>>> {
    /// Each song has about ten sentences, and every one of them is encoded.
    const MOST_HITS: usize = 100;
    let templates = Templates::default();
    let recipe: Value =
        serde_json::from_str(hits.index().recipe().unwrap_or("null")).unwrap_or_default();
    let Some(asked) = asked else {
        return Ok(None);
    };
    if recipe["templates"] != templates.hash() || hits.len() > MOST_HITS {
        return Ok(None);
    }
    let best = |hit: &SongHit| {
        let reasons = why(&hit.song()?, asked, encoder, &templates)?;
        Ok(reasons.into_iter().next())
    };
    Ok(Some(hits.iter().map(best).collect::<Result<_>>()?))
}

/// Splits `NAME:WEIGHT`. A known name that itself ends in a colon and a number is not split.
fn split_weight(part: &str, default: f64, is_known: impl Fn(&str) -> bool) -> (&str, f64) {
    if !is_known(part)
        && let Some((name, weight)) = part.rsplit_once(':')
        && let Ok(weight) = weight.trim().parse()
    {
        (name, weight)
    } else {
        (part, default)
    }
}

/// Fails for an unknown song id, and suggests songs whose title or id contains the text.
pub(crate) fn require_song(index: &SongIndex, id: &str) -> Result<()> {
    const SUGGESTIONS: usize = 5;
    if index.row(id).is_some() {
        return Ok(());
    }
    let wanted = id.to_lowercase();
    let mut close = Vec::new();
    for row in 0..index.len() {
        let song = index.song(row)?;
        let title = song.title.unwrap_or_default();
        if title.to_lowercase().contains(&wanted)
            || song.id.as_str().to_lowercase().contains(&wanted)
        {
            let artist = song.artist.unwrap_or_default();
            let line = format!("{}  ({title}, {artist})", song.id);
            close.push(format!("\n  {}", printable(&line)));
            if close.len() == SUGGESTIONS {
                break;
            }
        }
    }
    if close.is_empty() {
        bail!("no song has the id {id:?}, and no id or title contains it");
    }
    bail!("no song has the id {id:?}; did you mean one of these ids?{}", close.concat());
}

#[cfg(test)]
mod tests {
    use super::split_weight;

    #[test]
    fn a_weight_follows_the_last_colon() {
        let unknown = |_: &str| false;
        assert_eq!(split_weight("abc", 0.3, unknown), ("abc", 0.3));
        assert_eq!(split_weight("abc:0.5", 0.3, unknown), ("abc", 0.5));
        assert_eq!(split_weight("spotify:track:x:2", 0.3, unknown), ("spotify:track:x", 2.0));
        assert_eq!(split_weight("spotify:track:x", 0.3, unknown), ("spotify:track:x", 0.3));
        assert_eq!(split_weight("a:1", 0.3, |id| id == "a:1"), ("a:1", 0.3));
    }
}
