//! Tables as people publish them, and as nobody should.
#![cfg(feature = "catalog")]

use std::ops::ControlFlow;
use std::path::PathBuf;

use pixelplay_core::Song;
use pixelplay_core::catalog::{
    CatalogError, CleanOptions, Cleaned, DropReason, clean, clean_reader,
};
use pixelplay_core::progress::ignore;
use proptest::prelude::*;

fn read(csv: impl AsRef<[u8]>) -> Cleaned {
    try_read(csv, &CleanOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn try_read(csv: impl AsRef<[u8]>, options: &CleanOptions) -> Result<Cleaned, CatalogError> {
    clean_reader(csv.as_ref(), "t.csv", options, &mut ignore)
}

/// A minimal table with one more column.
fn column(name: &str, cells: &[&str]) -> Cleaned {
    let mut csv = format!("id,title,artist,{name}\n");
    for (i, cell) in cells.iter().enumerate() {
        csv += &format!("{i},t{i},a{i},{cell}\n");
    }
    read(csv)
}

#[test]
fn tidytuesday_rows_are_playlist_entries_and_become_songs() {
    let cleaned = read(
        "track_id,track_name,track_artist,track_popularity,track_album_name,track_album_release_date,playlist_name,playlist_genre,playlist_subgenre,danceability,energy,key,loudness,mode,valence,tempo,duration_ms\n\
         a,One,Ana,66,First,2019-06-14,Hits,pop,dance pop,0.748,0.916,6,-2.634,1,0.518,122.036,194754\n\
         b,Two,Ben,NA,,1974,Old,rock,album rock,0.2,0.3,11,-20,0,0.1,80,240000\n\
         a,One,Ana,66,First,2019-06-14,Beats,edm,pop edm,0.748,0.916,6,-2.634,1,0.518,122.036,194754\n\
         a,One,Ana,66,First,2019-06-14,Beats 2,pop,pop edm,0.748,0.916,6,-2.634,1,0.518,122.036,194754\n\
         a,One,Ana,66,First,2019-06-14,Beats 3,edm,pop edm,0.748,0.916,6,-2.634,1,0.518,122.036,194754\n",
    );
    let [one, two] = cleaned.songs.as_slice() else {
        panic!("{:?}", cleaned.songs)
    };
    assert_eq!(cleaned.report.schema, "TidyTuesday spotify_songs");
    assert_eq!(one.album.as_deref(), Some("First"));
    assert_eq!(
        (one.year, one.popularity, one.key, one.mode),
        (Some(2019), Some(66.0), Some(6), Some(1))
    );
    assert_eq!(
        (one.valence, one.loudness, one.duration_ms),
        (Some(0.518), Some(-2.634), Some(194_754))
    );
    assert_eq!(one.genre.as_deref(), Some("pop"));
    assert_eq!(one.extra["genres"], "pop; edm");
    assert_eq!(one.extra["playlist_name"], "Hits");
    assert_eq!(
        (two.year, two.popularity, two.album.as_deref()),
        (Some(1974), None, None)
    );
    assert!(!two.extra.contains_key("genres"));
    assert_eq!(cleaned.report.merged.lines, [4, 5, 6]);
    assert_eq!(cleaned.report.conflicting.count, 0);
    assert!(cleaned.report.cells_cleared.is_empty());
}

#[test]
fn the_tracks_dataset_has_an_unnamed_index_and_semicolons() {
    let cleaned = read(
        ",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,energy,time_signature,track_genre\n\
         0,x,Gen Hoshino;Ana,Comedy,Comedy,73,230666,False,0.676,0.461,4,acoustic\n\
         1,y,,,,0,0,True,0.5,0.5,4,k-pop\n",
    );
    assert_eq!(cleaned.report.schema, "spotify-tracks-dataset");
    let song = &cleaned.songs[0];
    assert_eq!(song.artist.as_deref(), Some("Gen Hoshino, Ana"));
    assert_eq!(
        (song.genre.as_deref(), song.explicit),
        (Some("acoustic"), Some(false))
    );
    assert_eq!(song.extra["time_signature"], "4");
    assert_eq!(cleaned.report.ignored, ["(unnamed)"]);
    assert_eq!(cleaned.report.dropped[&DropReason::MissingTitle].lines, [3]);
}

#[test]
fn the_hit_predictor_keeps_its_id_in_a_uri() {
    let cleaned = read(
        "track,artist,uri,danceability,energy,key,loudness,mode,valence,tempo,duration_ms,time_signature,chorus_hit,sections,target\n\
         Jealous Kind Of Fella,Garland Green,spotify:track:1dtKN6wwlolkM8XZy2y9C1,0.417,0.62,3,-7.727,1,0.845,185.655,173533,3,32.94975,9,1\n",
    );
    assert_eq!(cleaned.report.schema, "hit predictor");
    let song = &cleaned.songs[0];
    assert_eq!(song.id.as_str(), "1dtKN6wwlolkM8XZy2y9C1");
    assert_eq!(song.extra["target"], "1");
    // The decade stands in the file's name alone, so it is not known.
    assert_eq!(song.year, None);
}

#[test]
fn data_csv_lists_its_artists_in_python() {
    let cleaned = read(
        "valence,year,acousticness,artists,danceability,duration_ms,energy,explicit,id,instrumentalness,key,liveness,loudness,mode,name,popularity,release_date,speechiness,tempo\n\
         0.0594,1921,0.982,\"['Sergei Rachmaninoff', \"\"Ben 'B' Ash\"\"]\",0.279,831667,0.211,0,4BJq,0.878,10,0.665,-20.096,1,\"Piano Concerto No. 3\",4,1921-02-20,0.0366,80.954\n",
    );
    assert_eq!(cleaned.report.schema, "Spotify tracks by year (data.csv)");
    let song = &cleaned.songs[0];
    assert_eq!(
        song.artist.as_deref(),
        Some("Sergei Rachmaninoff, Ben 'B' Ash")
    );
    assert_eq!((song.year, song.explicit), (Some(1921), Some(false)));
    assert_eq!(song.extra["release_date"], "1921-02-20");
}

#[test]
fn general_names_tabs_and_semicolons_do() {
    let tabs = read("Song\tArtist\tBPM\nRain\tAna, Ben\t90\n");
    assert_eq!(tabs.report.schema, "song table with general names");
    assert_eq!(tabs.report.delimiter, "tab");
    assert_eq!(
        (tabs.songs[0].artist.as_deref(), tabs.songs[0].tempo),
        (Some("Ana, Ben"), Some(90.0))
    );
    let semicolons = read("Name;Artist;Release Year\nRain;Ana, Ben;1987\n");
    assert_eq!(semicolons.songs[0].year, Some(1987));
    let mut options = CleanOptions::default();
    options.columns.insert("title".into(), "Werk".into());
    options.columns.insert("artist".into(), "Von".into());
    let chosen = try_read("Werk,Von\nRain,Ana\n", &options).unwrap();
    assert_eq!(chosen.songs[0].title.as_deref(), Some("Rain"));
    assert_eq!(chosen.report.columns["title"], "Werk");
}

#[test]
fn ids_are_made_only_where_there_is_no_column_for_them() {
    let made = read("title,artist\nRain,Ana\nRAIN,ana\nRain,Ben\n");
    assert_eq!((made.report.kept, made.report.merged.count), (2, 1));
    assert!(made.report.notes[0].contains("ids are made"));
    assert_eq!(
        read("title,artist\nRain,Ana\n").songs[0].id,
        made.songs[0].id
    );
    let given = read("id,title,artist\n,Rain,Ana\nNA,Rain,Ana\n");
    assert_eq!(given.report.dropped[&DropReason::MissingId].lines, [2, 3]);
    assert_eq!(given.report.kept, 0);
}

#[test]
fn repeats_fill_gaps_and_never_overwrite() {
    let cleaned = read(
        "id,title,artist,album,energy,note\n\
         1,Rain,Ana,,3,\n\
         1,Rain,Ana,Sky,0.5,x\n\
         1,Sun,Ana,Sea,0.9,y\n",
    );
    let song = &cleaned.songs[0];
    assert_eq!(song.title.as_deref(), Some("Rain"));
    assert_eq!(song.album.as_deref(), Some("Sky"));
    assert_eq!(song.energy, Some(0.5));
    assert_eq!(song.extra["note"], "x");
    assert_eq!(cleaned.report.merged.lines, [3, 4]);
    assert_eq!(cleaned.report.conflicting.lines, [4]);
    assert_eq!(
        cleaned.report.cells_cleared["energy"].out_of_range.lines,
        [2]
    );
}

#[test]
fn cells_that_cannot_be_right_are_emptied_and_the_row_stays() {
    for (name, bad, unreadable) in [
        ("energy", "x", true),
        ("energy", "inf", true),
        ("energy", "-0.1", false),
        ("energy", "1.5", false),
        ("tempo", "0", false),
        ("loudness", "1000", false),
        ("key", "-1", false),
        ("key", "12", false),
        ("mode", "2", false),
        ("year", "3019", false),
        ("year", "1849", false),
        ("year", "last year", true),
        ("duration_ms", "0", false),
        ("duration_ms", "1.5", true),
        ("popularity", "101", false),
        ("explicit", "perhaps", true),
    ] {
        let cleaned = column(name, &[bad]);
        let cleared = &cleaned.report.cells_cleared[name];
        let counts = (cleared.unreadable.count, cleared.out_of_range.count);
        let expected = if unreadable { (1, 0) } else { (0, 1) };
        assert_eq!(counts, expected, "{name} {bad}");
        assert_eq!(cleaned.songs[0].get(name), None, "{name} {bad}");
    }
    for (name, good) in [
        ("energy", "0"),
        ("energy", "1"),
        ("year", "1850"),
        ("year", "2100"),
        ("loudness", "1.275"),
    ] {
        let cleaned = column(name, &[good]);
        assert!(cleaned.songs[0].get(name).is_some(), "{name} {good}");
        assert!(cleaned.report.cells_cleared.is_empty(), "{name} {good}");
    }
}

#[test]
fn a_column_of_percentages_is_rescaled_and_a_single_one_is_not() {
    let percent = column("energy", &["80", "0", "1", "55", "99.5", "7"]);
    assert_eq!(percent.report.rescaled, ["energy"]);
    let energies: Vec<_> = percent.songs.iter().map(|song| song.energy).collect();
    assert_eq!(energies, [0.8, 0.0, 0.01, 0.55, 0.995, 0.07].map(Some));
    let single = column("energy", &["0.8", "0.1", "55", "0.3"]);
    assert!(single.report.rescaled.is_empty());
    assert_eq!(single.songs[2].energy, None);
    assert_eq!(
        single.report.cells_cleared["energy"].out_of_range.lines,
        [4]
    );
    let few = column("energy", &["80", "70", "60", "50"]);
    assert!(few.report.rescaled.is_empty());
    assert_eq!(few.report.cells_cleared["energy"].out_of_range.count, 4);
    let ones = column("instrumentalness", &["1", "0", "1", "1", "1", "1"]);
    assert!(ones.report.rescaled.is_empty());
    assert_eq!(ones.songs[0].instrumentalness, Some(1.0));
}

#[test]
fn line_numbers_survive_quoted_line_breaks_blank_lines_and_crlf() {
    let csv = "id,title,artist\n1,\"a\nb\nc\",x\n\n2,,x\n3,t\n4,\"q\nr\",NA\n";
    for csv in [csv.to_owned(), csv.replace('\n', "\r\n")] {
        let report = read(&csv).report;
        assert_eq!(report.dropped[&DropReason::MissingTitle].lines, [6]);
        assert_eq!(report.dropped[&DropReason::Ragged].lines, [7]);
        assert_eq!(report.dropped[&DropReason::MissingArtist].lines, [8]);
        assert!(report.notes.is_empty(), "{:?}", report.notes);
        assert_eq!((report.rows_read, report.kept), (4, 1));
    }
}

#[test]
fn a_quote_that_is_never_closed_is_pointed_out() {
    let ragged = read("id,title,artist\n1,a,x\n2,\"b,x\n3,c,x\n4,d,x\n").report;
    assert_eq!((ragged.rows_read, ragged.kept), (2, 1));
    assert!(
        ragged.notes[0].contains("line 3 runs to line 5"),
        "{:?}",
        ragged.notes
    );
    let kept = read("id,title,artist\n1,a,x\n2,b,\"x\n3,c,x\n4,d,x\n").report;
    assert_eq!((kept.rows_read, kept.kept), (2, 2));
    assert!(
        kept.notes[0].contains("line 3 runs to line 5"),
        "{:?}",
        kept.notes
    );
    let closed_later = read("id,title,artist\n1,\"a,x\n2,\"b\",x\n3,c,x\n").report;
    assert!(
        closed_later.notes[0].contains("line 2"),
        "{:?}",
        closed_later.notes
    );

    let options = CleanOptions {
        max_cell_bytes: 100,
        ..CleanOptions::default()
    };
    let long = format!("id,title,artist\n1,a,x\n2,\"{}", "y\n".repeat(60));
    assert!(matches!(
        try_read(long, &options),
        Err(CatalogError::CellTooLong {
            line: 3,
            limit: 100,
            ..
        })
    ));
}

#[test]
fn what_is_no_table_of_songs_is_an_error_that_says_why() {
    let missing = clean("no/such/songs.csv", &CleanOptions::default()).unwrap_err();
    assert!(missing.to_string().contains("songs.csv"), "{missing}");
    for empty in ["", "\"", "\"\n\n\n", " \n,,\n"] {
        assert!(matches!(
            try_read(empty, &CleanOptions::default()),
            Err(CatalogError::Empty { .. })
        ));
    }
    for foreign in ["a,b\n1,2\n", "hello"] {
        assert!(matches!(
            try_read(foreign, &CleanOptions::default()),
            Err(CatalogError::NoHeader { .. })
        ));
    }
    let header_only = read("id,title,artist\n").report;
    assert_eq!((header_only.rows_read, header_only.kept), (0, 0));
}

#[test]
fn cleaning_stops_when_asked() {
    let result = clean_reader(
        &b"id,title,artist\n1,a,b\n"[..],
        "t.csv",
        &CleanOptions::default(),
        &mut |_| ControlFlow::Break(()),
    );
    assert!(matches!(result, Err(CatalogError::Cancelled)));
}

#[test]
fn the_report_reads_well_as_text_and_as_json() {
    let report = read("id,title,artist,energy,mood\n1,a,x,9,m\n1,a,y,,\n,b,x,,\n").report;
    let text = report.to_string();
    assert_eq!(
        text,
        "t.csv: PixelPlay columns (UTF-8, comma-separated)\n\
         3 rows read: 1 song kept, 1 repeat merged, 1 row dropped\n  \
         dropped, no id: 1 (line 4)\n  \
         repeats with another title or artist: 1 (line 3)\n  \
         cells emptied, energy out of range: 1 (line 2)\n  \
         columns: artist, energy, id, title\n  \
         carried along: mood\n"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["dropped"]["missing_id"]["lines"][0], 4);
    assert_eq!(json["cells_cleared"]["energy"]["out_of_range"]["count"], 1);
}

/// The numbers are those of Python's csv module on the same file.
#[test]
fn the_real_tidytuesday_table_comes_out_whole() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/songs/tidytuesday_spotify_songs.csv.gz");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return;
    }
    let Cleaned { songs, report, .. } = clean(&path, &CleanOptions::default()).unwrap();
    println!("{report}");
    assert_eq!(report.rows_read, 32_833);
    assert_eq!(report.kept, 28_352);
    assert_eq!(report.merged.count, 4_476);
    assert_eq!(report.conflicting.count, 0);
    assert_eq!(report.dropped.len(), 1);
    let dropped = &report.dropped[&DropReason::MissingTitle];
    assert_eq!(dropped.lines, [8153, 9284, 9285, 19570, 19813]);
    assert_eq!(report.cells_cleared.len(), 1);
    assert_eq!(report.cells_cleared["tempo"].out_of_range.lines, [11_365]);
    assert!(report.rescaled.is_empty());
    assert_eq!(songs.len(), 28_352);
    let several = songs.iter().filter(|s| s.extra.contains_key("genres"));
    assert_eq!(several.count(), 1_686);
    assert_eq!(songs.iter().filter_map(|s| s.year).min(), Some(1957));
    assert_eq!(songs.iter().filter_map(|s| s.year).max(), Some(2020));
    assert!(songs.iter().all(|s| s.year.is_some() && s.energy.is_some()));
}

