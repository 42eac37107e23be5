//! Comparators: exports that are asked for the order of two elements.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Callback, Session};
use crate::ctype::{CType, StoredNumber};
use crate::error::{Error, Result};
use crate::kernel::InlineBody;
use crate::memory::Array;
use crate::prototype::{CallConv, Prototype};
use crate::sandbox::{Budget, CompareShape, Guest, PairCaller};

/// The guest's answer to one call; small enough to be returned in registers.
pub(crate) type Answer<T = Ordering> = Result<T, Box<Error>>;

/// How an export compares.
pub(super) struct Comparator {
    pub(super) shape: CompareShape,
    /// Calls it with elements of its type.
    pub(super) call: PairCaller,
    /// The elements' representation, where the guest takes them as numbers.
    number: Option<StoredNumber>,
    /// Its code, where that is short enough to be inlined into a kernel.
    body: Option<Arc<InlineBody>>,
    /// The elements' type; `None` where any bytes will do.
    element: Option<CType>,
}

impl Guest {
    /// Checks that an export compares elements of the type that a prototype points to.
    pub(super) fn comparator(
        &self,
        export: &str,
        shape: Option<CompareShape>,
        pointee: Option<CType>,
    ) -> Result<Comparator> {
        let (shape, found) = self.compare_export(export, shape)?;
        let element = pointee.or_else(|| found.scalar());
        if let Some(element) = &element
            && !found.takes(element)
        {
            return Err(Error::ElementMismatch {
                export: export.to_owned(),
                expected: found.scalar().map_or("bytes".into(), |scalar| scalar.to_string()),
                found: element.to_string(),
            });
        }
        let (call, number) = (found.caller(element.as_ref()), found.number(element.as_ref()));
        Ok(Comparator { shape, call, number, body: self.module().body(export).map(Arc::new), element })
    }
}

/// Returns the type that both arguments of a comparator point to, `Some(None)` for `void`; `None` for any prototype
/// that is not a comparator's. A string is not an element, and neither is an object with pointers, which are followed,
/// or with padding, which no guest may see.
pub(super) fn element(prototype: &Prototype) -> Option<Option<CType>> {
    if prototype.conv() != CallConv::C || !prototype.result().same_layout(&CType::Int) {
        return None;
    }
    match prototype.params() {
        [CType::Pointer { pointee: a, readonly: true }, CType::Pointer { pointee: b, readonly: true }]
            if a == b =>
        {
            match &**a {
                CType::Void => Some(None),
                CType::Char => None,
                element if element.has_pointers() || element.has_padding() => None,
                element => Some(Some(element.clone())),
            }
        }
        _ => None,
    }
}

/// An error for a callback that is to compare and cannot.
pub(super) fn not_a_comparator(prototype: &Prototype) -> Error {
    let reason = "only a comparator sorts and searches, as in \"int (const T *, const T *)\"";
    Error::PrototypeUnserved { prototype: prototype.to_string(), reason }
}

impl Callback {
    fn comparator(&self) -> Result<&Comparator> {
        self.inner.comparator.as_ref().ok_or_else(|| not_a_comparator(&self.inner.prototype))
    }

    /// What its elements are, where the guest takes them as numbers.
    pub(crate) fn number(&self) -> Option<StoredNumber> {
        self.inner.comparator.as_ref()?.number
    }

    /// Its code, where that is so short that a kernel takes it in place of a call.
    pub(crate) fn body(&self) -> Option<&Arc<InlineBody>> {
        self.inner.comparator.as_ref()?.body.as_ref()
    }

    /// Begins a session of comparisons on `budget`, or where there is none on a whole budget of its own.
    pub(crate) fn compare_session<'b>(
        &self,
        budget: impl Into<Option<&'b Arc<Budget>>>,
    ) -> Result<Session<'_>> {
        self.comparator()?;
        self.session(budget)
    }

    /// Width of its elements in bytes, where that is known.
    pub(crate) fn width(&self) -> Result<Option<usize>> {
        Ok(self.comparator()?.element.as_ref().and_then(CType::size))
    }

    /// `Err` unless the elements of `array` are what the callback compares.
    pub(crate) fn accepts_array(&self, array: &Array<'_>) -> Result<()> {
        self.accepts(array.width(), array.ctype())
    }

    /// `Err` unless elements of this width, and of this type where it is known, are what the
    /// callback compares.
    pub(crate) fn accepts(&self, width: usize, found: Option<&CType>) -> Result<()> {
        let Some(element) = &self.comparator()?.element else { return Ok(()) };
        let good = found.map_or(element.size() == Some(width), |found| found.same_layout(element));
        if good {
            return Ok(());
        }
        Err(Error::ElementMismatch {
            export: self.inner.export.clone(),
            expected: element.to_string(),
            found: found.map_or(format!("{width} bytes"), CType::to_string),
        })
    }
}
