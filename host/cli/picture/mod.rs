//! Pictures: SVG that is readable on light and on dark pages.
//!
//! Each colour has a second one for dark pages, which a style sheet in the picture puts in its place there.
//! The background is the page's.

mod lines;
mod matrix;

pub(super) use lines::{LinePanel, Scale, Series, lines};
pub(super) use matrix::{Cell, Matrix};

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::fault::{Fault, Result};

/// A colour on light pages, and its counterpart on dark ones.
#[derive(Clone, Copy)]
struct Colour {
    light: RGBColor,
    dark: RGBColor,
}

const fn colour(light: u32, dark: u32) -> Colour {
    const fn rgb(hex: u32) -> RGBColor {
        let [_, red, green, blue] = hex.to_be_bytes();
        RGBColor(red, green, blue)
    }
    Colour { light: rgb(light), dark: rgb(dark) }
}

const TEXT: Colour = colour(0x1F2328, 0xE6EDF3);
const MUTED: Colour = colour(0x59636E, 0x9198A1);
/// Text on a full colour.
const INVERSE: Colour = colour(0xFFFFFF, 0x0D1117);
const GRID: Colour = colour(0xD1D9E0, 0x3D444D);

/// Colours that are told apart by readers who see fewer: those of Okabe and Ito, darker or lighter as the
/// page needs.
const SERIES: [Colour; 6] = [
    colour(0x0072B2, 0x56B4E9),
    colour(0xD55E00, 0xFF8F4A),
    colour(0x008F68, 0x3DD1A4),
    colour(0xA2528F, 0xE29BCB),
    colour(0x9A7000, 0xF0C94A),
    colour(0x6E7781, 0xB1BAC4),
];

/// Heights of texts, in pixels.
const FONT: i32 = 13;
const TITLE_FONT: i32 = 14;

/// Mean width of a character, in heights of its font. What counts is that no label is longer.
const CHARACTER: f64 = 0.58;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<T = ()> = std::result::Result<T, DrawingAreaErrorKind<std::io::Error>>;

/// Draws a picture of this size, and returns its SVG.
fn draw(title: &str, size: (u32, u32), draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let drawn = draw(&canvas).and_then(|()| canvas.present());
    drop(canvas);
    drawn.map_err(|error| Fault::trouble(format!("cannot draw: {error}")))?;
    let (head, body) = svg.split_once(">\n").unwrap_or_default();
    let title = callbox::escape(title).replace('&', "&amp;").replace('<', "&lt;");
    Ok(format!("{head} role=\"img\">\n<title>{title}</title>\n<style>{}</style>\n{body}", dark()))
}

/// Returns the style sheet that puts the colours of dark pages in place of the others.
fn dark() -> String {
    let hex = |RGBColor(red, green, blue): RGBColor| format!("#{red:02X}{green:02X}{blue:02X}");
    let mut rules = String::new();
    for Colour { light, dark } in [TEXT, MUTED, INVERSE, GRID].into_iter().chain(SERIES) {
        for property in ["fill", "stroke"] {
            // Writing to a `String` cannot fail.
            let _ = write!(rules, "[{property}=\"{}\"]{{{property}:{}}}", hex(light), hex(dark));
        }
    }
    format!("@media (prefers-color-scheme: dark){{{rules}}}")
}

/// Returns the style of a text whose height is `font`, left of its place and in the middle of it.
fn text(font: i32, colour: Colour) -> TextStyle<'static> {
    // The backend divides heights by a constant of its own.
    let font = FontDesc::from(("sans-serif", f64::from(font) * 1.24));
    TextStyle { font, color: colour.light.to_backend_color(), pos: Pos::new(HPos::Left, VPos::Center) }
}

/// Returns the width that a text surely has room in, in pixels.
fn width(text: &str) -> i32 {
    (text.chars().count() as f64 * f64::from(FONT) * CHARACTER).ceil() as i32
}
