//! The one place where whole lists of VIP rules are read: what such a list shows
//! gone ends what is kept here of it, whoever reads it. What came to be kept after
//! the read began is not ended: the list cannot know of it, however long it took.

use std::sync::Arc;
use std::time::Instant;

use crate::app::App;
use crate::ops::vips::notes::Notes;
use crate::ops::write::journal::now;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain, Route};

impl App {
    /// The VIP rules of a domain, or of the account.
    ///
    /// # Errors
    /// The service's errors.
    pub(in crate::ops) async fn listed_rules(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let client = self.client()?;
        let (asked, asked_at) = (Instant::now(), now());
        let kept = self.kept_at_first(account, domain).await;
        let (rules, begun) = client.routes_and_beginning(account, domain).await?;
        // Of a read that began before, whoever began it ends what it shows gone.
        if begun >= asked {
            self.end_notes_of_gone(kept, &rules, asked_at).await;
        }
        Ok(rules)
    }

    /// The same by a read that begins now, which a change may rest on.
    ///
    /// # Errors
    /// The service's errors.
    pub(in crate::ops) async fn listed_rules_now(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Arc<Vec<Route>>> {
        let (client, asked_at) = (self.client()?, now());
        let kept = self.kept_at_first(account, Some(domain)).await;
        let rules = client.routes_now(account, Some(domain)).await?;
        self.end_notes_of_gone(kept, &rules, asked_at).await;
        Ok(rules)
    }

    /// What is kept before a list is read. What cannot be read is not ended by it.
    async fn kept_at_first(&self, account: &AccountId, domain: Option<&PbxDomain>) -> Notes {
        let kept = self.notes(account, domain).await;
        kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "notes cannot be read");
            Notes::default()
        })
    }
}
