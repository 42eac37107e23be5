//! Arguments of a guest's function, made from SQL values.
//!
//! Every run has its own length, and [`Plan::lower`] is the one place that derives from runs the integers
//! which tell it: the guest can neither be told more bytes than a run has, nor fewer.

use std::ffi::c_void;
use std::marker::PhantomData;

use rusqlite::Error as Sql;
use rusqlite::types::{Type, ValueRef};

use super::value::no_memory;
use super::wrapped;
use crate::callback::Callback;
use crate::callback::lowering::{CNumber, Param};
use crate::ctype::{CType, NumberKind};
use crate::error::CallError;

/// The source of each argument of a prototype.
pub(super) struct Plan {
    export: String,
    params: Vec<(CType, Source)>,
    /// Number of SQL arguments.
    pub(super) arity: usize,
    /// Limit of a text in bytes, its NUL included.
    max_text: usize,
}

/// The source of an argument. SQL arguments are counted from 0.
enum Source {
    Integer(CNumber, usize),
    Real(CNumber, usize),
    Text(usize),
    Run(usize),
    /// The length in bytes that all these runs have.
    Length(CNumber, Vec<usize>),
}

/// The arguments of one call, as C passes them, and what they point to.
pub(super) struct Cells<'v> {
    cells: Vec<[u8; 8]>,
    /// Copies that end with a NUL.
    texts: Vec<Vec<u8>>,
    runs: PhantomData<&'v [u8]>,
}

/// An SQL value is not what the prototype passes.
#[derive(Debug, thiserror::Error)]
enum Misfit {
    #[error("Invalid function parameter type {found} at index {sql}: \"{ctype}\" takes {expected}; use CAST")]
    Type { sql: usize, found: Type, ctype: String, expected: &'static str },
    #[error("Integer {value} out of range at index {sql}: \"{ctype}\" does not hold it")]
    Range { sql: usize, value: i64, ctype: String },
    #[error("the value at index {sql} has {len} bytes, and \"{ctype}\", which tells its length, holds less")]
    Length { sql: usize, len: usize, ctype: String },
    #[error(
        "the values at index {a} and {b} have {a_len} and {b_len} bytes, and one argument tells the length \
         of both; pass two of one length"
    )]
    Lengths { a: usize, a_len: usize, b: usize, b_len: usize },
    #[error("the text at index {sql} has a NUL, which would end it; \"const void a[n]\" takes such texts")]
    Nul { sql: usize },
}

