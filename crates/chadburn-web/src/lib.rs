//! What each of Chadburn's web pages stands on.
//!
//! [`limits`] says how much one address may take and [`seats`] how many connections the process can
//! afford, [`address`] reads `Host` and `Origin`, [`owner`] knows whose socket a local peer is,
//! [`assets`] finds a page's files, [`problem`] says what went wrong. Nothing here knows orders or
//! stations.

pub mod address;
pub mod assets;
pub mod body;
pub mod door;
pub mod gzip;
pub mod headers;
pub mod limits;
pub mod lists;
pub mod owner;
pub mod problem;
pub mod query;
pub mod seats;
pub mod socket;
pub mod workers;
