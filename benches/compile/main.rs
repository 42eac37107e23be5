//! A search for the modules that cost the compiler most: `cargo bench --bench compile -- --seconds 3600`.
//!
//! Shapes of modules are made at random and changed step by step towards more seconds, or more bytes, for a
//! unit of complexity. Each module is compiled in a process of its own, so that its time and its memory are
//! its own. The weights of `host/sandbox/weights.rs` are calibrated by it.
#![allow(missing_docs, reason = "a program")]

mod body;
mod measure;
mod ops;
mod random;
mod search;
mod shape;

use std::time::{Duration, Instant};

use callbox::{Limit, Limits, ModuleSource, Sandbox};

use measure::Cost;
use random::Random;
use shape::Shape;

const USAGE: &str =
    "usage: compile [--seconds N] [--modules N] [--seed N] [--memory] [--table] [--keep FOLDER]";

struct Search {
    sandbox: Sandbox,
    limits: Limits,
    /// The cost of the smallest module.
    least: Cost,
    modules: usize,
    memory: bool,
}

/// A shape, and its cost at the size at which it uses up a limit.
#[derive(Clone)]
struct Found {
    shape: Shape,
    weight: u64,
    cost: Cost,
    /// Number of times that its code fits into the limits.
    fits: f64,
    score: f64,
}

impl Search {
    fn weight(&self, module: &[u8]) -> Option<u64> {
        ModuleSource::new("search", module).complexity(&self.sandbox).ok()
    }

    /// Returns how often the module fits into the limits.
    fn fits(&self, shape: &Shape, module: &[u8], weight: u64) -> f64 {
        let limit = |limit: Limit| self.limits.get(limit) as f64;
        let functions = usize::from(shape.functions) + usize::from(shape.empty);
        let by_weight = limit(Limit::Complexity) / weight as f64;
        let by_code = limit(Limit::CodeSize) / code_size(shape).max(1) as f64;
        let by_functions = (limit(Limit::Functions) - 200.0) / functions.max(1) as f64;
        let by_size = limit(Limit::ModuleSize) / module.len() as f64;
        by_weight.min(by_size).min(by_code).min(by_functions)
    }

    /// Measures a shape; `None` where the limits do not admit it.
    fn measure(&mut self, shape: &Shape) -> Option<Found> {
        let mut shape = shape.clone();
        let mut module = shape.module();
        let mut weight = loop {
            match self.weight(&module) {
                Some(weight) => break weight,
                // Code that weighs too much is cut off.
                None if shape.size < 1000 || shape.functions > 1 => return None,
                None => shape.size /= 2,
            }
            module = shape.module();
        };
        let mut fits = self.fits(&shape, &module, weight);
        if self.memory && fits > 1.5 {
            // Memory does not grow evenly, so the whole module is made.
            let mut times = fits;
            loop {
                let whole = shape.scaled(times);
                module = whole.module();
                match self.weight(&module) {
                    Some(of_whole) => {
                        (shape, weight, fits) = (whole, of_whole, 1.0);
                        break;
                    }
                    None if times < 1.2 => return None,
                    None => times *= 0.97,
                }
            }
        }
        self.modules += 1;
        let cost = measure::compile(&module)?;
        let seconds = (cost.seconds - self.least.seconds).max(0.0) * fits;
        let mib = (cost.mib - self.least.mib).max(0.0) * fits;
        let score = if self.memory { mib } else { seconds };
        Some(Found { shape, weight, cost, fits, score })
    }

    /// Climbs from a shape until nothing better is found for some time.
    fn climb(&mut self, random: &mut Random, start: Found, steps: usize) -> Found {
        let mut best = start;
        let mut since = 0;
        while since < steps {
            let mutant = search::mutant(random, &best.shape);
            let mutant = if self.memory { mutant } else { mutant.scaled(1.0) };
            since += 1;
            let Some(mut found) = self.measure(&mutant) else { continue };
            if found.score > best.score * 1.02 {
                // Once more, because another process may have been in its way.
                if let Some(again) = self.measure(&mutant)
                    && again.score < found.score
                {
                    found = again;
                }
                if found.score > best.score * 1.02 {
                    best = found;
                    since = 0;
                }
            }
        }
        best
    }
}

