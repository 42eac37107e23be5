//! The border to C. No panic crosses it, `errno` is as before, and a failure leaves its reason with the
//! thread.
#![allow(unsafe_code, reason = "exports functions")]
#![allow(clippy::disallowed_methods, reason = "the one place that catches panics")]

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

use host::{Blame, Error, Limit, TypeError};

/// `enum callbox_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Status {
    Ok = 0,
    Invalid = 1,
    Refused = 2,
    GuestFailed = 3,
    Limit = 4,
    Contradiction = 5,
    Host = 6,
    Interrupted = 7,
}

/// The reason why a function has not done what it was to do.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    message: String,
    limit: Option<Limit>,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into(), limit: None }
    }

    /// A wrong argument.
    pub(crate) fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(Status::Invalid, message)
    }

    pub(crate) fn null(name: &str) -> Failure {
        Failure::invalid(format!("`{name}` is NULL"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { status: status_of(&error), message: error.to_string(), limit: error.limit() }
    }
}

/// Returns the status that stands for an error.
pub(crate) fn status_of(error: &Error) -> Status {
    match error {
        Error::Interrupted { .. } => Status::Interrupted,
        _ if error.limit().is_some() => Status::Limit,
        Error::Contradiction(_) | Error::OutOfBounds { .. } => Status::Contradiction,
        Error::Type(TypeError::Fallback { .. }) => Status::Invalid,
        Error::Module(_)
        | Error::Type(_)
        | Error::PrototypeSyntax { .. }
        | Error::PrototypeUnserved { .. } => Status::Refused,
        _ => match error.blame() {
            Blame::Caller => Status::Invalid,
            Blame::Guest => Status::GuestFailed,
            Blame::Host => Status::Host,
        },
    }
}

/// A thread's last failure.
struct Last {
    message: CString,
    limit: Option<CString>,
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Does what a function of the header does, and returns its status.
pub(crate) fn status(call: impl FnOnce() -> Result<()>) -> c_int {
    let errno = errno::errno();
    let outcome = catch(call).unwrap_or_else(|panic| {
        let message = format!("a panic: {panic}; this is a bug in callbox, please report it");
        Err(Failure::new(Status::Host, message))
    });
    let status = match outcome {
        Ok(()) => Status::Ok,
        Err(failure) => {
            let status = failure.status;
            keep(failure);
            status
        }
    };
    errno::set_errno(errno);
    status as c_int
}

/// Does what a function does that returns no status: `otherwise` if it panics.
pub(crate) fn value<T>(otherwise: T, call: impl FnOnce() -> T) -> T {
    let errno = errno::errno();
    let value = catch(call).unwrap_or(otherwise);
    errno::set_errno(errno);
    value
}

/// Frees a handle.
pub(crate) fn free<T>(handle: Option<Box<T>>) {
    value((), || drop(handle));
}

/// Calls `call`. Of a panic only its message is left, as far as it is text. What else it carries is leaked:
/// its destructor might panic as well.
fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload: Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        mem::forget(payload);
        text.unwrap_or_else(|| "no message".to_owned())
    })
}

/// Keeps a failure as the thread's last one. A thread that is ending may have no place for it.
fn keep(failure: Failure) {
    let limit = failure.limit.map(|limit| c_text(limit.name()));
    let last = Last { message: c_text(&failure.message), limit };
    let _ = LAST.try_with(|place| place.replace(Some(last)));
}

/// Returns a text as C has texts.
pub(crate) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// `callbox_last_error`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_last_error() -> *const c_char {
    value(c"".as_ptr(), || {
        let message = |last: &RefCell<Option<Last>>| Some(last.borrow().as_ref()?.message.as_ptr());
        LAST.try_with(message).ok().flatten().unwrap_or(c"".as_ptr())
    })
}

/// `callbox_last_limit`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_last_limit() -> *const c_char {
    value(ptr::null(), || {
        let limit = |last: &RefCell<Option<Last>>| Some(last.borrow().as_ref()?.limit.as_ref()?.as_ptr());
        LAST.try_with(limit).ok().flatten().unwrap_or(ptr::null())
    })
}

/// `callbox_version`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_version() -> *const c_char {
    const BYTES: &[u8] = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    const VERSION: &CStr = match CStr::from_bytes_with_nul(BYTES) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };
    VERSION.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last() -> String {
        LAST.with(|last| last.borrow().as_ref().unwrap().message.to_str().unwrap().to_owned())
    }

    /// Panics when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor");
        }
    }

    #[test]
    fn a_panic_is_a_status_and_a_sentence_whatever_it_carries() {
        assert_eq!(status(|| panic!("of {}", 2)), Status::Host as c_int);
        assert_eq!(last(), "a panic: of 2; this is a bug in callbox, please report it");
        assert_eq!(status(|| panic::panic_any(Bomb)), Status::Host as c_int);
        assert!(last().starts_with("a panic: no message"));
        assert_eq!(value(7, || panic!("no status")), 7);
        free(Some(Box::new(Bomb)));
    }

    #[test]
    fn errno_is_kept_and_success_keeps_the_last_failure() {
        errno::set_errno(errno::Errno(5));
        let fail = || {
            errno::set_errno(errno::Errno(7));
            Err(Failure::invalid("a NUL \0 inside"))
        };
        assert_eq!(status(fail), Status::Invalid as c_int);
        assert_eq!(errno::errno(), errno::Errno(5));
        assert_eq!(status(|| Ok(())), Status::Ok as c_int);
        assert_eq!(last(), "a NUL \u{fffd} inside");
    }
}
