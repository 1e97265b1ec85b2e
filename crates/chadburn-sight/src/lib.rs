#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "geometry: coordinates are bounded by `Size`, and are called x and y"
)]

pub mod image;

pub mod grey;

pub mod circle;

pub mod blob;

pub mod track;

pub mod feature;

pub mod draw;

pub mod scene;
