//! Changing the config file: typed by its reader, written in one step, and with
//! everything kept that is not changed.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::check::refuse_unusable;
use super::environment::variable_of;
use super::file::{ConfigFile, FIELDS, unreadable};
use super::login::{Reader, Stored};
use super::place::Place;
use super::stored_secrets::SECRETS;
use super::{Flags, ProfileName, Settings, process_environment, reader};
use crate::nearest::nearest;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;

/// The config file, while it is being changed. Nothing is written before
/// [`ConfigEdit::save`].
pub struct ConfigEdit {
    flags: Flags,
    pub(super) place: Place,
    reader: Reader,
    /// The fields as the file had them.
    opened: Map<String, Value>,
    pub(super) fields: Map<String, Value>,
}

impl ConfigEdit {
    /// Opens the file that this process reads; one that does not exist is empty.
    ///
    /// # Errors
    /// `not_configured` where it is no JSON object.
    pub fn open(flags: &Flags) -> Result<ConfigEdit> {
        let (place, reader) = reader(flags, &process_environment)?;
        if place.path.as_os_str().is_empty() {
            return Err(Error::new(
                Code::NotConfigured,
                "there is no place for the config file: neither SKYSWITCH_CONFIG nor XDG_CONFIG_HOME nor HOME is set",
                "Name the file with --config.",
            ));
        }
        let opened = fields_of(&place.path)?;
        Ok(ConfigEdit {
            flags: flags.clone(),
            fields: opened.clone(),
            opened,
            place,
            reader,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The profile that it belongs to.
    pub fn profile(&self) -> Option<&ProfileName> {
        self.place.profile.as_ref()
    }

    /// The text of a field, where it is one.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// Sets a field to what a person wrote, in the type that it has.
    ///
    /// # Errors
    /// `invalid_argument` for an unknown name, a secret, or a value that it cannot have.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        let (field, about) = known(name)?;
        if SECRETS.contains(&field) {
            return Err(Error::invalid(
                field,
                format!(
                    "`{field}` is a secret, and is not taken as an argument: other users and the history of the shell see arguments"
                ),
                format!("Run `skyswitch login`, or set `{field}_file` or `{field}_command`."),
            ));
        }
        let before = self.check();
        let list = || {
            text.split(',')
                .map(|part| Value::from(part.trim()))
                .collect()
        };
        // Nothing is set to nothing: that is what `unset` is for.
        let read = serde_json::from_str(text).ok();
        let candidates = [
            read.filter(|value: &Value| !value.is_null()),
            Some(Value::from(text)),
            Some(Value::Array(list())),
        ];
        let mut refusal = None;
        for value in candidates.into_iter().flatten() {
            let old = self.fields.insert(field.to_owned(), value);
            // A value of another type is not what was meant; another one may be.
            match ConfigFile::parse(&self.place.path, &self.to_text()).map(|_| self.check()) {
                Ok(Ok(())) => return Ok(()),
                // Something else cannot be used, now as before.
                Ok(Err(error)) if before.as_ref().is_err_and(|old| *old == error) => return Ok(()),
                Ok(Err(error)) => refusal = Some(error),
                Err(_) => {}
            }
            match old {
                Some(old) => _ = self.fields.insert(field.to_owned(), old),
                None => _ = self.fields.remove(field),
            }
            // It was of the right type: the same in other words is not meant.
            if refusal.is_some() {
                break;
            }
        }
        // What was wrong before is not the fault of the new value.
        before?;
        let cannot = format!("`{field}` cannot be `{}`", shown(text, 80));
        Err(match refusal {
            Some(why) => Error::invalid(field, format!("{cannot}: {why}"), why.hint()),
            None => Error::invalid(field, cannot, format!("It means: {}.", about.trim())),
        })
    }

    /// Sets a field to a value of any type.
    ///
    /// # Errors
    /// `invalid_argument` for an unknown name.
    pub fn put(&mut self, name: &str, value: Value) -> Result<()> {
        let (field, _) = known(name)?;
        self.fields.insert(field.to_owned(), value);
        Ok(())
    }

    /// Takes a field out, and says whether it was there.
    ///
    /// # Errors
    /// `invalid_argument` for a name that is neither known nor in the file, and
    /// for a field without which another one cannot be used.
    pub fn unset(&mut self, name: &str) -> Result<bool> {
        let field = match self.fields.contains_key(name) {
            true => name,
            false => known(name)?.0,
        };
        let before = self.check();
        let Some(value) = self.fields.remove(field) else {
            return Ok(false);
        };
        match (before, self.check()) {
            (Ok(()), Err(why)) => {
                self.fields.insert(field.to_owned(), value);
                let problem = format!("`{field}` cannot be taken out: {why}");
                Err(Error::invalid("name", problem, why.hint()))
            }
            _ => Ok(true),
        }
    }

    /// Whether the file gives that value, itself or as the file or command it comes from.
    pub fn is_stored(&self, field: &str) -> bool {
        let name = field.trim_end_matches("_file").trim_end_matches("_command");
        let forms = ["", "_file", "_command"].map(|ending| format!("{name}{ending}"));
        forms.iter().any(|form| self.fields.contains_key(form))
    }

    /// Takes in what others have changed in the file since it was opened.
    ///
    /// # Errors
    /// `not_configured` where it is no JSON object any more.
    pub fn read_again(&mut self) -> Result<()> {
        let now = fields_of(&self.place.path)?;
        let mut merged = now.clone();
        for name in self.opened.keys().chain(self.fields.keys()) {
            match self.fields.get(name) {
                value if value == self.opened.get(name) => {}
                Some(value) => _ = merged.insert(name.clone(), value.clone()),
                None => _ = merged.remove(name),
            }
        }
        (self.opened, self.fields) = (now, merged);
        Ok(())
    }

    /// The variables that say how the service is reached, where the file does not.
    pub fn exported_beside_login(&self) -> Vec<String> {
        let fields = FIELDS.iter().map(|(field, _)| *field);
        let of_service = |field: &&str| {
            let of_service = matches!(*field, "base_url" | "scope") || field.starts_with("pbx_");
            of_service && !self.is_stored(field)
        };
        let environment = self.reader.environment();
        let variables = fields.filter(of_service).map(variable_of);
        variables
            .filter(|variable| environment.variable(variable).is_some())
            .collect()
    }

    /// The settings that the file will give.
    ///
    /// # Errors
    /// `not_configured` where a value cannot be used.
    pub fn settings(&self) -> Result<Settings> {
        let reader = Reader {
            file_goes_first: true,
            stored: Stored::Given(self.to_text().into()),
            ..self.reader.clone()
        };
        Settings::assemble(
            &self.flags,
            &reader,
            self.place.profile.clone(),
            reader.file()?,
        )
    }

    /// Refuses what whoever reads the file refuses.
    fn check(&self) -> Result<()> {
        refuse_unusable(&self.place.path, &self.to_text())
    }

    fn to_text(&self) -> String {
        // Strings and numbers always serialise.
        serde_json::to_string_pretty(&self.fields).unwrap_or_default()
    }

    /// Writes the file in one step, for its owner alone, with what others have
    /// changed in it meanwhile.
    ///
    /// # Errors
    /// `internal` where it cannot be written, and those of [`ConfigEdit::read_again`].
    pub fn save(&mut self) -> Result<()> {
        self.read_again()?;
        // A link to the real file stays one.
        let path = std::fs::canonicalize(&self.place.path).unwrap_or(self.place.path.clone());
        write(&path, &self.to_text()).map_err(|error| {
            Error::internal(
                format!("the config file {} cannot be written: {error}", path.display()),
                "Make its folder writable, or name another file with --config. Nothing was changed.",
            )
        })
    }
}

/// A field by its name, which may be written with hyphens.
///
/// # Errors
/// `invalid_argument` with the nearest names.
pub(super) fn known(name: &str) -> Result<(&'static str, &'static str)> {
    let wanted = name.trim().replace('-', "_");
    if let Some(field) = FIELDS.iter().find(|(field, _)| *field == wanted) {
        return Ok(*field);
    }
    let near: Vec<String> = nearest(FIELDS, &wanted, |(field, _)| vec![*field])
        .map(|(field, _)| format!("`{field}`"))
        .collect();
    Err(Error::invalid(
        "name",
        format!("there is no setting `{}`", shown(name, 60)),
        match near.is_empty() {
            true => "`skyswitch config list` shows all settings.".to_owned(),
            false => format!("Did you mean {}?", near.join(" or ")),
        },
    ))
}

/// The fields of a config file as they are written; none where there is no file.
pub(super) fn fields_of(path: &Path) -> Result<Map<String, Value>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(unreadable(path, &error.kind().to_string())),
    };
    // What is wrong with it may be next to a password: only that it is wrong is said.
    serde_json::from_str(text.trim_start_matches('\u{FEFF}')).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        unreadable(
            path,
            &format!("it is not one JSON object (line {line}, column {column})"),
        )
    })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(PathBuf::from("."), Path::to_path_buf);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    // tempfile creates with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
