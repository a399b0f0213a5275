//! A route-by-ANI rule as the service stores it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Application, Destination, PhoneNumber};
use crate::redact::shown;

/// Signs that make a stored caller a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];
/// Signs of other languages of patterns, beside which no number is read.
const OTHER_SIGNS: [char; 6] = ['%', '\\', '^', '$', '{', '|'];

/// A caller's number exactly as the service stores it, or as it will be sent.
///
/// Mostly digits; the service may also hold `*`, `anonymous`, short codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ani(Box<str>);

impl Ani {
    /// Takes what the service stored, unchanged.
    pub fn from_stored(text: &str) -> Ani {
        Ani(text.into())
    }

    /// The stored text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two stored texts are the same caller, in whatever writing.
    pub fn is_same_caller(&self, other: &Ani) -> bool {
        let number = PhoneNumber::from_stored(&self.0);
        self == other || (number.is_some() && number == PhoneNumber::from_stored(&other.0))
    }

    /// Whether this may be another writing of a caller, with marks or digits
    /// beside the number, such as `16165550123;user=phone`. Whether the service
    /// takes the two for one is not documented.
    pub fn may_be(&self, other: &Ani) -> bool {
        if let (Some(one), Some(another)) = (self.as_plain(), other.as_plain()) {
            return one == another;
        }
        let mut numbers = PhoneNumber::possible_in(&self.0);
        numbers.any(|number| number.may_be_stored_as(&other.0))
    }

    /// The ten digits of a North American number that is stored as ten or eleven
    /// digits and nothing else.
    fn as_plain(&self) -> Option<&str> {
        let ten = match self.0.len() {
            11 => self.0.strip_prefix('1')?,
            _ => &self.0,
        };
        let is_number = ten.len() == 10 && ten.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && !ten.starts_with(['0', '1'])).then_some(ten)
    }

    /// Whether this is a pattern and not a caller: with wildcards, such as `*` or
    /// `1616*`, or in another language of patterns, such as `1616%` or `_1616XXXXXXX`.
    pub fn is_pattern(&self) -> bool {
        let text = &*self.0;
        if text.contains(WILDCARDS) {
            return PhoneNumber::from_stored(text).is_none();
        }
        let has_dots_alone = || text.contains('.') && !text.contains(char::is_alphabetic);
        (text.contains(OTHER_SIGNS) || text.starts_with('_') || has_dots_alone())
            && PhoneNumber::possible_in(text).next().is_none()
    }

    /// Whether it is not clear which callers this means: a pattern, or a number
    /// with marks or digits beside it.
    pub fn is_unclear(&self) -> bool {
        let is_clear = || PhoneNumber::from_stored(&self.0).is_some();
        self.is_pattern() || (!is_clear() && PhoneNumber::possible_in(&self.0).next().is_some())
    }

    /// Whether a rule stored so may answer calls of a caller: a pattern that may
    /// match, or what may be another writing. What the service makes of
    /// wildcards is not documented, so only digits before the first one tell
    /// callers apart.
    pub fn may_match(&self, caller: &Ani) -> bool {
        let is_sign =
            |sign| WILDCARDS.contains(&sign) || OTHER_SIGNS.contains(&sign) || sign == '_';
        let fixed = self.0.split(is_sign).next().unwrap_or_default();
        let digits = digits_of(fixed);
        let begins = || match PhoneNumber::from_stored(&caller.0) {
            Some(number) => {
                let national = number.as_str().strip_prefix('1');
                let mut writings = [Some(number.as_str()), national].into_iter().flatten();
                writings.any(|writing| writing.starts_with(&digits))
            }
            None => digits_of(&caller.0).starts_with(&digits),
        };
        (self.is_pattern() && begins()) || self.may_be(caller)
    }

    /// Whether a typed text names this caller: the stored text itself, or any
    /// writing of the number.
    pub fn is_typed_as(&self, typed: &str) -> bool {
        if typed.trim().is_empty() {
            return false;
        }
        let number = typed
            .parse::<PhoneNumber>()
            .ok()
            .or_else(|| PhoneNumber::from_stored(typed.trim()));
        typed == &*self.0
            || typed.trim() == self.0.trim()
            || number.is_some_and(|number| number.is_stored_as(&self.0))
    }
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

