//! The memory that hostile pictures take: each is decoded in a separate process, whose peak memory
//! is measured.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pixelplay_core::Image;

use crate::explain::explain;
use crate::hostile::{png, png_chunk};
use crate::picture_file;

/// The environment variable that names the file for [`child`] to decode.
const FILE: &str = "PIXELPLAY_BOMB";

/// Not a test itself: the other tests run it in a separate process.
#[test]
fn child() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let found = if Path::new(&path).is_dir() {
        let files = std::fs::read_dir(&path).unwrap();
        let opened = files.map(|file| Image::open(file.unwrap().path()).is_ok());
        format!("{} files", opened.count())
    } else {
        match Image::open(&path) {
            Ok(picture) => format!("{picture:?}"),
            Err(error) => explain(&error),
        }
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.unwrap().trim().trim_end_matches(" kB");
    println!("peak {kib} found {found}");
}

/// Decodes a file in a child process. Returns the peak memory in MiB, and the picture or error.
///
/// Address space is limited too, because allocations that are never touched do not count towards
/// the peak.
fn decode(path: &Path, mebibytes: u64) -> (u64, String) {
    let output = Command::new("sh")
        .args(["-c", "ulimit -v $0 && exec \"$@\""])
        .arg((mebibytes << 10).to_string())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "bombs::child", "--nocapture"])
        .env(FILE, path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {text}", path.display());
    let line = text.lines().find_map(|line| Some(line.split_once("peak ")?.1));
    let (kib, found) = line.unwrap().split_once(" found ").unwrap();
    let (peak, bytes) = (kib.parse::<u64>().unwrap() >> 10, path.metadata().unwrap().len());
    let name = path.file_name().unwrap().display();
    eprintln!("{name}, {bytes} bytes: {peak} MiB, {found}");
    (peak, found.to_owned())
}

fn deflated_zeros(mebibytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..mebibytes {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

/// Returns a file from the table with its size fields at `at` overwritten.
fn claims(name: &str, at: usize, size: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(picture_file(name)).unwrap();
    bytes[at..at + size.len()].copy_from_slice(size);
    bytes
}

/// The offset of the height in a JPEG.
fn frame_size(name: &str, marker: u8) -> usize {
    let bytes = std::fs::read(picture_file(name)).unwrap();
    let frame = bytes.windows(2).position(|pair| pair == [0xFF, marker]);
    frame.unwrap() + 5
}

#[test]
fn a_small_picture_that_hides_megabytes_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let pixels = deflated_zeros(1);
    let hidden = deflated_zeros(256);
    for (kind, keyword) in [(b"iCCP", &b"name\0\0"[..]), (b"zTXt", b"Comment\0\0")] {
        let chunk = png_chunk(kind, &[keyword, &hidden].concat());
        let path = dir.path().join(format!("{}.png", kind.escape_ascii()));
        std::fs::write(&path, png(20, 12, &[chunk], &pixels)).unwrap();
        let (peak, found) = decode(&path, 512);
        assert_eq!(found, "Image(20x12)");
        assert!(peak < 128, "{peak} MiB");
    }
}

#[test]
fn no_file_of_the_table_takes_memory_that_its_pixels_do_not_need() {
    // Decode the whole folder in one process.
    let (peak, found) = decode(&picture_file(""), 512);
    assert!(found.ends_with("files"), "{found}");
    assert!(peak < 64, "{peak} MiB");
}

/// A whole strip is read at once, and the limit on a strip must not limit the picture.
#[test]
fn a_large_tiff_of_one_strip_is_no_bomb() {
    let (width, height) = (4_000_u32, 3_000_u32);
    let pixels = vec![0x80; (width * height * 6) as usize];
    // The offsets of the width, height, rows per strip and bytes per strip in that file.
    let fields = [(18, width), (30, height), (102, height), (114, pixels.len() as u32)];
    let mut bytes = std::fs::read(picture_file("rgb-16-bit.tif")).unwrap();
    for (at, value) in fields {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes.extend(pixels);
    let picture = Image::decode(&bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (width, height));
}

/// Files of a few hundred bytes that claim almost the maximum number of pixels.
#[test]
fn the_largest_pictures_stay_below_the_memory_that_is_documented() {
    if std::env::var_os("PIXELPLAY_SOAK").is_none() {
        eprintln!("skipped: PIXELPLAY_SOAK is not set (takes 2 GiB and half a minute)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let side = 13_000_u16;
    let big = [side.to_be_bytes(); 2].concat();
    let little = [side.to_le_bytes(); 2].concat();
    let wide = [u32::from(side).to_le_bytes(); 2].concat();
    let jpeg = |name, marker| claims(name, frame_size(name, marker), &big);
    let hundred_scans = {
        let bytes = jpeg("progressive.jpg", 0xC2);
        let last = bytes.windows(2).rposition(|pair| pair == [0xFF, 0xDA]);
        let (before, scan) = bytes.split_at(last.unwrap());
        let (scan, end) = scan.split_at(scan.len() - 2);
        [before, &scan.repeat(90), end].concat()
    };
    for (name, bytes) in [
        ("zeros.png", png(13_000, 13_000, &[], &deflated_zeros(484))),
        ("baseline.jpg", jpeg("orientation-1.jpg", 0xC0)),
        ("turned.jpg", jpeg("orientation-6.jpg", 0xC0)),
        ("progressive.jpg", jpeg("progressive.jpg", 0xC2)),
        ("hundred-scans.jpg", hundred_scans),
        ("cmyk.jpg", jpeg("cmyk-progressive.jpg", 0xC2)),
        ("canvas.gif", claims("plain.gif", 6, &little)),
        ("run-length.bmp", claims("run-length.bmp", 18, &wide)),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (peak, found) = decode(&path, 3 << 10);
        assert_eq!(found, "Image(13000x13000)", "{name}");
        assert!(peak < 2 << 10, "{peak} MiB");
    }
}
