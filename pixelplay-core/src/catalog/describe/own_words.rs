//! A song's own words: its title, and the tags and lyrics that a table may contain.

use std::collections::HashSet;

use super::sentence::{Sentence, Source};
use super::templates::Templates;
use crate::recording::title::Title;
use crate::song::Song;

/// Columns with an English translation of the title, in [`normal`] form, best first.
const TRANSLATIONS: [&str; 6] = [
    "titleen",
    "titleenglish",
    "englishtitle",
    "titletranslation",
    "translatedtitle",
    "titletranslated",
];
const TAGS: [&str; 3] = ["tags", "tag", "keywords"];
const LYRICS: [&str; 3] = ["lyrics", "lyric", "songlyrics"];

/// The maximum number of tags or lines of lyrics. More would add little, and each costs a pass of
/// the text tower.
const MOST_TAGS: usize = 8;
const MOST_LINES: usize = 8;
/// Longer lines come from lyrics without line breaks. They are split into pieces of `PIECE_WORDS`
/// words.
const LONGEST_LINE_WORDS: usize = 16;
const PIECE_WORDS: usize = 10;
const LONGEST_TAG: usize = 40;

/// Returns the sentences made from a song's title, tags and lyrics, if it has them.
pub(super) fn own_words(song: &Song, templates: &Templates) -> Vec<Sentence> {
    let mut told = Vec::new();
    if let Some(title) = shown_title(song) {
        told.push(Sentence::new(Source::Title, templates.of_title(&title)));
    }
    for tag in column(song, &TAGS).map(tags).unwrap_or_default() {
        told.push(Sentence::new(Source::Tags, templates.of_tag(&tag)));
    }
    for line in column(song, &LYRICS).map(lyrics).unwrap_or_default() {
        told.push(Sentence::new(Source::Lyrics, line));
    }
    told
}

/// Returns the title as a caption would name it: without guests, editions, versions and brackets,
/// and in English if the song has a translation.
fn shown_title(song: &Song) -> Option<String> {
    let title = match column(song, &TRANSLATIONS) {
        Some(translation) => Title::parse(translation).meaning(),
        None => Title::parse(song.title.as_deref()?).meaning(),
    };
    let title = words(&title).join(" ");
    title.contains(char::is_alphanumeric).then_some(title)
}

/// Returns the first of these columns that is not blank. Column names are compared without case and
/// separators.
fn column<'a>(song: &'a Song, names: &[&str]) -> Option<&'a str> {
    if song.extra.is_empty() {
        return None;
    }
    names.iter().find_map(|name| {
        let mut cells = song.extra.iter().filter(|(header, _)| normal(header) == *name);
        cells
            .find_map(|(_, text)| Some(&**text).filter(|text| text.contains(char::is_alphanumeric)))
    })
}

fn normal(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect()
}

/// Splits tags: `["rain", "late night"]`, `rain; late night` and `rain, late night` are two tags
/// each.
fn tags(cell: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    cell.split([',', ';', '|', '\n'])
        .map(|tag| tag.trim_matches(|c: char| !c.is_alphanumeric()).replace(char::is_control, " "))
        .filter(|tag| !tag.is_empty() && tag.chars().count() <= LONGEST_TAG)
        .filter(|tag| seen.insert(tag.to_lowercase()))
        .take(MOST_TAGS)
        .collect()
}

/// Returns lines from all parts of the lyrics, without duplicates; text in brackets (`[Chorus]`) is
/// not a line.
fn lyrics(cell: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut lines = Vec::new();
    for line in cell.lines() {
        let line = line.trim();
        let is_heading = line.starts_with('[') && line.ends_with(']');
        let words = words(line);
        if is_heading || !line.contains(char::is_alphanumeric) {
            continue;
        }
        let piece = if words.len() > LONGEST_LINE_WORDS { PIECE_WORDS } else { words.len() };
        let pieces = words.chunks(piece).map(|words| words.join(" "));
        lines.extend(pieces.filter(|text| seen.insert(text.to_lowercase())));
    }
    let step = lines.len().div_ceil(MOST_LINES).max(1);
    lines.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;

    fn told(title: Option<&str>, extra: &[(&str, &str)]) -> Vec<(Source, String)> {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = title.map(str::to_owned);
        for (column, text) in extra {
            song.extra.insert((*column).to_owned(), (*text).to_owned());
        }
        let sentences = own_words(&song, &Templates::default());
        sentences.into_iter().map(|sentence| (sentence.source, sentence.text)).collect()
    }

    #[test]
    fn a_title_is_told_without_what_is_not_its_name() {
        for (title, expected) in [
            ("Sunflower", "a photo of Sunflower"),
            ("Sunflower - Spider-Man: Into the Spider-Verse", "a photo of Sunflower"),
            ("Wild Horses (Live at Wembley) [2009 Remaster]", "a photo of Wild Horses"),
            ("Rain feat. Somebody", "a photo of Rain"),
            ("(I Can't Get No) Satisfaction", "a photo of I Can't Get No Satisfaction"),
            ("Rain\tof \n stars", "a photo of Rain of stars"),
            // The text in brackets is a transcription for people who cannot read the script.
            ("上を向いて歩こう (Sukiyaki)", "a photo of Sukiyaki"),
            ("Катюша (Katyusha)", "a photo of Katyusha"),
            ("Катюша", "a photo of Катюша"),
        ] {
            assert_eq!(told(Some(title), &[]), [(Source::Title, expected.to_owned())], "{title}");
        }
        for nothing in [None, Some(""), Some(" ... "), Some("!!!")] {
            assert_eq!(told(nothing, &[]), []);
        }
    }

    #[test]
    fn a_translation_stands_in_for_the_title() {
        let mar = [("Title (English)", "The Sea (Live)")];
        assert_eq!(told(Some("La mer"), &mar), [(Source::Title, "a photo of The Sea".to_owned())]);
        for none in [" ", "-", "..."] {
            assert_eq!(told(Some("La mer"), &[("title_en", none)])[0].1, "a photo of La mer");
        }
    }

    #[test]
    fn tags_are_told_one_by_one_and_each_once() {
        let texts = |cell: &str| -> Vec<String> {
            told(None, &[("Tags", cell)]).into_iter().map(|(_, text)| text).collect()
        };
        let two = ["a photo of rain", "a photo of late night"];
        for cell in [
            "rain; late night",
            "['rain', 'late night']",
            "rain|late night|Rain",
            "#rain,late night,,",
        ] {
            assert_eq!(texts(cell), two, "{cell}");
        }
        let many: Vec<String> = (0..100).map(|n| format!("tag {n}")).collect();
        assert_eq!(texts(&many.join(",")).len(), MOST_TAGS);
        assert!(texts(&"x".repeat(41)).is_empty());
    }

    #[test]
    fn lyrics_are_told_from_all_parts_of_the_song() {
        let texts = |cell: &str| -> Vec<String> {
            told(None, &[("lyrics", cell)]).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts("[Chorus]\nred rain\n\n RED RAIN \nover me"), ["red rain", "over me"]);
        let verse: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
        let chosen = texts(&verse.join("\n"));
        assert_eq!((chosen.len(), &*chosen[0], &*chosen[7]), (8, "line 0", "line 35"));
        let unbroken = "rain on the roof and ".repeat(6);
        assert_eq!(texts(&unbroken)[0], "rain on the roof and rain on the roof and");
        assert!(texts(" \n[Intro]\n♪").is_empty());
    }
}
