//! Whether two arrays have the same elements.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use crate::sync::force;

/// Returns a number that two arrays share if they have the same elements in any order, and otherwise
/// only with a probability of one in 2⁶⁴: a sum of keyed hashes.
pub(super) fn fingerprint(elements: &[u8], width: usize) -> u64 {
    static KEY: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    let key = *force(&KEY);
    // Compiled for each width: a copy of variable length takes longer than the hash.
    match width {
        1 => sum_of_hashes::<1>(elements, key),
        2 => sum_of_hashes::<2>(elements, key),
        4 => sum_of_hashes::<4>(elements, key),
        _ => sum_of_hashes::<8>(elements, key),
    }
}

fn sum_of_hashes<const WIDTH: usize>(elements: &[u8], key: u64) -> u64 {
    let hash = |element: &[u8; WIDTH]| {
        let mut bytes = [0; 8];
        bytes[..WIDTH].copy_from_slice(element);
        // The finalizer of splitmix64.
        let mut x = u64::from_le_bytes(bytes).wrapping_add(key);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    elements.as_chunks::<WIDTH>().0.iter().map(hash).fold(0, u64::wrapping_add)
}
