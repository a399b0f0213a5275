//! Pointing the customer's number at the Route by ANI user, the last step of a setup.

use crate::app::App;
use crate::ops::onboarding::StepState;
use crate::ops::onboarding::plan::Planner;
use crate::ops::onboarding::steps::Steps;
use crate::ops::write::present_route::PresentRoute;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Argument, DidRoute, Operation, PbxDomain, PhoneNumber, RouteTarget, SetupStep,
};
use skyswitch_guard::{MayRoute, PieceChange, RoutingNames};

impl Planner<'_> {
    /// Refuses a number that is not the customer's before anything is planned
    /// for it.
    pub fn refuse_foreign_did(&self) -> Result<()> {
        let customer = &self.wanted.customer;
        let (Some(did), Ok(numbers)) = (&customer.did, &self.evidence.numbers) else {
            return Ok(());
        };
        let is_routed = || {
            let steps = Steps::of(customer, self.evidence);
            steps.state(SetupStep::RouteDid) == StepState::Done
        };
        if numbers.contains(did) || is_routed() {
            return Ok(());
        }
        Err(not_of_domain(did, &customer.domain))
    }

    /// The number, once everything before it is known to exist.
    pub fn did(&mut self) -> Result<()> {
        let customer = &self.wanted.customer;
        let evidence = self.evidence;
        let steps = Steps::of(customer, evidence);
        let Some(did) = &customer.did else {
            if steps.state(SetupStep::RouteDid) != StepState::Done {
                self.notes.push(format!(
                    "give {} to point the number at the Route by ANI user",
                    Argument("did")
                ));
            }
            return Ok(());
        };
        if steps.state(SetupStep::RouteDid) == StepState::Done {
            return Ok(());
        }
        let earlier = [
            SetupStep::CreateDomain,
            SetupStep::DialTranslationRule,
            SetupStep::RouteByAniUser,
        ];
        let waits_for = earlier
            .into_iter()
            .find(|step| !steps.state(*step).is_settled());
        if let Some(step) = waits_for {
            self.notes.push(format!(
                "{did} is not touched before `{}` is verified or attested",
                step.as_str()
            ));
            return Ok(());
        }
        if let Err(why) = &evidence.numbers {
            self.notes.push(format!(
                "{did} is not touched: whether it is a number of {} is not shown ({why})",
                customer.domain
            ));
            return Ok(());
        }
        let present = match &evidence.did_route {
            Some(Ok(present)) => present,
            Some(Err(why)) => {
                self.notes.push(format!(
                    "the routing of {did} has to be changed in the portal: its present routing cannot be read ({why})"
                ));
                return Ok(());
            }
            None => return Ok(()),
        };
        let before = present.route.as_ref();
        refuse_foreign(did, before, &customer.domain)?;
        let Some(user) = &evidence.ani_user else {
            return Ok(());
        };
        let (to, domain) = (&user.extension, &customer.domain);
        let after = DidRoute::to(RouteTarget::User, to, domain, before);
        present.refuse_under_way(&after)?;
        let may_route = MayRoute::judge(
            &after,
            &customer.domain,
            evidence.known_ani_users(),
            evidence.fallback.as_ref(),
        )?;
        let app = self.app;
        let change = app.number_change(customer.at(), did, present, after, may_route);
        self.changes.push(change);
        Ok(())
    }

    /// Said where other changes come first.
    pub fn did_waits(&mut self) {
        if let Some(did) = &self.wanted.customer.did {
            self.notes.push(format!(
                "{did} is not routed yet: use {} again once these changes are verified",
                Operation::Onboard
            ));
        }
    }
}

impl App {
    /// The change that sends a number elsewhere, in the names that people know.
    pub(in crate::ops) fn number_change(
        &self,
        (account, domain): (&AccountId, &PbxDomain),
        did: &PhoneNumber,
        present: &PresentRoute,
        after: DidRoute,
        may_route: MayRoute,
    ) -> PieceChange {
        let names = self.names(Some(account));
        let before = present.route.as_ref();
        let names = RoutingNames {
            today: before.map(|route| names.routing(route, Some(domain))),
            afterwards: names.routing(&after, Some(domain)),
        };
        PieceChange::route_did(did.clone(), before, after, may_route)
            .read_late_as(present.late.clone())
            .named(names)
    }
}

/// Why a number that was sent elsewhere could not be put back where it was, if
/// so; `may_go_back` says whether the hard block lets it.
pub(in crate::ops) fn no_way_back(
    before: Option<&DidRoute>,
    may_go_back: impl FnOnce(&DidRoute) -> bool,
) -> Option<String> {
    let why = match before {
        None => "it went nowhere",
        Some(before) if !before.can_be_put_back() => {
            "SkySwitch may not take its old routing in the form in which it shows it"
        }
        Some(before) if !may_go_back(before) => {
            "it went to a Route by ANI user, and nobody has verified or attested the dial translation rule"
        }
        Some(_) => return None,
    };
    Some(why.to_owned())
}

pub(in crate::ops) fn not_of_domain(did: &PhoneNumber, domain: &PbxDomain) -> Error {
    Error::invalid(
        "did",
        format!("{did} is not among the numbers of {domain}"),
        "Assign the number to the domain in the portal first, or give one of the domain's own.",
    )
}

/// Refuses a number that goes to a user of another domain today.
pub(in crate::ops) fn refuse_foreign(
    did: &PhoneNumber,
    before: Option<&DidRoute>,
    domain: &PbxDomain,
) -> Result<()> {
    let goes_to = before.and_then(DidRoute::user).map(|(_, host)| host);
    match goes_to.filter(|host| !domain.is(host)) {
        None => Ok(()),
        Some(host) => Err(Error::invalid(
            "did",
            format!(
                "{did} goes to a user of another domain today ({})",
                shown(host, 100)
            ),
            "Check whose number it is; point it back into its own domain in the portal first.",
        )),
    }
}
