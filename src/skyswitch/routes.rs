//! Route-by-ANI rules (SkySwitch API reference, Route-by-ANI).

use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;

use super::http::{Call, Failure, Place};
use super::list::{Listed, Names, Row, Scalar};
use super::retry::{self, Budget};
use super::{Client, account_path, answer};
use crate::domain::{
    AccountId, Ani, Application, Destination, Dnis, PbxDomain, PhoneNumber, Route, RouteKey,
};
use crate::error::{Code, Error, Result};
use crate::guard::{Clearance, RouteChange};

/// A place and a pace for one write.
#[derive(Debug)]
pub struct ReadyToWrite(Place);

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How that is known.
    pub evidence: Evidence,
    /// The service's id of the request, where it gave one.
    pub request_id: Option<String>,
}

/// How a write is known to have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The service said so.
    Acknowledged,
    /// Its answer was lost or a failure; reading the route showed the change.
    ReadBack,
}

/// A change that was not made, or of which that is not known.
#[derive(Debug, Clone)]
pub struct NotWritten {
    /// What went wrong.
    pub error: Error,
    /// False when the change may have been made all the same.
    pub is_known: bool,
}

impl From<Error> for NotWritten {
    fn from(error: Error) -> Self {
        NotWritten {
            error,
            is_known: true,
        }
    }
}

impl NotWritten {
    fn in_doubt(error: Error) -> Self {
        NotWritten {
            error,
            is_known: false,
        }
    }
}

