//! What `explain_call` says of a call: what decides, where it goes, and each
//! fact that is not known.

use schemars::JsonSchema;
use serde::Serialize;

use skyswitch_domain::Vip;

/// What decides where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DecidedBy {
    /// The number's own routing: calls to it do not reach the VIP rules.
    NumberRouting,
    /// A rule for this caller and this dialled number.
    ExactRule,
    /// A rule for this caller, whatever is dialled.
    CallerRule,
    /// No VIP rule: the dial translation rule, if there is one.
    Fallback,
    /// Rules for particular dialled numbers or of several customers, and no number was given.
    DependsOnCalledNumber,
    /// Several rules for the same caller with different destinations.
    Ambiguous,
}

/// Where calls go.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct CallDestination {
    /// `user`, `device` or `literal`.
    pub application: String,
    /// The destination, as the service stores it.
    pub destination: String,
    /// The name of the user, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it exists; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// What is known of the dial translation rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum FallbackState {
    /// The dial plan shows it.
    Verified,
    /// A person has attested it.
    Attested,
    /// The dial plan shows that there is none: the call is dropped.
    Missing,
}

/// What becomes of a call that no VIP rule matches.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct FallbackShown {
    /// What is known of the dial translation rule.
    pub state: FallbackState,
    /// What shows it, for people.
    pub words: String,
}

/// A fact that the service does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum UnknownFact {
    /// Which customer is called.
    Customer,
    /// Where the dialled number, or the customer's numbers, go.
    NumberRouting,
    /// Whether this call is forwarded to the VIP rules: only some are, or perhaps none.
    Forwarding,
    /// Whether the Route by ANI user passes calls on.
    RouteByAniUser,
    /// Whether the dial translation rule exists, and where it leads.
    DialTranslationRule,
    /// Whether the destination exists.
    Destination,
    /// What the user's own answering rules and devices do.
    AnsweringRules,
    /// Which of two rules comes first.
    OrderOfRules,
    /// Whether rules stored with wildcards match.
    Wildcards,
    /// Whether callers without a number are matched.
    CallerWithoutNumber,
    /// Whether the caller's number can exist.
    CallerNumber,
    /// Whether the call is taken for spam before any rule is looked at.
    SpamHandling,
}

/// What is not known of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct NotKnown {
    /// The fact.
    #[schemars(with = "String")]
    pub fact: UnknownFact,
    /// Why it is not known, or what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl UnknownFact {
    /// Whether it leaves open that the call comes to the VIP rules at all.
    pub(crate) fn is_about_reaching(self) -> bool {
        matches!(
            self,
            UnknownFact::NumberRouting | UnknownFact::Forwarding | UnknownFact::RouteByAniUser
        )
    }

    /// Not known, and why.
    pub(in crate::ops) fn because(self, why: String) -> NotKnown {
        NotKnown {
            fact: self,
            why: Some(why),
        }
    }
}

impl From<UnknownFact> for NotKnown {
    fn from(fact: UnknownFact) -> NotKnown {
        NotKnown { fact, why: None }
    }
}

/// A call explained.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct CallExplained {
    /// The account, where the question named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The customer's domain, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The caller, in the form that would be stored, or as given.
    pub ani: String,
    /// The dialled number, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnis: Option<String>,
    /// What decides.
    #[schemars(with = "String")]
    pub decided_by: DecidedBy,
    /// Whether the call reaches the customer's VIP rules; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaches_vip_list: Option<bool>,
    /// Where the dialled number goes, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_goes_to: Option<String>,
    /// The customer's numbers whose calls reach the VIP rules, where none was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vip_numbers: Vec<String>,
    /// Where the call goes, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<CallDestination>,
    /// The VIP rule that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Vip>,
    /// The dial translation rule, where it decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackShown>,
    /// The caller's other rules, which do not decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub other_rules: Vec<Vip>,
    /// What is wrong on the way of the call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What the API does not show, and so nobody can say from here.
    pub unknown: Vec<NotKnown>,
}
