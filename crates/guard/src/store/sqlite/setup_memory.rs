//! What is remembered of customers' setups until they are done.

use rusqlite::params;

use super::Store;
use super::statements::{all_rows, run};
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
        self.write(|database| {
            run(
                database,
                "INSERT INTO setup_memory (realm, account, domain, fallback) VALUES (?, ?, ?, ?)
                 ON CONFLICT (realm, account, domain) DO UPDATE SET fallback = excluded.fallback",
                [realm, account, domain, fallback],
            )?;
            Ok(())
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
        self.write(|database| {
            run(
                database,
                "INSERT INTO setup_memory (realm, account, domain, ticket, ticket_sent_at, ticket_sent_by)
                 VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (realm, account, domain) DO UPDATE SET ticket = excluded.ticket,
                     ticket_sent_at = excluded.ticket_sent_at, ticket_sent_by = excluded.ticket_sent_by",
                params![realm, account, domain, number, now, sent_by],
            )?;
            Ok(())
        })
        .await
    }

    /// What is remembered of the customers of an account.
    pub async fn setup_memories(&self, realm: &str, account: &str) -> Result<Vec<SetupMemory>> {
        self.read(|database| {
            let sql = "SELECT * FROM setup_memory WHERE realm = ? AND account = ?";
            Ok(all_rows(database, sql, [realm, account], |row| {
                let ticket: Option<String> = row.get("ticket")?;
                let sent_at: Option<i64> = row.get("ticket_sent_at")?;
                Ok(SetupMemory {
                    domain: row.get("domain")?,
                    fallback: row.get("fallback")?,
                    ticket: ticket.zip(sent_at),
                })
            })?)
        })
        .await
    }
}
