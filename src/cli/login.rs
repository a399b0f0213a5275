//! `skyswitch login`: asks for the login, verifies it, and keeps it.

use std::io::Read;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ask::{self, is_interactive, typed_line};
use super::command::{Global, LoginArgs};
use super::exit::Exit;
use super::output::{Output, tell};
use crate::config::{self, ConfigEdit, OriginKind, Settings};
use crate::ops;
use skyswitch_domain::AccountId;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::{Secret, shown};

/// Where the values come from, for whoever has none of them yet.
const INTRODUCTION: &str = "\
Sign in to SkySwitch. Nothing is stored before the login was accepted.
- Client id and client secret: SkySwitch gives them out with the access to its API.
- User name and password: a SkySwitch user with the role PBX Manager; PBX Reader is enough to look.
- Account id: the UUID of your account, which SkySwitch names as well.";

/// A login that was accepted and stored.
#[derive(Serialize)]
struct SignedIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    account_id: String,
    /// How many customers the account has.
    customers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The config file.
    file: String,
    /// The secrets that are in the keychain and not in the file.
    in_keychain: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Asks for a login or reads it from the standard input, tries it, and stores it.
pub(super) async fn login(global: &Global, args: LoginArgs, output: &Output) -> Result<Exit> {
    if global.sandbox.is_some() {
        return Err(Error::invalid(
            "sandbox",
            "the embedded sandbox needs no login",
            "Leave `--sandbox` out to sign in to SkySwitch.",
        ));
    }
    if !args.from_stdin && !is_interactive() {
        return Err(Error::invalid(
            "from_stdin",
            "there is nobody to ask: `skyswitch login` asks at an interactive terminal",
            "Run it in a terminal window, or give the values as one JSON object on the standard input with `--from-stdin`.",
        ));
    }
    let flags = global.flags();
    let mut edit = ConfigEdit::open(&flags)?;
    let given = match args.from_stdin {
        true => from_stdin(&mut edit)?,
        false => asked_for(&mut edit).await?,
    };
    for (field, secret) in &given {
        // Only in memory, for the login that is tried.
        edit.keep_in_file(field, secret)?;
    }
    let settings = edit.settings()?;
    let accepted = ops::try_login(&settings).await?;
    let account = match (&settings.default_account, args.from_stdin) {
        (Some(account), true) => account.clone(),
        (None, true) => return Err(no_account()),
        (known, false) => ask_for_account(known.as_ref()).await?,
    };
    let customers = accepted.customers_of(&account).await?;
    edit.put("default_account_id", account.as_str().into())?;
    let mut warnings = Vec::new();
    if let Some(error) = accepted.pbx_problem().await {
        warnings.push(format!("the PBX API did not accept its login: {error}"));
    }
    let mut in_keychain = Vec::new();
    for (field, secret) in &given {
        if edit.keep_secret(field, secret, args.store).await? {
            in_keychain.push((*field).to_owned());
        }
    }
    edit.save()?;
    warnings.extend(overridden(&flags).await);
    let signed_in = SignedIn {
        username: accepted.username,
        account_id: account.to_string(),
        customers,
        profile: edit.profile().map(ToString::to_string),
        file: edit.path().display().to_string(),
        in_keychain,
        warnings,
    };
    output.result(&signed_in, || signed_in.text())
}

impl SignedIn {
    fn text(&self) -> String {
        let user = match &self.username {
            Some(name) => format!(" as {}", shown(name, 100)),
            None => String::new(),
        };
        let secrets = match self.in_keychain.is_empty() {
            true => "it holds the secrets and is readable for you alone",
            false => "the secrets are in the keychain",
        };
        let profile = match &self.profile {
            Some(profile) => format!(" --profile {profile}"),
            None => String::new(),
        };
        let warnings: String = self
            .warnings
            .iter()
            .map(|warning| format!("Warning: {warning}\n"))
            .collect();
        format!(
            "Signed in{user}: account {} with {}.\nStored in {}; {secrets}.\n{warnings}Next: skyswitch{profile} doctor",
            self.account_id,
            crate::sentences::counted(self.customers, "customer"),
            self.file
        )
    }
}

fn no_account() -> Error {
    Error::new(
        Code::NotConfigured,
        "the login was accepted, but no account is named, and the API lists none",
        "Give `default_account_id` along with the login, or `--account`. Nothing was stored.",
    )
    .with_field("default_account_id")
}

