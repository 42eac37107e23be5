//! How SQL's values become the arguments of an export.

use std::ffi::CString;

use callbox::{Argument, CType, Callback, NumberKind};

use crate::fault::{Fault, Result};
use crate::invoke::{Arg, call_by};
use crate::source::Source;
use crate::value::{Answer, Value};

/// An export and how SQL's values become its arguments.
pub(crate) struct Scalar {
    pub(crate) source: Source,
    pub(crate) callback: Callback,
    params: Vec<Param>,
}

/// An argument of the prototype. SQL's arguments are counted from 0.
enum Param {
    Number {
        ctype: CType,
        sql: usize,
    },
    Text {
        sql: usize,
    },
    Run {
        sql: usize,
    },
    /// The length of all these runs.
    Length {
        ctype: CType,
        runs: Vec<usize>,
    },
}

/// Maximum number of parameters, of a call from Rust.
const MAX_PARAMS: usize = 12;

impl Scalar {
    /// Plans the arguments of a callback; the error says what SQL does not have.
    pub(crate) fn new(source: Source, callback: Callback) -> Result<Scalar> {
        let types = callback.prototype().params();
        let unserved = |what: &str| {
            Err(Fault::new(format!(
                "\"{}\" {what}; SQL has integers, double, const char *, and runs of bytes with their \
                 length in another argument, const void a[n], at most {MAX_PARAMS} in all; the result is a \
                 number or void",
                callback.prototype()
            )))
        };
        if callback.shape().is_some() {
            return unserved("is a comparator's, which callbox_load takes");
        }
        if types.len() > MAX_PARAMS {
            return unserved("has too many arguments");
        }
        let counted_by = |at: usize| {
            let counts = move |other: &CType| matches!(other, CType::Counted { count, .. } if *count == at);
            types.iter().enumerate().filter(move |(_, other)| counts(other)).map(|(run, _)| run)
        };
        // SQL's arguments are numbered first, because a length may come before its runs.
        let mut arity = 0;
        let numbers: Vec<_> = (0..types.len())
            .map(|at| {
                let is_length = counted_by(at).next().is_some();
                arity += usize::from(!is_length);
                if is_length { usize::MAX } else { arity - 1 }
            })
            .collect();
        let mut params = Vec::new();
        for (at, ctype) in types.iter().enumerate() {
            let (sql, ctype) = (numbers[at], ctype.clone());
            params.push(match &ctype {
                CType::Pointer { pointee, readonly: true } if **pointee == CType::Char => Param::Text { sql },
                CType::Counted { element, readonly: true, .. } if is_byte(element) => Param::Run { sql },
                _ if number(&ctype, &Value::Integer(0)).is_none() => return unserved("takes something else"),
                _ if sql == usize::MAX => {
                    Param::Length { ctype, runs: counted_by(at).map(|run| numbers[run]).collect() }
                }
                _ => Param::Number { ctype, sql },
            });
        }
        let result = callback.prototype().result();
        if *result != CType::Void && number(result, &Value::Integer(0)).is_none() {
            return unserved("returns something else");
        }
        Ok(Scalar { source, callback, params })
    }

    /// Returns the number of SQL's arguments.
    pub(crate) fn arity(&self) -> usize {
        self.params.iter().filter(|param| !matches!(param, Param::Length { .. })).count()
    }

