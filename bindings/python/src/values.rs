//! Values to order: lists of str or bytes, columns of Arrow, arrays of numpy.

use std::borrow::Cow;

use callbox::CType;
use callbox::sort::Items;
use pyo3::exceptions::PyTypeError;
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
    pub(crate) fn with_capacity(len: usize) -> Runs {
        let mut offsets = Vec::with_capacity(len + 1);
        offsets.push(0);
        Runs { bytes: Vec::new(), offsets }
    }

    pub(crate) fn push(&mut self, run: &[u8]) {
        self.bytes.extend_from_slice(run);
        self.offsets.push(self.bytes.len() as u64);
    }
}

impl Values {
    /// Takes the values of an object of Python's.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Values> {
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("a list of values was expected, and this is a single one"));
        }
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
        let (bytes, width) = (elements.copied(py), elements.width());
        let len = bytes.len() / width;
        let items = match elements.kind {
            Kind::Bytes => {
                let mut runs = Runs::with_capacity(len);
                bytes.chunks_exact(width).for_each(|run| runs.push(without_zeros(run)));
                Stored::Runs(runs)
            }
            Kind::Characters => {
                let mut runs = Runs::with_capacity(len);
                for run in bytes.chunks_exact(width) {
                    runs.push(text(run)?.as_bytes());
                }
                Stored::Runs(runs)
            }
            Kind::Numbers(_) | Kind::Records | Kind::Objects => {
                Stored::Records { bytes, width, element: elements.kind.element(width) }
            }
        };
        Ok(Values::whole(items, len))
    }

    fn of_sequence(object: &Bound<'_, PyAny>) -> PyResult<Values> {
        let (mut runs, mut present, mut len) =
            (Runs::with_capacity(object.len().unwrap_or(0)), Vec::new(), 0);
        let mut texts = None;
        for value in object.try_iter()? {
            let value = value?;
            if !value.is_none() {
                let (run, is_text) = run_of(&value)?;
                if *texts.get_or_insert(is_text) != is_text {
                    return Err(PyTypeError::new_err("values are all str or all bytes, not some of each"));
                }
                runs.push(&run);
                present.push(len as u32);
            }
            len += 1;
        }
        Ok(Values::some(Stored::Runs(runs), present, len))
    }

    /// Returns the values that are there, and the type by which a comparator of them is found.
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
