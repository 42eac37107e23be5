//! Scalar functions.
#![allow(unsafe_code, reason = "calls a callback with arguments that are made here")]

use std::ffi::{CString, c_void};
use std::ptr;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error as Sql};

use super::wrapped;
use crate::callback::Callback;
use crate::ctype::{CType, NumberKind};
use crate::error::Error;
use crate::registry::{Access, SlotHandle};
use crate::trampoline;

/// Source of an argument of the guest. SQL arguments are counted from 0.
#[derive(Clone, Copy)]
enum ArgSource {
    Integer {
        sql: usize,
        size: usize,
        kind: NumberKind,
    },
    Real {
        sql: usize,
        size: usize,
    },
    Text {
        sql: usize,
    },
    Bytes {
        sql: usize,
    },
    /// Length in bytes of the text or blob at SQL argument `of`.
    Length {
        of: usize,
    },
}

/// Adds a scalar function to a connection: `SELECT guest(a, b)`. Each argument of the prototype is an SQL
/// argument, except those that hold a length: integers, `float` and `double`; `const char *` for a text;
/// `const void a[n]` for a text or a blob. The result is a number, or nothing, which is NULL. If an argument
/// is NULL, the result is NULL, and the guest is not called.
///
/// If the guest fails, the statement fails with its message. [`FunctionFlags::SQLITE_DIRECTONLY`] keeps an
/// untrusted function out of triggers and views.
///
/// # Errors
///
/// [`Error::PrototypeUnserved`] if SQL has no such value, [`Error::TableFull`], and SQLite's errors.
pub fn create_scalar_function(
    db: &Connection,
    name: &str,
    flags: FunctionFlags,
    callback: &Callback,
) -> rusqlite::Result<()> {
    let prototype = callback.prototype();
    let (sources, arity) = sources(prototype.params())
        .map_err(|reason| wrapped(Error::PrototypeUnserved { prototype: prototype.to_string(), reason }))?;
    let result = prototype.result().clone();
    if result != CType::Void && result.kind().is_none() {
        let reason = "a function of SQL returns a number here, or nothing";
        return Err(wrapped(Error::PrototypeUnserved { prototype: prototype.to_string(), reason }));
    }
    let (handle, _) = trampoline::lend(callback, Access::Values { budget: None }).map_err(wrapped)?;
    db.create_scalar_function(name, arity, flags, move |context| call(&handle, &sources, &result, context))
}

/// Returns the source of each argument, and the number of SQL arguments.
fn sources(params: &[CType]) -> Result<(Vec<ArgSource>, i32), &'static str> {
    let length_of = |at: usize| {
        params.iter().position(|other| matches!(other, CType::Counted { count, .. } if *count == at))
    };
    let mut arity = 0;
    // SQL arguments are numbered first, because a length needs the number of its bytes' argument.
    let mut numbers = vec![0; params.len()];
    for (at, number) in numbers.iter_mut().enumerate() {
        if length_of(at).is_none() {
            *number = arity;
            arity += 1;
        }
    }
    let from = |(at, param): (usize, &CType)| {
        let (sql, size) = (numbers[at], param.size().unwrap_or(0));
        Ok(match (param, param.kind()) {
            (_, Some(NumberKind::Float)) => ArgSource::Real { sql, size },
            (_, Some(_)) if let Some(run) = length_of(at) => ArgSource::Length { of: numbers[run] },
            (_, Some(kind)) => ArgSource::Integer { sql, size, kind },
            (CType::Pointer { pointee, readonly: true }, _) if **pointee == CType::Char => {
                ArgSource::Text { sql }
            }
            (CType::Counted { element, readonly: true, .. }, _) if element.size().unwrap_or(1) == 1 => {
                ArgSource::Bytes { sql }
            }
            _ => return Err("SQL has no such argument; it has numbers, const char * and const void a[n]"),
        })
    };
    let sources = params.iter().enumerate().map(from).collect::<Result<_, _>>()?;
    Ok((sources, i32::try_from(arity).unwrap_or(i32::MAX)))
}

fn call(
    handle: &SlotHandle,
    sources: &[ArgSource],
    result: &CType,
    context: &Context<'_>,
) -> rusqlite::Result<Value> {
    if (0..context.len()).any(|sql| context.get_raw(sql) == ValueRef::Null) {
        return Ok(Value::Null);
    }
    let mut texts = Vec::new(); // live as long as the call
    let mut cells = Vec::with_capacity(sources.len());
    for source in sources {
        cells.push(cell(*source, context, &mut texts)?);
    }
    let args: Vec<*const c_void> = cells.iter().map(|cell| ptr::from_ref(cell).cast()).collect();
    let mut answer = [0_u8; 8];
    // SAFETY: `sources` gives each argument the type that the prototype says; its pointee lives until the
    // call has returned; and `create_scalar_function` checked that the result, if there is one, is a number.
    let called = unsafe { trampoline::call_values(handle.entry(), args.as_ptr(), &mut answer) };
    called.map_err(wrapped)?;
    let bits = u64::from_ne_bytes(answer);
    Ok(match (result.kind(), result.size()) {
        (None, _) => Value::Null,
        (Some(NumberKind::Float), Some(4)) => Value::Real(f32::from_bits(bits as u32).into()),
        (Some(NumberKind::Float), _) => Value::Real(f64::from_bits(bits)),
        (Some(NumberKind::Signed), _) => Value::Integer(bits as i64),
        (Some(NumberKind::Unsigned), _) => {
            Value::Integer(i64::try_from(bits).map_err(|_| Sql::IntegralValueOutOfRange(0, -1))?)
        }
    })
}

/// Returns an argument as C passes it, in eight bytes.
fn cell(source: ArgSource, context: &Context<'_>, texts: &mut Vec<CString>) -> rusqlite::Result<[u8; 8]> {
    let mismatch = |sql: usize| Sql::InvalidFunctionParameterType(sql, context.get_raw(sql).data_type());
    let bytes = |sql: usize| match context.get_raw(sql) {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes),
        _ => Err(mismatch(sql)),
    };
    let address = |pointer: *const c_void| (pointer.expose_provenance() as u64).to_ne_bytes();
    Ok(match source {
        ArgSource::Integer { sql, size, kind } => match context.get_raw(sql) {
            ValueRef::Integer(value) => {
                let bits = 8 * size as u32;
                let fits = match kind {
                    _ if size == 8 => kind == NumberKind::Signed || value >= 0,
                    NumberKind::Signed => value >> (bits - 1) == value >> 63,
                    _ => value >> bits == 0,
                };
                if !fits {
                    return Err(Sql::IntegralValueOutOfRange(sql, value));
                }
                value.to_ne_bytes()
            }
            _ => return Err(mismatch(sql)),
        },
        ArgSource::Real { sql, size } => {
            let value = match context.get_raw(sql) {
                ValueRef::Real(value) => value,
                ValueRef::Integer(value) => value as f64,
                _ => return Err(mismatch(sql)),
            };
            match size {
                4 => u64::from((value as f32).to_bits()).to_ne_bytes(),
                _ => value.to_ne_bytes(),
            }
        }
        ArgSource::Text { sql } => {
            texts.push(CString::new(bytes(sql)?)?);
            let text = texts.last().map_or(ptr::null(), |text| text.as_ptr().cast());
            address(text)
        }
        ArgSource::Bytes { sql } => address(bytes(sql)?.as_ptr().cast()),
        ArgSource::Length { of } => (bytes(of)?.len() as u64).to_ne_bytes(),
    })
}
