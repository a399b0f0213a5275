//! Finding changes in the journal.

use super::Store;
use super::journal_rows::{record, select};
use super::statements::Query;
use crate::store::records::caller_of;
use crate::store::{ChangeFilter, ChangeRecord, ChangeStatus, TimeSpan};
use skyswitch_domain::Ani;
use skyswitch_domain::error::Result;

/// The kind of changes to VIP rules; the others are those of a setup's pieces.
const VIP_RULE: &str = "vip_rule";
/// Before a column, so that SQLite does not go by its index: none has sums in it.
const NO_INDEX: &str = "+";

impl Store {
    /// Changes that are open and not worked on by `owner`, oldest first.
    pub async fn open_changes(&self, realm: &str, owner: &str) -> Result<Vec<ChangeRecord>> {
        let mut query = select();
        query.push("realm = ").bind(realm.to_owned());
        query.push(" AND status = 'open' AND owner <> ");
        query.bind(owner.to_owned()).push(" ORDER BY id");
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
        query.push(" AND +started_at <= ").bind(until);
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
        if kind == VIP_RULE {
            // However many were made lately, the few that were not seen lead to the rows.
            query.push(
                " AND id IN (SELECT others.id FROM changes AS unseen CROSS JOIN changes AS others
                   WHERE NOT unseen.is_seen AND unseen.piece IS NULL AND unseen.realm = ",
            );
            query.bind(realm.to_owned());
            query
                .push(" AND unseen.account = ")
                .bind(account.to_owned());
            query.push(" AND unseen.started_at >= ").bind(unseen_since);
            query.push(
                " AND others.realm = unseen.realm AND others.account = unseen.account
                   AND others.caller = unseen.caller)",
            );
        }
        query.push(" AND +started_at BETWEEN ").bind(unseen_since);
        query.push(" AND ").bind(until);
        query.push(" AND (+started_at >= ").bind(since);
        query.push(" OR (status = 'done' AND stands = 0)) ORDER BY id");
        self.records(query).await
    }

    /// A change by its id.
    pub async fn change(&self, realm: &str, id: i64) -> Result<Option<ChangeRecord>> {
        let mut query = select();
        query.push("realm = ").bind(realm.to_owned());
        query.push(" AND id = ").bind(id);
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
        query.bind(id);
        query.push(" AND later.id > earlier.id AND later.status <> 'failed')");
        Ok(self.records(query).await?.pop())
    }

    /// The changes that a query finds.
    pub(super) async fn records(&self, query: Query) -> Result<Vec<ChangeRecord>> {
        self.read(|database| Ok(query.all(database, record)?)).await
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
        let mut count = Query::new("SELECT COUNT(*) FROM changes WHERE ");
        narrow(&mut count, realm, account, filter, "");
        let total: i64 = self.read(|database| Ok(count.value(database)?)).await?;
        let mut list = select();
        narrow(&mut list, realm, account, filter, "");
        if let Some(before) = before {
            list.push(" AND id < ").bind(before);
        }
        // The changes of a caller are few and found by their index; sorted by the id itself,
        // SQLite would go through all changes of the account instead.
        list.push(match filter.caller.or(filter.ani) {
            Some(_) => " ORDER BY +id DESC",
            None => " ORDER BY id DESC",
        });
        if let Some(limit) = limit {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            list.push(" LIMIT ").bind(limit);
        }
        let rows = self.records(list).await?;
        Ok((rows, usize::try_from(total).unwrap_or_default()))
    }
}

/// Those of a kind that are not known to have failed.
fn of_kind(realm: &str, account: &str, kind: &str, filter: &ChangeFilter<'_>) -> Query {
    let mut query = select();
    if kind == VIP_RULE {
        narrow(&mut query, realm, account, filter, "");
    } else {
        // Said in the words of the index of those that are about no VIP rule: they are
        // few, however many others were made lately, or in that domain.
        narrow(&mut query, realm, account, filter, NO_INDEX);
        query.push(" AND kind <> 'vip_rule'");
    }
    query.push(" AND kind = ").bind(kind.to_owned());
    query.push(" AND status <> 'failed'");
    query
}

/// The conditions of a list. What goes into the text is ours; values are bound.
fn narrow(query: &mut Query, realm: &str, account: &str, filter: &ChangeFilter<'_>, plus: &str) {
    query.push("realm = ").bind(realm.to_owned());
    query.push(" AND account = ").bind(account.to_owned());
    if let Some(domain) = filter.domain {
        query.push(&format!(" AND {plus}lower(domain) = "));
        query.bind(domain.to_owned());
    }
    // A stored value is kept under the caller that it is a writing of.
    let stored = filter.ani.map(|ani| caller_of(&Ani::from_stored(ani)));
    let given = filter.caller.map(str::to_owned);
    if let Some(caller) = given.clone().or(stored.clone()) {
        query.push(" AND caller IN (").bind(caller);
        query.push(", ").bind(stored.or(given)).push(")");
    }
    if let Some(since) = filter.since {
        query.push(&format!(" AND {plus}started_at >= "));
        query.bind(since);
    }
    if let Some(until) = filter.until {
        query.push(&format!(" AND {plus}started_at < "));
        query.bind(until);
    }
    match filter.status {
        None => {}
        Some(ChangeStatus::Done) => _ = query.push(" AND status = 'done'"),
        // Said in the words of the index of those that are not done.
        Some(status) => {
            query.push(" AND status <> 'done' AND status = ");
            query.bind(status.word().to_owned());
        }
    }
    if let Some(did) = filter.did {
        query.push(" AND did = ").bind(did.to_owned());
    }
    if let Some(run) = filter.run {
        query.push(" AND run = ").bind(run.to_owned());
    }
    if let Some(operation) = filter.operation {
        query.push(" AND operation = ").bind(operation.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::database::Outcome;
    use super::super::migrations::migrate;
    use super::*;

    /// How SQLite finds what a query asks for.
    fn plan(query: &Query) -> Outcome<Vec<String>> {
        let mut database = Connection::open_in_memory()?;
        migrate(&mut database)?;
        Ok(query.explained().all(&database, |row| row.get("detail"))?)
    }

    #[test]
    fn changes_of_setups_are_found_among_themselves_however_many_rules_were_changed() {
        let of_domain = ChangeFilter {
            domain: Some("acme.12345.service"),
            since: Some(1),
            ..ChangeFilter::default()
        };
        let query = of_kind("here", "an-account", "did_route", &of_domain);
        let plan = plan(&query).unwrap_or_default().join("\n");
        assert!(plan.contains("USING INDEX changes_by_kind"), "{plan}");
    }
}
