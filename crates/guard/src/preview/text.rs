//! The words of a preview, the same in every face.

use std::fmt;

use super::{Answer, Effect, Fact, FactKind, Preview, Row};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;

/// A line of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The fact that it tells; `None` where it is a change of a plan.
    pub kind: Option<FactKind>,
    /// What the line is about, or all that it says.
    pub label: String,
    /// What it says of that.
    pub text: Option<&'a str>,
    /// Whether something that exists is lost.
    pub is_loss: bool,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text {
            Some(text) => write!(f, "{}: {text}", self.label),
            None => f.write_str(&self.label),
        }
    }
}

impl Preview {
    /// The whole preview, several lines.
    pub fn text(&self) -> String {
        let lines: String = self.lines().map(|line| format!("{line}\n")).collect();
        let problem = self.problem.as_ref();
        let problem = problem.map_or_else(String::new, |problem| format!("{problem}\n"));
        format!("{problem}{}\n{lines}{}", self.summary, self.demand())
    }

    /// What was wrong with what was typed before, and that it is asked again.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The same question once more after a slip; `None` where the answer was none.
    pub(crate) fn asked_again(&self, answer: &Answer, attempts_left: u8) -> Option<Preview> {
        let problem = match answer {
            Answer::WrongPin => "That is not the PIN".to_owned(),
            answer if self.is_agreed_to_by(answer) => return None,
            // It may be the PIN, typed into the wrong field.
            Answer::Typed(text) if self.wants_pin && !text.trim().is_empty() => {
                format!("What was typed is not {}", self.asks_for.name())
            }
            Answer::Typed(text) => self.asks_for.problem_with(text),
            _ => return None,
        };
        let left = counted(attempts_left.into(), "attempt");
        Some(Preview {
            problem: Some(format!("{problem}. Nothing was changed yet; {left} left.")),
            ..self.clone()
        })
    }

    /// Every line between the summary and what must be typed.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let rows = (1..).zip(&self.rows);
        let lines_of_row =
            |(number, row)| std::iter::once(row_line(number, row)).chain(fact_lines(&row.facts));
        fact_lines(&self.facts).chain(rows.flat_map(lines_of_row))
    }

    /// What must be typed, as a sentence without its full stop.
    pub fn demand(&self) -> String {
        let pin = match self.wants_pin {
            true => "; and the PIN",
            false => "",
        };
        format!(
            "To agree, type {}: {}{pin}",
            self.asks_for.name(),
            shown(&self.asks_for.text(), 64)
        )
    }
}

fn fact_lines(facts: &[Fact]) -> impl Iterator<Item = Line<'_>> {
    facts.iter().map(|fact| {
        let (label, text) = match label(fact.kind) {
            Some(label) => (label.to_owned(), Some(fact.text.as_str())),
            None => (fact.text.clone(), None),
        };
        Line {
            kind: Some(fact.kind),
            label,
            text,
            is_loss: fact.kind.is_loss(),
        }
    })
}

fn row_line(number: usize, row: &Row) -> Line<'_> {
    let subject = &row.subject;
    let label = match row.effect {
        Effect::Add => format!("Add {subject}"),
        Effect::AddSeveral => format!("Add more callers whose calls go to {subject}"),
        Effect::Replace => format!("Replace {subject}"),
        Effect::Remove => format!("Remove {subject}"),
        Effect::SetUp => format!("{number}. {subject}"),
    };
    Line {
        kind: None,
        label,
        text: row.outcome.as_deref(),
        is_loss: row.effect.is_loss(),
    }
}

/// The label before a fact; nothing where it is a sentence by itself.
fn label(kind: FactKind) -> Option<&'static str> {
    Some(match kind {
        FactKind::Account => "Account",
        FactKind::Profile => "Profile",
        FactKind::Domain => "Customer",
        FactKind::Caller => "Caller",
        FactKind::CalledNumber => "Dialled number",
        FactKind::CustomerNumber => "Customer's number",
        FactKind::Today => "Today",
        FactKind::Afterwards => "Afterwards",
        FactKind::KnownAs => "Note kept here",
        FactKind::Until => "Ends",
        FactKind::Kept => "Kept",
        FactKind::AlsoChanged => "Also changed",
        FactKind::OthersVerified => "Callers who are not VIPs (verified)",
        FactKind::OthersAttested => "Callers who are not VIPs (not verified)",
        FactKind::Description => "Description",
        FactKind::ReplacedAnsweringRule => "The present answering rule for all times is replaced",
        FactKind::MayBeRemoved => "The service may remove along with it",
        FactKind::Step => "Step",
        FactKind::AttestedBy => "Attested by",
        FactKind::Proof => "Proof",
        FactKind::Note => "Note",
        FactKind::Entry => "Change",
        FactKind::Counts
        | FactKind::NoLongerApplies
        | FactKind::Irreversible
        | FactKind::AgreeOnlyIf => return None,
    })
}
