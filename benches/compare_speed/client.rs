//! One server process, spoken to in newline-delimited JSON-RPC over its standard input and output.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server to measure, and how it is started.
pub(crate) struct Program {
    name: &'static str,
    path: PathBuf,
    arguments: Vec<&'static str>,
    base_url: String,
}

impl Program {
    pub(crate) fn new(
        name: &'static str,
        path: &Path,
        arguments: &[&'static str],
        base_url: &str,
    ) -> anyhow::Result<Self> {
        ensure!(
            path.is_file(),
            "there is no `{name}` at `{}`",
            path.display()
        );
        Ok(Self {
            name,
            path: path.to_owned(),
            arguments: arguments.to_vec(),
            base_url: base_url.to_owned(),
        })
    }

    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env_clear()
            .env("HOME", home)
            .env("SKYSWITCH_BASE_URL", &self.base_url)
            .env("SKYSWITCH_CLIENT_ID", "client")
            .env("SKYSWITCH_CLIENT_SECRET", "client-secret")
            .env("SKYSWITCH_USERNAME", "reader")
            .env("SKYSWITCH_PASSWORD", "password")
            .env(
                "SKYSWITCH_ACCOUNT_ID",
                "0f8fad5b-d9cb-469f-a165-70867728950e",
            )
            .env("SKYSWITCH_RATE_LIMIT", "0")
            .env("SKYSWITCH_STATE_DIR", home.join("state"))
            .env("XDG_CONFIG_HOME", home);
        command
    }
}

/// What the server's standard input and output are.
#[derive(Clone, Copy)]
pub(crate) enum Wiring {
    /// Two pipes, as most clients make them.
    Pipes,
    /// Two socket pairs, as Node makes them.
    Sockets,
}

/// A running server; it ends with this value.
pub(crate) struct Server {
    name: &'static str,
    process: Child,
    /// `None` once the end of input was announced.
    requests: Option<File>,
    answers: BufReader<File>,
    answer: String,
    /// Empty at the start, so that each process has to log in.
    _home: TempDir,
}

impl Server {
    /// A folder for the next server, made beforehand so that making it is not measured.
    pub(crate) fn home() -> anyhow::Result<TempDir> {
        tempfile::tempdir().context("cannot make a temporary folder")
    }

    /// As [`Server::home`], for a server of ours that may make many changes without a person.
    pub(crate) fn home_for_writes() -> anyhow::Result<TempDir> {
        let home = Self::home()?;
        let folder = home.path().join("skyswitch");
        let config = json!({ "confirm": "token", "max_changes_per_hour": 1_000_000 });
        std::fs::create_dir(&folder)
            .and_then(|()| std::fs::write(folder.join("config.json"), config.to_string()))
            .context("cannot write the settings")?;
        Ok(home)
    }

    pub(crate) fn spawn(program: &Program, wiring: Wiring, home: TempDir) -> anyhow::Result<Self> {
        let mut command = program.command(home.path());
        command.stderr(Stdio::null());
        let failed = || format!("cannot start `{}`", program.name);
        let (process, requests, answers) = match wiring {
            Wiring::Pipes => {
                let mut process = command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .with_context(failed)?;
                let requests = process.stdin.take().with_context(failed)?;
                let answers = process.stdout.take().with_context(failed)?;
                (process, OwnedFd::from(requests), OwnedFd::from(answers))
            }
            Wiring::Sockets => {
                let (requests, stdin) = UnixStream::pair().with_context(failed)?;
                let (answers, stdout) = UnixStream::pair().with_context(failed)?;
                let process = command
                    .stdin(OwnedFd::from(stdin))
                    .stdout(OwnedFd::from(stdout))
                    .spawn()
                    .with_context(failed)?;
                (process, OwnedFd::from(requests), OwnedFd::from(answers))
            }
        };
        Ok(Self {
            name: program.name,
            process,
            requests: Some(requests.into()),
            answers: BufReader::with_capacity(64 * 1024, answers.into()),
            answer: String::new(),
            _home: home,
        })
    }

