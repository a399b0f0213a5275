//! What happens to a call before the VIP rules are looked at, and where none
//! matches: what `explain_call` takes from a customer's setup.

use std::sync::Arc;

use crate::app::App;
use crate::ops::onboarding::ani_user::Problem;
use crate::ops::onboarding::ani_users::{Perhaps, Reaching};
use crate::ops::onboarding::dial_plan::OwnPlan;
use crate::ops::onboarding::evidence::{Reading, Unread, fallback, route_not_shown};
use crate::ops::onboarding::forwards::{Behind, Site};
use crate::ops::vips::destinations::FRESH;
use crate::ops::vips::explained::{FallbackShown, FallbackState, NotKnown, UnknownFact};
use crate::ops::write::present_route::PresentRoute;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, DidRoute, Extension, PbxDomain, PhoneNumber, SetupStep};
use skyswitch_guard::FallbackReading;
use skyswitch_guard::store::Attestation;

/// The routing of a number as the client read it.
pub(in crate::ops) type RoutingRead = Result<PresentRoute>;

/// How a call comes to a customer's VIP rules, if it does.
pub(in crate::ops) struct CallPath {
    /// Whether the VIP rules are applied; `None` where that is not known.
    pub reaches_vip_list: Option<bool>,
    /// Where the dialled number goes, where one was given and its routing is shown.
    pub routing: Option<DidRoute>,
    /// The numbers whose calls reach the VIP rules, where none was given.
    pub vip_numbers: Vec<PhoneNumber>,
    /// What is wrong with the Route by ANI user.
    pub warnings: Vec<String>,
    /// What could not be read.
    pub unknown: Vec<NotKnown>,
    users: Reading<Arc<Vec<Subscriber>>>,
    ani_users: Vec<Extension>,
    attestations: Vec<Attestation>,
}

impl CallPath {
    /// The displayed name of a user.
    pub fn name_of(&self, id: &str) -> Option<String> {
        let users = self.users.as_ref().ok()?;
        let user = users
            .iter()
            .find(|user| user.user.eq_ignore_ascii_case(id))?;
        user.name.as_deref().map(|name| shown(name, 100))
    }

    /// By the dialled number's own routing, and the Route by ANI user that its
    /// calls come to, if any.
    fn follow(
        &mut self,
        routing: Reading<PresentRoute>,
        on: Reading<Option<Behind>>,
        domain: &PbxDomain,
    ) -> Option<Extension> {
        let why = match routing {
            Ok(PresentRoute {
                route: Some(route),
                note,
                ..
            }) => {
                self.reaches_vip_list = match (&on, &self.users) {
                    (Ok(Some(_)), _) if route.is_off() => Some(false),
                    (
                        Ok(Some(Behind {
                            only: Some(which), ..
                        })),
                        _,
                    ) => {
                        self.unknown
                            .push(UnknownFact::Forwarding.because(which.clone()));
                        None
                    }
                    (Ok(Some(_)), _) => Some(true),
                    // Any user may be the one whose name could not be read.
                    (Ok(None), Err(why)) if route.user().is_some() => {
                        let why = format!("the users of {domain} are not shown: {why}");
                        self.unknown.push(UnknownFact::NumberRouting.because(why));
                        None
                    }
                    (Ok(None), _) => Some(false),
                    (Err(why), _) => {
                        let why = why.to_string();
                        self.unknown.push(UnknownFact::RouteByAniUser.because(why));
                        Some(false)
                    }
                };
                self.warnings.extend(note);
                self.routing = Some(route);
                return on.ok().flatten().and_then(Behind::always);
            }
            Ok(PresentRoute { route: None, .. }) => {
                "SkySwitch shows no routing of it; it may not be a number of this account"
                    .to_owned()
            }
            Err(why) => why.to_string(),
        };
        self.unknown.push(UnknownFact::NumberRouting.because(why));
        None
    }

    /// By the numbers that go to a Route by ANI user, where none was dialled.
    fn gather(&mut self, reaching: Result<Reaching>) -> Option<Extension> {
        let why = match (reaching, &self.users) {
            (Ok(Reaching { numbers, perhaps }), Ok(users)) => {
                let exists = |user: &&Extension| users.iter().any(|known| user.is(&known.user));
                let on = self.ani_users.iter().find(exists).cloned();
                let is_open = numbers.is_empty() && !perhaps.is_empty();
                self.reaches_vip_list = (!is_open).then_some(!numbers.is_empty());
                let about = |Perhaps { number, why }: Perhaps| format!("{number}: {why}");
                let perhaps = perhaps.into_iter().map(about);
                let perhaps = perhaps.map(|why| UnknownFact::Forwarding.because(why));
                self.unknown.extend(perhaps);
                self.vip_numbers = numbers;
                return on;
            }
            (Err(error), _) => error.to_string(),
            (Ok(_), Err(why)) => why.to_string(),
        };
        self.unknown.push(UnknownFact::NumberRouting.because(why));
        None
    }
}

