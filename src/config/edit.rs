//! Changing the config file: typed by its reader, written in one step, and with
//! everything kept that is not changed.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde_json::{Map, Value};

use super::check::refuse_unusable;
use super::environment::variable_of;
use super::file::{ConfigFile, FIELDS, unreadable};
use super::login::{Reader, Stored};
use super::place::Place;
use super::stored_secrets::{SECRETS, forms_of};
use super::{Flags, ProfileName, Settings, process_environment, reader};
use crate::nearest::nearest;
use crate::whole_file;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;

/// How much longer a file may become where commands take the place of its secrets.
const ROOM: usize = 4096;

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
                format!(
                    "Run {}, or set `{field}_file` or `{field}_command`.",
                    command_line("login")
                ),
            ));
        }
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
        let mut fields = self.usable();
        let mut refusal = None;
        for value in candidates.into_iter().flatten() {
            fields.insert(field.to_owned(), value.clone());
            let parsed = ConfigFile::parse(&self.place.path, &text_of(&fields));
            match parsed.map(|_| self.check(&fields)) {
                Ok(Ok(())) => {
                    self.fields.insert(field.to_owned(), value);
                    return Ok(());
                }
                // It was of the right type: the same in other words is not meant.
                Ok(Err(error)) => {
                    refusal = Some(error);
                    break;
                }
                // A value of another type is not what was meant; another one may be.
                Err(_) => {}
            }
        }
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
        let mut usable = self.usable();
        if usable.remove(field).is_some()
            && let Err(why) = self.check(&usable)
        {
            let problem = format!("`{field}` cannot be taken out: {why}");
            return Err(Error::invalid("name", problem, why.hint()));
        }
        Ok(self.fields.remove(field).is_some())
    }

    /// The fields without those that cannot be used beside the others: an old fault
    /// is not the fault of a change, and hides none that the change would make.
    fn usable(&self) -> Map<String, Value> {
        let mut usable = self.fields.clone();
        if self.check(&usable).is_ok() {
            return usable;
        }
        usable.clear();
        loop {
            let before = usable.len();
            for (name, value) in &self.fields {
                if !usable.contains_key(name) {
                    usable.insert(name.clone(), value.clone());
                    if self.check(&usable).is_err() {
                        usable.remove(name);
                    }
                }
            }
            // One may be usable only beside another that came after it.
            if usable.len() == before {
                return usable;
            }
        }
    }

    /// Whether the file gives that value, itself or as the file or command it comes from.
    pub fn is_stored(&self, field: &str) -> bool {
        let name = field.trim_end_matches("_file").trim_end_matches("_command");
        let forms = forms_of(name);
        forms.iter().any(|form| self.fields.contains_key(form))
    }

    /// Takes in what others have changed in the file since it was opened. A secret
    /// that was given here counts in the one form that it has here.
    ///
    /// # Errors
    /// `not_configured` where it is no JSON object any more.
    pub fn read_again(&mut self) -> Result<()> {
        let now = fields_of(&self.place.path)?;
        let mut merged = now.clone();
        for forms in SECRETS.map(forms_of) {
            let is_changed = |form: &String| self.fields.get(form) != self.opened.get(form);
            let is_given = |form: &String| self.fields.contains_key(form);
            if forms.iter().any(is_changed) && forms.iter().any(is_given) {
                merged.retain(|name, _| !forms.contains(name));
                let ours = self.fields.iter().filter(|(name, _)| forms.contains(name));
                merged.extend(ours.map(|(name, value)| (name.clone(), value.clone())));
            }
        }
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

    /// Refuses what whoever reads a file with these fields refuses.
    fn check(&self, fields: &Map<String, Value>) -> Result<()> {
        refuse_unusable(&self.place.path, &text_of(fields))
    }

    fn to_text(&self) -> String {
        text_of(&self.fields)
    }

    /// Refuses a file that cannot be written, before something else is changed
    /// along with it.
    ///
    /// # Errors
    /// `internal` where it cannot be written as long as it may become.
    pub fn refuse_unwritable(&self) -> Result<()> {
        let path = &self.place.path;
        let length = self.to_text().len() + ROOM;
        let tried = make_folder(path).and_then(|()| whole_file::try_room(path, length));
        tried.map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &io::Error) -> Error {
        let path = self.place.path.display();
        Error::internal(
            format!("the config file {path} cannot be written: {error}"),
            "Make sure that its folder can be written to and its disk has space, or name another file with --config. The file is as it was.",
        )
    }

    /// Writes the file in one step, for its owner alone, with what others have
    /// changed in it meanwhile.
    ///
    /// # Errors
    /// `internal` where it cannot be written, and those of [`ConfigEdit::read_again`].
    pub fn save(&mut self) -> Result<()> {
        self.read_again()?;
        let (path, text) = (&self.place.path, format!("{}\n", self.to_text()));
        let written = make_folder(path).and_then(|()| whole_file::replace(path, &text, None));
        written.map_err(|error| self.unwritable(&error))
    }
}

fn text_of(fields: &Map<String, Value>) -> String {
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(fields).unwrap_or_default()
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
            true => format!("{} shows all settings.", command_line("config list")),
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

/// Makes the folder of the config file, for its owner alone.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path.parent().unwrap_or(Path::new("")))
}
