//! Customers' numbers and where they go (SkySwitch API reference, PBX Phone
//! Numbers, and Phone Numbers, Route).
//!
//! Numbers are listed here, and their routing is read and written. One path segment away a
//! PUT buys a number and a DELETE disconnects it: [`route_path`] is the only path below
//! `phone-numbers` that this program can form.

use super::call::Call;
use super::http::Answer;
use super::page::{Names, Page, Row};
use super::scalar::Field;
use super::{Client, account_path};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, DidRoute, Extension, PbxDomain, PhoneNumber};

/// A number of a list of bare texts.
#[derive(PartialEq)]
struct Listed(PhoneNumber);

/// The documented default of the inventory, which is sent so that no other applies.
const PER_PAGE: &str = "100";

const NO_NUMBER: &str = "a readable phone number";

#[derive(serde::Deserialize)]
pub(super) struct NumberWire {
    #[serde(default)]
    phone_number: Field,
}

impl Row for Listed {
    type Wire = NumberWire;

    fn from_wire(
        wire: NumberWire,
        key: Option<&str>,
        _: &mut Names,
    ) -> Result<Listed, &'static str> {
        let number = wire.phone_number.text(NO_NUMBER)?;
        Listed::from_text(number.as_deref().or(key).ok_or(NO_NUMBER)?, None)
    }

    fn from_text(text: &str, _: Option<&str>) -> Result<Listed, &'static str> {
        PhoneNumber::from_stored(text).map(Listed).ok_or(NO_NUMBER)
    }
}

/// The first number in an answer whose routing can be asked for.
pub(super) fn first_in(answer: &Answer) -> Option<PhoneNumber> {
    let page = Page::<Listed>::read(answer, "the list of numbers", false).ok()?;
    let mut numbers = page.rows.into_iter().map(|Listed(number)| number);
    numbers.find(|number| number.as_str().len() == 11)
}

/// The request for the numbers of a domain.
pub(super) fn domain_call(account: &AccountId, domain: &PbxDomain) -> Call {
    Call::get(account_path(account, ["pbx", "phone-numbers"])).with("domain", domain.as_str())
}

/// The request for the numbers of the account.
pub(super) fn account_call(account: &AccountId) -> Call {
    Call::get(account_path(account, ["phone-numbers"])).with("per_page", PER_PAGE)
}

impl Client {
    /// The customer's numbers in a domain, or only those that go to one of its users.
    ///
    /// # Errors
    /// See [`Client::domains`].
    pub async fn domain_numbers(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        user: Option<&Extension>,
    ) -> Result<Vec<PhoneNumber>> {
        let mut call = domain_call(account, domain);
        if let Some(user) = user {
            call = call.with("user", user.as_str());
        }
        let what = "the list of numbers";
        let listed = self.list_of::<Listed>(account, domain, call, what);
        let listed = listed.await?.rows;
        Ok(listed.into_iter().map(|Listed(number)| number).collect())
    }

    /// All numbers of the account, whoever has them, in ascending order.
    ///
    /// # Errors
    /// `forbidden` where the scope `phone_number` was not granted; otherwise
    /// see [`Client::domains`].
    pub async fn account_numbers(&self, account: &AccountId) -> Result<Vec<PhoneNumber>> {
        let call = account_call(account);
        let what = "the list of the account's numbers";
        let listed = self.list_from::<Listed>(&self.inner.numbers, call, what);
        let mut numbers: Vec<PhoneNumber> = listed
            .await?
            .rows
            .into_iter()
            .map(|Listed(number)| number)
            .collect();
        numbers.sort();
        Ok(numbers)
    }

    /// The routing of a customer's number; `None` where it has none.
    ///
    /// # Errors
    /// `invalid_argument` for a number that is not North American; `forbidden`
    /// where the scope `routing` was not granted; the transport's errors.
    pub async fn did_route(
        &self,
        account: &AccountId,
        did: &PhoneNumber,
    ) -> Result<Option<DidRoute>> {
        let call = Call::get(route_path(account, did)?);
        let answer = match self.inner.numbers.read(call).await {
            Err(error) if error.code() == Code::NotFound => return Ok(None),
            answer => answer?,
        };
        let is_blank = answer.body.iter().all(u8::is_ascii_whitespace);
        if answer.status != 200 || is_blank {
            return Err(answer.not_understood(not_a_route()));
        }
        let value: serde_json::Value = answer.json("the number's routing")?;
        let is_empty = match &value {
            serde_json::Value::Array(list) => list.is_empty(),
            serde_json::Value::Object(fields) => {
                fields.is_empty() && self.inner.empty_object_is_list
            }
            _ => false,
        };
        match (DidRoute::from_stored(&value), is_empty) {
            (Some(route), _) => Ok(Some(route)),
            (None, true) => Ok(None),
            (None, false) => Err(answer.not_understood(not_a_route())),
        }
    }
}

/// Taken for no route, it would be overwritten without a copy to put back.
fn not_a_route() -> Error {
    Error::new(
        Code::UpstreamRejected,
        "SkySwitch answered the number's routing in a form that is not known",
        "Nothing is changed on such an answer; please report it, with the API's version.",
    )
}

/// The path of a number's route, and of nothing else.
///
/// # Errors
/// `invalid_argument` for a number that is not North American: the service
/// takes eleven digits.
pub(super) fn route_path(account: &AccountId, did: &PhoneNumber) -> Result<Vec<String>> {
    if did.as_str().len() != 11 {
        return Err(Error::invalid(
            "did",
            format!(
                "`{}` is not an 11-digit North American number",
                did.as_str()
            ),
            "Give a North American number such as `6165550100`.",
        ));
    }
    Ok(account_path(
        account,
        ["phone-numbers", did.as_str(), "route"],
    ))
}
