//! Functions of SQL that are exports of guests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use callbox::Prototype;

use crate::call::{self, Flags, SqlFunction};
use crate::connection::{Connection, lock};
use crate::fault::{Fault, Result};
use crate::load::check_name;
use crate::scalar::Scalar;
use crate::source::Source;
use crate::value::{Answer, Value};

/// A function that SQLite has. Its guest can be another: SQLite refuses to replace a function inside a
/// statement.
pub(crate) struct Function {
    pub(crate) name: String,
    arity: usize,
    calls: AtomicU64,
    state: Mutex<State>,
}

struct State {
    scalar: Arc<Scalar>,
    failure: Option<String>,
}

/// `callbox_function`: registers an export as a function of SQL. Returns the guest's hash.
pub(crate) fn load(connection: &Arc<Connection>, args: &[Value<'_>]) -> Result<Answer> {
    let [guest, name, prototype, export @ ..] = args else {
        return Err(Fault::new("expected a guest, a name and a prototype"));
    };
    let name = name.text("the name, the second argument,")?;
    check_name(name)?;
    let prototype: Prototype = prototype.text("the prototype, the third argument,")?.parse()?;
    let export = match export {
        [export, ..] => export.text("the export, the fourth argument,")?,
        [] => name,
    };
    let source = Source::of(&connection.sandbox()?, guest)?;
    let sha256 = source.sha256.clone();
    let callback = source.module.instantiate()?.callback(export, prototype)?;
    let scalar = Arc::new(Scalar::new(source, callback)?);
    let arity = scalar.arity();
    let known = connection.function(name, arity);
    match known {
        Some(known) => {
            let state = State { scalar, failure: None };
            let before = std::mem::replace(&mut *lock(&known.state), state);
            drop(before); // after the lock
        }
        None => Function::register(connection, name, arity, scalar)?,
    }
    Ok(Answer::Text(sha256))
}

impl Connection {
    fn function(&self, name: &str, arity: usize) -> Option<Arc<Function>> {
        let all = lock(&self.functions);
        let mut alive = all.iter().filter_map(std::sync::Weak::upgrade);
        alive.find(|known| known.arity == arity && known.name.eq_ignore_ascii_case(name))
    }

    /// Returns whether there is a function of this name and number of arguments, of whatever encoding.
    pub(crate) fn has_function(&self, name: &str, arity: usize) -> Result<bool> {
        let arity = arity.to_string();
        let all = self.query("PRAGMA function_list", &[], |row| (row.text(0), row.text(4)))?;
        let is = |(its_name, its_arity): &(Option<String>, Option<String>)| {
            its_name.as_ref().is_some_and(|its| its.eq_ignore_ascii_case(name))
                && its_arity.as_deref() == Some(&arity)
        };
        Ok(all.iter().any(is))
    }
}

impl Function {
    fn register(connection: &Arc<Connection>, name: &str, arity: usize, scalar: Arc<Scalar>) -> Result<()> {
        if connection.has_function(name, arity)? {
            return Err(Fault::new(format!(
                "the connection has another function {name} of {arity} arguments, which is not Callbox's; \
                 choose another name"
            )));
        }
        let function = Arc::new(Function {
            name: name.to_owned(),
            arity,
            calls: AtomicU64::new(0),
            state: Mutex::new(State { scalar, failure: None }),
        });
        let count = i32::try_from(arity).unwrap_or(i32::MAX);
        call::register(connection, name, count, Flags::Guest, function.clone())?;
        let mut all = lock(&connection.functions);
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(&function));
        Ok(())
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.state).failure.clone()
    }

    pub(crate) fn scalar(&self) -> Arc<Scalar> {
        lock(&self.state).scalar.clone()
    }
}

impl SqlFunction for Function {
    fn answer(&self, values: &[Value<'_>]) -> Result<Answer> {
        if values.contains(&Value::Null) {
            return Ok(Answer::Null);
        }
        self.calls.fetch_add(1, Relaxed);
        let answer = self.scalar().call(values);
        if let Err(fault) = &answer {
            lock(&self.state).failure = Some(fault.message.clone());
        }
        answer
    }
}