    pub(crate) fn initialize(&mut self) -> anyhow::Result<()> {
        let request = json!({
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": { "name": "compare_speed", "version": "1" },
            },
        });
        self.send(&format!("{request}\n"))?;
        self.receive()?;
        Ok(())
    }

    pub(crate) fn announce_initialized(&mut self) -> anyhow::Result<()> {
        self.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")
    }

    /// Sends one call of `list_vips` in one write.
    pub(crate) fn ask_for_list(&mut self, id: usize, domain: &str) -> anyhow::Result<()> {
        self.call(id, "list_vips", &format!(r#"{{"domain":"{domain}"}}"#))
    }

    /// As [`Server::ask_for_list`], for one page of at most 500 routes.
    pub(crate) fn ask_for_page(
        &mut self,
        id: usize,
        domain: &str,
        cursor: Option<&str>,
    ) -> anyhow::Result<()> {
        let mut arguments = json!({ "domain": domain, "limit": 500 });
        if let Some(cursor) = cursor {
            arguments["cursor"] = cursor.into();
        }
        self.call(id, "list_vips", &arguments.to_string())
    }

    /// Sends one call in one write.
    pub(crate) fn call(&mut self, id: usize, tool: &str, arguments: &str) -> anyhow::Result<()> {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        );
        self.send(&(call + "\n"))
    }

    fn send(&mut self, line: &str) -> anyhow::Result<()> {
        let requests = self
            .requests
            .as_mut()
            .context("the input was closed before")?;
        requests
            .write_all(line.as_bytes())
            .with_context(|| format!("`{}` does not read its input", self.name))
    }

    /// Waits for the next answer. A notification is passed over; a failed call is an error.
    pub(crate) fn receive(&mut self) -> anyhow::Result<&str> {
        loop {
            self.answer.clear();
            let read = self
                .answers
                .read_line(&mut self.answer)
                .with_context(|| format!("cannot read the output of `{}`", self.name))?;
            ensure!(
                read > 0,
                "`{}` ended in the middle of a conversation",
                self.name
            );
            // Searched, not parsed: the driver shares the processors with what it measures.
            if self.answer.contains(r#""result":"#) {
                break;
            }
            let notification = self.answer.contains(r#""method":"notifications/"#);
            ensure!(
                notification,
                "`{}` answered with {}",
                self.name,
                self.answer.trim_end()
            );
        }
        let failed = self.answer.contains(r#""isError":true"#);
        ensure!(
            !failed,
            "a call of `{}` failed: {}",
            self.name,
            self.answer.trim_end()
        );
        Ok(&self.answer)
    }

    /// Waits for the next answer and returns its structured content.
    pub(crate) fn receive_structured(&mut self) -> anyhow::Result<Value> {
        let name = self.name;
        let mut answer: Value = serde_json::from_str(self.receive()?)
            .with_context(|| format!("the answer of `{name}` is no JSON"))?;
        Ok(answer["result"]["structuredContent"].take())
    }

    /// Processor time used so far by all threads of the server.
    ///
    /// `schedstat` counts nanoseconds; where the kernel lacks it, `stat` counts ticks of 10 ms.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let process = PathBuf::from(format!("/proc/{}", self.process.id()));
        if let Some(nanoseconds) = sum_of_schedstat(&process.join("task")) {
            return Ok(Duration::from_nanos(nanoseconds));
        }
        let stat =
            std::fs::read_to_string(process.join("stat")).context("cannot read processor time")?;
        // The name in parentheses may hold spaces; `utime` and `stime` are the 12th and 13th field after it.
        let ticks = stat
            .rsplit_once(')')
            .map(|(_, fields)| fields.split_whitespace().skip(11).take(2))
            .and_then(|fields| {
                fields
                    .map(|field| field.parse::<u64>().ok())
                    .sum::<Option<u64>>()
            })
            .context("cannot understand processor time")?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The most memory that was resident at one time, in KiB.
    pub(crate) fn peak_resident(&self) -> anyhow::Result<u64> {
        std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .context("cannot read peak memory")?
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmHWM:")?
                    .trim()
                    .strip_suffix("kB")?
                    .trim()
                    .parse()
                    .ok()
            })
            .context("cannot understand peak memory")
    }
}

impl Drop for Server {
    /// Ends the server as a client does, by the end of its input, and by force when it stays.
    fn drop(&mut self) {
        self.requests = None;
        for _ in 0..200 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn sum_of_schedstat(tasks: &Path) -> Option<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(tasks).ok()? {
        let schedstat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        sum += schedstat.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    (sum > 0).then_some(sum)
}
