//! Whom the calls of a user come to in the end, by the answering rules of the
//! users that they are forwarded through and the numbers that these forward to.

use crate::app::App;
use crate::ops::onboarding::ani_user::{AniUser, Problem};
use crate::ops::onboarding::evidence::{Reading, Unread, route_not_shown};
use skyswitch_client::{AnsweringRule, Forward, Subscriber};
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, DidRoute, Extension, PbxDomain, PhoneNumber};

/// Users whose answering rules are read at most to follow the calls of one.
const FOLLOWED: usize = 8;

/// Whose users are followed.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Site<'a> {
    pub account: &'a AccountId,
    pub domain: &'a PbxDomain,
    pub users: &'a [Subscriber],
    /// The Route by ANI users of the domain, as far as they are known.
    pub known: &'a [Extension],
}

impl<'a> Site<'a> {
    /// The Route by ANI user, where no other of them exists.
    fn only_ani_user(&self) -> Option<&'a Extension> {
        let exists = |known: &&Extension| self.users.iter().any(|user| known.is(&user.user));
        let mut existing = self.known.iter().filter(exists);
        existing.next().filter(|_| existing.next().is_none())
    }
}

/// The Route by ANI user that a user's calls come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) struct Behind {
    pub user: Extension,
    /// Which calls come to it, for people; `None` where all do.
    pub only: Option<String>,
}

impl Behind {
    /// The user, where all calls come to it.
    pub fn always(self) -> Option<Extension> {
        self.only.is_none().then_some(self.user)
    }
}

