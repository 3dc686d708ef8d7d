//! Songs similar to a given song.

use super::match_percent::{ScoreDistribution, sample_rows};
use super::top_k::{Scored, TopK};
use super::{Hits, SearchOptions};
use crate::index::filter;
use crate::index::{SongIndex, SongIndexError};

/// What to compare songs by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum By {
    /// The vectors of their descriptions.
    #[default]
    Description,
    /// Their audio features: the cosine of the nine features [`AUDIO_FEATURES`], each measured in
    /// standard deviations from the catalogue's mean. Songs that lack a feature are not found.
    Audio,
}

/// The columns that [`By::Audio`] compares.
pub const AUDIO_FEATURES: [&str; 9] = [
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
    "tempo",
    "loudness",
];

pub(crate) type Features = [f64; AUDIO_FEATURES.len()];

/// Mean and standard deviation of each feature, over the songs that have all features.
struct AudioScale {
    mean: Features,
    sd: Features,
}

impl AudioScale {
    fn new(songs: impl Iterator<Item = Features>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, Features::default(), Features::default());
        for song in songs {
            count += 1.0;
            for ((value, mean), squares) in song.iter().zip(&mut mean).zip(&mut squares) {
                let before = value - *mean;
                *mean += before / count;
                *squares += before * (value - *mean);
            }
        }
        let sd = squares.map(|squares| (squares / f64::max(count, 1.0)).sqrt());
        Self { mean, sd }
    }

    /// Returns the direction of a song from the mean, with length 1; `None` for the mean itself,
    /// which has no direction.
    fn direction(&self, song: &Features) -> Option<Features> {
        let mut direction = *song;
        for ((value, mean), sd) in direction.iter_mut().zip(&self.mean).zip(&self.sd) {
            // A feature that is the same for all songs carries no information.
            *value = if *sd > 0.0 { (*value - mean) / sd } else { 0.0 };
        }
        let length = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
        (length > 0.0).then(|| direction.map(|value| value / length))
    }
}

impl SongIndex {
    /// Returns the songs most similar to a given song, excluding the song itself. Scores are
    /// cosines, as in [`search`](Self::search).
    ///
    /// The hubness correction is not used with [`By::Audio`]. The first such call computes the
    /// features of all songs and caches them, at 80 bytes per song.
    ///
    /// # Errors
    /// If the song does not exist, or if it lacks audio features and [`By::Audio`] is used;
    /// otherwise the same as for [`search`](Self::search).
    pub fn similar(
        &self,
        id: &str,
        by: By,
        options: &SearchOptions,
    ) -> Result<Hits, SongIndexError> {
        let row = self.row(id).ok_or_else(|| SongIndexError::UnknownId { id: id.to_owned() })?;
        let mut excluded = self.rows_of(&options.exclude);
        excluded.push(row);
        excluded.sort_unstable();
        match by {
            By::Description => {
                let query = self.embedding(row)?;
                let mut results = self.search_excluding(&[query], options, excluded)?;
                Ok(results.pop().unwrap_or_else(|| self.hits(Vec::new())))
            }
            By::Audio => self.similar_audio(row, options, &excluded),
        }
    }

    /// `excluded` must be in ascending order.
    fn similar_audio(
        &self,
        row: usize,
        options: &SearchOptions,
        excluded: &[usize],
    ) -> Result<Hits, SongIndexError> {
        let lacks =
            |what: String| SongIndexError::NoAudioFeatures { id: self.id(row).to_owned(), what };
        let floor = options.floor()?;
        let directions = self.audio_directions()?;
        let Some(own) = directions[row] else {
            let song = self.song(row)?;
            let missing: Vec<&str> =
                AUDIO_FEATURES.into_iter().filter(|name| song.get(name).is_none()).collect();
            return Err(lacks(if missing.is_empty() {
                "all of them equal the catalogue's average".to_owned()
            } else {
                format!("no value for {}", missing.join(", "))
            }));
        };
        let score = |row: usize| {
            let other = directions[row].as_ref()?;
            Some(own.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() + 0.0)
        };

        let filter = options.bind_filter(self)?;
        let mut top = TopK::new(options.k.min(self.len()), floor);
        for span in self.spans(0..self.len()) {
            let mask = filter::mask(filter.as_ref(), self, &span)?;
            for at in span.range.clone() {
                let row = span.first_row + at;
                if mask.as_ref().is_none_or(|mask| mask.value(at - span.range.start))
                    && excluded.binary_search(&row).is_err()
                    && let Some(score) = score(row)
                {
                    top.push(Scored { score, row });
                }
            }
        }
        let distribution = ScoreDistribution::new(sample_rows(self.len()).filter_map(score));
        let hit = |scored: Scored| self.hit(scored.score, scored, &distribution);
        let hits = top.into_sorted().into_iter().map(hit).collect::<Result<_, _>>()?;
        Ok(self.hits(hits))
    }

    /// Returns the direction of each row, computed once: `None` if a feature is missing or all
    /// features are average.
    fn audio_directions(&self) -> Result<&[Option<Features>], SongIndexError> {
        if let Some(directions) = self.opened.audio.get() {
            return Ok(directions);
        }
        let mut rows = self.audio_features()?;
        let scale = AudioScale::new(rows.iter().flatten().copied());
        for features in &mut rows {
            *features = features.and_then(|features| scale.direction(&features));
        }
        Ok(self.opened.audio.get_or_init(|| rows))
    }

    /// Returns the features of each row; `None` if one is missing.
    fn audio_features(&self) -> Result<Vec<Option<Features>>, SongIndexError> {
        let mut rows = vec![Some(Features::default()); self.len()];
        for (at, name) in AUDIO_FEATURES.iter().enumerate() {
            let Some(column) = self.columns().iter().position(|(column, _)| column == name) else {
                return Ok(vec![None; self.len()]);
            };
            for span in self.spans(0..self.len()) {
                let cells = self.cells(span.shard, span.batch, column)?;
                for row in span.range {
                    let features = &mut rows[span.first_row + row];
                    match (features.as_mut(), cells.number(row)) {
                        (Some(features), Some(value)) => features[at] = value,
                        _ => *features = None,
                    }
                }
            }
        }
        Ok(rows)
    }
}
