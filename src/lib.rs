//! Chadburn makes a file a live wire: its change reaches every open panel at once, and somebody
//! answers.
pub mod cli;
pub mod clock;
pub mod dial_file;
pub mod hub;
pub mod log;
pub mod owner;
pub mod policy;
pub mod session;
pub mod signals;
pub mod systemd;
pub mod telegraph;
pub mod wire;
pub mod writing;