/// Returns the number of bytes of code that a shape has.
fn code_size(shape: &Shape) -> usize {
    (body::of(shape).len() + 8) * usize::from(shape.functions) + 4 * usize::from(shape.empty)
}

fn print(found: &Found) {
    println!(
        "{:7.3} s {:7.1} MiB at the limit; weighs {:6}, takes {:.4} s and {:.1} MiB, \
         {:.2} µs and {:.0} bytes a unit; fits {:.2} times, {} bytes",
        found.cost.seconds * found.fits,
        found.cost.mib * found.fits,
        found.weight,
        found.cost.seconds,
        found.cost.mib,
        found.cost.seconds * 1e6 / found.weight as f64,
        found.cost.mib * 1048576.0 / found.weight as f64,
        found.fits,
        found.shape.module().len(),
    );
    println!("    {:?}", found.shape);
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (mut seconds, mut modules, mut seed, mut memory, mut table, mut keep) =
        (u64::MAX, usize::MAX, 1, false, false, None);
    let mut steps = 60;
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok()).expect(USAGE);
        match arg.as_str() {
            "--child" => return measure::child(),
            "--seconds" => seconds = number(),
            "--modules" => modules = number() as usize,
            "--seed" => seed = number(),
            "--steps" => steps = number() as usize,
            "--memory" => memory = true,
            "--table" => table = true,
            "--keep" => keep = args.next(),
            _ => panic!("{USAGE}"),
        }
    }
    if seconds == u64::MAX && modules == usize::MAX {
        modules = 300; // a plain `cargo bench`
    }
    let until = Instant::now() + Duration::from_secs(seconds.min(1 << 30));
    let limits = Limits::default();
    let sandbox = Sandbox::new(limits).expect("a sandbox");
    let least = (0..5).filter_map(|_| measure::compile(b"\0asm\x01\0\0\0"));
    let least = least.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).expect("a child");
    let mut search = Search { sandbox, limits, least, modules: 0, memory };
    println!("seed {seed}; an empty module takes {:.4} s and {:.1} MiB", least.seconds, least.mib);
    let mut all: Vec<Found> = Vec::new();
    let mut random = Random::new(seed);
    let mut known = search::known().into_iter();
    while search.modules < modules && Instant::now() < until {
        let start = match known.next() {
            Some(shape) => shape,
            None if table => break,
            None => search::shape(&mut random),
        };
        let Some(mut found) = search.measure(&start) else { continue };
        let is_known = known.len() > 0;
        if !is_known {
            found = search.climb(&mut random, found, steps);
        }
        if table {
            print(&found);
            // Whether its cost grows faster than its weight.
            let small = Shape { size: found.shape.size / 8, ..found.shape.clone() };
            if let Some(small) = search.measure(&small) {
                let of = |found: &Found| found.cost.seconds * 1e6 / found.weight as f64;
                println!("    an eighth of it takes {:.2} µs a unit", of(&small));
            }
        } else if all.iter().all(|best| found.score > best.score) {
            print(&found);
        }
        all.push(found);
        // Better ones are bred from the best.
        if !is_known && all.len().is_multiple_of(8) {
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            all.truncate(64);
            let best = all[random.below(all.len().min(12))].clone();
            let better = search.climb(&mut random, best, steps);
            all.push(better);
        }
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    println!("{} modules; the worst:", search.modules);
    for found in all.iter().take(12) {
        print(found);
    }
    // The worst at their whole size, where nothing is extrapolated.
    for (at, found) in all.iter().take(5).enumerate() {
        let mut times = found.fits;
        let module = loop {
            let module = found.shape.scaled(times).module();
            match search.weight(&module) {
                Some(_) => break module,
                None => times *= 0.97,
            }
        };
        let Some(cost) = measure::compile(&module) else { continue };
        let weight = search.weight(&module).unwrap_or(0);
        println!(
            "whole: weighs {weight}, {} bytes: {:.3} s, {:.1} MiB",
            module.len(),
            cost.seconds,
            cost.mib
        );
        if let Some(folder) = &keep {
            std::fs::write(format!("{folder}/worst-{seed}-{at}.wasm"), module).expect("a folder to write to");
        }
    }
}
