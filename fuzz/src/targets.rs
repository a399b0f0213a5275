//! What every kind of foreign text is given to, and what must hold for any.
//!
//! `cargo fuzz` runs each target for as long as one likes; the tests of the
//! product include this file and run all of them on the kept corpus and on
//! changed copies of it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{Flags, Limits, Settings};
use skyswitch_mcp::domain::{Ani, CalledNumber, CustomerKey, Destination, Dnis, PhoneNumber};
use skyswitch_mcp::guard::{Answer, Channel};
use skyswitch_mcp::ops::{self, Format, ListVips, PageSize, Progress, SyncSession};
use skyswitch_mcp::sandbox::{self, Fault, Sandbox, Tenant};
use skyswitch_mcp::{Error, Result};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const DOMAIN: &str = "lakesidedental.12345.service";

/// What is done with foreign text.
pub type Target = fn(&mut Ground, &[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Target); 9] = [
    ("number", number),
    ("destination", destination),
    ("csv", |ground, data| ground.list(Format::Csv, data)),
    ("json", |ground, data| ground.list(Format::Json, data)),
    ("vcard", |ground, data| ground.list(Format::Vcard, data)),
    ("answer", |ground, data| ground.answer(data)),
    ("cursor", |ground, data| ground.cursor(data)),
    ("state", |ground, data| ground.state(data)),
    ("message", |ground, data| ground.message(data)),
];

/// A service, and the product on it.
pub struct Ground {
    runtime: Runtime,
    sandbox: Arc<Sandbox>,
    app: App,
    server: Option<Server>,
    binary: std::path::PathBuf,
    folder: TempDir,
}

/// A server process that is sent lines.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A number that is read is written so that it is read as the same one.
fn number(_: &mut Ground, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(number) = text.parse::<PhoneNumber>() {
        let written = format!("+{}", number.as_str());
        assert_eq!(written.parse(), Ok(number.clone()), "{text:?}");
        assert!(number.is_stored_as(number.as_str()), "{text:?}");
    }
    let stored = Ani::from_stored(&text);
    assert!(stored.is_same_caller(&stored), "{text:?}");
    let _ = stored.to_string();
    let called = text.parse::<CalledNumber>().map(|called| called.to_dnis());
    for dnis in called.into_iter().chain([Dnis::from_stored(Some(&text))]) {
        assert!(dnis.same_as(&dnis), "{text:?}");
    }
}

fn destination(_: &mut Ground, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(destination) = text.parse::<Destination>() {
        let written = destination.as_str().parse::<Destination>();
        assert_eq!(written.as_ref(), Ok(&destination), "{text:?}");
    }
    if let Ok(customer) = text.parse::<CustomerKey>() {
        let _ = customer.to_string();
    }
}

/// A refusal says what to do.
fn refused<T>(outcome: Result<T>) -> Option<T> {
    let explained = |error: &Error| assert!(!error.hint().is_empty(), "{error:?}");
    outcome.inspect_err(explained).ok()
}

impl Ground {
    /// A service on a port of its own, and a program to send messages to.
    ///
    /// # Panics
    /// Where there is no port or no folder.
    pub fn new(binary: &Path) -> Ground {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let started = runtime.block_on(Sandbox::start(0, Tenant::demo()));
        let sandbox = Arc::new(started.expect("a free port"));
        let folder = tempfile::tempdir().expect("a folder");
        let app = App::new(settings(&sandbox, folder.path()));
        Ground {
            runtime,
            sandbox,
            app,
            server: None,
            binary: binary.to_owned(),
            folder,
        }
    }

    fn is_unchanged(&self) {
        let changes = self.sandbox.rule_log();
        assert!(changes.is_empty(), "{changes:?}");
    }

    /// A list is planned or refused, and every row of a plan is accounted for.
    fn list(&mut self, format: Format, data: &[u8]) {
        let args = ops::SyncVips {
            domain: DOMAIN.parse().expect("a domain"),
            list: None,
            file: None,
            from_domain: None,
            plan: None,
            format: Some(format),
            from: None,
            mode: None,
            destination: "101".parse().ok(),
            application: None,
            map: Vec::new(),
            skip_invalid: None,
            allow_large_removal: None,
            dry_run: Some(true),
            resume: None,
            account_id: None,
            confirmation: None,
        };
        let session = SyncSession {
            channel: &Channel::Given,
            progress: &Silent,
            stop: &CancellationToken::new(),
            most_rows: None,
        };
        let planned = ops::sync_vips(&self.app, &args, Some(data), &session);
        refused(self.runtime.block_on(planned));
        self.is_unchanged();
    }

