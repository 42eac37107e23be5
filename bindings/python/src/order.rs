//! Sorts, permutations, ranks and places.

use callbox::sort::{self, Asked, Contract, Items, Job, Law, Options, Reply, Side, Sorter, Violation};
use callbox::{CType, Callback};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::elements::Elements;
use super::guest::Guest;
use super::interrupt::detached;
use super::values::{self, Runs, Stored, Values};

/// Answers of a comparator that cannot all be true.
#[pyclass(frozen, get_all, module = "callbox")]
pub(crate) struct Contradiction {
    /// "not reflexive", "not antisymmetric", "not transitive", "not transitive in equality", "not congruent",
    /// "not deterministic", "not read-only" or "not in step with its keys".
    kind: String,
    /// The numbers of the values, in the order of the questions.
    items: Vec<usize>,
    /// The answers: -1, 0 or 1.
    answers: Vec<i32>,
}

#[pymethods]
impl Contradiction {
    fn __repr__(&self) -> String {
        format!("<Contradiction {}: values {:?}, answers {:?}>", self.kind, self.items, self.answers)
    }
}

/// Values in the order of a guest, as list.sort has it: equal ones stay in their order.
#[derive(Clone, Copy)]
pub(crate) struct Order<'g> {
    pub(crate) guest: &'g Guest,
    /// The export that compares; `None` for the one that fits the values.
    pub(crate) export: Option<&'g str>,
    pub(crate) reverse: bool,
}

