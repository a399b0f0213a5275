//! What has to change so that the rules are as the list says.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::Limits;
use crate::ops::doctor::DeleteReach;
use crate::ops::import::existing::{ExistingRules, has_the_name, rings_as_written};
use crate::ops::import::{Action, Row, SyncMode, files};
use crate::ops::vips::cautions::other_destination_form;
use crate::ops::vips::siblings::at_risk;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{
    Ani, Application, Argument, CalledNumber, Destination, DestinationForm, Dnis, PbxDomain,
    PhoneNumber, Route, RouteKey,
};
use skyswitch_guard::{Remark, RuleChange};

/// Removals up to this many are never too many.
const FEW_REMOVALS: usize = 20;
/// Lines named in one warning.
const LINES_NAMED: usize = 20;

/// What is wanted, and under which rules.
pub(super) struct Wanted<'a> {
    pub domain: &'a PbxDomain,
    pub list: &'a files::VipFile,
    pub mode: SyncMode,
    pub allow_large_removal: bool,
    /// Whether it is only to be shown, not made.
    pub is_dry_run: bool,
    pub form: DestinationForm,
    pub limits: &'a Limits,
    /// What is known of deletes.
    pub reach: DeleteReach,
}

/// A plan before anybody has agreed to it.
pub(super) struct SyncPlan {
    pub rows: Vec<Row>,
    pub warnings: Vec<String>,
    /// Whether it would be refused as too large a removal, so that it is only shown.
    pub is_refused: bool,
}

