//! Chadburn makes a file a live wire: its change reaches every open panel at once, and somebody
//! answers.
pub mod clock;
pub mod hub;
pub mod owner;
pub mod policy;
pub mod session;
pub mod telegraph;
pub mod wire;
pub mod writing;
