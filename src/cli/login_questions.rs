//! Asking for a login at the terminal: again where it is refused, with what was
//! typed kept, and not again where only the service could not be reached.

use super::ask::{self, typed_line};
use super::login::{Accepted, INTRODUCTION};
use super::output::tell;
use crate::config::ConfigEdit;
use crate::ops;
use skyswitch_domain::AccountId;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::Secret;
use skyswitch_domain::wording::{capitalised, counted};

/// Logins, or accounts, that may be refused; more would lock a user out.
const TRIES: usize = 3;

/// Asks until the login is accepted, and the account can be read.
pub(super) async fn ask_for_login(edit: &mut ConfigEdit) -> Result<Accepted> {
    tell(INTRODUCTION);
    let mut secrets = Vec::new();
    ask_for_values(edit, &mut secrets).await?;
    let mut tries = Tries(TRIES);
    let (settings, login) = loop {
        // Whoever was told what to correct may have done so meanwhile.
        edit.read_again()?;
        let settings = edit.settings()?;
        match ops::try_login(&settings).await {
            Ok(login) => break (settings, login),
            Err(error) => {
                if tries.next(error).await? == Next::Ask {
                    ask_for_values(edit, &mut secrets).await?;
                }
            }
        }
    };
    let mut account = ask_for_account(settings.default_account.as_ref()).await?;
    let mut tries = Tries(TRIES);
    let customers = loop {
        match login.customers_of(&account).await {
            Ok(customers) => break customers,
            Err(error) => {
                if tries.next(error).await? == Next::Ask {
                    account = ask_for_account(Some(&account)).await?;
                }
            }
        }
    };
    Ok(Accepted {
        secrets,
        settings,
        login,
        account,
        customers,
    })
}

/// What is done after a failure.
#[derive(PartialEq)]
enum Next {
    /// Something was refused: ask for it again.
    Ask,
    /// Nobody has looked at it: try the same again.
    TrySame,
}

/// How often something may be refused.
struct Tries(usize);

impl Tries {
    /// Says what went wrong, and what is tried next.
    ///
    /// # Errors
    /// The failure itself, after the last try or where the person has enough of it.
    async fn next(&mut self, error: Error) -> Result<Next> {
        let what = format!("{}.\n{}", capitalised(&error.to_string()), error.hint());
        let nobody_looked = matches!(
            error.code(),
            Code::UpstreamUnavailable | Code::Timeout | Code::RateLimited
        );
        if !nobody_looked {
            self.0 -= 1;
            if self.0 == 0 {
                return Err(error);
            }
            let left = counted(self.0, "attempt");
            tell(&format!(
                "{what}\nWhat you typed is kept: an empty answer leaves it as it is. {left} left."
            ));
            return Ok(Next::Ask);
        }
        tell(&format!(
            "{what}\nThat says nothing of the login, and what you typed is kept."
        ));
        let question = || typed_line("Press Enter to try the same again, or Esc to end: ");
        let answer = tokio::task::spawn_blocking(question).await;
        match answer.ok().and_then(Result::ok).flatten() {
            Some(_) => Ok(Next::TrySame),
            None => Err(error),
        }
    }
}

/// Asks for the four values; an empty answer keeps what is there. The secrets are
/// put into the file that is not written yet, for the login that is tried.
async fn ask_for_values(
    edit: &mut ConfigEdit,
    secrets: &mut Vec<(&'static str, Secret)>,
) -> Result<()> {
    let before = match edit.settings()?.credentials {
        Ok(source) => source.read().await.ok(),
        Err(_) => None,
    };
    let text = |field: &str, before: Option<&String>| {
        let stored = edit.text(field).map(str::to_owned);
        stored.or_else(|| before.cloned())
    };
    let client_id = text("client_id", before.as_ref().map(|login| &login.client_id));
    let username = text("username", before.as_ref().map(|login| &login.username));
    let questions = move || -> Option<[String; 4]> {
        Some([
            visible("Client id", client_id)?,
            hidden(
                "Client secret",
                before.as_ref().map(|login| &login.client_secret),
            )?,
            visible("User name", username)?,
            hidden("Password", before.as_ref().map(|login| &login.password))?,
        ])
    };
    let answers = tokio::task::spawn_blocking(questions).await;
    let [client_id, client_secret, username, password] =
        answers.ok().flatten().ok_or_else(not_answered)?;
    edit.put("client_id", client_id.into())?;
    edit.put("username", username.into())?;
    for (field, text) in [("client_secret", client_secret), ("password", password)] {
        if !text.is_empty() {
            let secret = Secret::new(text);
            edit.keep_in_file(field, &secret)?;
            secrets.retain(|(known, _)| *known != field);
            secrets.push((field, secret));
        }
    }
    Ok(())
}

/// An empty answer keeps what is there; where nothing is, it asks again.
fn visible(prompt: &str, before: Option<String>) -> Option<String> {
    let question = match &before {
        Some(before) => format!("{prompt} [{before}]: "),
        None => format!("{prompt}: "),
    };
    loop {
        let answer = typed_line(&question).ok()??;
        match (answer.trim(), &before) {
            ("", Some(before)) => return Some(before.clone()),
            ("", None) => {}
            (answer, _) => return Some(answer.to_owned()),
        }
    }
}

/// Shows nothing of what is typed; empty for the one that is there.
fn hidden(prompt: &str, before: Option<&Secret>) -> Option<String> {
    let question = match before {
        Some(_) => format!("{prompt} (empty keeps the present one)"),
        None => prompt.to_owned(),
    };
    loop {
        let answer = ask::hidden(&question)?.expose().to_owned();
        if before.is_some() || !answer.is_empty() {
            return Some(answer);
        }
    }
}

/// Asks until it is an account id.
async fn ask_for_account(known: Option<&AccountId>) -> Result<AccountId> {
    let before = known.map(ToString::to_string);
    let question = move || loop {
        let answer = visible("Account id", before.clone())?;
        match answer.parse::<AccountId>() {
            Ok(account) => return Some(account),
            Err(refused) => tell(&format!("{refused}.")),
        }
    };
    let answer = tokio::task::spawn_blocking(question).await;
    answer.ok().flatten().ok_or_else(not_answered)
}

fn not_answered() -> Error {
    Error::new(
        Code::Cancelled,
        "the login was not completed, so nothing was stored",
        format!("Run {} again.", command_line("login")),
    )
}
