//! Lists the VIP rules of one customer of the sandbox.
//!
//! ```sh
//! cargo run -p skyswitch-client --example list_vip_rules
//! ```

use skyswitch_client::domain::redact::Secret;
use skyswitch_client::{Client, ClientOptions, Credentials};
use skyswitch_sandbox::{self as sandbox, Sandbox, Tenant};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example prints")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(0, Tenant::demo()).await?;
    let credentials = Credentials {
        client_id: sandbox::CLIENT_ID.to_owned(),
        client_secret: Secret::new(sandbox::CLIENT_SECRET),
        username: sandbox::USERNAME.to_owned(),
        password: Secret::new(sandbox::PASSWORD),
    };
    let client = Client::new(ClientOptions::new(sandbox.base_url().parse()?, credentials))?;
    let customer = "lakesidedental.12345.service".parse()?;
    let rules = client
        .routes(&sandbox::ACCOUNT_ID.parse()?, Some(&customer))
        .await?;
    for rule in rules.iter() {
        println!("{} -> {}", rule.key.ani, rule.goes_to());
    }
    Ok(())
}
