//! The instructions that the generator knows, by their opcodes.

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    I32,
    I64,
    F32,
    F64,
}

use Ty::{F32, F64, I32, I64};

impl Ty {
    pub(crate) const ALL: [Ty; 4] = [I32, I64, F32, F64];
}

/// An instruction without control flow: its bytes, operands and result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) bytes: &'static [u8],
    pub(crate) takes: &'static [Ty],
    pub(crate) gives: Option<Ty>,
}

/// Ranges of opcodes with one type each.
const RANGES: &[(u8, u8, &[Ty], Ty)] = &[
    (0x45, 0x45, &[I32], I32),
    (0x46, 0x4f, &[I32, I32], I32),
    (0x50, 0x50, &[I64], I32),
    (0x51, 0x5a, &[I64, I64], I32),
    (0x5b, 0x60, &[F32, F32], I32),
    (0x61, 0x66, &[F64, F64], I32),
    (0x67, 0x69, &[I32], I32),
    (0x6a, 0x78, &[I32, I32], I32),
    (0x79, 0x7b, &[I64], I64),
    (0x7c, 0x8a, &[I64, I64], I64),
    (0x8b, 0x91, &[F32], F32),
    (0x92, 0x98, &[F32, F32], F32),
    (0x99, 0x9f, &[F64], F64),
    (0xa0, 0xa6, &[F64, F64], F64),
    (0xa7, 0xa7, &[I64], I32),
    (0xa8, 0xa9, &[F32], I32),
    (0xaa, 0xab, &[F64], I32),
    (0xac, 0xad, &[I32], I64),
    (0xae, 0xaf, &[F32], I64),
    (0xb0, 0xb1, &[F64], I64),
    (0xb2, 0xb3, &[I32], F32),
    (0xb4, 0xb5, &[I64], F32),
    (0xb6, 0xb6, &[F64], F32),
    (0xb7, 0xb8, &[I32], F64),
    (0xb9, 0xba, &[I64], F64),
    (0xbb, 0xbb, &[F32], F64),
    (0xbc, 0xbc, &[F32], I32),
    (0xbd, 0xbd, &[F64], I64),
    (0xbe, 0xbe, &[I32], F32),
    (0xbf, 0xbf, &[I64], F64),
    (0xc0, 0xc1, &[I32], I32),
    (0xc2, 0xc4, &[I64], I64),
];

/// All instructions of [`RANGES`], each in a byte.
const BYTES: [[u8; 1]; 256] = {
    let mut bytes = [[0]; 256];
    let mut at = 0;
    while at < 256 {
        bytes[at] = [at as u8];
        at += 1;
    }
    bytes
};

/// Longer instructions, and those that touch a memory, a table, a global or a function. Memory is at index
/// 0, as are the table, of functions, and the passive segments; each global has the index of its type.
const OTHERS: &[(&[u8], &[Ty], Option<Ty>)] = &[
    (b"\xfc\x00", &[F32], Some(I32)),
    (b"\xfc\x01", &[F32], Some(I32)),
    (b"\xfc\x02", &[F64], Some(I32)),
    (b"\xfc\x03", &[F64], Some(I32)),
    (b"\xfc\x04", &[F32], Some(I64)),
    (b"\xfc\x05", &[F32], Some(I64)),
    (b"\xfc\x06", &[F64], Some(I64)),
    (b"\xfc\x07", &[F64], Some(I64)),
    (b"\x28\x00\x00", &[I32], Some(I32)),
    (b"\x28\x02\xff\xff\xff\xff\x0f", &[I32], Some(I32)),
    (b"\x29\x00\x00", &[I32], Some(I64)),
    (b"\x2a\x00\x00", &[I32], Some(F32)),
    (b"\x2b\x03\x08", &[I32], Some(F64)),
    (b"\x2c\x00\x00", &[I32], Some(I32)),
    (b"\x2d\x00\x80\x80\x80\x80\x08", &[I32], Some(I32)),
    (b"\x2f\x00\x01", &[I32], Some(I32)),
    (b"\x30\x00\x00", &[I32], Some(I64)),
    (b"\x35\x00\x00", &[I32], Some(I64)),
    (b"\x36\x00\x00", &[I32, I32], None),
    (b"\x37\x00\x00", &[I32, I64], None),
    (b"\x38\x00\x00", &[I32, F32], None),
    (b"\x39\x00\x00", &[I32, F64], None),
    (b"\x3a\x00\xff\xff\xff\xff\x0f", &[I32, I32], None),
    (b"\x3d\x00\x00", &[I32, I64], None),
    (b"\x3f\x00", &[], Some(I32)),
    (b"\x40\x00", &[I32], Some(I32)),
    (b"\x1b", &[I32, I32, I32], Some(I32)),
    (b"\x1b", &[F64, F64, I32], Some(F64)),
    (b"\x1c\x01\x7e", &[I64, I64, I32], Some(I64)),
    (b"\x23\x00", &[], Some(I32)),
    (b"\x23\x01", &[], Some(I64)),
    (b"\x23\x02", &[], Some(F32)),
    (b"\x23\x03", &[], Some(F64)),
    (b"\x24\x00", &[I32], None),
    (b"\x24\x01", &[I64], None),
    (b"\x24\x02", &[F32], None),
    (b"\x24\x03", &[F64], None),
    (b"\xfc\x08\x00\x00", &[I32, I32, I32], None), // memory.init
    (b"\xfc\x09\x00", &[], None),                  // data.drop
    (b"\xfc\x0a\x00\x00", &[I32, I32, I32], None), // memory.copy
    (b"\xfc\x0b\x00", &[I32, I32, I32], None),     // memory.fill
    (b"\xfc\x0c\x00\x00", &[I32, I32, I32], None), // table.init
    (b"\xfc\x0d\x00", &[], None),                  // elem.drop
    (b"\xfc\x0e\x00\x00", &[I32, I32, I32], None), // table.copy
    (b"\xfc\x10\x00", &[], Some(I32)),             // table.size
    (b"\xd0\x70\xd1", &[], Some(I32)),             // ref.null, ref.is_null
    (b"\xd2\x00\xd1", &[], Some(I32)),             // ref.func, ref.is_null
    (b"\x25\x00\xd1", &[I32], Some(I32)),          // table.get, ref.is_null
    (b"\xd2\x00\x26\x00", &[I32], None),           // ref.func, table.set
    (b"\xd0\x70\x26\x00", &[I32], None),           // ref.null, table.set
    (b"\x25\x00\x26\x00", &[I32, I32], None),      // table.get, table.set
    (b"\x1a", &[I32], None),
    (b"\x01", &[], None),
    (b"\x43\x00\x00\xc0\x7f", &[], Some(F32)),
    (b"\x44\x18\x2d\x44\x54\xfb\x21\x09\x40", &[], Some(F64)),
    (b"\x42\xff\xff\xff\xff\xff\xff\xff\xff\x7f", &[], Some(I64)),
];

/// Returns all instructions.
pub(crate) fn all() -> Vec<Op> {
    let ranges = RANGES.iter().flat_map(|&(first, last, takes, gives)| {
        (first..=last).map(move |at| Op { bytes: &BYTES[usize::from(at)], takes, gives: Some(gives) })
    });
    let others = OTHERS.iter().map(|&(bytes, takes, gives)| Op { bytes, takes, gives });
    ranges.chain(others).collect()
}
