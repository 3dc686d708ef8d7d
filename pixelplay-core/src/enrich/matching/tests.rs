//! Pairs of real and made-up credits: which are the same recording, which are rejected, and why.

use super::*;
use crate::song::SongId;

fn song(title: &str, artist: &str, seconds: Option<i64>) -> Song {
    let mut song = Song::new(SongId::new("a").unwrap());
    song.title = Some(title.into());
    song.artist = Some(artist.into());
    song.duration_ms = seconds.map(|seconds| seconds * 1000);
    song
}

fn candidate(title: &str, artist: &str, album: &str, seconds: Option<i64>) -> Candidate {
    Candidate {
        id: format!("{title} by {artist} on {album}"),
        title: title.into(),
        artist: artist.into(),
        album: (!album.is_empty()).then(|| album.into()),
        duration_ms: seconds.map(|seconds| seconds * 1000),
        ..Candidate::default()
    }
}

type Side<'a> = (&'a str, &'a str, Option<i64>);

#[track_caller]
fn judged(wanted: Side<'_>, found: Side<'_>, album: &str) -> Result<f64, Refusal> {
    let wanted = Wanted::new(&song(wanted.0, wanted.1, wanted.2)).unwrap();
    let found = candidate(found.0, found.1, album, found.2);
    let chosen = wanted.choose(&[found], 0.75);
    chosen.map(|chosen| chosen.confidence)
}

#[test]
fn the_same_recording_is_known_however_it_is_written() {
    for (wanted, found, album) in [
        (
            ("Bohemian Rhapsody", "Queen", Some(354)),
            ("Bohemian Rhapsody", "Queen", Some(355)),
            "A Night at the Opera",
        ),
        (
            ("Hotel California - 2013 Remaster", "Eagles", Some(391)),
            ("Hotel California", "The Eagles", Some(391)),
            "Hotel California",
        ),
        (
            ("This Is What You Came For", "Calvin Harris, Rihanna", Some(222)),
            ("This Is What You Came For (feat. Rihanna)", "Calvin Harris", Some(222)),
            "This Is What You Came For - Single",
        ),
        (
            ("Déjà Vu", "Beyonce", Some(240)),
            ("Deja Vu (feat. JAY-Z)", "Beyoncé", Some(240)),
            "B'Day",
        ),
        (
            ("Rock 'n' Roll", "Led Zeppelin", Some(220)),
            ("Rock and Roll (Remaster)", "Led Zeppelin", Some(220)),
            "Led Zeppelin IV",
        ),
        (
            ("Another Brick in the Wall, Pt. 2", "Pink Floyd", Some(239)),
            ("Another Brick In the Wall, Part 2", "Pink Floyd", Some(238)),
            "The Wall",
        ),
        (
            ("(I Can't Get No) Satisfaction - Mono Version", "The Rolling Stones", Some(222)),
            ("(I Can’t Get No) Satisfaction", "Rolling Stones", Some(223)),
            "Out of Our Heads",
        ),
        (
            ("Live and Let Die", "Wings", Some(192)),
            ("Live And Let Die", "Paul McCartney & Wings", Some(193)),
            "Greatest",
        ),
        (
            ("Ignition - Remix", "R. Kelly", Some(186)),
            ("Ignition (Remix)", "R. Kelly", Some(186)),
            "Chocolate Factory",
        ),
        (
            ("Fast Car (feat. Dakota) - Tiësto Remix", "Jonas Blue", Some(200)),
            ("Fast Car (feat. Dakota) [Tiesto Remix]", "Jonas Blue", Some(200)),
            "Fast Car (Remixes)",
        ),
        (
            ("Radio Ga Ga - Live at Wembley '86", "Queen", Some(357)),
            ("Radio Ga Ga (Live at Wembley 1986)", "Queen", Some(357)),
            "Live at Wembley",
        ),
        (
            ("Thunderstruck", "AC/DC", None),
            ("Thunderstruck", "AC/DC", Some(292)),
            "The Razors Edge",
        ),
        (("Группа крови", "Кино", Some(285)), ("Группа крови", "КИНО", Some(286)), ""),
        (
            ("残酷な天使のテーゼ", "高橋洋子", Some(247)),
            ("残酷な天使のテーゼ", "高橋洋子", Some(247)),
            "",
        ),
        (("!!!", "???", Some(100)), ("!!!", "???", Some(100)), ""),
        (("So What", "P!nk", Some(215)), ("So What", "Pink", Some(215)), "Funhouse"),
        (("Karaoke", "Ana", Some(150)), ("Karaoke", "Ana", Some(150)), "Karaoke - Single"),
        (
            ("Hurt (Cover)", "Johnny Cash", Some(218)),
            ("Hurt (Cover)", "Johnny Cash", Some(218)),
            "",
        ),
    ] {
        let judged = judged(wanted, found, album);
        assert!(judged.is_ok_and(|sure| sure >= 0.75), "{wanted:?} {found:?} {judged:?}");
    }
}

