//! `skyswitch sandbox` and `--sandbox`: the embedded copy of the service.

use std::collections::BTreeMap;

use super::command::DialPlan;
use super::exit::Exit;
use super::output::Output;
use super::tables;
use crate::config::{Flags, Settings};
use skyswitch_domain::error::{Error, Result};
use skyswitch_sandbox::{DialPlanAccess, HABITS, Habit, Sandbox, Tenant};

/// Starts a sandbox that lives as long as this process, and points the
/// settings at it.
pub(super) async fn in_process(settings: Settings) -> Result<(Settings, Sandbox)> {
    let sandbox = Sandbox::start(0, tenant(DialPlan::Write, &[]))
        .await
        .map_err(|error| {
            Error::internal(
                format!("the sandbox cannot listen on 127.0.0.1: {error}"),
                "Check that this process may open a local port.",
            )
        })?;
    let variables = BTreeMap::from(variables(&sandbox));
    let upstream = Settings::load(&Flags::default(), &|name| variables.get(name).cloned())?;
    Ok((settings.for_sandbox(upstream), sandbox))
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
