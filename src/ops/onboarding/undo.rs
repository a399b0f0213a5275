//! Undoing a change to a setup: a number's route is put back as it was.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::ops::changes::list::ChangeRow;
use crate::ops::changes::undo::UndoOutcome;
use crate::ops::changes::undo::UndoStatus;
use crate::ops::onboarding::apply::JudgeRoute;
use crate::ops::write::agree::{Asked, Cleared, Plan, Planned, Seen, agree};
use crate::ops::write::journal::Origin;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{
    AccountId, DidRoute, Extension, Operation, PbxDomain, PhoneNumber, SetupPiece, SetupStep,
};
use skyswitch_guard::store::{Change, PieceChange};
use skyswitch_guard::{Channel, Fallback, MayRoute, SetupChange, SetupPlan};

/// The operation's name in the journal.
const TOOL: &str = "undo_change";

/// Puts the route of a number back as it was before a change, with a person's
/// consent. Where that points it at a Route by ANI user again, the hard block holds.
///
/// # Errors
/// `invalid_argument` for changes that are not taken back by a program;
/// `confirmation_stale` when the route was changed since; `blocked`; the
/// guard's and the service's errors.
pub(in crate::ops) async fn undo_setup(
    app: &App,
    account: &AccountId,
    undone: &Change,
    target: &PieceChange,
    channel: &Channel<'_>,
) -> Result<Asked<UndoOutcome>> {
    let SetupPiece::DidRoute { did, route: made } = &target.piece else {
        return Err(by_hand(undone.id, &target.piece));
    };
    let Some(before) = target.before.as_ref().and_then(DidRoute::from_stored) else {
        return Err(Error::invalid(
            "change_id",
            format!(
                "{did} had no routing before change {}, and removing its routing would take it out of service",
                undone.id
            ),
            "Set where the number goes in the portal.",
        ));
    };
    let domain: PbxDomain = undone
        .domain
        .parse()
        .map_err(|refused: skyswitch_domain::error::Refused| refused.into_error("domain"))?;
    let undoing = Undoing {
        app,
        account,
        domain: &domain,
        did,
        made,
        before: &before,
        id: undone.id,
    };
    let plan = || async {
        let turn = app.setup_turn(account, &domain).await?;
        let seen = Seen::now(app).await?;
        let plan = undoing.plan().await?;
        Ok::<_, Error>(Planned {
            plan,
            seen,
            hold: turn,
        })
    };
    let (now, agreement) = match agree(app, channel, plan).await? {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let restore = async |cleared: Cleared<SetupPlan, _>| {
        let origin = Origin {
            undoes: Some(undone.id),
            seen: Some(cleared.seen),
            ..Origin::default()
        };
        let turn = Arc::new(cleared.hold);
        let mut change_id = None;
        for piece in cleared.clearance.divide() {
            let made = app.make(piece, &undoing, &turn, origin.clone()).await;
            let id = made.map_err(|failure| failure.error)?;
            change_id = Some(id.to_string());
        }
        Ok(change_id)
    };
    let agreement = agreement.then(restore).await?;
    let change_id = agreement.reached().cloned().flatten();
    let (status, confirmation) = agreement.status(UndoStatus::Unchanged, UndoStatus::Restored);
    Ok(Asked::Done(UndoOutcome {
        status,
        undoes: ChangeRow::from(undone),
        previous: None,
        vip: None,
        previous_setting: now.map(|route| route.goes_to()),
        setting: Some(before.goes_to()),
        change_id,
        warnings: Vec::new(),
        confirmation,
    }))
}

struct Undoing<'a> {
    app: &'a App,
    account: &'a AccountId,
    domain: &'a PbxDomain,
    did: &'a PhoneNumber,
    /// The route that the change made.
    made: &'a DidRoute,
    before: &'a DidRoute,
    id: i64,
}

impl Undoing<'_> {
    async fn plan(&self) -> Result<Plan<SetupPlan, Option<DidRoute>>> {
        let now = self.app.client()?.did_route(self.account, self.did).await?;
        if now.as_ref().is_some_and(|now| now.is_like(self.before)) {
            return Ok(Plan {
                change: None,
                facts: now,
            });
        }
        if !now.as_ref().is_some_and(|now| now.is_like(self.made)) {
            return Err(self.changed_since(now.as_ref()));
        }
        let may_route = self.may_route(self.before).await?;
        let change = SetupChange::route_did(
            self.account.clone(),
            self.domain.clone(),
            TOOL,
            self.did.clone(),
            now.as_ref(),
            (self.before.clone(), may_route),
        );
        Ok(Plan {
            change: SetupPlan::new(vec![change], Vec::new()),
            facts: now,
        })
    }
}

impl JudgeRoute for Undoing<'_> {
    /// Judged by the domain that the old route goes to, which may be another.
    async fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let Some((user, host)) = route.user() else {
            return MayRoute::judge(route, self.domain, Some(&[]), None);
        };
        let home: PbxDomain = host
            .parse()
            .map_err(|refused: skyswitch_domain::error::Refused| refused.into_error("domain"))?;
        let app = self.app;
        let users = app
            .client()?
            .subscribers(self.account, &home, Duration::ZERO)
            .await?;
        let mut ani_users = app.ani_users(self.account, &home, &users, None).await?;
        // Where its answering rule is not shown, it may be one.
        if let Ok(extension) = user.parse::<Extension>()
            && !ani_users.contains(&extension)
            && app.forwards_to_route_by_ani(&home, &extension).await != Ok(false)
        {
            ani_users.push(extension);
        }
        let attestations = app.attestations(self.account, Some(&home)).await?;
        let attested = attestations
            .iter()
            .find(|entry| entry.is_about(SetupStep::DialTranslationRule));
        let fallback = Fallback::of(
            &app.dial_plan(&home, Some(&users), &ani_users).await,
            attested,
        );
        MayRoute::judge(route, &home, Some(&ani_users), fallback.as_ref())
    }
}

impl Undoing<'_> {
    fn changed_since(&self, now: Option<&DidRoute>) -> Error {
        let goes_to = now.map_or("nothing".to_owned(), DidRoute::goes_to);
        let others = self.made.settings_changed(now);
        let others = match others.is_empty() {
            true => String::new(),
            // From the present state to what the change made.
            false => format!(" (what differs, from now to then: {})", others.join("; ")),
        };
        Error::new(
            Code::ConfirmationStale,
            format!(
                "the routing of {} was changed again after change {}, so nothing was changed: it goes to {goes_to} now{others}",
                self.did, self.id
            ),
            format!(
                "Look at {} for a newer change to undo, or point the number in the portal.",
                Operation::ListChanges
            ),
        )
        .with_field("change_id")
    }
}

fn by_hand(id: i64, piece: &SetupPiece) -> Error {
    let why = match piece {
        SetupPiece::PbxDomain { .. }
        | SetupPiece::DialPlan
        | SetupPiece::DefaultChain
        | SetupPiece::DomainUser => {
            "a domain is never deleted by this program: its name could never be used again"
        }
        SetupPiece::FallbackRule { .. } => {
            "a dial translation rule is never deleted by this program: without it every caller who is not a VIP is dropped"
        }
        _ => "users and their answering rules are not deleted by this program",
    };
    Error::invalid(
        "change_id",
        format!("change {id} cannot be undone here: {why}"),
        "Undo it in the portal, or ask SkySwitch support. Only VIP rules and the routing of a number can be undone here.",
    )
}
