//! Looks for bytes that the entrance `camera_address` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("camera_address", bytes));
