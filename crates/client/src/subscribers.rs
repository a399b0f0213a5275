//! The users of a PBX domain (SkySwitch API reference, PBX Subscribers).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::call::Call;
use super::http::Answer;
use super::page::{Names, Page, Row};
use super::scalar::Field;
use super::{Client, account_path};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, Extension, PbxDomain, names_ani_user};

/// A user of a PBX domain. Queues, attendants and system users are users, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its id, usually an extension such as `101`.
    pub user: String,
    /// Its displayed name, where there is one.
    pub name: Option<String>,
    /// `system-user`, `system-queue`, … where it is not a person.
    pub service_code: Option<String>,
}

impl Subscriber {
    /// Whether it is the Route by ANI user, by its id or its name, in any
    /// writing ("Route By ANI").
    pub fn is_ani_user(&self) -> bool {
        names_ani_user(&self.user) || self.name.as_deref().is_some_and(names_ani_user)
    }
}

impl Subscriber {
    /// Whether the portals hide it. That does not say that nobody answers there:
    /// some set up ordinary extensions so.
    pub fn is_system_user(&self) -> bool {
        self.service_code.as_deref() == Some("system-user")
    }

    /// Whether it is a call queue.
    pub fn is_queue(&self) -> bool {
        self.service_code.as_deref() == Some("system-queue")
    }

    /// Whether it is an auto attendant.
    pub fn is_attendant(&self) -> bool {
        self.service_code.as_deref() == Some("system-aa")
    }
}

#[derive(Deserialize)]
pub(super) struct SubscriberWire {
    #[serde(default)]
    user: Field,
    #[serde(default)]
    name: Field,
    #[serde(default)]
    first_name: Field,
    #[serde(default)]
    last_name: Field,
    #[serde(default)]
    srv_code: Field,
    #[serde(default)]
    domain: Field,
}

/// A row with the domain that it names; blank where it names none.
#[derive(PartialEq)]
struct Placed(Subscriber, Arc<str>);

impl Row for Placed {
    type Wire = SubscriberWire;

    fn from_wire(
        wire: SubscriberWire,
        key: Option<&str>,
        names: &mut Names,
    ) -> Result<Placed, &'static str> {
        // Who is a Route by ANI user is told by these: none may be half-read.
        let lacks = "a readable user";
        let first_name = wire.first_name.text(lacks)?;
        let parts = [first_name, wire.last_name.text(lacks)?];
        let full_name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let full_name = (!full_name.is_empty()).then_some(full_name);
        let user = wire.user.text(lacks)?.or_else(|| key.map(str::to_owned));
        let home = wire.domain.text("a readable domain")?;
        Ok(Placed(
            Subscriber {
                user: user.ok_or(lacks)?,
                name: wire.name.text(lacks)?.or(full_name),
                service_code: wire.srv_code.text(lacks)?,
            },
            names.shared(home.as_deref().unwrap_or_default()),
        ))
    }

    fn from_text(text: &str, key: Option<&str>) -> Result<Placed, &'static str> {
        let subscriber = Subscriber {
            user: key.ok_or("a readable user")?.to_owned(),
            name: Some(text.to_owned()),
            service_code: None,
        };
        Ok(Placed(subscriber, "".into()))
    }
}

/// Lists of users by account and domain, each with the moment it was read.
#[derive(Default)]
pub(super) struct SubscriberCache {
    lists: Mutex<HashMap<(AccountId, PbxDomain), Kept>>,
}

/// A list and when it was read.
struct Kept {
    read: Instant,
    list: Arc<Vec<Subscriber>>,
}

/// Lists kept at most; the oldest goes first.
const LISTS_KEPT: usize = 64;

impl SubscriberCache {
    fn get(
        &self,
        place: &(AccountId, PbxDomain),
        no_older_than: Duration,
    ) -> Option<Arc<Vec<Subscriber>>> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists
            .get(place)
            .filter(|kept| kept.read.elapsed() <= no_older_than)
            .map(|kept| Arc::clone(&kept.list))
    }

    fn keep(&self, place: (AccountId, PbxDomain), list: &Arc<Vec<Subscriber>>) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= LISTS_KEPT {
            let oldest = lists.iter().min_by_key(|(_, kept)| kept.read);
            if let Some(place) = oldest.map(|(place, _)| place.clone()) {
                lists.remove(&place);
            }
        }
        let kept = Kept {
            read: Instant::now(),
            list: Arc::clone(list),
        };
        lists.insert(place, kept);
    }
}

/// The Route by ANI user in an answer, as far as it is understood.
pub(super) fn ani_user_in(answer: &Answer) -> Option<Extension> {
    let page = Page::<Placed>::read(answer, "the list of subscribers", false).ok()?;
    let mut users = page.rows.iter().map(|Placed(user, _)| user);
    users.find(|user| user.is_ani_user())?.user.parse().ok()
}

/// The request for the users of a domain.
pub(super) fn list_call(account: &AccountId, domain: &PbxDomain) -> Call {
    Call::get(account_path(account, ["pbx", "subscribers"])).with("domain", domain.as_str())
}

impl Client {
    /// The users of a domain, ordered by id. A list that this client read less
    /// than `no_older_than` ago is given again; zero always asks the service.
    ///
    /// # Errors
    /// See [`Client::domains`].
    pub async fn subscribers(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        no_older_than: Duration,
    ) -> Result<Arc<Vec<Subscriber>>> {
        let place = (account.clone(), domain.clone());
        if let Some(list) = self.inner.subscribers.get(&place, no_older_than) {
            return Ok(list);
        }
        // What is given without a filter is not documented.
        let call = list_call(account, domain).with("filter", "all");
        let what = "the list of subscribers";
        let listed = self.list_of::<Placed>(account, domain, call, what).await?;
        let homes = self.homes(account, Some(domain), &listed, what).await?;
        let mut list: Vec<Subscriber> = listed
            .rows
            .into_iter()
            .filter(|Placed(_, home)| homes.of(home).is_some())
            .map(|Placed(subscriber, _)| subscriber)
            .collect();
        list.sort_by(|a, b| a.user.cmp(&b.user));
        let list = Arc::new(list);
        self.inner.subscribers.keep(place, &list);
        Ok(list)
    }

    /// The users of a domain as they were read last; nothing is asked for.
    pub fn subscribers_read_before(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Option<Arc<Vec<Subscriber>>> {
        let place = (account.clone(), domain.clone());
        self.inner.subscribers.get(&place, Duration::MAX)
    }
}
