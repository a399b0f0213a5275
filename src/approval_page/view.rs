//! What the page looks like. Everything from outside is escaped by the
//! templates; the preview was made harmless before.

use axum::response::Html;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::local_time;
use skyswitch_guard::store::Approval;
use skyswitch_guard::{FactKind, Line};

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
    let preview = &approval.preview;
    let sides = preview
        .fact(FactKind::Today)
        .zip(preview.fact(FactKind::Afterwards));
    let is_side = |line: &Line<'_>| {
        sides.is_some() && matches!(line.kind, Some(FactKind::Today | FactKind::Afterwards))
    };
    let expires = local_time::until(local_time::from_seconds(approval.expires_at));
    page(
        preview.summary(),
        &html! {
            h1 { (preview.summary()) }
            @if let Some((today, afterwards)) = sides {
                div.sides {
                    section.side { h2 { "Today" } p { (today) } }
                    section.side.after { h2 { "Afterwards" } p { (afterwards) } }
                }
            }
            ul.facts {
                @for line in preview.lines().filter(|line| !is_side(line)) {
                    li.loss[line.is_loss] {
                        b { (line.label) }
                        @if let Some(text) = line.text { ": " (text) }
                    }
                }
            }
            form method="post" action={ "/" (secret) } autocomplete="off" {
                @if let Some(problem) = preview.problem() {
                    p.problem role="alert" { (problem) }
                }
                label for="confirm" { "Type " (preview.asks_for().name()) }
                p.hint id="hint" { (preview.demand()) ". Anything else changes nothing." }
                input #confirm name="confirm" type="text" autocomplete="off" spellcheck="false"
                    autocapitalize="off" aria-describedby="hint";
                div.choices {
                    button.approve type="submit" name="decision" value="approve" { "Approve" }
                    button.decline type="submit" name="decision" value="decline" { "Decline" }
                }
            }
            p.expires { "This question expires " (expires) "." }
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
