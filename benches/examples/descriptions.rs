//! Compares ways to describe songs: how distinct songs become, and how evenly pictures use them.
//!
//! `cargo run --release -p pixelplay-benches --example descriptions -- SONGS.csv FOLDER_OF_PICTURES [CHECKPOINT]`
//! prints a table in Markdown. The first scheme is from the app that PixelPlay grew out of,
//! reconstructed from that app's description: one of 18 captions for a mood, and the artist's name.
#![allow(clippy::print_stdout, reason = "printing is its purpose")]

use std::error::Error;
use std::path::{Path, PathBuf};

use pixelplay_core::catalog::{
    BuildOptions, Describer, Sentence, SongTable, Templates, WordWeights, build_index, describe,
};
use pixelplay_core::index::Hubness;
use pixelplay_core::query::{HybridQuery, QueryOptions};
use pixelplay_core::{Embedding, Encoder, Song, SongIndex};

const K: usize = 50;

/// Captions by energy and valence, each from low to high, and danceability, low and high.
const CAPTIONS: [[[&str; 2]; 3]; 3] = [
    [
        ["a sad and quiet scene", "a gloomy slow dance"],
        ["a calm and peaceful scene", "a mellow relaxed groove"],
        ["a gentle happy scene", "a sweet and easy dance"],
    ],
    [
        ["a melancholic scene", "a moody groove"],
        ["an everyday scene", "a steady rhythm"],
        ["a cheerful scene", "a happy dance"],
    ],
    [
        ["an angry and intense scene", "a dark and driving dance"],
        ["an energetic scene", "a powerful beat"],
        ["an excited and joyful scene", "a euphoric party"],
    ],
];

fn caption(song: &Song) -> Option<&'static str> {
    let third = |value: f64| match value {
        value if value < 1.0 / 3.0 => 0,
        value if value < 2.0 / 3.0 => 1,
        _ => 2,
    };
    let dances = usize::from(song.danceability? >= 0.5);
    Some(CAPTIONS[third(song.energy?)][third(song.valence?)][dances])
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [table, folder, checkpoint @ ..] = arguments.as_slice() else {
        return Err("usage: descriptions SONGS.csv FOLDER_OF_PICTURES [CHECKPOINT]".into());
    };
    let encoder = match checkpoint.first() {
        Some(folder) => Encoder::open(folder)?,
        None => Encoder::mini()?,
    };
    let cleaned = SongTable::open(table)?.clean(&mut ())?;
    let pictures = pictures(folder, &encoder)?;
    println!(
        "{} songs, {} pictures, {K} songs per picture, {}\n",
        cleaned.songs.len(),
        pictures.len(),
        encoder.name()
    );
    println!(
        "| described by | distinct vectors | cosine of two songs | ever shown | skewness | Gini |"
    );
    println!("|---|---|---|---|---|---|");
    let templates = Templates::default();
    let (one, two) = (templates.clone(), templates);
    let schemes: [(&str, Describer, WordWeights); 5] = [
        (
            "one of 18 captions, the artist",
            Describer::new(|song| {
                let artist = song.artist.clone().unwrap_or_default();
                Ok(caption(song)
                    .map(|text| format!("{text} by {artist}").into())
                    .into_iter()
                    .collect())
            }),
            WordWeights::NONE,
        ),
        (
            "one of 18 captions",
            Describer::new(|song| Ok(caption(song).map(Sentence::from).into_iter().collect())),
            WordWeights::NONE,
        ),
        (
            "the first of our sentences",
            Describer::new(move |song| Ok(describe(song, &one).into_iter().take(1).collect())),
            WordWeights::NONE,
        ),
        ("our sentences without titles", Describer::from(two.clone()), WordWeights::NONE),
        ("our sentences", Describer::from(two), WordWeights::default()),
    ];
    let place = tempfile::tempdir()?;
    let out = place.path().join("songs.arrow");
    for (name, describer, words) in schemes {
        let options = BuildOptions { describer, words, ..BuildOptions::default() };
        let built = build_index(&cleaned.songs, &encoder, &out, &options, &mut ())?;
        let index = SongIndex::open(&out)?;
        let share = 100.0 * built.vectors as f64 / built.songs as f64;
        let likeness = built.likeness.map_or(f64::NAN, |likeness| likeness.mean);
        let row = |what: &str, options: &QueryOptions| -> Result<(), Box<dyn Error>> {
            let mut hubness = Hubness::new(index.len());
            for picture in &pictures {
                let query = HybridQuery::new().image(picture.clone());
                hubness.add(&query.search(&index, options)?);
            }
            println!(
                "| {name}{what} | {share:.1} % | {likeness:.2} | {:.2} % | {:.2} | {:.3} |",
                100.0 * (1.0 - hubness.never()),
                hubness.skewness(),
                hubness.gini()
            );
            Ok(())
        };
        let plain = QueryOptions::top(K);
        row("", &plain)?;
        if name == "our sentences" {
            let capped = QueryOptions { max_per_artist: 2.try_into().ok(), ..plain.clone() };
            row(", 2 per artist", &capped)?;
            let diverse = QueryOptions { diversity: 0.3, ..capped };
            row(", 2 per artist, diversity 0.3", &diverse)?;
        }
    }
    Ok(())
}

fn pictures(folder: &Path, encoder: &Encoder) -> Result<Vec<Embedding>, Box<dyn Error>> {
    let mut paths = Vec::new();
    find(folder, &mut paths)?;
    paths.sort();
    let encoded = paths.iter().map(|path| encoder.encode_image(path.as_path()));
    Ok(encoded.collect::<Result<_, _>>()?)
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_dir() {
            find(&path, paths)?;
        } else if ending.is_some_and(|ending| ["jpg", "jpeg", "png"].contains(&ending)) {
            paths.push(path);
        }
    }
    Ok(())
}
