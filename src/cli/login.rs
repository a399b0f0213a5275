//! `skyswitch login`: asks for the login, verifies it, and keeps it.

use std::io::Read;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ask::is_interactive;
use super::command::{Global, LoginArgs};
use super::exit::Exit;
use super::login_questions::ask_for_login;
use super::output::Output;
use crate::config::{self, ConfigEdit, OriginKind, Settings};
use crate::ops;
use skyswitch_domain::AccountId;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::{Secret, shown};

/// Where the values come from, for whoever has none of them yet.
pub(super) const INTRODUCTION: &str = "\
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

/// A login that the service has accepted, and what it was tried with.
pub(super) struct Accepted {
    /// As they were given, to be stored where secrets are.
    pub secrets: Vec<(&'static str, Secret)>,
    pub settings: Settings,
    pub login: ops::Accepted,
    pub account: AccountId,
    pub customers: usize,
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
            format!(
                "there is nobody to ask: {} asks at an interactive terminal",
                command_line("login")
            ),
            "Run it in a terminal window, or give the values as one JSON object on the standard input with `--from-stdin`.",
        ));
    }
    let flags = global.flags();
    let mut edit = ConfigEdit::open(&flags)?;
    let accepted = match args.from_stdin {
        true => read_login(&mut edit).await?,
        false => ask_for_login(&mut edit).await?,
    };
    let account = &accepted.account;
    edit.put("default_account_id", account.as_str().into())?;
    let mut warnings = Vec::new();
    if let Some(error) = accepted.login.pbx_problem().await {
        warnings.push(format!("the PBX API did not accept its login: {error}"));
    }
    warnings.extend(not_stored(&edit));
    edit.refuse_unwritable()?;
    let mut in_keychain = Vec::new();
    for (field, secret) in &accepted.secrets {
        let kept = edit.keep_secret(field, secret, args.store).await;
        if kept.map_err(|error| with_kept(error, &in_keychain))? {
            in_keychain.push((*field).to_owned());
        }
    }
    edit.save()
        .map_err(|error| with_kept(error, &in_keychain))?;
    warnings.extend(overridden(&flags, &edit, &accepted.settings).await);
    let signed_in = SignedIn {
        username: accepted.login.username.clone(),
        account_id: account.to_string(),
        customers: accepted.customers,
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
        let warnings: String = self
            .warnings
            .iter()
            .map(|warning| format!("Warning: {warning}\n"))
            .collect();
        format!(
            "Signed in{user}: account {} with {}.\nStored in {}; {secrets}.\n{warnings}Next: {}",
            self.account_id,
            crate::sentences::counted(self.customers, "customer"),
            self.file,
            command_line("doctor")
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

/// What the login was tried with and only variables say: elsewhere, it would go
/// to another address.
fn not_stored(edit: &ConfigEdit) -> Option<String> {
    let variables = edit.exported_beside_login();
    (!variables.is_empty()).then(|| {
        format!(
            "this login was tried with {}, and that is not stored: set the same in the config file with {}, secrets as \
             `…_file` or `…_command`, to use the login where that is not exported",
            variables.join(", "),
            command_line("config set")
        )
    })
}

/// What is stored and has no effect, because something exported goes before it.
async fn overridden(flags: &config::Flags, edit: &ConfigEdit, tried: &Settings) -> Vec<String> {
    let Ok(sign_in) = config::sign_in(flags).await else {
        return Vec::new();
    };
    let elsewhere = sign_in.base_url != tried.base_url.as_str();
    let address = elsewhere.then(|| "SKYSWITCH_BASE_URL".to_owned());
    let values = sign_in.values.into_iter();
    let stored = values.filter(|value| edit.is_stored(value.setting));
    let origins = stored.filter_map(|value| value.origin);
    let exported = origins.filter(|origin| origin.from == OriginKind::Variable);
    exported
        .map(|origin| origin.name)
        .chain(address)
        .map(|name| {
            format!("{name} is exported and goes before what was stored; unset it to use the login")
        })
        .collect()
}

/// Reads a login from the standard input, and tries it once.
async fn read_login(edit: &mut ConfigEdit) -> Result<Accepted> {
    let secrets = from_stdin(edit)?;
    for (field, secret) in &secrets {
        // Only in memory, for the login that is tried.
        edit.keep_in_file(field, secret)?;
    }
    let settings = edit.settings()?;
    let login = ops::try_login(&settings).await?;
    let account = settings.default_account.clone().ok_or_else(no_account)?;
    let customers = login.customers_of(&account).await?;
    Ok(Accepted {
        secrets,
        settings,
        login,
        account,
        customers,
    })
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
        let (removed, not_removed) = edit.forget_secrets().await?;
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

/// A failure to store a login, of which the keychain has some secrets already.
fn with_kept(error: Error, in_keychain: &[String]) -> Error {
    match in_keychain {
        [] => error,
        kept => error.with_more_hint(&format!(
            "The keychain has the new {} already: run {} again.",
            kept.join(" and "),
            command_line("login")
        )),
    }
}
