//! See `pixelplay_fuzz::read_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixelplay_fuzz::read_answer(data));
