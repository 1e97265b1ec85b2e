#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

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

pub use durable::DurableFile;
pub use format::{Format, Refused};
pub use source::{Options, Pool, Source, Survey, WatchMode, survey, watch};
pub use writing::{Condition, Health, Report, Stamp, Writing};
