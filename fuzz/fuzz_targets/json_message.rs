//! Looks for bytes that the entrance `json_message` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("json_message", bytes));
