//! Descriptions of a real catalogue: most songs get a distinct description.
#![cfg(feature = "catalog")]

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use pixelplay_core::catalog::{SongTable, Source, Templates, describe};
use pixelplay_core::mood::mood_words;

#[test]
fn a_real_catalogue_gets_many_descriptions_of_few_sentences() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/songs/tidytuesday_spotify_songs.csv.gz");
    if !path.exists() {
        println!("skipped: {} is missing", path.display());
        return;
    }
    let songs = SongTable::open(&path).unwrap().clean(&mut ()).unwrap().songs;
    let templates = Templates::default();
    let mut descriptions = HashSet::new();
    let mut sentences = HashMap::<String, usize>::new();
    let mut lengths = [0; 9];
    let mut titles = 0;
    let mut moods = HashMap::<_, usize>::new();
    for song in &songs {
        let mut description = describe(song, &templates);
        titles += description.iter().filter(|told| told.source == Source::Title).count();
        description.retain(|told| told.source != Source::Title);
        lengths[description.len()] += 1;
        for sentence in &description {
            *sentences.entry(sentence.text.clone()).or_default() += 1;
        }
        descriptions.insert(description);
        *moods.entry(mood_words(song)[0]).or_default() += 1;
    }
    for song in songs.iter().step_by(4000) {
        println!("{} - {}", song.title.as_ref().unwrap(), song.artist.as_ref().unwrap());
        println!("    {}", mood_words(song).join(", "));
        for sentence in describe(song, &templates) {
            println!("    {sentence}");
        }
    }
    let commonest = sentences.values().max().copied().unwrap_or_default();
    println!(
        "{} songs: {} distinct descriptions, {} distinct sentences (the commonest {commonest} times), \
         by number of sentences {lengths:?}",
        songs.len(),
        descriptions.len(),
        sentences.len(),
    );
    let mut moods: Vec<_> = moods.into_iter().collect();
    moods.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    println!("{moods:?}");
    assert_eq!((lengths[0], lengths[1]), (0, 0));
    // A few titles consist only of punctuation.
    println!("{titles} titles");
    assert!(titles <= songs.len() && titles + 20 > songs.len());
    assert!(descriptions.len() * 10 > songs.len() * 9);
    assert!(sentences.len() < songs.len() / 2);
    // The commonest sentences state the mood in plain words, of which there are few.
    assert!(commonest * 5 < songs.len());
}