/// What is stored and has no effect, because something exported goes before it.
async fn overridden(flags: &config::Flags) -> Vec<String> {
    let Ok(sign_in) = config::sign_in(flags).await else {
        return Vec::new();
    };
    let values = sign_in.values.into_iter();
    let origins = values.filter_map(|value| value.origin);
    origins
        .filter(|origin| origin.from == OriginKind::Variable)
        .map(|origin| {
            format!(
                "{} is exported and goes before what was stored; unset it to use the login",
                origin.name
            )
        })
        .collect()
}

/// The fields of one JSON object; the secrets among them apart.
fn from_stdin(edit: &mut ConfigEdit) -> Result<Vec<(&'static str, Secret)>> {
    let refused = |problem: &str| {
        Error::invalid(
            "from_stdin",
            format!("the standard input {problem}"),
            "Give one JSON object such as {\"client_id\": \"…\", \"client_secret\": \"…\", \"username\": \"…\", \
             \"password\": \"…\", \"default_account_id\": \"…\"}.",
        )
    };
    let mut text = String::new();
    let read = std::io::stdin().take(1024 * 1024).read_to_string(&mut text);
    read.map_err(|_| refused("cannot be read as text"))?;
    let fields: Map<String, Value> =
        serde_json::from_str(&text).map_err(|_| refused("is not one JSON object"))?;
    let mut secrets = Vec::new();
    for (name, value) in fields {
        let Value::String(text) = value else {
            return Err(refused("has a field that is no text"));
        };
        match ConfigEdit::secret_field(&name) {
            Some(field) => secrets.push((field, Secret::new(text))),
            None => edit.set(&name, &text)?,
        }
    }
    Ok(secrets)
}

/// Asks for the four values; an empty answer keeps what is there.
async fn asked_for(edit: &mut ConfigEdit) -> Result<Vec<(&'static str, Secret)>> {
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
        tell(INTRODUCTION);
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
    let secrets = [("client_secret", client_secret), ("password", password)];
    let given = secrets.into_iter().filter(|(_, text)| !text.is_empty());
    Ok(given
        .map(|(field, text)| (field, Secret::new(text)))
        .collect())
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

async fn ask_for_account(known: Option<&AccountId>) -> Result<AccountId> {
    let before = known.map(ToString::to_string);
    let question = move || visible("Account id", before);
    let answer = tokio::task::spawn_blocking(question).await;
    let answer = answer.ok().flatten().ok_or_else(not_answered)?;
    let account = answer.parse::<AccountId>();
    account.map_err(|refused| refused.into_error("default_account_id"))
}

fn not_answered() -> Error {
    Error::new(
        Code::Cancelled,
        "the login was not completed, so nothing was stored",
        "Run `skyswitch login` again.",
    )
}

/// Settings of a process whose tokens are forgotten, and what else it forgets.
#[derive(Serialize)]
struct SignedOut {
    /// How many tokens were removed.
    tokens: usize,
    /// The fields that were taken out of the config file.
    removed: Vec<String>,
    /// What another place still gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

/// Forgets the tokens and, with `all`, the stored secrets.
pub(super) async fn logout(global: &Global, all: bool, output: &Output) -> Result<Exit> {
    let flags = global.flags();
    let tokens = ops::forget_tokens(&Settings::of_process(&flags)?)?;
    let mut signed_out = SignedOut {
        tokens,
        removed: Vec::new(),
        left: Vec::new(),
    };
    if all {
        let mut edit = ConfigEdit::open(&flags)?;
        let (removed, not_removed) = edit.forget_secrets().await;
        if !removed.is_empty() || !not_removed.is_empty() {
            edit.save()?;
        }
        signed_out.removed = removed;
        let still =
            |name: &String| format!("the keychain's entry of `{name}`, which it did not remove");
        signed_out.left = not_removed.iter().map(still).collect();
        let values = config::sign_in(&flags).await?.values.into_iter();
        let secrets = values.filter(|value| ConfigEdit::secret_field(value.setting).is_some());
        let origins = secrets.filter_map(|value| value.origin);
        signed_out
            .left
            .extend(origins.map(|origin| origin.to_string()));
    }
    output.result(&signed_out, || signed_out.text())
}

impl SignedOut {
    fn text(&self) -> String {
        let mut text = match self.tokens {
            0 => "No token was kept.".to_owned(),
            tokens => format!("Removed {}.", crate::sentences::counted(tokens, "token")),
        };
        if !self.removed.is_empty() {
            text.push_str(&format!(
                "\nRemoved from the config file: {}.",
                self.removed.join(", ")
            ));
        }
        for left in &self.left {
            text.push_str(&format!("\nStill there: {left}."));
        }
        text + "\nA server that runs goes on with the token that it holds; stop it as well."
    }
}
