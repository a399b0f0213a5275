//! The store's schema, version by version.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A version of the schema and what leads to it. Files are never edited after
/// a release: stores in use remember the digest of each.
macro_rules! version {
    ($number:literal, $name:literal) => {
        (
            $number,
            $name,
            include_str!(concat!("migrations/", $number, "_", $name, ".sql")),
        )
    };
}

const VERSIONS: [(&str, &str, &str); 25] = [
    version!("0001", "confirmations"),
    version!("0002", "journal"),
    version!("0003", "setup"),
    version!("0004", "rules_at_risk"),
    version!("0005", "dial_plans"),
    version!("0006", "journal_position"),
    version!("0007", "kinds"),
    version!("0008", "runs"),
    version!("0009", "facts"),
    version!("0010", "authors_and_declines"),
    version!("0011", "accounts"),
    version!("0012", "long_lives"),
    version!("0013", "agreeing"),
    version!("0014", "before_imports"),
    version!("0015", "vip_notes"),
    version!("0016", "setup_memory"),
    version!("0017", "traces"),
    version!("0018", "agreeing_whole"),
    version!("0019", "ended_notes"),
    version!("0020", "pin_tries_by_place"),
    version!("0021", "seen_changes"),
    version!("0022", "run_notes"),
    version!("0023", "notes_of_changes"),
    version!("0024", "called_numbers"),
    version!("0025", "shown_as_wanted"),
];

/// All versions, in order.
pub(super) fn migrator() -> Migrator {
    let migrations = (1..).zip(VERSIONS).map(|(version, (_, name, sql))| {
        Migration::new(
            version,
            name.replace('_', " ").into(),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}