fn check(cleaned: &Cleaned) {
    let Cleaned { songs, report, .. } = cleaned;
    let dropped: u64 = report.dropped.values().map(|tally| tally.count).sum();
    assert_eq!(
        report.kept + report.merged.count + dropped,
        report.rows_read
    );
    assert_eq!(songs.len() as u64, report.kept);
    let ids: std::collections::HashSet<_> = songs.iter().map(|song| &song.id).collect();
    assert_eq!(ids.len(), songs.len());
    songs.iter().for_each(check_ranges);
}

fn check_ranges(song: &Song) {
    let real = |cell: Option<f64>, low: f64, high: f64| {
        assert!(cell.is_none_or(|x| (low..=high).contains(&x)), "{song:?}");
    };
    let whole = |cell: Option<i64>, low: i64, high: i64| {
        assert!(cell.is_none_or(|x| (low..=high).contains(&x)), "{song:?}");
    };
    real(song.energy, 0.0, 1.0);
    real(song.valence, 0.0, 1.0);
    real(song.instrumentalness, 0.0, 1.0);
    real(song.popularity, 0.0, 100.0);
    real(song.tempo, 1.0, 500.0);
    real(song.loudness, -100.0, 20.0);
    whole(song.year, 1850, 2100);
    whole(song.key, 0, 11);
    whole(song.mode, 0, 1);
    whole(song.duration_ms, 1, 86_400_000);
    assert!(song.title.as_ref().is_some_and(|title| !title.is_empty()));
    assert!(
        song.artist
            .as_ref()
            .is_some_and(|artist| !artist.is_empty())
    );
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("NA".to_owned()),
        (0..4).prop_map(|n: i32| n.to_string()),
        (-3.0..130.0).prop_map(|x: f64| x.to_string()),
        prop::num::f64::ANY.prop_map(|x| x.to_string()),
        (1800..2200).prop_map(|y: i32| format!("{y}-02-03")),
        "\"[a-z,\n\"]{0,6}\"",
        "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(cleaned) = try_read(bytes, &CleanOptions::default()) {
            check(&cleaned);
        }
    }

    #[test]
    fn arbitrary_text_below_a_good_header_is_accounted_for(
        body in "[a-c0-9.,;\t\"\n\r éNA-]{0,300}"
    ) {
        let csv = format!("id,title,artist,energy,year\n{body}");
        check(&try_read(csv, &CleanOptions::default()).unwrap());
    }

    #[test]
    fn every_row_is_kept_merged_or_dropped_and_every_song_is_possible(
        rows in prop::collection::vec(prop::collection::vec(cell(), 13), 0..30)
    ) {
        let mut csv = "id,title,artist,energy,valence,instrumentalness,popularity,tempo,loudness,year,key,mode,duration_ms\n".to_owned();
        for row in rows {
            csv += &row.join(",");
            csv.push('\n');
        }
        check(&read(csv));
    }
}
