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

#[cfg(test)]
mod tests {
    use crate::error::{Blame, Error};

    #[test]
    fn a_bug_says_what_it_found_and_where_and_that_it_is_ours() {
        let line = line!() + 1;
        let error = bug!("element {} of {}", 7, 3);
        let text = format!(
            "internal error: element 7 of 3 (host/error/bug.rs:{line}); \
             this is a bug in callbox, please report it"
        );
        assert_eq!(error.to_string(), text);
        assert_eq!(error.blame(), Blame::Host);
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_the_hosts_trouble_and_no_engines() {
        let source = std::io::Error::from(std::io::ErrorKind::WouldBlock);
        let text = format!("cannot start a thread to sort with: {source}");
        let error = Error::Thread { purpose: "to sort with", source };
        assert_eq!(error.to_string(), text);
        assert_eq!(error.blame(), Blame::Host);
    }
}
