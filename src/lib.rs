//! Chadburn makes a file a live wire: its change reaches every open panel at once, and somebody
//! answers.
pub mod accept;
pub mod source;
pub mod writing;
