//! Comparators: exports that compare two elements.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Callback, Session};
use crate::ctype::{CType, StoredNumber, Values};
use crate::error::{Error, ModuleError, Result, quoted};
use crate::kernel::InlineBody;
use crate::memory::Array;
use crate::prototype::{CallConv, Prototype};
use crate::sandbox::{Budget, CompareShape, Guest, PairCaller};

/// The guest's answer to one call; small enough to be returned in registers.
pub(crate) type Answer<T = Ordering> = Result<T, Box<Error>>;

/// A comparator export and its element type.
pub(super) struct Comparator {
    pub(super) shape: CompareShape,
    /// Calls the export with elements of its type.
    pub(super) call: PairCaller,
    /// Representation of the elements, if the guest takes them as numbers.
    number: Option<StoredNumber>,
    /// Code of the export, if it is short enough to be inlined into a kernel.
    body: Option<Arc<InlineBody>>,
    /// Type of the elements; `None` if any bytes are accepted.
    element: Option<CType>,
}

impl Comparator {
    /// Formats an element for a message: a number in decimal, or any other bytes escaped and cut.
    pub(super) fn show(&self, element: &[u8]) -> String {
        let number = self.element.as_ref().and_then(|ctype| ctype.show(element));
        number.unwrap_or_else(|| quoted(element))
    }
}

impl Guest {
    /// Checks the export that compares elements of this type, which it finds [by its
    /// name](CompareShape::exports_for): `compare_i32` or `compare` for `int`, `compare_bytes` for `void`,
    /// which stands for runs of bytes.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Export`] if there is no export of such a name; those of [`Guest::callback`].
    pub fn comparator_for(&self, element: CType) -> Result<Callback> {
        let exports = self.module().exports();
        let names = CompareShape::exports_for(&element);
        match names.iter().find(|name| exports.iter().any(|export| export.name == **name)) {
            Some(name) => self.callback(name, Prototype::comparator(element)),
            None => {
                let found: Vec<_> = exports.iter().filter(|export| export.shape.is_some()).collect();
                let found: Vec<_> = found.iter().map(|export| export.shown()).collect();
                let others = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
                let what = match element {
                    CType::Void => "runs of bytes".to_owned(),
                    element => element.to_string(),
                };
                let reason = format!(
                    "it exports no {}, to compare {what}; it compares by {others}",
                    names.join(" or ")
                );
                Err(ModuleError::Export { module: self.module().name().to_owned(), reason }.into())
            }
        }
    }

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

/// Returns the type that both parameters of a comparator point to, `Some(None)` for `void`; `None` for any
/// prototype that is not a comparator's. Strings are not elements, nor are objects with pointers, which are
/// followed, or with padding, which no guest may see.
pub(super) fn element(prototype: &Prototype) -> Option<Option<CType>> {
    let int = prototype.result().same_layout(&CType::Int) && Values::of(prototype.result()).is_all();
    if prototype.conv() != CallConv::C || !int {
        return None;
    }
    match prototype.params() {
        [CType::Pointer { pointee: a, readonly: true }, CType::Pointer { pointee: b, readonly: true }]
            if a == b =>
        {
            match &**a {
                CType::Void | CType::Opaque(_) => Some(None),
                CType::Char => None,
                element if element.has_pointers() || element.has_padding() => None,
                element => Some(Some(element.clone())),
            }
        }
        _ => None,
    }
}

/// Returns the error for a callback that must compare but is not a comparator.
pub(super) fn not_a_comparator(prototype: &Prototype) -> Error {
    let reason = "only a comparator sorts and searches, as in \"int (const T *, const T *)\"";
    Error::PrototypeUnserved { prototype: prototype.to_string(), reason }
}

impl Callback {
    fn comparator(&self) -> Result<&Comparator> {
        self.inner.comparator.as_ref().ok_or_else(|| not_a_comparator(&self.inner.prototype))
    }

    /// Returns the representation of the elements, if the guest takes them as numbers.
    pub(crate) fn number(&self) -> Option<StoredNumber> {
        self.inner.comparator.as_ref()?.number
    }

    /// Returns the code of the export, if it is short enough for a kernel to inline instead of calling it.
    pub(crate) fn body(&self) -> Option<&Arc<InlineBody>> {
        self.inner.comparator.as_ref()?.body.as_ref()
    }

    /// Begins a session of comparisons that charges `budget`, or a full budget of its own if there is none.
    pub(crate) fn compare_session<'b>(
        &self,
        budget: impl Into<Option<&'b Arc<Budget>>>,
    ) -> Result<Session<'_>> {
        self.comparator()?;
        self.session(budget)
    }

    /// Checks that the callback compares runs of bytes of any length.
    pub(crate) fn accepts_runs(&self) -> Result<()> {
        if self.comparator()?.shape == CompareShape::Slices && self.width()?.is_none() {
            return Ok(());
        }
        Err(Error::ElementMismatch {
            export: self.inner.export.clone(),
            expected: "elements of one size".to_owned(),
            found: "bytes of any length".to_owned(),
        })
    }

    /// Returns the width of the elements in bytes, if it is known.
    pub(crate) fn width(&self) -> Result<Option<usize>> {
        Ok(self.comparator()?.element.as_ref().and_then(CType::size))
    }

    /// Returns the type of the elements; `None` if any bytes are accepted.
    pub(crate) fn element(&self) -> Option<&CType> {
        self.inner.comparator.as_ref()?.element.as_ref()
    }

    /// Returns the export's name, with the module's where it is one of several callbacks.
    pub(crate) fn name_among(&self, callbacks: usize) -> String {
        match callbacks {
            1 => self.export().to_owned(),
            _ => format!("{}#{}", self.guest().module().name(), self.export()),
        }
    }

    /// Formats an element for a message: a number in decimal, or any other bytes escaped and cut.
    pub(crate) fn show(&self, element: &[u8]) -> String {
        let comparator = self.inner.comparator.as_ref();
        comparator.map_or_else(|| quoted(element), |comparator| comparator.show(element))
    }

    /// Checks that the callback compares the elements of `array`.
    pub(crate) fn accepts_array(&self, array: &Array<'_>) -> Result<()> {
        self.accepts(array.width(), array.ctype())
    }

    /// Checks that the callback compares these two elements.
    #[inline]
    pub(super) fn accepts_both(&self, a: &[u8], b: &[u8]) -> Result<()> {
        match &self.inner.comparator {
            Some(Comparator { element: None, .. }) => Ok(()),
            _ => [a, b].into_iter().try_for_each(|bytes| self.accepts(bytes.len(), None)),
        }
    }

    /// Checks that the callback compares elements of this width, and of this type if it is known.
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
