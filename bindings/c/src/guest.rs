//! Sandboxes, guests and callbacks.
#![allow(unsafe_code, reason = "exports functions, and calls the caller's")]

use std::cmp::Ordering;
use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

use host::{Error, Module, Prototype};

use crate::border::{Result, c_text, free, status, status_of};
use crate::config::Config;
use crate::memory::{Text, UserData, array, given};

/// `callbox_sandbox`
#[derive(Debug)]
pub(crate) struct Sandbox(host::Sandbox);

/// `callbox_guest`
#[derive(Debug)]
pub(crate) struct Guest(host::Guest);

/// `callbox_callback`
#[derive(Debug)]
pub(crate) struct Callback(pub(crate) host::Callback);

/// `callbox_failure_fn`
pub(crate) type FailureFn = unsafe extern "C" fn(c_int, *const c_char, *mut c_void) -> c_int;

/// First bytes of a binary module.
const MAGIC: &[u8] = b"\0asm";

/// `callbox_sandbox_new`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_sandbox_new(
    config: Option<&Config>,
    sandbox: Option<&mut MaybeUninit<Box<Sandbox>>>,
) -> c_int {
    status(|| {
        let place = given(sandbox, "sandbox")?;
        let config = config.map_or_else(|| Config::default().build(), Config::build);
        place.write(Box::new(Sandbox(host::Sandbox::new(config)?)));
        Ok(())
    })
}

/// `callbox_sandbox_free`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_sandbox_free(sandbox: Option<Box<Sandbox>>) {
    free(sandbox);
}

/// Stores the guest that `load` creates.
fn new_guest(
    sandbox: Option<&Sandbox>,
    guest: Option<&mut MaybeUninit<Box<Guest>>>,
    load: impl FnOnce(&host::Sandbox) -> Result<host::Guest>,
) -> c_int {
    status(|| {
        let (sandbox, place) = (given(sandbox, "sandbox")?, given(guest, "guest")?);
        place.write(Box::new(Guest(load(&sandbox.0)?)));
        Ok(())
    })
}

/// `callbox_guest_load`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_guest_load(
    sandbox: Option<&Sandbox>,
    path: Text,
    guest: Option<&mut MaybeUninit<Box<Guest>>>,
) -> c_int {
    new_guest(sandbox, guest, |sandbox| Ok(sandbox.load(path.get("path")?)?))
}

/// `callbox_guest_load_bytes`
///
/// # Safety
///
/// `bytes` are `length`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_guest_load_bytes(
    sandbox: Option<&Sandbox>,
    name: Text,
    bytes: *const u8,
    length: usize,
    guest: Option<&mut MaybeUninit<Box<Guest>>>,
) -> c_int {
    new_guest(sandbox, guest, |sandbox| {
        let name = name.get("name")?;
        // SAFETY: the caller passes the length, and leaves the bytes alone until the call returns.
        let bytes = unsafe { array(bytes, length, "bytes")? };
        let module = if bytes.starts_with(MAGIC) {
            Module::new(sandbox, name, bytes)?
        } else {
            Module::from_text(sandbox, name, bytes)?
        };
        Ok(module.instantiate()?)
    })
}

/// `callbox_guest_bundled`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_guest_bundled(
    sandbox: Option<&Sandbox>,
    name: Text,
    guest: Option<&mut MaybeUninit<Box<Guest>>>,
) -> c_int {
    new_guest(sandbox, guest, |sandbox| Ok(sandbox.bundled(name.get("name")?)?))
}

/// `callbox_guest_free`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_guest_free(guest: Option<Box<Guest>>) {
    free(guest);
}

/// `callbox_callback_new`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_callback_new(
    guest: Option<&Guest>,
    name: Text,
    prototype: Text,
    callback: Option<&mut MaybeUninit<Box<Callback>>>,
) -> c_int {
    status(|| {
        let (guest, place) = (given(guest, "guest")?, given(callback, "callback")?);
        let name = name.get("name")?;
        let prototype: Prototype = prototype.get("prototype")?.parse()?;
        place.write(Box::new(Callback(guest.0.callback(name, prototype)?)));
        Ok(())
    })
}

/// `callbox_callback_fallback`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_callback_fallback(callback: Option<&mut Callback>, value: i64) -> c_int {
    status(|| {
        let Callback(callback) = given(callback, "callback")?;
        *callback = callback.clone().fallback(value)?;
        Ok(())
    })
}

/// `callbox_callback_on_failure`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_callback_on_failure(
    callback: Option<&mut Callback>,
    hook: Option<FailureFn>,
    user_data: UserData,
) -> c_int {
    status(|| {
        let (Callback(callback), hook) = (given(callback, "callback")?, given(hook, "hook")?);
        *callback = callback.clone().on_failure(move |error: Error| {
            let (status, message) = (status_of(&error) as c_int, c_text(&error.to_string()));
            // SAFETY: whoever set the hook keeps it and its data valid, for calls on any thread.
            let keeps = unsafe { hook(status, message.as_ptr(), user_data.get()) } != 0;
            keeps.then_some(error)
        });
        Ok(())
    })
}

/// `callbox_callback_free`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_callback_free(callback: Option<Box<Callback>>) {
    free(callback);
}

/// `callbox_compare`
///
/// # Safety
///
/// `a` and `b` are as long as their lengths say.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_compare(
    callback: Option<&Callback>,
    a: *const u8,
    a_length: usize,
    b: *const u8,
    b_length: usize,
    order: Option<&mut MaybeUninit<c_int>>,
) -> c_int {
    status(|| {
        let (Callback(callback), place) = (given(callback, "callback")?, given(order, "order")?);
        // SAFETY: the caller passes the length, and leaves the bytes alone until the call returns.
        let a = unsafe { array(a, a_length, "a")? };
        // SAFETY: as above.
        let b = unsafe { array(b, b_length, "b")? };
        place.write(match callback.compare(a, b)? {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        });
        Ok(())
    })
}
