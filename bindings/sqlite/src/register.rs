//! The functions and the table that every connection gets.

use std::sync::Arc;

use libsqlite3_sys::SQLITE_NOMEM;

use crate::call::{self, Flags, SqlFunction};
use crate::connection::{Connection, lock};
use crate::fault::{Fault, Result};
use crate::value::{Answer, Value};
use crate::{function, limits, load, loaded};

type Act = fn(&Arc<Connection>, &[Value<'_>]) -> Result<Answer>;

/// Name, numbers of arguments, and what is done. All change what a statement may call, or read a file, so
/// that no schema may call them.
const FUNCTIONS: [(&str, &[i32], Act); 5] = [
    ("callbox_load", &[1, 2, 3], load::load),
    ("callbox_reindex", &[1, 2, 3], load::reindex),
    ("callbox_function", &[3, 4], function::load),
    ("callbox_limits", &[0, 1], set_limits),
    ("callbox_fail", &[0], fail),
];

/// A function of this extension's own.
struct Own {
    name: &'static str,
    connection: Arc<Connection>,
    act: Act,
}

impl SqlFunction for Own {
    fn answer(&self, values: &[Value<'_>]) -> Result<Answer> {
        if !self.connection.fails_now() && !self.connection.is_called_by_query(self.name) {
            return Err(Fault::new(format!("unsafe use of {}(); call it in a SELECT of its own", self.name)));
        }
        (self.act)(&self.connection, values)
    }
}

/// Registers them all.
pub(crate) fn all(connection: &Arc<Connection>) -> Result<()> {
    for (name, arities, act) in FUNCTIONS {
        for arity in arities {
            let own = Own { name, connection: connection.clone(), act };
            call::register(connection, name, *arity, Flags::Direct, Arc::new(own))?;
        }
    }
    loaded::register(connection)
}

/// `callbox_limits`: sets limits of guests that are loaded afterwards, and returns all.
fn set_limits(connection: &Arc<Connection>, args: &[Value<'_>]) -> Result<Answer> {
    let mut limits = lock(&connection.limits);
    if let [text] = args {
        *limits = limits::set(*limits, text.text("the argument")?)?;
    }
    Ok(Answer::Text(limits::text(&limits)))
}

/// `callbox_fail`: the failed allocation of [`Connection::fail_statement`].
fn fail(connection: &Arc<Connection>, _: &[Value<'_>]) -> Result<Answer> {
    if connection.fails_now() {
        return Err(Fault { code: SQLITE_NOMEM, message: String::new() });
    }
    Err(Fault::new("callbox_fail is for Callbox itself to call"))
}
