//! The same preview for somebody who owns a shop: whose list it is, and what
//! happens to the calls, in sentences. The approval page shows it before the
//! words that every face has.

use serde::{Deserialize, Serialize};

use super::vips;
use crate::{Change, CustomerNames, Plan, RuleChange, Target};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{Application, PbxDomain, Route};

/// What a change comes to, for people who know no domains and no rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The customer, by name where one is known.
    pub customer: String,
    /// What is asked.
    pub question: String,
    /// What happens to the calls today.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub today: Option<String>,
    /// What happens to them afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub afterwards: Option<String>,
    /// What is taken away.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loss: Option<String>,
    /// The changes of a plan by where the calls go.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<Group>,
}

/// The changes of a plan that lead to the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they come to, for example `Put through to Maya Lindgren (101)`.
    pub heading: String,
    /// Whether something that exists is lost.
    pub is_loss: bool,
    /// Whose calls.
    pub lines: Vec<String>,
    /// Further callers that are not named.
    pub more: usize,
}

impl Story {
    /// That of a plan.
    pub(super) fn of_plan(plan: &Plan) -> Story {
        let names = plan.names();
        let customer = customer(names, plan.domain());
        let rules: Vec<&RuleChange> = plan.changes().iter().filter_map(Change::rule).collect();
        match (plan.kept(), plan.changes()) {
            (None, [only]) => of_change(only, names, customer),
            (_, changes) if !rules.is_empty() => Story {
                question: format!("Change {}?", counted(changes.len(), "VIP caller")),
                groups: groups(&rules, names),
                ..Story::of(customer)
            },
            (_, steps) => Story {
                question: format!("Set up VIP calling, in {}?", counted(steps.len(), "step")),
                groups: vec![Group {
                    heading: "In this order".to_owned(),
                    is_loss: false,
                    lines: steps
                        .iter()
                        .map(|step| super::heading(step, names))
                        .collect(),
                    more: 0,
                }],
                ..Story::of(customer)
            },
        }
    }

    fn of(customer: String) -> Story {
        Story {
            customer,
            question: String::new(),
            today: None,
            afterwards: None,
            loss: None,
            groups: Vec::new(),
        }
    }
}

/// The name without the domain behind it.
fn customer(names: &CustomerNames, domain: &PbxDomain) -> String {
    let both = names.customer(domain);
    let name = both.strip_suffix(&format!(" ({domain})"));
    name.unwrap_or(&both).to_owned()
}

fn of_change(change: &Change, names: &CustomerNames, customer: String) -> Story {
    let story = Story::of(customer);
    let rule = match change.target() {
        Target::VipRule(rule) => rule,
        Target::Piece(piece) => {
            return match (piece.did(), piece.names()) {
                (Some(did), Some(names)) => Story {
                    question: format!("Send the calls to {did} elsewhere?"),
                    today: Some(match &names.today {
                        Some(today) => format!("Calls to {did} go to {today}."),
                        None => format!("Calls to {did} go nowhere."),
                    }),
                    afterwards: Some(format!("Calls to {did} go to {}.", names.afterwards)),
                    ..story
                },
                _ => Story {
                    question: format!("{}?", super::heading(change, &CustomerNames::default())),
                    ..story
                },
            };
        }
    };
    let ani = rule.ani();
    let question = match (rule.before(), rule.after()) {
        (_, None) => format!("Take {ani} off the VIP list?"),
        (None, Some(_)) => format!("Put {ani} on the VIP list?"),
        (Some(_), Some(_)) => format!("Send the calls from {ani} elsewhere?"),
    };
    let mut losses = Vec::new();
    if let Some(before) = rule.before() {
        losses.push(format!(
            "{} no longer gets these calls.",
            place(before, names)
        ));
    }
    if !rule.at_risk().is_empty() {
        losses.push(format!(
            "The service may remove {} along with it.",
            counted(rule.at_risk().len(), "other VIP rule")
        ));
    }
    losses.extend(rule.no_longer_applies().map(|lost| format!("{lost}.")));
    Story {
        question,
        today: Some(sentence(rule, rule.before(), names)),
        afterwards: Some(sentence(rule, rule.after(), names)),
        loss: (!losses.is_empty()).then(|| losses.join(" ")),
        ..story
    }
}

