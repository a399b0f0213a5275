//! What the tests of the library share: a sandbox with a state folder of its
//! own, applications on it, a person who answers, and what was sent.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails its test"
)]

use std::fmt::Debug;
use std::path::Path;
use std::pin::Pin;
use std::sync::Mutex;

use skyswitch_mcp::Result;
use skyswitch_mcp::config::{ConfirmMode, Flags, Settings};
use skyswitch_mcp::domain::AccountId;
use skyswitch_mcp::error::{Code, Error};
use skyswitch_mcp::guard::{Answer, AskPerson, Channel, Preview};
use skyswitch_mcp::ops::{
    AddVip, AddVipOutcome, App, Asked, ListVips, PageSize, Question, RemoveVip, RemoveVipOutcome,
    VipList, add_vip, list_vips, remove_vip,
};
use skyswitch_mcp::sandbox::{self, Fault, Recorded, Sandbox, StoredRoute, Tenant};
use tempfile::TempDir;

use crate::process::eventually;

/// Customers of the sandbox's demo tenant.
pub const DENTAL: &str = "lakesidedental.12345.service";
pub const VET: &str = "maplewoodvet.12345.service";
pub const LEGAL: &str = "harborlegal.12345.service";
pub const BAKERY: &str = "sunrisebakery.12345.service";
pub const KETTLE: &str = "copperkettle.12345.service";

/// A VIP of [`DENTAL`] who rings extension 101, stored as listed here.
pub const CALLER: &str = "16165550123";

/// A sandbox and a state folder.
pub struct Bench {
    pub sandbox: Sandbox,
    folder: TempDir,
}

impl Bench {
    /// The demo customers.
    pub async fn demo() -> Bench {
        Bench::with(Tenant::demo()).await
    }

    /// A tenant of the test's own making.
    pub async fn with(tenant: Tenant) -> Bench {
        Bench {
            sandbox: Sandbox::start(0, tenant).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The state folder; nothing is in it before something is written.
    pub fn state_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// Settings that fit the sandbox, without a limit on the pace.
    pub fn settings(&self) -> Settings {
        settings(self.sandbox.base_url(), &self.state_dir())
    }

    /// An application in mode `human`.
    pub fn app(&self) -> App {
        App::new(self.settings())
    }

    /// An application in another mode.
    pub fn app_in(&self, confirm: ConfirmMode) -> App {
        self.app_with(|settings| settings.confirm = confirm)
    }

    /// An application with other settings.
    pub fn app_with(&self, change: impl FnOnce(&mut Settings)) -> App {
        let mut settings = self.settings();
        change(&mut settings);
        App::new(settings)
    }

    /// Lets the changes in the journal be that many milliseconds older.
    pub async fn age_journal(&self, milliseconds: i64) {
        let older =
            "UPDATE changes SET started_at = started_at - ?1, given_up_at = given_up_at - ?1";
        self.age(older, milliseconds).await;
    }

    /// Lets the changes in the journal have been begun earlier.
    pub async fn age_start_of_changes(&self, milliseconds: i64) {
        let older = "UPDATE changes SET started_at = started_at - ?";
        self.age(older, milliseconds).await;
    }

    /// Lets the dial plans that were kept be that many milliseconds older.
    pub async fn age_dial_plans(&self, milliseconds: i64) {
        let older = "UPDATE dial_plans SET read_at = read_at - ?";
        self.age(older, milliseconds).await;
    }

    async fn age(&self, older: &'static str, milliseconds: i64) {
        let pool = self.database().await;
        let older = sqlx::query(older).bind(milliseconds);
        older.execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// Changes the journal as another process could have.
    pub async fn change_journal(&self, statement: &'static str) {
        let pool = self.database().await;
        sqlx::query(statement).execute(&pool).await.unwrap();
        pool.close().await;
    }

    async fn database(&self) -> sqlx::SqlitePool {
        let path = self.state_dir().join("state.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        sqlx::SqlitePool::connect_with(options).await.unwrap()
    }

    /// Methods of the requests received beside logins and looks at a domain's
    /// users, which a change makes once a minute to warn of wrong destinations.
    pub fn sent(&self) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|request| request.path != "/oauth/token")
            .filter(|request| !request.path.contains("/oauth2/token"))
            .filter(|request| !request.path.ends_with("/pbx/subscribers"))
            .map(|request| request.method)
            .collect()
    }

    /// Grant types of the logins received, in order; `?` where one was not acted on.
    pub fn logins(&self) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|request| request.path == "/oauth/token" && request.method == "POST")
            .map(|request| request.grant_type.unwrap_or_else(|| "?".to_owned()))
            .collect()
    }

