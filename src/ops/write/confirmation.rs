//! What a result says of a person's agreement: how it is given, and why it was not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::local_time;
use crate::ops::write::agree::Asked;
use crate::ops::write::waiting::Patience;
use skyswitch_domain::error::Result;
use skyswitch_domain::program;
use skyswitch_domain::wording::counted;
use skyswitch_guard::{Author, Channel, NotAgreed, Offered, Pending, Question};

/// What a result says of a confirmation that is still to be given.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Confirmation {
    /// What the person is to be shown, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// The person approves with `skyswitch approve CODE` in a terminal, e.g. `K7QM-3XPD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_code: Option<String>,
    /// Or the person opens this page in a browser on this machine and decides there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_link: Option<String>,
    /// Send it back as `confirmation` once the person has agreed to the preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
    /// When the confirmation expires, RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What to do now, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

impl Confirmation {
    /// Nobody could be asked; with what to do about it.
    pub(super) fn of_nobody(otherwise: &str) -> Confirmation {
        Confirmation {
            next_step: Some(format!(
                "Not confirmed: nobody could be asked, so nothing was changed. {otherwise}"
            )),
            ..Confirmation::default()
        }
    }

    /// Another call asks for the same change, and its question is the one that
    /// people can answer.
    pub(super) fn replaced() -> Confirmation {
        Confirmation {
            next_step: Some(
                "Not confirmed: another call asked for the same change meanwhile, and its question replaced this \
                 one, whose code and link no longer work. Nothing was changed. Call the tool again to see what \
                 waits now."
                    .to_owned(),
            ),
            ..Confirmation::default()
        }
    }

    /// Nobody agreed; with what that allows. `was_asked` is false where that was a
    /// moment ago, and nobody was asked again.
    pub(super) fn refused(why: NotAgreed, was_asked: bool, author: Author) -> Confirmation {
        let next_step = match author {
            Author::Program => told_to_a_model(why, was_asked),
            Author::Person => told_to_the_person(why),
        };
        Confirmation {
            next_step: Some(next_step.to_owned()),
            ..Confirmation::default()
        }
    }
}

/// For whoever has answered at the terminal, or a program of theirs.
fn told_to_the_person(why: NotAgreed) -> &'static str {
    match why {
        NotAgreed::Declined => "Declined: nothing was changed.",
        NotAgreed::WrongValue => {
            "Wrong value: what was typed was not the value asked for, also at the last attempt, so nothing was \
             changed. Run the command again to be asked again."
        }
        NotAgreed::Expired | NotAgreed::NoAnswer => {
            "Not answered: no value was typed, so nothing was changed. Run the command again to be asked again."
        }
    }
}

fn told_to_a_model(why: NotAgreed, was_asked: bool) -> &'static str {
    match (why, was_asked) {
        (NotAgreed::Declined, true) => {
            "Declined by the person; nothing was changed. Ask again only when they want it, after a minute at least."
        }
        (NotAgreed::Declined, false) => {
            "Declined less than a minute ago: nobody was asked again, and nothing was changed. Ask for this again \
                 only when the person wants it, and not before that minute is over."
        }
        (NotAgreed::WrongValue, true) => {
            "Wrong value: what the person typed was not the value asked for, also at the last attempt, so nothing \
                 was changed. That is not a no: ask the person whether they want it. For a minute after that attempt, \
                 it is not put before them; after that, calling the tool again asks them."
        }
        (NotAgreed::WrongValue, false) => {
            "Wrong value: less than a minute ago, the person did not type the value asked for. Nobody was asked \
                 again, and nothing was changed. Ask the person whether they want it, and call the tool again after \
                 that minute."
        }
        (NotAgreed::Expired, _) => {
            "Expired: nobody answered the question in time, so nothing was changed. Ask the person whether they \
                 want it; calling the tool again asks them again."
        }
        (NotAgreed::NoAnswer, _) => {
            "Not answered: the question was closed without an answer, so nothing was changed. Ask the person \
                 whether they want it before you call the tool again."
        }
    }
}

/// How the approval page reaches the person.
#[derive(Clone, Copy, PartialEq)]
enum Page {
    None,
    /// By a link in the result.
    Linked,
    /// The client has brought it before the person.
    Opened,
    /// The client was sent it and has not said what became of it: the result
    /// has the link, too.
    Unanswered,
}

