//! `explain_call`: where this caller's calls go, and what nobody can know
//! from the API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::names::Names;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{
    AccountId, Application, Argument, CallerKey, CallerRules, CustomerKey, DnisKey, Operation,
    PhoneNumber, Route, Vip,
};

/// Rules named in one sentence; the others are counted.
const NAMED: usize = 5;

/// Which call to explain.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ExplainCall {
    /// The caller's number in any common writing, e.g. `(616) 555-0123`, or a stored value exactly as listed
    #[arg(long)]
    pub ani: CallerKey,
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// The number that is dialled, e.g. `6165550100`; when left out, the answer says whether it matters
    #[arg(long)]
    pub dnis: Option<DnisKey>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
}

/// What decides where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DecidedBy {
    /// A rule for this caller and this dialled number.
    ExactRule,
    /// A rule for this caller, whatever is dialled.
    CallerRule,
    /// No VIP rule: the domain's fallback, if there is one.
    Fallback,
    /// Rules for particular dialled numbers, and none was given.
    DependsOnCalledNumber,
    /// Several rules for the same caller with different destinations.
    Ambiguous,
}

/// Where calls go.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Rings {
    /// `user`, `device` or `literal`.
    pub application: String,
    /// The destination, as the service stores it.
    pub destination: String,
}

/// A call explained.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CallExplained {
    /// The account.
    pub account_id: String,
    /// The domain.
    pub domain: String,
    /// The caller, in the form that would be stored, or as given.
    pub ani: String,
    /// The dialled number, where one was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dnis: Option<String>,
    /// What decides.
    pub decided_by: DecidedBy,
    /// The destination, where a rule decides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rings: Option<Rings>,
    /// The rule that decides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Vip>,
    /// Why, in plain words.
    pub why: String,
    /// The caller's other rules, which do not decide.
    pub other_rules: Vec<Vip>,
    /// What the API does not show, and so nobody can say from here.
    pub unknown: Vec<String>,
}

/// Explains a call by the present rules, with one read.
///
/// # Errors
/// `not_found` for an unknown customer; `not_configured` and the service's errors.
pub async fn explain_call(app: &App, args: &ExplainCall) -> Result<CallExplained> {
    let account = app.account(args.account_id.as_ref())?;
    let domain = app.domain_of(&account, &args.domain).await?;
    let routes = app.client()?.routes(&account, Some(&domain)).await?;
    let not_checked = match routes.is_empty() {
        true => app.refuse_unknown(&account, &domain).await?,
        false => None,
    };
    let is_of_caller = |route: &&Route| args.ani.matches(&route.key.ani);
    let of_caller: Vec<&Route> = routes.iter().filter(is_of_caller).collect();
    let dialled = args.dnis.as_ref().filter(|dnis| !dnis.is_any());
    let rules = CallerRules::of(of_caller.iter().copied(), |dnis| {
        dialled.is_some_and(|dialled| dialled.matches(dnis))
    });
    let deciding = rules.deciding();
    let for_numbers = of_caller.len() - rules.any.len();
    let open = dialled.is_none() && for_numbers > 0;
    let verdict = decide(deciding, !rules.exact.is_empty(), open);
    let rule = match verdict {
        DecidedBy::ExactRule | DecidedBy::CallerRule => deciding.first().copied(),
        _ => None,
    };
    let others = of_caller
        .iter()
        .filter(|other| rule.is_none_or(|rule| rule.key != other.key));
    let number = args.ani.number().map(PhoneNumber::as_str);
    Ok(CallExplained {
        account_id: account.to_string(),
        domain: domain.to_string(),
        ani: number.unwrap_or(args.ani.as_given()).to_owned(),
        dnis: dialled.map(|dnis| dnis.as_given().to_owned()),
        decided_by: verdict,
        rings: rule.map(|rule| Rings {
            application: rule.application.as_str().to_owned(),
            destination: rule.destination.as_str().to_owned(),
        }),
        why: why(verdict, rule, &of_caller, &app.names(Some(&account))),
        other_rules: others.map(|other| Vip::from(*other)).collect(),
        unknown: unknown(args, verdict, rule, &rules, &routes)
            .into_iter()
            .chain(not_checked)
            .collect(),
        rule: rule.map(Vip::from),
    })
}