impl Wanted<'_> {
    /// Compares the list with the existing rules.
    ///
    /// # Errors
    /// `invalid_argument` when mirroring would remove most of the domain's rules.
    pub fn plan(&self, routes: &[Route]) -> Result<SyncPlan> {
        let existing = ExistingRules::of(routes);
        let mut rows = Vec::with_capacity(self.list.bad.len() + self.list.rows.len());
        let mut warnings = self.list.warnings.clone();
        let mut listed = HashMap::new();
        for bad in &self.list.bad {
            let row = match &bad.row {
                Some(wanted) if existing.holds(wanted) => {
                    self.row(wanted, &existing, &mut listed, &mut rows)
                }
                _ => Row::unreadable(bad),
            };
            rows.push(row);
        }
        for wanted in &self.list.rows {
            let row = self.row(wanted, &existing, &mut listed, &mut rows);
            rows.push(row);
        }
        rows.sort_by_key(|row| row.line);
        warnings.extend(doubtful_numbers(&rows));
        warnings.extend(
            rows.iter()
                .find(|row| row.action == Action::Add)
                .and_then(|row| other_destination_form(row.wanted.as_ref()?, routes)),
        );
        for gone in &self.list.removed {
            if let Some(index) = existing.find(gone) {
                let change = self.removal(&existing.routes[index], &existing);
                rows.push(change);
            }
        }
        for noted in &self.list.noted {
            let stored = existing.find(noted).map(|index| &existing.routes[index]);
            rows.extend(stored.map(|rule| Row::noted(rule, noted.note.clone())));
        }
        let mut is_refused = false;
        if self.mode.removes_the_rest() {
            let kept: HashSet<usize> = listed.keys().filter_map(Identity::existing).collect();
            let unlisted: Vec<&Route> = routes
                .iter()
                .enumerate()
                .filter(|(index, _)| !kept.contains(index))
                .map(|(_, route)| route)
                .collect();
            is_refused = self.remove_unlisted(&unlisted, &existing, &mut rows, &mut warnings)?;
        }
        Ok(SyncPlan {
            rows,
            warnings,
            is_refused,
        })
    }

    /// What a row asks for, beside the rows before it. Of rows that contradict each
    /// other, none is made.
    fn row(
        &self,
        wanted: &files::Row,
        existing: &ExistingRules<'_>,
        listed: &mut HashMap<Identity, (usize, Route)>,
        earlier: &mut [Row],
    ) -> Row {
        let mut row = Row::of_line(wanted);
        if let Some(other) = wanted.domain.as_ref().filter(|d| !self.domain.is(d)) {
            return row.invalid(format!(
                "belongs to domain {}, and the list is for {}; take it out, or the domain from the row",
                shown(other, 100),
                self.domain
            ));
        }
        let found = existing.find(wanted);
        let before = found.map(|index| &existing.routes[index]);
        let after = match self.route(wanted, before) {
            Ok(after) => after,
            Err(refused) => return row.invalid(refused.to_string()),
        };
        let identity = match found {
            Some(index) => Identity::Existing(index),
            None => Identity::New(after.key.ani.clone(), after.key.dnis.clone()),
        };
        if let Some((place, other)) = listed.get(&identity) {
            return row.beside(&mut earlier[*place], other, &after);
        }
        listed.insert(identity, (earlier.len(), after.clone()));
        row.ani = after.key.ani.as_str().to_owned();
        row.dnis = after.key.dnis.to_send().map(str::to_owned);
        row.previous = before.cloned();
        row.wanted = Some(after.clone());
        let Some(before) = before else {
            row.action = Action::Add;
            let has_rule = existing.of_caller(&after).next().is_some();
            let remark = match self.limits.is_protected(&after.key.ani) {
                true => Some(Remark::Protected),
                false => has_rule.then_some(Remark::HasRule),
            };
            let change = existing.put(None, after).remarking(remark);
            return row.with_change(change, self.limits);
        };
        if before.same_destination(&after) {
            row.action = Action::Keep;
            row.wanted = Some(before.clone());
            row.reason = has_the_name(wanted, before).then(|| {
                format!(
                    "the rule has \"{}\" itself as its destination, and stays so",
                    shown(before.destination.as_str(), 80)
                )
            });
            if self.list.is_copied {
                // What another customer's list says of the caller is not said of this one.
                row.note = None;
            }
            return row;
        }
        row.action = Action::Replace;
        let change = existing.put(Some(before.clone()), after);
        row.with_change(change, self.limits)
    }

    /// The rule that a row asks for.
    fn route(&self, wanted: &files::Row, before: Option<&Route>) -> Result<Route, Refused> {
        if let Some(before) = before.filter(|before| rings_as_written(wanted, before)) {
            return Ok(before.clone());
        }
        let key = match before {
            Some(before) => before.key.clone(),
            None => self.new_key(wanted)?,
        };
        if wanted.as_stored {
            let application = wanted.application.as_deref().unwrap_or_default();
            return Ok(Route {
                key,
                application: Application::from_stored(application),
                application_is_stored: true,
                destination: Destination::from_stored(&wanted.destination),
            });
        }
        let given = wanted
            .application
            .as_deref()
            .map(str::parse::<Application>)
            .transpose()?;
        let destination: Destination = wanted.destination.parse()?;
        let application = destination.application(given)?;
        Ok(Route {
            destination: destination.in_form(self.form, &application),
            key,
            application,
            application_is_stored: true,
        })
    }

    /// The key of a new rule. What is stored is read leniently to find it
    /// again; what is to be sent has to be as strict as for a single caller.
    fn new_key(&self, wanted: &files::Row) -> Result<RouteKey, Refused> {
        let remedy = "give a phone number, or a value exactly as the VIP list shows it";
        let caller = wanted.ani.as_given();
        if wanted.as_stored {
            return Ok(RouteKey {
                domain: self.domain.as_str().into(),
                ani: Ani::from_stored(caller),
                dnis: Dnis::from_stored(wanted.dnis.as_ref().map(|dnis| dnis.as_given())),
            });
        }
        if wanted.ani.number().is_none() {
            let problem = "is not a phone number, and no rule is stored exactly like that";
            return Err(Refused::new(caller, problem, remedy));
        }
        let dnis = match &wanted.dnis {
            None => CalledNumber::Any,
            Some(dnis) if dnis.to_dnis().is_none() => {
                let problem = "is not a dialled number, and no rule is stored exactly like that";
                return Err(Refused::new(dnis.as_given(), problem, remedy));
            }
            Some(dnis) => dnis.as_given().parse()?,
        };
        Ok(RouteKey {
            domain: self.domain.as_str().into(),
            ani: Ani::from(&caller.parse::<PhoneNumber>()?),
            dnis: dnis.to_dnis(),
        })
    }

    /// Adds the removal of rules that are not on the list, and says whether it would be
    /// refused.
    fn remove_unlisted(
        &self,
        unlisted: &[&Route],
        existing: &ExistingRules<'_>,
        rows: &mut Vec<Row>,
        warnings: &mut Vec<String>,
    ) -> Result<bool> {
        let (protected, removed): (Vec<&Route>, Vec<&Route>) = unlisted
            .iter()
            .partition(|route| self.limits.refuse_protected(route).is_err());
        if !protected.is_empty() {
            warnings.push(format!(
                "kept although not on the list: {}, because the operator protects their callers (`protected`)",
                counted(protected.len(), "rule")
            ));
        }
        let too_many = removed.len() > FEW_REMOVALS && removed.len() * 2 > existing.routes.len();
        let is_refused = too_many && !self.allow_large_removal && self.mode != SyncMode::Clear;
        if is_refused {
            let refused = too_large(removed.len(), existing.routes.len());
            if !self.is_dry_run {
                return Err(refused);
            }
            warnings.push(format!("{refused}. {}", refused.hint()));
        }
        for route in removed {
            if PhoneNumber::from_stored(route.key.ani.as_str()).is_none() {
                warnings.push(format!(
                    "the rule stored as \"{}\" is not for one phone number and is not on the list; mirroring removes it",
                    shown(route.key.ani.as_str(), 64)
                ));
            }
            rows.push(self.removal(route, existing));
        }
        for route in protected {
            rows.push(Row::protected(route));
        }
        Ok(is_refused)
    }

    fn removal(&self, route: &Route, existing: &ExistingRules<'_>) -> Row {
        let at_risk = match route.key.ani.is_pattern() {
            true => at_risk(self.reach, route, existing.routes),
            false => at_risk(self.reach, route, existing.of_caller(route)),
        };
        let change = RuleChange::remove(route.clone(), at_risk);
        Row::removal(route, change)
    }
}

