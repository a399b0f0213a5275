//! The store's file, opened as another process could open it.

use std::path::Path;

use rusqlite::{Connection, params_from_iter};

/// What leads from one version of the schema to the next.
const VERSIONS: &str = "crates/guard/src/store/sqlite/migrations";

/// The file that a state folder keeps the journal in.
pub fn open(state: &Path) -> Connection {
    Connection::open(state.join("state.db")).unwrap()
}

/// Puts a store in the place of the one in a folder, as the version of this
/// program with that schema would have left it.
pub fn take_back_to(state: &Path, version: u32) {
    let file = state.join("state.db");
    let newer = state.join("newer.db");
    // Whatever the journal beside it holds goes into the file.
    drop(open(state));
    std::fs::rename(&file, &newer).unwrap();
    let older = open(state);
    older.pragma_update(None, "foreign_keys", false).unwrap();
    let mut schema: Vec<_> = std::fs::read_dir(VERSIONS).unwrap().collect();
    schema.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
    for entry in schema.iter().take(usize::try_from(version).unwrap()) {
        let sql = std::fs::read_to_string(entry.as_ref().unwrap().path()).unwrap();
        older.execute_batch(&sql).unwrap();
    }
    older
        .execute("ATTACH ? AS newer", [newer.to_str().unwrap()])
        .unwrap();
    for table in texts(
        &older,
        "SELECT name FROM main.sqlite_schema WHERE type = 'table'",
        [],
    ) {
        let columns = texts(
            &older,
            "SELECT name FROM pragma_table_info(?1, 'main') INTERSECT
             SELECT name FROM pragma_table_info(?1, 'newer')",
            [table.clone()],
        )
        .join(", ");
        let copy = format!(
            "DELETE FROM main.{table};
             INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"
        );
        if !columns.is_empty() {
            older.execute_batch(&copy).unwrap();
        }
    }
    older.execute_batch("DETACH newer").unwrap();
    older.pragma_update(None, "user_version", version).unwrap();
    older.close().unwrap();
    std::fs::remove_file(newer).unwrap();
}

/// The first column of all rows, which is text.
pub fn texts<const N: usize>(database: &Connection, sql: &str, values: [String; N]) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map(params_from_iter(values), |row| row.get(0));
    rows.unwrap().map(Result::unwrap).collect()
}
