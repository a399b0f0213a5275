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
use skyswitch_domain::{
    AccountId, Application, Destination, DestinationKey, Operation, PbxDomain, Route,
};

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

    /// The same where rules are looked for by where they lead: what one of them has as
    /// its destination goes before a name, and it is said whose name that is as well.
    ///
    /// # Errors
    /// Those of [`People::take`], where no rule leads there.
    pub async fn take_of_rules(
        &self,
        field: &str,
        key: &DestinationKey,
        rules: &[Route],
    ) -> Result<Taken> {
        match of_rules(key, rules) {
            Some(destination) => Ok(Taken {
                named: self.passed_over(key, &destination).await,
                destination,
            }),
            None => self.take(field, key, None).await,
        }
    }

    /// Who is called as a destination of rules is written, and is not meant by it.
    async fn passed_over(&self, key: &DestinationKey, written: &Destination) -> Option<String> {
        let is_plain = !matches!(key.unless_name(None), Ok(None));
        if is_plain {
            return None;
        }
        let not_meant = match self.users().await {
            Ok(users) => match called(users, key) {
                Called::One(user) if !is_id(user, written) => in_words(user),
                Called::Several(users) => first_few(NAMED, users.into_iter().map(in_words)),
                Called::ById(_) | Called::One(_) | Called::Nobody => return None,
            },
            Err(_) => "somebody of that name, who could not be looked up".to_owned(),
        };
        Some(format!(
            "\"{key}\" is what VIP rules have as their destination, and not {not_meant}"
        ))
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
        match called(users, key) {
            Called::ById(written) => Ok(Found::Taken(Taken::as_written(written))),
            Called::One(user) => match id_of(user) {
                Some(destination) => Ok(Found::Taken(Taken {
                    destination,
                    named: Some(format!("\"{key}\" is {}", in_words(user))),
                })),
                None => Err(without_id(field, key, user)),
            },
            Called::Several(users) => Err(Error::invalid(
                field,
                format!(
                    "\"{key}\" may be {}",
                    first_few(NAMED, users.into_iter().map(in_words))
                ),
                "Give the full name or the extension of the one that is meant; nothing was changed.",
            )),
            Called::Nobody => Ok(Found::Nobody(self.nobody(field, key, users))),
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

/// Who is called so, by the list of users.
enum Called<'a> {
    /// It is the id of a user.
    ById(Destination),
    One(&'a Subscriber),
    Several(Vec<&'a Subscriber>),
    Nobody,
}

fn called<'a>(users: &'a [Subscriber], key: &DestinationKey) -> Called<'a> {
    if let Some(written) = key.as_written()
        && users.iter().any(|user| is_id(user, &written))
    {
        return Called::ById(written);
    }
    let is_destination =
        |user: &&Subscriber| !user.is_ani_user() && !user.user.eq_ignore_ascii_case(DOMAIN_USER);
    let asked = words(key.as_given());
    let named: Vec<(&Subscriber, Vec<String>)> = users
        .iter()
        .filter(is_destination)
        .filter_map(|user| Some((user, words(user.name.as_deref()?))))
        .filter(|(_, name)| !asked.is_empty() && asked.iter().all(|word| name.contains(word)))
        .collect();
    let in_full: Vec<_> = named.iter().filter(|(_, name)| *name == asked).collect();
    let mut meant: Vec<&Subscriber> = match in_full.is_empty() {
        true => named.iter().map(|(user, _)| *user).collect(),
        false => in_full.into_iter().map(|(user, _)| *user).collect(),
    };
    let is_other = |user: &&Subscriber| meant.iter().all(|other| other.user != user.user);
    let mut others = users.iter().filter(is_destination).filter(is_other);
    let as_answered = others.find(|user| is_as_answered(user, key.as_given()));
    meant.extend(as_answered);
    match meant.as_slice() {
        [] => Called::Nobody,
        [one] => Called::One(one),
        _ => Called::Several(meant),
    }
}

fn is_id(user: &Subscriber, written: &Destination) -> bool {
    user.user.eq_ignore_ascii_case(written.as_str())
}

/// The text as a destination, where rules lead there.
pub(in crate::ops) fn of_rules(key: &DestinationKey, rules: &[Route]) -> Option<Destination> {
    let is_there = |place: &Destination| rules.iter().any(|rule| rule.leads_to(place));
    key.as_written().filter(is_there)
}

fn without_id(field: &str, key: &DestinationKey, user: &Subscriber) -> Error {
    Error::invalid(
        field,
        format!(
            "\"{key}\" is {}, whose id would be read as something else in a VIP rule",
            in_words(user)
        ),
        "Give another destination; nothing was changed.",
    )
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

/// Whether it is written as answers write people: `Maya Lindgren (101)`.
fn is_as_answered(user: &Subscriber, given: &str) -> bool {
    let parts = given
        .strip_suffix(')')
        .and_then(|given| given.rsplit_once(" ("));
    parts.is_some_and(|(name, id)| {
        user.user.eq_ignore_ascii_case(id) && user.name.as_deref().map(words) == Some(words(name))
    })
}

/// The words of a name, in small letters and without accents; `ß` is `ss`. Marks of
/// other scripts are vowels, which tell one name from another.
fn words(name: &str) -> Vec<String> {
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let plain: String = name.nfkd().filter(|c| !is_accent(c)).collect();
    let plain = plain.to_uppercase().to_lowercase();
    let words = plain.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
