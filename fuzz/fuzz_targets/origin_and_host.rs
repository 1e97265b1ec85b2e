//! Looks for bytes that the entrance `origin_and_host` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("origin_and_host", bytes));
