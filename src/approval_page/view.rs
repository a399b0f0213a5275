//! What the page looks like. Everything from outside is escaped by the
//! templates; the preview was made harmless before.

use axum::response::Html;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::local_time::{clock, from_seconds, until};
use skyswitch_domain::wording::capitalised;
use skyswitch_guard::store::{Approval, Ending};
use skyswitch_guard::{FactKind, Line, Preview, Story, TypedValue};

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
    let title = preview
        .story()
        .map_or(preview.summary(), |story| &story.question);
    // A screen reader begins with the title.
    let title = match preview.problem() {
        Some(_) => format!("Not yet: {title}"),
        None => title.to_owned(),
    };
    page(
        &title,
        &html! {
            p.from { (asked_by(approval)) }
            article {
                (heading(preview))
                p.expires { "This question expires " (until(from_seconds(approval.expires_at))) "." }
                @match preview.story() {
                    Some(story) => (told(preview, story)),
                    None => ul.facts { @for line in preview.lines().filter(|line| is_for_people(line)) { (fact(line)) } },
                }
                (form(preview, secret))
                (details(approval))
            }
        },
    )
}

/// Who asks, and when.
fn asked_by(approval: &Approval) -> String {
    let who = match approval.asked_by.as_str() {
        "" => "your assistant",
        who => who,
    };
    match approval.asked_at {
        0 => format!("SkySwitch: {who} asks for your agreement"),
        asked_at => format!(
            "SkySwitch: {who} asks for your agreement since {}",
            clock(from_seconds(asked_at))
        ),
    }
}

/// Whose list it is, and what is asked.
fn heading(preview: &Preview) -> Markup {
    html! {
        @match preview.story() {
            Some(story) => {
                p.customer { (story.customer) }
                h1 { (story.question) }
            }
            None => h1 { (preview.summary()) },
        }
    }
}

/// What happens to the calls, and what is lost; a plan in groups, with a summary
/// that stays in view.
fn told(preview: &Preview, story: &Story) -> Markup {
    let mut facts = preview
        .lines()
        .filter(is_for_people)
        .filter(|line| line.kind.is_some())
        .peekable();
    html! {
        @if let Some(counts) = preview.fact(FactKind::Counts) {
            div.summary { p { (counts) "." } a href="#answer" { "Answer" } }
        }
        @if let (Some(today), Some(afterwards)) = (&story.today, &story.afterwards) {
            div.sides {
                section.side aria-labelledby="today" { h2 #today { "Today" } p { (today) } }
                section.side.after.taken[story.loss.is_some()] aria-labelledby="afterwards" {
                    h2 #afterwards { "Afterwards" } p { (afterwards) }
                }
            }
        }
        @if let Some(loss) = &story.loss {
            p.loss { strong { "This takes something away. " } (loss) }
        }
        @if facts.peek().is_some() {
            ul.facts { @for line in facts { (fact(line)) } }
        }
        @for group in &story.groups {
            section.group.taken[group.is_loss] {
                h2 {
                    (group.heading)
                    " " span.count { (group.lines.len() + group.more) }
                }
                ul { @for line in &group.lines { li { (line) } } }
                @if group.more > 0 { p.more { "and " (group.more) " more" } }
            }
        }
    }
}

/// Whether a line is for somebody who knows no domains and no stored forms, and
/// is not told in another place.
fn is_for_people(line: &Line<'_>) -> bool {
    !matches!(
        line.kind,
        Some(
            FactKind::Account
                | FactKind::Domain
                | FactKind::Caller
                | FactKind::CalledNumber
                | FactKind::CustomerNumber
                | FactKind::Today
                | FactKind::Afterwards
                | FactKind::Counts
                | FactKind::MayBeRemoved
                | FactKind::NoLongerApplies
        )
    )
}

fn fact(line: Line<'_>) -> Markup {
    html! {
        li.taken[line.is_loss] {
            b { (line.label) }
            @if let Some(text) = line.text { ": " (text) }
        }
    }
}

fn form(preview: &Preview, secret: &str) -> Markup {
    let is_again = preview.problem().is_some();
    html! {
        form #answer method="post" action={ "/" (secret) } autocomplete="off" {
            @if let Some(problem) = preview.problem() {
                p.problem #problem role="alert" { (problem) }
            }
            label for="confirm" { "Type " (preview.asks_for().name()) }
            p.hint #hint { (preview.demand()) ". Anything else changes nothing." }
            input #confirm name="confirm" type="text" inputmode=(keyboard(preview.asks_for()))
                autocomplete="off" spellcheck="false" autocapitalize="off" autofocus[is_again]
                aria-invalid=[is_again.then_some("true")]
                aria-describedby=(if is_again { "problem hint" } else { "hint" });
            @if preview.wants_pin() {
                label.second for="pin" { "Type your PIN" }
                input #pin name="pin" type="password" autocomplete="off";
            }
            div.choices {
                button.approve type="submit" name="decision" value="approve" { "Approve" }
                button.decline type="submit" name="decision" value="decline" { "Decline" }
            }
        }
    }
}