impl From<&PhoneNumber> for Ani {
    fn from(number: &PhoneNumber) -> Self {
        Ani(number.as_str().into())
    }
}

/// For people: `+1 616-555-0123`, or the stored text where it is not a number.
impl fmt::Display for Ani {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_number(&self.0, f)
    }
}

/// The called number of a rule exactly as the service stores it.
///
/// Absent, null, empty and `*` all mean any called number; they differ only in
/// what must be sent back to delete the rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dnis(Option<Box<str>>);

impl Dnis {
    /// Any called number.
    pub fn any() -> Dnis {
        Dnis(None)
    }

    /// Takes what the service stored; an empty text means absent.
    pub fn from_stored(text: Option<&str>) -> Dnis {
        Dnis(text.filter(|text| !text.trim().is_empty()).map(Into::into))
    }

    /// Whether the rule holds for any called number. A text without a digit, such
    /// as `*`, `any` or `%`, names no number, so it is taken for any.
    pub fn is_any(&self) -> bool {
        let is_digit = |character: char| character.is_numeric();
        !self.as_str().contains(is_digit)
    }

    /// The stored text; empty where the service stored none.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// What to send as `dnis`, if anything.
    pub fn to_send(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether two rules are for the same called number.
    pub fn same_as(&self, other: &Dnis) -> bool {
        if self.is_any() || other.is_any() {
            return self.is_any() && other.is_any();
        }
        let number = PhoneNumber::from_stored(self.as_str());
        self.as_str() == other.as_str()
            || (number.is_some() && number == PhoneNumber::from_stored(other.as_str()))
    }
}

impl Dnis {
    /// Whether it is not clear which called numbers this means, as of `1616*`,
    /// `.{11}` or `16165550100;user=phone`.
    pub fn is_unclear(&self) -> bool {
        !self.is_any() && Ani::from_stored(self.as_str()).is_unclear()
    }

    /// Whether a rule for this called number may hold for the other one, too.
    pub fn may_cover(&self, other: &Dnis) -> bool {
        let stored = Ani::from_stored(self.as_str());
        self.is_any() || self.same_as(other) || stored.may_match(&Ani::from_stored(other.as_str()))
    }
}

impl From<&PhoneNumber> for Dnis {
    fn from(number: &PhoneNumber) -> Self {
        Dnis(Some(number.as_str().into()))
    }
}

/// For people: `any`, or the number.
impl fmt::Display for Dnis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("any");
        }
        display_number(self.as_str(), f)
    }
}

fn display_number(stored: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match PhoneNumber::from_stored(stored) {
        Some(number) => fmt::Display::fmt(&number, f),
        None => f.write_str(&shown(stored, 64)),
    }
}

/// What makes a rule one rule: domain, caller and called number, all as stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteKey {
    /// PBX domain as stored.
    pub domain: Arc<str>,
    /// Caller as stored.
    pub ani: Ani,
    /// Called number as stored.
    pub dnis: Dnis,
}

/// A route-by-ANI rule: who calls, whom they dialled, and where the call goes
/// (SkySwitch API reference, Route-by-ANI).
///
/// Every field is kept as the service wrote it, so that what is listed can be
/// given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Which rule this is.
    pub key: RouteKey,
    /// What kind of destination it has.
    pub application: Application,
    /// Whether the service stores the application. Where it does not, the
    /// destination implies it, and restoring the rule must leave it out again.
    pub application_is_stored: bool,
    /// Where calls go.
    pub destination: Destination,
}

impl RouteKey {
    /// Whether both name the rule of one caller and called number, in whatever writing.
    pub fn is_same_rule(&self, other: &RouteKey) -> bool {
        self.ani.is_same_caller(&other.ani) && self.dnis.same_as(&other.dnis)
    }

