//! See `pixelplay_fuzz::open_index`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixelplay_fuzz::open_index(data));
