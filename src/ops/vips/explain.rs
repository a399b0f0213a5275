//! `explain_call`: where this caller's calls go now, and what nobody can know
//! from the API.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::ops::numbers::{CallPath, RoutingRead};
use crate::ops::vips::explained::{
    CallDestination, CallExplained, DecidedBy, NotKnown, UnknownFact,
};
use crate::ops::write::present_route::PresentRoute;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{
    AccountId, Ani, Application, CallerKey, CallerRules, CustomerKey, DidRoute, DnisKey, PbxDomain,
    PhoneNumber, Route, RouteKey, Vip,
};
use skyswitch_guard::Doubt;

/// Patterns named in one sentence; the others are counted.
const NAMED: usize = 5;
/// Rules of one caller that are listed; the others are counted.
const LISTED: usize = 50;

/// Which call to explain.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ExplainCall {
    /// The caller's number in any common writing, e.g. `(616) 555-0123`, or a stored value exactly as listed
    #[arg(long)]
    pub ani: CallerKey,
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`; found by the dialled number when left out
    #[arg(long, short)]
    pub domain: Option<CustomerKey>,
    /// The number that is dialled, e.g. `6165550100`; when left out, the answer says whether it matters
    #[arg(long)]
    pub dnis: Option<DnisKey>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
}

/// Explains a call as it would go now.
///
/// Reads the VIP rules, the users (unless they were read within a minute) and
/// the number's routing; what the PBX API shows of the Route by ANI user where
/// the number goes there; and the dial plan where no VIP rule decides. Without
/// a domain it is found by the dialled number, or the rules of the whole
/// account are searched.
///
/// # Errors
/// `not_found` for an unknown customer; `not_configured` and the service's
/// errors where the VIP rules are not shown.
pub async fn explain_call(app: &App, args: &ExplainCall) -> Result<CallExplained> {
    let account = app.account(args.account_id.as_ref())?;
    let client = app.client()?;
    refuse_half_numbers(args)?;
    let dialled = args.dnis.as_ref().filter(|dnis| !dnis.is_any());
    let did = dialled.and_then(|dnis| PhoneNumber::from_stored(dnis.as_given()));
    let mut routing = None;
    let mut domain = match &args.domain {
        Some(customer) => Some(app.domain_of(&account, customer).await?),
        None => None,
    };
    if let (None, Some(did)) = (&domain, &did) {
        let read = app.present_route(&account, did).await;
        domain = home(&read);
        routing = Some(read);
    }
    let mut call = CallExplained {
        account_id: args.account_id.as_ref().map(AccountId::to_string),
        domain: domain.as_ref().map(PbxDomain::to_string),
        ani: caller(&args.ani),
        dnis: dialled.map(|dnis| dnis.as_given().to_owned()),
        decided_by: DecidedBy::NumberRouting,
        reaches_vip_list: None,
        number_goes_to: None,
        vip_numbers: Vec::new(),
        destination: None,
        rule: None,
        fallback: None,
        other_rules: Vec::new(),
        warnings: Vec::new(),
        unknown: about_caller(&args.ani),
    };
    let Some(domain) = domain else {
        match routing {
            Some(Ok(PresentRoute {
                route: Some(route), ..
            })) => call.leaves(&route),
            routing => {
                // The domains are read for the customers' names alone.
                let (routes, _) = tokio::join!(
                    app.listed_rules(&account, None),
                    client.domains(&account, false),
                );
                call.search(&routes?, args, routing);
            }
        }
        return Ok(call);
    };
    let (present, path) = tokio::join!(
        app.present_rules(&account, &domain, |_| false),
        app.call_path(&account, &domain, did.as_ref(), routing),
    );
    let (present, path) = (present?, path?);
    let routes = &present.rules;
    let caller_key = Ani::from_stored(call.ani.as_str());
    call.warnings.extend(present.notes_on(&caller_key));
    if routes.is_empty() {
        call.warnings
            .extend(app.refuse_unknown(&account, &domain).await?);
    }
    if let Some(route) = &path.routing {
        let names = app.names(Some(&account));
        call.number_goes_to = Some(names.routing(route, Some(&domain)));
    }
    let rule = call.judge(routes, args, &path);
    match rule {
        Some(rule) => call.destination = Some(call.look(app, &account, &domain, rule, &path).await),
        None if call.decided_by == DecidedBy::Fallback => {
            match app.fallback_of(&domain, &path).await {
                Ok((fallback, to)) => {
                    call.destination = to.map(|user| CallDestination {
                        application: Application::User.to_string(),
                        name: path.name_of(&user),
                        exists: Some(true),
                        destination: user,
                    });
                    call.fallback = Some(fallback);
                    let is_known = call.destination.is_some();
                    call.unknown
                        .extend(is_known.then(|| UnknownFact::AnsweringRules.into()));
                }
                Err(unknown) => call.unknown.push(unknown),
            }
        }
        None => {}
    }
    call.follow(path);
    Ok(call)
}

/// Refuses what was meant as a number and is none: an answer about it would be
/// about another call.
fn refuse_half_numbers(args: &ExplainCall) -> Result<()> {
    let caller = args.ani.as_given();
    let digits = caller.chars().filter(|c| c.is_numeric()).count();
    if args.ani.number().is_none() && digits >= 6 {
        // Its own parser says what is wrong with it.
        caller
            .parse::<PhoneNumber>()
            .map_err(|refused| refused.into_error("ani"))?;
    }
    match args.dnis.as_ref().filter(|dnis| !dnis.is_any()) {
        Some(dnis) if PhoneNumber::from_stored(dnis.as_given()).is_none() => dnis
            .as_given()
            .parse::<PhoneNumber>()
            .map(drop)
            .map_err(|refused| refused.into_error("dnis")),
        _ => Ok(()),
    }
}

/// The customer that a number's routing names.
fn home(routing: &RoutingRead) -> Option<PbxDomain> {
    let now = routing.as_ref().ok()?;
    now.route.as_ref()?.domain()?.parse().ok()
}

fn caller(ani: &CallerKey) -> String {
    let number = ani.number().map(PhoneNumber::as_str);
    number.unwrap_or(ani.as_given()).to_owned()
}

/// What is not known of any call of this caller.
fn about_caller(ani: &CallerKey) -> Vec<NotKnown> {
    let unknown = match ani.number() {
        None => Some(UnknownFact::CallerWithoutNumber.into()),
        Some(number) => {
            let why = number.implausibility();
            why.map(|why| UnknownFact::CallerNumber.because(why))
        }
    };
    unknown.into_iter().collect()
}

impl CallExplained {
    /// A dialled number that leads to no customer.
    fn leaves(&mut self, route: &DidRoute) {
        self.reaches_vip_list = Some(false);
        self.number_goes_to = Some(route.goes_to());
    }

    /// What is to be said where it is not known which customer is called.
    fn search(&mut self, routes: &[Route], args: &ExplainCall, routing: Option<RoutingRead>) {
        let of_caller: Vec<&Route> = rules_of(routes, &args.ani);
        self.decided_by = match of_caller.is_empty() {
            true => DecidedBy::Fallback,
            false => DecidedBy::DependsOnCalledNumber,
        };
        self.list(&of_caller, None);
        self.unknown.push(match routing {
            Some(Err(error)) => UnknownFact::NumberRouting.because(error.to_string()),
            Some(Ok(_)) => UnknownFact::NumberRouting.because(
                "SkySwitch shows no routing of it; it may not be a number of this account"
                    .to_owned(),
            ),
            None => UnknownFact::Customer.into(),
        });
    }

    /// Which of the customer's rules decides, if the call comes to them.
    fn judge<'a>(
        &mut self,
        routes: &'a [Route],
        args: &ExplainCall,
        path: &CallPath,
    ) -> Option<&'a Route> {
        let of_caller = rules_of(routes, &args.ani);
        let dialled = args.dnis.as_ref().filter(|dnis| !dnis.is_any());
        let rules = CallerRules::of(of_caller.iter().copied(), |dnis| {
            dialled.is_some_and(|dialled| dialled.matches(dnis))
        });
        let deciding = rules.deciding();
        let is_open = dialled.is_none() && of_caller.len() > rules.any.len();
        self.decided_by = match path.reaches_vip_list {
            Some(false) => DecidedBy::NumberRouting,
            _ => decide(deciding, !rules.exact.is_empty(), is_open),
        };
        let rule = match self.decided_by {
            DecidedBy::ExactRule | DecidedBy::CallerRule => deciding.first().copied(),
            _ => None,
        };
        self.list(&of_caller, rule);
        self.rule = rule.map(Vip::from);
        if self.decided_by == DecidedBy::NumberRouting {
            return None;
        }
        if !rules.any.is_empty() && !rules.exact.is_empty() {
            self.unknown.push(UnknownFact::OrderOfRules.into());
        }
        let may_match_too = |route: &&Route| {
            let RouteKey { ani, dnis, .. } = &route.key;
            match args.ani.matches(ani) {
                true => dnis.is_unclear(),
                false => ani.is_pattern() || args.ani.may_match(ani),
            }
        };
        let unclear = routes.iter().filter(may_match_too);
        let stored = |route: &Route| format!("\"{}\"", shown(route.key.ani.as_str(), 64));
        let unclear: Vec<String> = unclear.map(stored).collect();
        if !unclear.is_empty() {
            let unclear = first_few(NAMED, unclear);
            self.unknown.push(UnknownFact::Wildcards.because(unclear));
        }
        rule
    }

    fn list(&mut self, of_caller: &[&Route], rule: Option<&Route>) {
        let is_other = |other: &&&Route| rule.is_none_or(|rule| rule.key != other.key);
        let others: Vec<&&Route> = of_caller.iter().filter(is_other).collect();
        let listed = others.iter().take(LISTED);
        self.other_rules = listed.map(|other| Vip::from(**other)).collect();
        if others.len() > LISTED {
            let more = counted(others.len() - LISTED, "more rule");
            self.warnings
                .push(format!("not listed of this caller: {more}"));
        }
    }

    /// Looks whether the destination of the rule exists.
    async fn look(
        &mut self,
        app: &App,
        account: &AccountId,
        domain: &PbxDomain,
        rule: &Route,
        path: &CallPath,
    ) -> CallDestination {
        let looks = app.look_at_destinations(account, domain, &[rule]).await;
        let look = looks.into_iter().next().map(|(_, look)| look);
        let is_looked_at = match rule.application {
            Application::User => true,
            Application::Device => app.client().is_ok_and(|client| client.has_pbx()),
            _ => false,
        };
        let exists = match look.as_ref().map(|look| look.doubt) {
            Some(Some(Doubt::Unknown)) => Some(false),
            Some(_) => None,
            None => (is_looked_at && app.settings().check_destinations).then_some(true),
        };
        match look {
            Some(look) if look.doubt.is_some() => self.warnings.push(look.warning),
            Some(look) => self
                .unknown
                .push(UnknownFact::Destination.because(look.warning)),
            None if exists.is_none() => self.unknown.push(UnknownFact::Destination.into()),
            None => {}
        }
        if !matches!(exists, Some(false)) {
            let circle = app.look_for_circle(account, domain, rule).await;
            let circle = circle.map(|look| look.warning);
            let told = circle.filter(|circle| !self.warnings.contains(circle));
            self.warnings.extend(told);
        }
        if rule.application == Application::User {
            self.unknown.push(UnknownFact::AnsweringRules.into());
        }
        let (id, _) = rule.destination.address(&rule.application);
        let is_named = rule.application == Application::User && !rule.leaves_domain();
        CallDestination {
            application: rule.application.as_str().to_owned(),
            destination: rule.destination.as_str().to_owned(),
            name: is_named.then(|| path.name_of(id)).flatten(),
            exists,
        }
    }

    /// What the way of the call to the VIP rules says.
    fn follow(&mut self, path: CallPath) {
        self.reaches_vip_list = path.reaches_vip_list;
        let numbers = path.vip_numbers.iter();
        self.vip_numbers = numbers.map(|number| number.as_str().to_owned()).collect();
        self.warnings.extend(path.warnings);
        self.unknown.extend(path.unknown);
        let Some(route) = &path.routing else { return };
        if let Some(action) = route.spam_handling() {
            let action = shown(action, 40);
            self.unknown.push(UnknownFact::SpamHandling.because(action));
        }
        if self.decided_by == DecidedBy::NumberRouting && route.user().is_some() {
            self.unknown.push(UnknownFact::AnsweringRules.into());
        }
    }
}

fn rules_of<'a>(routes: &'a [Route], ani: &CallerKey) -> Vec<&'a Route> {
    let is_of_caller = |route: &&Route| ani.matches(&route.key.ani);
    routes.iter().filter(is_of_caller).collect()
}

fn decide(deciding: &[&Route], is_exact: bool, is_open: bool) -> DecidedBy {
    if is_open {
        return DecidedBy::DependsOnCalledNumber;
    }
    match deciding {
        [] => DecidedBy::Fallback,
        [first, rest @ ..] if rest.iter().any(|rule| !rule.same_destination(first)) => {
            DecidedBy::Ambiguous
        }
        _ if is_exact => DecidedBy::ExactRule,
        _ => DecidedBy::CallerRule,
    }
}
