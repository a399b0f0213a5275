//! Uses the library without MCP: lists VIPs, adds one, and removes one behind
//! the guard, against the embedded sandbox.
//!
//! ```sh
//! cargo run --example embed_client
//! ```
//!
//! For the real service, leave the sandbox out: `Settings::of_process` alone reads
//! the environment and the config file.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::collections::BTreeMap;
use std::pin::Pin;

use anyhow::{Context, Result};
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{Flags, Settings};
use skyswitch_mcp::guard::{Answer, AskPerson, Channel, Preview};
use skyswitch_mcp::ops::{self, AddVip, Asked, ListVips, PageSize, RemoveVip};
use skyswitch_mcp::sandbox::{self, Sandbox, Tenant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start(0, Tenant::demo()).await?;
    let variables = BTreeMap::from([
        ("SKYSWITCH_BASE_URL", sandbox.base_url()),
        ("SKYSWITCH_ACCOUNT_ID", sandbox::ACCOUNT_ID),
        ("SKYSWITCH_CLIENT_ID", sandbox::CLIENT_ID),
        ("SKYSWITCH_CLIENT_SECRET", sandbox::CLIENT_SECRET),
        ("SKYSWITCH_USERNAME", sandbox::USERNAME),
        ("SKYSWITCH_PASSWORD", sandbox::PASSWORD),
    ]);
    let of_sandbox = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let of_sandbox = Settings::load(&Flags::default(), &of_sandbox)?;
    let settings = Settings::of_process(&Flags::default())?.for_sandbox(of_sandbox);
    let app = App::new(settings);

    // Arguments are parsed once, into types; wrong ones say what is wrong with them.
    let domain = "harborlegal.12345.service".parse()?;
    let add = AddVip {
        ani: "(616) 555-0188".parse()?,
        domain,
        destination: "501".parse()?,
        application: None,
        dnis: None,
        note: None,
        until: None,
        account_id: None,
        confirmation: None,
    };
    // Creating a rule loses nothing, so nobody is asked.
    let Asked::Done(added) = ops::add_vip(&app, &add, &Channel::During(&Typist)).await? else {
        anyhow::bail!("the channel asks during the call, so a question cannot come back");
    };
    println!("{:?}: {}", added.status, added.vip.ani);

    let list = ListVips {
        domain: Some(add.domain.clone()),
        ..ListVips::default()
    };
    for vip in ops::list_vips(&app, &list, PageSize::All).await?.vips {
        println!("  {} rings {}", vip.ani, vip.destination);
    }

    let remove = RemoveVip {
        ani: "616-555-0188".parse()?,
        domain: add.domain,
        dnis: None,
        account_id: None,
        confirmation: None,
    };
    let asked = ops::remove_vip(&app, &remove, &Channel::During(&Typist)).await?;
    let Asked::Done(removed) = asked else {
        anyhow::bail!("the channel asks during the call, so a question cannot come back");
    };
    println!("{:?}", removed.status);
    removed.vip.context("the removed rule is reported")?;
    Ok(())
}

/// Stands in for a person who reads the preview and types the number it names.
struct Typist;

impl AskPerson for Typist {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async {
            println!("{}", preview.text());
            Answer::Typed(preview.asks_for().text())
        })
    }
}