/// Which rule a row is about.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// An existing one, by its index in the list of rules.
    Existing(usize),
    /// A new one.
    New(Ani, Dnis),
}

impl Identity {
    fn existing(&self) -> Option<usize> {
        match self {
            Identity::Existing(index) => Some(*index),
            Identity::New(..) => None,
        }
    }
}

/// One warning for each way in which new numbers look wrong, with their lines.
fn doubtful_numbers(rows: &[Row]) -> Vec<String> {
    let mut doubtful = BTreeMap::<usize, String>::new();
    for row in rows.iter().filter(|row| row.action == Action::Add) {
        let number = row
            .wanted
            .as_ref()
            .and_then(|route| PhoneNumber::from_stored(route.key.ani.as_str()));
        if let (Some(line), Some(why)) = (row.line, number.and_then(|n| n.implausibility())) {
            doubtful.insert(line, why);
        }
    }
    let Some((_, first)) = doubtful.first_key_value() else {
        return Vec::new();
    };
    if doubtful.len() == 1 {
        return vec![first.clone()];
    }
    let lines: Vec<String> = doubtful
        .keys()
        .take(LINES_NAMED)
        .map(usize::to_string)
        .collect();
    vec![format!(
        "{} new numbers look as if they were not in service; check lines {}{}",
        doubtful.len(),
        lines.join(", "),
        if doubtful.len() > LINES_NAMED {
            ", …"
        } else {
            ""
        }
    )]
}

fn too_large(removed: usize, existing: usize) -> Error {
    Error::new(
        Code::InvalidArgument,
        format!(
            "mirroring this list would remove {removed} of the customer's {existing} VIP rules, more than half"
        ),
        format!(
            "Check that the list is complete. To remove that many all the same, set {}; {} `merge` removes nothing.",
            Argument("allow_large_removal"),
            Argument("mode")
        ),
    )
    .with_field("allow_large_removal")
}
