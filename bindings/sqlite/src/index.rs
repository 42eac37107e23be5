//! The indexes whose order depends on a collation.

use crate::connection::Connection;
use crate::fault::Result;
use crate::sql::quoted;

/// An index that depends on a collation.
#[derive(Clone, Debug)]
pub(crate) struct Dependent {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) index: String,
    /// Whether the index is the table itself, as the primary key of one WITHOUT ROWID is.
    pub(crate) is_table: bool,
}

/// The columns by which PRAGMA index_xinfo means an expression and the rowid.
const EXPRESSION: &str = "-2";
const ROWID: &str = "-1";

/// Returns the names of a connection's databases: main, temp, and those that are attached.
pub(crate) fn schemas(connection: &Connection) -> Result<Vec<String>> {
    let names = connection.query("PRAGMA database_list", &[], |row| row.text(1))?;
    Ok(names.into_iter().flatten().collect())
}

/// Returns the indexes of a database that depend on a collation, or on its sort key. One whose expression or
/// condition names the collation counts, whatever it does with it.
///
/// Tables of the program's may have any names. Only SQLite's own are read here, and no function of a schema
/// is called.
pub(crate) fn dependents(connection: &Connection, schema: &str, name: &str) -> Result<Vec<Dependent>> {
    let name = name.to_ascii_lowercase();
    let key = format!("{name}_sort_key");
    let mut found = Vec::new();
    let sql = format!("SELECT type, name, tbl_name, sql FROM {}.sqlite_master", quoted(schema));
    let objects = connection.query(&sql, &[], |row| {
        let text = |column| row.text(column).unwrap_or_default();
        (text(0), text(1), text(2), text(3).to_ascii_lowercase())
    })?;
    for (_, table, _, table_sql) in
        objects.iter().filter(|(kind, _, _, sql)| kind == "table" && !sql.starts_with("create virtual"))
    {
        let sql = format!("PRAGMA {}.index_list({})", quoted(schema), quoted(table));
        let indexes = connection.query(&sql, &[], |row| (row.text(1), row.text(3), row.text(4)))?;
        for (index, origin, partial) in indexes {
            let Some(index) = index else { continue };
            let sql = format!("PRAGMA {}.index_xinfo({})", quoted(schema), quoted(&index));
            let columns = connection.query(&sql, &[], |row| (row.text(1), row.text(4)))?;
            let own = objects.iter().find(|(kind, its_name, ..)| kind == "index" && *its_name == index);
            let index_sql = own.map_or("", |(.., sql)| sql.as_str());
            let has_text = partial.as_deref() == Some("1")
                || columns.iter().any(|(column, _)| column.as_deref() == Some(EXPRESSION));
            let by_column = columns
                .iter()
                .any(|(_, collation)| collation.as_ref().is_some_and(|its| its.eq_ignore_ascii_case(&name)));
            let by_text = has_text && (index_sql.contains(&name) || table_sql.contains(&name));
            // A generated column's expression is the table's.
            if by_column || by_text || table_sql.contains(&key) {
                // Any other index ends with the rowid.
                let has_rowid = columns.iter().any(|(column, _)| column.as_deref() == Some(ROWID));
                let is_table = origin.as_deref() == Some("pk") && !has_rowid;
                let (schema, table) = (schema.to_owned(), table.clone());
                found.push(Dependent { schema, table, index, is_table });
            }
        }
    }
    Ok(found)
}

impl std::fmt::Display for Dependent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (schema, index) = (callbox::escape(&self.schema), callbox::escape(&self.index));
        write!(f, "the index {schema}.{index} of {}", callbox::escape(&self.table))
    }
}
