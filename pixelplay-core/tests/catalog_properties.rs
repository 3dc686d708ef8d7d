//! Properties of cleaning that hold for every table.
#![cfg(feature = "catalog")]
#![allow(clippy::expect_used, reason = "test helpers")]

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use pixelplay_core::Song;
use pixelplay_core::catalog::{CatalogError, Cleaned, SongTable, write_csv};
use proptest::prelude::*;

fn try_read(csv: impl AsRef<[u8]>) -> Result<Cleaned, CatalogError> {
    SongTable::from_reader(csv.as_ref(), "t.csv").clean(&mut ())
}

fn read(csv: impl AsRef<[u8]>) -> Cleaned {
    try_read(csv).unwrap_or_else(|error| panic!("{error}"))
}

/// Merges only rows with the same id, so these tests do not depend on which row of a recording
/// comes first.
fn read_by_id(csv: impl AsRef<[u8]>) -> Cleaned {
    let table = SongTable::from_reader(csv.as_ref(), "t.csv").merge_recordings(false);
    table.clean(&mut ()).unwrap_or_else(|error| panic!("{error}"))
}

fn check(cleaned: &Cleaned) {
    let Cleaned { songs, report, .. } = cleaned;
    let dropped: u64 = report.dropped.values().map(|tally| tally.count).sum();
    assert_eq!(
        report.kept + report.merged.count + report.same_recording.count + dropped,
        report.rows_read
    );
    assert_eq!(songs.len() as u64, report.kept);
    let ids: HashSet<_> = songs.iter().map(|song| &song.id).collect();
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
    assert!(song.artist.as_ref().is_some_and(|artist| !artist.is_empty()));
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("NA".to_owned()),
        (0..4).prop_map(|n: i32| n.to_string()),
        (-3.0..130.0).prop_map(|x: f64| x.to_string()),
        prop::num::f64::ANY.prop_map(|x| x.to_string()),
        (1800..2200).prop_map(|y: i32| format!("{y}-02-03")),
        (0..120).prop_map(|n: i32| format!("{n}%")),
        (0..70, 0..70).prop_map(|(m, s)| format!("{m}:{s:02}")),
        "-?[0-9]{1,4}[,. ][0-9]{1,4}",
        "(spotify:track: ?|open\\.spotify\\.com/track/){0,2}[a-c?]",
        "\\[('[a-cNA;]{1,2}', ?)*\"[a-c]'\"\\]",
        "[a-cNA]{1,2};[a-cNA|,]{0,3}",
        "\"[a-z,\n\"]{0,6}\"",
        "\\PC{0,6}",
    ]
}

/// Headers of several tables, with columns in other units and columns of lists. Columns three to
/// five are id, title and artist.
const HEADERS: [[&str; 10]; 3] = [
    ["energy", "valence", "id", "title", "artist", "year", "genre", "duration_ms", "key", "note"],
    [
        "energy_%",
        "valence",
        "uri",
        "track",
        "artists",
        "release_date",
        "Genres",
        "duration",
        "mode",
        "description",
    ],
    [
        "Energy",
        "speechiness",
        "",
        "name",
        "artist_names",
        "year",
        "genres",
        "length_sec",
        "explicit",
        "release_date",
    ],
];

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn table<S: AsRef<str>>(
    rows: impl IntoIterator<Item = impl IntoIterator<Item = S>>,
    delimiter: &str,
    line_end: &str,
) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = row.into_iter().map(|cell| quoted(cell.as_ref())).collect();
        text += &cells.join(delimiter);
        text += line_end;
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("writing to memory succeeds");
    out.finish().expect("writing to memory succeeds")
}

