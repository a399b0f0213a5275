#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| skyswitch_fuzz::strike("destination", data));