/// Which keyboard a phone shows.
fn keyboard(asked: &TypedValue) -> &'static str {
    let is_dialled = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || "+*#".contains(c))
    };
    match asked {
        TypedValue::Changes(_) | TypedValue::ChangeId(_) => "numeric",
        TypedValue::Caller(ani) if is_dialled(ani.as_str()) => "tel",
        TypedValue::CustomerNumber(_) => "tel",
        TypedValue::Caller(_) | TypedValue::Domain(_) => "text",
    }
}

/// The preview in the words that every face has, with the account and the
/// values as they are stored.
fn details(approval: &Approval) -> Markup {
    let preview = &approval.preview;
    html! {
        details {
            summary { "Details, word for word" }
            p { (preview.summary()) }
            ul.facts { @for line in preview.lines() { (fact(line)) } }
            p { "Code: " (approval.code) }
        }
    }
}

/// How a question has ended, and when.
pub(super) fn ended(approval: &Approval, ending: Ending) -> Html<String> {
    let at = |moment: Option<i64>| clock(from_seconds(moment.unwrap_or(approval.expires_at)));
    let is_over = approval.has_expired(Timestamp::now().as_second());
    let (heading, text) = match (ending, approval.used_at) {
        (Ending::Approved, Some(used)) => (
            "Approved",
            format!(
                "Approved at {}. Your assistant has gone on with it at {}, and says what came of it.",
                at(approval.decided_at),
                at(Some(used))
            ),
        ),
        (Ending::Approved, None) if is_over => (
            "Approved, but not used",
            format!(
                "Approved at {}. Your assistant made no use of it before it expired at {}, so nothing was changed.",
                at(approval.decided_at),
                at(None)
            ),
        ),
        (Ending::Approved, None) => (
            "Approved",
            format!(
                "Approved at {}. Your assistant makes exactly this change, once. Where it does not go on by itself, \
                 tell it to continue, until {}.",
                at(approval.decided_at),
                at(None)
            ),
        ),
        (Ending::Declined, _) => (
            "Declined",
            format!(
                "Declined at {}. Nothing was changed.",
                at(approval.decided_at)
            ),
        ),
        (Ending::WrongValue, _) => (
            "Not approved",
            format!(
                "At {}, what was typed was not what was asked for, also at the last attempt. Nothing was changed. Ask \
                 your assistant once more if you want this change.",
                at(approval.decided_at)
            ),
        ),
        (Ending::Expired, _) => (
            "Expired",
            format!(
                "Nobody answered before {}. Nothing was changed. Ask your assistant once more if you want this change.",
                at(None)
            ),
        ),
    };
    page(
        heading,
        &html! {
            p.from { (asked_by(approval)) }
            article {
                h1 { (heading) }
                p { (text) }
                @if let Some(story) = approval.preview.story() { p.customer { (story.customer) } }
                p.about { (approval.preview.summary()) }
                p.hint { "You can close this page." }
            }
        },
    )
}

/// A short message, such as a refusal.
pub(super) fn message(heading: &str, text: &str) -> Html<String> {
    let content = html! {
        p.from { "SkySwitch: approval page" }
        article { h1 { (heading) } p { (text) } }
    };
    page(heading, &content)
}

fn page(title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (capitalised(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    };
    Html(page.into_string())
}
