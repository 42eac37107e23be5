//! Guests: loading them, and what they order.

use std::path::PathBuf;
use std::sync::Arc;

use callbox::{CType, Config, ModuleSource, Sandbox};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use super::callback::Callback;
use super::interrupt::{self, detached};
use super::key::{Collation, Key};
use super::limits::Limits;
use super::order::{Contradiction, Order};
use super::print;
use super::process::PerProcess;
use super::values::{self, Values};

/// An instance of a WebAssembly module in a sandbox of its own.
///
/// Made by `load`, `loads` or `bundled`. Any thread may use it; callers take turns. A forked child makes an
/// instance of its own at the first use.
#[pyclass(frozen, weakref, module = "callbox")]
pub(crate) struct Guest {
    made: Arc<Made>,
}

/// The source and settings of a guest, and the one of this process.
pub(crate) struct Made {
    source: ModuleSource,
    config: Config,
    guest: PerProcess<callbox::Guest>,
}

fn instantiate(source: &ModuleSource, config: &Config) -> callbox::Result<callbox::Guest> {
    source.compile(&Sandbox::new(config.clone())?)?.instantiate()
}

impl Made {
    /// Returns the guest of this process. The interpreter's lock must not be held.
    pub(crate) fn guest(&self) -> callbox::Result<callbox::Guest> {
        self.guest.get(|| instantiate(&self.source, &self.config))
    }
}

impl Guest {
    fn make(
        py: Python<'_>,
        limits: Option<Limits>,
        print: Option<Py<PyAny>>,
        source: impl FnOnce(&callbox::Limits) -> callbox::Result<ModuleSource> + Send,
    ) -> PyResult<Guest> {
        let limits = limits.map_or_else(callbox::Limits::default, |limits| limits.0);
        // Programs turn on faulthandler when they like, which takes over the signal by which traps are
        // noticed otherwise.
        let config = Config::new(limits).signals_based_traps(false).interrupt_when(interrupt::is_raised);
        let config = match print {
            Some(function) => config.grant_print(move |text| print::told(&function, text)),
            None => config,
        };
        detached(py, || {
            let source = source(&limits)?;
            let guest = PerProcess::new(instantiate(&source, &config)?);
            Ok(Guest { made: Arc::new(Made { source, config, guest }) })
        })
    }

    /// Returns a comparator of elements of a type: the export of this name, or the one that fits.
    pub(crate) fn comparator(
        &self,
        element: &CType,
        export: Option<&str>,
    ) -> callbox::Result<callbox::Callback> {
        let guest = self.made.guest()?;
        match export {
            Some(export) => guest.callback(export, callbox::Prototype::comparator(element.clone())),
            None => guest.comparator_for(element.clone()),
        }
    }
}

/// Loads a guest from a file: WebAssembly text if its name ends in `.wat`, a binary otherwise.
///
/// `print` is a function that gets the text that the guest prints by the import `callbox.print`, which no
/// guest may have otherwise.
#[pyfunction]
#[pyo3(signature = (path, *, limits=None, print=None))]
pub(crate) fn load(
    py: Python<'_>,
    path: PathBuf,
    limits: Option<Limits>,
    print: Option<Py<PyAny>>,
) -> PyResult<Guest> {
    Guest::make(py, limits, print, |limits| ModuleSource::read(path, limits))
}

/// Loads a guest from a module in memory: bytes of a binary, or WebAssembly text.
#[pyfunction]
#[pyo3(signature = (module, *, name="guest", limits=None, print=None))]
pub(crate) fn loads(
    py: Python<'_>,
    module: &Bound<'_, PyAny>,
    name: &str,
    limits: Option<Limits>,
    print: Option<Py<PyAny>>,
) -> PyResult<Guest> {
    let source = if let Ok(text) = module.cast::<PyString>() {
        if !text.to_str()?.contains('(') {
            return Err(PyTypeError::new_err("this is no WebAssembly text; load takes the path of a file"));
        }
        ModuleSource::from_text(name, text.to_str()?)
    } else if let Ok(bytes) = module.cast::<PyBytes>() {
        ModuleSource::new(name, bytes.as_bytes())
    } else {
        return Err(PyTypeError::new_err("a module is bytes of a binary, or a str of WebAssembly text"));
    };
    Guest::make(py, limits, print, |_| Ok(source))
}

/// Loads a guest that comes with Callbox: one of `callbox.BUNDLED`.
///
/// >>> callbox.bundled("version").sorted(["v1.10", "v1.9"])
/// ['v1.9', 'v1.10']
#[pyfunction]
#[pyo3(signature = (name, *, limits=None))]
pub(crate) fn bundled(py: Python<'_>, name: &str, limits: Option<Limits>) -> PyResult<Guest> {
    Guest::make(py, limits, None, |_| match callbox::bundled::Bundled::find(name) {
        Some(found) => Ok(ModuleSource::new(name, found.wasm)),
        None => {
            let bundled = callbox::bundled::BUNDLED.iter().map(|guest| guest.name).collect();
            Err(callbox::Error::NotBundled { name: name.to_owned(), bundled })
        }
    })
}

#[pymethods]
impl Guest {
    /// The exports, each with its type.
    #[getter]
    fn exports(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        let exports = detached(py, || Ok(self.made.guest()?.module().exports()))?;
        Ok(exports.into_iter().map(|export| (export.name, export.ty)).collect())
    }

