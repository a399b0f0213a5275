//! What the APIs and people's attestations show of a customer's set-up.

use std::sync::Arc;
use std::time::Duration;

use super::ani_user::AniUser;
use crate::domain::{AccountId, DidRoute, Extension, PbxDomain, PhoneNumber, SetupStep};
use crate::error::{Code, Error, Result};
use crate::guard::{Fallback, FallbackReading};
use crate::ops::App;
use crate::skyswitch::{AnsweringRule, DialRule, Subscriber};
use crate::state::Attestation;

/// A fact, or why it is not shown.
pub(super) type Shown<T> = Result<T, String>;

/// Whose set-up is looked at.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub account: AccountId,
    pub domain: PbxDomain,
    /// The customer's own number, where it was named.
    pub did: Option<PhoneNumber>,
    /// The ANI user, where one was named.
    pub extension: Option<Extension>,
}

/// Everything that is known of a customer's set-up, read just now.
#[derive(Debug)]
pub(super) struct Evidence {
    pub domain_exists: bool,
    /// Domains of the account whose names come near.
    pub users: Arc<Vec<Subscriber>>,
    /// Users that calls may be pointed at for Route by ANI.
    pub ani_users: Vec<Extension>,
    /// The one this set-up is about; `None` where there is none yet.
    pub ani_user: Option<AniUser>,
    pub dial_plan: FallbackReading,
    pub fallback: Option<Fallback>,
    pub attestations: Vec<Attestation>,
    /// The domain's numbers.
    pub numbers: Shown<Vec<PhoneNumber>>,
    /// Those that go to an ANI user.
    pub numbers_on_ani_user: Vec<PhoneNumber>,
    /// Where the customer's number goes, where it was named.
    pub did_route: Option<Shown<Option<DidRoute>>>,
    pub vips: usize,
}

impl Evidence {
    fn of_missing_domain(attestations: Vec<Attestation>) -> Evidence {
        let absent = "the domain does not exist yet";
        Evidence {
            domain_exists: false,
            users: Arc::default(),
            ani_users: Vec::new(),
            ani_user: None,
            dial_plan: FallbackReading::Missing(absent.to_owned()),
            fallback: None,
            attestations,
            numbers: Err(absent.to_owned()),
            numbers_on_ani_user: Vec::new(),
            did_route: None,
            vips: 0,
        }
    }

    /// What a person attested of a step.
    pub fn attested(&self, step: SetupStep) -> Option<&Attestation> {
        self.attestations.iter().find(|entry| entry.is_about(step))
    }

    /// Whether a user of that id exists.
    pub fn has_user(&self, user: &str) -> bool {
        self.users
            .iter()
            .any(|known| known.user.eq_ignore_ascii_case(user))
    }

    /// Numbers that are routed to an ANI user although nobody knows that other
    /// callers are sent anywhere.
    pub fn dropping(&self) -> &[PhoneNumber] {
        match self.fallback {
            Some(_) => &[],
            None => &self.numbers_on_ani_user,
        }
    }
}

