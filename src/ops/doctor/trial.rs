//! The trial of a write probe: two rules are created, read, removed, and what
//! is left is read again.

use std::time::{Duration, Instant};

use super::facts::{self, Fact};
use super::write_probe::{TOOL, WriteProbeOutcome, WriteProbeStatus};
use crate::app::App;
use crate::ops::write::agree::{Agreement, Asked, Attempt, Cleared, Confirmation, Facts};
use crate::ops::write::locks::Turn;
use crate::ops::write::send::{RoutesNoNumber, Sent};
use skyswitch_client::{Evidence, Found, Matches, NOT_FOUND_IS_EMPTY_LIST, Skeleton, class_of};
use skyswitch_domain::command_line;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, Ani, Dnis, PbxDomain, PhoneNumber, Route, RouteKey};
use skyswitch_guard::{Channel, Plan, RuleChange};

/// How long a list may take to show a change before the probe goes on without.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// The first wait before a list is read again; each is as long as all before.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// A trial that was agreed to.
pub(super) struct Trial<'a> {
    pub app: &'a App,
    pub account: &'a AccountId,
    pub domain: &'a PbxDomain,
    pub caller: PhoneNumber,
    /// As they are sent: for any called number, and for one.
    pub rules: [Route; 2],
    /// The list was answered with "not found" before.
    pub is_not_found: bool,
    /// The customer had VIP rules before, so no empty list is seen.
    pub has_rules: bool,
    pub learned: Vec<Fact>,
    pub warnings: Vec<String>,
    /// How long a list is read again until it shows what was changed; not at
    /// all once a removal failed.
    pub patience: Duration,
}

const NO_EMPTY_LIST: &str = "how an empty list is answered was not seen, because this customer has VIP rules: a probe with \
                             a customer without any shows it";

/// The rules of the caller as a list shows them.
#[derive(Default)]
struct Seen {
    rules: Vec<Route>,
    /// "Not found" in place of a list.
    is_not_found: bool,
}

/// What came of a removal.
struct Removed {
    /// The service said that it was made; otherwise only a read shows it, and
    /// the rule may have been gone before.
    is_acknowledged: bool,
    /// The caller's rules by a read that shows the removal.
    after: Option<Seen>,
}

impl Seen {
    fn of(&self, dnis: &Dnis) -> Option<&Route> {
        self.rules.iter().find(|rule| rule.key.dnis.same_as(dnis))
    }
}

impl Facts for Trial<'_> {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.warnings
    }
}

