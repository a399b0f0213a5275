//! Which users hand their calls to the VIP list: by their id or name, by what
//! this installation has routed, and by their answering rules, also where one
//! forwards to another.

use crate::app::App;
use crate::ops::numbers::inventory::Routed;
use crate::ops::onboarding::evidence::{Reading, Unread};
use skyswitch_client::{AnsweringRule, Subscriber};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Argument, DidRoute, Extension, PbxDomain, PhoneNumber};

/// Users whose answering rules are read at most to follow the calls of one.
const FOLLOWED: usize = 8;
/// Numbers whose routing is read at most to find a Route by ANI user of another name.
const NUMBERS: usize = 10;

impl App {
    /// The users that calls may be pointed at for Route by ANI: by id or name,
    /// those that this installation has pointed numbers at, whatever they are
    /// called now, and the one that was named, if its answering rule shows it.
    ///
    /// # Errors
    /// `invalid_argument` where the named user exists and is another.
    pub(in crate::ops) async fn ani_users(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Subscriber],
        named: Option<&Extension>,
    ) -> Result<Vec<Extension>> {
        let mut found = ani_users_among(users, domain, &self.routed_users(account).await?);
        let Some(named) = named.filter(|named| !found.contains(named)) else {
            return Ok(found);
        };
        if !users.iter().any(|user| named.is(&user.user)) {
            return Ok(found);
        }
        let behind = self.ani_user_behind(domain, named, users, &[]).await;
        if behind.is_ok_and(|user| user.as_ref() == Some(named)) {
            found.push(named.clone());
            return Ok(found);
        }
        Err(Error::invalid(
            "extension",
            format!(
                "user {named} of {domain} is not the Route by ANI user: neither its id nor its name says so, \
                 and no answering rule that can be read forwards it to route_by_ani"
            ),
            format!(
                "Name the user \"Route By ANI\" in the portal, give another {}, or leave it out.",
                Argument("extension")
            ),
        ))
    }

    /// The Route by ANI user that the calls of a user come to, the user itself or
    /// one that it forwards to; `None` where they come to none, as far as the PBX
    /// API is configured. `known` are the Route by ANI users of the domain.
    pub(in crate::ops) async fn ani_user_behind(
        &self,
        domain: &PbxDomain,
        user: &Extension,
        users: &[Subscriber],
        known: &[Extension],
    ) -> Reading<Option<Extension>> {
        let client = self.client()?;
        let exists = |id: &Extension| users.iter().any(|user| id.is(&user.user));
        let mut followed = vec![user.clone()];
        for next in 0.. {
            let Some(user) = followed.get(next).cloned() else {
                break;
            };
            if known.contains(&user) {
                return Ok(Some(user));
            }
            if !client.has_pbx() {
                break;
            }
            if next == FOLLOWED {
                let why = format!("calls are forwarded through more than {FOLLOWED} users");
                return Err(Unread::NotShown(why));
            }
            let rules = client.pbx()?.answering_rules(domain, &user).await?;
            if rules.iter().any(AnsweringRule::hands_to_route_by_ani) {
                return Ok(Some(user));
            }
            if let Some(target) = rules
                .iter()
                .find_map(|rule| rule.forwards_outside_of(domain).next())
            {
                let target = shown(target, 100);
                let why = format!("user {user} forwards to {target}, a user of another domain");
                return Err(Unread::NotShown(why));
            }
            let targets = rules
                .iter()
                .flat_map(|rule| rule.forwards_to_users_of(domain));
            for target in targets.filter_map(|target| target.parse::<Extension>().ok()) {
                if !followed.contains(&target) && (known.contains(&target) || exists(&target)) {
                    followed.push(target);
                }
            }
        }
        Ok(None)
    }

    /// Adds those of the users that numbers go to that only their answering rules
    /// show to hand calls to the VIP list. The Route by ANI user behind them
    /// comes first: it is the one in use. Rules that are not shown add nobody.
    pub(in crate::ops) async fn know_more(
        &self,
        domain: &PbxDomain,
        called: Vec<Extension>,
        users: &[Subscriber],
        known: &mut Vec<Extension>,
    ) {
        for user in called {
            let behind = self.ani_user_behind(domain, &user, users, known).await;
            let Ok(Some(behind)) = behind else { continue };
            if !known.contains(&behind) {
                known.insert(0, behind);
            }
            if !known.contains(&user) {
                known.push(user);
            }
        }
    }

    /// Whether answering rules can be asked for: a login that is refused must not
    /// be tried for every user.
    pub(in crate::ops) async fn shows_answering_rules(&self) -> bool {
        match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx.log_in().await.is_ok(),
            Err(_) => false,
        }
    }

    /// The numbers whose calls come to the VIP list. Where none goes to a user
    /// that is known to hand them on, the users that they go to are looked at,
    /// and those that do are added to `known`. `all` are the domain's numbers,
    /// where they were read.
    ///
    /// # Errors
    /// The service's and the store's errors.
    pub(in crate::ops) async fn numbers_handed_on(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Subscriber],
        known: &mut Vec<Extension>,
        all: Option<&[PhoneNumber]>,
    ) -> Result<Vec<PhoneNumber>> {
        let numbers = self.numbers_on(account, domain, known).await?;
        if !numbers.is_empty() || !self.shows_answering_rules().await {
            return Ok(numbers);
        }
        let mut all = match all {
            Some(all) => all.to_vec(),
            None => {
                let client = self.client()?;
                client.domain_numbers(account, domain, None).await?
            }
        };
        all.truncate(NUMBERS);
        let (routed, _) = self.routings(account, all).await?;
        let called = users_called(routed.iter().filter_map(going), domain);
        self.know_more(domain, called, users, known).await;
        let is_handed_on =
            |number: &&Routed| going(number).is_some_and(|route| goes_to_any(route, known, domain));
        let numbers = routed.iter().filter(is_handed_on);
        Ok(numbers.map(|(number, _)| number.clone()).collect())
    }

    /// The numbers that go to any of those users.
    pub(in crate::ops) async fn numbers_on(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Extension],
    ) -> Result<Vec<PhoneNumber>> {
        let mut numbers = Vec::new();
        let client = self.client()?;
        for user in users {
            numbers.extend(client.domain_numbers(account, domain, Some(user)).await?);
        }
        for (number, route) in self.routes_not_shown_yet(account, domain).await? {
            numbers.retain(|listed| *listed != number);
            if goes_to_any(&route, users, domain) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// The users that this installation has pointed numbers at as Route by ANI users.
    pub(in crate::ops) async fn routed_users(
        &self,
        account: &AccountId,
    ) -> Result<Vec<(PbxDomain, Extension)>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let routes = store
            .routes_to_ani_users(journal.realm(), account.as_str())
            .await?;
        let users = routes.iter().filter_map(|route| {
            let (user, host) = route.user()?;
            Some((host.parse().ok()?, user.parse().ok()?))
        });
        Ok(users.collect())
    }
}