    /// How many requests of that method were received beside logins.
    pub fn count(&self, method: &str) -> usize {
        self.sent().iter().filter(|sent| *sent == method).count()
    }

    /// The only request of that method.
    pub fn only(&self, method: &str) -> Recorded {
        let mut matching = self.sandbox.requests();
        matching.retain(|request| request.method == method && request.path != "/oauth/token");
        assert_eq!(matching.len(), 1, "{method}: {matching:#?}");
        matching.remove(0)
    }

    /// Fails if anything was written.
    #[track_caller]
    pub fn assert_nothing_written(&self) {
        let sent = self.sent();
        assert!(
            sent.iter().all(|method| method == "GET"),
            "written although it must not be: {sent:?}"
        );
    }

    /// Waits until that many requests of that method have arrived.
    pub async fn arrived(&self, method: &str, number: usize) {
        let what = format!("{method} number {number} arrives");
        eventually(&what, || self.count(method) >= number).await;
    }

    /// Where a caller rings at the service, if a rule stands under that stored key.
    pub fn rings(&self, domain: &str, ani: &str) -> Option<String> {
        let routes = self.sandbox.routes().into_iter();
        let mut of_caller = routes.filter(|route| route.domain == domain && route.ani == ani);
        of_caller.next().map(|route| route.destination)
    }

    /// Lets the next route list be this text.
    pub fn next_list(&self, body: &str) {
        let list = Fault::status("GET", "route-by-ani", 200);
        self.sandbox.inject(list.body(body, "application/json"));
    }
}

/// Settings for any base URL and state folder, with the sandbox's login.
pub fn settings(base_url: &str, state_dir: &Path) -> Settings {
    let lookup = |name: &str| {
        let value = match name {
            "SKYSWITCH_CLIENT_ID" => sandbox::CLIENT_ID,
            "SKYSWITCH_CLIENT_SECRET" => sandbox::CLIENT_SECRET,
            "SKYSWITCH_USERNAME" => sandbox::USERNAME,
            "SKYSWITCH_PASSWORD" => sandbox::PASSWORD,
            "SKYSWITCH_ACCOUNT_ID" => sandbox::ACCOUNT_ID,
            "SKYSWITCH_BASE_URL" => base_url,
            "SKYSWITCH_RATE_LIMIT" => "0",
            "SKYSWITCH_STATE_DIR" => state_dir.to_str()?,
            "XDG_CONFIG_HOME" => "/nonexistent",
            _ => return None,
        };
        Some(value.to_owned())
    };
    Settings::load(&Flags::default(), &lookup).unwrap()
}

/// A person who always gives the same answer, and keeps what was shown.
pub struct Person<'a> {
    answer: Answer,
    meanwhile: Box<dyn Fn() + Send + Sync + 'a>,
    shown: Mutex<Vec<Preview>>,
}

impl<'a> Person<'a> {
    /// Types this text.
    pub fn typing(text: &str) -> Person<'a> {
        Person::answering(Answer::Typed(text.to_owned()))
    }

    /// Gives this answer.
    pub fn answering(answer: Answer) -> Person<'a> {
        Person {
            answer,
            meanwhile: Box::new(|| ()),
            shown: Mutex::default(),
        }
    }

    /// Something that happens elsewhere while the person thinks.
    pub fn while_thinking(mut self, event: impl Fn() + Send + Sync + 'a) -> Person<'a> {
        self.meanwhile = Box::new(event);
        self
    }

    /// The previews shown so far.
    pub fn shown(&self) -> Vec<Preview> {
        self.shown.lock().unwrap().clone()
    }
}