impl Written {
    fn read_back() -> Written {
        Written {
            evidence: Evidence::ReadBack,
            request_id: None,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RouteWire {
    #[serde(default)]
    ani: Scalar,
    #[serde(default)]
    dnis: Scalar,
    #[serde(default)]
    domain: Scalar,
    #[serde(default)]
    application: Scalar,
    #[serde(default)]
    destination: Scalar,
}

impl Row for Route {
    type Wire = RouteWire;

    fn from_wire(wire: RouteWire, key: Option<&str>, names: &mut Names) -> Option<Route> {
        // A row whose caller is not known must not pass for somebody else's rule.
        let key = key.filter(|key| *key == "*" || PhoneNumber::from_stored(key).is_some());
        let ani = wire.ani.0.or_else(|| key.map(str::to_owned))?;
        let destination = Destination::from_stored(&wire.destination.0.unwrap_or_default());
        let application = wire.application.0.filter(|word| !word.is_empty());
        Some(Route {
            key: RouteKey {
                domain: names.shared(wire.domain.0.as_deref().unwrap_or_default()),
                ani: Ani::from_stored(&ani),
                dnis: Dnis::from_stored(wire.dnis.0.as_deref()),
            },
            application_is_stored: application.is_some(),
            application: match application {
                Some(word) => Application::from_stored(&word),
                None => destination
                    .implied_application()
                    .unwrap_or(Application::User),
            },
            destination,
        })
    }

    fn from_text(_: &str, _: Option<&str>) -> Option<Route> {
        None
    }
}

impl Client {
    /// The rules of one domain or of the whole account, in list order.
    ///
    /// Callers who ask for the same list at the same time share one request.
    /// The filters the service offers beyond the domain are not used: whether
    /// they match exactly, and in which number form, is not documented.
    ///
    /// # Errors
    /// See [`Client::domains`].
    pub async fn routes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let (client, account, domain) = (self.clone(), account.clone(), domain.cloned());
        let name = format!("{account} {}", domain.as_ref().map_or("", |d| d.as_str()));
        self.inner
            .route_lists
            .join(name, || async move {
                let listed = client.listed_routes(&account, domain.as_ref()).await?;
                Ok(Arc::new(listed.rows))
            })
            .await
    }

    /// Like [`Client::routes`], but never answered by a read that began
    /// earlier, and never half a list: what a change is decided on must be no
    /// older than the decision, and complete.
    ///
    /// # Errors
    /// Also `upstream_rejected` where the service announces more rules than it gives.
    pub async fn routes_now(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let listed = self.listed_routes(account, domain).await?;
        if listed.whole {
            return Ok(Arc::new(listed.rows));
        }
        Err(Error::new(
            Code::UpstreamRejected,
            "SkySwitch announced more rules than it listed, so nothing is changed on that list",
            "Try again; if it persists, ask SkySwitch support.",
        ))
    }

    async fn listed_routes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Listed<Route>> {
        let mut call = Call::get(account_path(account, ["pbx", "route-by-ani"]));
        if let Some(domain) = domain {
            call = call.with("domain", domain.as_str());
        }
        let mut listed: Listed<Route> = self.list(call, "the list of routes").await?;
        let routes = &mut listed.rows;
        if let Some(domain) = domain {
            // Rows of a filtered list may leave the domain out.
            let own_name: Arc<str> = domain.as_str().into();
            for route in routes.iter_mut() {
                if route.key.domain.is_empty() {
                    route.key.domain = Arc::clone(&own_name);
                }
            }
            routes.retain(|route| domain.is(&route.key.domain));
        }
        // Equal keys may come in any order, so the stable sort's buffer is not needed.
        routes.sort_unstable_by(Route::list_order);
        Ok(listed)
    }

    /// Waits until a write can be sent at once: login, place in flight, pace.
    ///
    /// # Errors
    /// Those of the login.
    pub async fn ready_to_write(&self) -> Result<ReadyToWrite> {
        self.inner.auth.token(&self.inner.http).await?;
        let place = self.inner.http.admit().await.map_err(Failure::into_error)?;
        Ok(ReadyToWrite(place))
    }

    /// Makes one change that the guard has cleared.
    ///
    /// Where the answer is lost, the route is read and the outcome decided by
    /// what stands there. Dropping the returned future leaves the outcome
    /// unknown: whoever may be called off should run it in a task of its own.
    ///
    /// # Errors
    /// `confirmation_stale` when the route turns out to have been changed by
    /// somebody else, and the transport's errors; each says whether it is
    /// known that nothing was changed.
    pub async fn write(
        &self,
        clearance: Clearance,
        ready: ReadyToWrite,
    ) -> Result<Written, NotWritten> {
        let outcome = self.write_until_known(&clearance, ready.0).await;
        // Reads that began before the change must not answer those who ask after it.
        self.inner.route_lists.leave_alone();
        outcome
    }

    async fn write_until_known(
        &self,
        clearance: &Clearance,
        place: Place,
    ) -> Result<Written, NotWritten> {
        let change = clearance.change();
        let call = write_call(change);
        let budget = Budget::default();
        let mut waits = retry::backoff();
        let mut place = Some(place);
        let mut seen_now = clearance.is_recent();
        let mut in_doubt = false;
        let mut renewed = false;
        loop {
            if !seen_now {
                match self.outcome_as_it_stands(change).await {
                    Ok(Standing::AsBefore) => {}
                    Ok(Standing::AsWanted) => return Ok(Written::read_back()),
                    Ok(Standing::Otherwise) => return Err(changed_by_others(in_doubt)),
                    Err(error) if in_doubt => return Err(outcome_unknown(&error)),
                    Err(error) => return Err(error.into()),
                }
            }
            seen_now = false;
            let token = match self.inner.auth.token(&self.inner.http).await {
                Ok(token) => token,
                Err(error) if in_doubt => return self.settle(change, error).await,
                Err(error) => return Err(error.into()),
            };
            let failure = match self.attempt(&call, &token, &budget, place.take()).await {
                Ok(answer) if !answer.is_contradicted() => {
                    return Ok(Written {
                        evidence: Evidence::Acknowledged,
                        request_id: answer.request_id,
                    });
                }
                Ok(answer) => Failure::Lost(answer::no_answer(&answer)),
                Err(failure) => failure,
            };
            let status = failure.status();
            if status == Some(404) && in_doubt && change.after().is_none() {
                // Our own earlier attempt removed it, even if the list still shows it.
                return Ok(Written::read_back());
            }
            if status == Some(401) && !renewed {
                renewed = true;
                let renewal = self.inner.auth.renewed(&self.inner.http, &token).await;
                match renewal {
                    Err(error) if in_doubt => return self.settle(change, error).await,
                    Err(error) => return Err(error.into()),
                    Ok(_) => continue,
                }
            }
            in_doubt |= may_have_acted(&failure, change);
            let wait = waits.next().and_then(|wait| budget.wait(&failure, wait));
            match wait {
                Some(wait) if retry::is_passing(&failure) => tokio::time::sleep(wait).await,
                _ if in_doubt => return self.settle(change, failure.into_error()).await,
                _ => return Err(failure.into_error().into()),
            }
        }
    }

    /// Decides the outcome of a change that is not tried again, by what stands.
    async fn settle(&self, change: &RouteChange, error: Error) -> Result<Written, NotWritten> {
        match self.outcome_as_it_stands(change).await {
            Ok(Standing::AsWanted) => Ok(Written::read_back()),
            Ok(Standing::AsBefore) => Err(error.into()),
            Ok(Standing::Otherwise) => Err(changed_by_others(true)),
            Err(_) => Err(outcome_unknown(&error)),
        }
    }

    async fn outcome_as_it_stands(&self, change: &RouteChange) -> Result<Standing> {
        let domain = change.key().domain.parse::<PbxDomain>().ok();
        let routes = self.routes_now(change.account(), domain.as_ref()).await?;
        let now = routes.iter().find(|route| {
            route.key.ani == change.key().ani && route.key.dnis.same_as(&change.key().dnis)
        });
        let rings_as_wanted = match (now, change.after()) {
            (None, None) => true,
            (Some(now), Some(after)) => now.rings_like(after),
            _ => false,
        };
        Ok(if rings_as_wanted {
            Standing::AsWanted
        } else if now == change.before() {
            Standing::AsBefore
        } else {
            Standing::Otherwise
        })
    }
}

/// What a read says about a write whose answer is missing.
enum Standing {
    AsWanted,
    AsBefore,
    Otherwise,
}

/// PUT and DELETE take everything as query parameters and no body
/// (SkySwitch API reference, Route-by-ANI).
fn write_call(change: &RouteChange) -> Call {
    let key = change.key();
    let path = account_path(change.account(), ["pbx", "route-by-ani"]);
    let method = match change.after() {
        Some(_) => Method::PUT,
        None => Method::DELETE,
    };
    let mut call = Call::new(method, path)
        .with("ani", key.ani.as_str())
        .with("domain", &*key.domain);
    if let Some(dnis) = key.dnis.to_send() {
        call = call.with("dnis", dnis);
    }
    if let Some(after) = change.after() {
        call = call.with("destination", after.destination.as_str());
        // Without an application the service's default is not documented: it is
        // left out only to restore a rule that had none.
        if after.application_is_stored {
            call = call.with("application", after.application.as_str());
        }
    }
    call
}

fn may_have_acted(failure: &Failure, change: &RouteChange) -> bool {
    match failure {
        Failure::Lost(_) => true,
        Failure::Answered { status, .. } => {
            matches!(status, 408 | 500..=599)
                // Gone already: somebody else removed it, or our own lost attempt did.
                || (*status == 404 && change.after().is_none())
        }
        Failure::NotSent(_) | Failure::Final(_) => false,
    }
}

fn changed_by_others(in_doubt: bool) -> NotWritten {
    let hint = "Look with list_vips (`skyswitch vip list`) and decide again.";
    if in_doubt {
        return NotWritten::in_doubt(Error::new(
            Code::UpstreamUnavailable,
            "it is not known whether the change was made: SkySwitch's answer was lost, and the route now is neither as it was nor as wanted",
            hint,
        ));
    }
    let error = Error::new(
        Code::ConfirmationStale,
        "somebody else changed the route before the change could be sent, so nothing was done",
        hint,
    );
    error.into()
}

fn outcome_unknown(error: &Error) -> NotWritten {
    NotWritten::in_doubt(Error::new(
        Code::UpstreamUnavailable,
        format!(
            "it is not known whether the change was made: {error}, and the route could not be read afterwards"
        ),
        "Look with list_vips (`skyswitch vip list`) before trying again.",
    ))
}
