//! What a scene is painted on: light without bounds, which a camera then makes a picture of.

use super::View;
use super::random::Random;
use crate::grey::gaussian;
use crate::image::{Rgb, Size};

/// Red, green and blue in levels of 255, which may be above.
pub(super) type Light = [f32; 3];

/// Light in each pixel.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    view: View,
    size: Size,
    values: Vec<f32>,
}

impl Canvas {
    /// What a camera with this view sees of a scene that is `light` at each of its points.
    pub(super) fn new(view: View, size: Size, light: impl Fn([f32; 2]) -> Light) -> Self {
        let scene = view.scene(size);
        let mut values = Vec::with_capacity(size.pixels() * 3);
        for at in 0..size.pixels() {
            let point = [(at % size.width()) as f32, (at / size.width()) as f32];
            values.extend(light(scene.at(point)));
        }
        Self { view: view.checked(), size, values }
    }

    /// Paints something that lies within `reach` of a point of the scene. `paint` gives the light at a point of the
    /// scene, and how far that is outside of what is painted, both in the scene's pixels; the edge is antialiased.
    pub(super) fn paint(
        &mut self,
        centre: [f32; 2],
        reach: f32,
        paint: impl Fn([f32; 2]) -> (Light, f32),
    ) {
        let (view, size) = (self.view, self.size);
        let (scene, middle) = (view.scene(size), view.picture(size).at(centre));
        let reach = reach * view.scale + 1.0;
        let range = |at: f32, length: usize| {
            let end = |at: f32| at.clamp(0.0, length as f32) as usize;
            end(at - reach)..end((at + reach).ceil() + 1.0)
        };
        for y in range(middle[1], size.height()) {
            for x in range(middle[0], size.width()) {
                let (light, outside) = paint(scene.at([x as f32, y as f32]));
                let cover = (0.5 - outside * view.scale).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = &mut self.values[(y * size.width() + x) * 3..][..3];
                    for (value, light) in pixel.iter_mut().zip(light) {
                        *value += (light - *value) * cover;
                    }
                }
            }
        }
    }

    /// How many pixels of the picture one of the scene is.
    pub(super) fn scale(&self) -> f32 {
        self.view.scale
    }

    /// The picture that the camera makes of it; its noise is that of the seed.
    pub(super) fn picture(mut self, seed: u64) -> Rgb<'static> {
        let view = self.view;
        gaussian(&mut self.values, self.size, 3, view.blur);
        let factors = view.balance.map(|it| it * view.gain);
        let mut random = Random::new(seed);
        let exposed = self.values.iter().zip(factors.iter().cycle());
        let bytes: Vec<u8> = exposed
            .map(|(value, factor)| {
                let noise = if view.noise > 0.0 { view.noise * random.normal() } else { 0.0 };
                // The conversion rounds down, and cuts off what is out of range.
                (value * factor + noise + 0.5) as u8
            })
            .collect();
        Rgb::new(self.size, bytes).expect("three values were painted for each pixel")
    }
}
