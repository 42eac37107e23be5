//! Columns by Arrow's C interface: pyarrow, polars, pandas and others, none of which is imported.
#![allow(unsafe_code, reason = "takes over structures of Arrow's C interface")]

use std::ffi::CStr;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, make_array};
use arrow_schema::{ArrowError, DataType};
use callbox::sort::Items;
use callbox::{CType, ItemsError};
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use super::errors::exception;
use super::values::{Runs, Stored, Values, push};

/// A column of strings or binaries without nulls, whose buffers are used as they are.
pub(crate) struct Column(ArrayRef);

impl Column {
    pub(crate) fn items(&self) -> callbox::Result<Items<'_>> {
        match self.0.data_type() {
            DataType::Utf8 => {
                let array = self.0.as_string::<i32>();
                Items::offsets(array.value_data(), array.value_offsets())
            }
            DataType::LargeUtf8 => {
                let array = self.0.as_string::<i64>();
                Items::offsets(array.value_data(), array.value_offsets())
            }
            DataType::LargeBinary => {
                let array = self.0.as_binary::<i64>();
                Items::offsets(array.value_data(), array.value_offsets())
            }
            _ => {
                let array = self.0.as_binary::<i32>();
                Items::offsets(array.value_data(), array.value_offsets())
            }
        }
    }

    fn is_one(array: &ArrayRef) -> bool {
        use DataType::{Binary, LargeBinary, LargeUtf8, Utf8};
        matches!(array.data_type(), Utf8 | LargeUtf8 | Binary | LargeBinary) && array.null_count() == 0
    }
}

/// Returns whether an object has Arrow's interface.
pub(crate) fn has(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("__arrow_c_array__")? || object.hasattr("__arrow_c_stream__")?)
}

/// Returns the values of an object with Arrow's interface; `None` where it has none.
pub(crate) fn values(object: &Bound<'_, PyAny>) -> PyResult<Option<Values>> {
    let chunks = if object.hasattr("__arrow_c_array__")? {
        let pair = object.call_method0("__arrow_c_array__")?;
        let pair = pair.cast::<PyTuple>()?;
        vec![array(&pair.get_item(0)?, &pair.get_item(1)?)?]
    } else if object.hasattr("__arrow_c_stream__")? {
        stream(&object.call_method0("__arrow_c_stream__")?)?
    } else {
        return Ok(None);
    };
    let len = chunks.iter().map(|chunk| chunk.len()).sum();
    if len > u32::MAX as usize {
        // Nulls take no memory, so that there can be more than an index counts.
        return Err(exception(ItemsError::TooMany { len }.into()));
    }
    if let [chunk] = &chunks[..]
        && Column::is_one(chunk)
    {
        return Ok(Some(Values::whole(Stored::Column(Column(chunk.clone())), len)));
    }
    let mut gathered = Gathered { items: None, present: Vec::new(), len: 0 };
    for chunk in &chunks {
        gathered.add(chunk)?;
    }
    let items = gathered.items.unwrap_or_else(|| Stored::Runs(Runs::new()));
    Ok(Some(Values::some(items, gathered.present, len)))
}

/// Values of several arrays, copied one after the other, without the nulls.
struct Gathered {
    items: Option<Stored>,
    present: Vec<u32>,
    len: usize,
}

impl Gathered {
    fn add(&mut self, array: &ArrayRef) -> PyResult<()> {
        match array.data_type() {
            DataType::Utf8 => self.runs(array.as_string::<i32>().iter()),
            DataType::LargeUtf8 => self.runs(array.as_string::<i64>().iter()),
            DataType::Utf8View => self.runs(array.as_string_view().iter()),
            DataType::Binary => self.runs(array.as_binary::<i32>().iter()),
            DataType::LargeBinary => self.runs(array.as_binary::<i64>().iter()),
            DataType::BinaryView => self.runs(array.as_binary_view().iter()),
            DataType::FixedSizeBinary(_) => self.runs(array.as_fixed_size_binary().iter()),
            DataType::Int8 => self.numbers::<Int8Type, _>(array, CType::Int8, i8::to_le_bytes),
            DataType::Int16 => self.numbers::<Int16Type, _>(array, CType::Int16, i16::to_le_bytes),
            DataType::Int32 => self.numbers::<Int32Type, _>(array, CType::Int32, i32::to_le_bytes),
            DataType::Int64 => self.numbers::<Int64Type, _>(array, CType::Int64, i64::to_le_bytes),
            DataType::UInt8 => self.numbers::<UInt8Type, _>(array, CType::UInt8, u8::to_le_bytes),
            DataType::UInt16 => self.numbers::<UInt16Type, _>(array, CType::UInt16, u16::to_le_bytes),
            DataType::UInt32 => self.numbers::<UInt32Type, _>(array, CType::UInt32, u32::to_le_bytes),
            DataType::UInt64 => self.numbers::<UInt64Type, _>(array, CType::UInt64, u64::to_le_bytes),
            DataType::Float32 => self.numbers::<Float32Type, _>(array, CType::Float, f32::to_le_bytes),
            DataType::Float64 => self.numbers::<Float64Type, _>(array, CType::Double, f64::to_le_bytes),
            DataType::Dictionary(..) => self.dictionary(array),
            DataType::Null => {
                self.len += array.len();
                Ok(())
            }
            other => {
                let text =
                    format!("a column of strings, binaries or numbers was expected, and this is {other}");
                Err(PyTypeError::new_err(text))
            }
        }
    }

