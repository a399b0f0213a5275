//! Whose name a destination is: by the list of a customer's users, which is what
//! tells one Maya from two.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::app::App;
use crate::ops::onboarding::dial_plan::DOMAIN_USER;
use crate::ops::vips::destinations::nearest_users;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{AccountId, Application, Destination, DestinationKey, Operation, PbxDomain};

/// People named where several may be meant.
const NAMED: usize = 5;

/// A destination that was named, and whose name it was.
#[derive(Debug, Clone)]
pub(in crate::ops) struct Taken {
    pub destination: Destination,
    /// `"Maya" is Maya Lindgren (101)`, where it was somebody's name.
    pub named: Option<String>,
}

impl Taken {
    pub fn as_written(destination: Destination) -> Taken {
        let named = None;
        Taken { destination, named }
    }
}

/// What the list of users says of a name.
enum Found {
    Taken(Taken),
    /// Nobody is called so; the error that says it.
    Nobody(Error),
    /// The list could not be read; the error that says it.
    Unread(Error),
}

/// The users of one customer, read once, and only where somebody may be named.
pub(in crate::ops) struct People<'a> {
    app: &'a App,
    account: &'a AccountId,
    domain: &'a PbxDomain,
    users: OnceCell<Result<Arc<Vec<Subscriber>>>>,
}

impl<'a> People<'a> {
    pub fn of(app: &'a App, account: &'a AccountId, domain: &'a PbxDomain) -> People<'a> {
        People {
            app,
            account,
            domain,
            users: OnceCell::new(),
        }
    }

    /// The destination that is meant. The id of a user is that user, whatever others
    /// are called; else it is the one person, queue or attendant of that full name, or
    /// whose name has all of these words. Who says that it is a user may also name one
    /// that is not listed.
    ///
    /// # Errors
    /// `invalid_argument` where nobody or several are called so; the service's, where
    /// that cannot be read.
    pub async fn take(
        &self,
        field: &str,
        key: &DestinationKey,
        application: Option<&Application>,
    ) -> Result<Taken> {
        match self.look_up(field, key, application).await? {
            Found::Taken(taken) => Ok(taken),
            Found::Nobody(error) => match (application, key.as_written()) {
                (Some(_), Some(written)) => Ok(Taken::as_written(written)),
                _ => Err(error),
            },
            Found::Unread(error) => Err(error),
        }
    }

    /// The same of a user, whose id is taken as it is written where it is not listed.
    ///
    /// # Errors
    /// `invalid_argument` where several are called so; the service's, where that cannot
    /// be read.
    pub async fn take_user(&self, field: &str, key: &DestinationKey) -> Result<Taken> {
        let user = Some(&Application::User);
        match self.look_up(field, key, user).await? {
            Found::Taken(taken) => Ok(taken),
            Found::Nobody(error) => key.as_written().map(Taken::as_written).ok_or(error),
            Found::Unread(error) => Err(error),
        }
    }

    async fn look_up(
        &self,
        field: &str,
        key: &DestinationKey,
        application: Option<&Application>,
    ) -> Result<Found> {
        let exact = key.unless_name(application);
        if let Some(exact) = exact.map_err(|refused| refused.into_error(field))? {
            return Ok(Found::Taken(Taken::as_written(exact)));
        }
        let users = match self.users().await {
            Ok(users) => users,
            Err(error) => return Ok(Found::Unread(self.unread(field, key, error))),
        };
        match of_name(users, key) {
            Ok(taken) => Ok(Found::Taken(taken)),
            Err(called_so) if called_so.is_empty() => {
                Ok(Found::Nobody(self.nobody(field, key, users)))
            }
            Err(several) => Err(Error::invalid(
                field,
                format!("\"{key}\" may be {}", first_few(NAMED, several)),
                "Give the full name or the extension of the one that is meant; nothing was changed.",
            )),
        }
    }

    async fn users(&self) -> &Result<Arc<Vec<Subscriber>>> {
        // Read now: somebody of the same name may have been added since.
        let read = || async {
            let client = self.app.client()?;
            let (account, domain) = (self.account, self.domain);
            client.subscribers(account, domain, Duration::ZERO).await
        };
        self.users.get_or_init(read).await
    }

    fn nobody(&self, field: &str, key: &DestinationKey, users: &[Subscriber]) -> Error {
        let near = match nearest_users(users, key.as_given()) {
            near if near.is_empty() => {
                format!("{} shows who there is.", Operation::ListDestinations)
            }
            near => format!("Nearest: {}.", near.join(", ")),
        };
        Error::invalid(
            field,
            format!("nobody in {} is called \"{key}\"", self.domain),
            format!("{near} {}", by_id(key)),
        )
    }

    fn unread(&self, field: &str, key: &DestinationKey, error: &Error) -> Error {
        let said = format!(
            "who \"{key}\" is could not be looked up, because the users of {} could not be read: {error}",
            self.domain
        );
        let hint = format!("{} {}", error.hint(), by_id(key));
        let unread = Error::new(error.code(), said, hint).with_field(field);
        match error.detail().status {
            Some(status) => unread.with_answer(status, error.detail().request_id.clone()),
            None => unread,
        }
    }
}

fn by_id(key: &DestinationKey) -> String {
    format!(
        "Give the extension, or `user:{key}` or `device:{key}` where that is an id and no name; nothing was changed."
    )
}

/// The user of that id or name, or else all that may be meant: none, or several.
fn of_name(users: &[Subscriber], key: &DestinationKey) -> Result<Taken, Vec<String>> {
    if let Some(written) = key.as_written()
        && users
            .iter()
            .any(|user| user.user.eq_ignore_ascii_case(written.as_str()))
    {
        return Ok(Taken::as_written(written));
    }
    let asked = words(key.as_given());
    let is_destination =
        |user: &&Subscriber| !user.is_ani_user() && !user.user.eq_ignore_ascii_case(DOMAIN_USER);
    let named: Vec<(&Subscriber, Vec<String>)> = users
        .iter()
        .filter(is_destination)
        .filter_map(|user| Some((user, words(user.name.as_deref()?))))
        .filter(|(_, name)| !asked.is_empty() && asked.iter().all(|word| name.contains(word)))
        .collect();
    let in_full: Vec<_> = named.iter().filter(|(_, name)| *name == asked).collect();
    let meant: Vec<&Subscriber> = match in_full.is_empty() {
        true => named.iter().map(|(user, _)| *user).collect(),
        false => in_full.into_iter().map(|(user, _)| *user).collect(),
    };
    match meant.as_slice() {
        [one] => match id_of(one) {
            Some(destination) => Ok(Taken {
                destination,
                named: Some(format!("\"{key}\" is {}", in_words(one))),
            }),
            None => Err(vec![in_words(one)]),
        },
        several => Err(several.iter().map(|user| in_words(user)).collect()),
    }
}

/// The id of a user, unless it would be read as something else.
fn id_of(user: &Subscriber) -> Option<Destination> {
    let id: Destination = user.user.parse().ok()?;
    (id.implied_application().is_none() && !id.as_str().contains('@')).then_some(id)
}

/// `Maya Lindgren (101)`
fn in_words(user: &Subscriber) -> String {
    let name = shown(user.name.as_deref().unwrap_or_default(), 60);
    format!("{name} ({})", shown(&user.user, 40))
}

/// The words of a name, in small letters and without accents. Marks of other scripts
/// are vowels, which tell one name from another.
fn words(name: &str) -> Vec<String> {
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let plain: String = name.nfkd().filter(|c| !is_accent(c)).collect();
    let plain = plain.to_lowercase();
    let words = plain.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