impl AskPerson for Person<'_> {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        self.shown.lock().unwrap().push(preview.clone());
        (self.meanwhile)();
        Box::pin(std::future::ready(self.answer.clone()))
    }
}

/// A client without forms that sends no confirmation.
pub fn nobody() -> Channel<'static> {
    Channel::Elsewhere {
        confirmation: None,
        form_failed: false,
    }
}

/// A client without forms that sends a token.
pub fn token(confirmation: &str) -> Channel<'_> {
    Channel::Elsewhere {
        confirmation: Some(confirmation),
        form_failed: false,
    }
}

/// The first call of a client that brings answers with a second one.
pub fn first_call() -> Channel<'static> {
    Channel::Between {
        state: None,
        answer: None,
    }
}

/// The second call of such a client.
pub fn second_call<'a>(state: &'a str, typed: &str) -> Channel<'a> {
    Channel::Between {
        state: Some(state),
        answer: Some(Answer::Typed(typed.to_owned())),
    }
}

/// Arguments of `add_vip`.
pub fn adding(ani: &str, domain: &str, destination: &str) -> AddVip {
    AddVip {
        ani: ani.parse().unwrap(),
        domain: domain.parse().unwrap(),
        destination: destination.parse().unwrap(),
        application: None,
        dnis: None,
        account_id: None,
        confirmation: None,
    }
}

/// Arguments of `remove_vip`.
pub fn removing(ani: &str, domain: &str) -> RemoveVip {
    RemoveVip {
        ani: ani.parse().unwrap(),
        domain: domain.parse().unwrap(),
        dnis: None,
        account_id: None,
        confirmation: None,
    }
}

/// Arguments of `list_vips` for one domain.
pub fn listing(domain: &str) -> ListVips {
    ListVips {
        domain: Some(domain.parse().unwrap()),
        ..ListVips::default()
    }
}

/// Adds, where no question is expected.
pub async fn add(app: &App, args: &AddVip, channel: &Channel<'_>) -> Result<AddVipOutcome> {
    add_vip(app, args, channel).await.map(done)
}

/// Removes, where no question is expected.
pub async fn remove(
    app: &App,
    args: &RemoveVip,
    channel: &Channel<'_>,
) -> Result<RemoveVipOutcome> {
    remove_vip(app, args, channel).await.map(done)
}

/// The whole list that the arguments ask for.
pub async fn list(app: &App, args: &ListVips) -> Result<VipList> {
    list_vips(app, args, PageSize::All).await
}

/// What was decided.
#[track_caller]
pub fn done<T>(asked: Asked<T>) -> T {
    match asked {
        Asked::Done(outcome) => outcome,
        Asked::Question(question) => panic!("asked instead of decided: {question:?}"),
    }
}

/// What is asked.
#[track_caller]
pub fn question<T: Debug>(asked: Asked<T>) -> Question {
    match asked {
        Asked::Question(question) => question,
        Asked::Done(outcome) => panic!("decided instead of asked: {outcome:?}"),
    }
}

/// The failure, which must be of that kind.
#[track_caller]
pub fn failure<T: Debug>(outcome: Result<T>, code: Code) -> Error {
    let error = outcome.expect_err("this must fail");
    assert_eq!(error.code(), code, "{error:?}");
    assert!(!error.hint().is_empty(), "{error:?}");
    error
}

/// The callers of a list, as stored.
pub fn callers(list: &VipList) -> Vec<&str> {
    list.vips.iter().map(|vip| vip.ani.as_str()).collect()
}

/// An account with one domain, [`DENTAL`], and these rules in it.
pub fn tenant_of(rules: &[(&str, &str)]) -> Tenant {
    let tenant = Tenant::empty().domain(DENTAL, "Lakeside Dental");
    rules.iter().fold(tenant, |tenant, (ani, destination)| {
        tenant.route(StoredRoute::new(DENTAL, ani, destination))
    })
}

/// An account other than the sandbox's.
pub fn other_account() -> AccountId {
    "7d9b2c4e-1111-4222-8333-944445555666".parse().unwrap()
}
