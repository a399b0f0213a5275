//! What sending a number to a user changes, and whether it may.

use crate::app::App;
use crate::ops::onboarding::ani_users::goes_to_any;
use crate::ops::onboarding::dial_plan::DOMAIN_USER;
use crate::ops::onboarding::evidence::{Customer, Evidence, Unread};
use crate::ops::onboarding::forwards::{Behind, Site};
use crate::ops::onboarding::plan_number::{no_way_back, not_of_domain, refuse_foreign};
use crate::ops::vips::destinations::nearest_users;
use crate::ops::write::agree::Facts;
use crate::ops::write::send::JudgeRoute;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{DidRoute, Extension, Operation, PbxDomain, PhoneNumber, RouteTarget};
use skyswitch_guard::{MayRoute, Plan};

/// The operation's name in the journal.
const TOOL: &str = "route_number";

/// A number that is to go to a user, queue or attendant.
pub(super) struct Sending<'a> {
    pub app: &'a App,
    pub customer: &'a Customer,
    pub did: &'a PhoneNumber,
    pub to: &'a Extension,
}

/// Where the number goes and shall go, and what is to be said of it.
pub(super) struct Found {
    pub before: Option<DidRoute>,
    pub after: DidRoute,
    pub notes: Vec<String>,
    pub no_undo: Option<String>,
}

impl Facts for Found {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.notes
    }
}

