//! Values to order: lists of str or bytes, columns of Arrow, arrays of numpy.

use std::borrow::Cow;
use std::collections::TryReserveError;

use callbox::CType;
use callbox::sort::Items;
use pyo3::exceptions::{PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyString};

use super::arrow::{self, Column};
use super::elements::{Elements, Kind};
use super::errors;

/// Values that are there, and the places of all that are not.
pub(crate) struct Values {
    items: Stored,
    /// The places of the values that are there, where some are not.
    present: Option<Vec<u32>>,
    /// How many there are, those that are not there as well.
    pub(crate) len: usize,
}

/// How the values are kept.
pub(crate) enum Stored {
    /// Runs of bytes, one after the other, and the offsets that divide them.
    Runs(Runs),
    /// A column of Arrow, as it is.
    Column(Column),
    /// Numbers, or records of a width.
    Records { bytes: Vec<u8>, width: usize, element: CType },
}

/// Runs of bytes, one after the other, and the offsets that divide them.
pub(crate) struct Runs {
    pub(crate) bytes: Vec<u8>,
    pub(crate) offsets: Vec<u64>,
}

impl Runs {
    pub(crate) fn new() -> Runs {
        Runs { bytes: Vec::new(), offsets: vec![0] }
    }

    /// Returns the texts of fixed width in copied elements; `None` for elements of other kinds.
    pub(crate) fn of(kind: &Kind, width: usize, bytes: &[u8]) -> PyResult<Option<Runs>> {
        let mut runs = Runs::new();
        match kind {
            Kind::Bytes => bytes.chunks_exact(width).try_for_each(|run| runs.push(without_zeros(run)))?,
            Kind::Characters => {
                for run in bytes.chunks_exact(width) {
                    runs.push(text(run)?.as_bytes())?;
                }
            }
            Kind::Numbers(_) | Kind::Records | Kind::Objects => return Ok(None),
        }
        Ok(Some(runs))
    }

    /// Appends a run, or raises MemoryError.
    pub(crate) fn push(&mut self, run: &[u8]) -> PyResult<()> {
        self.bytes.try_reserve(run.len()).map_err(no_memory)?;
        self.bytes.extend_from_slice(run);
        push(&mut self.offsets, self.bytes.len() as u64)
    }
}

/// Appends an element, or raises MemoryError.
pub(crate) fn push<T>(all: &mut Vec<T>, element: T) -> PyResult<()> {
    all.try_reserve(1).map_err(no_memory)?;
    all.push(element);
    Ok(())
}

/// Creates a list with room for so many elements, or raises MemoryError.
pub(crate) fn with_capacity<T>(len: usize) -> PyResult<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(len).map_err(no_memory)?;
    Ok(all)
}

fn no_memory(error: TryReserveError) -> PyErr {
    PyMemoryError::new_err(format!("the values could not be copied: {error}"))
}

/// `Err` for numpy's masked arrays, whose values that are not there no buffer tells.
pub(crate) fn refuse_masks(object: &Bound<'_, PyAny>) -> PyResult<()> {
    if object.hasattr("mask")? && object.hasattr("fill_value")? {
        return Err(PyTypeError::new_err("a masked array hides values; pass its compressed() or filled()"));
    }
    Ok(())
}

/// Returns whether an object's values are taken without an iterator.
pub(crate) fn is_column(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(arrow::has(object)? || PyMemoryView::from(object).is_ok())
}

impl Values {
    /// Takes the values of an object of Python's.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Values> {
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("a list of values was expected, and this is a single one"));
        }
        refuse_masks(object)?;
        if let Some(values) = arrow::values(object)? {
            return Ok(values);
        }
        if let Ok(view) = PyMemoryView::from(object) {
            let elements = Elements::in_view(view)?;
            if elements.kind != Kind::Objects {
                return Values::of_elements(object.py(), &elements);
            }
        }
        Values::of_sequence(object)
    }

    /// Creates values of which all are there.
    pub(crate) fn whole(items: Stored, len: usize) -> Values {
        Values { items, present: None, len }
    }

    /// Creates values of which these are there.
    pub(crate) fn some(items: Stored, present: Vec<u32>, len: usize) -> Values {
        let present = (present.len() < len).then_some(present);
        Values { items, present, len }
    }

    fn of_elements(py: Python<'_>, elements: &Elements) -> PyResult<Values> {
        let (bytes, width) = (elements.copied(py)?, elements.width());
        let len = bytes.len() / width;
        let items = match Runs::of(&elements.kind, width, &bytes)? {
            Some(runs) => Stored::Runs(runs),
            None => Stored::Records { bytes, width, element: elements.kind.element(width) },
        };
        Ok(Values::whole(items, len))
    }

    fn of_sequence(object: &Bound<'_, PyAny>) -> PyResult<Values> {
        let (mut runs, mut present, mut len) = (Runs::new(), Vec::new(), 0);
        let mut texts = None;
        for value in object.try_iter()? {
            let value = value?;
            if !value.is_none() {
                let (run, is_text) = run_of(&value)?;
                if *texts.get_or_insert(is_text) != is_text {
                    return Err(PyTypeError::new_err("values are all str or all bytes, not some of each"));
                }
                runs.push(&run)?;
                push(&mut present, len as u32)?;
            }
            len += 1;
        }
        Ok(Values::some(Stored::Runs(runs), present, len))
    }

    /// Returns the values that are there.
    pub(crate) fn items(&self) -> callbox::Result<Items<'_>> {
        match &self.items {
            Stored::Runs(runs) => Items::offsets(&runs.bytes, &runs.offsets[..]),
            Stored::Column(column) => column.items(),
            Stored::Records { bytes, width, .. } => Items::borrowed_records(bytes, *width),
        }
    }

    /// Returns the type by which a comparator of them is found.
    pub(crate) fn element(&self) -> CType {
        match &self.items {
            Stored::Runs(_) | Stored::Column(_) => CType::Void,
            Stored::Records { element, .. } => element.clone(),
        }
    }

    /// Returns the place among all values of one that is there, by its number among those.
    pub(crate) fn place(&self, number: usize) -> usize {
        self.present.as_ref().map_or(number, |present| present[number] as usize)
    }

    /// Returns the places of the values that are not there.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> {
        let mut present = self.present.iter().flatten().peekable();
        let all = if self.present.is_some() { 0..self.len } else { 0..0 };
        all.filter(move |place| present.next_if(|next| **next as usize == *place).is_none())
    }
}

/// Returns the bytes of a str or of bytes, and whether it is a str.
pub(crate) fn run_of<'v>(value: &'v Bound<'_, PyAny>) -> PyResult<(Cow<'v, [u8]>, bool)> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok((Cow::Borrowed(text.to_str()?.as_bytes()), true));
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok((Cow::Borrowed(bytes.as_bytes()), false));
    }
    let name = value.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "a value is str or bytes, and in a list also None, and this is {name}; numbers are passed in an \
         array, array.array or one of numpy's numbers"
    )))
}

/// Returns what is before the zeros at the end.
fn without_zeros(run: &[u8]) -> &[u8] {
    let len = run.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &run[..len]
}

/// Returns the text of characters of four bytes, up to the zeros at the end.
fn text(run: &[u8]) -> PyResult<String> {
    let codes: Vec<u32> = run.as_chunks::<4>().0.iter().map(|four| u32::from_ne_bytes(*four)).collect();
    let len = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last + 1);
    let text: Option<String> = codes[..len].iter().map(|code| char::from_u32(*code)).collect();
    text.ok_or_else(|| errors::RefusedError::new_err("a text has a surrogate, which is no character"))
}
