//! A camera that reads what nobody has wired, and the relay between cameras and those who watch them.
//!
//! [`wire`] are the messages between a camera's processor, the relay and its clients; [`relay`] is what passes them on;
//! [`websocket`] is how they travel, and [`access`] says who may come.

pub mod access;
pub mod relay;
pub mod websocket;
pub mod wire;
