//! A table in SQLite, ordered and indexed by an untrusted module.
//!
//! ```sh
//! cargo run --features sqlite --example collate
//! cargo run --features sqlite --example collate -- some/other/order.wasm
//! ```

use std::error::Error;

use callbox::rusqlite::{self, Connection};
use callbox::{CType, Limits, Prototype, Sandbox, sqlite};

fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::new(Limits::default())?;
    let guest = match std::env::args().nth(1) {
        Some(path) => sandbox.load(path)?,
        None => sandbox.bundled("version")?,
    };
    let compare = guest.callback("compare_bytes", Prototype::comparator(CType::Void))?;

    let db = Connection::open_in_memory()?;
    let collation = sqlite::create_collation(&db, "guest", &compare)?; // SQLite's destructor ends the lease
    db.execute_batch(
        "CREATE TABLE release (name TEXT COLLATE guest); CREATE INDEX by_name ON release (name)",
    )?;
    for line in include_str!("../docs/rust-releases.txt").lines() {
        let inserted = db.execute("INSERT INTO release VALUES (?)", [line]);
        collation.check(inserted)?; // the guest's failure, of which SQLite reports only "interrupted"
    }
    let mut newest = db.prepare("SELECT name FROM release ORDER BY name DESC LIMIT 5")?;
    let names: rusqlite::Result<Vec<String>> = newest.query_map([], |row| row.get(0))?.collect();
    println!("{}", collation.check(names)?.join("\n"));
    eprintln!("{} comparisons", collation.calls());
    Ok(())
}