    fn runs<R: AsRef<[u8]>>(&mut self, all: impl Iterator<Item = Option<R>>) -> PyResult<()> {
        let fresh = || Stored::Runs(Runs::new());
        let Stored::Runs(runs) = self.items.get_or_insert_with(fresh) else { return Err(mixed()) };
        for run in all {
            if let Some(run) = run {
                runs.push(run.as_ref())?;
                push(&mut self.present, self.len as u32)?;
            }
            self.len += 1;
        }
        Ok(())
    }

    fn numbers<T: ArrowPrimitiveType, const WIDTH: usize>(
        &mut self,
        array: &ArrayRef,
        element: CType,
        bytes_of: fn(T::Native) -> [u8; WIDTH],
    ) -> PyResult<()> {
        let fresh = || Stored::Records { bytes: Vec::new(), width: WIDTH, element };
        let Stored::Records { bytes, .. } = self.items.get_or_insert_with(fresh) else { return Err(mixed()) };
        for number in array.as_primitive::<T>().iter() {
            if let Some(number) = number {
                bytes
                    .try_reserve(WIDTH)
                    .map_err(|_| PyMemoryError::new_err("the column could not be copied"))?;
                bytes.extend_from_slice(&bytes_of(number));
                push(&mut self.present, self.len as u32)?;
            }
            self.len += 1;
        }
        Ok(())
    }

    /// Adds strings or binaries that are given by numbers in a dictionary: pandas' and polars' categories.
    fn dictionary(&mut self, array: &ArrayRef) -> PyResult<()> {
        let array = array.as_any_dictionary();
        let mut words = Gathered { items: None, present: Vec::new(), len: 0 };
        words.add(array.values())?;
        let words = words.items.unwrap_or_else(|| Stored::Runs(Runs::new()));
        let (Stored::Runs(words), 0) = (words, array.values().null_count()) else {
            return Err(PyTypeError::new_err("a dictionary of strings or binaries was expected"));
        };
        let all = (0..array.len()).map(|at| key_of(array.keys(), at)).map(|key| match key {
            None => Ok(None),
            Some(key) => match words.offsets.get(key..).and_then(|offsets| offsets.first_chunk()) {
                Some([start, end]) => Ok(Some(&words.bytes[*start as usize..*end as usize])),
                None => Err(PyValueError::new_err(format!("the dictionary has no word {key}"))),
            },
        });
        let all: Vec<_> = all.collect::<PyResult<_>>()?;
        self.runs(all.into_iter())
    }
}

/// Returns the number of a word in a dictionary: one that no word has where it is negative; `None` for a
/// null.
fn key_of(keys: &dyn Array, at: usize) -> Option<usize> {
    macro_rules! key {
        ($($variant:ident $kind:ident),*) => {
            match keys.data_type() {
                $(DataType::$variant => usize::try_from(i128::from(keys.as_primitive::<$kind>().value(at))),)*
                _ => Ok(usize::MAX),
            }
        };
    }
    let key = key!(Int8 Int8Type, Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, UInt8 UInt8Type,
        UInt16 UInt16Type, UInt32 UInt32Type, UInt64 UInt64Type);
    keys.is_valid(at).then(|| key.unwrap_or(usize::MAX))
}

fn mixed() -> PyErr {
    PyTypeError::new_err("the chunks of the column are of different types")
}

/// Takes over an array and its type.
fn array(schema: &Bound<'_, PyAny>, array: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let schema = pointer::<FFI_ArrowSchema>(schema, c"arrow_schema")?;
    let array = pointer::<FFI_ArrowArray>(array, c"arrow_array")?;
    // SAFETY: the capsule's name vouches for what it points to, which stays there as long as the capsule.
    let schema = unsafe { FFI_ArrowSchema::from_raw(schema) };
    // SAFETY: as above.
    let array = unsafe { FFI_ArrowArray::from_raw(array) };
    // SAFETY: the object vouches for the array's buffers, by Arrow's C interface.
    let data = unsafe { from_ffi(array, &schema) }.map_err(refused)?;
    Ok(make_array(data))
}

/// Takes over all arrays of a stream.
fn stream(capsule: &Bound<'_, PyAny>) -> PyResult<Vec<ArrayRef>> {
    let stream = pointer::<FFI_ArrowArrayStream>(capsule, c"arrow_array_stream")?;
    // SAFETY: the capsule's name vouches for what it points to, which stays there as long as the capsule.
    let reader = unsafe { ArrayStreamReader::from_raw(stream) }.map_err(refused)?;
    reader.collect::<Result<_, _>>().map_err(refused)
}

fn refused(error: ArrowError) -> PyErr {
    PyValueError::new_err(format!("the array cannot be read: {error}"))
}

/// Returns what a capsule of this name points to.
fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<*mut T> {
    Ok(capsule.cast::<PyCapsule>()?.pointer_checked(Some(name))?.as_ptr().cast())
}
