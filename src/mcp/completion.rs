//! Completion of domain names while somebody types an argument.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{ArgumentInfo, CompleteResult, CompletionInfo, Reference};
use tokio::time::{Instant, timeout};

use super::tools::ToolSet;
use super::{prompts, resources};
use crate::app::App;
use crate::ops::{self, PageSize};
use skyswitch_domain::redact::shown;

/// The argument that is completed, in prompts and in templates.
const DOMAIN: &str = "domain";

/// How long names serve the next keystrokes, as does knowing that there are none to be had.
const NAMES_LIFETIME: Duration = Duration::from_secs(60);
const FAILURE_LIFETIME: Duration = Duration::from_secs(10);

/// Whoever types does not wait longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names of the account's domains, kept between keystrokes.
#[derive(Default)]
pub(super) struct DomainNames {
    /// The names, and until when they serve.
    kept: Mutex<Option<(Arc<[String]>, Instant)>>,
}

impl DomainNames {
    /// The names, from the service where they are not known; none where it fails.
    async fn get(&self, app: &App) -> Arc<[String]> {
        if let Some(names) = self.fresh() {
            return names;
        }
        let args = ops::ListDomains::default();
        let listed = timeout(PATIENCE, ops::list_domains(app, &args, PageSize::All)).await;
        let (names, lifetime): (Arc<[String]>, _) = match listed {
            Ok(Ok(list)) => {
                let names = list.domains.into_iter().map(|row| row.domain);
                (names.collect(), NAMES_LIFETIME)
            }
            // A person types: the reason would be lost on them, and the tools tell it.
            Ok(Err(_)) | Err(_) => (Arc::default(), FAILURE_LIFETIME),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((Arc::clone(&names), Instant::now() + lifetime));
        names
    }

    fn fresh(&self) -> Option<Arc<[String]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = kept.as_ref().filter(|(_, until)| Instant::now() < *until);
        fresh.map(|(names, _)| Arc::clone(names))
    }
}

/// What the argument of a prompt or of a template may be.
///
/// Without usable settings (`app` is none), and for arguments other than a
/// domain, there is nothing to offer.
///
/// # Errors
/// Invalid params for a prompt or template that is not listed.
pub(super) async fn complete(
    app: Option<&App>,
    tools: &ToolSet,
    names: &DomainNames,
    reference: &Reference,
    argument: &ArgumentInfo,
) -> Result<CompleteResult, ErrorData> {
    let (kind, name, is_listed) = match reference {
        Reference::Prompt(prompt) => {
            let offered = prompts::find(&prompt.name, tools);
            ("prompt", prompt.name.as_str(), offered.is_some())
        }
        Reference::Resource(template) => {
            let is_listed = resources::is_listed(&template.uri, tools);
            ("resource template", template.uri.as_str(), is_listed)
        }
        _ => ("reference", "of this kind", false),
    };
    if !is_listed {
        let message = format!("unknown {kind} `{}`", shown(name, 200));
        return Err(ErrorData::invalid_params(message, None));
    }
    match app {
        Some(app) if argument.name == DOMAIN && tools.offers("list_domains") => {
            let names = names.get(app).await;
            Ok(matching(&names, &argument.value))
        }
        _ => Ok(CompleteResult::default()),
    }
}

/// The names that start with the typed text, then those that contain it.
fn matching(names: &[String], typed: &str) -> CompleteResult {
    let typed = typed.trim().to_lowercase();
    let place = |name: &&String| name.to_lowercase().find(&typed);
    let starting = names.iter().filter(|name| place(name) == Some(0));
    let containing = names
        .iter()
        .filter(|name| place(name).is_some_and(|at| at > 0));
    let mut values: Vec<String> = starting.chain(containing).cloned().collect();
    let mut completion = CompletionInfo::default();
    completion.total = u32::try_from(values.len()).ok();
    completion.has_more = Some(values.len() > CompletionInfo::MAX_VALUES);
    values.truncate(CompletionInfo::MAX_VALUES);
    completion.values = values;
    CompleteResult::new(completion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_come_before_middles_and_the_rest_is_counted() {
        let names = ["b-acme.1", "acme.1", "ACME.2", "other.1"].map(str::to_owned);
        let completion = matching(&names, "Acme").completion;
        assert_eq!(completion.values, ["acme.1", "ACME.2", "b-acme.1"]);
        assert_eq!(
            (completion.total, completion.has_more),
            (Some(3), Some(false))
        );
        let many: Vec<String> = (0..250).map(|n| format!("d{n}.1")).collect();
        let completion = matching(&many, "").completion;
        assert_eq!(completion.values.len(), 100);
        assert_eq!(
            (completion.total, completion.has_more),
            (Some(250), Some(true))
        );
    }
}
