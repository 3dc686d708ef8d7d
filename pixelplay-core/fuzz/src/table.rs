//! Fuzzes tables of songs, from the bytes to sentences.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use pixelplay_core::catalog::{CleanOptions, SongTable, Templates, describe};

use crate::Seeds;

/// Cleans a table and describes its songs. Every row must be kept, merged or dropped.
pub fn clean_csv(data: &[u8]) {
    let options = CleanOptions { max_bytes: 1 << 24, ..CleanOptions::default() };
    let Ok(cleaned) = SongTable::from_reader(data, "fuzz.csv").options(options).clean(&mut ())
    else {
        return;
    };
    let report = cleaned.report;
    assert_eq!(report.kept, cleaned.songs.len() as u64);
    let dropped: u64 = report.dropped.values().map(|tally| tally.count).sum();
    assert_eq!(
        report.rows_read,
        report.kept + report.merged.count + report.same_recording.count + dropped
    );
    let mut ids: Vec<_> = cleaned.songs.iter().map(|song| &song.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), cleaned.songs.len());
    let templates = Templates::default();
    for song in &cleaned.songs {
        for value in [song.energy, song.valence, song.danceability] {
            assert!(value.is_none_or(|value| (0.0..=1.0).contains(&value)));
        }
        let sentences = describe(song, &templates);
        assert!(sentences.iter().all(|sentence| !sentence.text.is_empty()));
    }
}

/// Returns the first lines of each real table, plain and gzipped.
pub(crate) fn seeds() -> Seeds {
    let mut all = Seeds::new();
    for (name, bytes) in
        crate::files("data").into_iter().chain(crate::files("../shared/data/songs"))
    {
        let mut text = Vec::new();
        if name.ends_with(".csv.gz") {
            use std::io::Read;
            let head = flate2::read::MultiGzDecoder::new(&bytes[..]).take(1 << 16);
            std::io::BufReader::new(head).read_to_end(&mut text).unwrap();
        } else if name.ends_with(".csv") {
            text = bytes;
        }
        let lines: Vec<_> = text.split_inclusive(|&byte| byte == b'\n').take(9).collect();
        if lines.len() == 9 {
            all.push((name, lines.concat()));
        }
    }
    all.push((
        "several.csv".to_owned(),
        "id;title;artists;energy;tempo;explicit;duration_ms\n1;\"Ä \"\"b\"\"\nc\";x;y;0,5;99,5;yes;3:20\n1;NA;z;50%;;no;-1\n".into(),
    ));
    all.push((
        "percent.tsv".to_owned(),
        b"\xEF\xBB\xBFtrack_name\tartist(s)_name\tenergy_%\tbpm\r\nA\tB\t80\t120\r\nC\tD\t7\t300\r\n".to_vec(),
    ));
    all.push((
        "latin1.csv".to_owned(),
        b"title,artist,year\nCaf\xE9,Beyonc\xE9,1999-01\n".to_vec(),
    ));
    for (name, text) in all.clone() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&text).unwrap();
        all.push((format!("{name}.gz"), gzip.finish().unwrap()));
    }
    all
}
