//! C's memory, and its judge.
#![allow(unsafe_code, reason = "plays C, whose memory is written")]

use std::ffi::CStr;

use super::noise::Noise;
use crate::ctype::CType;

/// A pointer that C passes: its address, the type of its elements, its size and constness.
struct Known {
    at: usize,
    element: CType,
    size: usize,
    readonly: bool,
}

/// An object of C's.
pub(super) struct HostObject {
    pub(super) ctype: CType,
    memory: Box<[u128]>,
    pub(super) before: Vec<u8>,
    /// Whether C passes it as const only.
    pub(super) readonly: bool,
    /// Whether C passes all of it, so that the call knows the type of each byte.
    whole: bool,
}

/// C's memory.
#[derive(Default)]
pub(super) struct Host {
    pub(super) objects: Vec<HostObject>,
    known: Vec<Known>,
}

impl HostObject {
    fn at(&self) -> usize {
        self.memory.as_ptr().expose_provenance()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let len = self.ctype.size().unwrap_or(0);
        bytes_at(self.at(), len)
    }
}

/// Returns a copy of C's memory.
fn bytes_at(at: usize, len: usize) -> Vec<u8> {
    let from = std::ptr::with_exposed_provenance::<u8>(at);
    // SAFETY: only objects that `Host` has made, and text that ends, are read.
    (0..len).map(|at| unsafe { from.wrapping_add(at).read_volatile() }).collect()
}

fn put(at: usize, bytes: &[u8]) {
    let to = std::ptr::with_exposed_provenance_mut::<u8>(at);
    for (n, byte) in bytes.iter().enumerate() {
        // SAFETY: only objects that `Host` has made are written.
        unsafe { to.wrapping_add(n).write_volatile(*byte) };
    }
}

fn element(ctype: &CType) -> &CType {
    match ctype {
        CType::Array { element: inner, .. } => element(inner),
        other => other,
    }
}

impl Host {
    fn new_object(&mut self, noise: &mut Noise<'_>, ctype: &CType, readonly: bool, depth: usize) -> usize {
        let size = ctype.size().unwrap_or(1);
        let mut memory = vec![0_u128; size.div_ceil(16).max(1)].into_boxed_slice();
        let at = memory.as_mut_ptr().expose_provenance();
        self.objects.push(HostObject {
            ctype: ctype.clone(),
            memory,
            before: Vec::new(),
            readonly,
            whole: true,
        });
        self.fill(noise, ctype, at, depth);
        at
    }

    /// Returns an object of this type, sometimes one that C passes already.
    fn object(&mut self, noise: &mut Noise<'_>, ctype: &CType, readonly: bool, depth: usize) -> usize {
        if noise.below(3) == 0
            && let Some(object) = self.objects.iter_mut().find(|object| object.ctype == *ctype)
        {
            object.readonly &= readonly;
            return object.at();
        }
        self.new_object(noise, ctype, readonly, depth)
    }

    pub(super) fn counted(
        &mut self,
        noise: &mut Noise<'_>,
        of: &CType,
        readonly: bool,
        count: usize,
    ) -> usize {
        // Bytes may be those of an object of another type.
        let is_byte = matches!(of, CType::Void | CType::Char | CType::UnsignedChar);
        if is_byte && noise.below(2) == 0 && !self.objects.is_empty() {
            let n = noise.below(self.objects.len());
            let object = &mut self.objects[n];
            let from = noise.below(8);
            if object.whole && object.ctype.size().unwrap_or(0) >= from + count {
                object.readonly &= readonly;
                let at = object.at() + from;
                if *of != CType::Void {
                    self.known.push(Known { at, element: of.clone(), size: count, readonly });
                }
                return at;
            }
        }
        let unit = if *of == CType::Void { CType::UnsignedChar } else { of.clone() };
        if of.has_pointers() {
            // All of its pointers are followed, so that the call knows the type of what they lead to.
            let Ok(array) = unit.array(count) else { return 0 };
            let at = self.new_object(noise, &array, readonly, 2);
            let size = array.size().unwrap_or(0);
            self.known.push(Known { at, element: element(of).clone(), size, readonly });
            return at;
        }
        let Ok(array) = unit.clone().array(9) else { return 0 };
        let size = unit.size().unwrap_or(1);
        let start = self.object(noise, &array, readonly, 2);
        for object in self.objects.iter_mut().filter(|object| object.at() == start) {
            object.whole = false;
        }
        let at = start + noise.below(3) * size;
        if *of != CType::Void {
            let element = element(of).clone();
            self.known.push(Known { at, element, size: count * size, readonly });
        }
        at
    }

