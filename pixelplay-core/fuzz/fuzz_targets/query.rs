//! See `pixelplay_fuzz::query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixelplay_fuzz::query(data));
