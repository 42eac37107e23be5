//! Enumerations.

use std::sync::Arc;

use super::{CType, TypeError};

/// A C enumeration: an `int` whose values are its enumerators.
///
/// ```
/// use callbox::{CType, Enum};
/// # fn main() -> callbox::Result<()> {
/// let colour = CType::from(Enum::new("colour", [("RED", 0), ("BLUE", 3)])?);
/// assert_eq!(colour.size(), CType::Int.size());
/// assert_eq!(colour.to_string(), "enum colour { RED = 0, BLUE = 3 }");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Enum {
    name: String,
    enumerators: Vec<(String, i32)>,
}

impl Enum {
    /// Creates an enumeration from its tag, which may be empty, and its enumerators.
    ///
    /// A guest can hand back the enumerators and no other value. For flags that are combined, use the integer
    /// type itself.
    ///
    /// # Errors
    ///
    /// [`TypeError::Layout`] where there is no enumerator, or two have one name.
    pub fn new<N: Into<String>>(
        name: &str,
        enumerators: impl IntoIterator<Item = (N, i32)>,
    ) -> Result<Enum, TypeError> {
        let refuse = |reason: String| {
            Err(TypeError::Layout { ctype: format!("enum {name}").trim_end().to_owned(), reason })
        };
        let mut listed: Vec<(String, i32)> = Vec::new();
        for (enumerator, value) in enumerators {
            let enumerator = enumerator.into();
            if listed.iter().any(|(other, _)| *other == enumerator) {
                return refuse(format!("it has two enumerators \"{enumerator}\""));
            }
            listed.push((enumerator, value));
        }
        if listed.is_empty() {
            return refuse("it has no enumerators".into());
        }
        Ok(Enum { name: name.to_owned(), enumerators: listed })
    }

    /// Returns the tag; empty where there is none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the enumerators in order, with their values.
    pub fn enumerators(&self) -> &[(String, i32)] {
        &self.enumerators
    }

    /// Returns whether an enumerator has this value.
    pub fn contains(&self, value: i32) -> bool {
        self.enumerators.iter().any(|(_, its)| *its == value)
    }
}

impl From<Enum> for CType {
    fn from(listed: Enum) -> CType {
        CType::Enum(Arc::new(listed))
    }
}
