//! Loading a guest under the name of a collation, and building its indexes anew.

use std::sync::Arc;

use libsqlite3_sys::SQLITE_READONLY;

use crate::collation::Collation;
use crate::connection::{Connection, lock};
use crate::fault::{Fault, Result};
use crate::index::{dependents, schemas};
use crate::key;
use crate::order::Order;
use crate::records::{Verdict, judge, record};
use crate::source::{Source, bundled_name};
use crate::sql::quoted;
use crate::value::{Answer, Value};

/// Maximum length of a name in bytes.
const MAX_NAME: usize = 64;

/// Collations of SQLite's own, on whose order it relies.
const BUILT_IN: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];

/// The guest, name and export of a call.
struct Request {
    name: String,
    order: Arc<Order>,
}

impl Request {
    /// Reads `(GUEST [, NAME [, EXPORT]])`, where the name of a bundled guest is its own.
    fn of(connection: &Connection, args: &[Value<'_>]) -> Result<Request> {
        let name = match args {
            [guest] => bundled_name(guest)?,
            [_, name, ..] => name.text("the name, the second argument,")?,
            [] => return Err(Fault::new("expected a guest, and a name")),
        };
        check_name(name)?;
        if BUILT_IN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err(Fault::new(format!("{name} is a collation of SQLite's own; choose another name")));
        }
        let export = args.get(2).map(|export| export.text("the export, the third argument,")).transpose()?;
        let source = Source::of(&connection.sandbox()?, &args[0])?;
        Ok(Request { name: name.to_owned(), order: Arc::new(Order::new(source, export)?) })
    }
}

/// Checks the name of a collation or function: it is used in SQL, and other names are made of it.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_name = name.starts_with(is_first)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= MAX_NAME;
    if !is_name {
        return Err(Fault::new(format!(
            "\"{}\" cannot be a name; it takes letters of ASCII, digits and _, at most {MAX_NAME}, \
             and begins with no digit",
            callbox::escape(name)
        )));
    }
    if name.to_ascii_lowercase().starts_with("callbox_") {
        return Err(Fault::new(format!("{name} would be a name of Callbox's own; choose another")));
    }
    Ok(())
}

