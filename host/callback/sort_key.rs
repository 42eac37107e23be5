//! Sort keys: runs of bytes whose order is a comparator's.

use std::fmt;
use std::sync::Arc;

use super::Callback;
use crate::error::{CallError, Error, ModuleError, Result, asked_about, quoted};
use crate::limits::Limit;
use crate::memory::try_with_capacity;
use crate::sandbox::{Budget, CompareShape, Function, Guest, Turn};

/// Alignment of values and keys in bytes, which a guest may rely on as for those that it compares.
const ALIGN: usize = 16;

/// Type of the export.
const TYPE: &str = "(i32, i32, i32, i32) -> i32";

/// A guest's export `sort_key`, which makes a *sort key* of a value: bytes whose order is that of the values
/// by the guest's `compare_bytes`, as C's `strxfrm` does for `strcoll`. Cheap to clone; keeps its guest alive.
///
/// Engines that take no comparator take keys: they sort them by `memcmp`, a shorter one before those that it
/// begins, and store them in an index. A guest may lie:
/// [`Job::check_contract`](crate::sort::Job::check_contract) compares both exports.
///
/// ```
/// use callbox::{Limits, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// let key = Sandbox::new(Limits::default())?.bundled("version")?.sort_key()?;
/// let mut names = ["v1.10", "v1.9"];
/// names.sort_by_cached_key(|name| key.of(name.as_bytes()).unwrap_or_default());
/// assert_eq!(names, ["v1.9", "v1.10"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SortKey {
    guest: Guest,
    function: Arc<Function>,
}

impl Guest {
    /// Returns the guest's export `sort_key (ptr, len, out, cap) -> len`.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Export`] where there is none, or none of this type; [`ModuleError::Staging`] where the
    /// host gets no room for values; [`Error::Reentrant`], [`Error::Forked`].
    pub fn sort_key(&self) -> Result<SortKey> {
        let function = self.function(SortKey::EXPORT)?;
        if function.signature != TYPE {
            let (name, found) = (SortKey::EXPORT, &function.signature);
            let reason = format!("\"{name}\" has the type {found}, but one that makes keys has {TYPE}");
            return Err(ModuleError::Export { module: self.module().name().to_owned(), reason }.into());
        }
        self.module().element_room()?;
        Ok(SortKey { guest: self.clone(), function: Arc::new(function) })
    }
}

impl Callback {
    /// Returns whether the guest exports a function that makes sort keys of what this comparator compares.
    pub(crate) fn has_sort_key(&self) -> bool {
        self.export() == "compare_bytes"
            && self.shape() == Some(CompareShape::Slices)
            && self.guest().module().exports().iter().any(|export| export.name == SortKey::EXPORT)
    }
}

impl SortKey {
    /// The name of the export.
    pub const EXPORT: &str = "sort_key";

    /// Returns the guest.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Returns the key of a value, made on a budget of its own.
    ///
    /// # Errors
    ///
    /// Those of [`SortKey::each`].
    pub fn of(&self, value: &[u8]) -> Result<Vec<u8>> {
        self.of_on(None, value)
    }

    /// As [`SortKey::of`], on this budget.
    pub(crate) fn of_on<'b>(
        &self,
        budget: impl Into<Option<&'b Arc<Budget>>>,
        value: &[u8],
    ) -> Result<Vec<u8>> {
        let mut turn = self.guest.turn(SortKey::EXPORT, budget.into())?;
        let made = self.make(&mut turn, value)?;
        let mut key = try_with_capacity(made.len(), "a sort key")?;
        key.extend_from_slice(made);
        Ok(key)
    }

    /// Makes the keys of all values, on one budget, and hands each to `take`. Other threads that need the
    /// guest wait meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Trap`] and [`Error::Limit`] of the guest, which name the value, and
    /// [`CallError::KeyLength`] of one that lies; [`Error::ArrayTooLarge`] where values and keys have more
    /// bytes in all than [`Limits::array`](crate::Limits::array); [`Error::Reentrant`] if this thread uses the
    /// guest already; and those of `take`, which has had the keys of the values before.
    pub fn each<'v>(
        &self,
        values: impl IntoIterator<Item = &'v [u8]>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let most = self.guest.limits().get_array();
        let (mut turn, mut bytes) = (self.guest.turn(SortKey::EXPORT, None)?, 0usize);
        for value in values {
            let key = self.make(&mut turn, value)?;
            bytes = bytes.saturating_add(value.len()).saturating_add(key.len());
            if bytes > most {
                return Err(Error::ArrayTooLarge { bytes, most });
            }
            take(key)?;
        }
        Ok(())
    }

    /// Makes the key of a value in the guest's memory.
    fn make<'t>(&self, turn: &'t mut Turn<'_>, value: &[u8]) -> Result<&'t [u8]> {
        let out = value.len().next_multiple_of(ALIGN);
        let mut room = 2 * value.len() + 2 * ALIGN;
        let mut len = self.call(turn, value, room)?;
        if len > room {
            room = len;
            len = self.call(turn, value, room)?;
        }
        if len > room {
            let module = self.guest.module().name().to_owned();
            return Err(CallError::KeyLength { module, value: quoted(value), lens: [room, len] }.into());
        }
        Ok(&turn.staged(out + len)[out..])
    }

    /// Calls the export with room for a key of this length. Returns the length that the key has.
    fn call(&self, turn: &mut Turn<'_>, value: &[u8], room: usize) -> Result<usize> {
        let named = |error: Box<Error>| {
            let mut error = *error;
            match &mut error {
                Error::Trap { asked, .. } => *asked = vec![quoted(value)],
                Error::Limit { limit: Limit::Fuel | Limit::Deadline | Limit::Memory, what, .. } => {
                    what.push_str(&asked_about(&[quoted(value)]));
                }
                _ => {}
            }
            error
        };
        let out = value.len().next_multiple_of(ALIGN);
        let fill = |_, area: &mut [u8]| area[..value.len()].copy_from_slice(value);
        let at = turn.stage(SortKey::EXPORT, out.saturating_add(room), fill);
        let at = at.map_err(|error| named(Box::new(error)))?;
        // Staging has checked that all of it ends within 32 bits.
        let args = [at, value.len() as u32, at + out as u32, room as u32];
        let len = turn.invoke(SortKey::EXPORT, &self.function, args.into_iter().map(u64::from));
        Ok(len.map_err(named)? as u32 as usize)
    }
}

impl fmt::Debug for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SortKey of {}", self.guest.module().name())
    }
}
