#![allow(warnings, unsafe_code, clippy::all)]
use pixelplay_core::index::*; use pixelplay_core::*; use std::time::Instant; use std::num::NonZeroUsize;
const D: usize = 512;
fn rng(s: &mut u64) -> f32 { let mut t = 0f32; for _ in 0..4 { *s ^= *s << 13; *s ^= *s >> 7; *s ^= *s << 17; t += ((*s >> 40) as f32) / 16777216.0 - 0.5; } t * 1.7320508 }
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let clip = std::env::args().nth(2).as_deref() == Some("clip");
    let mut s = 88172645463325252u64;
    let mut mean: Vec<f32> = (0..D).map(|_| rng(&mut s)).collect();
    let nm = mean.iter().map(|x| x * x).sum::<f32>().sqrt(); mean.iter_mut().for_each(|x| *x /= nm);
    let mut mk = |w: f32, s: &mut u64| { let mut v: Vec<f32> = (0..D).map(|_| rng(s)).collect(); let l = v.iter().map(|x| x * x).sum::<f32>().sqrt(); for (v, m) in v.iter_mut().zip(&mean) { *v = w * m + (1.0 - w * w).sqrt() * *v / l } Embedding::normalize(v, None).unwrap() };
    let w = if clip { 0.8 } else { 0.0 };
    let dir = std::path::PathBuf::from(format!("/tmp/pptmp")); std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{n}{clip}.arrow"));
    if !path.exists() {
        let t = Instant::now();
        let mut wr = SongIndexWriter::create(&path, WriterOptions { columns: vec!["year".into(), "energy".into()], ..WriterOptions::new(D) }).unwrap();
        for i in 0..n { let song = Song { year: Some((i * 7919 % 10000) as i64), ..Song::new(SongId::new(format!("track{i:08}")).unwrap()) }; wr.push(&song, mk(w, &mut s).as_slice()).unwrap(); }
        wr.finish().unwrap();
        println!("wrote in {:.1?}", t.elapsed());
    }
    let t = Instant::now();
    let index = unsafe { SongIndex::open_mmap(&path).unwrap() };
    let open = t.elapsed();
    let mut s = 4711u64;
    let qs: Vec<Embedding> = (0..256).map(|_| mk(w * 0.3, &mut s)).collect();
    let t = Instant::now(); index.search(&qs[0], &SearchOptions::default()).unwrap(); println!("open {open:?} first {:?}", t.elapsed());
    let med = |f: &mut dyn FnMut(usize)| { let mut v: Vec<f64> = (0..25).map(|i| { let t = Instant::now(); f(i); t.elapsed().as_secs_f64() * 1e3 }).collect(); v.sort_by(|a, b| a.total_cmp(b)); (v[12], v[2]) };
    for t in [1, 2, 0] {
        let o = SearchOptions { threads: NonZeroUsize::new(t), ..Default::default() };
        let (m, b) = med(&mut |i| { index.search(&qs[i], &o).unwrap(); });
        println!("threads {t}: one {m:.3} (best {b:.3}) ms = {:.1} GB/s", n as f64 * D as f64 / b / 1e6);
        if n <= 100_000 { let t0 = Instant::now(); let mut best = f64::MAX; for _ in 0..5 { let t0 = Instant::now(); index.search_many(&qs, &o).unwrap(); best = best.min(t0.elapsed().as_secs_f64()); } println!("   256: {:.1} ms", best * 1e3); }
        for (name, f) in [("0.01%", col("year").lt(1)), ("1%", col("year").lt(100)), ("10%", col("year").lt(1000)), ("20%", col("year").lt(2000)), ("50%", col("year").lt(5000)), ("100%", col("year").lt(10000))] {
            let o = SearchOptions { filter: Some(f), ..o.clone() };
            let (m, b) = med(&mut |i| { index.search(&qs[i], &o).unwrap(); });
            println!("   filter {name}: {m:.3} (best {b:.3})");
        }
    }
}
