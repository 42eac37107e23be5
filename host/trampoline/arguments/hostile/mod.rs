//! A hostile guest without a guest: objects of random types are lowered, their copies are filled with noise,
//! and what C's memory holds afterwards is judged by a naive rule. For tests and the fuzz target `back`.
#![allow(unsafe_code, reason = "plays C, whose memory is written")]

mod host;
mod noise;

use std::ffi::c_void;

use super::{Arguments, GuestPtr};
use crate::callback::lowering::{Lowering, Param, Ret};
use crate::ctype::CType;
use crate::limits::Limits;
use crate::prototype::Prototype;
use host::Host;
pub(crate) use noise::Noise;
use noise::any_prototype;

/// Outcome of one round.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Whether the guest's values were accepted.
    pub(crate) answered: bool,
    /// Number of objects that changed.
    pub(crate) changed: usize,
}

/// Calls a function of a random prototype, or of `prototype`, with a guest that leaves noise.
///
/// # Panics
///
/// Panics if C gets a value that it could not have made itself.
pub(crate) fn round(noise: &mut Noise<'_>, prototype: Option<&Prototype>) -> Outcome {
    let made;
    let prototype = match prototype {
        Some(prototype) => prototype,
        None => {
            made = any_prototype(noise);
            &made
        }
    };
    let Ok(lowering) = Lowering::of(prototype) else { return Outcome::default() };
    let mut host = Host::default();
    let limits = Limits::default();
    let mut arguments = Arguments::new("export", &limits);
    let mut passed: Vec<GuestPtr> = Vec::new();
    if let Ret::Struct(object) = &lowering.result {
        passed.push(arguments.reserve_result(object).unwrap());
    }
    let counts: Vec<usize> = prototype.params().iter().map(|_| noise.below(6)).collect();
    let mut values = Vec::new(); // structs by value, until the call ends
    for (at, (ctype, param)) in prototype.params().iter().zip(&lowering.params).enumerate() {
        match param {
            Param::Number(..) => {}
            Param::Pointer(target) => {
                let (pointer, count) = match ctype {
                    CType::Counted { element, readonly, count } => {
                        (host.counted(noise, element, *readonly, counts[*count]), counts[*count])
                    }
                    _ => (host.pointer(noise, ctype, 3), 0),
                };
                let pointer = std::ptr::with_exposed_provenance_mut::<c_void>(pointer);
                // SAFETY: `Host` has made the pointee, of this type and number.
                passed.extend(unsafe { arguments.follow(pointer, target, at + 1, count as i128) });
            }
            Param::Struct(object) => {
                let mut memory = vec![0_u128; object.size.div_ceil(16)].into_boxed_slice();
                host.fill(noise, ctype, memory.as_mut_ptr().expose_provenance(), 3);
                // SAFETY: `Host` has filled a struct of this type.
                passed.extend(unsafe { arguments.value(memory.as_ptr().cast(), object, at + 1) });
                values.push(memory);
            }
        }
    }
    for object in &mut host.objects {
        object.before = object.bytes().to_vec();
    }
    let base = 16 * noise.below(4000) as u32;
    let mut area = vec![0; arguments.len()];
    arguments.fill(base, &mut area);
    wreck(noise, &mut area, &passed, base);
    let mut outcome = Outcome::default();
    if arguments.is_written() && arguments.take_back(&area, base).is_err() {
        return outcome;
    }
    if let Ret::Pointer(target) = &lowering.result {
        let number = any_word(noise, &passed, base);
        let Ok(pointer) = arguments.pointer(number, target, base) else { return outcome };
        // SAFETY: what `Host` made is still there.
        unsafe { arguments.write_back() };
        host.judge(prototype.result(), &pointer.expose_provenance().to_ne_bytes(), None);
    } else {
        // SAFETY: as above.
        unsafe { arguments.write_back() };
    }
    if let Ret::Struct(object) = &lowering.result {
        host.judge(prototype.result(), &arguments.returned()[..object.size], None);
    }
    outcome.answered = true;
    for object in &host.objects {
        let after = object.bytes();
        if after != object.before {
            outcome.changed += 1;
            assert!(!object.readonly, "{prototype}: a const {} is changed", object.ctype);
        }
        host.judge(&object.ctype, &after, Some(&object.before));
    }
    outcome
}

/// Overwrites some of the copies.
fn wreck(noise: &mut Noise<'_>, area: &mut [u8], passed: &[GuestPtr], base: u32) {
    for _ in 0..noise.below(12) {
        if area.len() < 8 {
            area.iter_mut().for_each(|byte| *byte = noise.byte());
            continue;
        }
        if noise.below(3) == 0 {
            area[noise.below(area.len())] = noise.byte();
        } else {
            let word = any_word(noise, passed, base);
            let word = if noise.below(4) == 0 {
                let from = noise.below(area.len() - 7) & !7;
                area[from..from + 8].try_into().unwrap()
            } else {
                word.to_ne_bytes()
            };
            let at = noise.below(area.len() - 7);
            let at = if noise.below(4) == 0 { at } else { at & !7 };
            area[at..at + 8].copy_from_slice(&word);
        }
    }
}

/// Returns a number that a guest might pass for a pointer.
fn any_word(noise: &mut Noise<'_>, passed: &[GuestPtr], base: u32) -> u64 {
    let of = |n: usize| passed.get(n % passed.len().max(1)).map_or(0, |passed| passed.number(base));
    let given = u64::from(of(noise.below(8)));
    match noise.below(5) {
        0 => given,
        1 => given + noise.below(40) as u64,
        2 => u64::from(base) + noise.below(400) as u64,
        3 => noise.below(9) as u64,
        _ => u64::from_ne_bytes(std::array::from_fn(|_| noise.byte())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_makes_no_value_that_c_could_not_have_made() {
        let prototypes = std::env::var("CALLBOX_SIGNATURES").map_or(2000, |count| count.parse().unwrap());
        let (mut answered, mut changed, rounds) = (0, 0, 30 * prototypes as u64);
        for seed in 0..rounds {
            let outcome = round(&mut Noise::new(&[], seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), None);
            answered += u64::from(outcome.answered);
            changed += outcome.changed as u64;
        }
        assert!(answered > rounds / 6 && changed > rounds / 20, "{answered} answered, {changed} changed");
    }

    #[test]
    fn noise_in_memory_that_overlaps_makes_no_value_either() {
        for text in [
            "void (struct { int *p; _Bool b; } *, size_t n, void a[n])",
            "const char *(size_t n, char a[n], size_t m, char b[m])",
            "void (size_t n, int *a[n], size_t m, int *b[m], int *)",
            "void (size_t n, const char *a[n], size_t m, const char *b[m], size_t k, char c[k])",
            "void (size_t n, _Bool a[n], size_t m, unsigned char b[m])",
        ] {
            let prototype: Prototype = text.parse().unwrap();
            let answered = (0..4000_u64).filter(|seed| {
                round(&mut Noise::new(&[], seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), Some(&prototype))
                    .answered
            });
            let answered = answered.count();
            assert!(answered > 40, "{text}: {answered}");
        }
    }
}
