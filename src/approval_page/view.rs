//! What the page looks like. Everything from outside is escaped by the
//! templates; the preview was made harmless before.

use axum::response::Html;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use skyswitch_guard::asked_for;
use skyswitch_guard::store::Approval;

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded, run or framed; the one style sheet is known by its digest.
pub(super) fn content_security_policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// A change, before and after, with the form that settles it.
pub(super) fn question(approval: &Approval, secret: &str) -> Html<String> {
    let preview = Parts::of(&approval.preview);
    let name = asked_for(approval).map_or("the value", |value| value.name());
    let lapses = jiff::Timestamp::from_second(approval.expires_at)
        .map(|moment| moment.strftime("%H:%M:%S UTC").to_string())
        .unwrap_or_default();
    page(
        preview.heading,
        &html! {
            h1 { (preview.heading) }
            @if let (Some(today), Some(afterwards)) = (preview.fact("Today"), preview.fact("Afterwards")) {
                div.sides {
                    section.side { h2 { "Today" } p { (today) } }
                    section.side.after { h2 { "Afterwards" } p { (afterwards) } }
                }
            }
            ul.facts {
                @for (key, value) in preview.other_facts() {
                    li.loss[is_loss(key)] {
                        b { (key) }
                        @if let Some(value) = value { ": " (value) }
                    }
                }
            }
            form method="post" action={ "/" (secret) } autocomplete="off" {
                label for="confirm" { "Type " (name) }
                p.hint id="hint" { (preview.demand) ". Anything else declines." }
                input #confirm name="confirm" type="text" autocomplete="off" spellcheck="false"
                    autocapitalize="off" aria-describedby="hint";
                div.choices {
                    button.approve type="submit" name="decision" value="approve" { "Approve" }
                    button.decline type="submit" name="decision" value="decline" { "Decline" }
                }
            }
            p.lapses { "This question lapses at " (lapses) "." }
        },
    )
}

/// A short message, such as how it ended.
pub(super) fn message(heading: &str, text: &str) -> Html<String> {
    page(heading, &html! { h1 { (heading) } p { (text) } })
}

fn page(title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    p.from { "SkySwitch: your assistant asks for your agreement" }
                    article { (content) }
                }
            }
        }
    };
    Html(page.into_string())
}

/// A preview, taken apart into its heading, its facts and what it asks for.
struct Parts<'a> {
    heading: &'a str,
    facts: Vec<(&'a str, Option<&'a str>)>,
    demand: &'a str,
}

impl<'a> Parts<'a> {
    fn of(preview: &'a str) -> Parts<'a> {
        let mut lines: Vec<&str> = preview.lines().collect();
        let demand = lines.pop().unwrap_or_default();
        let mut lines = lines.into_iter();
        Parts {
            heading: lines.next().unwrap_or("A change waits"),
            facts: lines
                .map(|line| match line.split_once(": ") {
                    Some((key, value)) => (key, Some(value)),
                    None => (line, None),
                })
                .collect(),
            demand,
        }
    }

    fn fact(&self, name: &str) -> Option<&'a str> {
        let found = self.facts.iter().find(|(key, _)| *key == name);
        found.and_then(|(_, value)| *value)
    }

    /// All but the two sides.
    fn other_facts(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let is_side = |key: &str| key == "Today" || key == "Afterwards";
        self.facts
            .clone()
            .into_iter()
            .filter(move |(key, _)| !is_side(key))
    }
}

/// Lines of a plan that take something away.
fn is_loss(key: &str) -> bool {
    ["Remove ", "Replace ", "The service may remove"]
        .iter()
        .any(|start| key.starts_with(start))
}
