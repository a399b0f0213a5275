//! The logins, read again each time one is needed: a process that runs for
//! weeks must not go on with a password that was changed meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::environment::{Environment, Variables};
use super::file::ConfigFile;
use super::origin::Origin;
use super::secret::{Forms, SecretAt};
use super::{Credentials, pbx, variable_of};
use skyswitch_client::Source;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::Secret;

/// Client id, client secret, username and password: where each of them is.
pub(super) struct Login([(&'static str, SecretAt, Origin); 4]);

impl Login {
    /// Finds all four; or the names of those that are missing.
    pub fn find(
        forms: [Forms<'_>; 4],
        environment: Environment<'_>,
    ) -> Result<Result<Login, String>> {
        let mut missing = Vec::new();
        let mut given = Vec::new();
        for form in forms {
            match form.find(environment)? {
                Some((at, origin)) => given.push((form.field, at, origin)),
                None => missing.push(format!("`{}` ({})", form.field, variable_of(form.field))),
            }
        }
        Ok(given.try_into().map(Login).map_err(|_| missing.join(", ")))
    }

    /// Reads them. Commands that print secrets run at the same time.
    pub async fn read(&self) -> Result<Credentials> {
        let read = self
            .0
            .iter()
            .map(|(field, at, origin)| at.read(field, &origin.name));
        let texts = try_join_all(read).await?;
        // There are four, as above.
        let [client_id, client_secret, username, password] = <[Secret; 4]>::try_from(texts)
            .map_err(|_| {
                Error::internal("a login has four values", "Please report this as a bug.")
            })?;
        Ok(Credentials {
            client_id: client_id.expose().to_owned(),
            client_secret,
            username: username.expose().to_owned(),
            password,
        })
    }
}

/// The SkySwitch login.
pub(super) fn skyswitch_login(file: &ConfigFile, environment: Environment<'_>) -> Result<Login> {
    Login::find(file.login(), environment)?.map_err(|missing| {
        Error::new(
            Code::NotConfigured,
            format!("SkySwitch credentials are missing: {missing}"),
            format!(
                "Run {} in a terminal, or set these variables where the client starts the server; {} keeps what \
                 `login` is told. {} shows what is set. To try everything without an account, start with `--sandbox`.",
                command_line("login"),
                environment.file.display(),
                command_line("auth status")
            ),
        )
    })
}

/// The fields of a config file: those on disk, or those that are about to be written.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    OnDisk,
    Given(Arc<str>),
}

/// Reads logins whenever they are needed.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub variables: Arc<Variables>,
    pub path: PathBuf,
    pub file_goes_first: bool,
    pub stored: Stored,
}

impl Reader {
    pub fn environment(&self) -> Environment<'_> {
        Environment {
            variables: &self.variables,
            file_goes_first: self.file_goes_first,
            file: &self.path,
        }
    }

    /// The fields; `None` where there is no file.
    pub fn file(&self) -> Result<Option<ConfigFile>> {
        match &self.stored {
            Stored::OnDisk => ConfigFile::read(&self.path),
            Stored::Given(text) => ConfigFile::parse(&self.path, text).map(Some),
        }
    }

    /// Client id, client secret, username and password of the SkySwitch API.
    pub fn skyswitch_login(&self) -> Source<Credentials> {
        self.source(skyswitch_login)
    }

    /// The same of the PBX API.
    pub fn pbx_login(&self) -> Source<Credentials> {
        self.source(pbx::pbx_login)
    }

    fn source(
        &self,
        find: fn(&ConfigFile, Environment<'_>) -> Result<Login>,
    ) -> Source<Credentials> {
        let reader = self.clone();
        Source::new(move || {
            let found = reader
                .file()
                .and_then(|file| find(&file.unwrap_or_default(), reader.environment()));
            async move { found?.read().await }
        })
    }

    /// The API key of the PBX API.
    pub fn pbx_key(&self) -> Source<Secret> {
        let reader = self.clone();
        Source::new(move || {
            let found = reader.file().and_then(|file| {
                let file = file.unwrap_or_default();
                file.pbx_key().find(reader.environment())
            });
            async move {
                let (at, origin) = found?.ok_or_else(|| {
                    Error::new(
                        Code::NotConfigured,
                        "there is no API key of the PBX API any more",
                        "Set `pbx_api_key` again, or restart this program.",
                    )
                })?;
                at.read("pbx_api_key", &origin.name).await
            }
        })
    }
}