#[test]
fn another_recording_is_refused_and_the_reason_told() {
    use Refusal::{
        Cover, LowConfidence, Mixed, OtherArtist, OtherLength, OtherTitle, OtherVersion,
    };
    for (wanted, found, album, expected) in [
        // By other artists.
        (("Hello", "Adele", Some(295)), ("Hello", "Lionel Richie", Some(295)), "", OtherArtist),
        (("Hello", "Adele", Some(295)), ("Hello", "Adele Smith", Some(295)), "", OtherArtist),
        (("Stay", "Rihanna", None), ("Stay", "Various Artists", None), "", OtherArtist),
        (("Fire", "Earth, Wind & Fire", None), ("Fire", "Fire", None), "", OtherArtist),
        // All kinds of covers.
        (
            ("Hello", "Adele", Some(295)),
            ("Hello (Originally Performed by Adele) [Karaoke Version]", "Sing King", Some(295)),
            "",
            Cover,
        ),
        (
            ("Hello", "Adele", Some(295)),
            ("Hello", "Karaoke All Stars & Adele", Some(295)),
            "",
            Cover,
        ),
        (("Hello", "Adele", Some(295)), ("Hello", "Adele", Some(295)), "A Tribute to Adele", Cover),
        (
            ("Hello", "Adele", Some(295)),
            ("Hello (In the Style of Adele)", "Adele", Some(295)),
            "",
            Cover,
        ),
        (("Hello", "Adele", Some(295)), ("Hello (Cover)", "Adele", Some(295)), "", Cover),
        (("Hello", "Adele", Some(295)), ("Hello", "Piano Tribute Players", Some(295)), "", Cover),
        (
            ("Yellow", "Coldplay", None),
            ("Yellow", "Coldplay", None),
            "Lullaby Renditions of Coldplay",
            Cover,
        ),
        (("Cover Me Up", "Ana", None), ("Cover Me Up (Karaoke)", "Ana", None), "", Cover),
        // Recordings that are part of a DJ mix.
        (
            ("One More Time", "Daft Punk", Some(320)),
            ("One More Time (Mixed)", "Daft Punk", Some(320)),
            "",
            Mixed,
        ),
        (
            ("One More Time", "Daft Punk", Some(320)),
            ("One More Time", "Daft Punk", Some(320)),
            "Summer 2001 (DJ Mix)",
            Mixed,
        ),
        // Other versions, in both directions.
        (("Song 2", "Blur", Some(121)), ("Song 2 (Live)", "Blur", Some(121)), "", OtherVersion),
        (("Song 2 - Live", "Blur", Some(121)), ("Song 2", "Blur", Some(121)), "", OtherVersion),
        (
            ("Levels", "Avicii", Some(199)),
            ("Levels (Skrillex Remix)", "Avicii", Some(199)),
            "",
            OtherVersion,
        ),
        (
            ("Levels - Skrillex Remix", "Avicii", Some(199)),
            ("Levels (Cazzette NYC Mode Remix)", "Avicii", Some(199)),
            "",
            OtherVersion,
        ),
        (
            ("Love Story", "Taylor Swift", Some(235)),
            ("Love Story (Taylor's Version)", "Taylor Swift", Some(235)),
            "",
            OtherVersion,
        ),
        (
            ("Despacito", "Luis Fonsi", Some(229)),
            ("Despacito (Versión Pop)", "Luis Fonsi", Some(200)),
            "",
            OtherVersion,
        ),
        (
            ("Creep", "Radiohead", Some(238)),
            ("Creep (Acoustic)", "Radiohead", Some(238)),
            "",
            OtherVersion,
        ),
        (
            ("Creep", "Radiohead", Some(238)),
            ("Creep (Very 2021 Rmx)", "Radiohead", Some(238)),
            "",
            OtherVersion,
        ),
        (
            ("Running Up That Hill", "Kate Bush", Some(298)),
            ("Running Up That Hill (Sped Up)", "Kate Bush", Some(298)),
            "",
            OtherVersion,
        ),
        (
            ("Imagine", "John Lennon", Some(183)),
            ("Imagine (Demo)", "John Lennon", Some(183)),
            "",
            OtherVersion,
        ),
        // Other songs.
        (("Hello", "Adele", Some(295)), ("Someone Like You", "Adele", Some(295)), "", OtherTitle),
        (
            ("Another Brick in the Wall, Pt. 1", "Pink Floyd", Some(190)),
            ("Another Brick in the Wall, Pt. 2", "Pink Floyd", Some(190)),
            "",
            OtherTitle,
        ),
        (("Chapter II", "Ana", Some(190)), ("Chapter III", "Ana", Some(190)), "", OtherTitle),
        (
            ("1979", "The Smashing Pumpkins", None),
            ("1989", "The Smashing Pumpkins", None),
            "",
            OtherTitle,
        ),
        // Other lengths.
        (
            ("Echoes", "Pink Floyd", Some(1411)),
            ("Echoes", "Pink Floyd", Some(990)),
            "",
            OtherLength,
        ),
        // Too little confidence.
        (
            ("Under Pressure", "Queen, David Bowie, Somebody", Some(248)),
            ("Under Pressure", "Queen", Some(248)),
            "",
            LowConfidence,
        ),
        (
            ("Creep", "Radiohead", None),
            ("Creep (Chillout Lounge)", "Radiohead", None),
            "",
            LowConfidence,
        ),
        (("Creep", "Radiohead", None), ("Creep", "Radioheat", None), "", LowConfidence),
        (
            ("Creep", "Radiohead", Some(238)),
            ("Creep", "Radiohead", Some(257)),
            "Live at the Astoria",
            LowConfidence,
        ),
    ] {
        let judged = judged(wanted, found, album);
        assert_eq!(judged, Err(expected), "{wanted:?} {found:?} {album:?}");
    }
}

