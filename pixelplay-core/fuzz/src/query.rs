//! Fuzzes filters and queries over a small catalogue.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use pixelplay_core::index::{Filter, SearchOptions, WriterOptions};
use pixelplay_core::{
    Embedding, HybridQuery, QueryOptions, Song, SongId, SongIndex, SongIndexWriter,
};

use crate::Seeds;

const SONGS: usize = 48;
const DIM: usize = 3;

static INDEX: LazyLock<SongIndex> = LazyLock::new(|| {
    let folder = crate::scratch();
    let path = folder.path().join("songs.arrow");
    let options = WriterOptions { normalize: true, batch_rows: 20, ..WriterOptions::new(DIM) };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    for row in 0..SONGS {
        let mut song = Song::new(SongId::new(format!("{row}")).unwrap());
        song.title = Some(format!("Song {row}"));
        song.artist = (row % 5 > 0).then(|| format!("Artist {}", row % 5));
        song.genre = Some(["pop", "rock", "hip hop"][row % 3].to_owned());
        song.year = (row % 7 > 0).then_some(1960 + row as i64);
        song.energy = (row % 4 > 0).then_some(row as f64 / SONGS as f64);
        song.explicit = (row % 6 > 0).then_some(row % 2 == 0);
        let turn = row as f32;
        writer.push(&song, &[turn.sin(), turn.cos(), (turn * 0.7).sin()]).unwrap();
    }
    writer.finish().unwrap();
    SongIndex::open(path).unwrap()
});

fn all_rows(filter: Filter) -> Option<Vec<usize>> {
    let query = INDEX.embedding(0).unwrap();
    let options = SearchOptions { k: SONGS, filter: Some(filter), ..SearchOptions::default() };
    let mut rows: Vec<_> = INDEX.search(&query, &options).ok()?.iter().map(|hit| hit.row).collect();
    rows.sort_unstable();
    Some(rows)
}

/// Parses a filter and applies it. A row must not pass both the filter and its negation; if a cell
/// is missing, it may pass neither.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(filter) = Filter::parse(text) else {
        return;
    };
    let Some(passed) = all_rows(filter.clone()) else {
        return;
    };
    if let Some(refused) = all_rows(!filter.clone()) {
        assert!(passed.iter().all(|row| !refused.contains(row)));
    }
    if let Some(both) = all_rows(filter.clone() & filter.clone()) {
        assert_eq!(both, passed);
    }
    if let Some(either) = all_rows(filter.clone() | filter) {
        assert_eq!(either, passed);
    }
}

/// Runs a query built from the bytes. The results must respect all of its options.
pub fn query(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut byte = || bytes.next().unwrap_or(0);
    let mut question = HybridQuery::new();
    let mut named = Vec::new();
    let terms = byte() % 6;
    for _ in 0..terms {
        let kind = byte();
        // Most bit patterns are extremely large or small numbers, so only some weights are made
        // from arbitrary patterns.
        let weight = if kind & 8 == 0 {
            f64::from(byte()) / 64.0
        } else {
            f64::from_bits(u64::from_le_bytes(std::array::from_fn(|_| byte())))
        };
        if kind & 4 == 0 {
            let id = (usize::from(byte()) % (SONGS + 1)).to_string();
            question = if kind & 1 == 0 {
                question.like(id.as_str(), weight)
            } else {
                question.unlike(id.as_str(), weight)
            };
            named.push(id);
            continue;
        }
        let values = std::array::from_fn::<f32, DIM, _>(|_| f32::from(byte()) - 127.5);
        let vector = Embedding::normalize(values.to_vec(), None).unwrap();
        question = match kind & 3 {
            0 => question.image(vector),
            1 => question.text(vector).text_weight(weight),
            2 => question.like(vector, weight),
            _ => question.unlike(vector, weight),
        };
    }
    let k = usize::from(byte()) % 64;
    let filter = Filter::parse(
        ["energy > 0.3", "year is null", "genre = pop", "explicit"][usize::from(byte()) % 4],
    );
    let filter = filter.ok().filter(|_| terms % 2 == 0);
    let max_per_artist = NonZeroUsize::new(usize::from(byte()) % 4);
    let diversity = f64::from(byte()) / 250.0;
    let min_score = (byte() % 3 == 0).then(|| f64::from(byte()) / 128.0 - 1.0);
    let threads = NonZeroUsize::new(1);
    let search = SearchOptions { filter, min_score, threads, ..SearchOptions::top(k) };
    let distinct_songs = terms % 3 == 0;
    let options = QueryOptions { search, max_per_artist, distinct_songs, diversity };
    let Ok(hits) = question.search(&INDEX, &options) else {
        return;
    };
    assert!(hits.len() <= options.search.k);
    let mut of_artist = HashMap::new();
    let mut rows = Vec::new();
    for hit in &hits {
        assert!((-1.001..=1.001).contains(&hit.score));
        assert!((0.0..=100.0).contains(&hit.match_percent));
        assert!(options.search.min_score.is_none_or(|floor| hit.score >= floor));
        assert!(!named.iter().any(|id| id == hit.id.as_str()));
        assert!(!rows.contains(&hit.row));
        rows.push(hit.row);
        if let (Some(cap), Some(artist)) =
            (options.max_per_artist, INDEX.song(hit.row).unwrap().artist)
        {
            let count = of_artist.entry(artist).or_insert(0);
            *count += 1;
            assert!(*count <= cap.get());
        }
    }
    if options.diversity == 0.0 {
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    }
}

pub(crate) fn filter_seeds() -> Seeds {
    [
        "energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990",
        "not (year between 1970 and 1999 or explicit = true)",
        "title = \"it''s \"\"x\"\"\" or `artist` is not null",
        "energy not between 1e-3 and 7E2 and year != 2000 and id <> '3'",
        "genre not in (rock) or energy is null",
        "((((explicit))))",
    ]
    .into_iter()
    .enumerate()
    .map(|(number, text)| (number.to_string(), text.into()))
    .collect()
}

pub(crate) fn query_seeds() -> Seeds {
    (1..=4_u8)
        .map(|seed| {
            let bytes = (0..64_u8).map(|i| i.wrapping_mul(37).wrapping_add(seed)).collect();
            (seed.to_string(), bytes)
        })
        .collect()
}
