//! Allocations that fail with an error, and sizes that do not overflow.

use crate::error::{Error, Result};

/// Returns the size in bytes of `count` elements of `width` bytes; `Err` where it exceeds `most` or
/// overflows. C's `qsort` does not check its product.
pub(crate) fn array_bytes(count: usize, width: usize, most: usize) -> Result<usize> {
    let bytes = count.saturating_mul(width);
    if bytes > most { Err(Error::ArrayTooLarge { bytes, most }) } else { Ok(bytes) }
}

/// Creates an empty vector with capacity for `count` elements; `Err`, not an abort, where memory is short.
pub(crate) fn try_with_capacity<T>(count: usize, what: &'static str) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>());
    vec.try_reserve_exact(count).map_err(|_| Error::NoMemory { bytes, what })?;
    Ok(vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ScratchArray;

    #[test]
    fn a_product_that_overflows_is_too_large_and_not_small() {
        for (count, width) in [(usize::MAX, 2), (1 << (usize::BITS - 1), 2), (usize::MAX / 4 + 2, 4)] {
            let error = array_bytes(count, width, usize::MAX - 1).unwrap_err();
            assert!(matches!(error, Error::ArrayTooLarge { .. }), "{count} × {width}: {error}");
            assert!(ScratchArray::zeroed(count, width, 1 << 30).is_err());
        }
        assert_eq!(array_bytes(3, 5, 15).unwrap(), 15);
        assert!(array_bytes(3, 5, 14).is_err());
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        let error = try_with_capacity::<u64>(usize::MAX / 32, "a test").unwrap_err();
        assert!(matches!(error, Error::NoMemory { what: "a test", .. }), "{error}");
    }
}
