//! Finding changes in the journal.

use sqlx::QueryBuilder;
use sqlx::sqlite::Sqlite;

use super::journal_rows::{record, select};
use super::{Store, failed};
use crate::store::records::caller_of;
use crate::store::{ChangeFilter, ChangeRecord, ChangeStatus, TimeSpan};
use skyswitch_domain::Ani;
use skyswitch_domain::error::Result;

/// The kind of changes to VIP rules; the others are those of a setup's pieces.
const VIP_RULE: &str = "vip_rule";

impl Store {
    /// Changes that are open and not worked on by `owner`, oldest first.
    pub async fn open_changes(&self, realm: &str, owner: &str) -> Result<Vec<ChangeRecord>> {
        let mut query = select();
        query.push("realm = ").push_bind(realm.to_owned());
        query.push(" AND status = 'open' AND owner <> ");
        query.push_bind(owner.to_owned()).push(" ORDER BY id");
        self.records(query).await
    }

    /// Changes of a kind, `vip_rule` or that of a setup's piece, that were begun
    /// in that time and are not known to have failed, oldest first.
    pub async fn changes_of_kind(
        &self,
        realm: &str,
        account: &str,
        kind: &str,
        filter: ChangeFilter<'_>,
        TimeSpan { since, until }: TimeSpan,
    ) -> Result<Vec<ChangeRecord>> {
        let since = Some(since);
        let filter = ChangeFilter { since, ..filter };
        let mut query = of_kind(realm, account, kind, &filter);
        query.push(" AND started_at <= ").push_bind(until);
        query.push(" ORDER BY id");
        self.records(query).await
    }

    /// Those that a read need not show: begun in that time; and those begun
    /// before, after `unseen_since`, that were acknowledged and that no read has
    /// shown. VIP rules are left out of which a read has shown every such change.
    pub async fn changes_to_be_seen(
        &self,
        realm: &str,
        account: &str,
        kind: &str,
        filter: ChangeFilter<'_>,
        TimeSpan { since, until }: TimeSpan,
        unseen_since: i64,
    ) -> Result<Vec<ChangeRecord>> {
        let mut query = of_kind(realm, account, kind, &filter);
        let mut started_at = "started_at";
        if kind == VIP_RULE {
            // However many were made lately, the few that were not seen lead to the rows;
            // SQLite would go by the time, and looks up no sum in an index.
            started_at = "+started_at";
            query.push(
                " AND id IN (SELECT others.id FROM changes AS unseen CROSS JOIN changes AS others
                   WHERE NOT unseen.is_seen AND unseen.piece IS NULL AND unseen.realm = ",
            );
            query.push_bind(realm.to_owned());
            query
                .push(" AND unseen.account = ")
                .push_bind(account.to_owned());
            query
                .push(" AND unseen.started_at >= ")
                .push_bind(unseen_since);
            query.push(
                " AND others.realm = unseen.realm AND others.account = unseen.account
                   AND others.caller = unseen.caller)",
            );
        }
        query.push(format!(" AND {started_at} BETWEEN "));
        query.push_bind(unseen_since).push(" AND ").push_bind(until);
        query
            .push(format!(" AND ({started_at} >= "))
            .push_bind(since);
        query.push(" OR (status = 'done' AND stands = 0)) ORDER BY id");
        self.records(query).await
    }

    /// A change by its id.
    pub async fn change(&self, realm: &str, id: i64) -> Result<Option<ChangeRecord>> {
        let mut query = select();
        query.push("realm = ").push_bind(realm.to_owned());
        query.push(" AND id = ").push_bind(id);
        Ok(self.records(query).await?.pop())
    }

    /// The next change to the same rule, or to the same piece of a setup, after one
    /// of them that is not known to have failed. What it was planned on was read
    /// after the work on the first had ended.
    pub async fn next_change(&self, id: i64) -> Result<Option<ChangeRecord>> {
        let mut query = select();
        query.push(
            "id = (SELECT min(later.id) FROM changes AS earlier JOIN changes AS later
                     ON later.realm = earlier.realm AND later.account = earlier.account
                    AND later.caller = earlier.caller AND later.called = earlier.called
                    AND lower(later.domain) = lower(earlier.domain) AND later.kind = earlier.kind
                    AND later.did IS earlier.did
                    AND (later.did IS NOT NULL OR later.piece IS earlier.piece)
                   WHERE earlier.id = ",
        );
        query.push_bind(id);
        query.push(" AND later.id > earlier.id AND later.status <> 'failed')");
        Ok(self.records(query).await?.pop())
    }

    /// The changes that a query finds.
    pub(super) async fn records(
        &self,
        mut query: QueryBuilder<Sqlite>,
    ) -> Result<Vec<ChangeRecord>> {
        let found = query.build().try_map(record).fetch_all(&self.pool).await;
        found.map_err(failed)
    }

    /// Changes of an account, newest first: at most `limit` of those before
    /// the id `before`, and how many there are in all.
    pub async fn changes(
        &self,
        realm: &str,
        account: &str,
        filter: &ChangeFilter<'_>,
        before: Option<i64>,
        limit: Option<usize>,
    ) -> Result<(Vec<ChangeRecord>, usize)> {
        let mut count = QueryBuilder::new("SELECT COUNT(*) FROM changes WHERE ");
        narrow(&mut count, realm, account, filter);
        let total: i64 = count
            .build_query_scalar()
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let mut list = select();
        narrow(&mut list, realm, account, filter);
        if let Some(before) = before {
            list.push(" AND id < ").push_bind(before);
        }
        // The changes of a caller are few and found by their index; sorted by the id itself,
        // SQLite would go through all changes of the account instead.
        list.push(match filter.caller.or(filter.ani) {
            Some(_) => " ORDER BY +id DESC",
            None => " ORDER BY id DESC",
        });
        if let Some(limit) = limit {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            list.push(" LIMIT ").push_bind(limit);
        }
        let rows = self.records(list).await?;
        Ok((rows, usize::try_from(total).unwrap_or_default()))
    }
}

