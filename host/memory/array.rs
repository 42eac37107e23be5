//! Typed arrays in host memory.

use super::{array_bytes, madvise, try_with_capacity};
use crate::ctype::CType;
use crate::error::{ItemsError, Result};

/// An element type of arrays that C sorts: plain data of a known C type.
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

/// The size of an array: number of elements, and their width in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) len: usize,
    pub(crate) width: usize,
}

/// Elements of one width, borrowed for a native call that may change their order.
pub(crate) struct Array<'a> {
    bytes: &'a mut [u8],
    width: usize,
    /// The type of the elements; `None` for byte records, which match every type of their width.
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

    /// Returns a copy for C to work on; `Err` where it exceeds `most` bytes.
    pub(crate) fn scratch_copy(&self, most: usize) -> Result<ScratchArray> {
        ScratchArray::copy_of(self.bytes, self.width, most)
    }
}

/// `Err` unless `bytes` is a whole number of elements of `width` bytes each.
pub(crate) fn check_width(bytes: usize, width: usize) -> Result<()> {
    if width == 0 || !bytes.is_multiple_of(width) {
        return Err(ItemsError::Ragged { bytes, width }.into());
    }
    Ok(())
}

/// A private, mutable array for the native call, aligned for every C type.
pub(crate) struct ScratchArray {
    words: Vec<u128>,
    len: usize,
    width: usize,
}

impl ScratchArray {
    /// Creates an array of `count` elements of `width` zero bytes each; `Err` where it exceeds `most` bytes.
    pub(crate) fn zeroed(count: usize, width: usize, most: usize) -> Result<ScratchArray> {
        let mut scratch = ScratchArray::empty(count, width, most)?;
        scratch.words.resize(scratch.words.capacity(), 0);
        Ok(scratch)
    }

    /// Creates an array of these bytes, a whole number of elements of `width`; `Err` where it exceeds `most`
    /// bytes.
    pub(crate) fn copy_of(bytes: &[u8], width: usize, most: usize) -> Result<ScratchArray> {
        let mut scratch = ScratchArray::empty(bytes.len() / width, width, most)?;
        let (whole, rest) = bytes.as_chunks();
        scratch.words.extend(whole.iter().map(|word| u128::from_ne_bytes(*word)));
        let mut last = [0; size_of::<u128>()];
        last[..rest.len()].copy_from_slice(rest);
        scratch.words.resize(scratch.words.capacity(), u128::from_ne_bytes(last));
        Ok(scratch)
    }

    /// Allocates an array as [`ScratchArray::zeroed`] does, but leaves its elements to be written.
    fn empty(count: usize, width: usize, most: usize) -> Result<ScratchArray> {
        let len = array_bytes(count, width, most)?;
        let words: Vec<u128> =
            try_with_capacity(len.div_ceil(size_of::<u128>()), "a scratch copy of the array")?;
        madvise::huge_pages(words.as_ptr().cast(), len);
        Ok(ScratchArray { words, len, width })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }

    /// Returns the number of elements.
    pub(crate) fn len(&self) -> usize {
        self.len / self.width
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of elements and their width.
    pub(crate) fn extent(&self) -> Extent {
        Extent { len: self.len(), width: self.width }
    }
}
