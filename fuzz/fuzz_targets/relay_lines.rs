//! Looks for bytes that the entrance `relay_lines` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("relay_lines", bytes));
