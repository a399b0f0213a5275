//! Taking back a whole import: the rules it changed become again what they were,
//! as one plan. It is an import itself: its list is made from the journal.

use std::collections::HashMap;

use crate::app::App;
use crate::ops::changes::undo;
use crate::ops::import::existing::ExistingRules;
use crate::ops::import::files::{Row, VipFile};
use crate::ops::import::past::name;
use crate::ops::import::task::fingerprint;
use crate::ops::import::{
    Origin, Source, SyncMode, SyncOutcome, SyncSession, Task, agree, carry_out, resume,
};
use crate::ops::vips::notes::{Notes, given_back, last_day};
use crate::ops::write::agree::Asked;
use crate::ops::write::locks::Turn;
use crate::ops::write::reconcile::Needed;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{AccountId, Operation, PbxDomain, Route, RouteKey, Vip};
use skyswitch_guard::Note;
use skyswitch_guard::store::{ChangeRecord, NotedByRun, RulesBefore, TargetRecord};

/// Rules that are named where they are left out.
const NAMED: usize = 10;

/// Takes an import back with one preview and one confirmation. Rules that were
/// changed again since are left as they are, and that is said.
///
/// # Errors
/// `not_found` for an unknown import; those of an import.
pub(in crate::ops) async fn undo_run(
    app: &App,
    account: &AccountId,
    run: &str,
    session: &SyncSession<'_>,
) -> Result<Asked<SyncOutcome>> {
    let prepare = async {
        let task = app.task_of_undo(account, run).await?;
        agree(app, task, session).await
    };
    carry_out(app, session, prepare).await
}

/// A rule that an import changed.
struct Changed {
    key: RouteKey,
    /// The change that was the first.
    first: i64,
    /// What was kept of the rule.
    kept: Note,
    before: Option<Route>,
    /// What the import made of it, as it was wanted and as it was read.
    left: [Option<Route>; 2],
}

impl App {
    /// The rules as they were before an import, where they are kept.
    pub(in crate::ops) async fn rules_before(
        &self,
        account: &AccountId,
        run: &str,
    ) -> Result<RulesBefore> {
        let journal = self.journal();
        let before = match journal.store_to_read().await? {
            Some(store) => {
                let before = store.rules_before(journal.realm(), account.as_str(), run);
                before.await?
            }
            None => None,
        };
        before.ok_or_else(|| unknown_run(run))
    }

    async fn task_of_undo(&self, account: &AccountId, run: &str) -> Result<Task> {
        let kept = self.rules_before(account, run).await?;
        let domain = kept.domain.parse::<PbxDomain>();
        let domain = domain.map_err(|refused: Refused| refused.into_error("run_id"))?;
        // Its outcome may be one that nobody has recorded yet.
        let turn = Turn::Import(account, &domain);
        let unread = self.reconcile(Needed::For(turn), None).await?;
        if let Some(unread) = unread.into_iter().next() {
            return Err(unread.into_error());
        }
        let store = self.journal().store().get().await?;
        let changes = store.run_changes(run).await?;
        let damaged = left_out_as_damaged(&changes);
        let mut changed = changed_rules(changes, kept.rules.unwrap_or_default());
        for rule in &mut changed {
            if let Some(before) = &rule.before
                && let Some(ended) = self.note_ended_by(rule.first, before).await?
            {
                rule.kept = ended;
            }
        }
        let noted = store.notes_of_run(run).await?;
        let present = self.present_rules(account, &domain, |_| false).await?;
        let notes = self.notes(account, Some(&domain)).await?;
        let mut list = self.list_of_undo(&changed, &present.rules, &notes)?;
        give_notes_back(&mut list, noted.noted, &present.rules, &notes)?;
        list.warnings.extend(
            [
                damaged,
                (noted.damaged > 0).then(|| {
                    format!(
                        "{} that the import changed cannot be read and stay as they are",
                        counted(noted.damaged, "note")
                    )
                }),
            ]
            .into_iter()
            .flatten(),
        );
        let removed: Vec<_> = list.removed.iter().map(|row| row.ani.as_given()).collect();
        Ok(Task {
            tool: undo::TOOL,
            account: account.clone(),
            domain,
            asked_mode: None,
            mode: SyncMode::Merge,
            allow_large_removal: true,
            skip_invalid: false,
            is_dry_run: false,
            origin: Origin::Kept,
            request: resume::digest(&("undo", run, fingerprint(&list), removed)),
            source: Source::List(list),
            circles: tokio::sync::Mutex::default(),
        })
    }

