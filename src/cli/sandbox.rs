//! `skyswitch sandbox` and `--sandbox`: the embedded copy of the service.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;

use super::command::DialPlan;
use super::exit::Exit;
use super::output::Output;
use super::tables;
use crate::config::{Flags, Settings};
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::store::StateFolder;
use skyswitch_sandbox::{DialPlanAccess, HABITS, Habit, Sandbox, Tenant};

/// What `--sandbox` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum SandboxData {
    /// Keep the data of earlier commands
    Kept,
    /// Replace them with the made-up customers as they are shipped
    Fresh,
}

/// The sandbox of this process, and the hold on its data.
pub(super) struct InProcess {
    server: Sandbox,
    /// Shared by all who use the data, so that nobody replaces them meanwhile.
    _in_use: Option<File>,
}

impl Drop for InProcess {
    fn drop(&mut self) {
        if let Some(why) = self.server.not_kept() {
            tracing::warn!("what was changed in the sandbox could not be kept: {why}");
        }
    }
}

/// Starts a sandbox whose data and journal lie in a folder of their own, and
/// points the settings at it. Where the folder cannot be used, the data end
/// with the process.
pub(super) async fn in_process(
    settings: Settings,
    data: SandboxData,
) -> Result<(Settings, InProcess)> {
    let folder = StateFolder::new(settings.state_dir.join(FOLDER));
    let prepared = prepare(&StateFolder::new(&settings.state_dir), &folder, data);
    let in_use = match prepared {
        Ok(in_use) => Some(in_use),
        Err(error) if data == SandboxData::Fresh => return Err(error),
        Err(error) => {
            tracing::warn!("the sandbox's data end with this process: {error}");
            None
        }
    };
    let tenant = tenant(DialPlan::Write, &[]);
    let started = match in_use {
        Some(_) => Sandbox::start_in(folder.path(), tenant).await,
        None => Sandbox::start(0, tenant).await,
    };
    let server = started.map_err(|error| {
        Error::internal(
            format!("the sandbox cannot be started: {error}"),
            "Check that this process may open a local port and write in the state folder.",
        )
    })?;
    if let Some(aside) = server.set_aside() {
        tracing::warn!(
            "the sandbox's data were damaged; they are kept in {}, and the sandbox begins with new ones",
            aside.display()
        );
    }
    let variables = BTreeMap::from(variables(&server));
    let upstream = Settings::load(&Flags::default(), &|name| variables.get(name).cloned())?;
    let settings = Settings {
        state_dir: folder.path().to_owned(),
        ..settings.for_sandbox(upstream)
    };
    let _in_use = in_use;
    Ok((settings, InProcess { server, _in_use }))
}

/// The sandbox's folder in the state folder.
const FOLDER: &str = "sandbox";

/// Makes the folder, empty where its data are to be replaced, and marks it as in use.
fn prepare(state: &StateFolder, folder: &StateFolder, data: SandboxData) -> Result<File> {
    let failed = |error: std::io::Error| {
        Error::internal(
            format!("{} cannot be used: {error}", folder.path().display()),
            "Set SKYSWITCH_STATE_DIR to a folder that can be written to.",
        )
    };
    let mark = state.private_file("sandbox.lock")?;
    let open = || File::options().write(true).open(&mark).map_err(failed);
    if data == SandboxData::Fresh {
        let alone = open()?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use()),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        match std::fs::remove_dir_all(folder.path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    let shared = open()?;
    shared.lock_shared().map_err(failed)?;
    folder.create()?;
    Ok(shared)
}

fn in_use() -> Error {
    Error::invalid(
        "sandbox",
        "another process uses the sandbox's data, so they cannot be replaced",
        "End that process, such as a server that was started with `--sandbox`, or give `--sandbox` alone.",
    )
}

/// The variables that point this program at a sandbox.
fn variables(sandbox: &Sandbox) -> [(&'static str, String); 13] {
    [
        ("SKYSWITCH_BASE_URL", sandbox.base_url()),
        ("SKYSWITCH_ACCOUNT_ID", skyswitch_sandbox::ACCOUNT_ID),
        ("SKYSWITCH_CLIENT_ID", skyswitch_sandbox::CLIENT_ID),
        ("SKYSWITCH_CLIENT_SECRET", skyswitch_sandbox::CLIENT_SECRET),
        ("SKYSWITCH_USERNAME", skyswitch_sandbox::USERNAME),
        ("SKYSWITCH_PASSWORD", skyswitch_sandbox::PASSWORD),
        ("SKYSWITCH_PBX_BASE_URL", &sandbox.pbx_base_url()),
        ("SKYSWITCH_PBX_API", "v1"),
        ("SKYSWITCH_PBX_CLIENT_ID", skyswitch_sandbox::PBX_CLIENT_ID),
        (
            "SKYSWITCH_PBX_CLIENT_SECRET",
            skyswitch_sandbox::PBX_CLIENT_SECRET,
        ),
        ("SKYSWITCH_PBX_USERNAME", skyswitch_sandbox::PBX_USERNAME),
        ("SKYSWITCH_PBX_PASSWORD", skyswitch_sandbox::PBX_PASSWORD),
        ("SKYSWITCH_PBX_RATE_LIMIT", "0"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
}

/// Runs a sandbox until it is interrupted, and prints how to use it.
pub(super) async fn run(
    port: u16,
    dial_plan: DialPlan,
    habits: &[Habit],
    output: &Output,
) -> Result<Exit> {
    refuse_contradictions(habits)?;
    let tenant = tenant(dial_plan, habits);
    let sandbox = Sandbox::start(port, tenant).await.map_err(|error| {
        Error::invalid(
            "port",
            format!("the sandbox cannot listen on 127.0.0.1:{port}: {error}"),
            "Give a free `--port`, or leave it out for any free one.",
        )
    })?;
    let settings = variables(&sandbox);
    let as_json = BTreeMap::from(settings.clone());
    output.result(&as_json, || tables::sandbox(&settings))?;
    // Runs until it is interrupted; an error here means that no signal can come.
    let _ = tokio::signal::ctrl_c().await;
    Ok(Exit::Done)
}

/// Refuses habits that no service can have together.
fn refuse_contradictions(habits: &[Habit]) -> Result<()> {
    for (place, one) in habits.iter().enumerate() {
        if let Some(other) = habits[place + 1..].iter().find(|other| one.excludes(other)) {
            return Err(Error::invalid(
                "habits",
                format!("{} and {} contradict each other", one.name, other.name),
                "Leave one of them out; `--list-habits` says what each of them means.",
            ));
        }
    }
    Ok(())
}

/// The demo customers at a service with these habits.
fn tenant(dial_plan: DialPlan, habits: &[Habit]) -> Tenant {
    let mut tenant = Tenant::demo();
    tenant.pbx.dial_plan = match dial_plan {
        DialPlan::Closed => DialPlanAccess::None,
        DialPlan::Read => DialPlanAccess::Read,
        DialPlan::Write => DialPlanAccess::ReadWrite,
    };
    habits.iter().copied().fold(tenant, Tenant::habit)
}

/// The habits by name, with what each one means.
pub(super) fn habits() -> BTreeMap<&'static str, &'static str> {
    HABITS.map(|habit| (habit.name, habit.about)).into()
}