impl Trial<'_> {
    /// Creates, reads, removes and reads. Whatever fails in between, what was
    /// created is removed.
    pub async fn carry_out(mut self, cleared: Cleared<Plan>) -> Result<WriteProbeOutcome> {
        let sent = self.app.send_in_order(cleared, None, &RoutesNoNumber).await;
        match sent.first().map(|first| &first.outcome) {
            // Nothing was created, so there is nothing to find out or to remove.
            Some(Err(failure)) if failure.is_known => return Err(failure.error.clone()),
            Some(Ok(written)) => self.learn_answer(facts::PUT_ANSWER, written.answer.as_ref()),
            _ => {}
        }
        let is_failed = |sent: &&Sent| matches!(&sent.outcome, Err(failure) if failure.is_known);
        let created = sent.len() - sent.iter().filter(is_failed).count();
        let is_unknown = |sent: &Sent| matches!(&sent.outcome, Err(failure) if !failure.is_known);
        let may_arrive = sent.iter().any(is_unknown);
        let failures = sent.iter().filter_map(|sent| sent.outcome.as_ref().err());
        self.warnings
            .extend(failures.map(|failure| failure.error.to_string()));
        let rules = self.rules.clone();
        let [any, one] = &rules;
        let shows_all = |seen: &Seen| {
            let mut created = rules.iter().take(created);
            created.all(|rule| seen.of(&rule.key.dnis).is_some())
        };
        let (seen, lag) = self.noted(self.read_until(shows_all).await);
        if let Some(lag) = lag {
            self.learn(facts::READ_BACK_LAG, lag.as_millis().to_string());
            self.learn_forms(&seen);
        }
        let stored = |sent: &Route| seen.of(&sent.key.dnis).unwrap_or(sent).clone();
        let removed = self.remove(stored(any)).await;
        let mut last = match removed.and_then(|removed| removed.after) {
            Some(after) => Some(after),
            None => {
                let is_gone = |seen: &Seen| seen.of(&any.key.dnis).is_none();
                let (after, lag) = self.noted(self.read_until(is_gone).await);
                lag.map(|_| after)
            }
        };
        if created == rules.len() {
            let is_beside = last.as_ref().map(|after| after.of(&one.key.dnis).is_some());
            let removed = self.remove(stored(one)).await;
            // A list that is late may show neither: the service itself says what was there.
            let was_there = removed.as_ref().map(|removed| removed.is_acknowledged);
            match (is_beside.filter(|_| lag.is_some()), was_there) {
                (Some(true), _) => self.learn(facts::DELETE_WITHOUT_DNIS, facts::NARROW),
                (Some(false), Some(false)) => self.learn(facts::DELETE_WITHOUT_DNIS, facts::WIDE),
                _ => {}
            }
            last = removed.and_then(|removed| removed.after);
        }
        let last = match last.filter(|seen| seen.rules.is_empty()) {
            Some(seen) => Ok((seen, Some(Duration::ZERO))),
            None => self.read_until(|seen| seen.rules.is_empty()).await,
        };
        if let Ok((seen, Some(_))) = &last
            && seen.is_not_found
            && lag.is_some()
        {
            self.learn(NOT_FOUND_IS_EMPTY_LIST, "yes");
        }
        let left = match &last {
            // A list without them does not tell that they will not be made still.
            _ if may_arrive || lag.is_none() => self.rules.as_slice(),
            Ok((_, Some(_))) => &[],
            Ok((seen, None)) => seen.rules.as_slice(),
            Err(_) => self.rules.as_slice(),
        };
        let left: Vec<String> = left.iter().map(|rule| self.words_of_left(rule)).collect();
        self.noted(last);
        if let Err(error) = self.app.keep_learned(&self.learned).await {
            self.warnings
                .push(format!("what was learned could not be kept: {error}"));
        }
        Ok(WriteProbeOutcome {
            status: match left.is_empty() {
                true => WriteProbeStatus::Probed,
                false => WriteProbeStatus::Incomplete,
            },
            learned: self.learned,
            not_tried: match self.has_rules {
                true => vec![NO_EMPTY_LIST.to_owned()],
                false => Vec::new(),
            },
            left,
            warnings: self.warnings,
            confirmation: Confirmation::default(),
        })
    }

    /// Reads until the caller's rules are as expected, and tells how long that
    /// took; `None` where they did not become so while there was patience.
    async fn read_until(&self, is_so: impl Fn(&Seen) -> bool) -> Result<(Seen, Option<Duration>)> {
        let begun = Instant::now();
        loop {
            let asked = begun.elapsed();
            let seen = self.rules_now().await?;
            if is_so(&seen) {
                return Ok((seen, Some(asked)));
            }
            if asked > self.patience {
                return Ok((seen, None));
            }
            tokio::time::sleep(asked.max(FIRST_WAIT)).await;
        }
    }

    async fn rules_now(&self) -> Result<Seen> {
        let read = self.app.listed_rules_now(self.account, self.domain);
        match read.await {
            Ok(rules) => Ok(self.seen_in(&rules)),
            Err(error) if self.is_not_found && error.detail().status == Some(404) => Ok(Seen {
                rules: Vec::new(),
                is_not_found: true,
            }),
            Err(error) => Err(error),
        }
    }

    fn seen_in(&self, rules: &[Route]) -> Seen {
        let ani = Ani::from(&self.caller);
        let of_caller = rules
            .iter()
            .filter(|rule| rule.key.ani.is_same_caller(&ani));
        Seen {
            rules: of_caller.cloned().collect(),
            is_not_found: false,
        }
    }

    /// What was read; a failure, or that patience ended, becomes a warning.
    fn noted(&mut self, read: Result<(Seen, Option<Duration>)>) -> (Seen, Option<Duration>) {
        match read {
            Ok((seen, None)) => {
                if !self.patience.is_zero() {
                    self.warnings.push(format!(
                        "the list did not show what was changed within {} seconds",
                        PATIENCE.as_secs()
                    ));
                }
                (seen, None)
            }
            Ok(read) => read,
            Err(error) => {
                self.warnings
                    .push(format!("the list could not be read: {error}"));
                (Seen::default(), None)
            }
        }
    }

    /// Removes a rule; `None` where that failed.
    async fn remove(&mut self, rule: Route) -> Option<Removed> {
        let change = RuleChange::remove(rule, Vec::new());
        let plan = &Plan::of(self.account, self.domain, TOOL, [change]);
        // The person has agreed to this with the trial.
        let channel = Channel::Within;
        let turn = Turn::Caller(self.domain, Some(&self.caller));
        let attempt = Attempt::new(self.app, &channel, turn);
        let planned = || std::future::ready(Ok((plan.clone(), Vec::new())));
        let removed = attempt.carry_out(None, &RoutesNoNumber, planned).await;
        let sent = match removed {
            Ok(Asked::Done((told, Agreement::Reached(sent)))) => {
                self.warnings.extend::<Vec<String>>(told);
                sent
            }
            Ok(_) => return None,
            Err(error) => {
                self.warnings.push(error.to_string());
                self.patience = Duration::ZERO;
                return None;
            }
        };
        let written = sent.outcome.as_ref().ok()?;
        self.learn_answer(facts::DELETE_ANSWER, written.answer.as_ref());
        let reading = sent.reading();
        let reading = reading.filter(|reading| reading.matches != Matches::Before);
        let after = reading.and_then(|reading| match &reading.found {
            Found::VipRule { rules, .. } => Some(self.seen_in(rules)),
            Found::Piece(_) => None,
        });
        Some(Removed {
            is_acknowledged: written.evidence == Evidence::Acknowledged,
            after,
        })
    }

    fn learn(&mut self, name: &'static str, value: impl Into<String>) {
        if !self.learned.iter().any(|fact| fact.name == name) {
            let value = value.into();
            self.learned.push(Fact { name, value });
        }
    }

    fn learn_answer(&mut self, name: &'static str, answer: Option<&Skeleton>) {
        if let Some(answer) = answer {
            let body = answer.body_in_a_line();
            self.learn(name, format!("HTTP {}, {body}", answer.status));
        }
    }

    /// How the rules are stored, beside how they were sent.
    fn learn_forms(&mut self, seen: &Seen) {
        let [any, one] = self.rules.clone();
        if let Some(stored) = seen.of(&any.key.dnis) {
            let (sent, found) = (any.key.ani.as_str(), stored.key.ani.as_str());
            self.learn(facts::STORED_ANI, form(sent, found));
            let (sent, found) = (any.destination.as_str(), stored.destination.as_str());
            self.learn(facts::STORED_DESTINATION, form(sent, found));
        }
        if let Some(stored) = seen.of(&one.key.dnis) {
            let (sent, found) = (one.key.dnis.as_str(), stored.key.dnis.as_str());
            self.learn(facts::STORED_DNIS, form(sent, found));
        }
    }

    fn words_of_left(&self, rule: &Route) -> String {
        let command = removal(&rule.key);
        format!(
            "a rule of {} may be left; remove it with {command}",
            self.caller
        )
    }
}

/// The command that removes a rule of a probe.
pub(super) fn removal(key: &RouteKey) -> String {
    command_line(format_args!(
        "vip remove --ani {} --domain {} --dnis '{}'",
        key.ani.as_str(),
        key.domain,
        key.dnis.to_send().unwrap_or("*")
    ))
}

/// How a text is stored that was sent.
fn form(sent: &str, stored: &str) -> String {
    match sent == stored {
        true => format!("as they are sent ({})", class_of(sent)),
        false => format!("as {} where {} is sent", class_of(stored), class_of(sent)),
    }
}