impl App {
    /// The Route by ANI user that the calls of a user come to, the user itself or
    /// one that it forwards to, be it by one of the customer's own numbers; `None`
    /// where they come to none, as far as the PBX API is configured.
    pub(in crate::ops) async fn ani_user_behind(
        &self,
        site: Site<'_>,
        user: &Extension,
    ) -> Reading<Option<Behind>> {
        let client = self.client()?;
        let domain = site.domain;
        let mut numbers = None;
        let mut perhaps = None;
        let mut followed = vec![Behind {
            user: user.clone(),
            only: None,
        }];
        for next in 0.. {
            let Some(hop) = followed.get(next).cloned() else {
                break;
            };
            if site.known.contains(&hop.user) {
                match hop.only {
                    None => return Ok(Some(hop)),
                    Some(_) => perhaps = perhaps.or(Some(hop)),
                }
                continue;
            }
            if !client.has_pbx() {
                break;
            }
            if next == FOLLOWED {
                let why = format!("calls are forwarded through more than {FOLLOWED} users");
                return Err(Unread::NotShown(why));
            }
            let rules = client.pbx()?.answering_rules(domain, &hop.user).await?;
            let forwards = || rules.iter().flat_map(AnsweringRule::forwards);
            let only = |forward: &Forward<'_>| {
                let when = forward
                    .when
                    .map(|when| format!("user {} forwards calls there only {when}", hop.user));
                hop.only.clone().or(when)
            };
            let handing = forwards().filter(Forward::is_to_route_by_ani);
            for only in handing.map(|forward| only(&forward)) {
                let user = hop.user.clone();
                match only {
                    None => return Ok(Some(Behind { user, only })),
                    Some(_) => perhaps = perhaps.or(Some(Behind { user, only })),
                }
            }
            for forward in forwards() {
                let only = only(&forward);
                if forward.is_outside_of(domain) && only.is_none() {
                    let target = shown(forward.target, 100);
                    let why = format!(
                        "user {} forwards to {target}, a user of another domain",
                        hop.user
                    );
                    return Err(Unread::NotShown(why));
                }
                if !forward.is_inside(domain) {
                    continue;
                }
                let target = self.user_forwarded_to(site, &forward, &mut numbers).await?;
                let Some(user) = target else { continue };
                let is_known =
                    |other: &Behind| other.user == user && (other.only.is_none() || only.is_some());
                if !followed.iter().any(is_known) {
                    followed.push(Behind { user, only });
                }
            }
        }
        Ok(perhaps)
    }

    /// The user of the domain that a forward leads to, itself or by a number of the
    /// customer. `numbers` are the customer's once they were needed.
    async fn user_forwarded_to(
        &self,
        site: Site<'_>,
        forward: &Forward<'_>,
        numbers: &mut Option<Vec<PhoneNumber>>,
    ) -> Reading<Option<Extension>> {
        let Site {
            account, domain, ..
        } = site;
        let exists = |id: &Extension| site.users.iter().any(|user| id.is(&user.user));
        if let Ok(user) = forward.name().parse::<Extension>()
            && (site.known.contains(&user) || exists(&user))
        {
            return Ok(Some(user));
        }
        let Some(did) = PhoneNumber::from_stored(forward.name()) else {
            return Ok(None);
        };
        let numbers = match numbers {
            Some(numbers) => numbers,
            None => {
                let listed = self.client()?.domain_numbers(account, domain, None);
                numbers.insert(listed.await?)
            }
        };
        if !numbers.contains(&did) {
            return Ok(None);
        }
        let present = self.present_route(account, &did).await;
        let route = present.map_err(route_not_shown)?.route;
        let user = route.as_ref().and_then(DidRoute::user);
        let user = user.filter(|(_, host)| domain.is(host));
        Ok(user.and_then(|(user, _)| user.parse().ok()))
    }

    /// Adds those of the users that numbers go to that only their answering rules
    /// show to hand calls to the VIP list, and gives those that hand some calls
    /// there, with which. The Route by ANI user behind them comes first: it is
    /// the one in use. Rules that are not shown add nobody.
    pub(in crate::ops) async fn know_more(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        called: Vec<Extension>,
        users: &[Subscriber],
        known: &mut Vec<Extension>,
    ) -> Vec<Behind> {
        let mut perhaps = Vec::new();
        for user in called {
            let site = Site {
                account,
                domain,
                users,
                known: known.as_slice(),
            };
            let Ok(Some(behind)) = self.ani_user_behind(site, &user).await else {
                continue;
            };
            if behind.only.is_some() {
                let only = behind.only;
                perhaps.push(Behind { user, only });
                continue;
            }
            if !known.contains(&behind.user) {
                known.insert(0, behind.user);
            }
            if !known.contains(&user) {
                known.push(user);
            }
        }
        perhaps
    }

    /// Whether calls to a user that is called Route by ANI go elsewhere by its
    /// answering rules, as far as these were read.
    pub(in crate::ops) async fn leads_elsewhere(&self, site: Site<'_>, user: &AniUser) -> bool {
        let forwards = |problem: &Problem| matches!(problem, Problem::ForwardsElsewhere(_));
        if !user.problems().iter().any(forwards) {
            return false;
        }
        let others = site.known.iter().filter(|known| **known != user.extension);
        let others: Vec<Extension> = others.cloned().collect();
        let known = others.as_slice();
        let behind = self.ani_user_behind(Site { known, ..site }, &user.extension);
        behind.await == Ok(None)
    }

    /// Reads the answering rules of the Route by ANI user where there is but one,
    /// and whether its calls go elsewhere by them.
    pub(in crate::ops) async fn only_one_leads_elsewhere(
        &self,
        site: Site<'_>,
        reads: bool,
    ) -> Result<bool> {
        let Some(user) = site.only_ani_user().filter(|_| reads) else {
            return Ok(false);
        };
        let user = self.forwarding_of(site.domain, user).await;
        self.only_user_leads_elsewhere(site, Some(&user)).await
    }

    /// A Route by ANI user of whom only the answering rules are read.
    pub(in crate::ops) async fn forwarding_of(
        &self,
        domain: &PbxDomain,
        user: &Extension,
    ) -> AniUser {
        let rules = match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx.answering_rules(domain, user).await.ok(),
            Err(_) => None,
        };
        AniUser {
            rules: rules.ok_or(Unread::NotAsked),
            ..AniUser::unknown(user.clone(), Unread::NotAsked)
        }
    }

    /// Whether the only Route by ANI user of the domain sends its calls elsewhere by
    /// its answering rules. A dial plan that showed the rule is not kept then: the
    /// next table of all customers has to look at both.
    pub(in crate::ops) async fn only_user_leads_elsewhere(
        &self,
        site: Site<'_>,
        user: Option<&AniUser>,
    ) -> Result<bool> {
        let Some(user) = user.filter(|user| site.only_ani_user() == Some(&user.extension)) else {
            return Ok(false);
        };
        let leads_elsewhere = self.leads_elsewhere(site, user).await;
        if leads_elsewhere {
            self.forget_dial_plan(site.domain).await?;
        }
        Ok(leads_elsewhere)
    }

    /// Whether answering rules can be asked for: a login that is refused must not
    /// be tried for every user.
    pub(in crate::ops) async fn shows_answering_rules(&self) -> bool {
        match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx.log_in().await.is_ok(),
            Err(_) => false,
        }
    }
}
