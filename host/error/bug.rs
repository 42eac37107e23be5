//! Errors that only a bug in this crate can lead to.

/// Creates an [`Error::Internal`](crate::Error::Internal) that says where it was found.
macro_rules! bug {
    ($($message:tt)*) => {
        $crate::error::Error::Internal {
            message: format!($($message)*),
            location: concat!(file!(), ":", line!()),
        }
    };
}
pub(crate) use bug;
