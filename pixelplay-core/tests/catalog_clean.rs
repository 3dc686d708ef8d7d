//! Published tables, and tables with common mistakes.
#![cfg(feature = "catalog")]

use std::ops::ControlFlow;
use std::path::PathBuf;

use pixelplay_core::catalog::{CatalogError, CleanOptions, Cleaned, DropReason, SongTable};
use pixelplay_core::progress::Update;

fn read(csv: impl AsRef<[u8]>) -> Cleaned {
    try_read(csv, &CleanOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn try_read(csv: impl AsRef<[u8]>, options: &CleanOptions) -> Result<Cleaned, CatalogError> {
    SongTable::from_reader(csv.as_ref(), "t.csv").options(options.clone()).clean(&mut ())
}

/// Reads a minimal table with one additional column.
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
    let [one, two] = cleaned.songs.as_slice() else { panic!("{:?}", cleaned.songs) };
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
    assert_eq!((two.year, two.popularity, two.album.as_deref()), (Some(1974), None, None));
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
    assert_eq!((song.genre.as_deref(), song.explicit), (Some("acoustic"), Some(false)));
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
    // The decade is only in the file's name, so the year is unknown.
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
    assert_eq!(song.artist.as_deref(), Some("Sergei Rachmaninoff, Ben 'B' Ash"));
    assert_eq!((song.year, song.explicit), (Some(1921), Some(false)));
    assert_eq!(song.extra["release_date"], "1921-02-20");
}

/// The header and first row of the public file, which is encoded in Windows-1252.
#[test]
fn the_songs_of_2023_count_in_percent() {
    let cleaned = read(
        b"track_name,artist(s)_name,artist_count,released_year,released_month,released_day,in_spotify_playlists,in_spotify_charts,streams,in_apple_playlists,in_apple_charts,in_deezer_playlists,in_deezer_charts,in_shazam_charts,bpm,key,mode,danceability_%,valence_%,energy_%,acousticness_%,instrumentalness_%,liveness_%,speechiness_%\n\
        Seven (feat. Latto) (Explicit Ver.),\"Latto, Jung Kook\",2,2023,7,14,553,147,141381703,43,263,45,10,826,125,B,Major,80,89,83,31,0,8,4\n\
        Qu\xe9 M\xe1s Pues?,J. Balvin,1,2021,5,27,1,1,1,1,1,\"1,021\",1,,102,,Minor,89,74,81,3,0,9,12\n",
    );
    let report = &cleaned.report;
    assert_eq!(report.schema, "Most streamed Spotify songs 2023");
    assert_eq!(report.encoding, "windows-1252");
    assert_eq!(report.rescaled.len(), 7);
    let [seven, que] = cleaned.songs.as_slice() else { panic!("{:?}", cleaned.songs) };
    assert_eq!(seven.artist.as_deref(), Some("Latto, Jung Kook"));
    assert_eq!(
        (seven.energy, seven.tempo, seven.key, seven.mode, seven.year),
        (Some(0.83), Some(125.0), Some(11), Some(1), Some(2023))
    );
    assert_eq!(que.title.as_deref(), Some("Qu\u{e9} M\u{e1}s Pues?"));
    assert_eq!((que.key, que.speechiness), (None, Some(0.12)));
    assert_eq!(que.extra["in_deezer_playlists"], "1,021");
}

#[test]
fn exportify_lists_artists_and_genres() {
    let cleaned = read(
        "\u{feff}\"Track URI\",\"Track Name\",\"Album Name\",\"Artist Name(s)\",\"Release Date\",\"Duration (ms)\",\"Popularity\",\"Explicit\",\"Added By\",\"Added At\",\"Genres\",\"Record Label\",\"Danceability\",\"Energy\",\"Key\",\"Loudness\",\"Mode\",\"Speechiness\",\"Acousticness\",\"Instrumentalness\",\"Liveness\",\"Valence\",\"Tempo\",\"Time Signature\"\r\n\
         \"spotify:track:abc\",\"Rain\",\"Sky\",\"Ana;Ben\",\"1999-05\",\"201000\",\"55\",\"true\",\"me\",\"2020-01-01T00:00:00Z\",\"dream pop,shoegaze\",\"Blue\",\"0.5\",\"0.6\",\"7\",\"-8.1\",\"0\",\"0.03\",\"0.1\",\"0.0\",\"0.2\",\"0.4\",\"99.9\",\"4\"\r\n",
    );
    assert_eq!(cleaned.report.schema, "Exportify playlist");
    let song = &cleaned.songs[0];
    assert_eq!(song.id.as_str(), "abc");
    assert_eq!(song.artist.as_deref(), Some("Ana, Ben"));
    assert_eq!(song.genre.as_deref(), Some("dream pop"));
    assert_eq!(song.extra["genres"], "dream pop; shoegaze");
    assert_eq!(
        (song.year, song.duration_ms, song.explicit, song.tempo),
        (Some(1999), Some(201_000), Some(true), Some(99.9))
    );
}

#[test]
fn the_top_songs_by_year_have_short_names() {
    let cleaned = read(
        ",title,artist,top genre,year,bpm,nrgy,dnce,dB,live,val,dur,acous,spch,pop\n\
         1,\"Hey, Soul Sister\",Train,neo mellow,2010,97,89,67,-4,8,80,217,19,4,83\n\
         2,Rain,Ana,pop,2011,97,89,67,-4,8,80,217,19,4,83\n\
         3,Sun,Ana,pop,2011,97,89,67,-4,8,80,217,19,4,83\n\
         4,Snow,Ana,pop,2011,97,89,67,-4,8,80,217,19,4,83\n\
         5,Wind,Ana,pop,2011,97,89,67,-4,8,80,217,19,4,83\n",
    );
    let song = &cleaned.songs[0];
    assert_eq!(
        (song.energy, song.valence, song.loudness, song.duration_ms),
        (Some(0.89), Some(0.8), Some(-4.0), Some(217_000))
    );
    assert_eq!((song.popularity, song.tempo), (Some(83.0), Some(97.0)));
    assert_eq!(cleaned.report.converted["duration_ms"].len(), 1);
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
    assert_eq!(read("title,artist\nRain,Ana\n").songs[0].id, made.songs[0].id);
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
    assert_eq!(cleaned.report.cells_cleared["energy"].out_of_range.lines, [2]);
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
    assert_eq!(single.report.cells_cleared["energy"].out_of_range.lines, [4]);
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
    assert!(ragged.notes[0].contains("line 3 runs to line 5"), "{:?}", ragged.notes);
    let kept = read("id,title,artist\n1,a,x\n2,b,\"x\n3,c,x\n4,d,x\n").report;
    assert_eq!((kept.rows_read, kept.kept), (2, 2));
    assert!(kept.notes[0].contains("line 3 runs to line 5"), "{:?}", kept.notes);
    let closed_later = read("id,title,artist\n1,\"a,x\n2,\"b\",x\n3,c,x\n").report;
    assert!(closed_later.notes[0].contains("line 2"), "{:?}", closed_later.notes);

    let options = CleanOptions { max_cell_bytes: 100, ..CleanOptions::default() };
    let long = format!("id,title,artist\n1,a,x\n2,\"{}", "y\n".repeat(60));
    assert!(matches!(
        try_read(long, &options),
        Err(CatalogError::CellTooLong { line: 3, limit: 100, .. })
    ));
}

#[test]
fn what_is_no_table_of_songs_is_an_error_that_says_why() {
    let missing = SongTable::open("no/such/songs.csv").unwrap_err();
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

#[cfg(unix)]
#[test]
fn folders_pipes_and_devices_are_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    let pipe = pipe.as_path();
    let mut tables = vec![folder.path(), std::path::Path::new("/dev/zero")];
    if made.is_ok_and(|status| status.success()) {
        tables.push(pipe);
    } else {
        println!("skipped: a pipe, since mkfifo is not available");
    }
    for table in tables {
        let error = SongTable::open(table).unwrap_err();
        assert!(matches!(error, CatalogError::NotAFile { .. }), "{error}");
    }
}

#[test]
fn cleaning_stops_when_asked() {
    let table = SongTable::from_reader(&b"id,title,artist\n1,a,b\n"[..], "t.csv");
    let result = table.clean(&mut |_: Update| ControlFlow::Break(()));
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
         extra columns: mood\n"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["dropped"]["missing_id"]["lines"][0], 4);
    assert_eq!(json["cells_cleared"]["energy"]["out_of_range"]["count"], 1);
}

/// The expected numbers come from Python's csv module.
#[test]
fn the_real_tidytuesday_table_comes_out_whole() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/songs/tidytuesday_spotify_songs.csv.gz");
    if !path.exists() {
        println!("skipped: {} is missing", path.display());
        return;
    }
    let merged = SongTable::open(&path).unwrap().clean(&mut ()).unwrap().report;
    println!("{merged}");
    assert_eq!(merged.kept + merged.same_recording.count, 28_352);
    assert_eq!(merged.same_recording.count, 2_668);
    assert_eq!(merged.conflicting.count, 0);

    let by_id = SongTable::open(&path).unwrap().merge_recordings(false);
    let Cleaned { songs, report, .. } = by_id.clean(&mut ()).unwrap();
    println!("{report}");
    assert_eq!(report.same_recording.count, 0);
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

#[test]
fn rows_of_one_recording_are_one_song_whatever_their_ids() {
    let csv = "id,title,artist,genre,energy\n\
               1,Africa,Toto,rock,\n\
               2,Africa - 2018 Remaster,TOTO,pop,0.4\n\
               3,Africa (Live),Toto,rock,0.9\n\
               4,Stay (feat. Ben),Ana,pop,0.1\n\
               5,Stay,Ana feat. Ben,pop,0.2\n\
               5,Stay,Ana feat. Ben,soul,0.3\n\
               6,Intro,Various Artists,pop,0.3\n\
               7,Intro,Various Artists,pop,0.3\n";
    let Cleaned { songs, report, .. } = read(csv);
    let ids: Vec<_> = songs.iter().map(|song| song.id.as_str()).collect();
    assert_eq!(ids, ["1", "3", "4", "6", "7"]);
    assert_eq!(songs[0].energy, Some(0.4));
    assert_eq!(songs[0].genre.as_deref(), Some("rock"));
    assert_eq!(songs[0].extra["genres"], "rock; pop");
    // Another row with a merged id is a repeat of the song that the id was merged into.
    assert_eq!(songs[2].extra["genres"], "pop; soul");
    assert_eq!(report.same_recording.lines, [3, 6]);
    assert_eq!((report.merged.count, report.kept), (1, 5));
    let told = "8 rows read: 5 songs kept, 3 repeats merged, 0 rows dropped\n  \
                repeats by title and artist, under another id: 2 (lines 3 and 6)\n";
    assert!(report.to_string().contains(told), "{report}");
}