impl Sending<'_> {
    pub async fn plan(&self) -> Result<(Option<Plan>, Found)> {
        let (account, domain) = self.customer.at();
        let did = self.did;
        let evidence = self.app.evidence(self.customer).await?;
        self.refuse_unknown(&evidence)?;
        let present = match &evidence.did_route {
            Some(Ok(present)) => present,
            Some(Err(why)) => return Err(not_read(did, why)),
            None => return Err(not_read(did, &Unread::NotAsked)),
        };
        let before = present.route.as_ref();
        refuse_foreign(did, before, domain)?;
        let after = DidRoute::to(self.target(&evidence), self.to, domain, before);
        present.refuse_under_way(&after)?;
        let mut notes: Vec<String> = evidence.notes().collect();
        if let Err(why) = &evidence.numbers {
            let unknown = format!("whether {did} is a number of {domain} is not shown ({why})");
            notes.push(unknown);
        }
        let mut found = Found {
            before: before.cloned(),
            after: after.clone(),
            notes,
            no_undo: None,
        };
        let was_on_list = goes_to_ani_user(&evidence, domain);
        if before.is_some_and(|before| before.is_like(&after)) {
            let alarm = was_on_list.then(|| evidence.alarm_on(std::slice::from_ref(did), &[]));
            let alarm = alarm.flatten().map(|alarm| alarm.words);
            found.notes.extend(alarm);
            return Ok((None, found));
        }
        let (ani_users, note) = self.ani_users(&evidence).await?;
        found.notes.extend(note);
        found.notes.extend(self.to_nobody());
        let to_ani_user = goes_to_any(&after, &ani_users, domain);
        let may_route = self.judge(&evidence, &after, &ani_users)?;
        if was_on_list && !to_ani_user {
            let customer = self.app.names(Some(account)).customer(domain.as_str());
            found.notes.push(format!(
                "the VIP list of {customer} no longer applies to calls to {did}"
            ));
        }
        let fallback = evidence.fallback.as_ref();
        found.no_undo = no_way_back(before, |before| {
            let known = evidence.known_ani_users();
            MayRoute::judge(before, domain, known, fallback).is_ok()
        });
        let app = self.app;
        let change = app.number_change((account, domain), did, present, after, may_route);
        let change = change.to_ani_user(to_ani_user).from_ani_user(was_on_list);
        let plan = Plan::of(account, domain, TOOL, [change]);
        let plan = plan.map(|plan| plan.with_notes(found.notes.clone()));
        Ok((plan, found))
    }

    /// What the destination is, by the list of users; one that is not shown is
    /// taken for a user.
    fn target(&self, evidence: &Evidence) -> RouteTarget {
        let users = evidence.users.iter().flat_map(|users| users.iter());
        let mut it = users.filter(|user| self.to.is(&user.user));
        match it.next() {
            Some(user) if user.is_queue() => RouteTarget::Queue,
            Some(user) if user.is_attendant() => RouteTarget::Attendant,
            _ => RouteTarget::User,
        }
    }

    fn refuse_unknown(&self, evidence: &Evidence) -> Result<()> {
        let Customer { domain, .. } = self.customer;
        if let Some(unknown) = &evidence.unknown {
            return Err(unknown.clone().into());
        }
        if let Ok(numbers) = &evidence.numbers
            && !numbers.contains(self.did)
        {
            return Err(not_of_domain(self.did, domain));
        }
        if let Ok(users) = &evidence.users
            && !evidence.has_user(self.to.as_str())
        {
            let near = nearest_users(users, self.to.as_str()).join(", ");
            return Err(Error::invalid(
                "to",
                format!("{} does not exist in {domain}", self.to),
                match near.is_empty() {
                    true => format!("{} shows those that do.", Operation::ListDestinations),
                    false => format!("Nearest: {near}."),
                },
            ));
        }
        Ok(())
    }

    /// The Route by ANI users, among them the one that the number shall go to,
    /// whatever its name, where its answering rule shows it to hand calls on.
    /// Where that cannot be read, only a number that goes to a Route by ANI user
    /// now is sent there: it must get away, whatever cannot be read.
    ///
    /// A note says where it hands on some calls only.
    async fn ani_users(&self, evidence: &Evidence) -> Result<(Vec<Extension>, Option<String>)> {
        let (account, domain) = self.customer.at();
        let mut ani_users = evidence.ani_users.clone();
        let mut note = None;
        let site = Site {
            account,
            domain,
            users: evidence.users.as_deref().map_or(&[][..], Vec::as_slice),
            known: &evidence.ani_users,
        };
        // Queues and attendants are users, too, and may forward their calls.
        match self.app.ani_user_behind(site, self.to).await {
            Ok(Some(Behind { only: None, .. })) => ani_users.push(self.to.clone()),
            Ok(Some(Behind {
                only: Some(which), ..
            })) => {
                let rule = match evidence.fallback {
                    Some(_) => "",
                    None => {
                        ", and nobody has verified or attested the dial translation rule for those who are not on it"
                    }
                };
                note = Some(format!(
                    "some calls to {} come to the VIP list: {which}{rule}",
                    self.to
                ));
            }
            Err(why) if evidence.fallback.is_none() && !goes_to_ani_user(evidence, domain) => {
                return Err(Error::new(
                    Code::UpstreamUnavailable,
                    format!(
                        "whether user {} hands its calls to the VIP list cannot be read ({why}), and no dial translation \
                         rule is known for callers who are not on it; nothing was changed",
                        self.to
                    ),
                    "Try again once the PBX API answers, or point the number in the portal.",
                )
                .with_field("to"));
            }
            _ => {}
        }
        Ok((ani_users, note))
    }

    /// A warning of a user where nobody answers.
    fn to_nobody(&self) -> Option<String> {
        self.to.is(DOMAIN_USER).then(|| {
            format!(
                "user {} holds the domain's defaults, and nobody answers there: calls to {} would reach nobody",
                self.to, self.did
            )
        })
    }

    fn judge(
        &self,
        evidence: &Evidence,
        route: &DidRoute,
        ani_users: &[Extension],
    ) -> Result<MayRoute> {
        // Where the users are not shown, any may be one.
        let known = evidence.users.as_ref().ok().map(|_| ani_users);
        let domain = &self.customer.domain;
        MayRoute::judge(route, domain, known, evidence.fallback.as_ref())
    }
}

/// Whether the number goes to a Route by ANI user now.
fn goes_to_ani_user(evidence: &Evidence, domain: &PbxDomain) -> bool {
    let now = evidence.did_goes_to();
    now.is_some_and(|now| goes_to_any(now, &evidence.ani_users, domain))
}

/// What it would replace has to be known, so that it can be put back.
fn not_read(did: &PhoneNumber, why: &Unread) -> Error {
    Error::new(
        Code::UpstreamRejected,
        format!("where {did} goes cannot be read ({why}), so it could not be put back"),
        "Nothing was changed. Point the number in the portal.",
    )
    .with_field("did")
}

impl JudgeRoute for Sending<'_> {
    async fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let evidence = self.app.evidence(self.customer).await?;
        let (ani_users, _) = self.ani_users(&evidence).await?;
        self.judge(&evidence, route, &ani_users)
    }
}
