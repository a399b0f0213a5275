//! A sandbox, a state folder, and applications on them.

use std::path::Path;

use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{ConfirmMode, Credentials, Flags, Limits, Settings};
use skyswitch_mcp::redact::Secret;
use skyswitch_mcp::sandbox::{self, Fault, Recorded, Sandbox, Tenant};
use tempfile::TempDir;

use super::journal::{self, texts};
use super::process::eventually;

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
    pub fn age_journal(&self, milliseconds: i64) {
        let older =
            "UPDATE changes SET started_at = started_at - ?1, given_up_at = given_up_at - ?1";
        self.age(older, milliseconds);
    }

    /// Lets the changes in the journal have been begun earlier.
    pub fn age_start_of_changes(&self, milliseconds: i64) {
        let older = "UPDATE changes SET started_at = started_at - ?";
        self.age(older, milliseconds);
    }

    /// Lets the dial plans that were kept be that many milliseconds older.
    pub fn age_dial_plans(&self, milliseconds: i64) {
        let older = "UPDATE dial_plans SET read_at = read_at - ?";
        self.age(older, milliseconds);
    }

    /// Lets what people declined be that many seconds longer ago.
    pub fn age_declines(&self, seconds: i64) {
        self.age("UPDATE declines SET until = until - ?", seconds);
    }

    /// Lets what waits, or has waited, for a person expire that many seconds sooner.
    pub fn age_approvals(&self, seconds: i64) {
        let older = "UPDATE approvals SET expires_at = expires_at - ?";
        self.age(older, seconds);
    }

    /// Lets the pause after wrong PINs end that many seconds sooner.
    pub fn age_pin_tries(&self, seconds: i64) {
        let older = "UPDATE pin_tries SET blocked_until = blocked_until - ?";
        self.age(older, seconds);
    }

    fn age(&self, older: &'static str, milliseconds: i64) {
        let database = journal::open(&self.state_dir());
        database.execute(older, [milliseconds]).unwrap();
    }

    /// Changes the journal as another process could have.
    pub fn change_journal(&self, statement: &'static str) {
        let database = journal::open(&self.state_dir());
        database.execute_batch(statement).unwrap();
    }

    /// Rewrites the previews of the changes that wait.
    pub fn rewrite_previews(&self, rewrite: impl Fn(String) -> String) {
        let database = journal::open(&self.state_dir());
        for preview in texts(&database, "SELECT preview FROM approvals", []) {
            let update = "UPDATE approvals SET preview = ? WHERE preview = ?";
            let values = [rewrite(preview.clone()), preview];
            database.execute(update, values).unwrap();
        }
    }

    /// Methods of the requests received beside logins and looks at a domain's
    /// users and numbers, which a change makes to warn of wrong destinations and
    /// of rules without effect.
    pub fn sent(&self) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|request| request.path != "/oauth/token")
            .filter(|request| !request.path.contains("/oauth2/token"))
            .filter(|request| !request.path.ends_with("/pbx/subscribers"))
            .filter(|request| !request.path.ends_with("/pbx/phone-numbers"))
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

    /// Where a caller's calls go at the service, if a rule is stored under that key.
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

/// The login that the sandbox takes.
pub fn sandbox_login() -> Credentials {
    Credentials {
        client_id: sandbox::CLIENT_ID.to_owned(),
        client_secret: Secret::new(sandbox::CLIENT_SECRET),
        username: sandbox::USERNAME.to_owned(),
        password: Secret::new(sandbox::PASSWORD),
    }
}

/// Settings for any base URL and state folder, with the sandbox's login and no limits.
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
    let mut settings = Settings::load(&Flags::default(), &lookup).unwrap();
    settings.limits = Limits::default();
    settings
}
