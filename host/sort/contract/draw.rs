//! Values that are drawn for the form of a comparator's elements: those at the edges, and random ones.

use super::form::{Field, Form, Number};
use crate::native::Random;

/// Number of random values.
const RANDOM_VALUES: usize = 32;

/// Maximum number of values at the edges.
const MAX_EDGES: usize = 96;

/// Length of the prefix that long runs have in common.
const LONG: usize = 100;

/// Texts at the edges of the orders that lines have: empty, prefixes of each other, NUL, blanks, digits with
/// zeros before them, signs, versions, letters in both cases.
const TEXTS: [&str; 52] = [
    "", "a", "b", "ab", "abc", "A", "B", "Ab", "aB", "AB", "0", "1", "2", "9", "10", "99", "00", "01", "001",
    "010", "-1", "-0", "+1", "1.5", "1.50", ".5", "1e3", "0x1p4", "2K", "a1", "a01", "a2", "a10", "v1.9",
    "v1.10", "1.2.3", "1.2.3-a", "10.0.0.1", "Jan", "feb", "inf", "nan", " ", " a", "a ", "\t", "z", "Z",
    "_", "~", "\0", "a\0",
];

/// Bytes that are no text, or none of ASCII: high ones, UTF-8 that is cut or of a surrogate, letters that
/// look alike.
const BYTES: [&[u8]; 10] = [
    b"a\0b",
    b"\x80",
    b"\xff",
    b"\xff\xff",
    b"\xc3",
    b"\xc3\xa9",
    b"e\xcc\x81",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"a\xff",
];

/// The least subnormal and the least normal number, the largest finite one, NaNs with a payload, a quiet and
/// a signaling one, and negative numbers.
const F32_PATTERNS: [u64; 7] =
    [1, 0x0080_0000, 0x7f7f_ffff, 0x7fc0_0001, 0x7f80_0001, 0x8000_0001, 0xff7f_ffff];
const F64_PATTERNS: [u64; 7] = [
    1,
    0x0010_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff8_0000_0000_0001,
    0x7ff0_0000_0000_0001,
    0x8000_0000_0000_0001,
    0xffef_ffff_ffff_ffff,
];

/// Pieces of random runs.
const PIECES: [&[u8]; 16] = [
    b"a",
    b"b",
    b"B",
    b"0",
    b"1",
    b"9",
    b"10",
    b".",
    b"-",
    b" ",
    b"\t",
    b"Z",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"aaaa",
];

impl Form {
    /// Draws values, no two of the same bytes, the simplest first.
    pub(super) fn draw(&self, random: &mut Random) -> Vec<Vec<u8>> {
        let mut drawn = match self {
            Form::Runs { .. } => run_edges(),
            Form::Record { width, fields } => record_edges(*width, fields, random),
        };
        drawn.truncate(MAX_EDGES);
        drawn.extend((0..RANDOM_VALUES).map(|_| self.random(random)));
        if let Form::Runs { separator: Some(separator) } = self {
            drawn.retain(|value| !value.contains(separator));
        }
        let mut seen = std::collections::HashSet::new();
        drawn.retain(|value| seen.insert(value.clone()));
        drawn
    }

    fn random(&self, random: &mut Random) -> Vec<u8> {
        match self {
            Form::Runs { .. } => {
                let pieces = 1 + random.below(8);
                (0..pieces).flat_map(|_| PIECES[random.below(PIECES.len())]).copied().collect()
            }
            Form::Record { width, fields } => {
                let mut value = vec![0; *width];
                for field in fields {
                    field.set(&mut value, field.number.random(random));
                }
                value
            }
        }
    }
}

fn run_edges() -> Vec<Vec<u8>> {
    let mut edges: Vec<_> = TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect();
    edges.extend(BYTES.map(<[u8]>::to_vec));
    for (piece, ends) in [(b'a', ["", "a", "b", "B"]), (b'1', ["", "0", "1", "2"])] {
        edges.extend(ends.map(|end| [&[piece; LONG], end.as_bytes()].concat()));
    }
    edges.push([&[b'0'; LONG][..], b"1"].concat());
    edges
}

