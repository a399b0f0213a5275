//! A secret in one of three forms: the text itself, a file that holds it, or a
//! command that prints it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::environment::Environment;
use super::keychain::Keychain;
use super::origin::Origin;
use super::{MAY_BE_EMPTY, program, refuse_unexpanded, unusable, variable_of};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::{Secret, keep_out};

/// No secret is nearly as long.
const LONGEST: u64 = 64 * 1024;

/// A command as the config file has it: one text, or its words.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum CommandLine {
    Text(String),
    Words(Vec<String>),
}

impl CommandLine {
    /// The words. A text is split as a shell splits it, but nothing is filled in.
    fn words(&self, setting: &str) -> Result<Vec<String>> {
        let words = match self {
            CommandLine::Words(words) => Some(words.clone()),
            CommandLine::Text(text) => shell_words::split(text).ok(),
        };
        words.filter(|words| !words.is_empty()).ok_or_else(|| {
            unusable(
                setting,
                "is not a command",
                "Give a program with its arguments, such as `pass show skyswitch`, or a list of them in JSON. No shell reads it.",
            )
        })
    }
}

/// One value of a login, as the config file has it.
#[derive(Clone, Copy)]
pub(super) struct Forms<'a> {
    pub field: &'static str,
    pub value: &'a Option<String>,
    pub file: &'a Option<String>,
    pub command: &'a Option<CommandLine>,
    /// Only secrets have other forms than the value itself.
    pub is_secret: bool,
}

impl<'a> Forms<'a> {
    pub fn plain(field: &'static str, value: &'a Option<String>) -> Forms<'a> {
        Forms {
            field,
            value,
            file: &None,
            command: &None,
            is_secret: false,
        }
    }

    /// Where the value is, and which setting says so; `None` where none does.
    ///
    /// # Errors
    /// `not_configured` where the same place has it in two forms, or one of them
    /// cannot be used.
    pub fn find(self, environment: Environment<'_>) -> Result<Option<(SecretAt, Origin)>> {
        let exported = self.exported(environment)?;
        let stored = self.stored(environment)?;
        let found = match environment.file_goes_first {
            true => stored.or(exported),
            false => exported.or(stored),
        };
        // An empty text counts only where nothing else is said.
        let variable = variable_of(self.field);
        let said = match (self.value, environment.is_named(&variable)) {
            _ if self.field != MAY_BE_EMPTY => None,
            (_, true) => Some(Origin::variable(&variable)),
            (Some(_), false) => Some(environment.in_file(self.field)),
            (None, false) => None,
        };
        let empty = || said.map(|origin| (SecretAt::Given(Secret::new("")), origin));
        Ok(found.or_else(empty))
    }

    fn exported(self, environment: Environment<'_>) -> Result<Option<(SecretAt, Origin)>> {
        let variable = |ending: &str| {
            let name = variable_of(&format!("{}{ending}", self.field));
            let value = environment.variable(&name)?;
            Some((name, value))
        };
        let other = |ending: &str| variable(ending).filter(|_| self.is_secret);
        let command = other("_command").map(|(name, text)| {
            let line =
                serde_json::from_str(&text).map_or(CommandLine::Text(text), CommandLine::Words);
            (name, line)
        });
        let forms = [
            variable("").map(|(name, value)| self.given(&name, &value)),
            other("_file").map(|(name, path)| in_file(&name, &path)),
            command.map(|(name, line)| by_command(&name, &line)),
        ];
        let found = self.only(forms)?;
        Ok(found.map(|(at, name)| (at, Origin::variable(&name))))
    }

    fn stored(self, environment: Environment<'_>) -> Result<Option<(SecretAt, Origin)>> {
        let name = |ending: &str| format!("{}{ending}", self.field);
        let says = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        // A text that was not filled in is reported under the name of its variable.
        let value = says(self.value).map(|value| {
            refuse_unexpanded(&value, &variable_of(self.field))?;
            self.given(self.field, &value)
        });
        let forms = [
            value,
            says(self.file).map(|path| in_file(&name("_file"), &path)),
            self.command
                .as_ref()
                .map(|line| by_command(&name("_command"), line)),
        ];
        let found = self.only(forms)?;
        Ok(found.map(|(at, field)| (at, environment.in_file(&field))))
    }

    fn given(self, name: &str, value: &str) -> Result<(SecretAt, String)> {
        refuse_unexpanded(value, name)?;
        let value = Secret::new(value);
        if self.is_secret {
            // Also where it is not used yet: whoever knows it may repeat it.
            keep_out(&value);
        }
        Ok((SecretAt::Given(value), name.to_owned()))
    }

    /// The form that is given, where not several are: nobody could say which is meant.
    fn only(
        self,
        forms: [Option<Result<(SecretAt, String)>>; 3],
    ) -> Result<Option<(SecretAt, String)>> {
        let given: Vec<(SecretAt, String)> = forms.into_iter().flatten().collect::<Result<_>>()?;
        match given.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            [(_, one), (_, other), ..] => Err(unusable(
                one,
                &format!("is set, and so is {other}"),
                "Keep the one that is meant, and take the other out.",
            )),
        }
    }
}

