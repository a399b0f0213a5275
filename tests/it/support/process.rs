//! The `skyswitch` binary as others meet it: a process with arguments, an
//! environment and pipes. [`Home`] is one user's surroundings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use skyswitch_mcp::sandbox::{self, Recorded, Sandbox, StoredRoute, Tenant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::journal;

/// Nothing here takes this long, also on a busy machine; whoever waits longer
/// waits for ever.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// A server that waits for a request that is never answered ends later than
/// this: such a request fails after 20 seconds and may be repeated after that.
pub const PROMPT: Duration = Duration::from_secs(15);

/// The customer most tests work on, from the sandbox's demo tenant.
pub const DOMAIN: &str = "lakesidedental.12345.service";
/// A caller with one rule there, as stored.
pub const CALLER: &str = "16165550123";
/// The same caller as a person writes it.
pub const CALLER_AS_WRITTEN: &str = "(616) 555-0123";
/// Another caller with one rule there.
pub const OTHER_CALLER: &str = "16165550124";

pub async fn demo_sandbox() -> Arc<Sandbox> {
    sandbox_of(Tenant::demo()).await
}

pub async fn sandbox_of(tenant: Tenant) -> Arc<Sandbox> {
    Arc::new(Sandbox::start(0, tenant).await.expect("a free port"))
}

/// What the service received, without logins.
pub fn received(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let calls = requests.iter().filter(|seen| seen.path != "/oauth/token");
    calls.map(method_and_end).collect()
}

/// The changes the service received.
pub fn writes(sandbox: &Sandbox) -> Vec<Recorded> {
    let mut requests = sandbox.requests();
    requests.retain(|seen| !matches!(seen.method.as_str(), "GET" | "POST"));
    requests
}

pub fn logins(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    requests.iter().filter(|seen| seen.method == "POST").count()
}

pub fn stored(sandbox: &Sandbox, ani: &str) -> Vec<StoredRoute> {
    let mut routes = sandbox.routes();
    routes.retain(|route| route.domain == DOMAIN && route.ani == ani);
    routes
}

fn method_and_end(seen: &Recorded) -> String {
    let end = seen.path.rsplit('/').next().unwrap_or_default();
    format!("{} {end}", seen.method)
}

/// The command that adds a VIP to [`DOMAIN`].
pub fn vip_add<'a>(ani: &'a str, destination: &'a str) -> [&'a str; 8] {
    [
        "vip",
        "add",
        "--ani",
        ani,
        "--domain",
        DOMAIN,
        "--destination",
        destination,
    ]
}

/// Waits until something holds that another process brings about.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"));
}

/// Sends a signal, such as `INT`, to a process.
pub async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("the process runs");
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -{name} {id}")])
        .status();
    assert!(sent.await.expect("a shell").success());
}

/// The most memory that a process has used so far, in bytes.
pub fn peak_memory(child: &Child) -> u64 {
    of_status(child, "VmHWM:")
}

/// The most memory that a process has reserved so far, in bytes.
pub fn reserved_memory(child: &Child) -> u64 {
    of_status(child, "VmPeak:")
}

fn of_status(child: &Child, name: &str) -> u64 {
    let id = child.id().expect("the process runs");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
    let peak = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = peak.expect("a peak").trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().expect("a number") * 1024
}

/// One user's surroundings: a home folder, a state folder, an environment.
pub struct Home {
    folder: Arc<TempDir>,
    /// The most blocks of 512 bytes that a file may have.
    blocks: Option<u64>,
    variables: BTreeMap<String, String>,
}

impl Home {
    /// Without credentials.
    pub fn bare() -> Home {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let variables = BTreeMap::from([
            ("HOME".to_owned(), path("home")),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            // Who tests the waiting says so.
            ("SKYSWITCH_APPROVAL_WAIT".to_owned(), "0".to_owned()),
            ("SKYSWITCH_STATE_DIR".to_owned(), path("state")),
            ("TZ".to_owned(), "UTC".to_owned()),
        ]);
        Home {
            folder: Arc::new(folder),
            blocks: None,
            variables,
        }
    }

    /// With the credentials of a sandbox in the environment.
    pub fn of(sandbox: &Sandbox) -> Home {
        Home::bare()
            .with("SKYSWITCH_BASE_URL", sandbox.base_url())
            .with("SKYSWITCH_ACCOUNT_ID", sandbox::ACCOUNT_ID)
            .with("SKYSWITCH_CLIENT_ID", sandbox::CLIENT_ID)
            .with("SKYSWITCH_CLIENT_SECRET", sandbox::CLIENT_SECRET)
            .with("SKYSWITCH_USERNAME", sandbox::USERNAME)
            .with("SKYSWITCH_PASSWORD", sandbox::PASSWORD)
    }

