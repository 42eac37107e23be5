//! Sort keys as a function of SQL, `NAME_sort_key(text)`: what an index on an expression keeps, and what
//! SQLite orders without asking the guest.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::call::{self, Flags, SqlFunction};
use crate::collation::Collation;
use crate::fault::{Fault, Result};
use crate::value::{Answer, Value};

struct Key(Arc<Collation>);

/// Registers the function of a collation, unless SQLite has it.
pub(crate) fn register(collation: &Arc<Collation>) -> Result<()> {
    if collation.has_key.load(Relaxed) {
        return Ok(());
    }
    let name = name(&collation.name);
    if collation.connection.has_function(&name, 1)? {
        return Err(Fault::new(format!(
            "the connection has another function {name}, which is not Callbox's; choose another name"
        )));
    }
    call::register(&collation.connection, &name, 1, Flags::Key, Arc::new(Key(collation.clone())))?;
    collation.has_key.store(true, Relaxed);
    Ok(())
}

/// Returns the name of the function that makes a collation's sort keys.
pub(crate) fn name(collation: &str) -> String {
    format!("{collation}_sort_key")
}

impl SqlFunction for Key {
    /// Numbers and NULL are before all texts, and so before all keys.
    fn answer(&self, values: &[Value<'_>]) -> Result<Answer> {
        let text = match values {
            [Value::Text(text)] => text,
            [Value::Integer(number)] => return Ok(Answer::Integer(*number)),
            [Value::Real(number)] => return Ok(Answer::Real(*number)),
            [Value::Blob(_)] => {
                return Err(Fault::new("a sort key is made of a text, and this is a blob; use CAST"));
            }
            _ => return Ok(Answer::Null),
        };
        let made = self.0.ready().and_then(|order| match &order.key {
            Some(key) => Ok(Answer::Blob(key.of(text)?)),
            None => Err(Fault::new(format!("the guest \"{}\" exports no sort_key", self.0.name))),
        });
        made.map_err(|fault| self.0.failed(fault))
    }
}
