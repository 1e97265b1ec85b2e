//! Looks for bytes that the entrance `text_command` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("text_command", bytes));
