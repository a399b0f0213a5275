//! Where the journal knows more than a read: what was made a moment ago
//! outvotes a read that shows the state before it.

use skyswitch_domain::{DidRoute, Route, RouteKey, SetupPiece};
use skyswitch_guard::store::{ChangeRecord, ChangeStatus, TargetRecord};

/// What changes lead from one of to another: a VIP rule, or a number's routing.
pub(super) trait State: Clone {
    /// Whether a read that shows the one may mean the other.
    fn are_alike(one: Option<&Self>, other: Option<&Self>) -> bool;
}

impl State for Route {
    fn are_alike(one: Option<&Route>, other: Option<&Route>) -> bool {
        Route::are_alike(one, other)
    }
}

impl State for DidRoute {
    fn are_alike(one: Option<&DidRoute>, other: Option<&DidRoute>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one.is_like(other) || other.is_like(one),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

/// A change of the journal, as the states that it led from and to.
pub(super) struct Step<'a, S> {
    pub change: &'a ChangeRecord,
    before: Option<S>,
    pub wanted: Option<S>,
    after: Option<S>,
    /// Whether a read showed it so afterwards.
    was_read: bool,
}

impl<'a> Step<'a, Route> {
    /// `None` for changes that are about something else.
    pub fn of_rule(change: &'a ChangeRecord) -> Option<Step<'a, Route>> {
        let TargetRecord::VipRule(rule) = &change.target else {
            return None;
        };
        Some(Step {
            change,
            before: rule.before.clone(),
            wanted: rule.wanted.clone(),
            after: rule.after.clone(),
            was_read: rule.was_read,
        })
    }
}

impl<'a> Step<'a, DidRoute> {
    /// `None` for changes that are about something else.
    pub fn of_number(change: &'a ChangeRecord) -> Option<Step<'a, DidRoute>> {
        let TargetRecord::Piece(piece) = &change.target else {
            return None;
        };
        let SetupPiece::DidRoute { route, .. } = &piece.piece else {
            return None;
        };
        let stored = |value: &Option<_>| value.as_ref().and_then(DidRoute::from_stored);
        let (wanted, after) = (Some(route.clone()), stored(&piece.after));
        Some(Step {
            change,
            before: stored(&piece.before),
            // What was read as something else was read, too.
            was_read: piece.as_wanted || !DidRoute::are_alike(after.as_ref(), wanted.as_ref()),
            wanted,
            after,
        })
    }
}

impl Step<'_, Route> {
    /// Whether it is about that rule, in whatever writing.
    pub fn is_of(&self, key: &RouteKey) -> bool {
        matches!(&self.change.target, TargetRecord::VipRule(rule)
            if rule.key.is_same_rule(key))
    }
}

impl<S: State> Step<'_, S> {
    /// Whether a read that shows this may only be older than the change.
    pub fn may_show_late(&self, shown: Option<&S>) -> bool {
        !self.was_read && S::are_alike(shown, self.before.as_ref())
    }

    /// Whether a later change found what this one was to make.
    pub fn is_found_by(&self, later: &Step<'_, S>) -> bool {
        S::are_alike(later.before.as_ref(), self.wanted.as_ref())
    }

    /// Whether a read that must show it by now proves that it was never made:
    /// it was acknowledged, and all is as before.
    pub fn is_disproved_by(&self, shown: Option<&S>) -> bool {
        self.change.status == ChangeStatus::Done
            && !self.was_read
            && S::are_alike(shown, self.before.as_ref())
            && !S::are_alike(shown, self.wanted.as_ref())
    }
}

/// What there is by the journal, in place of what a read shows.
pub(super) struct Outvote<'s, 'a, S> {
    /// The newest change.
    pub step: &'s Step<'a, S>,
    /// What it came to.
    pub now: Option<&'s S>,
    /// What reads may show until they have caught up.
    pub late: Vec<Option<S>>,
}

/// What the newest of the changes to one thing made of it, where reads need not
/// show that yet. `steps` are in their order.
pub(super) fn unseen<'s, 'a, S: State>(steps: &'s [Step<'a, S>]) -> Option<Outvote<'s, 'a, S>> {
    let newest = steps.len().checked_sub(1)?;
    let step = &steps[newest];
    if step.change.status != ChangeStatus::Done || was_shown(steps, newest) {
        return None;
    }
    let indices = (0..=newest).rev();
    let late = indices.take_while(|index| !was_shown(steps, *index));
    Some(Outvote {
        step,
        now: match step.was_read {
            true => step.wanted.as_ref(),
            false => step.after.as_ref(),
        },
        late: late.map(|index| steps[index].before.clone()).collect(),
    })
}

/// The same, where a read shows the thing as it was before that change, or
/// before earlier ones that it has not shown either.
pub(super) fn outvoted<'s, 'a, S: State>(
    steps: &'s [Step<'a, S>],
    shown: Option<&S>,
) -> Option<Outvote<'s, 'a, S>> {
    let outvote = unseen(steps)?;
    let is_shown = |state: &Option<S>| S::are_alike(shown, state.as_ref());
    let is_as_made = S::are_alike(shown, outvote.now);
    (!is_as_made && outvote.late.iter().any(is_shown)).then_some(outvote)
}

/// Whether a read has shown the thing with this change. One that showed it as it
/// was before an earlier change was late.
fn was_shown<S: State>(steps: &[Step<'_, S>], index: usize) -> bool {
    let step = &steps[index];
    let read = step.after.as_ref();
    let is_older = |earlier: &Step<'_, S>| S::are_alike(read, earlier.before.as_ref());
    let is_late = !S::are_alike(read, step.wanted.as_ref()) && steps[..index].iter().any(is_older);
    step.was_read && !is_late
}