/// Returns elements with one number at an edge each, the others being 0, and elements with all at an edge.
fn record_edges(width: usize, fields: &[Field], random: &mut Random) -> Vec<Vec<u8>> {
    let zero = || {
        let mut value = vec![0; width];
        for field in fields {
            field.set(&mut value, field.number.edges()[0]);
        }
        value
    };
    let mut edges = vec![zero()];
    let byte = Number::Integer { width: 1, signed: false };
    if width > 1 && fields.iter().all(|field| field.number == byte) {
        edges.extend(text_records(width));
    }
    let most = (MAX_EDGES / fields.len().max(1)).max(2);
    for field in fields {
        for edge in field.number.edges().into_iter().take(most) {
            let mut value = zero();
            field.set(&mut value, edge);
            edges.push(value);
        }
    }
    if fields.len() > 1 {
        edges.truncate(MAX_EDGES / 2);
        edges.extend((0..MAX_EDGES / 2).map(|_| {
            let mut value = zero();
            for field in fields {
                let edges = field.number.edges();
                field.set(&mut value, edges[random.below(edges.len())]);
            }
            value
        }));
    }
    edges
}

/// Returns records of bytes that are short texts, with NULs or with blanks after them.
fn text_records(width: usize) -> impl Iterator<Item = Vec<u8>> {
    TEXTS.iter().enumerate().skip(1).take(MAX_EDGES / 4).map(move |(at, text)| {
        let mut record = text.as_bytes().to_vec();
        record.resize(width, if at % 4 == 0 { b' ' } else { 0 });
        record
    })
}

impl Number {
    /// Returns the bits of numbers at the edges, the simplest first.
    fn edges(&self) -> Vec<i128> {
        match self {
            Number::OneOf { values, .. } => values.clone(),
            Number::Integer { width, signed } => {
                let bits = 8 * *width as u32;
                let (least, most) =
                    if *signed { (-1 << (bits - 1), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) };
                let mut edges: Vec<i128> = vec![0, 1, 2, 3, -1, -2, -3, least, least + 1, most, most - 1];
                edges.extend([10, -10, least / 2, most / 2, most / 2 + 1, least / 2 - 1]);
                // The ends of narrower types, and the places where they change their sign.
                for power in [7, 8, 15, 16, 31, 32, 63] {
                    let power: i128 = 1 << power;
                    edges.extend([power, power - 1, power + 1, -power, -power - 1]);
                }
                edges.retain(|edge| (least..=most).contains(edge));
                edges
            }
            Number::Float { width } => {
                let mut edges = vec![0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.5, -0.0, f64::INFINITY];
                edges.extend([f64::NEG_INFINITY, f64::NAN, -f64::NAN, 0.1, 1e10, -1e10, 16_777_217.0]);
                edges.extend([9_007_199_254_740_993.0, 4_294_967_296.0, 1.0 + f64::EPSILON]);
                let narrow = *width == 4;
                let mut edges: Vec<_> = edges.into_iter().map(|edge| bits_of(edge, narrow)).collect();
                let patterns = if narrow { F32_PATTERNS } else { F64_PATTERNS };
                edges.extend(patterns.map(i128::from));
                edges
            }
        }
    }

    /// Returns the bits of a random number: of any magnitude, not all of them large.
    fn random(&self, random: &mut Random) -> i128 {
        match self {
            Number::OneOf { values, .. } => values[random.below(values.len())],
            Number::Integer { width, .. } => {
                i128::from(random.bits() as i64) >> (64 - 8 * (*width).min(8) + random.below(8 * *width))
            }
            Number::Float { width } => match random.below(3) {
                0 => i128::from(random.bits() >> (64 - 8 * *width)),
                1 => bits_of(random.below(2001) as f64 - 1000.0, *width == 4),
                _ => bits_of((random.below(2001) as f64 - 1000.0) / 16.0, *width == 4),
            },
        }
    }
}

/// Returns the bits of a number, rounded to an `f32` if it is to be narrow.
fn bits_of(number: f64, narrow: bool) -> i128 {
    if narrow { (number as f32).to_bits().into() } else { number.to_bits().into() }
}
