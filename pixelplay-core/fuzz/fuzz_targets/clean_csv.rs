//! See `pixelplay_fuzz::clean_csv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixelplay_fuzz::clean_csv(data));
