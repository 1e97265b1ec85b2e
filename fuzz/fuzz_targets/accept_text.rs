//! Looks for bytes that the entrance `accept_text` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("accept_text", bytes));
