//! Elements in buffers: numpy's arrays, array.array, arrays of ctypes, memoryview.
#![allow(unsafe_code, reason = "copies from and to the memory of buffers")]

use callbox::CType;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::values;

/// A buffer of one dimension, and what its elements are.
pub(crate) struct Elements {
    buffer: PyUntypedBuffer,
    pub(crate) kind: Kind,
}

/// The kind of elements, as far as their format says it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Numbers of this type.
    Numbers(CType),
    /// Bytes that end before the zeros at their end: numpy's S.
    Bytes,
    /// Characters of four bytes, likewise: numpy's U.
    Characters,
    /// Records that are nothing but bytes.
    Records,
    /// Objects of Python's, which no guest is passed.
    Objects,
}

impl Kind {
    fn of(format: &str, width: usize) -> PyResult<Kind> {
        let (order, rest) = match format.as_bytes().first() {
            Some(b'@' | b'=' | b'<' | b'>' | b'!') => format.split_at(1),
            _ => ("", format),
        };
        let letter = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let kind = match (letter, width) {
            ("s", _) => Kind::Bytes,
            ("w", _) => Kind::Characters,
            ("b" | "h" | "i" | "l" | "q" | "n", 1) => Kind::Numbers(CType::Int8),
            ("b" | "h" | "i" | "l" | "q" | "n", 2) => Kind::Numbers(CType::Int16),
            ("b" | "h" | "i" | "l" | "q" | "n", 4) => Kind::Numbers(CType::Int32),
            ("b" | "h" | "i" | "l" | "q" | "n", 8) => Kind::Numbers(CType::Int64),
            ("B" | "H" | "I" | "L" | "Q" | "N", 1) => Kind::Numbers(CType::UInt8),
            ("B" | "H" | "I" | "L" | "Q" | "N", 2) => Kind::Numbers(CType::UInt16),
            ("B" | "H" | "I" | "L" | "Q" | "N", 4) => Kind::Numbers(CType::UInt32),
            ("B" | "H" | "I" | "L" | "Q" | "N", 8) => Kind::Numbers(CType::UInt64),
            ("f", 4) => Kind::Numbers(CType::Float),
            ("d", 8) => Kind::Numbers(CType::Double),
            ("O", _) => Kind::Objects,
            _ => Kind::Records,
        };
        if matches!(order, ">" | "!") && width > 1 && matches!(kind, Kind::Numbers(_) | Kind::Characters) {
            let text = "the buffer's numbers are big-endian; guests compare little-endian ones";
            return Err(PyTypeError::new_err(text));
        }
        Ok(kind)
    }

    /// Returns the type by which a comparator is found.
    pub(crate) fn element(&self, width: usize) -> CType {
        match self {
            Kind::Numbers(ctype) => ctype.clone(),
            Kind::Bytes | Kind::Characters => CType::Void,
            Kind::Records | Kind::Objects => CType::Array { element: Box::new(CType::UInt8), len: width },
        }
    }
}

impl Elements {
    /// Takes a view of an object's buffer, whose elements may be passed to guests.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Elements> {
        values::refuse_masks(object)?;
        let view = PyMemoryView::from(object).map_err(|error| {
            let text = format!(
                "a buffer was expected, as numpy, array.array and ctypes have them, not a list: {error}"
            );
            if error.is_instance_of::<PyTypeError>(object.py()) { PyTypeError::new_err(text) } else { error }
        })?;
        let elements = Elements::in_view(view)?;
        if elements.kind == Kind::Objects {
            return Err(PyTypeError::new_err("the buffer holds objects, which no guest can be passed"));
        }
        Ok(elements)
    }

    /// Takes the buffer of a view, which has strides, as some objects do not tell of themselves.
    pub(crate) fn in_view(view: Bound<'_, PyMemoryView>) -> PyResult<Elements> {
        let buffer = PyUntypedBuffer::get(view.as_any())?;
        if buffer.dimensions() != 1 {
            let text =
                format!("a buffer of one dimension was expected, and this has {}", buffer.dimensions());
            return Err(PyValueError::new_err(text));
        }
        if buffer.item_size() == 0 {
            return Err(PyValueError::new_err("the buffer's elements have no size"));
        }
        let kind = Kind::of(&buffer.format().to_string_lossy(), buffer.item_size())?;
        Ok(Elements { buffer, kind })
    }

    /// Returns the size of an element in bytes.
    pub(crate) fn width(&self) -> usize {
        self.buffer.item_size()
    }

    /// Copies the elements, one after the other.
    ///
    /// # Errors
    ///
    /// MemoryError.
    pub(crate) fn copied(&self, _: Python<'_>) -> PyResult<Vec<u8>> {
        let (width, len) = (self.width(), self.buffer.item_count());
        let mut bytes = values::with_capacity(len.saturating_mul(width))?;
        // Contiguous elements are one piece.
        let (pieces, size) = if self.buffer.is_c_contiguous() { (1, len * width) } else { (len, width) };
        for piece in 0..pieces {
            let place = bytes.spare_capacity_mut().as_mut_ptr().cast::<u8>();
            // SAFETY: Python vouches for the memory of a view as long as it is not released. The room was
            // reserved, and is not Python's. A thread that writes to the buffer meanwhile, without Python's
            // lock, may leave any bytes there, as for `bytes(view)`.
            unsafe { self.at(piece).copy_to_nonoverlapping(place, size) };
            // SAFETY: so many bytes have just been written.
            unsafe { bytes.set_len(bytes.len() + size) };
        }
        Ok(bytes)
    }

    /// Overwrites the elements.
    ///
    /// # Errors
    ///
    /// TypeError where the buffer may only be read.
    pub(crate) fn overwrite(&self, _: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        self.check_writable()?;
        let width = self.width();
        assert_eq!(bytes.len(), self.buffer.item_count() * width, "as many elements as before");
        if self.buffer.is_c_contiguous() {
            // SAFETY: Python vouches for the memory of a view as long as it is not released, and it may be
            // written to. `bytes` is not Python's memory, and as long as the elements. What threads without
            // Python's lock do with the buffer meanwhile is as for `view[:] = bytes`.
            unsafe { self.at(0).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            return Ok(());
        }
        for (at, element) in bytes.chunks_exact(width).enumerate() {
            // SAFETY: as above, for one element.
            unsafe { self.at(at).copy_from_nonoverlapping(element.as_ptr(), width) };
        }
        Ok(())
    }

    /// `Err` where the buffer may only be read.
    pub(crate) fn check_writable(&self) -> PyResult<()> {
        if self.buffer.readonly() {
            return Err(PyTypeError::new_err("the buffer may only be read; copy it, or use argsort"));
        }
        Ok(())
    }

    /// Returns the address of an element, which is never null.
    fn at(&self, at: usize) -> *mut u8 {
        if self.buffer.item_count() == 0 {
            return std::ptr::dangling_mut();
        }
        self.buffer.get_ptr(&[at]).cast()
    }
}