/// Those of a kind that are not known to have failed.
fn of_kind<'a>(
    realm: &'a str,
    account: &'a str,
    kind: &str,
    filter: &ChangeFilter<'a>,
) -> QueryBuilder<Sqlite> {
    let mut query = select();
    narrow(&mut query, realm, account, filter);
    query.push(" AND kind = ").push_bind(kind.to_owned());
    query.push(" AND status <> 'failed'");
    query
}

/// The conditions of a list. What goes into the text is ours; values are bound.
fn narrow<'a>(
    query: &mut QueryBuilder<Sqlite>,
    realm: &'a str,
    account: &'a str,
    filter: &ChangeFilter<'a>,
) {
    query.push("realm = ").push_bind(realm.to_owned());
    query.push(" AND account = ").push_bind(account.to_owned());
    if let Some(domain) = filter.domain {
        query
            .push(" AND lower(domain) = ")
            .push_bind(domain.to_owned());
    }
    // A stored value is kept under the caller that it is a writing of.
    let stored = filter.ani.map(|ani| caller_of(&Ani::from_stored(ani)));
    let given = filter.caller.map(str::to_owned);
    if let Some(caller) = given.clone().or(stored.clone()) {
        query.push(" AND caller IN (").push_bind(caller);
        query.push(", ").push_bind(stored.or(given)).push(")");
    }
    if let Some(since) = filter.since {
        query.push(" AND started_at >= ").push_bind(since);
    }
    if let Some(until) = filter.until {
        query.push(" AND started_at < ").push_bind(until);
    }
    match filter.status {
        None => {}
        Some(ChangeStatus::Done) => _ = query.push(" AND status = 'done'"),
        // Said in the words of the index of those that are not done.
        Some(status) => {
            query.push(" AND status <> 'done' AND status = ");
            query.push_bind(status.word());
        }
    }
    if let Some(did) = filter.did {
        query.push(" AND did = ").push_bind(did.to_owned());
    }
    if let Some(run) = filter.run {
        query.push(" AND run = ").push_bind(run.to_owned());
    }
    if let Some(operation) = filter.operation {
        query
            .push(" AND operation = ")
            .push_bind(operation.to_owned());
    }
}
