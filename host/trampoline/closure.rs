//! Function pointers of any prototype, made by libffi.
//!
//! A function pointer is never freed, and neither is its prototype: a late caller passes the arguments that
//! the pointer reads.
#![allow(unsafe_code, reason = "makes libffi's closures, and is called by them")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::ptr;

use libffi::low::{self, CodePtr};
use libffi::middle::{Cif, Type};
use libffi::raw::{self, ffi_cif};

use super::call;
use super::raw_call::{ArgPointers, ResultBuffer};
use crate::callback::Callback;
use crate::ctype::{CType, NumberKind};
use crate::error::{Error, Result};
use crate::prototype::{CallConv, Prototype};
use crate::registry::{Access, Entry, Slot, SlotHandle, SlotTable, new_table};
use crate::sync::{Mutex, lock};

/// The function pointers of one prototype.
struct ClosurePool {
    cif: Cif,
    table: &'static SlotTable<Entry>,
    /// Size of the result in bytes, numbers extended to eight.
    result: usize,
    /// Closures by their position in the table; `None` where libffi had no memory.
    closures: Mutex<Vec<Option<&'static ClosureSlot>>>,
}

// SAFETY: this module does not change the `Cif` after its creation; libffi only reads it.
unsafe impl Send for ClosurePool {}
// SAFETY: as above.
unsafe impl Sync for ClosurePool {}

/// The data of one function pointer.
struct ClosureSlot {
    slot: &'static Slot<Entry>,
    result: usize,
    /// Neutral answer, which C gets when no callback answers; zeros if `None`.
    neutral: Mutex<Option<Box<[u8]>>>,
    code: CodePtr,
}

// SAFETY: the code is called from any thread; the pointer to it is only handed out.
unsafe impl Send for ClosureSlot {}
// SAFETY: as above.
unsafe impl Sync for ClosureSlot {}

/// The pools of all prototypes, from the first one on.
static POOLS: Mutex<Option<HashMap<Prototype, &'static ClosurePool>>> = Mutex::new(None);

/// Lends a function pointer of the callback's prototype.
#[track_caller]
pub(crate) fn lend(callback: &Callback, access: Access) -> Result<(SlotHandle, *const c_void)> {
    let pool = pool(callback.prototype())?;
    let mut closures = lock(&pool.closures);
    let handle = SlotHandle::new_in(pool.table, Entry::new(callback.clone(), access))?;
    let at = pool.table.position(handle.key());
    if at == closures.len() {
        closures.push(None);
    }
    let closure_slot = match closures[at] {
        Some(closure_slot) => closure_slot,
        None => {
            let slot = pool.table.touched(at);
            let closure_slot = slot.and_then(|slot| pool.closure_slot(slot));
            let what = "a function pointer";
            closures[at] =
                Some(closure_slot.ok_or(Error::NoMemory { bytes: size_of::<raw::ffi_closure>(), what })?);
            closures[at].expect("it has just been put there")
        }
    };
    *lock(&closure_slot.neutral) = callback.policy().fallback.clone();
    Ok((handle, closure_slot.code.as_ptr()))
}

fn pool(prototype: &Prototype) -> Result<&'static ClosurePool> {
    let mut pools = lock(&POOLS);
    let pools = pools.get_or_insert_default();
    if let Some(pool) = pools.get(prototype) {
        return Ok(pool);
    }
    let unserved = |reason| Error::PrototypeUnserved { prototype: prototype.to_string(), reason };
    let abi =
        convention(prototype.conv()).ok_or_else(|| unserved("this target has no such calling convention"))?;
    let result = prototype.result();
    let size = if result.kind().is_some() { 8 } else { result.size().unwrap_or(0) };
    let params = prototype.params().iter().map(ffi_type);
    let cif = Cif::try_new_with_abi(params, ffi_type(result), abi)
        .map_err(|_| unserved("libffi does not know how to pass its arguments"))?;
    let pool = ClosurePool { cif, table: new_table(), result: size, closures: Mutex::default() };
    let pool: &'static ClosurePool = Box::leak(Box::new(pool));
    pools.insert(prototype.clone(), pool);
    Ok(pool)
}

