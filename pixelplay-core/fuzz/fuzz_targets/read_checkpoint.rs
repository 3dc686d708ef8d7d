//! See `pixelplay_fuzz::read_checkpoint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixelplay_fuzz::read_checkpoint(data));
