//! Function pointers of any prototype, made by libffi.
//!
//! Once made, a function pointer stays for ever, and so does its prototype: whoever calls it late passes
//! the arguments that it reads.
#![allow(unsafe_code, reason = "makes libffi's closures, and is called by them")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use libffi::low::{self, CodePtr};
use libffi::middle::{Cif, Type};
use libffi::raw::{self, ffi_cif};

use super::values::{self, Args, Room};
use crate::callback::Callback;
use crate::ctype::{CType, Kind};
use crate::entry::{Entry, Lent, Loan, new_table};
use crate::error::{Error, Result};
use crate::prototype::{CallConv, Prototype};
use crate::table::{Slot, Table};

/// The function pointers of one prototype.
struct Bank {
    cif: Cif,
    table: &'static Table<Entry>,
    /// Bytes of the result, integers extended to eight.
    result: usize,
    /// By their places in the table; `None` where libffi had no memory.
    sockets: Mutex<Vec<Option<&'static Socket>>>,
}

// SAFETY: nobody changes the `Cif` after it has been made; libffi only reads it.
unsafe impl Send for Bank {}
// SAFETY: as above.
unsafe impl Sync for Bank {}

/// What one function pointer leads to.
struct Socket {
    slot: &'static Slot<Entry>,
    result: usize,
    /// What C gets where nobody answers; zeros if `None`.
    neutral: Mutex<Option<Box<[u8]>>>,
    code: CodePtr,
}

// SAFETY: the code is called from any thread; the pointer to it is only handed out.
unsafe impl Send for Socket {}
// SAFETY: as above.
unsafe impl Sync for Socket {}

static BANKS: LazyLock<Mutex<HashMap<Prototype, &'static Bank>>> = LazyLock::new(Mutex::default);

/// Lends a function pointer of the callback's prototype.
pub(crate) fn lend(callback: &Callback, lent: Lent) -> Result<(Loan, *const c_void)> {
    let bank = bank(callback.prototype())?;
    let mut sockets = lock(&bank.sockets);
    let loan = Loan::new_in(bank.table, Entry::new(callback.clone(), lent))?;
    let at = bank.table.position(loan.key());
    if at == sockets.len() {
        sockets.push(None);
    }
    let socket = match sockets[at] {
        Some(socket) => socket,
        None => {
            let slot = bank.table.touched(at);
            let socket = slot.and_then(|slot| bank.socket(slot));
            let what = "a function pointer";
            sockets[at] = Some(socket.ok_or(Error::NoMemory { bytes: size_of::<raw::ffi_closure>(), what })?);
            sockets[at].expect("it has just been put there")
        }
    };
    *lock(&socket.neutral) = callback.terms().fallback.clone();
    Ok((loan, socket.code.as_ptr()))
}

fn bank(prototype: &Prototype) -> Result<&'static Bank> {
    let mut banks = lock(&BANKS);
    if let Some(bank) = banks.get(prototype) {
        return Ok(bank);
    }
    let unserved = |reason| Error::PrototypeUnserved { prototype: prototype.to_string(), reason };
    let abi =
        convention(prototype.conv()).ok_or_else(|| unserved("this target has no such calling convention"))?;
    let result = prototype.result();
    let size = if result.kind().is_some() { 8 } else { result.size().unwrap_or(0) };
    let params = prototype.params().iter().map(ffi_type);
    let cif = Cif::try_new_with_abi(params, ffi_type(result), abi)
        .map_err(|_| unserved("libffi does not know how to pass its arguments"))?;
    let bank = Bank { cif, table: new_table(), result: size, sockets: Mutex::default() };
    let bank: &'static Bank = Box::leak(Box::new(bank));
    banks.insert(prototype.clone(), bank);
    Ok(bank)
}

impl Bank {
    /// Makes a function pointer for a slot; `None` where there is no memory.
    fn socket(&'static self, slot: &'static Slot<Entry>) -> Option<&'static Socket> {
        let (closure, code) = low::try_closure_alloc()?;
        let socket = Socket { slot, result: self.result, neutral: Mutex::default(), code };
        let socket: &'static Socket = Box::leak(Box::new(socket));
        // SAFETY: the closure has just been allocated, with this code; bank and socket live for ever.
        let status = unsafe {
            raw::ffi_prep_closure_loc(
                closure,
                self.cif.as_raw_ptr(),
                Some(called),
                ptr::from_ref(socket).cast_mut().cast(),
                code.as_mut_ptr(),
            )
        };
        (status == raw::ffi_status_FFI_OK).then_some(socket)
    }
}

