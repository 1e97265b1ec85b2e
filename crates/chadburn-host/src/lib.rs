//! What each of Chadburn's programs needs of its machine.
//!
//! [`log`] writes lines that never make anybody wait, [`signals`] says when a program shall end,
//! [`systemd`] tells the service manager how things are, [`terminal`] what letters and signs the output may
//! have, [`token_file`] reads a secret that nobody
//! else may know. Nothing here knows orders, stations or HTTP.

pub mod lines;
pub mod log;
pub mod process_groups;
pub mod secret;
pub mod signals;
pub mod systemd;
pub mod terminal;
pub mod token_file;
