//! What the APIs and people's attestations show of a customer's setup.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;

use crate::app::App;
use crate::ops::customer::{Checked, Unknown};
use crate::ops::onboarding::alarm::Alarm;
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::ani_users::{Perhaps, Reaching, going, users_called};
use crate::ops::onboarding::dial_plan::{OwnPlan, rings_nobody};
use crate::ops::onboarding::forwards::Site;
use crate::ops::vips::destinations::nearest_users;
use crate::ops::write::present_route::PresentRoute;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Destination, DidRoute, Extension, PbxDomain, PhoneNumber, SetupStep,
};
use skyswitch_guard::store::Attestation;
use skyswitch_guard::{Fallback, FallbackReading};

/// A fact as it was read, or why it is not known.
pub(in crate::ops) type Reading<T> = Result<T, Unread>;

/// Why a fact is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) enum Unread {
    /// The operation does not ask for it; that proves nothing.
    NotAsked,
    /// The service does not show it.
    NotShown(String),
}

impl From<Error> for Unread {
    fn from(error: Error) -> Unread {
        Unread::NotShown(error.to_string())
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::NotAsked => f.write_str("it was not read"),
            Unread::NotShown(why) => f.write_str(why),
        }
    }
}

/// Whose setup is judged.
#[derive(Debug, Clone)]
pub(in crate::ops) struct Customer {
    pub account: AccountId,
    pub domain: PbxDomain,
    /// The customer's own number, where it was named.
    pub did: Option<PhoneNumber>,
    /// The ANI user, where one was named.
    pub extension: Option<Extension>,
}

impl Customer {
    /// Where the customer is.
    pub fn at(&self) -> (&AccountId, &PbxDomain) {
        (&self.account, &self.domain)
    }
}

/// Everything that is known of a customer's setup.
#[derive(Debug)]
pub(in crate::ops) struct Evidence {
    /// Why the domain is taken for none of the account's, if it is.
    pub unknown: Option<Unknown>,
    /// That nobody could look whether it is, and why, if so.
    pub unchecked: Option<String>,
    /// The domain's users.
    pub users: Reading<Arc<Vec<Subscriber>>>,
    /// Users that calls may be pointed at for Route by ANI.
    pub ani_users: Vec<Extension>,
    /// The one this setup is about; `None` where there is none yet.
    pub ani_user: Option<AniUser>,
    pub dial_plan: FallbackReading,
    pub fallback: Option<Fallback>,
    pub attestations: Vec<Attestation>,
    /// The domain's numbers.
    pub numbers: Reading<Vec<PhoneNumber>>,
    /// Those that go to a Route by ANI user.
    pub numbers_on_ani_user: Reading<Vec<PhoneNumber>>,
    /// Those whose calls may come to one.
    pub numbers_perhaps: Vec<Perhaps>,
    /// Whether the only Route by ANI user sends its calls elsewhere, so that they
    /// come to no VIP rule and no dial translation rule.
    pub leads_elsewhere: bool,
    /// Where the customer's number goes, where it was named.
    pub did_route: Option<Reading<PresentRoute>>,
    /// How many VIP rules there are.
    pub vips: Reading<usize>,
}

impl Evidence {
    fn of_missing_domain(missing: Unknown, attestations: Vec<Attestation>) -> Evidence {
        let absent = "the domain does not exist yet".to_owned();
        let unread = Unread::NotShown(absent.clone());
        Evidence {
            unknown: Some(missing),
            unchecked: None,
            users: Err(unread.clone()),
            ani_users: Vec::new(),
            ani_user: None,
            dial_plan: FallbackReading::Missing(absent),
            fallback: None,
            attestations,
            numbers: Err(unread),
            numbers_on_ani_user: Ok(Vec::new()),
            numbers_perhaps: Vec::new(),
            leads_elsewhere: false,
            did_route: None,
            vips: Ok(0),
        }
    }

    /// Whether the domain is among the account's, or nobody could look.
    pub fn domain_exists(&self) -> bool {
        self.unknown.is_none()
    }

    /// Where the named number goes, where that is shown and it goes anywhere.
    pub fn did_goes_to(&self) -> Option<&DidRoute> {
        let present = self.did_route.as_ref()?.as_ref().ok()?;
        present.route.as_ref()
    }

    /// What is to be said of everything that is decided on this: what nobody could
    /// look at, and what the journal tells in place of a read.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let told = self.did_route.iter().flatten();
        let told = told.filter_map(|present| present.note.clone());
        self.unchecked.clone().into_iter().chain(told)
    }

    /// What a person attested of a step.
    pub fn attested(&self, step: SetupStep) -> Option<&Attestation> {
        self.attestations.iter().find(|entry| entry.is_about(step))
    }

    /// Whether a user of that id exists.
    pub fn has_user(&self, user: &str) -> bool {
        let is_user = |known: &Subscriber| known.user.eq_ignore_ascii_case(user);
        let users = self.users.as_ref();
        users.is_ok_and(|users| users.iter().any(is_user))
    }

    /// Why callers who are not VIPs would not reach that destination, if so:
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
            let near = match nearest_users(users, user) {
                near if near.is_empty() => String::new(),
                near => format!("; nearest: {}", near.join(", ")),
            };
            return Some(format!(
                "callers who are not VIPs would be sent to {}, {why}{near}",
                shown(user, 60)
            ));
        }
        match &self.dial_plan {
            FallbackReading::Verified { words, to } if !to.eq_ignore_ascii_case(user) => {
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
        let numbers = self.numbers_on_ani_user.as_deref().unwrap_or_default();
        self.alarm_on(numbers, &self.numbers_perhaps)
    }

    /// Numbers that go to the Route by ANI user although nothing shows the dial
    /// translation rule.
    pub fn numbers_too_early(&self) -> &[PhoneNumber] {
        match &self.numbers_on_ani_user {
            Ok(numbers) if self.fallback.is_none() && !self.leads_elsewhere => numbers,
            _ => &[],
        }
    }

    /// The same of these numbers.
    pub fn alarm_on(&self, numbers: &[PhoneNumber], perhaps: &[Perhaps]) -> Option<Alarm> {
        if self.fallback.is_some() || self.leads_elsewhere {
            return None;
        }
        let (numbers, perhaps) = (numbers.to_vec(), perhaps.to_vec());
        Alarm::on(&self.dial_plan, &Reaching { numbers, perhaps })
    }
}

