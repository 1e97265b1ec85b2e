//! Looks for bytes that the entrance `status_bytes` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("status_bytes", bytes));