    /// What has to exist, and what has to go, for the rules to be as before.
    fn list_of_undo(&self, changed: &[Changed], rules: &[Route], notes: &Notes) -> Result<VipFile> {
        let now = ExistingRules::of(rules);
        let limits = &self.settings().limits;
        let mut list = VipFile::default();
        let (mut since, mut protected, mut over) = (Vec::new(), Vec::new(), Vec::new());
        let mut bare = Vec::new();
        for (line, rule) in (1..).zip(changed) {
            let before = rule.before.as_ref();
            let stored = now.stored_for(&rule.key);
            if Route::are_alike(stored, before) {
                let (ended, _) = given_back(rule.kept.clone());
                let kept = stored.and_then(|stored| notes.to_keep(stored));
                if ended != Note::default() && kept.as_ref() != Some(&ended) {
                    bare.push(shown(rule.key.ani.as_str(), 64));
                }
                continue;
            }
            let mut left = rule.left.iter();
            if !left.any(|left| Route::are_alike(stored, left.as_ref())) {
                let goes_to = stored.map_or("no such rule".to_owned(), Route::goes_to);
                let caller = shown(rule.key.ani.as_str(), 64);
                since.push(format!("\"{caller}\" (now {goes_to})"));
                continue;
            }
            if stored.is_some_and(|stored| limits.refuse_protected(stored).is_err()) {
                protected.push(shown(rule.key.ani.as_str(), 64));
                continue;
            }
            let row = |rule| Row::of_rule(line, rule).map_err(|r| r.into_error("run_id"));
            match (before, stored) {
                (Some(before), _) => {
                    let (kept, is_over) = given_back(rule.kept.clone());
                    over.extend(is_over.map(|_| rule.key.ani.to_string()));
                    list.rows.push(Row {
                        note: kept.text,
                        until: kept.until.map(|until| until.day),
                        ..row(before)?
                    });
                }
                (None, Some(stored)) => list.removed.push(row(stored)?),
                (None, None) => {}
            }
        }
        let by_operator = "whose caller the operator protects (`protected`)";
        list.warnings.extend(
            [
                left_out("rule", since, "changed again after the import"),
                left_out("rule", protected, by_operator),
                left_out(
                    "rule",
                    bare,
                    "that is as before already, whose note or last day is another one now",
                ),
            ]
            .into_iter()
            .flatten(),
        );
        list.warnings.extend((!over.is_empty()).then(|| {
            format!(
                "restored without their last day, which is over: {}; they stay until somebody removes them",
                first_few(NAMED, over)
            )
        }));
        Ok(list)
    }
}

/// What is left out of taking an import back, if anything, in one sentence.
fn left_out(what: &str, left_out: Vec<String>, why: &str) -> Option<String> {
    let count = counted(left_out.len(), what);
    (!left_out.is_empty())
        .then(|| format!("left out: {count} {why}: {}", first_few(NAMED, left_out)))
}