impl App {
    /// Follows a call to a number of the customer, or to any of them where none
    /// is given. `read` is the number's routing where it was read already.
    ///
    /// # Errors
    /// Those of the store. What the service does not show is part of the result.
    pub(in crate::ops) async fn call_path(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        dialled: Option<&PhoneNumber>,
        read: Option<RoutingRead>,
    ) -> Result<CallPath> {
        let client = self.client()?;
        let routing = async {
            match (dialled, read) {
                (Some(did), None) => Some(self.present_route(account, did).await),
                (_, read) => read,
            }
        };
        let (users, routing, attestations) = tokio::join!(
            client.subscribers(account, domain, FRESH),
            routing,
            self.attestations(account, Some(domain)),
        );
        let users = users.map_err(Unread::from);
        let known: &[Subscriber] = users.as_ref().map_or(&[], |users| users);
        let mut path = CallPath {
            reaches_vip_list: None,
            routing: None,
            vip_numbers: Vec::new(),
            warnings: Vec::new(),
            unknown: Vec::new(),
            ani_users: self.ani_users(account, domain, known, None).await?,
            users,
            attestations: attestations?,
        };
        let known: &[Subscriber] = path.users.as_deref().map_or(&[], Vec::as_slice);
        let site = Site {
            account,
            domain,
            users: known,
            known: &path.ani_users,
        };
        let on = match routing {
            Some(routing) => {
                let route = routing.as_ref().ok().and_then(|now| now.route.as_ref());
                let user = route
                    .and_then(DidRoute::user)
                    .filter(|(_, host)| domain.is(host));
                let on = match user.and_then(|(user, _)| user.parse().ok()) {
                    // A user of any name may do the work, if its answering rule can be read.
                    Some(user) => self.ani_user_behind(site, &user).await,
                    None => Ok(None),
                };
                // Its own dial plan decides where no rule matches, so it comes first.
                if let Ok(Some(Behind { user, only: None })) = &on {
                    path.ani_users.retain(|known| known != user);
                    path.ani_users.insert(0, user.clone());
                }
                path.follow(routing.map_err(route_not_shown), on, domain)
            }
            None => {
                let ani_users = &mut path.ani_users;
                let numbers = self
                    .numbers_handed_on(account, domain, known, ani_users, None)
                    .await;
                path.gather(numbers)
            }
        };
        if let (Some(true), Some(user)) = (path.reaches_vip_list, on) {
            self.pass_on(account, domain, user, &mut path).await;
        }
        Ok(path)
    }

    /// Whether the Route by ANI user passes the calls on.
    async fn pass_on(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        user: Extension,
        path: &mut CallPath,
    ) {
        let user = self.ani_user(domain, user).await;
        let problems = user.problems();
        let says = |problem: &Problem| {
            let user = &user.extension;
            format!("user {user} is the Route by ANI user of {domain}, but {problem}")
        };
        path.warnings.extend(problems.iter().map(says));
        let site = Site {
            account,
            domain,
            users: path.users.as_deref().map_or(&[], Vec::as_slice),
            known: &path.ani_users,
        };
        if problems.contains(&Problem::ForwardsNowhere) || self.leads_elsewhere(site, &user).await {
            path.reaches_vip_list = Some(false);
        }
        let is_attested = |entry: &Attestation| entry.is_about(SetupStep::RouteByAniUser);
        if let Some(why) = user.unread()
            && !path.attestations.iter().any(is_attested)
        {
            let why = why.to_string();
            path.unknown.push(UnknownFact::RouteByAniUser.because(why));
        }
    }

    /// What the dial translation rule does with a call that no VIP rule matches,
    /// and whom it is sent to where that is shown; or why that is not known.
    pub(in crate::ops) async fn fallback_of(
        &self,
        domain: &PbxDomain,
        path: &CallPath,
    ) -> Result<(FallbackShown, Option<String>), NotKnown> {
        let users = path.users.as_ref().ok().map(|users| users.as_slice());
        let own = OwnPlan::Of(path.ani_users.first());
        let reading = self.dial_plan(domain, own, users, &path.ani_users).await;
        let state = |state, words: &str| FallbackShown {
            state,
            words: words.to_owned(),
        };
        match (&reading, fallback(&reading, &path.attestations)) {
            (FallbackReading::Verified { words, to }, _) => {
                Ok((state(FallbackState::Verified, words), Some(to.clone())))
            }
            (_, Some(fallback)) => Ok((state(FallbackState::Attested, fallback.words()), None)),
            (FallbackReading::Missing(why), None) => Ok((state(FallbackState::Missing, why), None)),
            (
                FallbackReading::NotShown(why)
                | FallbackReading::Refused(why)
                | FallbackReading::NotSeen(why)
                | FallbackReading::NotJudged(why)
                | FallbackReading::Failed(why),
                None,
            ) => Err(UnknownFact::DialTranslationRule.because(why.clone())),
        }
    }
}
