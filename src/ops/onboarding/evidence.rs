//! What the APIs and people's attestations show of a customer's setup.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::ops::onboarding::alarm::Alarm;
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::dial_plan::rings_nobody;
use crate::ops::vips::destinations::nearest_users;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::{Code, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Destination, DidRoute, Extension, PbxDomain, PhoneNumber, SetupStep,
};
use skyswitch_guard::store::Attestation;
use skyswitch_guard::{Fallback, FallbackReading};

/// A fact, or why it is not shown.
pub(super) type Shown<T> = Result<T, String>;

/// Whose setup is looked at.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub account: AccountId,
    pub domain: PbxDomain,
    /// The customer's own number, where it was named.
    pub did: Option<PhoneNumber>,
    /// The ANI user, where one was named.
    pub extension: Option<Extension>,
}

/// Everything that is known of a customer's setup, read just now.
#[derive(Debug)]
pub(super) struct Evidence {
    pub domain_exists: bool,
    /// The domain's users.
    pub users: Shown<Arc<Vec<Subscriber>>>,
    /// Users that calls may be pointed at for Route by ANI.
    pub ani_users: Vec<Extension>,
    /// The one this setup is about; `None` where there is none yet.
    pub ani_user: Option<AniUser>,
    pub dial_plan: FallbackReading,
    pub fallback: Option<Fallback>,
    pub attestations: Vec<Attestation>,
    /// The domain's numbers.
    pub numbers: Shown<Vec<PhoneNumber>>,
    /// Those that go to a Route by ANI user.
    pub numbers_on_ani_user: Shown<Vec<PhoneNumber>>,
    /// Where the customer's number goes, where it was named.
    pub did_route: Option<Shown<Option<DidRoute>>>,
    /// How many VIP rules there are.
    pub vips: Shown<usize>,
}

impl Evidence {
    fn of_missing_domain(attestations: Vec<Attestation>) -> Evidence {
        let absent = "the domain does not exist yet";
        Evidence {
            domain_exists: false,
            users: Err(absent.to_owned()),
            ani_users: Vec::new(),
            ani_user: None,
            dial_plan: FallbackReading::Missing(absent.to_owned()),
            fallback: None,
            attestations,
            numbers: Err(absent.to_owned()),
            numbers_on_ani_user: Ok(Vec::new()),
            did_route: None,
            vips: Ok(0),
        }
    }

    /// What a person attested of a step.
    pub fn attested(&self, step: SetupStep) -> Option<&Attestation> {
        self.attestations.iter().find(|entry| entry.is_about(step))
    }

    /// Whether a user of that id exists.
    pub fn has_user(&self, user: &str) -> bool {
        let users = self.users.as_ref();
        users.is_ok_and(|users| {
            users
                .iter()
                .any(|known| known.user.eq_ignore_ascii_case(user))
        })
    }

    /// Why callers who are not VIPs would not ring where they are to, if so:
    /// the destination does not exist, or the present rule names another.
    pub fn doubt_of(&self, domain: &PbxDomain, fallback: &Destination) -> Option<String> {
        let bare = fallback.bare();
        let (user, host) = bare.split_once('@').unwrap_or((bare, ""));
        if !host.is_empty() && !domain.is(host) {
            return Some(format!(
                "the fallback destination \"{}\" is in another domain",
                shown(bare, 100)
            ));
        }
        if let Ok(users) = &self.users
            && let Some(why) = rings_nobody(user, users, &self.ani_users)
        {
            return Some(match nearest_users(users, user) {
                near if near.is_empty() => {
                    format!(
                        "callers who are not VIPs would be sent to {}, {why}",
                        shown(user, 60)
                    )
                }
                near => format!(
                    "callers who are not VIPs would be sent to {}, {why}; nearest: {}",
                    shown(user, 60),
                    near.join(", ")
                ),
            });
        }
        match &self.dial_plan {
            FallbackReading::Stands { words, to } if !to.eq_ignore_ascii_case(user) => {
                Some(format!(
                    "the present dial translation rule names another destination than {}: {words}",
                    shown(user, 60)
                ))
            }
            _ => None,
        }
    }

    /// The Route by ANI users, unless the domain's users are not shown: any might be one then.
    pub fn known_ani_users(&self) -> Option<&[Extension]> {
        self.users.as_ref().ok().map(|_| self.ani_users.as_slice())
    }

    /// What is wrong where numbers go to a Route by ANI user although nobody knows that
    /// other callers are sent anywhere.
    pub fn alarm(&self) -> Option<Alarm> {
        match (&self.fallback, &self.numbers_on_ani_user) {
            (None, Ok(numbers)) if !numbers.is_empty() => Some(Alarm::of(&self.dial_plan, numbers)),
            _ => None,
        }
    }
}

