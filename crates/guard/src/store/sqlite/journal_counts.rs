//! Counting changes against a limit.

use rusqlite::{Connection, ToSql};

use super::Store;
use super::database::Outcome;
use super::statements::value;
use crate::store::Counted;
use skyswitch_domain::error::Result;

impl Store {
    /// How many changes count: those begun in that time and not known to have failed.
    pub async fn changes_within(&self, realm: &str, those: Counted) -> Result<u64> {
        self.read(|database| counted(database, realm, those, None, u32::MAX))
            .await
    }
}

/// How many there are, counted no further than `most`: an import would else go
/// through all its rows with each of them.
///
/// An import does not count against itself where all of it counts once.
///
/// What lies ahead was begun before the clock was set back. When that was nobody
/// knows, and it must not hold up work until the clock has caught up.
pub(super) fn counted(
    database: &Connection,
    realm: &str,
    those: Counted,
    own_run: Option<&str>,
    most: u32,
) -> Outcome<u64> {
    // Each is answered from an index alone, however many rows an import has made.
    let sql = match (those.imports_once, those.without_people) {
        (false, false) => {
            "SELECT COUNT(*) FROM (SELECT 1 FROM changes
             WHERE realm = ?1 AND started_at > ?2 AND started_at <= ?3 AND status <> 'failed' LIMIT ?4)"
        }
        (false, true) => {
            "SELECT COUNT(*) FROM (SELECT 1 FROM changes
             WHERE realm = ?1 AND started_at > ?2 AND started_at <= ?3 AND status <> 'failed'
               AND by_person = 0 LIMIT ?4)"
        }
        (true, false) => {
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM changes
             WHERE realm = ?1 AND started_at > ?2 AND started_at <= ?3 AND status <> 'failed'
               AND run IS NULL LIMIT ?4))
             + (SELECT COUNT(*) FROM runs WHERE realm = ?1 AND id IS NOT ?5 AND EXISTS (
             SELECT 1 FROM changes WHERE run = runs.id AND started_at > ?2 AND started_at <= ?3
               AND status <> 'failed'))"
        }
        (true, true) => {
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM changes
             WHERE realm = ?1 AND started_at > ?2 AND started_at <= ?3 AND status <> 'failed'
               AND run IS NULL AND by_person = 0 LIMIT ?4))
             + (SELECT COUNT(*) FROM runs WHERE realm = ?1 AND id IS NOT ?5 AND EXISTS (
             SELECT 1 FROM changes WHERE run = runs.id AND started_at > ?2 AND started_at <= ?3
               AND status <> 'failed' AND by_person = 0))"
        }
    };
    let mut values: Vec<&dyn ToSql> = vec![&realm, &those.span.since, &those.span.until, &most];
    if those.imports_once {
        values.push(&own_run);
    }
    let count: i64 = value(database, sql, values.as_slice())?;
    Ok(u64::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::TimeSpan;

    /// The columns that limits are counted by, with as many changes of each kind.
    const CHANGES: &str = "
        CREATE TABLE runs (id TEXT, realm TEXT);
        CREATE TABLE changes (realm TEXT, started_at INTEGER, status TEXT, run TEXT, by_person INTEGER);
        INSERT INTO changes
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        SELECT 'r', i, 'done', NULL, i % 2 FROM n";

    #[test]
    fn changes_are_counted_no_further_than_the_limit() -> rusqlite::Result<()> {
        let database = Connection::open_in_memory()?;
        database.execute_batch(CHANGES)?;
        for (imports_once, without_people) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let those = Counted {
                span: TimeSpan {
                    since: 0,
                    until: 40,
                },
                without_people,
                imports_once,
            };
            let all = if without_people { 20 } else { 40 };
            for (most, expected) in [(7, 7), (u32::MAX, all)] {
                let counted = counted(&database, "r", those, None, most);
                assert_eq!(counted.ok(), Some(expected), "{those:?}");
            }
        }
        Ok(())
    }
}
