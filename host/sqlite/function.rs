//! Scalar functions.
#![allow(unsafe_code, reason = "registers a callback with SQLite, and is called by it")]

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::Arc;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error as Sql, ffi};
use smallvec::SmallVec;

use super::arguments::Plan;
use super::{check_code, value, wrapped};
use crate::callback::Callback;
use crate::callback::lowering::Ret;
use crate::ctype::NumberKind;
use crate::error::{Error, panics};
use crate::registry::{Access, SlotHandle};
use crate::trampoline;

/// A function that SQLite has, until it calls [`destroy`].
#[derive(Clone)]
struct Function {
    handle: SlotHandle,
    plan: Arc<Plan>,
}

/// SQLite destroys a function on the thread that uses the connection last.
const _: fn() = || {
    fn sent<T: Send>() {}
    sent::<Function>();
};

/// Adds a scalar function to a connection: `SELECT guest(a, b)`. Each argument of the prototype is an SQL
/// argument, except those that hold a length:
///
/// - an integer type takes an SQL integer that it holds, `float` and `double` any SQL number, rounded;
/// - `const char *` takes a text in UTF-8, or a blob, without a NUL in it;
/// - `const void a[n]`, or an array of another type of one byte, takes a text in UTF-8 or a blob, and `n` is
///   its length in bytes. An `n` that does not hold it fails the call, and so do runs of several lengths
///   where one `n` counts them.
///
/// Nothing is converted, and any other type of value fails the statement. The result is a number, or nothing,
/// which is NULL, as is a result that is not a number (NaN). If an argument is NULL, the result is NULL, and
/// the guest is not called.
///
/// Another function of the same name and number of SQL arguments is replaced, whatever text encoding it was
/// registered for; an encoding among the `flags` is ignored. Functions of several numbers of arguments exist
/// side by side, as always in SQLite.
///
/// If the guest fails, the statement fails with its message. [`FunctionFlags::SQLITE_DIRECTONLY`] keeps an
/// untrusted function out of triggers and views.
///
/// # Errors
///
/// [`Error::PrototypeUnserved`] if SQL has no such value, [`Error::TableFull`], and SQLite's errors, as it
/// refuses to replace a function while a statement is running. The function so far stays.
#[track_caller]
pub fn create_scalar_function(
    db: &Connection,
    name: &str,
    flags: FunctionFlags,
    callback: &Callback,
) -> rusqlite::Result<()> {
    let prototype = callback.prototype();
    let unserved = |reason| wrapped(Error::PrototypeUnserved { prototype: prototype.to_string(), reason });
    let plan = Plan::of(callback).map_err(unserved)?;
    let number = prototype.result().kind().is_some();
    match callback.function().map(|(_, lowering)| &lowering.result) {
        Some(Ret::Nothing) => {}
        Some(Ret::Number(..)) if number => {}
        _ => return Err(unserved("a function of SQL returns a number here, or nothing")),
    }
    let arity = c_int::try_from(plan.arity).unwrap_or(c_int::MAX);
    let name = CString::new(name)?;
    let (handle, _) = trampoline::lend(callback, Access::Values { budget: None }).map_err(wrapped)?;
    let function = Function { handle, plan: Arc::new(plan) };
    let encodings = FunctionFlags::SQLITE_UTF16 | FunctionFlags::SQLITE_UTF16BE; // all bits of encodings
    let flags = flags.difference(encodings);
    let register = |encoding, function| register(db, &name, arity, flags | encoding, function);
    // SQLite has a function for each encoding, and prefers the one of the database's: those of others would
    // stay in force there. It refuses the first of these calls, or none, while a statement is running.
    let seen = others(db, &name, arity);
    for (at, encoding) in
        [FunctionFlags::SQLITE_UTF16LE, FunctionFlags::SQLITE_UTF16BE].into_iter().enumerate()
    {
        match seen {
            Some(seen) if seen[at] => register(encoding, Some(function.clone()))?,
            Some(_) => {}
            // Without any function, SQLite finds none.
            None => register(encoding, None)?,
        }
    }
    register(FunctionFlags::SQLITE_UTF8, Some(function))
}

/// Returns whether SQLite has functions of this name and number of arguments for UTF-16, little-endian and
/// big-endian; `None` if an authorizer does not let us see.
fn others(db: &Connection, name: &CStr, arity: c_int) -> Option<[bool; 2]> {
    // A statement of its own: a table of that name may be a view of somebody's, and a comparison in SQL may
    // use a collation of somebody's.
    let mut list = db.prepare("PRAGMA function_list").ok()?;
    let mut rows = list.query([]).ok()?;
    let (mut found, mut any) = ([false; 2], false);
    while let Some(row) = rows.next().ok()? {
        any = true;
        let (its_name, its_arity) = (row.get_ref(0).ok()?, row.get::<_, c_int>(4).ok()?);
        if its_arity == arity && its_name.as_bytes().ok()?.eq_ignore_ascii_case(name.to_bytes()) {
            match row.get_ref(3).ok()?.as_str().ok()? {
                "utf16le" => found[0] = true,
                "utf16be" => found[1] = true,
                _ => {}
            }
        }
    }
    // SQLite has functions of its own, so an empty list is none.
    any.then_some(found)
}

