//! The `chadburn` program.

fn main() {}