fn by_id(cleaned: Cleaned) -> BTreeMap<String, Song> {
    let songs = cleaned.songs.into_iter();
    songs.map(|song| (song.id.to_string(), song)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(cleaned) = try_read(&bytes) {
            check(&cleaned);
        }
        let below = [b"id,title,artists,Genres,energy,duration\n1,a,b,c,2,3\n".to_vec(), bytes].concat();
        match try_read(below) {
            Ok(cleaned) => check(&cleaned),
            Err(error) => prop_assert!(matches!(error, CatalogError::NotText { .. }), "{error}"),
        }
    }

    #[test]
    fn arbitrary_text_below_a_good_header_is_accounted_for(
        body in "[a-c0-9.,;\t\"\n\r éNA-]{0,300}"
    ) {
        let csv = format!("id,title,artist,energy,year\n{body}");
        check(&read(csv));
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

    #[test]
    fn what_was_cleaned_stays_as_it_is(
        header in 0..HEADERS.len(),
        rows in prop::collection::vec(prop::collection::vec(cell(), 10), 0..30),
    ) {
        let header = HEADERS[header].map(str::to_owned).to_vec();
        let once = read(table([header].into_iter().chain(rows), ",", "\n"));
        check(&once);
        let file = tempfile::NamedTempFile::new().unwrap();
        write_csv(&once.songs, file.path()).unwrap();
        let again = SongTable::open(file.path()).unwrap().clean(&mut ()).unwrap();
        prop_assert_eq!(&again.songs, &once.songs);
        let report = again.report;
        prop_assert_eq!(report.kept, report.rows_read);
        prop_assert!(report.cells_cleared.is_empty() && report.converted.is_empty());
        prop_assert!(report.rescaled.is_empty() && report.ignored.is_empty());
    }

    #[test]
    fn the_order_of_different_songs_does_not_matter(
        header in 0..HEADERS.len() - 1,
        rows in prop::collection::vec(prop::collection::vec(cell(), 10), 0..30),
        by in 1..30_usize,
    ) {
        let mut rows = rows;
        for (i, row) in rows.iter_mut().enumerate() {
            row[2] = format!("s{i}");
        }
        let header = HEADERS[header].map(str::to_owned).to_vec();
        let straight = read_by_id(table([header.clone()].iter().chain(&rows), ",", "\n"));
        rows.reverse();
        let middle = by.min(rows.len());
        rows.rotate_left(middle);
        let turned = read_by_id(table([header].iter().chain(&rows), ",", "\n"));
        let dropped = |cleaned: &Cleaned| -> Vec<_> {
            cleaned.report.dropped.iter().map(|(why, tally)| (*why, tally.count)).collect()
        };
        prop_assert_eq!(dropped(&straight), dropped(&turned));
        prop_assert_eq!(by_id(straight), by_id(turned));
    }

    #[test]
    fn the_form_of_a_table_does_not_matter(
        songs in prop::collection::vec(
            ("[a-z]{1,3}", "[a-z éüñß,;|'\"\n]{0,8}", "[A-Zö]{1,5}", 0.0..1.0_f64, 1900..2020_i32),
            0..20,
        )
    ) {
        let rows = |comma: bool| {
            let header = ["id", "title", "artist", "energy", "year"].map(str::to_owned);
            let cells = songs.iter().map(move |(id, title, artist, energy, year)| {
                let energy = energy.to_string();
                let energy = if comma { energy.replace('.', ",") } else { energy };
                [id.clone(), title.clone(), artist.clone(), energy, year.to_string()]
            });
            std::iter::once(header).chain(cells)
        };
        let plain = table(rows(false), ",", "\n");
        let expected = read(&plain).songs;
        let marked = format!("\u{feff}{plain}");
        let latin1: Vec<u8> = plain
            .chars()
            .map(|c| u8::try_from(u32::from(c)).expect("Latin-1"))
            .collect();
        let wide = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            marked.encode_utf16().flat_map(to_bytes).collect()
        };
        let (front, back) = plain.as_bytes().split_at(plain.len() / 2);
        for (form, bytes) in [
            ("tabs", table(rows(false), "\t", "\n").into_bytes()),
            ("semicolons", table(rows(false), ";", "\n").into_bytes()),
            ("decimal commas", table(rows(true), ";", "\r\n").into_bytes()),
            ("pipes", table(rows(false), "|", "\r").into_bytes()),
            ("UTF-8 with a mark", marked.clone().into_bytes()),
            ("UTF-16 LE", wide(u16::to_le_bytes)),
            ("UTF-16 BE", wide(u16::to_be_bytes)),
            ("Latin-1", latin1),
            ("gzip", [gzip(front), gzip(back)].concat()),
        ] {
            prop_assert_eq!(&read(bytes).songs, &expected, "{}", form);
        }
    }
}
