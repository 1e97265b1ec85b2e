//! Pictures: encoded ones, of which the size is known and checked before anything is decoded, and their pixels.
//!
//! It knows no source, and what is in a picture is `vision`'s business.

pub mod jpeg;
mod png;

use bytes::Bytes;
use chadburn_sight::image::{Rgb, Size};
use jpeg_encoder::{ColorType, Encoder};
use thiserror::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_core::result::DecodingResult;
use zune_jpeg::JpegDecoder;
use zune_png::PngDecoder;

/// The largest picture, in bytes. A camera of 16 megapixels makes 6 MiB at its best quality.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Of what a decoder says no more is told, in characters.
const MAX_WORDS: usize = 200;

/// Of the pictures that we encode, 1 to 100.
const QUALITY: u8 = 85;

/// This size, unless it is none or has more pixels than we take.
fn size(width: u32, height: u32) -> Result<Size, BadPicture> {
    if width == 0 || height == 0 {
        return Err(BadPicture::Malformed);
    }
    let size = Size::new(width as usize, height as usize);
    size.map_err(|_| BadPicture::TooManyPixels { width, height })
}

/// Why some bytes are no picture that we take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadPicture {
    /// It has more bytes than we take.
    #[error("a picture is larger than 8 MiB")]
    TooLarge,
    /// It has more pixels than we take.
    #[error("a picture of {width} x {height} pixels is larger than 16 million")]
    TooManyPixels {
        /// As its header says.
        width: u32,
        /// The same.
        height: u32,
    },
    /// Decoding it would take too long.
    #[error("a picture has more than 64 scans")]
    TooManyScans,
    /// It has no form that we know.
    #[error("a picture is neither JPEG nor PNG")]
    Unknown,
    /// Its end is missing.
    #[error("a picture is cut short")]
    Truncated,
    /// Its form is wrong.
    #[error("a picture is malformed")]
    Malformed,
    /// The decoder says what is wrong.
    #[error("a picture cannot be decoded: {0}")]
    Undecodable(String),
}

/// How a picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// An encoded picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// As it came.
    pub bytes: Bytes,
    /// How it is encoded.
    pub format: Format,
    /// What its header says.
    pub size: Size,
}

impl Picture {
    /// The picture that these bytes are, judged by its header. What stands behind its end is cut off.
    pub fn new(bytes: Bytes) -> Result<Self, BadPicture> {
        if bytes.len() > MAX_BYTES {
            return Err(BadPicture::TooLarge);
        }
        if bytes.starts_with(png::SIGNATURE) {
            let (size, _) = png::judged(&bytes)?;
            return Ok(Self { bytes, format: Format::Png, size });
        }
        if !bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err(BadPicture::Unknown);
        }
        let mut splitter = jpeg::Splitter::default();
        splitter.push(&bytes);
        let (bytes, size) = splitter.next().ok_or(BadPicture::Truncated)??;
        Ok(Self::jpeg(bytes, size))
    }

    /// A JPEG that was found in a stream.
    #[must_use]
    pub fn jpeg(bytes: Bytes, size: Size) -> Self {
        Self { bytes, format: Format::Jpeg, size }
    }

    /// Its pixels.
    pub fn decode(&self) -> Result<Rgb<'static>, BadPicture> {
        let why = |error: &dyn std::fmt::Debug| {
            let words = format!("{error:?}").replace(char::is_control, " ");
            BadPicture::Undecodable(words.trim().chars().take(MAX_WORDS).collect())
        };
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .jpeg_set_out_colorspace(ColorSpace::RGB)
            .png_set_strip_to_8bit(true);
        let ((width, height), colours, pixels) = match self.format {
            Format::Jpeg => {
                let mut decoder =
                    JpegDecoder::new_with_options(ZCursor::new(&self.bytes[..]), options);
                let pixels = decoder.decode().map_err(|error| why(&error))?;
                let size = decoder.dimensions().ok_or(BadPicture::Malformed)?;
                (size, decoder.output_colorspace(), pixels)
            }
            Format::Png => {
                let (_, needed) = png::judged(&self.bytes)?;
                let mut decoder = PngDecoder::new_with_options(ZCursor::new(&needed[..]), options);
                let DecodingResult::U8(pixels) = decoder.decode().map_err(|error| why(&error))?
                else {
                    return Err(BadPicture::Malformed);
                };
                let size = decoder.dimensions().ok_or(BadPicture::Malformed)?;
                (size, decoder.colorspace(), pixels)
            }
        };
        if (width, height) != (self.size.width(), self.size.height()) {
            return Err(BadPicture::Malformed);
        }
        let rgb = coloured(pixels, colours).ok_or(BadPicture::Malformed)?;
        Rgb::new(self.size, rgb).map_err(|_| BadPicture::Malformed)
    }

    /// A JPEG of these pixels.
    #[must_use]
    pub fn encode(image: &Rgb) -> Self {
        let (mut bytes, size) = (Vec::new(), image.size());
        let short = |pixels| u16::try_from(pixels).expect("`Size` is within what a JPEG can have");
        let (width, height) = (short(size.width()), short(size.height()));
        let encoder = Encoder::new(&mut bytes, QUALITY);
        let done = encoder.encode(image.bytes(), width, height, ColorType::Rgb);
        done.expect("memory can be written");
        Self::jpeg(bytes.into(), size)
    }
}