#[test]
fn of_several_the_surest_is_chosen_then_the_album_then_the_nearest_length() {
    let mut wanted = song("Yesterday", "The Beatles", Some(125));
    wanted.album = Some("Help!".into());
    let wanted = Wanted::new(&wanted).unwrap();
    let on = |album: &str, seconds| candidate("Yesterday", "The Beatles", album, Some(seconds));
    let chosen = |candidates: &[Candidate]| {
        let chosen = wanted.choose(candidates, 0.75).unwrap();
        chosen.candidate.album.unwrap()
    };
    assert_eq!(chosen(&[on("1", 134), on("2", 125)]), "2");
    assert_eq!(chosen(&[on("1", 125), on("Help!", 126), on("2", 125)]), "Help!");
    assert_eq!(chosen(&[on("1", 126), on("2", 125)]), "2");
    assert_eq!(chosen(&[on("1", 125), on("2", 125)]), "1");
    assert_eq!(wanted.choose(&[], 0.75), Err(Refusal::NothingFound));
    // If there are several refusals, that of the closest recording is returned.
    let live = candidate("Yesterday (Live)", "The Beatles", "", Some(125));
    let other = candidate("Yesterday", "Boyz II Men", "", Some(125));
    assert_eq!(wanted.choose(&[live, other], 0.75), Err(Refusal::OtherVersion));
}