    /// An answer of the service is understood or refused; the first byte says
    /// which request it answers.
    fn answer(&mut self, data: &[u8]) {
        let Some((which, body)) = data.split_first() else {
            return;
        };
        let body = String::from_utf8_lossy(body);
        let path = [
            "route-by-ani",
            "pbx/domains",
            "subscribers",
            "phone-numbers",
        ];
        let path = path[usize::from(*which) % path.len()];
        let answer = Fault::status("GET", path, 200).body(&body, "application/json");
        self.sandbox.inject(answer.times(9));
        let args = ops::ExplainCall {
            ani: "16165550123".parse().expect("a number"),
            domain: DOMAIN.parse().ok(),
            dnis: "16165550100".parse().ok(),
            account_id: None,
        };
        let list = ListVips {
            domain: DOMAIN.parse().ok(),
            ..ListVips::default()
        };
        let domains = ops::ListDomains {
            refresh: Some(true),
            ..ops::ListDomains::default()
        };
        let numbers = ops::ListNumbers::default();
        let app = &self.app;
        self.runtime.block_on(async {
            refused(ops::list_domains(app, &domains, PageSize::All).await);
            refused(ops::list_vips(app, &list, PageSize::All).await);
            refused(ops::list_numbers(app, &numbers, PageSize::All).await);
            refused(ops::explain_call(app, &args).await);
        });
        self.sandbox.clear_faults();
        self.is_unchanged();
    }

    /// A cursor of nobody's making is refused, or leads to a page.
    fn cursor(&mut self, data: &[u8]) {
        let list = ListVips {
            cursor: Some(String::from_utf8_lossy(data).into_owned()),
            ..ListVips::default()
        };
        let page = PageSize::from_limit(Some(2)).expect("a limit");
        let listed = ops::list_vips(&self.app, &list, page);
        refused(self.runtime.block_on(listed));
    }

    /// No state and no confirmation that others made lets anything be removed.
    fn state(&mut self, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        let mut args = ops::RemoveVip {
            ani: "16165550123".parse().expect("a number"),
            domain: DOMAIN.parse().expect("a domain"),
            dnis: None,
            account_id: None,
            confirmation: None,
        };
        let typed = Some(Answer::Typed("16165550123".to_owned()));
        let between = Channel::Between {
            state: Some(&text),
            answer: typed,
        };
        let removed = ops::remove_vip(&self.app, &args, &between);
        refused(self.runtime.block_on(removed));
        args.confirmation = Some(text.clone().into_owned());
        let elsewhere = Channel::Elsewhere {
            confirmation: Some(&text),
            form_failed: false,
            links: None,
        };
        let removed = ops::remove_vip(&self.app, &args, &elsewhere);
        refused(self.runtime.block_on(removed));
        self.is_unchanged();
    }

    /// Whatever a line holds, the server answers the next one.
    fn message(&mut self, data: &[u8]) {
        if self.server.is_none() {
            self.server = Some(self.started());
        }
        let Some(server) = &mut self.server else {
            return;
        };
        let mut line: Vec<u8> = data.iter().copied().filter(|byte| *byte != b'\n').collect();
        line.extend_from_slice(b"\n{\"jsonrpc\":\"2.0\",\"id\":\"after\",\"method\":\"ping\"}\n");
        server.input.write_all(&line).expect("the server reads");
        loop {
            let mut answer = String::new();
            let length = server.output.read_line(&mut answer).expect("a line");
            assert_ne!(length, 0, "the server ended: {:?}", server.child.wait());
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            if answer["id"] == "after" {
                return;
            }
        }
    }

    fn started(&self) -> Server {
        let mut child = Command::new(&self.binary)
            .args(["mcp", "--sandbox"])
            .env_clear()
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let initialize = concat!(
            r#"{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}"#,
            "\n",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "\n"
        );
        input
            .write_all(initialize.as_bytes())
            .expect("the server reads");
        Server {
            child,
            input,
            output,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Silent;

impl Progress for Silent {
    fn report(&self, _: usize, _: usize, _: &str) {}
}

fn settings(sandbox: &Sandbox, folder: &Path) -> Settings {
    let state = folder.join("state");
    let lookup = |name: &str| {
        let value = match name {
            "SKYSWITCH_CLIENT_ID" => sandbox::CLIENT_ID,
            "SKYSWITCH_CLIENT_SECRET" => sandbox::CLIENT_SECRET,
            "SKYSWITCH_USERNAME" => sandbox::USERNAME,
            "SKYSWITCH_PASSWORD" => sandbox::PASSWORD,
            "SKYSWITCH_ACCOUNT_ID" => sandbox::ACCOUNT_ID,
            "SKYSWITCH_BASE_URL" => sandbox.base_url(),
            "SKYSWITCH_RATE_LIMIT" => "0",
            "SKYSWITCH_STATE_DIR" => state.to_str()?,
            "XDG_CONFIG_HOME" => "/nonexistent",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let mut settings = Settings::load(&Flags::default(), &lookup).expect("settings");
    settings.limits = Limits::default();
    settings
}
