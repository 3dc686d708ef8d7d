//! Compares the starter catalogue's estimates with measured audio features.
//!
//! `cargo run -p pixelplay-data --example agreement -- spotify_songs.csv`, with TidyTuesday's file
//! (2020-01-21). Songs are matched by artist and title; live takes, remixes and the like are left
//! out. For each feature, prints Pearson's r, Spearman's rho, the mean absolute difference, and how
//! many values are equal to the decimals that the catalogue gives. Then prints the same for the
//! songs in which no mood feature is equal, and the songs that differ most.

#![allow(clippy::print_stdout, reason = "an example reports on the terminal")]

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;

/// Each feature, half of the last decimal that the catalogue gives (smaller differences count as
/// equal), and the difference above which a song should be reviewed.
const FEATURES: [(&str, f64, f64); 9] = [
    ("energy", 0.005, 0.20),
    ("valence", 0.005, 0.20),
    ("danceability", 0.005, 0.20),
    ("acousticness", 0.005, 0.20),
    ("instrumentalness", 0.005, 0.25),
    ("liveness", 0.005, 0.30),
    ("speechiness", 0.005, 0.12),
    ("tempo", 0.5, 10.0),
    ("loudness", 0.05, 4.0),
];

/// Energy, valence, danceability and acousticness, which make up the mood of a song.
const JUDGED: usize = 4;

struct Row {
    title: String,
    artist: String,
    popularity: f64,
    features: [f64; FEATURES.len()],
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args_os().nth(1) else {
        return Err("usage: agreement spotify_songs.csv".into());
    };
    let file = std::fs::File::open(&path)
        .map_err(|error| format!("cannot open {}: {error}", path.display()))?;

    let mut measured: HashMap<(String, String), Row> = HashMap::new();
    for row in read(file, "track_name", "track_artist", Some("track_popularity"))? {
        if is_another_take(&row.title) {
            continue;
        }
        let key = (artist_key(&row.artist), title_key(&row.title));
        // A song occurs once per album. The most popular row is the one that people know.
        if measured.get(&key).is_none_or(|known| row.popularity > known.popularity) {
            measured.insert(key, row);
        }
    }

    let mut pairs = Vec::new();
    for song in read(pixelplay_data::STARTER_CSV, "title", "artist", None)? {
        let title = title_key(&song.title);
        let found = std::iter::once(song.artist.as_str())
            .chain(song.artist.split(" & "))
            .find_map(|artist| measured.get(&(artist_key(artist), title.clone())));
        if let Some(row) = found {
            pairs.push((song, row));
        }
    }
    println!("{} songs in both", pairs.len());
    if pairs.len() < 2 {
        return Err("too few songs in both to compare".into());
    }

    print_table(&pairs.iter().collect::<Vec<_>>(), FEATURES.len());
    println!(
        "{:.0} % of the tempos agree within 4 % up to a factor of two",
        agreeing_tempos(&pairs)
    );

    // A value that is equal may have been remembered rather than judged.
    let judged: Vec<_> = pairs
        .iter()
        .filter(|(song, row)| {
            (0..JUDGED).all(|i| !is_equal(song.features[i], row.features[i], FEATURES[i].1))
        })
        .collect();
    println!("\n{} songs with none of the first {JUDGED} features equal", judged.len());
    if judged.len() > 1 {
        print_table(&judged, JUDGED);
    }

    println!("\nlargest differences (ours, measured):");
    for (song, row) in &pairs {
        for (i, (name, _, tolerance)) in FEATURES.iter().enumerate() {
            let (ours, theirs) = (song.features[i], row.features[i]);
            if (ours - theirs).abs() > *tolerance {
                println!("{} - {}: {name} {ours} {theirs}", song.artist, song.title);
            }
        }
    }
    Ok(())
}