fn decide(deciding: &[&Route], is_exact: bool, open: bool) -> DecidedBy {
    if open {
        return DecidedBy::DependsOnCalledNumber;
    }
    match deciding {
        [] => DecidedBy::Fallback,
        [first, rest @ ..] if rest.iter().any(|rule| !rule.rings_like(first)) => {
            DecidedBy::Ambiguous
        }
        _ if is_exact => DecidedBy::ExactRule,
        _ => DecidedBy::CallerRule,
    }
}

fn why(
    verdict: DecidedBy,
    rule: Option<&Route>,
    of_caller: &[&Route],
    names: &Names<'_>,
) -> String {
    let to = rule.map(|rule| names.destination(rule)).unwrap_or_default();
    match verdict {
        DecidedBy::ExactRule => format!(
            "A VIP rule for this caller and this dialled number decides: the call goes to {to}."
        ),
        DecidedBy::CallerRule => format!(
            "A VIP rule for this caller decides, whatever number is dialled: the call goes to {to}."
        ),
        DecidedBy::Fallback => "No VIP rule matches this call. It follows the dial translation rule to the fallback \
             destination; where that rule is missing, the call is dropped."
            .to_owned(),
        DecidedBy::DependsOnCalledNumber => depends(of_caller, names),
        DecidedBy::Ambiguous => "The same caller is stored in several writings whose rules have different destinations; which of them \
             SkySwitch takes is not documented. Remove those that are leftovers."
            .to_owned(),
    }
}

/// Which destination which dialled number has.
fn depends(of_caller: &[&Route], names: &Names<'_>) -> String {
    let (any, particular): (Vec<&Route>, Vec<&Route>) =
        of_caller.iter().partition(|rule| rule.key.dnis.is_any());
    let particular = particular.iter();
    let particular =
        particular.map(|rule| format!("{} goes to {}", rule.key.dnis, names.destination(rule)));
    let others = match any.as_slice() {
        [] => "for any other number there is no VIP rule".to_owned(),
        [first, rest @ ..] if rest.iter().any(|rule| !rule.rings_like(first)) => {
            "for any other number the caller is stored in several writings with different destinations"
                .to_owned()
        }
        [first, ..] => format!("any other number goes to {}", names.destination(first)),
    };
    format!(
        "It depends on the number that is dialled: {}; {others}. Give it as {} to know which rule decides.",
        first_few(NAMED, particular),
        Argument("dnis")
    )
}

/// Everything that is not known, each only where it matters to this call.
fn unknown(
    args: &ExplainCall,
    verdict: DecidedBy,
    rule: Option<&Route>,
    rules: &CallerRules<'_>,
    routes: &[Route],
) -> Vec<String> {
    let mut unknown = vec![format!(
        "whether the number that is dialled goes to the domain's Route by ANI user, and whether the dial \
         translation rule exists: without them no VIP rule is applied (see {})",
        Operation::SetupChecklist
    )];
    if !rules.any.is_empty() && !rules.exact.is_empty() {
        unknown.push(
            "whether the rule for this dialled number comes before the one for any: the order is not documented; \
             the more particular one is assumed here"
                .to_owned(),
        );
    }
    if verdict == DecidedBy::Fallback {
        unknown.push(
            "where the dial translation rule sends the call, and whether the rule exists"
                .to_owned(),
        );
    }
    let patterns: Vec<String> = routes
        .iter()
        .filter(|route| !args.ani.matches(&route.key.ani))
        .filter(|route| route.key.ani.is_pattern())
        .map(|route| format!("\"{}\"", shown(route.key.ani.as_str(), 64)))
        .collect();
    if !patterns.is_empty() {
        unknown.push(format!(
            "whether rules stored with wildcards match this caller too ({}): not documented",
            first_few(NAMED, patterns)
        ));
    }
    if rule.is_some_and(|rule| rule.application == Application::User) {
        unknown.push(
            "where the user's calls go in turn: the user's own answering rules and devices decide that"
                .to_owned(),
        );
    }
    match args.ani.number() {
        None => unknown.push(
            "whether callers without a number, such as anonymous ones, are matched at all: not documented"
                .to_owned(),
        ),
        Some(number) => unknown.extend(number.implausibility()),
    }
    unknown
}
