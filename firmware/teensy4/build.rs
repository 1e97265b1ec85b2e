//! Chooses the linker script, which the board's support crate brings, so that nobody has to set
//! flags.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Tt4link.x");
    println!("cargo:rerun-if-changed=build.rs");
}
