//! The words of the field as types: parsed once at the edge, trusted inside.

mod day;
mod destination;
mod destination_key;
mod did_route;
mod digits;
pub mod error;
mod face;
mod html;
mod names;
mod number;
mod precedence;
pub mod redact;
mod route;
mod setup;
mod since;
mod vip;
pub mod wording;
mod writings;

pub use day::Day;
pub use destination::{Application, Destination, DestinationForm};
pub use destination_key::DestinationKey;
pub use did_route::{DidRoute, RouteTarget};
pub use digits::has_decimals;
pub use error::{Error, Refused, Result};
pub use face::{
    Argument, Face, Operation, ask_again, command_line, commands_begin, operator_can, program,
};
pub use names::{AccountId, CustomerKey, PbxDomain};
pub use number::{CalledNumber, CallerKey, DnisKey, PhoneNumber};
pub use precedence::{CallerRules, answering_without};
pub use route::{Ani, Dnis, Route, RouteKey};
pub use setup::{Extension, ROUTE_BY_ANI, SetupPiece, SetupStep, names_ani_user};
pub use since::{Since, Until};
pub use vip::Vip;

/// Gives a newtype the serde and schema behaviour of the text it parses from.
///
/// JSON integers are taken as their digits, since several clients send
/// numbers unquoted.
macro_rules! parsed_from_text {
    ($type:ty, $description:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = crate::text_or_integer(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "description": $description})
            }
        }
    };
}
pub(crate) use parsed_from_text;

/// Reads a JSON string, or an integer as its digits.
fn text_or_integer<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl serde::de::Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
        fn visit_u64<E>(self, digits: u64) -> Result<String, E> {
            Ok(digits.to_string())
        }
    }
    deserializer.deserialize_any(Text)
}