    /// The rule that is stored under this key, in the list of its domain.
    pub fn find_in<'a>(&self, rules: &'a [Route]) -> Option<&'a Route> {
        rules
            .iter()
            .find(|rule| rule.key.ani == self.ani && rule.key.dnis.same_as(&self.dnis))
    }

    /// Whether the key means, or may mean, more than one caller or called number.
    pub fn is_wide(&self) -> bool {
        self.ani.is_unclear() || self.dnis.is_any() || self.dnis.is_unclear()
    }

    /// Whether deleting the rule of this key may take the other one along: what
    /// the service makes of a called number that is left out, of wildcards, and
    /// of marks beside a number is not documented.
    pub fn may_take_along(&self, other: &RouteKey) -> bool {
        let may_be_caller = self.ani.is_same_caller(&other.ani) || self.ani.may_match(&other.ani);
        self != other && self.is_wide() && may_be_caller && self.dnis.may_cover(&other.dnis)
    }

    /// The same, or else the rule of the same caller in another writing: the
    /// service may store a number in its own way.
    pub fn find_in_any_writing<'a>(&self, rules: &'a [Route]) -> Option<&'a Route> {
        let is_same = |rule: &&Route| {
            rule.key.dnis.same_as(&self.dnis) && rule.key.ani.is_same_caller(&self.ani)
        };
        self.find_in(rules).or_else(|| rules.iter().find(is_same))
    }
}

impl Route {
    /// Whether two rules send the caller to the same place: `user:john` and
    /// `john` with application `user` are equal.
    pub fn same_destination(&self, other: &Route) -> bool {
        self.application == other.application
            && self.destination.bare_for(&self.application)
                == other.destination.bare_for(&other.application)
    }

    /// Whether two rules send the caller to the same place, or neither exists.
    pub fn are_alike(one: Option<&Route>, other: Option<&Route>) -> bool {
        match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => one.same_destination(other),
            _ => false,
        }
    }

    /// Whether calls go to a destination as people name it: `101` is a user, a
    /// device or a number of that name, `user:101` only the user.
    pub fn leads_to(&self, place: &Destination) -> bool {
        let named = place.implied_application();
        let application = named.as_ref().unwrap_or(&self.application);
        let (name, host) = place.address(application);
        let (own_name, own_host) = self.destination.address(&self.application);
        let host = host.unwrap_or(&self.key.domain);
        let own_host = own_host.unwrap_or(&self.key.domain);
        named
            .as_ref()
            .is_none_or(|named| *named == self.application)
            && name.eq_ignore_ascii_case(own_name)
            && host.eq_ignore_ascii_case(own_host)
    }

    /// Whether calls leave the customer's phone system: to a SIP address or
    /// number outside, or to another domain. Only exactly the rule's own
    /// domain counts as inside.
    pub fn leaves_domain(&self) -> bool {
        match self.destination.address(&self.application) {
            (_, Some(host)) => !host
                .trim_end_matches('.')
                .eq_ignore_ascii_case(&self.key.domain),
            (_, None) => !matches!(self.application, Application::User | Application::Device),
        }
    }

    /// Order of lists: domain, caller, called number.
    pub fn list_order(&self, other: &Route) -> Ordering {
        self.order_key().cmp(&other.order_key())
    }

    /// The texts that [`Route::list_order`] compares.
    pub fn order_key(&self) -> (&str, &str, &str) {
        (
            &self.key.domain,
            self.key.ani.as_str(),
            self.key.dnis.as_str(),
        )
    }

    /// The destination, for people: `user 101`, `device johns-cell`, `literal sip:…`.
    pub fn goes_to(&self) -> String {
        let place = shown(self.destination.bare_for(&self.application), 80);
        format!("{} {place}", self.kind_of_place())
    }

    /// What kind of place the destination is, for people: `user`, `device`, `SIP
    /// address`, or `outside number`.
    pub fn kind_of_place(&self) -> String {
        let address = self.destination.as_str();
        match &self.application {
            Application::Literal if address.contains([':', '@']) => "SIP address".to_owned(),
            Application::Literal => "outside number".to_owned(),
            application => shown(application.as_str(), 20),
        }
    }
}
