//! Shapes at random, and small changes to shapes.

use super::ops::{self, Ty};
use super::random::Random;
use super::shape::{Escape, Gene, Kind, Shape};

fn kind(random: &mut Random) -> Kind {
    *random.pick(&[Kind::Block, Kind::Loop, Kind::If])
}

fn number(random: &mut Random, most: usize) -> u16 {
    (random.scale(most + 1) - 1) as u16
}

/// Numbers that say how an index moves on.
fn step(random: &mut Random) -> u16 {
    if random.one_in(2) { random.below(4) as u16 } else { number(random, 997) }
}

fn gene(random: &mut Random, depth: usize) -> Gene {
    let ty = *random.pick(&Ty::ALL);
    let choice = random.below(if depth > 2 { 24 } else { 32 });
    match choice {
        0..10 => Gene::Op(random.below(1000), random.below(4) as u8),
        10 => Gene::Get(ty, number(random, 1000), step(random)),
        11 => Gene::Set(ty, number(random, 1000), step(random)),
        12 => Gene::Tee(ty, number(random, 1000), step(random)),
        13 | 14 => Gene::BrIf(number(random, 900), step(random)),
        15 => Gene::Br(number(random, 900), step(random)),
        16 => Gene::Table(number(random, 8000), step(random)),
        17 => Gene::Return,
        18 | 19 => Gene::Call(random.below(100)),
        20 => Gene::Indirect(random.below(100)),
        21 => Gene::Drop(number(random, 3000)),
        22 | 23 => Gene::Get(ty, 0, 1),
        24..27 => Gene::Block(kind(random), random.below(100), genes(random, depth + 1)),
        27 | 28 => Gene::Nest(
            kind(random),
            random.below(100),
            number(random, 900),
            genes(random, depth + 1),
            genes(random, depth + 1),
        ),
        _ => Gene::Repeat(number(random, 4000), genes(random, depth + 1)),
    }
}

fn genes(random: &mut Random, depth: usize) -> Vec<Gene> {
    let count = random.below(4) + usize::from(depth == 0);
    (0..count).map(|_| gene(random, depth)).collect()
}

fn arity(random: &mut Random) -> (u8, u8, u8) {
    (number(random, 32).min(32) as u8, number(random, 8).min(8) as u8, random.below(6) as u8)
}

/// Returns a shape at random.
pub(crate) fn shape(random: &mut Random) -> Shape {
    // Most shapes are about code, some about everything else.
    let about_code = !random.one_in(5);
    let mut types: Vec<_> =
        (0..random.scale(if about_code { 6 } else { 100 })).map(|_| arity(random)).collect();
    if random.one_in(2) {
        types[0] = (0, 0, 0);
    }
    let mut some = |most: usize, about: bool| if about { number(random, most) } else { 0 };
    let other = !about_code;
    let (empty, segments, globals) =
        (some(4000, other), (some(250, other), some(400, other)), (some(250, other), some(3000, other)));
    let data = (some(250, other), some(60_000, other), u32::from(some(60_000, other)) << 6);
    let name = some(1000, other);
    let mut locals = [0; 4];
    locals.iter_mut().for_each(|count| {
        if random.one_in(2) {
            *count = number(random, 240);
        }
    });
    Shape {
        types,
        functions: if about_code { 1 } else { number(random, 1000) },
        empty,
        locals,
        size: if about_code { 2000 + random.scale(30_000) as u16 } else { random.scale(1000) as u16 },
        genes: genes(random, 0),
        escape: *random.pick(&[
            Escape::No,
            Escape::Exports,
            Escape::Declared,
            Escape::Passive,
            Escape::Active,
            Escape::Dynamic,
            Escape::Expressions,
        ]),
        segments,
        globals,
        data,
        name,
        start: random.one_in(8),
    }
}

fn nudge(random: &mut Random, number: &mut u16, most: u16) {
    *number = match random.below(5) {
        0 => number.saturating_mul(2),
        1 => *number / 2,
        2 => number.saturating_add(1),
        3 => number.saturating_sub(1),
        _ => (random.scale(usize::from(most) + 1) - 1) as u16,
    }
    .min(most);
}

