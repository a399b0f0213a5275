//! `skyswitch config`, `auth status` and `profiles`: what is set, where it
//! comes from, and changing it.

use serde_json::json;

use super::command::{ConfigAction, Global};
use super::exit::Exit;
use super::output::Output;
use crate::config::{self, ConfigEdit, OriginKind, Profile, Setting, SignIn, SignInValue};
use crate::local_time;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};

/// Shows or changes settings.
pub(super) fn config(global: &Global, action: ConfigAction, output: &Output) -> Result<Exit> {
    let flags = global.flags();
    match action {
        ConfigAction::List => {
            let settings = config::settings(&flags, None)?;
            output.result(&json!({ "settings": settings }), || listed(&settings))
        }
        ConfigAction::Get { name } => {
            let settings = config::settings(&flags, Some(&name))?;
            let Some(setting) = settings.first() else {
                return Ok(Exit::Failed);
            };
            get(setting, output)
        }
        ConfigAction::Set { name, value } => {
            let mut edit = ConfigEdit::open(&flags)?;
            edit.set(&name, &value)?;
            edit.save()?;
            changed(&edit, &name, "set", output)
        }
        ConfigAction::Unset { name } => {
            let mut edit = ConfigEdit::open(&flags)?;
            if !edit.unset(&name)? {
                return changed(&edit, &name, "was_not_set", output);
            }
            edit.save()?;
            changed(&edit, &name, "unset", output)
        }
        ConfigAction::Path => {
            let edit = ConfigEdit::open(&flags)?;
            let file = edit.path().display().to_string();
            let exists = edit.path().exists();
            output.result(&json!({ "file": file, "exists": exists }), || file.clone())
        }
    }
}

fn listed(settings: &[Setting]) -> String {
    let is_set = |setting: &&Setting| setting.origin.from != OriginKind::Default;
    let set = settings.iter().filter(is_set).map(|setting| {
        let value = setting.value.as_deref().unwrap_or("(secret)");
        format!("{} = {value}  ({})\n", setting.setting, setting.origin)
    });
    let set: String = set.collect();
    let others = settings.iter().filter(|setting| !is_set(setting));
    let others: String = others
        .map(|setting| format!("  {}: {}\n", setting.setting, setting.about))
        .collect();
    format!("{set}Not set:\n{others}")
}

/// Prints one value; scripts read it.
fn get(setting: &Setting, output: &Output) -> Result<Exit> {
    match (&setting.value, setting.origin.from) {
        (Some(value), _) => output.result(setting, || value.clone()),
        (None, OriginKind::Default) => {
            output.result(setting, || "(not set)".to_owned())?;
            Ok(Exit::Failed)
        }
        (None, _) => Err(Error::invalid(
            setting.setting,
            format!("`{}` is a secret and is not shown", setting.setting),
            format!("{} shows where it comes from.", command_line("auth status")),
        )),
    }
}

fn changed(edit: &ConfigEdit, name: &str, status: &str, output: &Output) -> Result<Exit> {
    let file = edit.path().display().to_string();
    output.result(
        &json!({ "setting": name, "status": status, "file": file }),
        || match status {
            "set" => format!(
                "Set {name} in {file}. Servers that run read it when they are started again."
            ),
            "unset" => format!(
                "Took {name} out of {file}. Servers that run read it when they are started again."
            ),
            _ => format!("{name} is not in {file}; nothing was changed."),
        },
    )
}

/// Shows what the login is made of.
pub(super) async fn status(global: &Global, output: &Output) -> Result<Exit> {
    if global.sandbox.is_some() {
        return Err(Error::invalid(
            "sandbox",
            "the embedded sandbox needs no login",
            "Leave `--sandbox` out.",
        ));
    }
    let sign_in = config::sign_in(&global.flags()).await?;
    output.result(&sign_in, || signed_in(&sign_in))?;
    Ok(match sign_in.refusal() {
        Some(refusal) => Exit::of(refusal.code()),
        None => Exit::Done,
    })
}

fn signed_in(sign_in: &SignIn) -> String {
    let profile = match &sign_in.profile {
        Some(profile) => format!("Profile: {profile}\n"),
        None => String::new(),
    };
    let found = match sign_in.file_found {
        true => "",
        false => " (does not exist)",
    };
    let values: String = sign_in.values.iter().map(value).collect();
    let tokens: String = sign_in
        .tokens
        .iter()
        .map(|token| {
            let scope = token.scope.as_deref().unwrap_or("all");
            let end = match token.has_expired {
                true => "has ended".to_owned(),
                false => format!(
                    "ends {}",
                    local_time::written(&token.expires_at, local_time::until)
                ),
            };
            format!("Token ({}, {scope}): kept, {end}\n", token.api)
        })
        .collect();
    let tokens = match tokens.is_empty() {
        true => "Token: none is kept\n".to_owned(),
        false => tokens,
    };
    let next = match sign_in.ok {
        true => String::new(),
        false => format!("Next: {}", command_line("login")),
    };
    format!(
        "{profile}Config file: {}{found}\nService: {}\n{values}{tokens}{next}",
        sign_in.file, sign_in.base_url
    )
}

fn value(value: &SignInValue) -> String {
    let shown = match (&value.value, value.form, &value.problem) {
        (_, _, Some(problem)) => problem.clone(),
        (Some(text), _, None) => text.clone(),
        (None, Some("file"), None) => "set, read from a file".to_owned(),
        (None, Some("command"), None) => "set, printed by a command".to_owned(),
        (None, Some("keychain"), None) => "set, in the keychain".to_owned(),
        (None, _, None) => "set".to_owned(),
    };
    let origin = match &value.origin {
        Some(origin) => format!("  ({origin})"),
        None => String::new(),
    };
    format!("{}: {shown}{origin}\n", value.setting)
}

/// Lists the profiles.
pub(super) fn profiles(global: &Global, output: &Output) -> Result<Exit> {
    let profiles = config::profiles(&global.flags())?;
    output.result(&json!({ "profiles": profiles }), || {
        let lines: String = profiles.iter().map(profile).collect();
        match lines.is_empty() {
            true => format!(
                "No config file and no profile yet. Next: {}, or `skyswitch --profile NAME login`",
                command_line("login")
            ),
            false => lines,
        }
    })
}

fn profile(profile: &Profile) -> String {
    let mark = if profile.in_use { "*" } else { " " };
    let name = profile.profile.as_deref().unwrap_or("(no profile)");
    let account = match (&profile.problem, &profile.account_id) {
        (Some(problem), _) => problem.clone(),
        (None, Some(account)) => format!("account {account}"),
        (None, None) => "no account".to_owned(),
    };
    format!("{mark} {name}: {account}, {}\n", profile.file)
}