/// `callbox_load`: has a guest compare under a name. Each database that can be written then says under which
/// guest its indexes are built. Returns the guest's hash.
///
/// # Errors
///
/// Those of the guest; an index was built under another, or it is not known under which. Nothing is changed.
pub(crate) fn load(connection: &Arc<Connection>, args: &[Value<'_>]) -> Result<Answer> {
    let request = Request::of(connection, args)?;
    let (name, sha256) = (&request.name, &request.order.source.sha256);
    let known = connection.collation(name);
    let loaded = known.as_ref().and_then(|known| known.order()).map(|order| order.source.sha256.clone());
    if loaded.as_ref().is_some_and(|loaded| loaded != sha256) {
        alone(connection)?;
    }
    let seen = connection.look()?;
    let mut changes = Vec::new();
    for schema in schemas(connection)? {
        let verdict = judge(connection, &schema, name, sha256, loaded.as_deref())?;
        let is_other = matches!(verdict, Verdict::Other);
        if !matches!(verdict, Verdict::Same) && schema != "temp" && !connection.is_readonly(&schema) {
            changes.push((schema, is_other));
        }
    }
    if changes.iter().any(|(_, is_other)| *is_other) && !connection.is_autocommit() {
        return Err(Fault::new(format!(
            "another guest than the one recorded as \"{name}\" cannot be loaded inside a transaction; \
             commit it first"
        )));
    }
    if !changes.is_empty() {
        transact(connection, "SAVEPOINT callbox", "RELEASE callbox", "ROLLBACK TO callbox", || {
            for (schema, _) in &changes {
                match record(connection, schema, name, sha256) {
                    // Nor can an index be built in it.
                    Err(fault) if fault.primary() == SQLITE_READONLY => {}
                    outcome => outcome?,
                }
            }
            Ok(())
        })?;
    }
    let collation = match known {
        Some(known) => known,
        None => Collation::register(connection, name)?,
    };
    if request.order.key.is_some() {
        key::register(&collation)?;
    }
    collation.set(Some(request.order.clone()), seen);
    connection.sort_without_threads();
    Ok(Answer::Text(sha256.clone()))
}

/// `callbox_reindex`: loads a guest as `callbox_load` does, and builds all indexes that depend on the name
/// anew, in one transaction. Returns the guest's hash.
///
/// # Errors
///
/// Those of the guest, also while indexes are built, and SQLite's. All indexes, and what is loaded, are then
/// as they were.
pub(crate) fn reindex(connection: &Arc<Connection>, args: &[Value<'_>]) -> Result<Answer> {
    let request = Request::of(connection, args)?;
    let (name, sha256) = (&request.name, &request.order.source.sha256);
    alone(connection)?;
    if !connection.is_autocommit() {
        return Err(Fault::new("indexes cannot be built anew inside a transaction; commit it first"));
    }
    let collation = match connection.collation(name) {
        Some(known) => known,
        None => Collation::register(connection, name)?,
    };
    if request.order.key.is_some() {
        key::register(&collation)?;
    }
    let before = collation.order();
    let seen = connection.look()?;
    collation.set(Some(request.order.clone()), seen.clone());
    collation.rebuilding();
    let outcome = transact(connection, "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", || {
        for schema in schemas(connection)? {
            let indexes = dependents(connection, &schema, name)?;
            if schema != "temp" && connection.is_readonly(&schema) {
                let Some(index) = indexes.first() else { continue };
                return Err(Fault::new(format!("{index} cannot be built anew: the database is read-only")));
            }
            for index in indexes {
                if index.is_table {
                    return Err(Fault::new(format!(
                        "{index} cannot be built anew: it is the table itself, which is WITHOUT ROWID; \
                         copy its rows to a table with another PRIMARY KEY, and drop it"
                    )));
                }
                let (schema, index) = (quoted(&index.schema), quoted(&index.index));
                let built = connection.execute(&format!("REINDEX {schema}.{index}"), &[]);
                // A guest's failure comes first: what it led to says less.
                collation.rebuilt().and(built)?;
            }
            if schema != "temp" {
                record(connection, &schema, name, sha256)?;
            }
        }
        Ok(())
    });
    let order = if outcome.is_ok() { Some(request.order.clone()) } else { before };
    collation.set(order, seen);
    connection.sort_without_threads();
    outcome.map(|()| Answer::Text(sha256.clone()))
}

/// Refuses to change the order of statements that are running: only the one that asks for it may.
fn alone(connection: &Connection) -> Result<()> {
    match connection.running() {
        0 | 1 => Ok(()),
        _ => Err(Fault::new("another statement is running; finish or reset it first")),
    }
}

/// Does something between a statement that begins and one that commits, or else one that undoes it.
fn transact(
    connection: &Connection,
    begin: &str,
    commit: &str,
    undo: &str,
    act: impl FnOnce() -> Result<()>,
) -> Result<()> {
    connection.execute(begin, &[])?;
    let outcome = act().and_then(|()| connection.execute(commit, &[]));
    if outcome.is_err() {
        // SQLite may have undone it all itself.
        let undone = connection.execute(undo, &[]);
        if undone.is_ok() && undo != "ROLLBACK" {
            connection.execute(commit, &[])?;
        }
    }
    outcome
}

/// Returns all collations that are in force, the first loaded first.
pub(crate) fn in_force(connection: &Connection) -> Vec<Arc<Collation>> {
    let all: Vec<_> = lock(&connection.collations).iter().filter_map(std::sync::Weak::upgrade).collect();
    all.into_iter().filter(|known| known.is_in_force()).collect()
}
