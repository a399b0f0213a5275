//! The resources: what the service has stored, as JSON, and the setup guide.
//!
//! A resource shows what the tool of the same operation answers, and is
//! offered only where that tool is.

use std::str::FromStr;

use rmcp::ErrorData;
use rmcp::model::{
    Annotations, CacheScope, ListResourceTemplatesResult, ListResourcesResult,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Role,
};
use serde::Serialize;
use serde_json::json;

use super::skill::{self, SETUP_GUIDE, SKILL_URI};
use super::tools::ToolSet;
use super::{LIFETIME_MS, reply};
use crate::app::App;
use crate::ops::{self, PageSize};
use skyswitch_domain::PbxDomain;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;

const DOMAINS: &str = "skyswitch://domains";
const GUIDE: &str = "skyswitch://guide/setup";
const VIPS: &str = "skyswitch://domains/{domain}/vips";
const CHECKLIST: &str = "skyswitch://domains/{domain}/checklist";

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// Rules that one resource carries; `total` says how many there are, and
/// list_vips goes on at `next_cursor`.
const MOST_VIPS: PageSize = PageSize::Rows(5_000);

/// How long a client may keep what the service has stored, which anybody can change.
const LIVE_LIFETIME_MS: u64 = 5_000;

/// What a URI names.
enum Place {
    Domains,
    Vips(PbxDomain),
    Checklist(PbxDomain),
    Guide,
    Skill,
}

impl Place {
    fn of(uri: &str) -> Option<Place> {
        match uri {
            DOMAINS => return Some(Place::Domains),
            GUIDE => return Some(Place::Guide),
            SKILL_URI => return Some(Place::Skill),
            _ => {}
        }
        let (domain, kind) = uri
            .strip_prefix(DOMAINS)?
            .strip_prefix('/')?
            .split_once('/')?;
        // Letters, digits, `.`, `-` and `_` are written in a URI as they are, so nothing has to be decoded.
        let domain = PbxDomain::from_str(domain).ok()?;
        match kind {
            "vips" => Some(Place::Vips(domain)),
            "checklist" => Some(Place::Checklist(domain)),
            _ => None,
        }
    }

    /// The tool that answers the same.
    fn tool(&self) -> Option<&'static str> {
        match self {
            Place::Domains => Some("list_domains"),
            Place::Vips(_) => Some("list_vips"),
            Place::Checklist(_) => Some("setup_checklist"),
            Place::Guide | Place::Skill => None,
        }
    }
}

/// The resources with a fixed place, always in the same order.
pub(super) fn list(tools: &ToolSet) -> ListResourcesResult {
    let domains = tools.offers("list_domains").then(|| {
        Resource::new(DOMAINS, "domains")
            .with_title("PBX domains")
            .with_description("The PBX domains of the SkySwitch account; each customer has one.")
            .with_mime_type(JSON)
            .with_annotations(for_both(0.6))
    });
    let guide = Resource::new(GUIDE, "setup_guide")
        .with_title("Setting up Route by ANI")
        .with_description(
            "How to set up Route by ANI for a customer in the order that keeps every caller's line open.",
        )
        .with_mime_type(MARKDOWN)
        .with_size(SETUP_GUIDE.len() as u64)
        .with_annotations(for_both(0.9));
    ListResourcesResult::with_all_items(domains.into_iter().chain([guide]).collect())
        .with_ttl_ms(LIFETIME_MS)
        .with_cache_scope(CacheScope::Private)
}

/// The resources of one domain, always in the same order.
pub(super) fn templates(tools: &ToolSet) -> ListResourceTemplatesResult {
    let vips = tools.offers("list_vips").then(|| {
        ResourceTemplate::new(VIPS, "vips")
            .with_title("VIP callers of a customer")
            .with_description(
                "The VIP rules of a customer's PBX domain: whose calls go straight through, and where to. \
                 At most 5,000; `total` says how many there are.",
            )
            .with_mime_type(JSON)
            .with_annotations(for_both(0.7))
    });
    let checklist = tools.offers("setup_checklist").then(|| {
        ResourceTemplate::new(CHECKLIST, "checklist")
            .with_title("Setup of a customer")
            .with_description(
                "The setup of a customer's PBX domain, step by step, with the support ticket while it is to be sent.",
            )
            .with_mime_type(JSON)
            .with_annotations(for_both(0.8))
    });
    ListResourceTemplatesResult::with_all_items(vips.into_iter().chain(checklist).collect())
        .with_ttl_ms(LIFETIME_MS)
        .with_cache_scope(CacheScope::Private)
}