impl App {
    /// Reads everything anew. Nothing here is older than the call.
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
        let (vips, users) = (routes?.len(), users?);
        let numbers = numbers.map_err(|error| error.to_string());
        let mut ani_users = self
            .ani_users(domain, &users, customer.extension.as_ref())
            .await?;
        if let Some(Ok(Some(route))) = &did_route {
            // A user of any name may do the work, if its answering rule can be read.
            ani_users.extend(self.unnamed_ani_user(domain, route, &ani_users).await);
        }
        let chosen = customer.extension.as_ref().or(ani_users.first());
        let chosen = chosen.filter(|wanted| ani_users.contains(wanted));
        let (ani_user, dial_plan, numbers_on_ani_user) = tokio::join!(
            self.ani_user(domain, chosen),
            self.dial_plan(domain, &users),
            self.numbers_on(account, domain, &ani_users),
        );
        let attested = attestations
            .iter()
            .find(|entry| entry.is_about(SetupStep::DialTranslationRule));
        let mut numbers_on_ani_user = numbers_on_ani_user?;
        if let (Some(did), Some(Ok(Some(route)))) = (&customer.did, &did_route) {
            // The number's own route is newer than the domain's list of numbers.
            numbers_on_ani_user.retain(|number| number != did);
            if ani_users
                .iter()
                .any(|user| route.goes_to_user(user.as_str(), domain))
            {
                numbers_on_ani_user.push(did.clone());
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
            vips,
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

    /// The users that calls may be pointed at for Route by ANI: by id or name,
    /// and the one that was named, if its answering rule shows it.
    ///
    /// # Errors
    /// `invalid_argument` where the named user exists and is another.
    pub(super) async fn ani_users(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        named: Option<&Extension>,
    ) -> Result<Vec<Extension>> {
        let by_name = users.iter().filter(|user| user.is_ani_user());
        let mut found: Vec<Extension> = by_name.filter_map(|user| user.user.parse().ok()).collect();
        let Some(named) = named.filter(|named| !found.contains(named)) else {
            return Ok(found);
        };
        if !users.iter().any(|user| named.is(&user.user)) {
            return Ok(found);
        }
        if self.forwards_to_route_by_ani(domain, named).await {
            found.push(named.clone());
            return Ok(found);
        }
        Err(Error::invalid(
            "extension",
            format!(
                "user {named} of {domain} is not the Route by ANI user: neither its id nor its name says so, \
                 and no answering rule that can be read forwards it to route_by_ani"
            ),
            "Name the user \"Route By ANI\" in the portal, give another `extension`, or leave it out.",
        ))
    }

    /// The user that a route goes to, where its answering rule alone shows that
    /// it is one for Route by ANI.
    pub(super) async fn unnamed_ani_user(
        &self,
        domain: &PbxDomain,
        route: &DidRoute,
        known: &[Extension],
    ) -> Option<Extension> {
        let (user, host) = route.user()?;
        let extension: Extension = user.parse().ok()?;
        let is_new = domain.is(host) && !known.contains(&extension);
        (is_new && self.forwards_to_route_by_ani(domain, &extension).await).then_some(extension)
    }

    /// Whether a user's answering rule can be read and forwards to `route_by_ani`.
    pub(super) async fn forwards_to_route_by_ani(
        &self,
        domain: &PbxDomain,
        user: &Extension,
    ) -> bool {
        let Ok(pbx) = self.client().and_then(|client| client.pbx()) else {
            return false;
        };
        let rules = pbx.answering_rules(domain, user).await;
        rules.is_ok_and(|rules| rules.iter().any(AnsweringRule::forwards_to_route_by_ani))
    }

    async fn ani_user(&self, domain: &PbxDomain, user: Option<&Extension>) -> Option<AniUser> {
        let extension = user?.clone();
        let pbx = match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx,
            Err(error) => {
                let why = error.to_string();
                return Some(AniUser {
                    extension,
                    devices: Err(why.clone()),
                    voicemail: Err(why.clone()),
                    rules: Err(why),
                });
            }
        };
        let (devices, found, rules) = tokio::join!(
            pbx.devices(domain, &extension),
            pbx.user(domain, &extension),
            pbx.answering_rules(domain, &extension),
        );
        let voicemail = match found {
            Ok(Some(found)) => found
                .voicemail
                .ok_or_else(|| "the PBX API does not say whether voicemail is on".to_owned()),
            Ok(None) => Err("the PBX API does not show the user yet".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        Some(AniUser {
            extension,
            devices: devices.map_err(|error| error.to_string()),
            voicemail,
            rules: rules.map_err(|error| error.to_string()),
        })
    }

    /// What the dial plan shows of the dial translation rule.
    pub(super) async fn dial_plan(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
    ) -> FallbackReading {
        let pbx = match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx,
            Err(error) => return FallbackReading::NotShown(error.to_string()),
        };
        match pbx.dial_rules(domain).await {
            Ok(rules) => judge(&rules, domain, users),
            Err(error) => FallbackReading::NotShown(format!("the dial plan is not shown: {error}")),
        }
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

/// Whether a rule of the plan sends everybody without a VIP rule somewhere.
fn judge(rules: &[DialRule], domain: &PbxDomain, users: &[Subscriber]) -> FallbackReading {
    let mut ours = rules
        .iter()
        .filter(|rule| rule.is_for_route_by_ani() && rule.is_for_everybody())
        .peekable();
    if ours.peek().is_none() {
        return FallbackReading::Missing(
            "the dial plan has no rule for route_by_ani that holds for every caller at all times"
                .to_owned(),
        );
    }
    let mut why = String::new();
    for rule in ours {
        let rings_nobody = rule.rings_user_of(domain).is_some_and(|user| {
            !users
                .iter()
                .any(|known| known.user.eq_ignore_ascii_case(user))
        });
        why = match rule {
            rule if !rule.enabled => format!("{}, but it is switched off", rule.words()),
            rule if rule.ends_calls() => format!("{}, which ends the call", rule.words()),
            rule if rings_nobody => format!("{}, who does not exist in {domain}", rule.words()),
            rule => return FallbackReading::Stands(rule.words()),
        };
    }
    FallbackReading::Missing(why)
}