    pub(super) fn pointer(&mut self, noise: &mut Noise<'_>, ctype: &CType, depth: usize) -> usize {
        let CType::Pointer { pointee, readonly } = ctype else { return 0 };
        if depth == 0 || noise.below(8) == 0 {
            return 0;
        }
        let (at, size) = match &**pointee {
            CType::Void | CType::Opaque(_) => (8 * (1 + noise.below(4)), 1),
            CType::Char if *readonly => {
                let len = noise.below(5);
                let text = CType::Char.array(len + 1).unwrap();
                let at = self.new_object(noise, &text, true, 0);
                put(at, &[b"abcdef"[..len].to_vec(), vec![0]].concat());
                (at, len + 1)
            }
            to => (self.object(noise, to, *readonly, depth - 1), to.size().unwrap_or(1)),
        };
        self.known.push(Known { at, element: element(pointee).clone(), size, readonly: *readonly });
        at
    }

    pub(super) fn fill(&mut self, noise: &mut Noise<'_>, ctype: &CType, at: usize, depth: usize) {
        match ctype {
            CType::Array { element, len } => {
                let size = element.size().unwrap_or(1);
                (0..*len).for_each(|n| self.fill(noise, element, at + n * size, depth));
            }
            CType::Struct(plain) => {
                for field in plain.fields() {
                    self.fill(noise, &field.ctype, at + field.offset, depth);
                }
            }
            CType::Pointer { .. } => {
                let pointer = self.pointer(noise, ctype, depth);
                put(at, &pointer.to_ne_bytes());
            }
            CType::Bool => put(at, &[noise.byte() & 1]),
            CType::Enum(listed) => {
                let all = listed.enumerators();
                put(at, &all[noise.below(all.len())].1.to_ne_bytes());
            }
            CType::LongDouble => {}
            number => {
                let bytes: Vec<u8> = (0..number.size().unwrap_or(0)).map(|_| noise.byte()).collect();
                put(at, &bytes);
            }
        }
    }

    /// Judges each scalar of a value that has changed.
    pub(super) fn judge(&self, ctype: &CType, after: &[u8], before: Option<&[u8]>) {
        match ctype {
            CType::Array { element, len } => {
                let size = element.size().unwrap_or(1);
                for n in 0..*len {
                    let part = n * size..(n + 1) * size;
                    self.judge(element, &after[part.clone()], before.map(|before| &before[part]));
                }
            }
            CType::Struct(plain) => {
                for field in plain.fields() {
                    let part = field.offset..field.offset + field.ctype.size().unwrap_or(0);
                    self.judge(&field.ctype, &after[part.clone()], before.map(|before| &before[part]));
                }
            }
            CType::Pointer { pointee, readonly } => {
                let pointer = usize::from_ne_bytes(after.try_into().unwrap());
                // The end of a text may have been in memory that changed.
                if before != Some(after) || *readonly && **pointee == CType::Char {
                    self.judge_pointer(ctype, pointer);
                }
            }
            _ if before == Some(after) => {}
            CType::Bool => assert!(after[0] <= 1, "a _Bool is {}", after[0]),
            CType::Enum(listed) => {
                let value = i32::from_ne_bytes(after.try_into().unwrap());
                assert!(listed.contains(value), "{ctype} is {value}");
            }
            CType::LongDouble if ctype.value_size() == 10 => {
                let exponent = u16::from_le_bytes([after[8], after[9]]) & 0x7fff;
                assert_eq!(after[7] >> 7 == 1, exponent != 0, "{after:x?}");
            }
            _ => {}
        }
    }

    fn judge_pointer(&self, ctype: &CType, pointer: usize) {
        let CType::Pointer { pointee, readonly } = ctype else { unreachable!() };
        if pointer == 0 {
            return;
        }
        let text = **pointee == CType::Char && *readonly;
        let size = if text { 1 } else { pointee.size().unwrap_or(1) };
        let step = element(pointee).size().unwrap_or(1);
        let leads = |known: &&Known| {
            known.element == *element(pointee)
                && (*readonly || !known.readonly)
                && (known.at..).contains(&pointer)
                && pointer + size <= known.at + known.size
                && (pointer - known.at).is_multiple_of(step)
        };
        let mut known = self.known.iter().filter(leads).peekable();
        assert!(known.peek().is_some(), "{ctype} {pointer:#x} is none that C passed");
        if text {
            let ends = known.any(|known| {
                CStr::from_bytes_until_nul(&bytes_at(pointer, known.at + known.size - pointer)).is_ok()
            });
            assert!(ends, "a text has no end");
        }
    }
}
