//! What is remembered of customers' setups until they are done.

use sqlx::Row;

use super::{Store, failed};
use crate::store::SetupMemory;
use skyswitch_domain::error::Result;

impl Store {
    /// Remembers where callers who are not VIPs shall go.
    pub async fn remember_fallback(
        &self,
        realm: &str,
        account: &str,
        domain: &str,
        fallback: &str,
    ) -> Result<()> {
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO setup_memory (realm, account, domain, fallback) VALUES (?, ?, ?, ?)
                 ON CONFLICT (realm, account, domain) DO UPDATE SET fallback = excluded.fallback",
            )
            .bind(realm)
            .bind(account)
            .bind(domain)
            .bind(fallback)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// Remembers that the support ticket was sent, in place of an earlier one.
    pub async fn remember_ticket(
        &self,
        realm: &str,
        account: &str,
        domain: &str,
        (number, sent_by, now): (&str, &str, i64),
    ) -> Result<()> {
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO setup_memory (realm, account, domain, ticket, ticket_sent_at, ticket_sent_by)
                 VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (realm, account, domain) DO UPDATE SET ticket = excluded.ticket,
                     ticket_sent_at = excluded.ticket_sent_at, ticket_sent_by = excluded.ticket_sent_by",
            )
            .bind(realm)
            .bind(account)
            .bind(domain)
            .bind(number)
            .bind(now)
            .bind(sent_by)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// What is remembered of the customers of an account.
    pub async fn setup_memories(&self, realm: &str, account: &str) -> Result<Vec<SetupMemory>> {
        sqlx::query("SELECT * FROM setup_memory WHERE realm = ? AND account = ?")
            .bind(realm)
            .bind(account)
            .try_map(|row: sqlx::sqlite::SqliteRow| {
                let ticket: Option<String> = row.try_get("ticket")?;
                let sent_at: Option<i64> = row.try_get("ticket_sent_at")?;
                Ok(SetupMemory {
                    domain: row.try_get("domain")?,
                    fallback: row.try_get("fallback")?,
                    ticket: ticket.zip(sent_at),
                })
            })
            .fetch_all(&self.pool)
            .await
            .map_err(failed)
    }
}