/// What waits for a person.
pub(super) struct Waits {
    pub confirmation: Confirmation,
    /// Whether the client has brought it before the person with this call.
    pub is_before_the_person: bool,
}

impl App {
    /// What a result says of a change that waits for a person; or the approval
    /// page, where the client brings that before the person between two calls.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub(super) async fn wait_for_person(
        &self,
        pending: Pending,
        channel: &Channel<'_>,
    ) -> Result<Asked<Waits>> {
        let Channel::Elsewhere {
            form_failed, links, ..
        } = channel
        else {
            return Ok(Asked::Done(self.waits(pending, false, None, Page::None)));
        };
        let link = match &pending.approval_code {
            Some(code) if !pending.only_at_terminal => self.approval_link(code, &pending).await,
            _ => None,
        };
        let (link, page) = match (link, links) {
            (None, _) => (None, Page::None),
            (Some(link), None) => (Some(link), Page::Linked),
            (Some(link), Some(links)) => {
                let code = pending.approval_code.as_deref().unwrap_or_default();
                let offer = links.offer(&pending.preview, &link);
                let offered = self.while_it_waits(code, offer).await?;
                match offered {
                    Some(Offered::ToThePerson) => (None, Page::Opened),
                    // Who closed it may still want it later.
                    Some(Offered::NotWanted | Offered::Failed) => (Some(link), Page::Linked),
                    Some(Offered::WithTheResult) => {
                        return Ok(Asked::Question(Question {
                            preview: pending.preview,
                            state: String::new(),
                            link: Some(link),
                        }));
                    }
                    None => (Some(link), Page::Unanswered),
                }
            }
        };
        Ok(Asked::Done(self.waits(pending, *form_failed, link, page)))
    }

    fn waits(
        &self,
        pending: Pending,
        form_failed: bool,
        link: Option<String>,
        page: Page,
    ) -> Waits {
        Waits {
            confirmation: confirmation(pending, form_failed, link, page, self.patience.as_ref()),
            is_before_the_person: matches!(page, Page::Opened | Page::Unanswered),
        }
    }

    async fn approval_link(&self, code: &str, pending: &Pending) -> Option<String> {
        let page = self.approval_page()?;
        match page.link_to(code, pending.expires_at).await {
            Ok(link) => Some(link.into()),
            Err(error) => {
                // The terminal works all the same.
                tracing::warn!(%error, "the approval page is not offered");
                None
            }
        }
    }
}

fn confirmation(
    pending: Pending,
    form_failed: bool,
    approval_link: Option<String>,
    page: Page,
    patience: Option<&Patience>,
) -> Confirmation {
    // In whole seconds, as the store keeps it.
    let expires_at = local_time::from_seconds(pending.expires_at.as_second());
    Confirmation {
        next_step: Some(next_step(&pending, form_failed, page, patience)),
        preview: Some(pending.preview.text()),
        approval_code: pending.approval_code,
        approval_link,
        confirmation: pending.confirmation,
        expires_at: Some(expires_at.to_string()),
    }
}

fn next_step(
    pending: &Pending,
    form_failed: bool,
    page: Page,
    patience: Option<&Patience>,
) -> String {
    let form = match form_failed {
        true => "The client could not show the confirmation form, so nobody was asked. ",
        false => "",
    };
    let Some(code) = &pending.approval_code else {
        return format!(
            "{form}Show the person the preview word for word. When they have agreed, call this tool again \
             with the same arguments and this `confirmation`."
        );
    };
    let (program, value) = (program(), pending.preview.asks_for().name());
    let again = match patience {
        Some(patience) => format!(
            "call this tool again with the same arguments at once: it waits up to {} for them",
            counted(patience.seconds(), "second")
        ),
        None => "then call this tool again with the same arguments".to_owned(),
    };
    let pin = match pending.preview.wants_pin() {
        true => " and the PIN",
        false => "",
    };
    let page = match page {
        Page::None => "",
        Page::Linked | Page::Unanswered => "open `approval_link` in a browser on this machine, or ",
        Page::Opened => "use the page that the client has offered them, or ",
    };
    format!(
        "{form}Show the person the preview word for word. To approve, they {page}run `{program} approve {code}` \
         in a terminal, and type {value}{pin}; {again}. \
         Do not approve for them."
    )
}
