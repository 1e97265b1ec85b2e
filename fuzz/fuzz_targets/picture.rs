//! Looks for bytes that the entrance `picture` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("picture", bytes));
