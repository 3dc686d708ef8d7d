//! Truncated pictures, pictures with changed bytes, and paths that are not files give an error or a
//! picture, never a panic.

use pixelplay_core::{EncodeError, Image};

use crate::checkpoints::level;
use crate::explain::explain;
use crate::images::good_files;
use crate::picture_file;

/// The number of cuts or changes to try on each file: `short`, or `all` with `PIXELPLAY_SOAK=1`.
fn tries(short: usize, all: usize) -> usize {
    match std::env::var_os("PIXELPLAY_SOAK") {
        Some(_) => all,
        None => short.min(all),
    }
}

#[test]
fn a_file_cut_short_is_refused_or_lacks_nothing_of_the_picture() {
    let (mut refused, mut accepted) = (0, 0);
    for name in good_files() {
        let whole = std::fs::read(picture_file(&name)).unwrap();
        let picture = Image::decode(&whole).unwrap();
        let cuts = tries(60, whole.len());
        for cut in 0..cuts {
            // Cut at even intervals, then at each of the last few bytes, since a format may end
            // before its file does.
            let keep = match cuts - cut {
                left @ 1..=8 => whole.len().saturating_sub(left),
                _ => cut * whole.len() / cuts,
            };
            match Image::decode(&whole[..keep]) {
                Err(error) => {
                    refused += 1;
                    assert!(matches!(error, EncodeError::BadImage { .. }), "{error}");
                }
                Ok(cut) => {
                    accepted += 1;
                    assert!(cut == picture, "{name} cut to {keep} of {}", whole.len());
                }
            }
        }
    }
    eprintln!("{refused} files were refused, {accepted} were complete");
    assert!(refused > 10 * accepted);
}

#[test]
fn changed_bytes_never_panic() {
    let (mut opened, mut refused) = (0, 0);
    for name in good_files() {
        let whole = std::fs::read(picture_file(&name)).unwrap();
        let count = tries(60, 20 * whole.len());
        let noise = level(&name, count * 5);
        for noise in noise.as_chunks::<5>().0 {
            let mut bytes = whole.clone();
            // Change one byte, or two.
            for at in noise[..4].as_chunks::<2>().0 {
                let at = usize::from(u16::from_le_bytes(*at));
                if at < 50_000 {
                    let at = at % bytes.len();
                    bytes[at] ^= noise[4] | 1;
                }
            }
            match Image::decode(&bytes) {
                Ok(picture) => {
                    let pixels = u64::from(picture.width()) * u64::from(picture.height());
                    assert!((1..=Image::MAX_PIXELS).contains(&pixels));
                    opened += 1;
                }
                Err(error) => {
                    assert!(!explain(&error).contains('\n'), "{error}");
                    refused += 1;
                }
            }
        }
    }
    eprintln!("{refused} files were refused, {opened} still opened");
    assert!(opened > 0 && refused > 0);
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &std::path::Path| {
        let error = Image::open(path).unwrap_err();
        assert!(matches!(error, EncodeError::Io { .. }), "{error}");
        explain(&error)
    };
    let text = refused(&dir.path().join("no-such.jpg"));
    assert!(text.contains("no-such.jpg"), "{text}");
    let text = refused(dir.path());
    assert!(text.contains("a folder"), "{text}");
    #[cfg(unix)]
    {
        // Opening a pipe without a writer would block forever.
        let pipe = dir.path().join("pipe.jpg");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let socket = dir.path().join("socket.jpg");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&pipe, &socket, std::path::Path::new("/dev/zero")] {
            let text = refused(path);
            assert!(text.contains("a pipe, device or socket"), "{text}");
        }
        // A link to a picture is opened like the picture.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(picture_file("rgb.png"), &link).unwrap();
        Image::open(&link).unwrap();
    }
}
