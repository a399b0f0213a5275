//! The comparison partner of `skyswitch mcp`: the same five tools, written the way most rmcp servers are.
//!
//! Everything here is a default on purpose: the multi-threaded runtime of `#[tokio::main]`, `stdio()`,
//! `#[tool_handler]` that rebuilds the router at every call, typed `Json<T>` results, one HTTP client built at
//! start. It has none of the checks of `skyswitch mcp`, so it is a base to measure against and nothing to run on a
//! real account.

#![expect(
    clippy::disallowed_methods,
    reason = "written the way most servers are"
)]

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::JsonSchema;
use rmcp::transport::stdio;
use rmcp::{Json, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

#[derive(Clone)]
struct Baseline {
    http: reqwest::Client,
    base_url: String,
    account_id: String,
    login: HashMap<&'static str, String>,
    token: std::sync::Arc<OnceCell<String>>,
}

#[derive(Deserialize, JsonSchema)]
struct ListVips {
    domain: Option<String>,
    ani: Option<String>,
    dnis: Option<String>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Vip {
    ani: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dnis: Option<String>,
    domain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    destination: String,
}

#[derive(Serialize, JsonSchema)]
struct VipList {
    account_id: String,
    count: usize,
    vips: Vec<Vip>,
}

#[derive(Deserialize, JsonSchema)]
struct AddVip {
    ani: String,
    domain: String,
    destination: String,
    application: Option<String>,
    dnis: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct RemoveVip {
    ani: String,
    domain: String,
    dnis: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Done {
    status: String,
}

#[derive(Deserialize, JsonSchema)]
struct ListDomains {
    query: Option<String>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Domain {
    domain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct DomainList {
    domains: Vec<Domain>,
}

#[derive(Deserialize, JsonSchema)]
struct SetupChecklist {
    domain: String,
}

#[derive(Serialize, JsonSchema)]
struct Checklist {
    domain: String,
    steps: Vec<String>,
}

#[tool_router]
impl Baseline {
    fn from_env() -> anyhow::Result<Self> {
        let variable =
            |name: &str| std::env::var(name).with_context(|| format!("`{name}` is not set"));
        let login = HashMap::from([
            ("grant_type", "password".to_owned()),
            ("client_id", variable("SKYSWITCH_CLIENT_ID")?),
            ("client_secret", variable("SKYSWITCH_CLIENT_SECRET")?),
            ("username", variable("SKYSWITCH_USERNAME")?),
            ("password", variable("SKYSWITCH_PASSWORD")?),
            ("scope", "pbx account".to_owned()),
        ]);
        // Another part of the program may have installed the provider already; either way one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .context("cannot build the HTTP client")?,
            base_url: variable("SKYSWITCH_BASE_URL")?,
            account_id: variable("SKYSWITCH_ACCOUNT_ID")?,
            login,
            token: std::sync::Arc::default(),
        })
    }

    #[tool(description = "List the VIP routes of an account.")]
    async fn list_vips(
        &self,
        Parameters(query): Parameters<ListVips>,
    ) -> Result<Json<VipList>, String> {
        let filters = [
            ("domain", query.domain),
            ("ani", query.ani),
            ("dnis", query.dnis),
        ];
        let body = self
            .send(reqwest::Method::GET, "route-by-ani", filters)
            .await?;
        let vips: Vec<Vip> = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(Json(VipList {
            account_id: self.account_id.clone(),
            count: vips.len(),
            vips,
        }))
    }

    #[tool(description = "Add a VIP route.")]
    async fn add_vip(&self, Parameters(vip): Parameters<AddVip>) -> Result<Json<Done>, String> {
        let fields = [
            ("ani", Some(vip.ani)),
            ("domain", Some(vip.domain)),
            ("destination", Some(vip.destination)),
            ("application", vip.application.or(Some("user".to_owned()))),
            ("dnis", vip.dnis),
        ];
        self.send(reqwest::Method::PUT, "route-by-ani", fields)
            .await?;
        Ok(Json(Done {
            status: "created".to_owned(),
        }))
    }

    #[tool(description = "Remove a VIP route.")]
    async fn remove_vip(
        &self,
        Parameters(vip): Parameters<RemoveVip>,
    ) -> Result<Json<Done>, String> {
        let fields = [
            ("ani", Some(vip.ani)),
            ("domain", Some(vip.domain)),
            ("dnis", vip.dnis),
        ];
        self.send(reqwest::Method::DELETE, "route-by-ani", fields)
            .await?;
        Ok(Json(Done {
            status: "removed".to_owned(),
        }))
    }

    #[tool(description = "List the domains of an account.")]
    async fn list_domains(
        &self,
        Parameters(query): Parameters<ListDomains>,
    ) -> Result<Json<DomainList>, String> {
        let body = self.send(reqwest::Method::GET, "domains", []).await?;
        let mut domains: Vec<Domain> =
            serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        if let Some(text) = query.query {
            domains.retain(|row| row.domain.contains(&text));
        }
        Ok(Json(DomainList { domains }))
    }

    #[tool(description = "Show the steps that set up a domain.")]
    async fn setup_checklist(
        &self,
        Parameters(asked): Parameters<SetupChecklist>,
    ) -> Result<Json<Checklist>, String> {
        let steps = [
            "create_domain",
            "dial_translation_rule",
            "route_by_ani_user",
            "route_did",
            "manage_vips",
        ];
        Ok(Json(Checklist {
            domain: asked.domain,
            steps: steps.map(str::to_owned).to_vec(),
        }))
    }

    async fn send(
        &self,
        method: reqwest::Method,
        resource: &str,
        fields: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Result<Vec<u8>, String> {
        let token = self.token.get_or_try_init(|| self.log_in()).await?;
        let address = format!(
            "{}/accounts/{}/pbx/{resource}",
            self.base_url, self.account_id
        );
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)));
        let address =
            url::Url::parse_with_params(&address, given).map_err(|error| error.to_string())?;
        let answer = self
            .http
            .request(method, address)
            .bearer_auth(token)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| error.without_url().to_string())?;
        let body = answer
            .bytes()
            .await
            .map_err(|error| error.without_url().to_string())?;
        Ok(body.to_vec())
    }

    async fn log_in(&self) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Grant {
            access_token: String,
        }
        let answer = self
            .http
            .post(format!("{}/oauth/token", self.base_url))
            .form(&self.login)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| error.without_url().to_string())?;
        let body = answer
            .bytes()
            .await
            .map_err(|error| error.without_url().to_string())?;
        let grant: Grant = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(grant.access_token)
    }
}

#[tool_handler(name = "baseline")]
impl ServerHandler for Baseline {}

/// The argument that makes this program the default server.
pub(crate) const ROLE: &str = "baseline";

/// Serves on standard input and output until the input ends.
#[tokio::main]
pub(crate) async fn serve() -> anyhow::Result<()> {
    let service = Baseline::from_env()?.serve(stdio()).await?;
    service.waiting().await?;
    Ok(())
}