/// Three bytes a pixel of whatever there is; without transparency, which no camera has.
fn coloured(pixels: Vec<u8>, colours: Option<ColorSpace>) -> Option<Vec<u8>> {
    let kept = match colours? {
        ColorSpace::RGB => return Some(pixels),
        ColorSpace::Luma => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
        ColorSpace::LumaA => pixels.chunks_exact(2).flat_map(|it| [it[0]; 3]).collect(),
        ColorSpace::RGBA => pixels.chunks_exact(4).flat_map(|it| [it[0], it[1], it[2]]).collect(),
        _ => return None,
    };
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seeds of the noise, which other programs have made: 24 × 16 pixels, brighter to the right.
    const SEEDS: [&[u8]; 9] = [
        include_bytes!("../../../fuzz/seeds/picture/jpeg"),
        include_bytes!("../../../fuzz/seeds/picture/jpeg_grey"),
        include_bytes!("../../../fuzz/seeds/picture/jpeg_in_scans"),
        include_bytes!("../../../fuzz/seeds/picture/jpeg_of_inks"),
        include_bytes!("../../../fuzz/seeds/picture/png"),
        include_bytes!("../../../fuzz/seeds/picture/png_grey"),
        include_bytes!("../../../fuzz/seeds/picture/png_of_a_palette"),
        include_bytes!("../../../fuzz/seeds/picture/png_see_through"),
        include_bytes!("../../../fuzz/seeds/picture/png_with_a_bomb"),
    ];

    #[test]
    fn every_usual_form_has_its_pixels() {
        for (at, seed) in SEEDS.into_iter().enumerate() {
            let picture = Picture::new(Bytes::from_static(seed)).unwrap();
            let pixels = picture.decode().unwrap_or_else(|why| panic!("the seed {at}: {why}"));
            assert_eq!((pixels.size().width(), pixels.size().height()), (24, 16), "the seed {at}");
            let level = |x| pixels.pixel(x, 0).map(u32::from).iter().sum::<u32>();
            assert!(level(22) > level(1) + 100, "the seed {at}: {} {}", level(1), level(22));
        }
    }

    #[test]
    fn what_is_encoded_is_a_picture_of_these_pixels() {
        let size = Size::new(33, 17).unwrap();
        let picture = Picture::encode(&Rgb::filled(size, [200, 60, 20]));
        assert_eq!(Picture::new(picture.bytes.clone()).unwrap().size, size);
        let pixels = picture.decode().unwrap();
        let off = |at: usize| pixels.pixel(16, 8)[at].abs_diff([200, 60, 20][at]);
        assert!((0..3).all(|at| off(at) < 8), "{:?}", pixels.pixel(16, 8));
    }
}