impl Order<'_> {
    fn comparator(&self, element: &CType) -> callbox::Result<Callback> {
        self.guest.comparator(element, self.export)
    }

    /// Returns the options of a stable sort, in the sandbox where the values fit.
    fn options(&self) -> Options {
        Options::default().stable(true).reverse(self.reverse).sorter(Sorter::Auto)
    }

    /// Sorts a buffer in place.
    pub(crate) fn sort(&self, buffer: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = buffer.py();
        let elements = Elements::of(buffer)?;
        elements.check_writable()?;
        let (bytes, width) = (elements.copied(py)?, elements.width());
        if let Some(runs) = Runs::of(&elements.kind, width, &bytes)? {
            let values = Values::whole(Stored::Runs(runs), bytes.len() / width);
            let order = self.permutation(py, &values)?;
            let mut sorted = values::with_capacity(bytes.len())?;
            order.iter().for_each(|at| sorted.extend_from_slice(&bytes[*at as usize * width..][..width]));
            return elements.overwrite(py, &sorted);
        }
        let element = elements.kind.element(width);
        let sorted = detached(py, || {
            let mut items = Items::records(bytes, width)?;
            Job::new(&self.comparator(&element)?, self.options()).sort_in_place(&mut items)?;
            Ok(items.into_bytes())
        })?;
        elements.overwrite(py, &sorted)
    }

    fn permutation(&self, py: Python<'_>, values: &Values) -> PyResult<Vec<u32>> {
        detached(py, || sort::argsort(&self.comparator(&values.element())?, &values.items()?, self.options()))
    }

    /// Returns the numbers of values in their order, those that are not there last.
    pub(crate) fn argsort<'py>(&self, py: Python<'py>, values: &Values) -> PyResult<Bound<'py, PyAny>> {
        let order = self.permutation(py, values)?;
        let present = order.into_iter().map(|number| values.place(number as usize));
        numbers(py, values.len, present.chain(values.missing()))
    }

    /// Returns the dense ranks of values, those that are not there last.
    pub(crate) fn rank<'py>(&self, py: Python<'py>, values: &Values) -> PyResult<Bound<'py, PyAny>> {
        let ranks = detached(py, || {
            sort::rank(&self.comparator(&values.element())?, &values.items()?, self.options())
        })?;
        let last = ranks.iter().max().map_or(0, |most| *most as usize + 1);
        spread(py, values, &ranks, last)
    }

    /// Returns the places of values among splitters, those that are not there last.
    pub(crate) fn search<'py>(
        &self,
        py: Python<'py>,
        splitters: &Values,
        values: &Values,
        side: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let side = match side {
            "left" => Side::Left,
            "right" => Side::Right,
            other => {
                let text = format!("side is \"left\" or \"right\", not \"{}\"", callbox::escape(other));
                return Err(PyValueError::new_err(text));
            }
        };
        if splitters.element() != values.element() && splitters.len > 0 && values.len > 0 {
            return Err(PyTypeError::new_err("the splitters are of another type than the values"));
        }
        if splitters.missing().next().is_some() {
            return Err(PyValueError::new_err("a splitter is None or null"));
        }
        let places = detached(py, || {
            let compare = self.comparator(&values.element())?;
            sort::search(&compare, &splitters.items()?, &values.items()?, side, self.options())
        })?;
        spread(py, values, &places, splitters.len)
    }

    /// Returns the sort key of each value, and None for those that are not there.
    pub(crate) fn sort_key<'py>(&self, py: Python<'py>, values: &Values) -> PyResult<Bound<'py, PyList>> {
        if values.element() != CType::Void {
            return Err(PyTypeError::new_err(
                "sort keys are made of str or bytes, and these are numbers or records",
            ));
        }
        let keys = detached(py, || {
            let (items, mut keys) = (values.items()?, Runs::new());
            self.guest.sort_keys()?.each((0..items.len()).map(|at| items.get(at)), |key| {
                keys.push(key).map_err(|_| callbox::Error::NoMemory { bytes: key.len(), what: "sort keys" })
            })?;
            Ok(keys)
        })?;
        let all = PyList::empty(py);
        for (number, bounds) in keys.offsets.windows(2).enumerate() {
            while all.len() < values.place(number) {
                all.append(py.None())?;
            }
            all.append(PyBytes::new(py, &keys.bytes[bounds[0] as usize..bounds[1] as usize]))?;
        }
        while all.len() < values.len {
            all.append(py.None())?;
        }
        Ok(all)
    }

    /// Returns the first contradiction that is found.
    pub(crate) fn check(
        &self,
        py: Python<'_>,
        values: &Values,
        sample: usize,
    ) -> PyResult<Option<Contradiction>> {
        let violation = detached(py, || {
            let compare = self.comparator(&values.element())?;
            // About these values only, which are told by their numbers.
            let how = Contract::default().drawn(false).shrink(false).sample(sample);
            let job = Job::new(&compare, self.options());
            let violation = job.check_contract(&values.items()?, &how)?.violation;
            if let Some(Violation { law: Law::Total, values, .. }) = &violation {
                compare.compare(&values[0], &values[1])?; // fails with its own error
            }
            Ok(violation)
        })?;
        let answer = |asked: &Asked| match asked.reply {
            Reply::Answer(answer) => Some(answer as i32),
            _ => None,
        };
        Ok(violation.map(|found| Contradiction {
            kind: format!("not {}", found.law.name()),
            items: found.items.into_iter().map(|item| values.place(item)).collect(),
            answers: found.asked.iter().filter_map(answer).collect(),
        }))
    }
}

/// Returns the numbers of the values that are there, each at its place, and `last` at the others.
fn spread<'py>(py: Python<'py>, values: &Values, found: &[u32], last: usize) -> PyResult<Bound<'py, PyAny>> {
    let mut all = values::with_capacity(values.len)?;
    all.resize(values.len, last);
    for (number, found) in found.iter().enumerate() {
        all[values.place(number)] = *found as usize;
    }
    numbers(py, all.len(), all.into_iter())
}

/// Returns an array.array of 64-bit integers, which numpy, pandas and pyarrow take without looking at each.
fn numbers<'py>(
    py: Python<'py>,
    len: usize,
    all: impl Iterator<Item = usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut bytes = values::with_capacity(len.saturating_mul(size_of::<i64>()))?;
    all.for_each(|number| bytes.extend_from_slice(&(number as i64).to_ne_bytes()));
    let array = py.import("array")?.getattr("array")?.call1(("q",))?;
    array.call_method1("frombytes", (PyBytes::new(py, &bytes),))?;
    Ok(array)
}
