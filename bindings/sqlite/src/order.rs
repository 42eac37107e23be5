//! Orders of guests.

use callbox::{CType, Callback, CompareShape, Prototype, SortKey};

use crate::fault::{Fault, Result};
use crate::source::Source;

/// A guest's export that compares texts, and the one that makes sort keys of them.
pub(crate) struct Order {
    pub(crate) source: Source,
    pub(crate) compare: Callback,
    /// The export that makes sort keys, which are of the order of `compare_bytes`.
    pub(crate) key: Option<SortKey>,
}

impl Order {
    /// Checks the export that compares: `compare_bytes`, unless another is named.
    pub(crate) fn new(source: Source, export: Option<&str>) -> Result<Order> {
        let guest = source.module.instantiate()?;
        let compare = match export {
            None => guest.comparator_for(CType::Void)?,
            Some(export) => guest.callback(export, Prototype::comparator(CType::Void))?,
        };
        if compare.shape() != Some(CompareShape::Slices) {
            return Err(Fault::new(format!(
                "\"{}\" of {} does not compare two runs of bytes, as a collation does; \
                 it has to be of the type (i32, i32, i32, i32) -> i32, as compare_bytes is",
                callbox::escape(compare.export()),
                callbox::escape(&source.place),
            )));
        }
        let exports = source.module.exports();
        let has_key = compare.export() == "compare_bytes"
            && exports.iter().any(|export| export.name == SortKey::EXPORT);
        let key = has_key.then(|| guest.sort_key()).transpose()?;
        Ok(Order { source, compare, key })
    }

    /// Returns the same order by a fresh instance, which knows nothing of what happened to this one.
    pub(crate) fn fresh(&self) -> Result<Order> {
        Order::new(self.source.clone(), Some(self.compare.export()))
    }
}
