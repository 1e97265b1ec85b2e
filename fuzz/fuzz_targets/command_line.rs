//! Looks for bytes that the entrance `command_line` does not stand.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrances::enter("command_line", bytes));