/// Whether a URI is one that the lists show: a fixed place or a template.
pub(super) fn is_listed(uri: &str, tools: &ToolSet) -> bool {
    let fixed = list(tools).resources;
    let templates = templates(tools).resource_templates;
    fixed.iter().any(|resource| resource.uri == uri)
        || templates
            .iter()
            .any(|template| template.uri_template == uri)
}

/// What a resource holds.
///
/// # Errors
/// Resource not found for an unknown URI or domain name, and where the tool of
/// the same operation is not offered; the service's errors with message and hint.
pub(super) async fn read(
    app: Result<&App>,
    tools: &ToolSet,
    uri: &str,
) -> Result<ReadResourceResponse, ErrorData> {
    let offered = |place: &Place| place.tool().is_none_or(|tool| tools.offers(tool));
    let Some(place) = Place::of(uri).filter(offered) else {
        return Err(not_found(uri));
    };
    content(place, app, uri)
        .await
        .map(ReadResourceResponse::from)
        .map_err(|error| failure(&error, uri))
}

async fn content(place: Place, app: Result<&App>, uri: &str) -> Result<ReadResourceResult> {
    match place {
        Place::Guide => Ok(text(uri, MARKDOWN, SETUP_GUIDE.to_owned())),
        Place::Skill => Ok(text(uri, MARKDOWN, skill::file())),
        Place::Domains => {
            let args = ops::ListDomains::default();
            live(uri, &ops::list_domains(app?, &args, PageSize::All).await?)
        }
        Place::Vips(domain) => {
            let args = ops::ListVips {
                domain: Some(domain.into()),
                ..ops::ListVips::default()
            };
            live(uri, &ops::list_vips(app?, &args, MOST_VIPS).await?)
        }
        Place::Checklist(domain) => {
            let args = ops::SetupChecklist {
                domain: domain.into(),
                account_id: None,
                did: None,
                fallback_destination: None,
            };
            live(uri, &ops::setup_checklist(app?, &args).await?)
        }
    }
}

/// What the service has stored, as compact JSON.
fn live<T: Serialize>(uri: &str, outcome: &T) -> Result<ReadResourceResult> {
    Ok(text(uri, JSON, reply::json(outcome)?)
        .with_ttl_ms(LIVE_LIFETIME_MS)
        .with_cache_scope(CacheScope::Private))
}

/// A text that stays as it is for as long as the process runs.
fn text(uri: &str, mime_type: &str, text: String) -> ReadResourceResult {
    let contents = ResourceContents::text(text, uri).with_mime_type(mime_type);
    ReadResourceResult::new(vec![contents])
        .with_ttl_ms(LIFETIME_MS)
        .with_cache_scope(CacheScope::Public)
}

fn not_found(uri: &str) -> ErrorData {
    let uri = shown(uri, 300);
    let message = format!(
        "there is no resource `{uri}`; resources/list and resources/templates/list name those that exist, and \
         {DOMAINS} the domains"
    );
    ErrorData::resource_not_found(message, Some(json!({ "uri": uri })))
}

/// A failed read as a protocol error: message and hint for people, the
/// published form beside them.
pub(super) fn failure(error: &Error, uri: &str) -> ErrorData {
    let message = reply::failure_text(error);
    let data = Some(json!({ "uri": uri, "error": error.detail() }));
    match error.code() {
        Code::NotFound => ErrorData::resource_not_found(message, data),
        _ => ErrorData::internal_error(message, data),
    }
}

fn for_both(priority: f32) -> Annotations {
    Annotations::default()
        .with_audience(vec![Role::User, Role::Assistant])
        .with_priority(priority)
}
