//! Bounds of the pointers that C passes when it calls.

/// The pointers that C may pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bounds {
    /// Pointers to elements of this width, for which the lender vouches.
    Trusted { width: usize },
    /// Pointers into known ranges of memory; the first below the second, if `ascending`.
    Known { a: AddressRange, b: AddressRange, width: usize, ascending: bool },
}

/// A range of memory by its addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressRange {
    start: usize,
    len: usize,
}

impl AddressRange {
    pub(crate) fn of(bytes: &[u8]) -> AddressRange {
        AddressRange { start: bytes.as_ptr().addr(), len: bytes.len() }
    }

    pub(crate) fn start(self) -> usize {
        self.start
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Returns whether an element of `width` bytes at this address lies inside.
    fn contains(self, at: usize, width: usize) -> bool {
        let offset = at.wrapping_sub(self.start);
        self.len >= width && offset <= self.len - width
    }
}

/// A violation of the bounds by a pointer that C passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Outside,
    Descending,
}

impl Bounds {
    pub(crate) fn width(&self) -> usize {
        match *self {
            Bounds::Trusted { width } | Bounds::Known { width, .. } => width,
        }
    }

    /// Returns the range that the first pointer has to be in; an empty one where that is unknown.
    pub(crate) fn array(&self) -> AddressRange {
        match *self {
            Bounds::Trusted { .. } => AddressRange { start: 0, len: 0 },
            Bounds::Known { a, .. } => a,
        }
    }

    /// `Ok` if an element may be read at both addresses.
    pub(crate) fn check(&self, a: usize, b: usize) -> Result<(), Violation> {
        match *self {
            Bounds::Trusted { .. } if a != 0 && b != 0 => Ok(()),
            Bounds::Trusted { .. } => Err(Violation::Outside),
            Bounds::Known { ascending: true, .. } if a >= b => Err(Violation::Descending),
            Bounds::Known { a: first, b: second, width, .. } => {
                let inside = first.contains(a, width) && second.contains(b, width);
                if inside { Ok(()) } else { Err(Violation::Outside) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_elements_inside_the_run_may_be_read() {
        let run = AddressRange { start: 1000, len: 12 };
        for (at, good) in [
            (999, false),
            (1000, true),
            (1004, true),
            (1008, true),
            (1009, false),
            (0, false),
            (usize::MAX, false),
        ] {
            assert_eq!(run.contains(at, 4), good, "{at}");
        }
        assert!(!AddressRange { start: 1000, len: 3 }.contains(1000, 4));
        assert!(!AddressRange { start: 1000, len: 0 }.contains(1000, 1));
    }

    #[test]
    fn each_argument_has_bounds_of_its_own() {
        let (a, b) = (AddressRange { start: 100, len: 4 }, AddressRange { start: 200, len: 40 });
        let bounds = Bounds::Known { a, b, width: 4, ascending: false };
        assert_eq!(bounds.check(100, 236), Ok(()));
        assert_eq!(bounds.check(200, 236), Err(Violation::Outside));
        assert_eq!(bounds.check(100, 100), Err(Violation::Outside));
    }

    #[test]
    fn where_the_order_of_pointers_is_known_any_other_is_a_violation() {
        let run = AddressRange { start: 100, len: 40 };
        let bounds = Bounds::Known { a: run, b: run, width: 4, ascending: true };
        assert_eq!(bounds.check(100, 104), Ok(()));
        assert_eq!(bounds.check(104, 100), Err(Violation::Descending));
        assert_eq!(bounds.check(104, 104), Err(Violation::Descending));
        assert_eq!(bounds.check(100, 140), Err(Violation::Outside));
    }
}
