//! Which users hand their calls to the VIP list, by their id or name, by what
//! this installation has routed and by their answering rules, and which numbers
//! go to them.

use crate::app::App;
use crate::ops::numbers::inventory::Routed;
use crate::ops::onboarding::forwards::{Behind, Site};
use crate::ops::write::present_route::StillShown;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, Argument, DidRoute, Extension, PbxDomain, PhoneNumber};

/// Numbers whose routing is read at most to find a Route by ANI user of another name.
const NUMBERS: usize = 10;

/// The numbers whose calls come to the VIP list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ops) struct Reaching {
    /// Those of which that is sure.
    pub numbers: Vec<PhoneNumber>,
    /// Those of which it is not.
    pub perhaps: Vec<Perhaps>,
}

/// A number whose calls may come to the VIP list, and why that is not sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) struct Perhaps {
    pub number: PhoneNumber,
    pub why: String,
}

impl Reaching {
    /// Sorts in a number by where it goes.
    fn sort_in(
        &mut self,
        routed: &Routed,
        known: &[Extension],
        perhaps: &[Behind],
        domain: &PbxDomain,
    ) {
        let (number, _) = routed;
        let goes_to =
            |user: &Extension, route: &DidRoute| route.goes_to_user(user.as_str(), domain);
        let goes_there = |route: &DidRoute| goes_to_any(route, known, domain);
        if going(routed).is_some_and(goes_there) {
            self.numbers.push(number.clone());
            return;
        }
        let still = still_shown(routed).filter(|still| goes_there(&still.route));
        let only = going(routed).and_then(|route| {
            let behind = perhaps.iter().find(|behind| goes_to(&behind.user, route));
            behind?.only.clone()
        });
        let why = still.map(|still| still.why.clone()).or(only);
        let is_told = self.perhaps.iter().any(|perhaps| perhaps.number == *number);
        self.perhaps
            .extend(why.filter(|_| !is_told).map(|why| Perhaps {
                number: number.clone(),
                why,
            }));
    }

    /// Takes what is known of one number in place of what was.
    pub fn replace(&mut self, number: &PhoneNumber, it: Reaching) {
        self.numbers.retain(|known| known != number);
        self.perhaps.retain(|perhaps| perhaps.number != *number);
        self.numbers.extend(it.numbers);
        self.perhaps.extend(it.perhaps);
    }

    /// Those of these numbers whose calls come to the users that are `known` to
    /// hand them on, or may, also by those that hand on some.
    pub fn among(
        routed: &[Routed],
        known: &[Extension],
        perhaps: &[Behind],
        domain: &PbxDomain,
    ) -> Reaching {
        let mut reaching = Reaching::default();
        for routed in routed {
            reaching.sort_in(routed, known, perhaps, domain);
        }
        reaching
    }
}

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
        let site = Site {
            account,
            domain,
            users,
            known: &[],
        };
        let behind = self.ani_user_behind(site, named).await;
        let behind = behind.ok().flatten().and_then(Behind::always);
        if behind.as_ref() == Some(named) {
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
    ) -> Result<Reaching> {
        let reaching = self.numbers_on(account, domain, known).await?;
        match reaching.numbers.is_empty() {
            true => {
                self.look_further(account, domain, users, known, all, reaching)
                    .await
            }
            false => Ok(reaching),
        }
    }

    /// Looks at the users that a customer's numbers go to, where their answering
    /// rules are shown, and adds what comes to the VIP list to what is known of it.
    pub(in crate::ops) async fn look_further(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Subscriber],
        known: &mut Vec<Extension>,
        all: Option<&[PhoneNumber]>,
        mut reaching: Reaching,
    ) -> Result<Reaching> {
        if !self.shows_answering_rules().await {
            return Ok(reaching);
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
        let called = users_called(&routed, domain);
        let perhaps = self.know_more(account, domain, called, users, known).await;
        for routed in &routed {
            reaching.sort_in(routed, known, &perhaps, domain);
        }
        Ok(reaching)
    }

    /// The numbers that go to any of those users. What the service shows there is
    /// never left out: the journal only tells what it accepted, not what it did.
    pub(in crate::ops) async fn numbers_on(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Extension],
    ) -> Result<Reaching> {
        let mut reaching = Reaching::default();
        let numbers = &mut reaching.numbers;
        let client = self.client()?;
        for user in users {
            numbers.extend(client.domain_numbers(account, domain, Some(user)).await?);
        }
        for told in self.routes_not_shown_yet(account, domain).await? {
            let number = told.did;
            let is_shown_there = numbers.contains(&number);
            match goes_to_any(&told.route, users, domain) {
                true if !is_shown_there => numbers.push(number),
                false if is_shown_there => {
                    numbers.retain(|listed| *listed != number);
                    let why = told.why;
                    reaching.perhaps.push(Perhaps { number, why });
                }
                _ => {}
            }
        }
        Ok(reaching)
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
    routing.as_ref().ok()?.route.as_ref()
}

/// Where the service still shows a number that the journal tells to be elsewhere.
fn still_shown((_, routing): &Routed) -> Option<&StillShown> {
    routing.as_ref().ok()?.still_shown.as_ref()
}

/// The users of a domain that numbers go to or are still shown at, each once.
pub(in crate::ops) fn users_called<'a>(
    routed: impl IntoIterator<Item = &'a Routed>,
    domain: &PbxDomain,
) -> Vec<Extension> {
    let mut called = Vec::<Extension>::new();
    let routes = routed.into_iter().flat_map(|routed| {
        let still = still_shown(routed).map(|still| &still.route);
        going(routed).into_iter().chain(still)
    });
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
