//! A service with some habits, what is true there, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;
use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::TrustDialPlan;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{Asked, ChangeRow, ListChanges, PageSize, list_changes};
use skyswitch_mcp::sandbox::{Habit, StoredRoute, Tenant};

use super::customer::{PbxApi, app_with};
use super::{Bench, DENTAL};

/// A service with some habits, and what is true there.
pub struct Service {
    pub bench: Bench,
    pub app: App,
    /// Their names, for messages.
    pub habits: String,
    follows: Mutex<Follows>,
}

/// The rules of the service: domain, caller in digits, called number; and where each leads.
pub type Rules = BTreeMap<(String, String, String), String>;

impl Service {
    pub async fn with(habits: &[Habit]) -> Service {
        let tenant = habits.iter().copied().fold(Tenant::demo(), Tenant::habit);
        let bench = Bench::with(tenant).await;
        let app = app_with(&bench, PbxApi::V2, |settings| {
            settings.trust_dial_plan = TrustDialPlan::Auto;
        });
        let names: Vec<&str> = habits.iter().map(|habit| habit.name).collect();
        Service {
            bench,
            app,
            habits: names.join(","),
            follows: Mutex::default(),
        }
    }

    pub fn rules(&self) -> Rules {
        let routes = self.bench.sandbox.routes().into_iter();
        routes
            .map(|route| (key(&route), route.destination))
            .collect()
    }

    pub fn rules_of(&self, domain: &str) -> usize {
        let routes = self.bench.sandbox.routes();
        routes.iter().filter(|route| route.domain == domain).count()
    }

    pub fn destination_of(&self, caller: &str, dnis: &str) -> Option<String> {
        let key = (DENTAL.to_owned(), caller.to_owned(), dnis.to_owned());
        self.rules().get(&key).cloned()
    }

    /// Where the caller's only rule for any number leads; `None` where there are
    /// several, under other writings of the number.
    pub fn only_rule_of(&self, caller: &str) -> Option<String> {
        let wanted = (DENTAL.to_owned(), caller.to_owned(), String::new());
        let routes = self.bench.sandbox.routes().into_iter();
        let mut rules = routes.filter(|route| key(route) == wanted);
        let only = rules.next().map(|route| route.destination);
        only.filter(|_| rules.next().is_none())
    }

    pub async fn changes(&self) -> Vec<ChangeRow> {
        let all = ListChanges::default();
        let list = list_changes(&self.app, &all, PageSize::All).await;
        list.unwrap().changes
    }

    /// Nothing that a request did dropped a caller, and refusals say what to do.
    #[track_caller]
    pub fn look<T: Serialize>(&self, operation: &'static str, outcome: &Result<T>) {
        let habits = &self.habits;
        let dropped = self.bench.sandbox.ever_dropped();
        assert!(dropped.is_empty(), "[{habits}] {operation}: {dropped:?}");
        let mut follows = self.follows.lock().unwrap();
        match outcome {
            Err(error) => {
                assert!(!error.hint().is_empty(), "[{habits}] {error:?}");
                let is_read = ["list_vips", "explain_call", "onboarding_status"];
                if error.code() == Code::UpstreamRejected && is_read.contains(&operation) {
                    let names_skeleton = error.hint().contains("samples/answer-");
                    assert!(names_skeleton, "[{habits}] {operation}: {error:?}");
                }
                follows.refused(error.code().as_str(), operation);
            }
            Ok(outcome) => follows.said(operation, &serde_json::to_value(outcome).unwrap()),
        }
    }

    /// The same of an operation that may ask; what was decided, if anything was.
    #[track_caller]
    pub fn decided<T: Serialize>(
        &self,
        operation: &'static str,
        outcome: Result<Asked<T>>,
    ) -> Option<T> {
        let outcome = outcome.map(|asked| match asked {
            Asked::Done(outcome) => Some(outcome),
            Asked::Question(_) => None,
        });
        self.look(operation, &outcome);
        outcome.ok().flatten()
    }
}

/// What follows from a habit: operations by the code that they were refused
/// with, and what others said more than usual.
#[derive(Debug, Default, PartialEq)]
pub struct Follows {
    pub refused: BTreeMap<&'static str, BTreeSet<&'static str>>,
    warnings: BTreeMap<&'static str, usize>,
}

impl Follows {
    fn refused(&mut self, code: &'static str, operation: &'static str) {
        self.refused.entry(code).or_default().insert(operation);
    }

    /// Counts what an outcome says beside its result.
    fn said(&mut self, operation: &'static str, outcome: &Value) {
        let said = ["warnings", "unknown", "rows"]
            .map(|list| outcome[list].as_array().map_or(0, Vec::len));
        *self.warnings.entry(operation).or_default() += said.iter().sum::<usize>();
    }

    pub fn and(mut self, other: Follows) -> Follows {
        for (code, operations) in other.refused {
            self.refused.entry(code).or_default().extend(operations);
        }
        for (operation, number) in other.warnings {
            *self.warnings.entry(operation).or_default() += number;
        }
        self
    }

    /// In words, against a service without habits.
    pub fn words(&self, usual: &Follows) -> String {
        let listed = |operations: &mut dyn Iterator<Item = &&'static str>| -> String {
            operations.copied().collect::<Vec<_>>().join(", ")
        };
        let mut words: Vec<String> = self
            .refused
            .iter()
            .map(|(code, operations)| format!("`{code}`: {}", listed(&mut operations.iter())))
            .collect();
        let warn = self.warnings.iter();
        let warn = warn.filter(|(operation, number)| usual.warnings.get(*operation) < Some(number));
        let warn = listed(&mut warn.map(|(operation, _)| operation));
        if !warn.is_empty() {
            words.push(format!("a warning: {warn}"));
        }
        match words.is_empty() {
            true => "everything works".to_owned(),
            false => words.join("; "),
        }
    }
}

/// The key of a rule, whichever digits its caller is stored with.
fn key(route: &StoredRoute) -> (String, String, String) {
    let caller = match route.ani.len() == 10 && route.ani.bytes().all(|b| b.is_ascii_digit()) {
        true => format!("1{}", route.ani),
        false => route.ani.clone(),
    };
    let dnis = route.dnis.specific().unwrap_or_default().to_owned();
    (route.domain.clone(), caller, dnis)
}

impl Service {
    /// What followed from its habits.
    pub fn into_follows(self) -> Follows {
        self.follows.into_inner().unwrap()
    }
}