impl App {
    /// Reads everything now: nothing here is older than the request.
    ///
    /// # Errors
    /// `not_configured`, the store's errors, and the service's where it cannot
    /// be asked at all; what a single API does not show is part of the result.
    pub(in crate::ops) async fn evidence(&self, customer: &Customer) -> Result<Evidence> {
        let client = self.client()?;
        let Customer {
            account, domain, ..
        } = customer;
        let attestations = self.attestations(account, Some(domain)).await?;
        let unchecked = match self.check(account, domain).await? {
            Checked::Known => None,
            Checked::Unknown(missing) => {
                return Ok(Evidence::of_missing_domain(missing, attestations));
            }
            Checked::NotShown(why) => Some(why),
        };
        let (routes, users, numbers, did_route) = tokio::join!(
            self.listed_rules(account, Some(domain)),
            client.subscribers(account, domain, Duration::ZERO),
            client.domain_numbers(account, domain, None),
            OptionFuture::from(
                customer
                    .did
                    .as_ref()
                    .map(|did| self.present_route(account, did))
            ),
        );
        let users = users.map_err(Unread::from);
        let did_route = did_route.map(|route| route.map_err(route_not_shown));
        let known: &[Subscriber] = users.as_ref().map_or(&[], |users| users);
        let named = customer.extension.as_ref();
        let mut ani_users = self.ani_users(account, domain, known, named).await?;
        // A user of any name may do the work, if its answering rule can be read.
        let named_did = customer.did.clone().zip(did_route);
        let called = users_called(named_did.as_ref(), domain);
        let some = self
            .know_more(account, domain, called, known, &mut ani_users)
            .await;
        let all = numbers.as_ref().ok().map(Vec::as_slice);
        let reaching = self
            .numbers_handed_on(account, domain, known, &mut ani_users, all)
            .await;
        let mut reaching = reaching.map_err(Unread::from);
        if let Some(did) = named_did.as_ref().filter(|did| going(did).is_some()) {
            // The number's own route is newer than the domain's list of numbers.
            let it = Reaching::among(std::slice::from_ref(did), &ani_users, &some, domain);
            match &mut reaching {
                Ok(reaching) => reaching.replace(&did.0, it),
                Err(_) if it != Reaching::default() => reaching = Ok(it),
                Err(_) => {}
            }
        }
        let exists = |user: &&Extension| known.iter().any(|found| user.is(&found.user));
        let chosen = match named {
            Some(named) => ani_users.iter().find(|user| *user == named),
            None => ani_users.iter().find(exists),
        };
        let ani_user = match chosen {
            Some(user) => Some(self.ani_user(domain, user.clone()).await),
            None => None,
        };
        let own = OwnPlan::Read(ani_user.as_ref().and_then(|user| user.dial_plan.as_deref()));
        let shown = users.as_ref().ok().map(|_| known);
        let dial_plan = self.dial_plan(domain, own, shown, &ani_users).await;
        let site = Site {
            account,
            domain,
            users: known,
            known: &ani_users,
        };
        let leads_elsewhere = self
            .only_user_leads_elsewhere(site, ani_user.as_ref())
            .await?;
        let (numbers_on_ani_user, numbers_perhaps) = match reaching {
            Ok(Reaching { numbers, perhaps }) => (Ok(numbers), perhaps),
            Err(why) => (Err(why), Vec::new()),
        };
        Ok(Evidence {
            unknown: None,
            unchecked,
            fallback: fallback(&dial_plan, &attestations),
            users,
            ani_users,
            ani_user,
            dial_plan,
            attestations,
            numbers: numbers.map_err(Unread::from),
            numbers_on_ani_user,
            numbers_perhaps,
            leads_elsewhere,
            did_route: named_did.map(|(_, route)| route),
            vips: routes.map(|routes| routes.len()).map_err(Unread::from),
        })
    }

    /// What people attested of a domain, or of all.
    pub(in crate::ops) async fn attestations(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Vec<Attestation>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let domain = domain.map(PbxDomain::as_str);
        store
            .attestations(journal.realm(), account.as_str(), domain)
            .await
    }
}

pub(in crate::ops) fn route_not_shown(error: Error) -> Unread {
    match error.code() {
        Code::Forbidden | Code::Unauthorized => Unread::NotShown(format!(
            "{error}; reading and routing numbers needs the scopes `routing` and `phone_number` and the role Routing Manager"
        )),
        _ => error.into(),
    }
}

/// How it is known that callers who are not VIPs are sent somewhere, if it is.
pub(in crate::ops) fn fallback(
    dial_plan: &FallbackReading,
    attestations: &[Attestation],
) -> Option<Fallback> {
    let mut attestations = attestations.iter();
    let attested = attestations.find(|entry| entry.is_about(SetupStep::DialTranslationRule));
    Fallback::of(dial_plan, attested)
}
