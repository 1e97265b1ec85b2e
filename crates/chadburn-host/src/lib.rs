//! What each of Chadburn's programs needs of its machine.
//!
//! [`log`] writes lines without ever blocking its callers, [`signals`] reports when a program shall end,
//! [`process_groups`] signals the children of a command, [`systemd`] notifies the service manager,
//! [`terminal`] knows what letters and signs the output may have, [`csv`] makes cells that are no formula,
//! [`token_file`] reads a secret that nobody else may know, [`backoff`] says how long to wait after a loss. Nothing here knows orders, stations or HTTP.

pub mod backoff;
pub mod csv;
pub mod lines;
pub mod log;
pub mod process_groups;
pub mod secret;
pub mod signals;
pub mod systemd;
pub mod terminal;
pub mod token_file;
