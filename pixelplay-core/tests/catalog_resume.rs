//! Builds that continue after being interrupted, killed or damaged.
//!
//! With `PIXELPLAY_SOAK=1`, the table has a million rows, the build is killed ten times, and time
//! and memory are measured.
#![cfg(all(feature = "catalog", feature = "mini", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/process.rs"]
mod process;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pixelplay_core::catalog::{
    BuildOptions, BuildReport, CatalogError, Describer, SongTable, build_index, parts_folder,
};
use pixelplay_core::progress::Update;
use pixelplay_core::{Encoder, Song, SongId, SongIndex};

const PLACE: &str = "PIXELPLAY_TEST_PLACE";
const BATCH: &str = "PIXELPLAY_TEST_BATCH";

/// Writes a table of invented songs, generated from the row number. One row in twenty is a repeat.
fn write_table(path: &Path, rows: u64) {
    const GENRES: [&str; 12] = [
        "pop",
        "rock",
        "techno",
        "jazz",
        "folk",
        "hip hop",
        "latin",
        "classical",
        "house",
        "metal",
        "soul",
        "ambient",
    ];
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(
        out,
        "track_id,track_name,track_artist,track_album_name,playlist_genre,track_album_release_date,track_popularity,\
         energy,valence,danceability,acousticness,instrumentalness,liveness,speechiness,tempo,loudness,key,mode,duration_ms"
    )
    .unwrap();
    for row in 0..rows {
        let song = if row % 20 == 19 { row - 7 } else { row };
        let mut state = song.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut dice = |sides: u64| {
            // splitmix64
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z ^ (z >> 31)) % sides
        };
        write!(
            out,
            "{song:022},Song number {song},Artist {},\"Album {}, volume {}\",{},{}-06-01,{}",
            dice(rows / 10 + 1),
            dice(rows / 5 + 1),
            dice(9),
            GENRES[usize::try_from(dice(12)).unwrap()],
            1950 + dice(75),
            dice(101),
        )
        .unwrap();
        for _ in 0..7 {
            write!(out, ",0.{:03}", dice(1000)).unwrap();
        }
        let (tempo, loudness) = (60 + dice(120), 3 + dice(30));
        let (key, mode, length) = (dice(12), dice(2), 90_000 + dice(400_000));
        writeln!(out, ",{tempo},-{loudness},{key},{mode},{length}").unwrap();
    }
    out.flush().unwrap();
}

fn build(table: &Path, out: &Path, batch_rows: usize) -> Result<BuildReport, CatalogError> {
    let options = BuildOptions { batch_rows, ..BuildOptions::default() };
    let table = SongTable::open(table)?.build_options(options);
    table.build_index(&Encoder::mini()?, out, &mut ()).map(|(_, built)| built)
}

#[test]
#[ignore = "runs only as a child process of another test"]
fn a_child_process() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else {
        return;
    };
    let batch_rows = std::env::var(BATCH).unwrap().parse().unwrap();
    let started = Instant::now();
    let out = place.join("songs.arrow");
    let built = build(&place.join("songs.csv"), &out, batch_rows).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    println!(
        "RESUMED {} in {:.1} s; {}",
        built.resumed,
        started.elapsed().as_secs_f64(),
        peak.unwrap_or("peak memory unknown")
    );
}

fn child(place: &Path, batch_rows: usize) -> Command {
    let mut command = process::own_test("a_child_process");
    command.env(PLACE, place).env(BATCH, batch_rows.to_string());
    command
}

/// Runs a build to completion in a child process, and returns its output.
fn finish(place: &Path, batch_rows: usize) -> String {
    let output = child(place, batch_rows).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find(|line| line.contains("RESUMED"));
    line.expect("a report").to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_build_that_is_killed_again_and_again_gives_the_bytes_of_one_that_is_not() {
    let is_soak = std::env::var_os("PIXELPLAY_SOAK").is_some();
    let (rows, batch_rows, kills) = if is_soak { (1_000_000, 16_384, 10) } else { (6_000, 256, 4) };
    let folder = tempfile::tempdir().unwrap();
    let [clean, killed] = ["clean", "killed"].map(|name| folder.path().join(name));
    for place in [&clean, &killed] {
        fs::create_dir(place).unwrap();
    }
    write_table(&clean.join("songs.csv"), rows);
    fs::hard_link(clean.join("songs.csv"), killed.join("songs.csv")).unwrap();
    let started = Instant::now();
    println!("{rows} rows, uninterrupted: {}", finish(&clean, batch_rows));
    let whole = started.elapsed();

    // Kill each build at an arbitrary moment after it has finished one part more than the previous
    // build.
    let parts = parts_folder(killed.join("songs.arrow"));
    let finished = || {
        let entries = fs::read_dir(&parts).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "arrow")).count()
    };
    let (mut survived, mut kill, mut spared) = (0, 1, 0);
    while kill <= kills {
        let known = finished();
        let mut process = child(&killed, batch_rows).spawn().unwrap();
        let deadline = Instant::now() + whole * 3 + Duration::from_secs(60);
        while finished() <= known && process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "no part was finished in time");
            std::thread::sleep(Duration::from_millis(3));
        }
        std::thread::sleep(whole / 50 * kill / kills);
        process.kill().unwrap();
        if process.wait().unwrap().success() {
            // If the system schedules the build instead of this process, the build may finish
            // before it is killed. That kill does not count.
            spared += 1;
            assert!(spared < 20, "the build always finishes before it can be killed");
            fs::remove_file(killed.join("songs.arrow")).unwrap();
            continue;
        }
        kill += 1;
        let now = finished();
        assert!(now >= known, "finished parts are kept: {known} before, {now} after");
        survived = now;
    }
    assert!(survived > 0);
    let told = finish(&killed, batch_rows);
    println!("after {kills} kills, with {survived} parts: {told}");
    assert!(!told.contains("RESUMED 0 "), "{told}");
    assert_eq!(files(&killed), ["songs.arrow", "songs.csv"]);
    assert_eq!(files(&clean), files(&killed));
    let [one, other] = [&clean, &killed].map(|place| fs::read(place.join("songs.arrow")).unwrap());
    assert!(one == other, "the same songs must give the same bytes");
    let index = SongIndex::open(killed.join("songs.arrow")).unwrap();
    index.verify().unwrap();
    assert_eq!(index.len() as u64, rows - rows / 20);
}

