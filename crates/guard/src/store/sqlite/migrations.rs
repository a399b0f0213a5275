//! The store's schema, version by version.

use rusqlite::{Connection, TransactionBehavior};

use super::database::{Failed, Outcome};

use super::statements::value;
use skyswitch_domain::error::Error;

/// What leads from one version of the schema to the next. Files are never
/// edited after a release: stores in use went through them as they were.
macro_rules! version {
    ($name:literal) => {
        include_str!(concat!("migrations/", $name, ".sql"))
    };
}

const VERSIONS: [&str; 25] = [
    version!("0001_confirmations"),
    version!("0002_journal"),
    version!("0003_setup"),
    version!("0004_rules_at_risk"),
    version!("0005_dial_plans"),
    version!("0006_journal_position"),
    version!("0007_kinds"),
    version!("0008_runs"),
    version!("0009_facts"),
    version!("0010_authors_and_declines"),
    version!("0011_accounts"),
    version!("0012_long_lives"),
    version!("0013_agreeing"),
    version!("0014_before_imports"),
    version!("0015_vip_notes"),
    version!("0016_setup_memory"),
    version!("0017_traces"),
    version!("0018_agreeing_whole"),
    version!("0019_ended_notes"),
    version!("0020_pin_tries_by_place"),
    version!("0021_seen_changes"),
    version!("0022_run_notes"),
    version!("0023_notes_of_changes"),
    version!("0024_called_numbers"),
    version!("0025_shown_as_wanted"),
];

/// Where earlier versions of this program kept the versions of the schema.
const EARLIER: &str = "_sqlx_migrations";

/// Takes the schema to its newest version, all of it or nothing.
///
/// # Errors
/// `internal` where a newer version of this program has written the store: it
/// may have given the entries another meaning.
pub(super) fn migrate(database: &mut Connection) -> Outcome<()> {
    if version(database)? == VERSIONS.len() {
        return Ok(());
    }
    let database = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&database)?;
    let missing = VERSIONS
        .get(version..)
        .ok_or_else(|| from_the_future(version))?;
    for sql in missing {
        database.execute_batch(sql)?;
    }
    database.execute_batch(&format!("DROP TABLE IF EXISTS {EARLIER}"))?;
    database.pragma_update(None, "user_version", VERSIONS.len() as i64)?;
    Ok(database.commit()?)
}

fn version(database: &Connection) -> Outcome<usize> {
    let mut version: u32 = value(database, "PRAGMA user_version", [])?;
    // An earlier version of this program leaves the table behind, empty, where it is
    // started once more.
    if database.table_exists(None, EARLIER)? {
        let kept = format!("SELECT coalesce(max(version), 0) FROM {EARLIER}");
        version = version.max(value(database, &kept, [])?);
    }
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn from_the_future(version: usize) -> Failed {
    let error = Error::internal(
        format!(
            "the state store was written by a newer version of this program (schema {version}), so nothing was read or sent"
        ),
        "Use that version, or set SKYSWITCH_STATE_DIR to another folder.",
    );
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_leaves_behind_when_it_is_started_once_more_is_no_harm()
    -> rusqlite::Result<()> {
        let mut database = Connection::open_in_memory()?;
        assert!(migrate(&mut database).is_ok());
        database.execute_batch(&format!(
            "CREATE TABLE {EARLIER} (version BIGINT PRIMARY KEY)"
        ))?;
        assert!(migrate(&mut database).is_ok());
        Ok(())
    }
}