fn in_file(name: &str, path: &str) -> Result<(SecretAt, String)> {
    refuse_unexpanded(path, name)?;
    let path = PathBuf::from(path);
    match path.is_absolute() {
        true => Ok((SecretAt::File(path), name.to_owned())),
        // Clients start the server in any folder.
        false => Err(unusable(
            name,
            "is not an absolute path",
            "Give the whole path of the file, such as `/run/secrets/skyswitch`.",
        )),
    }
}

fn by_command(name: &str, line: &CommandLine) -> Result<(SecretAt, String)> {
    Ok((SecretAt::Command(line.words(name)?), name.to_owned()))
}

/// Where a secret is.
#[derive(Debug, Clone)]
pub(super) enum SecretAt {
    Given(Secret),
    File(PathBuf),
    Command(Vec<String>),
}

impl SecretAt {
    /// The secret as it is now; `setting` says where it is.
    ///
    /// # Errors
    /// `not_configured` where there is none.
    pub async fn read(&self, field: &str, setting: &str) -> Result<Secret> {
        let text = match self {
            SecretAt::Given(secret) => return Ok(secret.clone()),
            SecretAt::File(path) => read_file(path).map_err(|why| {
                unreadable(setting, &format!("the file {} {why}", path.display()))
            })?,
            SecretAt::Command(words) => program::output(words, None, program::PATIENCE)
                .await
                .map_err(|why| unreadable(setting, &why))?,
        };
        match text.trim().is_empty() && field != MAY_BE_EMPTY {
            true => Err(unreadable(setting, "it gives an empty text")),
            false => Ok(Secret::new(text)),
        }
    }

    /// The keychain that it is in, where `login` put it there.
    pub fn keychain(&self) -> Option<Keychain> {
        match self {
            SecretAt::Command(words) => Keychain::of(words),
            SecretAt::Given(_) | SecretAt::File(_) => None,
        }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let refused = |error: std::io::Error| format!("cannot be read: {}", error.kind());
    // Before it is opened: to open a pipe waits for whoever writes into it, and
    // the whole server with it.
    if !fs::metadata(path).map_err(refused)?.is_file() {
        return Err("is not a regular file, but a folder, a pipe or a device".to_owned());
    }
    // Counted while it is read: the files of /proc say that they are empty, and
    // another may grow.
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refused)?;
    let mut limited = file.take(LONGEST + 1);
    limited.read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!(
            "has more than {LONGEST} bytes, which no secret has"
        ));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    Ok(program::without_line_break(&text).to_owned())
}

fn unreadable(setting: &str, why: &str) -> Error {
    unusable(
        setting,
        why,
        &format!(
            "Try it by hand, or give the secret in another way; {} shows where each value comes from.",
            command_line("auth status")
        ),
    )
}
