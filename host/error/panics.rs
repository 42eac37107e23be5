//! Panics that stay where they are caught.
//!
//! The payload of a panic, and the values that the host's closures own, have destructors of the host's, which
//! may panic as well. No other place in this crate catches panics.
#![allow(clippy::disallowed_methods, reason = "the one place that catches panics")]

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

use super::Error;

/// Calls `call`. Of a panic only its message is left, as far as it is text.
#[inline(always)] // on the way of each call by C
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(message)
}

/// Drops a value; a panic of its destructor goes no further.
pub(crate) fn discard<T>(value: T) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Dropping it might panic again, with a payload that might do so, too.
        mem::forget(payload);
    }
}

/// Returns the message of a panic, and drops what it carries.
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    discard(payload);
    text.unwrap_or_else(|| "no message".into())
}

impl Error {
    /// Returns the error for a panic with this message.
    pub(crate) fn panicked(export: &str, message: String) -> Error {
        Error::Panic { export: export.to_owned(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics when it is dropped, with another one that does.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if let Some(next) = self.0.checked_sub(1) {
                panic::panic_any(Bomb(next));
            }
        }
    }

    #[test]
    fn a_panic_whose_payload_panics_when_it_is_dropped_leaves_its_message() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        assert_eq!(catch(|| panic!("of {}", 2)), Err::<(), _>("of 2".to_owned()));
        for depth in 0..5 {
            assert_eq!(catch(|| panic::panic_any(Bomb(depth))), Err::<(), _>("no message".to_owned()));
            discard(Bomb(depth));
        }
    }
}