/// What happens to the calls, in one sentence.
fn sentence(change: &RuleChange, rule: Option<&Route>, names: &CustomerNames) -> String {
    let call = format!("A call from {}{}", change.ani(), called(change));
    match rule {
        Some(rule) => format!("{call} goes straight to {}.", place(rule, names)),
        None if change.answering_without().is_empty() => format!(
            "{call} is treated like every other call. Where nobody has set up what happens to those, it is dropped."
        ),
        None => format!("{call} {}.", vips::answer(change, None, names)),
    }
}

fn called(change: &RuleChange) -> String {
    let dnis = &change.key().dnis;
    match dnis.is_any() {
        true => String::new(),
        false => format!(" to {dnis}"),
    }
}

/// `Maya Lindgren (101)`, or what kind of place it is.
fn place(route: &Route, names: &CustomerNames) -> String {
    let (id, _) = route.destination.address(&route.application);
    match (names.user(route), &route.application) {
        (Some(name), _) => format!("{name} ({})", shown(id, 80)),
        (None, Application::User) if !route.leaves_domain() => {
            format!("extension {}", shown(id, 80))
        }
        _ => format!(
            "{} {}",
            route.kind_of_place(),
            shown(route.destination.as_str(), vips::DESTINATION_LIMIT)
        ),
    }
}

/// The changes in the order in which the plan lists them, those with the same
/// outcome together.
fn groups(changes: &[&RuleChange], names: &CustomerNames) -> Vec<Group> {
    let (one_by_one, counted) = vips::in_order(changes);
    let mut groups = Vec::<Group>::new();
    let mut group = |change: &RuleChange| {
        let (heading, is_loss) = heading(change, names);
        let found = groups.iter().position(|group| group.heading == heading);
        let index = found.unwrap_or_else(|| {
            groups.push(Group {
                heading,
                is_loss,
                lines: Vec::new(),
                more: 0,
            });
            groups.len() - 1
        });
        (index, line(change, names))
    };
    let lines: Vec<_> = one_by_one.into_iter().map(&mut group).collect();
    let more: Vec<_> = counted.into_iter().map(group).collect();
    for (index, line) in lines {
        groups[index].lines.push(line);
    }
    for (index, _) in more {
        groups[index].more += 1;
    }
    groups
}

/// What a change comes to, and whether something that exists is lost.
fn heading(change: &RuleChange, names: &CustomerNames) -> (String, bool) {
    match (change.before(), change.after()) {
        (Some(before), None) => (
            format!("No longer put through to {}", place(before, names)),
            true,
        ),
        (Some(_), Some(after)) => (
            format!(
                "Put through to {} from now on, and no longer elsewhere",
                place(after, names)
            ),
            true,
        ),
        (None, Some(after)) => (format!("Put through to {}", place(after, names)), false),
        (None, None) => (String::new(), false),
    }
}

/// Whose calls, and what is to be looked at.
fn line(change: &RuleChange, names: &CustomerNames) -> String {
    let mut remarks = Vec::new();
    if let (Some(before), Some(_)) = (change.before(), change.after()) {
        remarks.push(format!("until now {}", place(before, names)));
    }
    if change.takes_calls() {
        remarks.push(format!("today {}", vips::answer(change, None, names)));
    } else if let Some(remark) = change.remark() {
        remarks.push(remark.words().to_owned());
    }
    if let Some(doubt) = vips::doubt(change) {
        remarks.push(doubt.words().to_owned());
    }
    if !change.at_risk().is_empty() {
        remarks.push(format!(
            "the service may remove {} along with it",
            counted(change.at_risk().len(), "other rule")
        ));
    }
    let lost = change.no_longer_applies();
    remarks.extend(lost.map(|lost| vips::uncapitalised(&lost)));
    let remarks: String = remarks.iter().map(|remark| format!("; {remark}")).collect();
    format!("{}{}{remarks}", change.ani(), called(change))
}