proptest::proptest! {
    #[test]
    fn whatever_it_is_called_a_song_is_itself(title in "\\PC{1,40}", artist in "\\PC{1,40}") {
        let song = song(&title, &artist, None);
        if let Some(wanted) = Wanted::new(&song) {
            let itself = candidate(title.trim(), artist.trim(), "", None);
            proptest::prop_assert_eq!(wanted.choose(&[itself], 0.9).map(|found| found.confidence), Ok(0.9));
        }
    }

    #[test]
    fn markers_in_any_order_break_nothing(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "(", ")", "[", "]", " - ", "live", "remix", "feat.", "ft.", "with", "é", "𝕏", "karaoke", "mixed", " ",
                "–", "2011", "remaster", "x", "&", "the", "İ", "ß", "\u{301}",
            ]),
            0..12,
        )
    ) {
        let title = words.concat();
        if let Some(wanted) = Wanted::new(&song(&title, &title, Some(100))) {
            let itself = candidate(title.trim(), title.trim(), "", Some(100));
            proptest::prop_assert!(wanted.choose(&[itself], 0.75).is_ok(), "{}", title);
            proptest::prop_assert!(!wanted.title.is_empty() && !wanted.artist.is_empty());
        }
    }
}

#[test]
fn songs_that_are_looked_up_alike_have_one_key() {
    let key = |title, artist| Wanted::new(&song(title, artist, None)).unwrap().key();
    assert_eq!(key("Déjà Vu", "Beyoncé"), key("deja vu (Remastered)", "BEYONCE"));
    assert_ne!(key("Song", "Ana"), key("Song (Live)", "Ana"));
    assert_ne!(key("Song - Ana Remix", "Ana"), key("Song - Ben Remix", "Ana"));
    assert_ne!(key("Song", "Ana"), key("Song", "Ben"));
    for (title, artist) in [("", "Ana"), ("Song", " ")] {
        assert!(Wanted::new(&song(title, artist, None)).is_none());
    }
}

#[cfg(feature = "catalog")]
#[test]
fn of_real_names_each_finds_itself_and_no_other() {
    let table = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/songs/tidytuesday_spotify_songs.csv.gz");
    if !table.exists() {
        println!("skipped: {} is missing", table.display());
        return;
    }
    let songs = crate::catalog::SongTable::open(&table).unwrap().clean(&mut ()).unwrap().songs;
    let offered = |song: &Song| Candidate {
        id: song.id.to_string(),
        title: song.title.clone().unwrap(),
        artist: song.artist.clone().unwrap(),
        album: song.album.clone(),
        duration_ms: song.duration_ms,
        ..Candidate::default()
    };
    let mut by_artist = std::collections::BTreeMap::<_, Vec<&Song>>::new();
    for song in &songs {
        by_artist.entry(song.artist.as_deref()).or_default().push(song);
    }
    // The letters before the first bracket or dash, limited to the first few, which are rarely
    // misspelt.
    let start = |song: &Song| {
        let title = song.title.as_deref().unwrap();
        let name = title.split(['(', '[']).next().unwrap();
        let name = name.split(" - ").next().unwrap();
        squeezed(&fold(name)).chars().take(3).collect::<String>()
    };
    let (mut found_itself, mut pairs, mut alike) = (0, 0, 0);
    for songs in by_artist.values().step_by(10) {
        for song in songs {
            let wanted = Wanted::new(song).unwrap();
            let itself = wanted.choose(&[offered(song)], 0.75).unwrap();
            assert!(itself.confidence >= 1.0, "{song:?}");
            found_itself += 1;
            for other in songs.iter().filter(|other| other.id != song.id) {
                pairs += 1;
                if wanted.choose(&[offered(other)], 0.75).is_ok() {
                    assert_eq!(start(song), start(other), "{song:?} {other:?}");
                    alike += 1;
                }
            }
        }
    }
    println!(
        "{found_itself} songs found themselves; of {pairs} pairs of songs by one artist {alike} are taken for the \
         same, all of one name"
    );
}
