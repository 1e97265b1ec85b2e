//! The ball: how far off its centre is found, and how long decoding and finding take, here and with OpenCV.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use chadburn_sight::circle::{Circle, Search};
use chadburn_sight::grey::Grey;
use chadburn_sight::image::Size;
use chadburn_sight::scene::View;
use chadburn_sight::scene::ball::{self, Ball};
use jpeg_encoder::{ColorType, Encoder};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Result, hold, script};

/// After so many pictures it is the other's turn, so that a busy machine is busy for both.
const ROUND: usize = 500;

/// What a JPEG keeps: a usual setting of cameras.
const QUALITY: u8 = 90;

/// The flight.
const SEED: u64 = 1875;

/// How a camera sees it: a little noise, a little soft.
const VIEW: View = View {
    gain: 1.0,
    balance: [1.0; 3],
    noise: 2.0,
    blur: 0.5,
    scale: 1.0,
    rotation: 0.0,
    covered: 0.0,
};

/// What was found in one picture, and after how many microseconds.
type Find = (Option<[f32; 3]>, f32);

pub(super) fn measure(python: &Path, frames: usize) -> Result<Vec<String>> {
    let place = std::env::temp_dir().join(format!("chadburn-sight-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let measured = rounds(python, frames, &place.join("frames"));
    fs::remove_dir_all(&place)?;
    let (truth, ours, theirs) = measured?;
    let (ours, theirs) = (Figures::of(&truth, &ours), Figures::of(&truth, &theirs));
    println!("| the ball, {frames} pictures | this crate | OpenCV |\n|:--|--:|--:|");
    let row = |name: &str, of: fn(&Figures) -> String| {
        println!("| {name} | {} | {} |", of(&ours), of(&theirs));
    };
    row("not found", |it| it.misses.to_string());
    row("mean L1, px", |it| format!("{:.4}", it.mean));
    row("mean L1 without the mean offset, px", |it| format!("{:.4}", it.straight));
    row("99th percentile of L1, px", |it| format!("{:.4}", it.p99));
    row("largest L1, px", |it| format!("{:.4}", it.largest));
    row("mean error of the radius, px", |it| format!("{:.4}", it.radius));
    row("decode and find, median µs", |it| format!("{:.0}", it.median));
    println!();
    let mut missed = Vec::new();
    hold(&mut missed, ours.misses == 0, "no miss of the ball");
    hold(&mut missed, ours.mean <= 0.2, "mean L1 of 0.2 px");
    hold(&mut missed, ours.mean <= 0.2 * theirs.straight, "a fifth of OpenCV's mean L1");
    hold(&mut missed, ours.median <= 0.5 * theirs.median, "half of OpenCV's time");
    Ok(missed)
}

/// Both have the same pictures, in turns.
fn rounds(
    python: &Path,
    frames: usize,
    file: &Path,
) -> Result<(Vec<Circle>, Vec<Find>, Vec<Find>)> {
    let (mut truth, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let mut ball = Ball::new(SEED);
    let search = Search::new(10.0, 40.0)?.most(1);
    while truth.len() < frames {
        let circles: Vec<_> = ball.by_ref().take(ROUND.min(frames - truth.len())).collect();
        let mut pictures = Vec::new();
        for circle in &circles {
            pictures.push(jpeg(circle, truth.len() as u64)?);
            truth.push(*circle);
        }
        for picture in &pictures {
            let start = Instant::now();
            let found = search.find(&decoded(picture)?);
            let micros = start.elapsed().as_secs_f32() * 1e6;
            ours.push((found.first().map(|it| [it.x, it.y, it.r]), micros));
        }
        let with_lengths =
            pictures.iter().flat_map(|it| [&(it.len() as u32).to_be_bytes()[..], it].concat());
        fs::write(file, with_lengths.collect::<Vec<_>>())?;
        theirs.extend(opencv(python, file)?);
    }
    Ok((truth, ours, theirs))
}

/// A picture of the ball as a camera sends it.
fn jpeg(ball: &Circle, seed: u64) -> Result<Vec<u8>> {
    let picture = ball::render(ball, &VIEW, seed);
    let mut bytes = Vec::new();
    let (width, height) = (ball::SIZE.width() as u16, ball::SIZE.height() as u16);
    Encoder::new(&mut bytes, QUALITY).encode(picture.bytes(), width, height, ColorType::Rgb)?;
    Ok(bytes)
}

/// Its brightness, which is what a JPEG has first.
fn decoded(bytes: &[u8]) -> Result<Grey<'static>> {
    let options = DecoderOptions::new_fast().jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode()?;
    let (width, height) = decoder.dimensions().ok_or("a picture without a size")?;
    Ok(Grey::new(Size::new(width, height)?, pixels)?)
}

/// What OpenCV finds in these pictures.
fn opencv(python: &Path, file: &Path) -> Result<Vec<Find>> {
    let output = Command::new(python).arg(script("hough.py")).arg(file).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut finds = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let numbers =
            line.split(' ').map(str::parse).collect::<std::result::Result<Vec<_>, _>>()?;
        finds.push(match numbers[..] {
            [x, y, r, micros] => (Some([x, y, r]), micros),
            [micros] => (None, micros),
            _ => return Err(format!("OpenCV said {line:?}").into()),
        });
    }
    Ok(finds)
}

/// What is told of one finder.
struct Figures {
    misses: usize,
    mean: f32,
    straight: f32,
    p99: f32,
    largest: f32,
    radius: f32,
    /// Of the time for one picture, in microseconds: what others took of the machine is in the mean.
    median: f32,
}

impl Figures {
    fn of(truth: &[Circle], finds: &[Find]) -> Self {
        let found = truth
            .iter()
            .zip(finds)
            .filter_map(|(it, find)| find.0.map(|[x, y, r]| [x - it.x, y - it.y, r - it.r]));
        let off: Vec<_> = found.collect();
        let mean = |values: &mut dyn Iterator<Item = f32>| values.sum::<f32>() / off.len() as f32;
        let offset = [0, 1].map(|side| mean(&mut off.iter().map(|it| it[side])));
        let mut l1: Vec<_> = off.iter().map(|it| it[0].abs() + it[1].abs()).collect();
        l1.sort_by(f32::total_cmp);
        let straight = |it: &[f32; 3]| (it[0] - offset[0]).abs() + (it[1] - offset[1]).abs();
        let mut micros: Vec<_> = finds.iter().map(|it| it.1).collect();
        micros.sort_by(f32::total_cmp);
        Self {
            misses: truth.len() - off.len(),
            mean: mean(&mut l1.iter().copied()),
            straight: mean(&mut off.iter().map(straight)),
            p99: l1.get(l1.len() * 99 / 100).copied().unwrap_or(f32::NAN),
            largest: l1.last().copied().unwrap_or(f32::NAN),
            radius: mean(&mut off.iter().map(|it| it[2].abs())),
            median: micros.get(micros.len() / 2).copied().unwrap_or(f32::NAN),
        }
    }
}