fn songs(count: usize) -> Vec<Song> {
    (0..count)
        .map(|i| {
            let mut song = Song::new(SongId::new(format!("s{i}")).unwrap());
            let x = f64::from(u32::try_from(i).unwrap()) / 100.0;
            (song.energy, song.valence) = (Some(x.fract()), Some((x * 7.0).fract()));
            song
        })
        .collect()
}

/// Builds in batches of ten songs, and stops after `after` songs.
fn build_until(songs: &[Song], out: &Path, after: u64) -> Result<BuildReport, CatalogError> {
    let options = BuildOptions { batch_rows: 10, ..BuildOptions::default() };
    let encoder = Encoder::mini().unwrap();
    build_index(songs, &encoder, out, &options, &mut |progress: Update| {
        if progress.stage == "writing songs" && progress.done >= after {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
}

#[test]
fn finished_parts_are_taken_if_nothing_changed_and_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("songs.arrow");
    let songs = songs(95);
    let expected = {
        build_until(&songs, &out, u64::MAX).unwrap();
        fs::read(&out).unwrap()
    };
    assert_eq!(files(folder.path()), ["songs.arrow"]);
    fs::write(&out, "what was there before").unwrap();
    let stop = || {
        let stopped = build_until(&songs, &out, 0);
        assert!(matches!(stopped, Err(CatalogError::Cancelled)));
        assert_eq!(fs::read(&out).unwrap(), b"what was there before");
        assert_eq!(files(&parts_folder(&out)).len(), 10);
    };
    let resume = |songs: &[Song]| {
        let built = build_until(songs, &out, u64::MAX).unwrap();
        assert_eq!(files(folder.path()), ["songs.arrow"]);
        let bytes = fs::read(&out).unwrap();
        fs::write(&out, "what was there before").unwrap();
        (built, bytes)
    };

    stop();
    let (built, bytes) = resume(&songs);
    assert_eq!((built.resumed, built.songs, built.descriptions), (95, 95, 95));
    assert!(bytes == expected);

    // A damaged or missing part is rebuilt.
    stop();
    let names = files(&parts_folder(&out));
    let path = |at: usize| parts_folder(&out).join(&names[at]);
    let mut flipped = fs::read(path(3)).unwrap();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(path(3), flipped).unwrap();
    fs::write(path(5), "").unwrap();
    fs::remove_file(path(7)).unwrap();
    let (built, bytes) = resume(&songs);
    assert_eq!(built.resumed, 65);
    assert!(bytes == expected);

    // A changed song changes only its own part; a new song at the beginning changes all parts.
    stop();
    let mut changed = songs.clone();
    changed[42].title = Some("Another".into());
    let (built, bytes) = resume(&changed);
    assert_eq!(built.resumed, 85);
    assert!(bytes != expected);
    stop();
    changed.rotate_right(1);
    assert_eq!(resume(&changed).0.resumed, 0);
}

#[test]
fn progress_never_goes_back_and_ends_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("songs.arrow");
    let (songs, encoder) = (songs(2500), Encoder::mini().unwrap());
    let options = BuildOptions { batch_rows: 2200, ..BuildOptions::default() };
    let mut told = Vec::new();
    build_index(&songs, &encoder, &out, &options, &mut |progress: Update| {
        if progress.stage == "building the index" {
            assert_eq!(progress.total, Some(2500));
            told.push(progress.done);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(told.is_sorted(), "{told:?}");
    assert!(told.iter().filter(|&&done| 0 < done && done < 2500).count() > 20, "{told:?}");
    assert_eq!(told.last(), Some(&2500));
}

#[test]
fn two_songs_of_one_id_are_refused_in_different_batches_too() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("songs.arrow");
    let mut songs = songs(30);
    songs.push(songs[2].clone());
    let error = build_until(&songs, &out, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("s2"), "{error}");
    assert!(!out.exists());
}

#[test]
fn a_describer_of_ones_own_describes_and_its_error_names_the_song() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("songs.arrow");
    let encoder = Encoder::mini().unwrap();
    let build = |describer| {
        let options = BuildOptions { describer, ..BuildOptions::default() };
        build_index(&songs(3), &encoder, &out, &options, &mut ())
    };
    let own =
        Describer::new(|song| Ok(vec!["a red door".into(), format!("number {}", song.id).into()]));
    let built = build(own).unwrap();
    assert_eq!((built.songs, built.sentences, built.vectors), (3, 4, 3));
    assert!(built.likeness.is_some_and(|likeness| likeness.mean > 0.3));
    let song = SongIndex::open(&out).unwrap().song(1).unwrap();
    assert_eq!(song.description.as_deref(), Some("a red door\nnumber s1"));

    let error = build(Describer::new(|song| match song.id.as_str() {
        "s1" => Err("the sky fell".into()),
        _ => Ok(vec!["x".into()]),
    }))
    .unwrap_err();
    assert!(error.to_string().contains("s1"), "{error}");
    let nothing = build(Describer::new(|_| Ok(Vec::new()))).unwrap_err();
    assert!(matches!(nothing, CatalogError::NoSongs { left_out: 3, .. }));
}
