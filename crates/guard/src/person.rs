//! How a person is reached, and what they answer.

use std::pin::Pin;

use super::Preview;
use skyswitch_domain::redact::Secret;

/// A person's answer to a question, as a face received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The person sent this text. Whether it is consent is the guard's to judge.
    Typed(String),
    /// The person sent this text, and the PIN besides.
    WithPin {
        /// The text.
        typed: String,
        /// The PIN.
        pin: Secret,
    },
    /// The value was right, and the PIN was not.
    WrongPin,
    /// The person said no.
    Declined,
    /// The question was closed without an answer, or nobody was there.
    NoAnswer,
    /// Nobody answered before the question expired.
    Expired,
    /// The client failed to show the form, so no person has seen the question.
    NotShown {
        /// The token that came with the call, as from a client without forms.
        confirmation: Option<String>,
    },
}

impl Answer {
    /// What was typed into a form with a field for the PIN, which may be empty.
    pub fn with_pin(typed: String, pin: String) -> Answer {
        match pin.is_empty() {
            true => Answer::Typed(typed),
            false => Answer::WithPin {
                typed,
                pin: Secret::new(pin),
            },
        }
    }
}

/// Asks a person during the call. Implemented by MCP elicitation and by the terminal.
pub trait AskPerson: Sync {
    /// Shows the preview word for word and returns what the person typed.
    fn ask<'a>(&'a self, preview: &'a Preview)
    -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    /// What to do where nobody can be asked from here.
    fn absent(&self) -> Option<&str> {
        None
    }

    /// Where a link can be brought before the person, too.
    fn links(&self) -> Option<&dyn OfferLink> {
        None
    }
}

/// Brings a link before the person past the model. Implemented by MCP
/// elicitation of the mode `url`.
pub trait OfferLink: Sync {
    /// Offers the page on which the person decides about a change.
    fn offer<'a>(
        &'a self,
        preview: &'a Preview,
        link: &'a str,
    ) -> Pin<Box<dyn Future<Output = Offered> + Send + 'a>>;
}

/// What became of a link that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// The person has it, from this call or an earlier one.
    ToThePerson,
    /// The person did not want it.
    NotWanted,
    /// The client could not offer it.
    Failed,
    /// It has to be returned with the result.
    WithTheResult,
}

/// How a person can be reached from where the call came from.
pub enum Channel<'a> {
    /// Asked during the call.
    During(&'a dyn AskPerson),
    /// Asked between two calls: the first returns a question with a sealed
    /// state, the second brings both back (MCP 2026-07-28).
    Between {
        /// The sealed state of the earlier call.
        state: Option<&'a str>,
        /// The answer that came with it.
        answer: Option<Answer>,
    },
    /// Not from here: the caller has no forms.
    Elsewhere {
        /// A token from an earlier answer, where the operator allows tokens.
        confirmation: Option<&'a str>,
        /// Whether the caller claims forms, but failed to show one.
        form_failed: bool,
        /// Where the client brings links before the person itself.
        links: Option<&'a dyn OfferLink>,
    },
    /// The person agreed with the command itself (`--yes`).
    Given,
    /// The person has agreed to the whole of which this is a part.
    Within,
}