/// Where a number goes, where that was read.
pub(in crate::ops) fn going((_, routing): &Routed) -> Option<&DidRoute> {
    routing.as_ref().ok()?.as_ref()
}

/// The users of a domain that routes go to, each once.
pub(in crate::ops) fn users_called<'a>(
    routes: impl Iterator<Item = &'a DidRoute>,
    domain: &PbxDomain,
) -> Vec<Extension> {
    let mut called = Vec::<Extension>::new();
    for (user, _) in routes
        .filter_map(DidRoute::user)
        .filter(|(_, host)| domain.is(host))
    {
        called.extend(user.parse().ok().filter(|user| !called.contains(user)));
    }
    called
}

/// Whether a route goes to any of those users of the domain.
pub(in crate::ops) fn goes_to_any(
    route: &DidRoute,
    users: &[Extension],
    domain: &PbxDomain,
) -> bool {
    let is_it = |user: &Extension| route.goes_to_user(user.as_str(), domain);
    users.iter().any(is_it)
}

/// The Route by ANI users of a domain: by id or name, and those of `routed`,
/// whatever they are called now.
pub(in crate::ops) fn ani_users_among(
    users: &[Subscriber],
    domain: &PbxDomain,
    routed: &[(PbxDomain, Extension)],
) -> Vec<Extension> {
    let by_name = users.iter().filter(|user| user.is_ani_user());
    let mut found: Vec<Extension> = by_name.filter_map(|user| user.user.parse().ok()).collect();
    for (home, user) in routed {
        if home == domain && !found.contains(user) {
            found.push(user.clone());
        }
    }
    found
}