impl Plan {
    /// Returns the plan for a callback's prototype; the error says what SQL does not have.
    pub(super) fn of(callback: &Callback) -> Result<Plan, &'static str> {
        let params = callback.prototype().params();
        let Some((_, lowering)) = callback.function() else {
            return Err("SQL passes values, and the export compares elements in a shape of its own");
        };
        let counted_by = |at: usize| {
            let counts = move |other: &CType| matches!(other, CType::Counted { count, .. } if *count == at);
            params.iter().enumerate().filter(move |(_, other)| counts(other)).map(|(run, _)| run)
        };
        let mut arity = 0;
        // SQL arguments are numbered first, because a length may come before its runs.
        let mut numbers = vec![0; params.len()];
        for (at, number) in numbers.iter_mut().enumerate() {
            if counted_by(at).next().is_none() {
                *number = arity;
                arity += 1;
            }
        }
        let source = |(at, ctype): (usize, &CType)| {
            let sql = numbers[at];
            let runs: Vec<usize> = counted_by(at).map(|run| numbers[run]).collect();
            let source = match (ctype, ctype.kind(), lowering.params.get(at)) {
                (_, Some(NumberKind::Float), Some(Param::Number(num, _))) if runs.is_empty() => {
                    Source::Real(num.clone(), sql)
                }
                (_, Some(_), Some(Param::Number(num, _))) if !num.is_integer() => return Err(NO_SUCH),
                (_, Some(_), Some(Param::Number(num, _))) if runs.is_empty() => {
                    Source::Integer(num.clone(), sql)
                }
                (_, Some(_), Some(Param::Number(num, _))) => Source::Length(num.clone(), runs),
                (CType::Pointer { pointee, readonly: true }, ..) if **pointee == CType::Char => {
                    Source::Text(sql)
                }
                (CType::Counted { element, readonly: true, .. }, ..) if is_byte(element) => Source::Run(sql),
                _ => return Err(NO_SUCH),
            };
            Ok((ctype.clone(), source))
        };
        let params = params.iter().enumerate().map(source).collect::<Result<_, _>>()?;
        let (export, max_text) = (callback.export().to_owned(), callback.guest().limits().text);
        Ok(Plan { export, params, arity, max_text })
    }

    /// Makes the arguments of a call from as many values as there are SQL arguments. None of them is NULL.
    pub(super) fn lower<'v>(&self, values: &[ValueRef<'v>]) -> rusqlite::Result<Cells<'v>> {
        let mut made =
            Cells { cells: Vec::with_capacity(self.params.len()), texts: Vec::new(), runs: PhantomData };
        for (at, (ctype, source)) in self.params.iter().enumerate() {
            let cell = match source {
                Source::Integer(num, sql) => {
                    let ValueRef::Integer(value) = values[*sql] else {
                        return Err(mismatch(values, *sql, ctype, "an integer"));
                    };
                    let misfit = || Misfit::Range { sql: *sql, value, ctype: ctype.to_string() };
                    word(num.of_integer(value.into())).ok_or_else(|| user(misfit()))?
                }
                Source::Real(num, sql) => {
                    let value = match values[*sql] {
                        ValueRef::Real(value) => value,
                        ValueRef::Integer(value) => value as f64,
                        _ => return Err(mismatch(values, *sql, ctype, "a number")),
                    };
                    word(num.of_float(value)).unwrap_or_default()
                }
                Source::Text(sql) => {
                    let text = self.text(at, *sql, run(values, *sql, ctype)?)?;
                    let cell = address(text.as_ptr());
                    made.texts.push(text);
                    cell
                }
                Source::Run(sql) => {
                    let run: &'v [u8] = run(values, *sql, ctype)?;
                    address(run.as_ptr())
                }
                Source::Length(num, runs) => {
                    let len = self.common_length(values, runs)?;
                    let sql = runs[0];
                    let misfit = || Misfit::Length { sql, len, ctype: ctype.to_string() };
                    word(num.of_integer(len as i128)).ok_or_else(|| user(misfit()))?
                }
            };
            made.cells.push(cell);
        }
        Ok(made)
    }

    /// Returns the length of all these runs; an error if they have several.
    fn common_length(&self, values: &[ValueRef<'_>], runs: &[usize]) -> rusqlite::Result<usize> {
        let counted = |sql: usize| {
            // The type in a message is that of the run, not of its length.
            let of_run = |(_, source): &&(CType, Source)| matches!(source, Source::Run(of) if *of == sql);
            let ctype = self.params.iter().find(of_run).map_or(&CType::Void, |(ctype, _)| ctype);
            Ok::<_, Sql>(run(values, sql, ctype)?.len())
        };
        let (a, a_len) = (runs[0], counted(runs[0])?);
        for b in &runs[1..] {
            let b_len = counted(*b)?;
            if b_len != a_len {
                return Err(user(Misfit::Lengths { a, a_len, b: *b, b_len }));
            }
        }
        Ok(a_len)
    }

    /// Returns a copy of a text that ends with a NUL, and has no other.
    fn text(&self, at: usize, sql: usize, bytes: &[u8]) -> rusqlite::Result<Vec<u8>> {
        if bytes.len() >= self.max_text {
            let (export, argument, most) = (self.export.clone(), at + 1, self.max_text);
            return Err(wrapped(CallError::Text { export, argument, most }));
        }
        if memchr::memchr(0, bytes).is_some() {
            return Err(user(Misfit::Nul { sql }));
        }
        let mut text = Vec::new();
        text.try_reserve_exact(bytes.len() + 1).map_err(|_| no_memory())?;
        text.extend_from_slice(bytes);
        text.push(0);
        Ok(text)
    }
}

impl Cells<'_> {
    /// Returns pointers to the arguments, as libffi passes them. What they lead to is borrowed: a length that
    /// the prototype tells is that of each run which it counts, and a text ends with a NUL.
    pub(super) fn pointers(&self) -> Vec<*const c_void> {
        self.cells.iter().map(|cell| std::ptr::from_ref(cell).cast()).collect()
    }
}

const NO_SUCH: &str = "SQL has no such argument; it has numbers, const char *, and runs of bytes with a \
    length in another argument, const void a[n]";

/// Returns whether any byte is an element of the type.
fn is_byte(element: &CType) -> bool {
    use CType::{Char, Int8, SignedChar, UInt8, UnsignedChar, Void};
    matches!(element, Void | Char | SignedChar | UnsignedChar | Int8 | UInt8)
}

/// Returns the bytes of a text or a blob.
fn run<'v>(values: &[ValueRef<'v>], sql: usize, ctype: &CType) -> rusqlite::Result<&'v [u8]> {
    match values[sql] {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes),
        _ => Err(mismatch(values, sql, ctype, "a text or a blob")),
    }
}

fn mismatch(values: &[ValueRef<'_>], sql: usize, ctype: &CType, expected: &'static str) -> Sql {
    user(Misfit::Type { sql, found: values[sql].data_type(), ctype: ctype.to_string(), expected })
}

fn user(misfit: Misfit) -> Sql {
    Sql::UserFunctionError(Box::new(misfit))
}

/// Returns a number as C passes it, in eight bytes.
fn word(bytes: Option<Vec<u8>>) -> Option<[u8; 8]> {
    bytes.and_then(|bytes| bytes.first_chunk().copied())
}

fn address(at: *const u8) -> [u8; 8] {
    (at.expose_provenance() as u64).to_ne_bytes()
}