impl ClosurePool {
    /// Creates a function pointer for a slot; `None` if there is no memory.
    fn closure_slot(&'static self, slot: &'static Slot<Entry>) -> Option<&'static ClosureSlot> {
        let (closure, code) = low::try_closure_alloc()?;
        let closure_slot = ClosureSlot { slot, result: self.result, neutral: Mutex::default(), code };
        let closure_slot: &'static ClosureSlot = Box::leak(Box::new(closure_slot));
        // SAFETY: the closure has just been allocated, with this code; pool and closure slot are never freed.
        let status = unsafe {
            raw::ffi_prep_closure_loc(
                closure,
                self.cif.as_raw_ptr(),
                Some(closure_entry),
                ptr::from_ref(closure_slot).cast_mut().cast(),
                code.as_mut_ptr(),
            )
        };
        (status == raw::ffi_status_FFI_OK).then_some(closure_slot)
    }
}

/// Entry point that libffi calls when C calls a function pointer.
///
/// # Safety
///
/// libffi passes the closure slot of that function pointer, pointers to the arguments of its prototype, and
/// room for its result.
unsafe extern "C" fn closure_entry(
    _: *mut ffi_cif,
    result: *mut c_void,
    args: *mut *mut c_void,
    closure_slot: *mut c_void,
) {
    // SAFETY: libffi passes the closure slot that `ClosurePool::closure_slot` registered.
    let closure_slot = unsafe { &*closure_slot.cast::<ClosureSlot>() };
    let lent = closure_slot.slot.get();
    let answered = lent.get().is_some_and(|entry| {
        let buffer = ResultBuffer { at: result, size: closure_slot.result };
        // SAFETY: the entry is of the prototype by which libffi read the arguments, and libffi has room for
        // the result.
        unsafe { call::answer(entry, ArgPointers(args.cast_const().cast()), buffer) }
    });
    if !answered {
        // SAFETY: as above.
        unsafe { closure_slot.write_neutral(result) }
    }
}

impl ClosureSlot {
    /// # Safety
    ///
    /// `result` has room for a result of the closure slot's prototype.
    unsafe fn write_neutral(&self, result: *mut c_void) {
        let result = result.cast::<u8>();
        match &*lock(&self.neutral) {
            // SAFETY: `Callback::fallback` checked that the fallback is of the result's type, and the result
            // has `self.result` bytes.
            Some(bytes) => unsafe {
                ptr::copy_nonoverlapping(bytes.as_ptr(), result, bytes.len().min(self.result));
            },
            // SAFETY: the result has `self.result` bytes.
            None => unsafe { ptr::write_bytes(result, 0, self.result) },
        }
    }
}

/// Returns libffi's number for a calling convention, if the target has it.
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

/// Returns libffi's type for a C type, which is an argument, a result or a field of one.
fn ffi_type(ctype: &CType) -> Type {
    match (ctype.kind(), ctype.size()) {
        (Some(NumberKind::Float), Some(4)) => Type::f32(),
        (Some(NumberKind::Float), _) if *ctype == CType::LongDouble => Type::longdouble(),
        (Some(NumberKind::Float), _) => Type::f64(),
        (Some(NumberKind::Signed), Some(1)) => Type::i8(),
        (Some(NumberKind::Signed), Some(2)) => Type::i16(),
        (Some(NumberKind::Signed), Some(4)) => Type::i32(),
        (Some(NumberKind::Signed), _) => Type::i64(),
        (Some(NumberKind::Unsigned), Some(1)) => Type::u8(),
        (Some(NumberKind::Unsigned), Some(2)) => Type::u16(),
        (Some(NumberKind::Unsigned), Some(4)) => Type::u32(),
        (Some(NumberKind::Unsigned), _) => Type::u64(),
        (None, None) => Type::void(),
        (None, Some(_)) => match ctype {
            CType::Struct(_) => Type::structure(elements(ctype)),
            _ => Type::pointer(),
        },
    }
}

/// Returns the fields of a struct, with arrays expanded to their elements, because libffi has no arrays.
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

impl fmt::Debug for ClosurePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClosurePool({} function pointers)", lock(&self.closures).len())
    }
}
