//! See `pixelplay_fuzz::import_npy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixelplay_fuzz::import_npy(data));
