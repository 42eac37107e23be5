//! The table of all function pointers that are lent.
#![allow(unsafe_code, reason = "exports functions, and calls the caller's")]

use std::ffi::{c_char, c_int, c_void};

use host::CallbackTable;

use crate::border::{c_text, status, value};
use crate::memory::{UserData, given};

/// `struct callbox_registration`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CRegistration {
    module: *const c_char,
    name: *const c_char,
    prototype: *const c_char,
    calls: u64,
    failures: u64,
    leases: usize,
}

/// `callbox_visit_fn`
pub(crate) type VisitFn = unsafe extern "C" fn(*const CRegistration, *mut c_void);

/// `callbox_table_visit`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_table_visit(visit: Option<VisitFn>, user_data: UserData) -> c_int {
    status(|| {
        let visit = given(visit, "visit")?;
        for registered in CallbackTable.iter() {
            let escaped = |text: &String| c_text(&host::escape(text));
            let [module, name] = [&registered.module, &registered.export].map(escaped);
            let prototype = c_text(&registered.prototype.to_string());
            let shown = CRegistration {
                module: module.as_ptr(),
                name: name.as_ptr(),
                prototype: prototype.as_ptr(),
                calls: registered.calls,
                failures: registered.failures,
                leases: registered.leases,
            };
            // SAFETY: the caller passes a function that takes the two; the texts live until it returns.
            unsafe { visit(&raw const shown, user_data.get()) };
        }
        Ok(())
    })
}

/// `callbox_late_calls`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_late_calls() -> u64 {
    value(0, || CallbackTable.late_calls())
}
