//! A typed run of host memory.

use crate::ctype::CType;
use crate::error::{Error, Result};
use crate::pages;

/// A type whose values may stand in an array that C sorts: plain data of a known C type.
pub trait Element: bytemuck::Pod {
    /// The C type with this layout and meaning.
    const CTYPE: CType;
}

macro_rules! elements {
    ($($rust:ty => $c:ident),* $(,)?) => {
        $(impl Element for $rust { const CTYPE: CType = CType::$c; })*
    };
}

elements! {
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64, isize => IntPtr,
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64, usize => Size,
    f32 => Float, f64 => Double,
}

/// Elements of one width, borrowed for a native call that may change their order.
pub(crate) struct Array<'a> {
    bytes: &'a mut [u8],
    width: usize,
    /// What the elements are; `None` for byte records, which suit every type of their width.
    ctype: Option<CType>,
}

impl<'a> Array<'a> {
    pub(crate) fn typed<T: Element>(elements: &'a mut [T]) -> Self {
        let bytes = bytemuck::cast_slice_mut(elements);
        Array { bytes, width: size_of::<T>(), ctype: Some(T::CTYPE) }
    }

    pub(crate) fn records(bytes: &'a mut [u8], width: usize) -> Result<Self> {
        check_width(bytes.len(), width)?;
        Ok(Array { bytes, width, ctype: None })
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn ctype(&self) -> Option<&CType> {
        self.ctype.as_ref()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// A copy for C to work on, of at most so many bytes.
    pub(crate) fn private_copy(&self, most: usize) -> Result<Private> {
        let mut private = Private::empty(self.bytes.len() / self.width, self.width, most)?;
        let (whole, rest) = self.bytes.as_chunks();
        private.words.extend(whole.iter().map(|word| u128::from_ne_bytes(*word)));
        let mut last = [0; size_of::<u128>()];
        last[..rest.len()].copy_from_slice(rest);
        private.words.resize(private.words.capacity(), u128::from_ne_bytes(last));
        Ok(private)
    }
}

/// `Err` unless `bytes` is a whole number of elements of `width` bytes each.
pub(crate) fn check_width(bytes: usize, width: usize) -> Result<()> {
    if width == 0 || !bytes.is_multiple_of(width) {
        return Err(Error::Ragged { bytes, width });
    }
    Ok(())
}

/// Bytes of `count` elements of `width` bytes; `Err` where they are more than `most`, or than can be
/// said. C's `qsort` does not check its product.
pub(crate) fn array_bytes(count: usize, width: usize, most: usize) -> Result<usize> {
    let bytes = count.saturating_mul(width);
    if bytes > most { Err(Error::ArrayTooLarge { bytes, most }) } else { Ok(bytes) }
}

/// An empty vector with room for `count` elements; `Err`, and no abort, where there is no memory.
pub(crate) fn room<T>(count: usize, what: &'static str) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>());
    vec.try_reserve_exact(count).map_err(|_| Error::NoMemory { bytes, what })?;
    Ok(vec)
}

/// An owned array that C may do to as it likes, aligned for every C type.
pub(crate) struct Private {
    words: Vec<u128>,
    len: usize,
    width: usize,
}

impl Private {
    /// `count` elements of `width` zero bytes each, if that is at most so many bytes.
    pub(crate) fn zeroed(count: usize, width: usize, most: usize) -> Result<Private> {
        let mut private = Private::empty(count, width, most)?;
        private.words.resize(private.words.capacity(), 0);
        Ok(private)
    }

    /// The same, still without its elements.
    fn empty(count: usize, width: usize, most: usize) -> Result<Private> {
        let len = array_bytes(count, width, most)?;
        let words: Vec<u128> = room(len.div_ceil(size_of::<u128>()), "a private copy of the array")?;
        pages::advise(words.as_ptr().cast(), len);
        Ok(Private { words, len, width })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }

    /// Length in elements.
    pub(crate) fn len(&self) -> usize {
        self.len / self.width
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_overflows_is_too_large_and_not_small() {
        for (count, width) in [(usize::MAX, 2), (1 << (usize::BITS - 1), 2), (usize::MAX / 4 + 2, 4)] {
            let error = array_bytes(count, width, usize::MAX - 1).unwrap_err();
            assert!(matches!(error, Error::ArrayTooLarge { .. }), "{count} × {width}: {error}");
            assert!(Private::zeroed(count, width, 1 << 30).is_err());
        }
        assert_eq!(array_bytes(3, 5, 15).unwrap(), 15);
        assert!(array_bytes(3, 5, 14).is_err());
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        let error = room::<u64>(usize::MAX / 32, "a test").unwrap_err();
        assert!(matches!(error, Error::NoMemory { what: "a test", .. }), "{error}");
    }
}