/// What an import noted of rules that it left as they were is again what it was
/// before, unless the rule or its note was changed again since.
fn give_notes_back(
    list: &mut VipFile,
    noted: Vec<NotedByRun>,
    rules: &[Route],
    notes: &Notes,
) -> Result<()> {
    // An import that was continued may have noted the same rule twice.
    let mut places = HashMap::new();
    let mut first_to_last = Vec::<NotedByRun>::new();
    for noted in noted {
        let key = name(&noted.rule.key);
        let place = *places.entry(key).or_insert(first_to_last.len());
        match first_to_last.get_mut(place) {
            // What was noted in between was not the import's.
            Some(first) if first.after != noted.before => first.before = noted.before,
            Some(_) => {}
            None => {
                first_to_last.push(noted);
                continue;
            }
        }
        if let Some(first) = first_to_last.get_mut(place) {
            first.after = noted.after;
        }
    }
    let now = ExistingRules::of(rules);
    let mut since = Vec::new();
    for (line, noted) in (1..).zip(first_to_last) {
        let stored = now.stored_for(&noted.rule.key);
        let stored = stored.filter(|stored| stored.same_destination(&noted.rule));
        let text = stored.and_then(|stored| notes.text_of(stored));
        match stored {
            Some(_) if text == noted.before.as_deref() => {}
            Some(stored) if text == noted.after.as_deref() => {
                let row = Row::of_rule(line, stored).map_err(|r| r.into_error("run_id"))?;
                let note = noted.before;
                list.noted.push(Row { note, ..row });
            }
            _ => since.push(shown(noted.rule.key.ani.as_str(), 64)),
        }
    }
    let left_out = left_out(
        "note",
        since,
        "changed again after the import, or whose rule was",
    );
    list.warnings.extend(left_out);
    Ok(())
}

/// What to say of changes of an import that were made and of which nobody can read
/// any more what they changed.
pub(super) fn left_out_as_damaged(changes: &[ChangeRecord]) -> Option<String> {
    let is_damaged = |change: &&ChangeRecord| {
        change.was_made() && matches!(change.target, TargetRecord::Damaged { .. })
    };
    let damaged = changes.iter().filter(is_damaged);
    left_out(
        "change",
        damaged.map(|change| change.id.to_string()).collect(),
        "that cannot be read, because its entry in the journal is damaged",
    )
}

/// The rules that an import has changed, each from what it was at first to what it
/// was left as. A rule that the service removed along with another, and that the
/// import put again, was there before.
fn changed_rules(changes: Vec<ChangeRecord>, kept: Vec<Vip>) -> Vec<Changed> {
    let rules: Vec<Route> = kept.iter().map(Route::from).collect();
    let by_key: HashMap<_, _> = rules
        .iter()
        .map(|rule| name(&rule.key))
        .zip(&kept)
        .collect();
    let kept_rules = ExistingRules::of(&rules);
    let mut places = HashMap::new();
    let mut changed: Vec<Changed> = Vec::new();
    for change in changes.into_iter().filter(ChangeRecord::was_made) {
        let TargetRecord::VipRule(rule) = change.target else {
            continue;
        };
        let place = *places.entry(name(&rule.key)).or_insert(changed.len());
        let left = [rule.wanted, rule.after];
        match changed.get_mut(place) {
            Some(earlier) => earlier.left = left,
            None => changed.push(Changed {
                before: rule
                    .before
                    .or_else(|| kept_rules.stored_for(&rule.key).cloned()),
                first: change.id,
                kept: by_key
                    .get(&name(&rule.key))
                    .map(|kept| kept_of(kept))
                    .unwrap_or_default(),
                key: rule.key,
                left,
            }),
        }
    }
    changed
}

/// What was kept of a rule, where no change has ended it: the service removed it
/// along with another.
fn kept_of(kept: &Vip) -> Note {
    let day = kept.until.as_ref().and_then(|day| day.parse().ok());
    Note {
        text: kept.note.clone(),
        until: day.and_then(last_day),
    }
}

fn unknown_run(id: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!(
            "there is no import `{}` in this account's journal",
            shown(id, 60)
        ),
        format!(
            "{} shows the imports that exist; the journal is kept on the machine that made them.",
            Operation::ListChanges
        ),
    )
    .with_field("run_id")
}