    /// Calls the export. None of the values is NULL.
    pub(crate) fn call(&self, values: &[Value<'_>]) -> Result<Answer> {
        let texts = self.texts(values)?;
        let mut texts = texts.iter();
        let mut args = Vec::new();
        for param in &self.params {
            let misfit = |sql: usize, what: &str| {
                let (number, found) = (sql + 1, values[sql].kind());
                Fault::new(format!("argument {number} has to be {what}, and is {found}; use CAST"))
            };
            args.push(match param {
                Param::Number { ctype, sql } => match (number(ctype, &values[*sql]), values[*sql]) {
                    (Some(number), _) => Arg(number),
                    (None, Value::Integer(value)) => {
                        return Err(Fault::new(format!(
                            "argument {} is {value}, which \"{ctype}\" does not hold",
                            sql + 1
                        )));
                    }
                    _ if ctype.kind() == Some(NumberKind::Float) => return Err(misfit(*sql, "a number")),
                    _ => return Err(misfit(*sql, "an integer")),
                },
                // `texts` has one for each.
                Param::Text { .. } => Arg(Box::new(texts.next().map_or(c"", |text| text.as_c_str()))),
                Param::Run { sql } => match values[*sql] {
                    Value::Text(bytes) | Value::Blob(bytes) => Arg(Box::new(bytes)),
                    _ => return Err(misfit(*sql, "a text or a blob")),
                },
                Param::Length { ctype, runs } => {
                    let lengths = runs.iter().map(|sql| match values[*sql] {
                        Value::Text(bytes) | Value::Blob(bytes) => Ok(bytes.len()),
                        _ => Err(misfit(*sql, "a text or a blob")),
                    });
                    let lengths = lengths.collect::<Result<Vec<_>>>()?;
                    if lengths.iter().any(|len| *len != lengths[0]) {
                        return Err(Fault::new(
                            "one argument tells the length of several texts or blobs, \
                            which are of several lengths; pass those of one length",
                        ));
                    }
                    let len = i64::try_from(lengths[0]).unwrap_or(i64::MAX);
                    Arg(number(ctype, &Value::Integer(len)).ok_or_else(|| {
                        Fault::new(format!("a length is {len}, which \"{ctype}\" does not hold"))
                    })?)
                }
            });
        }
        call_by(&self.callback, args)
    }

    /// Returns the texts that end with a NUL, in the order of the prototype.
    fn texts(&self, values: &[Value<'_>]) -> Result<Vec<CString>> {
        let text = |sql: &usize| match values[*sql] {
            Value::Text(bytes) | Value::Blob(bytes) => CString::new(bytes).map_err(|_| {
                Fault::new(format!(
                    "argument {} has a NUL, which would end it; const void a[n] takes it",
                    sql + 1
                ))
            }),
            other => {
                Err(Fault::new(format!("argument {} has to be a text, and is {}", sql + 1, other.kind())))
            }
        };
        let sql = |param: &Param| if let Param::Text { sql } = param { Some(*sql) } else { None };
        self.params.iter().filter_map(sql).map(|sql| text(&sql)).collect()
    }
}

/// Returns whether any byte is an element of the type.
fn is_byte(element: &CType) -> bool {
    use CType::{Char, Int8, SignedChar, UInt8, UnsignedChar, Void};
    matches!(element, Void | Char | SignedChar | UnsignedChar | Int8 | UInt8)
}

/// Returns a number as the type has it; `None` if it does not hold the value.
fn number(ctype: &CType, value: &Value<'_>) -> Option<Box<dyn Argument>> {
    let size = ctype.size()?;
    match (ctype, ctype.kind()?, value) {
        (CType::Bool, _, Value::Integer(value @ 0..=1)) => Some(Box::new(*value == 1)),
        (CType::Bool, ..) => None,
        (CType::LongDouble, ..) => None,
        (_, NumberKind::Float, value) => {
            let value = match value {
                Value::Real(value) => *value,
                Value::Integer(value) => *value as f64,
                _ => return None,
            };
            Some(if size == 4 { Box::new(value as f32) } else { Box::new(value) })
        }
        (_, kind, Value::Integer(value)) => {
            macro_rules! held {
                ($($size:literal $signed:ty, $unsigned:ty;)*) => {
                    match (size, kind) {
                        $(
                            ($size, NumberKind::Signed) => Some(Box::new(<$signed>::try_from(*value).ok()?)),
                            ($size, _) => Some(Box::new(<$unsigned>::try_from(*value).ok()?)),
                        )*
                        _ => None,
                    }
                };
            }
            held! { 1 i8, u8; 2 i16, u16; 4 i32, u32; 8 i64, u64; }
        }
        _ => None,
    }
}
