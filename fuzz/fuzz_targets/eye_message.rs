//! Looks for bytes that the entrance `eye_message` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("eye_message", bytes));
