//! Looks for bytes that the entrance `dial_file` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("dial_file", bytes));
