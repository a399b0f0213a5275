//! The one place where whole lists of VIP rules are read: what such a list shows
//! gone ends what is kept here of it, whoever reads it.

use std::sync::Arc;

use crate::app::App;
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
        let rules = self.client()?.routes(account, domain).await?;
        self.end_notes_of_gone(account, domain, &rules).await;
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
        let rules = self.client()?.routes_now(account, Some(domain)).await?;
        self.end_notes_of_gone(account, Some(domain), &rules).await;
        Ok(rules)
    }
}