/// Registers a function, or removes it if there is none.
fn register(
    db: &Connection,
    name: &CStr,
    arity: c_int,
    flags: FunctionFlags,
    function: Option<Function>,
) -> rusqlite::Result<()> {
    // SAFETY: the handle is used only to register.
    let db = unsafe { db.handle() };
    let (at, flags, none) = (name.as_ptr(), flags.bits(), ptr::null_mut());
    let code = match function {
        // SAFETY: null pointers remove the function, and the connection is open.
        None => unsafe {
            ffi::sqlite3_create_function_v2(db, at, arity, flags, none, None, None, None, None)
        },
        Some(function) => {
            let data = Box::into_raw(Box::new(function)).cast();
            let (call, destroy) = (Some(call as _), Some(destroy as _));
            // SAFETY: both functions take a `Function`, which lives until SQLite calls `destroy`; it does so
            // if this fails, too.
            unsafe { ffi::sqlite3_create_function_v2(db, at, arity, flags, data, call, None, None, destroy) }
        }
    };
    check_code(code)
}

/// # Safety
///
/// SQLite passes the function that it was given, once.
unsafe extern "C" fn destroy(function: *mut c_void) {
    // SAFETY: it comes from `Box::into_raw` in `create_scalar_function`.
    let function = unsafe { Box::from_raw(function.cast::<Function>()) };
    panics::discard(function);
}

/// # Safety
///
/// SQLite passes a context of this call, and its values.
unsafe extern "C" fn call(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes its context.
    let function = unsafe { ffi::sqlite3_user_data(context) };
    // SAFETY: `create_scalar_function` registered it, and SQLite has not destroyed it. It may during the
    // call, if the host registers another from inside: the call has its own.
    let function = unsafe { (*function.cast::<Function>()).clone() };
    let values = match usize::try_from(count) {
        // SAFETY: SQLite passes this many values.
        Ok(count) if count > 0 => unsafe { slice::from_raw_parts(values, count) },
        _ => &[],
    };
    // SAFETY: the values are those of this call.
    let outcome = unsafe { function.answer(values) };
    // SAFETY: the context is that of this call.
    unsafe { respond(context, outcome) };
    panics::discard(function);
}

impl Function {
    /// # Safety
    ///
    /// SQLite passes the values in a call that is in progress.
    unsafe fn answer(&self, values: &[*mut ffi::sqlite3_value]) -> rusqlite::Result<Value> {
        let mut read = SmallVec::<[ValueRef<'_>; 8]>::new();
        for value in values {
            // SAFETY: the call is in progress as long as `read` lives, which has no other user. SQLite passes
            // each value once, and reading it twice would convert it once.
            read.push(unsafe { value::read(*value) }?);
        }
        if read.contains(&ValueRef::Null) {
            return Ok(Value::Null);
        }
        if read.len() != self.plan.arity {
            return Err(Sql::InvalidParameterCount(read.len(), self.plan.arity));
        }
        let cells = self.plan.lower(&read)?;
        let args = cells.pointers();
        let mut answer = [0_u8; 8];
        let (at, size) = (answer.as_mut_ptr().cast(), answer.len());
        // SAFETY: `Plan::lower` gives each argument the type that the prototype says, to a counted run the
        // length that its count says, and to a text its NUL; `cells` keeps them until the call has returned.
        // `create_scalar_function` checked that the result, if there is one, is a number.
        let called = unsafe { trampoline::call_values(self.handle.entry(), args.as_ptr(), at, size) };
        called.map_err(wrapped)?;
        let callback = &self.handle.entry().callback;
        let bits = u64::from_ne_bytes(answer);
        let result = callback.prototype().result();
        Ok(match (callback.function().map(|(_, lowering)| &lowering.result), result.kind(), result.size()) {
            (_, Some(NumberKind::Float), Some(4)) => Value::Real(f32::from_bits(bits as u32).into()),
            (_, Some(NumberKind::Float), _) => Value::Real(f64::from_bits(bits)),
            (Some(Ret::Number(num, _)), ..) => {
                let value = num.integer(answer);
                Value::Integer(i64::try_from(value).map_err(|_| {
                    let text = format!("\"{}\" returned {value}, which no SQL integer is", callback.export());
                    Sql::UserFunctionError(text.into())
                })?)
            }
            _ => Value::Null,
        })
    }
}

/// Returns a result to SQLite, or an error with its sentence.
///
/// # Safety
///
/// SQLite passes the context in a call that is in progress.
unsafe fn respond(context: *mut ffi::sqlite3_context, outcome: rusqlite::Result<Value>) {
    match outcome {
        // SAFETY: the caller passes a context of SQLite's.
        Ok(Value::Integer(value)) => unsafe { ffi::sqlite3_result_int64(context, value) },
        // SAFETY: as above.
        Ok(Value::Real(value)) => unsafe { ffi::sqlite3_result_double(context, value) },
        // SAFETY: as above.
        Ok(_) => unsafe { ffi::sqlite3_result_null(context) },
        Err(Sql::SqliteFailure(error, None)) if error.extended_code == ffi::SQLITE_NOMEM => {
            // SAFETY: as above.
            unsafe { ffi::sqlite3_result_error_nomem(context) }
        }
        Err(error) => {
            let text = error.to_string();
            let len = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
            // SAFETY: as above; SQLite copies this many bytes.
            unsafe { ffi::sqlite3_result_error(context, text.as_ptr().cast(), len) }
        }
    }
}
