//! Measures exact top-10 search over random unit vectors of 512 dimensions, quantized and not
//! quantized. Throughput is counted in scanned bytes, so it can be compared with `floor`, which
//! only reads the same number of bytes.
//!
//! Run `cargo bench -p pixelplay-benches --bench search`, with a filter after `--` to run only a
//! part.

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should say so and stop"
)]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use pixelplay_core::index::{
    Backend, SearchOptions, SongIndex, SongIndexWriter, WriterOptions, col,
};
use pixelplay_core::{Embedding, Song, SongId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const DIM: usize = 512;

fn vector(rng: &mut StdRng) -> Embedding {
    let values = (0..DIM).map(|_| rng.random_range(-1.0_f32..1.0)).collect();
    Embedding::normalize(values, None).expect("not zero")
}

/// Creates an index whose `year` column counts from 0 to 99 repeatedly.
fn index(rows: usize, quantized: bool) -> SongIndex {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("songs.arrow");
    let options =
        WriterOptions { columns: vec!["year".to_owned()], quantized, ..WriterOptions::new(DIM) };
    let mut writer = SongIndexWriter::create(&path, options).expect("a file");
    let mut rng = StdRng::seed_from_u64(1);
    for row in 0..rows {
        let id = SongId::new(row.to_string()).expect("not empty");
        let song = Song { year: Some((row % 100) as i64), ..Song::new(id) };
        writer.push(&song, vector(&mut rng).as_slice()).expect("a good row");
    }
    writer.finish().expect("a whole file");
    SongIndex::open(&path).expect("an index")
}

/// Combines all bits, to measure the time of a scan without arithmetic.
fn read_all(memory: &[u64]) -> u64 {
    let mut sums = [0_u64; 32];
    for values in memory.as_chunks::<32>().0 {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum ^= value;
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

fn options(threads: usize) -> SearchOptions {
    SearchOptions { threads: NonZeroUsize::new(threads), ..SearchOptions::default() }
}

fn one_query(group: &mut BenchmarkGroup<'_, WallTime>, index: &SongIndex) {
    let mut rng = StdRng::seed_from_u64(2);
    let query = vector(&mut rng);
    let mut run = |name: &str, options: &SearchOptions| {
        group.bench_function(name, |bench| {
            bench.iter(|| index.search(black_box(&query), options).expect("hits"));
        });
    };
    for backend in Backend::available() {
        let options = SearchOptions { backend: Some(backend), ..options(1) };
        run(&format!("one query, one thread, {backend}"), &options);
    }
    run("one query, all threads", &options(0));
    for (share, filter) in [("1%", col("year").eq(7)), ("50%", col("year").lt(50))] {
        let options = SearchOptions { filter: Some(filter), ..options(1) };
        run(&format!("one query, one thread, {share} pass the filter"), &options);
    }
}

fn many_queries(group: &mut BenchmarkGroup<'_, WallTime>, index: &SongIndex) {
    let mut rng = StdRng::seed_from_u64(3);
    let queries: Vec<Embedding> = (0..256).map(|_| vector(&mut rng)).collect();
    for count in [32, 256] {
        for (name, threads) in [("one thread", 1), ("all threads", 0)] {
            let options = options(threads);
            group.bench_function(format!("{count} queries, {name}"), |bench| {
                bench.iter(|| {
                    index.search_many(black_box(&queries[..count]), &options).expect("hits")
                });
            });
        }
    }
}

fn search(criterion: &mut Criterion) {
    for (rows, quantized) in [(10_000, true), (100_000, true), (100_000, false)] {
        let index = index(rows, quantized);
        let (value, name) = match quantized {
            true => (size_of::<u8>(), ""),
            false => (size_of::<f32>(), ", not quantized"),
        };
        let bytes = rows * DIM * value;
        let mut group = criterion.benchmark_group(format!("{rows} songs{name}"));
        group.throughput(Throughput::Bytes(bytes as u64));
        group.measurement_time(Duration::from_secs(3)).sample_size(10);
        let memory = vec![1; bytes / size_of::<u64>()];
        group.bench_function("floor: read as much, one thread", |bench| {
            bench.iter(|| read_all(black_box(&memory)));
        });
        drop(memory);
        one_query(&mut group, &index);
        many_queries(&mut group, &index);
        group.finish();
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
