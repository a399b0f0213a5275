//! To which domain the rows of a list belong, however they write its name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::list::Listed;
use super::page::Row;
use super::{Client, Domain};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Operation, PbxDomain};

/// A list and when it was read.
type Kept = (Instant, Arc<Vec<Domain>>);

/// The domains of the accounts as last read, to tell names by.
#[derive(Default)]
pub(super) struct KnownDomains(Mutex<HashMap<AccountId, Kept>>);

impl KnownDomains {
    /// Keeps a list that was just read.
    pub fn keep(&self, account: AccountId, domains: &Arc<Vec<Domain>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(account, (Instant::now(), Arc::clone(domains)));
    }

    /// The list that was read last, unless that is longer ago.
    pub fn of(&self, account: &AccountId, no_older_than: Duration) -> Option<Arc<Vec<Domain>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, domains) = kept.get(account)?;
        (read.elapsed() <= no_older_than).then(|| Arc::clone(domains))
    }
}

/// The domain that each name in a list means.
pub(super) struct Homes(HashMap<String, Option<Arc<str>>>);

impl Homes {
    /// The domain of a row with that name; `None` where it is another one than
    /// was asked for.
    pub fn of(&self, written: &str) -> Option<Arc<str>> {
        self.0.get(written).cloned().flatten()
    }
}

impl Client {
    /// Finds the domains that the rows of a list name.
    ///
    /// In a list that was asked for by domain a row counts unless it names
    /// another domain of the account: how the service writes names in its rows
    /// is not documented, and a row left out wrongly would be overwritten
    /// unseen. The account's domains are read only where a name is not clear.
    ///
    /// # Errors
    /// `upstream_rejected` for a name that is none of the account's domains;
    /// the transport's errors.
    pub(super) async fn homes(
        &self,
        account: &AccountId,
        asked: Option<&PbxDomain>,
        listed: &Listed<impl Row>,
        what: &str,
    ) -> Result<Homes> {
        let mut homes = HashMap::new();
        let mut unclear = Vec::new();
        // A row that is a bare text names no domain at all.
        homes.insert(String::new(), at_once(asked, ""));
        for name in listed.names.iter() {
            match at_once(asked, name) {
                Some(home) => drop(homes.insert(name.to_owned(), Some(home))),
                None => unclear.push(name),
            }
        }
        if unclear.is_empty() {
            return Ok(Homes(homes));
        }
        let is_known = |known: &[Domain], name: &str| match asked {
            Some(_) => !named(known, name).is_empty(),
            None => named(known, name).len() == 1,
        };
        let mut known = self.domains_read_before(account).unwrap_or_default();
        if unclear.iter().any(|name| !is_known(&known, name)) {
            known = self.domains(account, true).await?;
        }
        for name in unclear {
            if !is_known(&known, name) {
                let refused = not_known(name, what);
                return Err(match &listed.answer {
                    Some(answer) => answer.not_understood(refused),
                    None => refused,
                });
            }
            let home = match asked {
                // Whichever it is, it is not the one that was asked for.
                Some(_) => None,
                None => named(&known, name).pop(),
            };
            homes.insert(name.to_owned(), home);
        }
        Ok(Homes(homes))
    }
}

/// The domain that a name means, where that is clear from itself.
fn at_once(asked: Option<&PbxDomain>, name: &str) -> Option<Arc<str>> {
    let is_blank = name.trim().is_empty();
    match asked {
        Some(asked) => (is_blank || asked.is_written_as(name)).then(|| asked.as_str().into()),
        None => {
            let full: PbxDomain = name.trim().trim_end_matches('.').parse().ok()?;
            full.as_str().contains('.').then(|| full.as_str().into())
        }
    }
}

/// The domains that may be written so; one of exactly that name is the only one.
fn named(known: &[Domain], name: &str) -> Vec<Arc<str>> {
    let parsed = |domain: &Domain| domain.name.parse::<PbxDomain>().ok();
    let written_so = |domain: &PbxDomain| domain.is_written_as(name);
    let domains: Vec<PbxDomain> = known.iter().filter_map(parsed).filter(written_so).collect();
    match domains.iter().find(|domain| domain.is(name)) {
        Some(exactly) => vec![exactly.as_str().into()],
        None => domains
            .iter()
            .map(|domain| domain.as_str().into())
            .collect(),
    }
}

fn not_known(name: &str, what: &str) -> Error {
    let (row, hint) = match name.trim() {
        "" => (
            "without a domain".to_owned(),
            "Nothing is shown or changed on such a list. Name the domain: its own list can be read without it."
                .to_owned(),
        ),
        name => (
            format!(
                "under the domain \"{}\", which is none, or more than one, of the account's domains",
                shown(name, 100)
            ),
            format!(
                "Nothing is shown or changed on such a list. Look with {}, and ask SkySwitch support what the name means.",
                Operation::ListDomains
            ),
        ),
    };
    Error::new(
        Code::UpstreamRejected,
        format!("SkySwitch answered {what} with a row {row}"),
        hint,
    )
}