    /// The module's name or path.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || Ok(self.made.guest()?.module().name().to_owned()))
    }

    /// The SHA-256 of the module's binary, in hexadecimal.
    #[getter]
    fn sha256(&self, py: Python<'_>) -> PyResult<String> {
        let digest = detached(py, || Ok(self.made.guest()?.module().sha256()))?;
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Checks an export against a prototype as C writes it: "int (const char *)".
    fn callback(&self, py: Python<'_>, export: &str, prototype: &str) -> PyResult<Callback> {
        Callback::new(py, self.made.clone(), export, prototype)
    }

    /// Returns what ctypes.CFUNCTYPE returns, for exports in the place of Python's functions.
    ///
    /// `CMPFUNC = guest.cfunctype(c_int, POINTER(c_int), POINTER(c_int))`, and then `CMPFUNC("compare")` is a
    /// function object of ctypes that C may call for as long as it lives.
    #[pyo3(signature = (restype, *argtypes))]
    fn cfunctype<'py>(
        this: Bound<'py, Self>,
        restype: Bound<'py, PyAny>,
        argtypes: Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let class = this.py().import("callbox._ctypes")?.getattr("CFuncType")?;
        class.call1((this, restype, argtypes))
    }

    /// Sorts a buffer in place: numpy's arrays, array.array, arrays of ctypes, memoryview.
    ///
    /// All or nothing: after an exception the buffer is as it was. Items that the guest calls equal stay in
    /// their order.
    #[pyo3(signature = (buffer, *, reverse=false, export=None))]
    fn sort(&self, buffer: &Bound<'_, PyAny>, reverse: bool, export: Option<&str>) -> PyResult<()> {
        Order { guest: self, export, reverse }.sort(buffer)
    }

    /// Returns the numbers of the values in the order of the values, as an array of 64-bit integers.
    ///
    /// The values are a list of str or bytes, strings or numbers of numpy, or anything with Arrow's
    /// interface. None and nulls are last.
    #[pyo3(signature = (values, *, reverse=false, export=None))]
    fn argsort<'py>(
        &self,
        values: &Bound<'py, PyAny>,
        reverse: bool,
        export: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Order { guest: self, export, reverse }.argsort(values.py(), &Values::of(values)?)
    }

    /// Returns the dense rank of each value, from 0, as an array of 64-bit integers: equal values have the
    /// same one, and None and nulls the last.
    #[pyo3(signature = (values, *, reverse=false, export=None))]
    fn rank<'py>(
        &self,
        values: &Bound<'py, PyAny>,
        reverse: bool,
        export: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Order { guest: self, export, reverse }.rank(values.py(), &Values::of(values)?)
    }

    /// Returns the values in order, as a list.
    #[pyo3(signature = (values, *, reverse=false, export=None))]
    fn sorted<'py>(
        &self,
        values: &Bound<'py, PyAny>,
        reverse: bool,
        export: Option<&str>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (py, all) = (values.py(), PyList::empty(values.py()));
        for value in values.try_iter()? {
            all.append(value?)?;
        }
        // Columns are faster than lists; anything else may not have the same values twice.
        let order = if values::is_column(values)? { values } else { all.as_any() };
        let list = PyList::empty(py);
        for number in self.argsort(order, reverse, export)?.try_iter()? {
            list.append(all.as_any().get_item(number?)?)?;
        }
        Ok(list)
    }

    /// Returns for each value the number of splitters before it, which are in order; with side "right" also
    /// of those that it equals. As numpy.searchsorted.
    #[pyo3(signature = (splitters, values, *, side="left", export=None))]
    fn search<'py>(
        &self,
        splitters: &Bound<'py, PyAny>,
        values: &Bound<'py, PyAny>,
        side: &str,
        export: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (splitters, found) = (Values::of(splitters)?, Values::of(values)?);
        let py = values.py();
        Order { guest: self, export, reverse: false }.search(py, &splitters, &found, side)
    }

    /// Asks about every pair of up to `sample` values, evenly spread, both ways and in two orders; returns
    /// the first contradiction that is found, or None.
    #[pyo3(signature = (values, *, sample=200, export=None))]
    fn check(
        &self,
        values: &Bound<'_, PyAny>,
        sample: usize,
        export: Option<&str>,
    ) -> PyResult<Option<Contradiction>> {
        let found = Values::of(values)?;
        Order { guest: self, export, reverse: false }.check(values.py(), &found, sample)
    }

    /// Returns for each value bytes whose order is that of the values, made by the guest's export `sort_key`
    /// as by C's strxfrm. None stays None.
    ///
    /// >>> callbox.bundled("bytes").sort_key(["b", None, "a"])
    /// [b'b', None, b'a']
    fn sort_key<'py>(&self, values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        Order { guest: self, export: None, reverse: false }.sort_key(values.py(), &Values::of(values)?)
    }

    /// Returns a key function for list.sort, sorted, bisect or heapq.merge, of str or bytes.
    ///
    /// It asks the guest for each comparison; `sorted` of this class takes less time.
    #[pyo3(signature = (*, export=None))]
    fn key(&self, py: Python<'_>, export: Option<&str>) -> PyResult<Key> {
        Ok(Key::new(self.bytes_comparator(py, export)?))
    }

    /// Returns a function for `create_collation` of sqlite3.
    #[pyo3(signature = (*, export=None))]
    fn collation(&self, py: Python<'_>, export: Option<&str>) -> PyResult<Collation> {
        Ok(Collation::new(self.bytes_comparator(py, export)?))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<Guest {}>", callbox::escape(self.name(py)?)))
    }
}

impl Guest {
    pub(crate) fn sort_keys(&self) -> callbox::Result<callbox::SortKey> {
        self.made.guest()?.sort_key()
    }

    /// Returns a comparator of runs of bytes.
    fn bytes_comparator(&self, py: Python<'_>, export: Option<&str>) -> PyResult<Callback> {
        let found = detached(py, || self.comparator(&CType::Void, export))?;
        Ok(Callback::of(self.made.clone(), found))
    }
}