    pub fn with(mut self, name: &str, value: &str) -> Home {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same surroundings where files cannot grow beyond so many blocks of
    /// 512 bytes: writing more fails, as on a disk that is full.
    pub fn with_files_up_to(&self, blocks: u64) -> Home {
        Home {
            folder: Arc::clone(&self.folder),
            blocks: Some(blocks),
            variables: self.variables.clone(),
        }
    }

    pub fn without(mut self, name: &str) -> Home {
        self.variables.remove(name);
        self
    }

    /// Writes the config file where it is looked for by default.
    pub fn with_config(self, content: &str) -> Home {
        self.write("home/.config/skyswitch/config.json", content);
        self
    }

    /// Writes a private file below this home.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Changes the journal as another process could have.
    pub fn change_journal(&self, statement: &'static str) {
        let database = journal::open(&self.path().join("state"));
        database.execute_batch(statement).unwrap();
    }

    /// How many changes stay open once no request of theirs can arrive any more.
    pub async fn left_open(&self) -> Value {
        self.change_journal(
            "UPDATE changes SET started_at = started_at - 60000, given_up_at = given_up_at - 60000",
        );
        let open = self.run(&["changes", "--status", "open", "--json"]).await;
        open.json()["total"].clone()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `skyswitch ARGUMENTS` in these surroundings and no others.
    pub fn command<A: AsRef<str>>(&self, arguments: &[A]) -> Command {
        let binary = env!("CARGO_BIN_EXE_skyswitch");
        let Some(blocks) = self.blocks else {
            return self.program(binary, arguments);
        };
        // Without the signal, the write itself fails.
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = self.program("/bin/sh", &["-c", &limited, binary]);
        command.args(arguments.iter().map(AsRef::as_ref));
        command
    }

    pub fn program<A: AsRef<str>>(&self, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path())
            .kill_on_drop(true);
        command
    }

    /// Runs a command line to its end, with nobody at the terminal.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null());
        let output = timeout(PATIENCE, command.output())
            .await
            .unwrap_or_else(|_| panic!("did not end: {arguments:?}"))
            .expect("the binary runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Runs a command line at a terminal of its own and types `reply` once
    /// `prompt` shows. None where the system cannot give it a terminal.
    pub async fn run_at_terminal(
        &self,
        arguments: &[&str],
        prompt_and_reply: Option<(&str, &str)>,
    ) -> Option<Ran> {
        let replies: Vec<Reply<'_>> = prompt_and_reply
            .into_iter()
            .map(|(prompt, reply)| Reply::shown(prompt, reply))
            .collect();
        self.converse_at_terminal(arguments, &replies).await
    }

    /// The same with several questions, each answered once its prompt shows.
    pub async fn converse_at_terminal(
        &self,
        arguments: &[&str],
        replies: &[Reply<'_>],
    ) -> Option<Ran> {
        if !Path::new("/usr/bin/script").exists() {
            return None;
        }
        let words = arguments.iter().map(|word| format!(" '{word}'"));
        let binary = env!("CARGO_BIN_EXE_skyswitch");
        // Wide enough for every sentence to stay in one line.
        let line = format!(
            "stty cols 900 rows 50; '{binary}'{}",
            words.collect::<String>()
        );
        let mut command = self.program("/usr/bin/script", &["-qec", &line, "/dev/null"]);
        let mut child = command
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` runs");
        let mut keyboard = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let conversation = async {
            let mut shown = Vec::new();
            let mut awaited = replies.iter();
            let mut next = awaited.next();
            // What was shown before the last reply answers no later question.
            let mut seen = 0;
            let mut piece = [0; 4096];
            loop {
                let length = screen.read(&mut piece).await.unwrap_or(0);
                if length == 0 {
                    break;
                }
                shown.extend_from_slice(&piece[..length]);
                let text = String::from_utf8_lossy(&shown[seen..]);
                if let Some(reply) = next.filter(|reply| text.contains(reply.prompt)) {
                    next = awaited.next();
                    seen = shown.len();
                    if reply.is_hidden {
                        echo_is_off(child.id().unwrap()).await;
                    }
                    keyboard.write_all(reply.text.as_bytes()).await.unwrap();
                    keyboard.write_all(b"\r").await.unwrap();
                    keyboard.flush().await.unwrap();
                }
            }
            assert!(
                next.is_none(),
                "never asked: {}",
                String::from_utf8_lossy(&shown)
            );
            let status = child.wait().await.unwrap();
            (status, String::from_utf8_lossy(&shown).into_owned())
        };
        let (status, stdout) = timeout(PATIENCE, conversation)
            .await
            .unwrap_or_else(|_| panic!("did not end: {arguments:?}"));
        Some(Ran {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: String::new(),
        })
    }
}

/// What is typed once a prompt shows.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    prompt: &'a str,
    text: &'a str,
    is_hidden: bool,
}

impl<'a> Reply<'a> {
    /// Typed into a question that shows what is typed.
    pub fn shown(prompt: &'a str, text: &'a str) -> Reply<'a> {
        Reply {
            prompt,
            text,
            is_hidden: false,
        }
    }

    /// Typed into a question that hides it. What is typed before it hides it is lost.
    pub fn hidden(prompt: &'a str, text: &'a str) -> Reply<'a> {
        Reply {
            is_hidden: true,
            ..Reply::shown(prompt, text)
        }
    }
}

/// Waits until the terminal of a child of `script` shows nothing of what is typed.
async fn echo_is_off(script: u32) {
    eventually("what is typed is hidden", || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut terminals = processes.filter_map(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
            let is_child = parent == script.to_string();
            is_child.then(|| std::fs::read_link(process.path().join("fd/0")).ok())?
        });
        terminals.any(|terminal| {
            let mut settings = std::process::Command::new("stty");
            let settings = settings.arg("-F").arg(terminal).arg("-a").output();
            let settings = settings.expect("stty runs").stdout;
            String::from_utf8_lossy(&settings).contains(" -echo ")
        })
    })
    .await;
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Stdout, which must be one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The error on stderr, which must be one JSON document.
    pub fn json_error(&self) -> Value {
        let document: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        document["error"].clone()
    }
}
