//! Plain structs, laid out as C lays them out.

use std::sync::Arc;

use super::{CType, TypeError};

/// Maximum size of an object in bytes: 1 GiB.
const MAX_OBJECT_BYTES: usize = 1 << 30;

/// A plain C struct: fields in order, each at the next offset that its alignment allows.
///
/// ```
/// use callbox::{CType, Struct};
/// # fn main() -> callbox::Result<()> {
/// let pair = Struct::new("pair", [("key", CType::Char), ("value", CType::Double)])?;
/// assert_eq!(pair.fields()[1].offset, 8);
/// let ctype = CType::from(pair);
/// assert_eq!(ctype.size(), Some(16));
/// assert_eq!(ctype.to_string(), "struct pair { char key; double value; }");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Struct {
    name: String,
    fields: Vec<StructField>,
    size: usize,
    align: usize,
}

/// A field of a [`Struct`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StructField {
    /// Name of the field.
    pub name: String,
    /// Type of the field.
    pub ctype: CType,
    /// Offset in bytes from the start of the struct.
    pub offset: usize,
}

impl Struct {
    /// Creates a struct from its tag, which may be empty, and its fields.
    ///
    /// # Errors
    ///
    /// [`TypeError::Layout`] where there is no field, a field is not an object of known size, two fields have
    /// one name, or the struct is larger than 1 GiB.
    pub fn new<N: Into<String>>(
        name: &str,
        fields: impl IntoIterator<Item = (N, CType)>,
    ) -> Result<Struct, TypeError> {
        let refuse = |reason: String| {
            Err(TypeError::Layout { ctype: format!("struct {name}").trim_end().to_owned(), reason })
        };
        let (mut size, mut align) = (0_usize, 1);
        let mut laid: Vec<StructField> = Vec::new();
        for (field, ctype) in fields {
            let field = field.into();
            let (Some(its_size), Some(its_align)) = (ctype.size(), ctype.align()) else {
                return refuse(format!("its field \"{field}\" has no size"));
            };
            if matches!(ctype, CType::Counted { .. }) {
                return refuse(format!(
                    "the length of its field \"{field}\" is not known; only an argument can have one"
                ));
            }
            if laid.iter().any(|other| other.name == field) {
                return refuse(format!("it has two fields \"{field}\""));
            }
            let offset = size.next_multiple_of(its_align);
            size = offset.saturating_add(its_size);
            if size > MAX_OBJECT_BYTES {
                return refuse(format!("it has more than {MAX_OBJECT_BYTES} bytes"));
            }
            align = align.max(its_align);
            laid.push(StructField { name: field, ctype, offset });
        }
        if laid.is_empty() {
            return refuse("it has no fields".into());
        }
        Ok(Struct { name: name.to_owned(), fields: laid, size: size.next_multiple_of(align), align })
    }

    /// Returns the tag; empty where there is none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the fields in order.
    pub fn fields(&self) -> &[StructField] {
        &self.fields
    }

    pub(super) fn layout(&self) -> (usize, usize) {
        (self.size, self.align)
    }
}

impl From<Struct> for CType {
    fn from(plain: Struct) -> CType {
        CType::Struct(Arc::new(plain))
    }
}

impl CType {
    /// Returns `T[len]`, ctypes' `T * len`. As an argument, an array must be behind a pointer.
    ///
    /// # Errors
    ///
    /// [`TypeError::Layout`] where the elements have no size, `len` is 0, or the array is larger than 1 GiB.
    pub fn array(self, len: usize) -> Result<CType, TypeError> {
        let refuse =
            |reason: &str| Err(TypeError::Layout { ctype: format!("{self}[{len}]"), reason: reason.into() });
        let Some(size) = self.size() else { return refuse("its elements have no size") };
        if matches!(self, CType::Counted { .. }) {
            return refuse("only an argument can have a length that another one tells");
        }
        if len == 0 || size.saturating_mul(len) > MAX_OBJECT_BYTES {
            return refuse("an array has at least one element and at most 1 GiB");
        }
        Ok(CType::Array { element: Box::new(self), len })
    }

    /// Returns `T a[n]`, or `const T a[n]` where `readonly`: a pointer to an array whose length in elements,
    /// or in bytes where `self` is `void`, is the value of argument `count`, counted from 0.
    pub fn counted(self, readonly: bool, count: usize) -> CType {
        CType::Counted { element: Box::new(self), readonly, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_padded_as_c_pads_them() {
        let inner = Struct::new("inner", [("a", CType::Char), ("b", CType::Short)]).unwrap();
        let outer = [
            ("c", CType::Char),
            ("inner", inner.into()),
            ("d", CType::Double),
            ("e", CType::Char.array(3).unwrap()),
        ];
        let outer = Struct::new("outer", outer).unwrap();
        let offsets: Vec<_> = outer.fields().iter().map(|field| field.offset).collect();
        assert_eq!(offsets, [0, 2, 8, 16]);
        assert_eq!(CType::from(outer).size(), Some(24));
    }

    #[test]
    fn what_c_would_not_lay_out_is_refused() {
        let reason = |fields: Vec<(&str, CType)>| Struct::new("s", fields).unwrap_err().to_string();
        assert!(reason(vec![]).contains("no fields"));
        assert!(reason(vec![("v", CType::Void)]).contains("\"v\" has no size"));
        assert!(reason(vec![("a", CType::Int), ("a", CType::Int)]).contains("two fields \"a\""));
        let huge = CType::Char.array(MAX_OBJECT_BYTES).unwrap();
        assert!(reason(vec![("a", huge.clone()), ("b", huge)]).contains("more than"));
        assert!(CType::Int.array(0).is_err());
        assert!(CType::Int.array(usize::MAX).is_err());
    }
}
