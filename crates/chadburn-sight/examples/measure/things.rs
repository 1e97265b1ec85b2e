//! Things seen again: how often the most alike is the right one, and how many are found, on pictures of an independent
//! renderer.

use std::fs;
use std::path::Path;
use std::process::Command;

use chadburn_sight::feature::matcher::ALIKE;
use chadburn_sight::feature::{Balance, FeatureMap, Looks};
use chadburn_sight::image::{Rect, Rgb, Size};

use super::{Result, hold, script};

/// The renderer's seeds.
const SEEDS: [u32; 3] = [1, 2, 3];

/// Between which cameras things are looked for: where they were begun, and where they are seen.
const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

/// How each camera sees each thing, in each of its pictures.
type Seen = Vec<Vec<Vec<Looks>>>;

pub(super) fn measure(python: &Path) -> Result<Vec<String>> {
    let mut all: Vec<Figures> = PAIRS.iter().map(|_| Figures::default()).collect();
    for seed in SEEDS {
        let file =
            std::env::temp_dir().join(format!("chadburn-sight-{}-{seed}", std::process::id()));
        let made =
            Command::new(python).arg(script("things.py")).arg(&file).arg(seed.to_string()).status();
        let bytes = fs::read(&file);
        fs::remove_file(&file)?;
        if !made?.success() {
            return Err("the renderer of things failed".into());
        }
        let seen = read(&bytes?)?;
        for (figures, (from, to)) in all.iter_mut().zip(PAIRS) {
            figures.add(&seen[from], &seen[to]);
        }
    }
    println!(
        "| cameras | first is right | found at 1 % false | found by the rule | false by the rule |"
    );
    println!("|:--|--:|--:|--:|--:|");
    let mut missed = Vec::new();
    let mut whole = Figures::default();
    for (figures, (from, to)) in all.into_iter().zip(PAIRS) {
        figures.print(&format!("{from} to {to}"));
        whole.merge(figures);
    }
    whole.print("all");
    hold(&mut missed, whole.first() >= 0.95, "the most alike is the right one in 95 %");
    hold(&mut missed, whole.found_at(whole.threshold(0.01)) >= 0.85, "85 % found at 1 % false");
    println!();
    Ok(missed)
}

/// What is counted of things that are looked for.
#[derive(Default)]
struct Figures {
    /// How often the most alike was the right one, of how many.
    right: (usize, usize),
    /// How alike the same things are.
    same: Vec<f32>,
    /// How alike others are.
    others: Vec<f32>,
}

impl Figures {
    /// Looks for each thing that one camera sees among those that another does.
    fn add(&mut self, from: &[Vec<Looks>], to: &[Vec<Looks>]) {
        for (thing, looks) in from.iter().enumerate() {
            let wanted = FeatureMap::mean(looks.iter().map(Looks::upright)).expect("it is seen");
            let alike: Vec<_> = to.iter().map(|looks| Looks::alike(looks, &wanted)).collect();
            let is_first = alike.iter().all(|it| *it <= alike[thing]);
            self.right = (self.right.0 + usize::from(is_first), self.right.1 + 1);
            for (other, alike) in alike.into_iter().enumerate() {
                if other == thing { &mut self.same } else { &mut self.others }.push(alike);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.right = (self.right.0 + other.right.0, self.right.1 + other.right.1);
        self.same.extend(other.same);
        self.others.extend(other.others);
    }

    fn first(&self) -> f32 {
        self.right.0 as f32 / self.right.1 as f32
    }

    /// How alike this share of the others is at least.
    fn threshold(&self, share: f32) -> f32 {
        let mut sorted = self.others.clone();
        sorted.sort_by(f32::total_cmp);
        sorted[((1.0 - share) * (sorted.len() - 1) as f32) as usize]
    }

    fn found_at(&self, threshold: f32) -> f32 {
        share_above(&self.same, threshold)
    }

    fn print(&self, name: &str) {
        let percent = |share: f32| format!("{:.1} %", share * 100.0);
        let threshold = self.threshold(0.01);
        println!(
            "| {name} | {} | {} (above {threshold:.3}) | {} | {} |",
            percent(self.first()),
            percent(self.found_at(threshold)),
            percent(self.found_at(ALIKE)),
            percent(share_above(&self.others, ALIKE)),
        );
    }
}

fn share_above(values: &[f32], threshold: f32) -> f32 {
    values.iter().filter(|it| **it > threshold).count() as f32 / values.len() as f32
}

/// Reads what the renderer wrote.
fn read(bytes: &[u8]) -> Result<Seen> {
    let mut seen: Seen = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let [width, height, camera, things] = number_of(&mut rest)?;
        let mut boxes = Vec::new();
        for _ in 0..things {
            let [thing] = number_of(&mut rest)?;
            let mut corners = [0.0; 4];
            for corner in &mut corners {
                *corner = f32::from_be_bytes(take(&mut rest)?);
            }
            boxes.push((thing, Rect::new(corners).ok_or("a box outside of the picture")?));
        }
        let size = Size::new(width, height)?;
        let (pixels, after) = rest.split_at_checked(size.pixels() * 3).ok_or("half a picture")?;
        rest = after;
        let picture = Rgb::new(size, pixels)?;
        let balance = Balance::of(&picture);
        for (thing, rect) in boxes {
            let needed = camera.max(seen.len().saturating_sub(1)) + 1;
            seen.resize_with(needed, Vec::new);
            let things = &mut seen[camera];
            things.resize_with(things.len().max(thing + 1), Vec::new);
            things[thing].push(Looks::of(&picture, rect, &balance));
        }
    }
    Ok(seen)
}

/// The next numbers of two bytes.
fn number_of<const N: usize>(rest: &mut &[u8]) -> Result<[usize; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = usize::from(u16::from_be_bytes(take(rest)?));
    }
    Ok(numbers)
}

/// The next bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk().ok_or("half a number")?;
    *rest = after;
    Ok(*bytes)
}
