//! The inputs of `callbox sorters`: items of files, or drawn ones.

use callbox::sort::{Items, Job, Options, Sorter, Verify};
use callbox::{Callback, NumberKind};

use crate::cli::args::{self, InputKind};
use crate::cli::fault::{Fault, Result};
use crate::cli::input::{read, separator};
use crate::cli::items::Type;
use crate::cli::tutorial;

/// Numbers of items where the command line does not say them.
const DEFAULT_SIZES: [usize; 4] = [5, 100, 10_000, 1_000_000];

/// Inputs that are drawn where the command line does not say them.
const DEFAULT_INPUTS: [InputKind; 5] =
    [InputKind::Tutorial, InputKind::Random, InputKind::Sorted, InputKind::Reversed, InputKind::Few];

/// Drawn numbers are below this: no difference of two overflows, of which the tutorial's comparator makes its
/// answer.
const MAX_DRAWN: u64 = 1 << 30;

/// Number of different items where there are few.
const FEW: u64 = 4;

/// A list of items, the first of which are sorted.
pub(super) struct Input {
    /// Its name in the table.
    pub(super) name: &'static str,
    pub(super) sizes: Vec<usize>,
    from: From,
}

enum From {
    Files(Items<'static>),
    Drawn(InputKind),
}

/// The form of the items.
pub(super) struct Form<'a> {
    pub(super) kind: &'a Type,
    separator: u8,
    seed: u64,
}

impl<'a> Form<'a> {
    pub(super) fn new(args: &'a args::Sorters, kind: &'a Type) -> Form<'a> {
        Form { kind, separator: separator(&args.items), seed: args.seed }
    }

    /// Returns the inputs that the command line asks for.
    pub(super) fn inputs(&self, args: &args::Sorters) -> Result<Vec<Input>> {
        let mut sizes = args.sizes.clone();
        sizes.sort_unstable();
        sizes.dedup();
        if args.files.is_empty() {
            let sizes = if sizes.is_empty() { DEFAULT_SIZES.to_vec() } else { sizes };
            let kinds = if args.inputs.is_empty() { &DEFAULT_INPUTS[..] } else { &args.inputs };
            let first = |(at, kind): &(usize, &InputKind)| !kinds[..*at].contains(kind);
            let kinds = kinds.iter().enumerate().filter(first);
            return Ok(kinds.map(|(_, kind)| Input::drawn(*kind, &sizes)).collect());
        }
        if !args.inputs.is_empty() {
            let text = "--inputs: the items of files are sorted as they stand there; leave --inputs out";
            return Err(Fault::trouble(text));
        }
        let items = read(&args.files, &args.items)?;
        let len = items.len();
        if len < 2 {
            return Err(Fault::trouble(format!("the input has {len} items, and a sort needs two")));
        }
        if let Some(size) = sizes.iter().find(|size| **size > len) {
            return Err(Fault::trouble(format!(
                "--sizes: the input has {len} items only, fewer than {size}"
            )));
        }
        if sizes.is_empty() {
            sizes = DEFAULT_SIZES.into_iter().filter(|size| *size < len).chain([len]).collect();
        }
        Ok(vec![Input { name: "files", sizes, from: From::Files(items) }])
    }

    /// Returns a list of these items.
    pub(super) fn list(&self, items: impl Iterator<Item: AsRef<[u8]>>) -> Result<Items<'static>> {
        let mut bytes = Vec::new();
        for item in items {
            bytes.extend_from_slice(item.as_ref());
            if self.kind.width().is_none() {
                bytes.push(self.separator);
            }
        }
        Ok(match self.kind.width() {
            Some(width) => Items::records(bytes, width)?,
            None => Items::lines(bytes, self.separator)?,
        })
    }

    /// Returns the first items of an input; `guest` compares where they have to be in order.
    pub(super) fn first(
        &self,
        size: usize,
        input: &Input,
        guest: impl FnOnce() -> Result<Callback>,
    ) -> Result<Items<'static>> {
        let kind = match &input.from {
            From::Files(items) => return self.list(items.iter().take(size)),
            From::Drawn(kind) => *kind,
        };
        let below = if kind == InputKind::Few { FEW } else { MAX_DRAWN };
        let mut numbers = Numbers(self.seed);
        let mut items = match kind {
            InputKind::Tutorial => {
                self.list(tutorial::IA.iter().map(|number| self.item(number.unsigned_abs().into())))?
            }
            _ => self.list((0..size).map(|_| self.item(numbers.next() % below)))?,
        };
        if matches!(kind, InputKind::Sorted | InputKind::Reversed) {
            let options = Options::default().stable(true).sorter(Sorter::Auto).verify(Verify::Off);
            Job::new(&guest()?, options).sort_in_place(&mut items)?;
        }
        match kind {
            InputKind::Reversed => self.list((0..items.len()).rev().map(|at| items.get(at))),
            _ => Ok(items),
        }
    }

    /// Returns an item that stands for a number below [`MAX_DRAWN`], in the order of the numbers where the
    /// order is a usual one.
    fn item(&self, number: u64) -> Vec<u8> {
        let Some(width) = self.kind.width() else { return format!("{number:010}").into_bytes() };
        match self.kind.number() {
            Some(NumberKind::Float) if width == size_of::<f32>() => (number as f32).to_le_bytes().to_vec(),
            Some(NumberKind::Float) => (number as f64).to_le_bytes().to_vec(),
            // Of narrow types, as many bits as leave no number negative.
            Some(_) => (number & (u64::MAX >> (65 - 8 * width))).to_le_bytes()[..width].to_vec(),
            None => number.to_be_bytes()[4..].iter().copied().cycle().take(width).collect(),
        }
    }
}

impl Input {
    fn drawn(kind: InputKind, sizes: &[usize]) -> Input {
        let (name, sizes) = match kind {
            InputKind::Tutorial => ("tutorial", &[tutorial::IA.len()][..]),
            InputKind::Random => ("random", sizes),
            InputKind::Sorted => ("sorted", sizes),
            InputKind::Reversed => ("reversed", sizes),
            InputKind::Few => ("few", sizes),
        };
        Input { name, sizes: sizes.to_vec(), from: From::Drawn(kind) }
    }
}

/// Pseudo-random numbers (SplitMix64), the same for a seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}