impl App {
    /// Reads everything again. Nothing here is older than the request.
    ///
    /// # Errors
    /// `not_configured`, the store's errors, and the service's where it cannot
    /// be asked at all; what a single API does not show is part of the result.
    pub(super) async fn evidence(&self, customer: &Customer) -> Result<Evidence> {
        let client = self.client()?;
        let Customer {
            account, domain, ..
        } = customer;
        let attestations = self.attestations(account, Some(domain)).await?;
        if !self.domain_exists(account, domain).await? {
            return Ok(Evidence::of_missing_domain(attestations));
        }
        let (routes, users, numbers, did_route) = tokio::join!(
            client.routes(account, Some(domain)),
            client.subscribers(account, domain, Duration::ZERO),
            client.domain_numbers(account, domain, None),
            self.route_of(account, customer.did.as_ref()),
        );
        let numbers = numbers.map_err(|error| error.to_string());
        let users = users.map_err(|error| error.to_string());
        let known: &[Subscriber] = users.as_ref().map_or(&[], |users| users);
        let named = customer.extension.as_ref();
        let mut ani_users = self.ani_users(account, domain, known, named).await?;
        if let Some(Ok(Some(route))) = &did_route {
            // A user of any name may do the work, if its answering rule can be read.
            ani_users.extend(self.unnamed_ani_user(domain, route, &ani_users).await);
        }
        let exists = |user: &&Extension| known.iter().any(|found| user.is(&found.user));
        let chosen = match named {
            Some(named) => ani_users.iter().find(|user| *user == named),
            None => ani_users.iter().find(exists),
        };
        let (ani_user, dial_plan, numbers_on_ani_user) = tokio::join!(
            self.ani_user(domain, chosen),
            self.dial_plan(
                domain,
                users.as_ref().ok().map(|users| users.as_slice()),
                &ani_users
            ),
            self.numbers_on(account, domain, &ani_users),
        );
        let attested = attestations
            .iter()
            .find(|entry| entry.is_about(SetupStep::DialTranslationRule));
        let mut numbers_on_ani_user = numbers_on_ani_user.map_err(|error| error.to_string());
        if let (Some(did), Some(Ok(Some(route)))) = (&customer.did, &did_route) {
            // The number's own route is newer than the domain's list of numbers.
            let goes_to = |user: &Extension| route.goes_to_user(user.as_str(), domain);
            let on_ani_user = ani_users.iter().any(goes_to);
            match &mut numbers_on_ani_user {
                Ok(numbers) => {
                    numbers.retain(|number| number != did);
                    numbers.extend(on_ani_user.then(|| did.clone()));
                }
                Err(_) if on_ani_user => numbers_on_ani_user = Ok(vec![did.clone()]),
                Err(_) => {}
            }
        }
        Ok(Evidence {
            domain_exists: true,
            fallback: Fallback::of(&dial_plan, attested),
            users,
            ani_users,
            ani_user,
            dial_plan,
            attestations,
            numbers,
            numbers_on_ani_user,
            did_route,
            vips: routes
                .map(|routes| routes.len())
                .map_err(|error| error.to_string()),
        })
    }

    /// What people attested of a domain, or of all.
    pub(super) async fn attestations(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Vec<Attestation>> {
        let journal = self.journal();
        if !journal.store().exists() {
            return Ok(Vec::new());
        }
        let store = journal.store().get().await?;
        store
            .attestations(
                journal.realm(),
                account.as_str(),
                domain.map(PbxDomain::as_str),
            )
            .await
    }

    /// Whether the domain is among the account's.
    async fn domain_exists(&self, account: &AccountId, domain: &PbxDomain) -> Result<bool> {
        let client = self.client()?;
        for refresh in [false, true] {
            // The service's list is cached: a domain created a moment ago shows only on demand.
            let domains = client.domains(account, refresh).await?;
            if domains.iter().any(|known| domain.is(&known.name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The numbers that go to any of those users.
    pub(super) async fn numbers_on(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Extension],
    ) -> Result<Vec<PhoneNumber>> {
        let mut numbers = Vec::new();
        for user in users {
            let on_user = self
                .client()?
                .domain_numbers(account, domain, Some(user))
                .await?;
            numbers.extend(on_user);
        }
        Ok(numbers)
    }

    async fn route_of(
        &self,
        account: &AccountId,
        did: Option<&PhoneNumber>,
    ) -> Option<Shown<Option<DidRoute>>> {
        let did = did?;
        let route = match self.client() {
            Ok(client) => client.did_route(account, did).await,
            Err(error) => Err(error),
        };
        Some(route.map_err(|error| match error.code() {
            Code::Forbidden | Code::Unauthorized => format!(
                "{error}; reading and routing numbers needs the scopes `routing` and `phone_number` and the role Routing Manager"
            ),
            _ => error.to_string(),
        }))
    }
}