/// Prints a table with one line for each of the first `features` features.
fn print_table(pairs: &[&(Row, &Row)], features: usize) {
    println!(
        "{:18}{:>9}{:>10}{:>12}{:>8}",
        "feature", "Pearson", "Spearman", "mean |diff|", "equal"
    );
    for (i, (name, half_step, _)) in FEATURES.iter().take(features).enumerate() {
        let ours: Vec<f64> = pairs.iter().map(|(song, _)| song.features[i]).collect();
        let theirs: Vec<f64> = pairs.iter().map(|(_, row)| row.features[i]).collect();
        let apart: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).collect();
        let equal =
            ours.iter().zip(&theirs).filter(|(a, b)| is_equal(**a, **b, *half_step)).count();
        println!(
            "{name:18}{:9.2}{:10.2}{:12.3}{:6.0} %",
            pearson(&ours, &theirs),
            pearson(&ranks(&ours), &ranks(&theirs)),
            apart.iter().sum::<f64>() / pairs.len() as f64,
            100.0 * equal as f64 / pairs.len() as f64
        );
    }
}

fn is_equal(ours: f64, theirs: f64, half_step: f64) -> bool {
    // The result must not depend on the last bits of a decimal fraction.
    (ours - theirs).abs() < half_step + 1e-9
}

fn read(
    source: impl Read,
    title: &str,
    artist: &str,
    popularity: Option<&str>,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut reader = csv::Reader::from_reader(source);
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .ok_or_else(|| format!("there is no column {name}"))
    };
    let (title, artist) = (column(title)?, column(artist)?);
    let popularity = popularity.map(column).transpose()?;
    let mut columns = [0; FEATURES.len()];
    for (place, (name, ..)) in columns.iter_mut().zip(FEATURES) {
        *place = column(name)?;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let number = |at: usize| {
            record[at]
                .parse::<f64>()
                .map_err(|_| format!("not a number: {} in {record:?}", &record[at]))
        };
        let mut features = [0.0; FEATURES.len()];
        for (value, at) in features.iter_mut().zip(columns) {
            *value = number(at)?;
        }
        rows.push(Row {
            title: record[title].to_owned(),
            artist: record[artist].to_owned(),
            popularity: popularity.map_or(Ok(0.0), number)?,
            features,
        });
    }
    Ok(rows)
}

/// Returns where a title begins to describe the recording: after ` - `, or in brackets that are not
/// at its start.
fn suffix_at(title: &str) -> Option<usize> {
    let dash = title.find(" - ");
    let bracket = title.char_indices().skip(1).find(|(_, c)| "([".contains(*c)).map(|(at, _)| at);
    match (dash, bracket) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn is_another_take(title: &str) -> bool {
    const OTHER: [&str; 13] = [
        "remix",
        "live",
        "acoustic",
        "cover",
        "karaoke",
        "instrumental",
        "demo",
        "session",
        "tribute",
        "rerecorded",
        "version",
        "edit",
        " mix",
    ];
    const SAME: [&str; 6] =
        ["single version", "album version", "original", "radio edit", "remaster", "film version"];
    let Some(at) = suffix_at(title) else {
        return false;
    };
    let suffix = title[at..].to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| suffix.contains(word));
    says(&OTHER) && !says(&SAME)
}

fn title_key(title: &str) -> String {
    letters(&title[..suffix_at(title).unwrap_or(title.len())])
}

fn artist_key(artist: &str) -> String {
    letters(artist.strip_prefix("The ").unwrap_or(artist))
}

fn letters(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Returns the percentage of tempos that agree up to a factor of two. Whether a song has 85 or 170
/// beats per minute is a matter of taste, even for a machine.
fn agreeing_tempos(pairs: &[(Row, &Row)]) -> f64 {
    let tempo = FEATURES.iter().position(|(name, ..)| *name == "tempo");
    let agrees = |(song, row): &&(Row, &Row)| {
        tempo.is_some_and(|i| {
            let ratio = song.features[i] / row.features[i];
            [0.5, 1.0, 2.0].iter().any(|octave| (ratio / octave - 1.0).abs() < 0.04)
        })
    };
    100.0 * pairs.iter().filter(agrees).count() as f64 / pairs.len() as f64
}

fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mx, my) = (mean(x), mean(y));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        xy += (a - mx) * (b - my);
        xx += (a - mx) * (a - mx);
        yy += (b - my) * (b - my);
    }
    xy / (xx * yy).sqrt()
}

/// Returns ranks from 0. Equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count();
            let equal = values.iter().filter(|other| *other == value).count();
            below as f64 + (equal as f64 - 1.0) / 2.0
        })
        .collect()
}