/// Changes one gene, at any depth.
fn change(random: &mut Random, list: &mut Vec<Gene>, depth: usize) {
    if list.is_empty() || random.one_in(5) {
        let at = random.below(list.len() + 1);
        return list.insert(at, gene(random, depth));
    }
    let at = random.below(list.len());
    match random.below(6) {
        0 => {
            list.remove(at);
        }
        1 => list[at] = gene(random, depth),
        2 => {
            let copy = list[at].clone();
            list.insert(random.below(list.len() + 1), copy);
        }
        3 => {
            let other = random.below(list.len());
            list.swap(at, other);
        }
        _ => match &mut list[at] {
            Gene::Op(at, source) => {
                if random.one_in(2) {
                    *at = random.below(1000);
                } else {
                    *source = random.below(4) as u8;
                }
            }
            Gene::Get(ty, at, by) | Gene::Set(ty, at, by) | Gene::Tee(ty, at, by) => match random.below(3) {
                0 => *ty = *random.pick(&Ty::ALL),
                1 => nudge(random, at, 1000),
                _ => nudge(random, by, 1000),
            },
            Gene::Block(kind_of, ty, inside) => match random.below(4) {
                0 => *kind_of = kind(random),
                1 => *ty = random.below(100),
                _ => change(random, inside, depth + 1),
            },
            Gene::Nest(kind_of, ty, count, inner, after) => match random.below(6) {
                0 => *kind_of = kind(random),
                1 => *ty = random.below(100),
                2 => nudge(random, count, 900),
                3 | 4 => change(random, inner, depth + 1),
                _ => change(random, after, depth + 1),
            },
            Gene::BrIf(at, by) | Gene::Br(at, by) | Gene::Table(at, by) => match random.below(2) {
                0 => nudge(random, at, 8000),
                _ => nudge(random, by, 1000),
            },
            Gene::Call(ty) | Gene::Indirect(ty) => *ty = random.below(100),
            Gene::Drop(count) => nudge(random, count, 3000),
            Gene::Repeat(times, inside) => match random.below(2) {
                0 => nudge(random, times, 4000),
                _ => change(random, inside, depth + 1),
            },
            Gene::Return => {}
        },
    }
}

/// Returns a shape that differs in a few places.
pub(crate) fn mutant(random: &mut Random, shape: &Shape) -> Shape {
    let mut new = shape.clone();
    for _ in 0..random.scale(4) {
        match random.below(16) {
            0 => {
                let at = random.below(new.types.len());
                new.types[at] = arity(random);
            }
            1 => {
                let at = random.below(new.types.len());
                let (mut params, mut results) = (u16::from(new.types[at].0), u16::from(new.types[at].1));
                nudge(random, &mut params, 32);
                nudge(random, &mut results, 8);
                new.types[at] = (params as u8, results as u8, new.types[at].2);
            }
            2 => {
                let count = random.scale(100);
                new.types.resize_with(count, || arity(random));
            }
            3 => {
                let at = random.below(4);
                nudge(random, &mut new.locals[at], 240);
            }
            4 => nudge(random, &mut new.size, 32_700),
            5 => match random.below(9) {
                0 => nudge(random, &mut new.empty, 4000),
                1 => nudge(random, &mut new.segments.0, 250),
                2 => nudge(random, &mut new.segments.1, 4000),
                3 => nudge(random, &mut new.globals.0, 250),
                4 => nudge(random, &mut new.globals.1, 3000),
                5 => nudge(random, &mut new.data.0, 250),
                6 => nudge(random, &mut new.data.1, 60_000),
                7 => nudge(random, &mut new.name, 1000),
                _ => nudge(random, &mut new.functions, 4000),
            },
            6 => new.escape = *random.pick(&[Escape::Exports, Escape::Passive, Escape::Dynamic, Escape::No]),
            _ => change(random, &mut new.genes, 0),
        }
    }
    new
}

