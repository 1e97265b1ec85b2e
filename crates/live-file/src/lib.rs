//! A file that is never torn and never missed.
//!
//! [`source`] watches a file that others write and tells each completed writing of it; [`accept`]
//! writes one whole and durably, by one process at a time ([`lock`]). [`disk`] keeps what waits for a disk from waiting for ever,
//! [`resolve`] follows links of those whose links may be followed.

pub mod acl;
pub mod disk;
pub mod durable;
pub mod format;
pub mod lock;
pub mod plain;
pub mod resolve;
pub mod source;
pub mod user;
pub mod writing;
