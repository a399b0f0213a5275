//! `skyswitch sandbox` and `--sandbox`: the embedded copy of the service.

use url::Url;

use super::command::DialPlan;
use super::exit::Exit;
use super::output::Output;
use super::tables;
use crate::config::{Credentials, PbxGeneration, PbxLogin, PbxSettings, Settings};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::Secret;
use skyswitch_sandbox::{DialPlanAccess, Sandbox, Tenant};

/// Starts a sandbox that lives as long as this process, and points the
/// settings at it.
pub(super) async fn in_process(settings: Settings) -> Result<(Settings, Sandbox)> {
    let sandbox = start(0, DialPlan::Write).await.map_err(|error| {
        Error::internal(
            format!("the sandbox cannot listen on 127.0.0.1: {error}"),
            "Check that this process may open a local port.",
        )
    })?;
    let credentials = Credentials {
        client_id: skyswitch_sandbox::CLIENT_ID.to_owned(),
        client_secret: Secret::new(skyswitch_sandbox::CLIENT_SECRET),
        username: skyswitch_sandbox::USERNAME.to_owned(),
        password: Secret::new(skyswitch_sandbox::PASSWORD),
    };
    let pbx = PbxSettings {
        base_url: address(&sandbox.pbx_base_url())?,
        generation: PbxGeneration::V1,
        login: PbxLogin::Password(Credentials {
            client_id: skyswitch_sandbox::PBX_CLIENT_ID.to_owned(),
            client_secret: Secret::new(skyswitch_sandbox::PBX_CLIENT_SECRET),
            username: skyswitch_sandbox::PBX_USERNAME.to_owned(),
            password: Secret::new(skyswitch_sandbox::PBX_PASSWORD),
        }),
        rate_limit: 0.0,
    };
    let base_url = address(sandbox.base_url())?;
    let settings = settings.for_sandbox(
        base_url,
        credentials,
        Some(pbx),
        skyswitch_sandbox::ACCOUNT_ID,
    );
    Ok((settings, sandbox))
}

/// Runs a sandbox until it is interrupted, and prints how to use it.
pub(super) async fn run(port: u16, dial_plan: DialPlan, output: &Output) -> Result<Exit> {
    let sandbox = start(port, dial_plan).await.map_err(|error| {
        Error::invalid(
            "port",
            format!("the sandbox cannot listen on 127.0.0.1:{port}: {error}"),
            "Give a free `--port`, or leave it out for any free one.",
        )
    })?;
    let pbx_base_url = sandbox.pbx_base_url();
    let settings = [
        ("SKYSWITCH_BASE_URL", sandbox.base_url()),
        ("SKYSWITCH_ACCOUNT_ID", skyswitch_sandbox::ACCOUNT_ID),
        ("SKYSWITCH_CLIENT_ID", skyswitch_sandbox::CLIENT_ID),
        ("SKYSWITCH_CLIENT_SECRET", skyswitch_sandbox::CLIENT_SECRET),
        ("SKYSWITCH_USERNAME", skyswitch_sandbox::USERNAME),
        ("SKYSWITCH_PASSWORD", skyswitch_sandbox::PASSWORD),
        ("SKYSWITCH_PBX_BASE_URL", &pbx_base_url),
        ("SKYSWITCH_PBX_API", "v1"),
        ("SKYSWITCH_PBX_CLIENT_ID", skyswitch_sandbox::PBX_CLIENT_ID),
        (
            "SKYSWITCH_PBX_CLIENT_SECRET",
            skyswitch_sandbox::PBX_CLIENT_SECRET,
        ),
        ("SKYSWITCH_PBX_USERNAME", skyswitch_sandbox::PBX_USERNAME),
        ("SKYSWITCH_PBX_PASSWORD", skyswitch_sandbox::PBX_PASSWORD),
        ("SKYSWITCH_PBX_RATE_LIMIT", "0"),
    ];
    let as_json: std::collections::BTreeMap<_, _> = settings.into_iter().collect();
    output.result(&as_json, || tables::sandbox(&settings))?;
    // Runs until it is interrupted; an error here means that no signal can come.
    let _ = tokio::signal::ctrl_c().await;
    Ok(Exit::Done)
}

async fn start(port: u16, dial_plan: DialPlan) -> std::io::Result<Sandbox> {
    let mut tenant = Tenant::demo();
    tenant.pbx.dial_plan = match dial_plan {
        DialPlan::Closed => DialPlanAccess::None,
        DialPlan::Read => DialPlanAccess::Read,
        DialPlan::Write => DialPlanAccess::ReadWrite,
    };
    Sandbox::start(port, tenant).await
}

fn address(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| {
        Error::internal(
            format!("the sandbox has no address: {error}"),
            "Please report this as a bug.",
        )
    })
}
