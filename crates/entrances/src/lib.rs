//! Every entrance by which bytes from elsewhere get into a telegraph, each as one function of any
//! bytes that panics if something happens that must not.
//!
//! `tests/noise.rs` sends seeded noise through all of them, on stable and always; `fuzz/` has
//! libFuzzer look for more. Neither knows more of an entrance than its name.

mod camera;
mod dial;
mod eye;
mod frames;
mod json;
mod line;
mod status;
mod text;
mod visit;
mod words;

/// An entrance: any bytes may come.
pub type Entrance = fn(&[u8]);

/// All of them, by the name of their seeds in `fuzz/seeds` and of their target in `fuzz`.
pub const ALL: [(&str, Entrance); 14] = [
    ("frames", frames::enter),
    ("text_command", text::enter),
    ("json_message", json::enter),
    ("status_bytes", status::enter),
    ("origin_and_host", visit::enter),
    ("accept_text", text::accept),
    ("serial_line", line::enter),
    ("dial_file", dial::enter),
    ("command_line", words::enter),
    ("eye_message", eye::message),
    ("relay_lines", eye::lines),
    ("camera_stream", camera::stream),
    ("picture", camera::picture),
    ("camera_address", camera::address),
];

/// Sends these bytes through the entrance of this name.
///
/// # Panics
/// If there is none, or if something does not hold.
pub fn enter(name: &str, bytes: &[u8]) {
    let entrance = ALL.iter().find(|(other, _)| *other == name);
    entrance.unwrap_or_else(|| panic!("there is no entrance {name:?}")).1(bytes);
}
