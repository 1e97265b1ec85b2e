//! Looks for bytes that the entrance `serial_line` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("serial_line", bytes));
