//! How the routing of a customer's number is undone.

use crate::ops::changes::undo::{Found, TOOL, Undoing};
use crate::ops::onboarding::{ONBOARD, no_way_back};
use crate::ops::write::send::JudgeRoute;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{DidRoute, Operation, PhoneNumber, SetupPiece};
use skyswitch_guard::store::PieceRecord;
use skyswitch_guard::{MayRoute, Plan};

/// A number that is to go again where it went before a change.
pub(super) struct NumberBack<'a> {
    undoing: &'a Undoing<'a>,
    did: &'a PhoneNumber,
    /// The route that the change made.
    made: &'a DidRoute,
    /// Whether that is known to go to a Route by ANI user.
    to_ani_user: bool,
    /// The route as it was read after that change.
    found: Option<DidRoute>,
    pub before: DidRoute,
}

impl<'a> NumberBack<'a> {
    /// # Errors
    /// `invalid_argument` for pieces that no program takes back.
    pub fn of(undoing: &'a Undoing<'a>, target: &'a PieceRecord) -> Result<NumberBack<'a>> {
        let id = undoing.undone.id;
        let SetupPiece::DidRoute {
            did,
            route: made,
            to_ani_user,
        } = &target.piece
        else {
            return Err(by_hand(id, &target.piece));
        };
        let Some(before) = target.before.as_ref().and_then(DidRoute::from_stored) else {
            return Err(Error::invalid(
                "change_id",
                format!(
                    "{did} had no routing before change {id}, and removing its routing would take it out of service"
                ),
                "Set where the number goes in the portal.",
            ));
        };
        if !before.can_be_put_back() {
            return Err(Error::invalid(
                "change_id",
                format!(
                    "{did} went to {} before change {id}, and SkySwitch may not take that routing in the form in which it shows it, so it cannot be restored here",
                    before.goes_to()
                ),
                "Set where the number goes in the portal.",
            ));
        }
        Ok(NumberBack {
            undoing,
            did,
            made,
            // A setup sends numbers nowhere else.
            to_ani_user: *to_ani_user || undoing.undone.operation == ONBOARD,
            found: target.after.as_ref().and_then(DidRoute::from_stored),
            before: before.to_write(),
        })
    }

    pub async fn plan(&self) -> Result<(Option<Plan>, Found)> {
        let Undoing {
            app,
            account,
            domain,
            ..
        } = *self.undoing;
        let present = app.present_route(account, self.did).await?;
        present.refuse_under_way(&self.before)?;
        let now = present.route.as_ref();
        let is_like = |route| now.is_some_and(|now| now.is_like(route));
        let mut found = Found {
            route: now.cloned(),
            notes: present.note.iter().cloned().collect(),
            ..Found::default()
        };
        if is_like(&self.before) {
            return Ok((None, found));
        }
        if !is_like(self.made) && !self.found.as_ref().is_some_and(is_like) {
            return Err(self.changed_since(now));
        }
        // Where the old route goes to no user, what the present one is judged by is read.
        let goes_to_user = self.before.user().is_some();
        let judged = now.filter(|_| !goes_to_user).unwrap_or(&self.before);
        let ground = app.ground_of(account, domain, judged).await?;
        let may_route = ground.may_route(&self.before)?;
        found.no_undo = no_way_back(now, |now| ground.may_route(now).is_ok());
        let (at, before) = ((account, domain), self.before.clone());
        let change = app.number_change(at, self.did, &present, before, may_route);
        let change = change.from_ani_user(self.to_ani_user && is_like(self.made));
        let plan = Plan::of(account, domain, TOOL, [change]);
        let plan = plan.map(|plan| plan.with_notes(found.notes.clone()));
        Ok((plan, found))
    }

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
                self.did, self.undoing.undone.id
            ),
            format!(
                "Look at {} for a newer change to undo, or point the number in the portal.",
                Operation::ListChanges
            ),
        )
        .with_field("change_id")
    }
}

impl JudgeRoute for Undoing<'_> {
    async fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let ground = self.app.ground_of(self.account, self.domain, route);
        ground.await?.may_route(route)
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
