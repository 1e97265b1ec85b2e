//! A camera that reads what nobody has wired, and the relay between cameras and those who watch them.
//!
//! [`read`] is the camera's side: a [`source`] brings a [`picture`], [`vision`] finds what is in it, [`frames`] holds
//! the newest for all, [`health`] judges how the source is, [`page`] shows it, and [`link`] tells an orchestrator.
//! [`scene`] is a source without a camera. [`relay`] passes on between cameras and clients what is seen and what is to
//! be tracked. [`wire`] are their messages, [`websocket`] is how these travel, and [`access`] says who may come.

pub mod read;

pub mod page;

pub mod link;

pub mod frames;

pub mod vision;

pub mod health;

pub mod source;

pub mod scene;

pub mod picture;

pub mod relay;

pub mod access;

pub mod websocket;

mod metrics;

pub mod wire;
