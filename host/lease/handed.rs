//! Leases that native code ends, by calling a destructor.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::entry::Loan;

/// Leases that native code holds, by the numbers that it has for user data.
#[derive(Default)]
struct Handed {
    last: usize,
    loans: HashMap<usize, Loan>,
}

static HANDED: LazyLock<Mutex<Handed>> = LazyLock::new(Mutex::default);

/// Hands a loan over; what native code gets for it is never 0, and never the same again.
pub(super) fn over(loan: Loan) -> *mut c_void {
    let mut handed = lock();
    handed.last += 1;
    let number = handed.last;
    handed.loans.insert(number, loan);
    ptr::without_provenance_mut(number)
}

/// The destructor for what [`Retained::into_user_data`](crate::Retained::into_user_data) hands over: ends that lease.
///
/// Any thread may call it, with anything, at any time: what is not the user data of a lease that lasts does
/// nothing.
pub extern "C" fn release(user_data: *mut c_void) {
    // The guard is gone before the loan is: with it may go a guest.
    let loan = lock().loans.remove(&user_data.addr());
    drop(loan);
}

fn lock() -> MutexGuard<'static, Handed> {
    HANDED.lock().unwrap_or_else(PoisonError::into_inner)
}
