//! A small part of the search of `benches/compile`, with a fixed seed: row 25 of `docs/reliability.md`.

use std::fs;

use callbox::{Error, Limit, Limits, ModuleSource};

use crate::support::{bounded, run, sandbox};

#[path = "../../benches/compile/body.rs"]
mod body;
#[path = "../../benches/compile/ops.rs"]
mod ops;
#[path = "../../benches/compile/random.rs"]
mod random;
#[path = "../../benches/compile/search.rs"]
mod search;
#[path = "../../benches/compile/shape.rs"]
mod shape;

use random::Random;
use shape::Shape;

/// Returns the complexity of a shape's module; `None` where the limits do not admit it.
fn complexity(shape: &Shape) -> Option<u64> {
    match ModuleSource::new("shape", shape.module()).complexity(&sandbox()) {
        Ok(complexity) => Some(complexity),
        // Whatever the shape is, its module is valid.
        Err(Error::Limit { .. }) => None,
        Err(error) => panic!("{error}: {shape:?}"),
    }
}

fn shapes() -> Vec<Shape> {
    let mut random = Random::new(13);
    let mut shapes = search::known();
    for _ in 0..150 {
        let shape = search::shape(&mut random);
        shapes.push(search::mutant(&mut random, &shape));
        shapes.push(shape);
    }
    shapes
}

#[test]
fn the_search_makes_valid_modules_of_many_weights() {
    let weights: Vec<_> = shapes().iter().map(complexity).collect();
    let admitted: Vec<u64> = weights.iter().copied().flatten().collect();
    assert!(admitted.len() * 2 > weights.len(), "{} of {}", admitted.len(), weights.len());
    assert!(admitted.iter().any(|weight| *weight < 10_000));
    assert!(admitted.iter().any(|weight| *weight > 500_000));
    assert!(weights.iter().any(Option::is_none));
    let again: Vec<_> = shapes().iter().map(complexity).collect();
    assert_eq!(weights, again);
}

/// The weight of more code of one kind is not less.
#[test]
fn a_longer_function_weighs_no_less() {
    for shape in shapes().into_iter().filter(|shape| shape.size > 2000) {
        let half = Shape { size: shape.size / 2, ..shape.clone() };
        if let (Some(half), Some(whole)) = (complexity(&half), complexity(&shape)) {
            assert!(half <= whole + whole / 10, "{half} and {whole}: {shape:?}");
        }
    }
}

/// The heaviest modules that are admitted compile in the time that the limits promise. The compiler of a
/// debug build is some times slower than that of a release.
#[test]
fn the_heaviest_modules_of_the_search_compile_within_bounds() {
    let mut heavy: Vec<(u64, Vec<u8>)> = Vec::new();
    for shape in shapes() {
        let Some(weight) = complexity(&shape) else { continue };
        let times = Limits::default().get(Limit::Complexity) as f64 / weight as f64;
        let whole = if shape.functions > 0 { shape.scaled(times.min(8.0)) } else { shape };
        if let Some(weight) = complexity(&whole) {
            heavy.push((weight, whole.module()));
        }
    }
    heavy.sort_by_key(|(weight, _)| u64::MAX - weight);
    let dir = tempfile::tempdir().unwrap();
    for (weight, module) in heavy.iter().step_by(heavy.len() / 12) {
        let file = dir.path().join("heavy.wasm");
        fs::write(&file, module).unwrap();
        let output = run(bounded(20, 700_000).arg("inspect").arg(&file), b"");
        assert_eq!(output.status.code(), Some(0), "{weight}: {output:?}");
    }
}