/// What libffi calls when C calls a function pointer.
///
/// # Safety
///
/// libffi passes the socket of that function pointer, pointers to the arguments of its prototype, and room
/// for its result.
unsafe extern "C" fn called(
    _: *mut ffi_cif,
    result: *mut c_void,
    args: *mut *mut c_void,
    socket: *mut c_void,
) {
    // SAFETY: it is the socket that `Bank::socket` has left with libffi.
    let socket = unsafe { &*socket.cast::<Socket>() };
    let answered = socket.slot.get().is_some_and(|entry| {
        let room = Room { at: result, size: socket.result };
        // SAFETY: the entry is of the prototype that libffi read the arguments by, and libffi has room for
        // the result.
        unsafe { values::answer(&entry, Args(args.cast_const().cast()), room) }
    });
    if !answered {
        // SAFETY: as above.
        unsafe { socket.write_neutral(result) }
    }
}

impl Socket {
    /// # Safety
    ///
    /// `result` has room for a result of the socket's prototype.
    unsafe fn write_neutral(&self, result: *mut c_void) {
        let result = result.cast::<u8>();
        match &*lock(&self.neutral) {
            // SAFETY: the fallback was checked to be of the result's type, and the result has so many bytes.
            Some(bytes) => unsafe {
                ptr::copy_nonoverlapping(bytes.as_ptr(), result, bytes.len().min(self.result));
            },
            // SAFETY: the result has so many bytes.
            None => unsafe { ptr::write_bytes(result, 0, self.result) },
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// libffi's number for a calling convention, where the target has it.
fn convention(conv: CallConv) -> Option<raw::ffi_abi> {
    match conv {
        CallConv::C => Some(raw::ffi_abi_FFI_DEFAULT_ABI),
        #[cfg(all(target_arch = "x86_64", not(windows)))]
        CallConv::SysV64 => Some(raw::ffi_abi_FFI_UNIX64),
        #[cfg(target_arch = "x86_64")]
        CallConv::Win64 | CallConv::Stdcall => Some(raw::ffi_abi_FFI_WIN64),
        #[cfg(target_arch = "x86")]
        CallConv::Stdcall => Some(raw::ffi_abi_FFI_STDCALL),
        #[cfg(target_arch = "x86")]
        CallConv::Fastcall => Some(raw::ffi_abi_FFI_FASTCALL),
        #[cfg(target_arch = "x86")]
        CallConv::Thiscall => Some(raw::ffi_abi_FFI_THISCALL),
        _ => None,
    }
}

/// libffi's type for one of ours, which is an argument, a result or a field of one.
fn ffi_type(ctype: &CType) -> Type {
    match (ctype.kind(), ctype.size()) {
        (Some(Kind::Float), Some(4)) => Type::f32(),
        (Some(Kind::Float), _) if *ctype == CType::LongDouble => Type::longdouble(),
        (Some(Kind::Float), _) => Type::f64(),
        (Some(Kind::Signed), Some(1)) => Type::i8(),
        (Some(Kind::Signed), Some(2)) => Type::i16(),
        (Some(Kind::Signed), Some(4)) => Type::i32(),
        (Some(Kind::Signed), _) => Type::i64(),
        (Some(Kind::Unsigned), Some(1)) => Type::u8(),
        (Some(Kind::Unsigned), Some(2)) => Type::u16(),
        (Some(Kind::Unsigned), Some(4)) => Type::u32(),
        (Some(Kind::Unsigned), _) => Type::u64(),
        (None, None) => Type::void(),
        (None, Some(_)) => match ctype {
            CType::Struct(_) => Type::structure(elements(ctype)),
            _ => Type::pointer(),
        },
    }
}

/// The fields of a struct, arrays among them one by one, because libffi knows none.
fn elements(ctype: &CType) -> Vec<Type> {
    match ctype {
        CType::Struct(plain) => plain
            .fields()
            .iter()
            .flat_map(|field| match &field.ctype {
                CType::Array { element, len } => repeated(element, *len),
                other => vec![ffi_type(other)],
            })
            .collect(),
        other => vec![ffi_type(other)],
    }
}

fn repeated(element: &CType, len: usize) -> Vec<Type> {
    let one = match element {
        CType::Array { element, len } => repeated(element, *len),
        other => vec![ffi_type(other)],
    };
    (0..len).flat_map(|_| one.clone()).collect()
}

impl fmt::Debug for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bank({} function pointers)", lock(&self.sockets).len())
    }
}
