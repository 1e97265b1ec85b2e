//! `chadburn-eye read` as a process, over loopback: its sources, good and bad ones, its page, and its link.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad;
mod camera;
mod eye;
mod orchestrator;
mod page;
mod rtsp;
mod sources;