/// Returns shapes that were found by hand.
pub(crate) fn known() -> Vec<Shape> {
    let mut shapes = Vec::new();
    let plain = Shape {
        types: vec![(0, 0, 0), (32, 8, 0), (0, 8, 0), (1, 8, 1)],
        functions: 1,
        empty: 0,
        locals: [10; 4],
        size: 32_000,
        genes: Vec::new(),
        escape: Escape::No,
        segments: (0, 0),
        globals: (0, 0),
        data: (0, 0, 0),
        name: 0,
        start: false,
    };
    let code = |genes: Vec<Gene>| Shape { genes, ..plain.clone() };
    let change = vec![Gene::Get(Ty::I32, 0, 1), Gene::Set(Ty::I32, 0, 1)];
    shapes.extend([
        code(vec![Gene::BrIf(0, 0), Gene::Drop(8)]),
        code(vec![Gene::Return]),
        code(vec![Gene::Table(1000, 1)]),
        code(vec![Gene::Call(1)]),
        code(vec![Gene::Indirect(1)]),
        code(vec![Gene::Call(1), Gene::Drop(8)]),
        code(vec![Gene::Nest(
            Kind::Block,
            0,
            900,
            vec![Gene::Repeat(
                900,
                vec![Gene::Get(Ty::I32, 0, 1), Gene::Set(Ty::I32, 0, 1), Gene::BrIf(0, 1)],
            )],
            vec![],
        )]),
        code(vec![Gene::Nest(Kind::Loop, 0, 900, change.clone(), vec![Gene::BrIf(0, 0)])]),
        code(vec![Gene::Nest(Kind::If, 0, 900, change, vec![])]),
        code(vec![Gene::Block(Kind::Loop, 0, vec![])]),
        Shape {
            locals: [1000, 0, 0, 0],
            ..code(vec![Gene::Nest(
                Kind::If,
                0,
                900,
                vec![Gene::Repeat(900, vec![Gene::Get(Ty::I32, 0, 1), Gene::Set(Ty::I32, 0, 1)])],
                vec![],
            )])
        },
        Shape { types: vec![(32, 8, 4); 100], ..plain.clone() },
        Shape {
            types: vec![(32, 8, 0); 1],
            empty: 1000,
            escape: Escape::Declared,
            segments: (1, 1000),
            ..plain.clone()
        },
        Shape { empty: 4000, functions: 0, ..plain.clone() },
        Shape {
            types: vec![(0, 0, 0)],
            empty: 10,
            escape: Escape::Passive,
            segments: (1, 2000),
            functions: 0,
            ..plain.clone()
        },
        Shape {
            types: vec![(0, 0, 0)],
            empty: 10,
            escape: Escape::Dynamic,
            segments: (1, 2000),
            functions: 0,
            ..plain.clone()
        },
        Shape {
            types: vec![(0, 0, 0)],
            empty: 10,
            escape: Escape::Dynamic,
            segments: (200, 1),
            functions: 0,
            ..plain.clone()
        },
        Shape { globals: (1, 3000), functions: 0, ..plain.clone() },
        Shape { globals: (200, 1), functions: 0, ..plain.clone() },
        Shape { data: (250, 1, 60_000), functions: 0, ..plain.clone() },
        Shape { data: (250, 30_000, 60_000), functions: 0, ..plain.clone() },
    ]);
    let ops = ops::all();
    for (at, op) in ops.iter().enumerate() {
        shapes.push(code(vec![Gene::Op(at, 0)]));
        // Again with results that are used, of operands that differ.
        if let Some(ty) = op.gives {
            let set = ops.iter().position(|op| op.bytes == [0x24, ty as u8]).unwrap_or(0);
            shapes.push(code(vec![Gene::Op(at, 1), Gene::Op(set, 0)]));
            shapes.push(code(vec![Gene::Op(at, 3), Gene::Op(set, 0)]));
            shapes.push(code(vec![Gene::Get(ty, 0, 1), Gene::Op(at, 0), Gene::Set(ty, 3, 1)]));
        } else {
            shapes.push(code(vec![Gene::Op(at, 3)]));
        }
    }
    shapes
}
