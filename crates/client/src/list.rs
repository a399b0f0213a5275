//! Reads a whole list, or says why there is none.

use std::time::{Duration, Instant};

use super::announced::{Announced, Reading};
use super::call::Call;
use super::http::Answer;
use super::page::{Names, Page, Row};
use super::upstream::Upstream;
use super::{Client, Domain};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, PbxDomain};

/// What one list may come to, over all its pages: beyond it, the service never
/// ends its list or sends more than anybody has.
const MOST_ROWS: usize = 500_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long its answers may take together. What the rate limit holds back does
/// not count.
const MOST_TIME: Duration = Duration::from_secs(40);

/// A whole list.
pub(super) struct Listed<T> {
    pub rows: Vec<T>,
    /// The names that its rows share.
    pub names: Names,
    /// Its last page, for whoever does not understand what its rows say; `None`
    /// where there is no list at all.
    pub answer: Option<Answer>,
}

impl<T> Listed<T> {
    fn empty() -> Listed<T> {
        Listed {
            rows: Vec::new(),
            names: Names::default(),
            answer: None,
        }
    }
}

/// The fact about a host that "not found" is how it answers an empty list.
pub const NOT_FOUND_IS_EMPTY_LIST: &str = "not_found_is_empty_list";

impl Client {
    /// Reads a whole list, page by page where the service numbers its pages.
    ///
    /// # Errors
    /// `upstream_rejected` for an answer that is not a list (see [`Page::read`]),
    /// and for one that is only a part of it: nothing is decided or shown on
    /// half a list.
    pub(super) async fn list<T: Row>(&self, call: Call, what: &str) -> Result<Listed<T>> {
        self.list_from(&self.inner.telco, call, what).await
    }

    /// The same for a list of one domain. "Not found" counts as an empty one
    /// where the operator says so, or a write probe has learned it, and the
    /// domain is among the account's.
    ///
    /// # Errors
    /// See [`Client::list`].
    pub(super) async fn list_of<T: Row>(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        call: Call,
        what: &str,
    ) -> Result<Listed<T>> {
        let refused = match self.list(call, what).await {
            Err(error) if error.detail().status == Some(404) => error,
            listed => return listed,
        };
        if !self.takes_not_found_for_empty().await {
            return Err(refused.with_more_hint(
                "Whether a customer who exists and has nothing on the list is answered so is not documented; where \
                 it is, set `not_found_is_empty_list` (SKYSWITCH_NOT_FOUND_IS_EMPTY_LIST).",
            ));
        }
        match self.has_domain(account, domain).await? {
            true => Ok(Listed::empty()),
            false => Err(refused),
        }
    }

    async fn takes_not_found_for_empty(&self) -> bool {
        self.inner.not_found_is_list || self.learned(NOT_FOUND_IS_EMPTY_LIST).await.is_some()
    }

    /// What was learned of the service under that name. What cannot be looked
    /// up counts as not learned.
    async fn learned(&self, name: &str) -> Option<String> {
        let learned = self.inner.learned.as_ref()?;
        let store = learned.store.if_exists().await.ok()??;
        store.fact(learned.host.as_str(), name).await.ok()?
    }

    /// Whether the account has the domain, by the list that was read before or
    /// else a new one.
    async fn has_domain(&self, account: &AccountId, domain: &PbxDomain) -> Result<bool> {
        let has = |domains: &[Domain]| domains.iter().any(|known| domain.is(&known.name));
        let before = self.domains_read_before(account);
        Ok(before.is_some_and(|known| has(&known)) || has(&self.domains(account, true).await?))
    }

    /// The same with the login that `upstream` uses.
    ///
    /// # Errors
    /// See [`Client::list`].
    pub(super) async fn list_from<T: Row>(
        &self,
        upstream: &Upstream,
        call: Call,
        what: &str,
    ) -> Result<Listed<T>> {
        let parameters: Vec<&'static str> = call.query.iter().map(|(name, _)| *name).collect();
        let mut announced = Announced::default();
        let mut listed = Listed::empty();
        let mut number = 1;
        let (mut bytes, mut time) = (0, Duration::ZERO);
        loop {
            let call = match number {
                1 => call.clone(),
                number => call.clone().with("page", number.to_string()),
            };
            let place = upstream.admit().await?;
            let asked = Instant::now();
            let answer = upstream.read_at(call, place).await?;
            time += asked.elapsed();
            bytes += answer.body.len();
            let page: Page<T> = Page::read(&answer, what, self.inner.empty_object_is_list)?;
            let refuse = |why: &str| answer.not_understood(incomplete(what, why));
            let is_another = page.paging.number.is_some_and(|said| said != number);
            let is_too_much = match () {
                () if bytes > MOST_BYTES => {
                    Some(format!("it is larger than {} MiB", MOST_BYTES >> 20))
                }
                () if listed.rows.len() + page.rows.len() > MOST_ROWS => {
                    Some(format!("it has more than {MOST_ROWS} rows"))
                }
                () if time > MOST_TIME => Some(format!(
                    "its answers took more than {} seconds",
                    MOST_TIME.as_secs()
                )),
                () => None,
            };
            if let Some(why) = is_too_much {
                return Err(refuse(&why));
            }
            if is_another || repeats(&listed.rows, &page.rows) {
                return Err(refuse(&format!(
                    "its pages do not follow one another (asked for page {number})"
                )));
            }
            let reading = Reading {
                number,
                rows_here: page.rows.len() as u64,
                rows_so_far: (listed.rows.len() + page.rows.len()) as u64,
                parameters: &parameters,
            };
            let following = announced
                .following(&page.paging, &reading)
                .map_err(|why| refuse(&why))?;
            listed.rows.extend(page.rows);
            for name in page.names.iter() {
                listed.names.shared(name);
            }
            match following {
                Some(next) => number = next,
                None => {
                    listed.answer = Some(answer);
                    return Ok(listed);
                }
            }
        }
    }
}

/// Whether a page gives again what is known from the pages before: a service
/// that ignores the number, or rows that moved while the list was read, so
/// that others may have been missed.
fn repeats<T: PartialEq>(known: &[T], page: &[T]) -> bool {
    let [first, ..] = known else { return false };
    page.contains(first) || page.first() == known.last()
}

fn incomplete(what: &str, why: &str) -> Error {
    Error::new(
        Code::UpstreamRejected,
        format!("SkySwitch did not give the whole of {what}: {why}"),
        "Nothing is shown or decided on half a list. Try again; if it persists, ask SkySwitch support.",
    )
}
