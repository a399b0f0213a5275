//! The row of one customer in the table of all, judged by the same steps as in
//! the checklist, from fewer readings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::ops::onboarding::alarm::AlarmKind;
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::ani_users::ani_users_among;
use crate::ops::onboarding::dial_plan::OwnPlan;
use crate::ops::onboarding::evidence::{Customer, Evidence, Unread, fallback};
use crate::ops::onboarding::stage::Stage;
use crate::ops::onboarding::status::CustomerRow;
use crate::ops::onboarding::steps::Steps;
use skyswitch_client::{Domain, Subscriber};
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Extension, PbxDomain};
use skyswitch_guard::FallbackReading;
use skyswitch_guard::store::Attestation;

/// After so many dial plans that are not shown, and none that is, no other is asked for.
const CLOSED: usize = 20;

/// What is known before the customers are read one by one.
pub(super) struct StatusReader<'a> {
    pub app: &'a App,
    pub account: &'a AccountId,
    /// VIP rules by domain, in lower case.
    pub vips: BTreeMap<String, usize>,
    pub attestations: Vec<Attestation>,
    /// Users that this program has pointed numbers at.
    pub routed_users: Vec<(PbxDomain, Extension)>,
    /// Whether every dial plan is read, also one that was read within the hour.
    pub fresh: bool,
    /// Why the PBX API does not take the login: asked a thousand times, it may lock it.
    pub login_refused: Option<FallbackReading>,
    /// Dial plans that were not shown: where none is, asking a thousand times
    /// would only use up the pace.
    pub plans_not_shown: AtomicUsize,
    /// Whether any was.
    pub plans_shown: AtomicBool,
}

/// A customer as read, before the steps are judged.
pub(super) struct ReadCustomer {
    row: CustomerRow,
    read: Result<(Customer, Evidence, Option<Timestamp>)>,
}

impl ReadCustomer {
    /// The row, also of a customer who could not be read. Whether it counts that
    /// a dial plan does not show the rule is only known once all were read: one
    /// that does may have been among the last.
    pub fn judged(self, absence_counts: bool) -> CustomerRow {
        let ReadCustomer { mut row, read } = self;
        let (customer, mut evidence, dial_plan_read_at) = match read {
            Ok(read) => read,
            Err(error) => {
                row.unverified = true;
                row.waits_for = format!("Could not be read: {error}");
                return row;
            }
        };
        evidence.dial_plan = evidence.dial_plan.counted(absence_counts);
        evidence.fallback = fallback(&evidence.dial_plan, &evidence.attestations);
        let steps = Steps::of(&customer, &evidence);
        let next = steps.first_unsettled();
        let is_untouched =
            evidence.ani_users.is_empty() && evidence.attestations.is_empty() && row.vips == 0;
        let alarm = evidence.alarm();
        let kind = alarm.as_ref().map(|alarm| alarm.kind);
        row.alarm = kind.is_some_and(|kind| !kind.cannot_tell());
        row.dropping = kind == Some(AlarmKind::Dropping);
        row.unverified = kind.is_some_and(AlarmKind::cannot_tell);
        (row.stage, row.waits_for) = match (next, alarm) {
            _ if is_untouched => (
                Stage::NotStarted,
                "The setup is not started: only the domain exists.".to_owned(),
            ),
            (None, _) => (Stage::Live, "Nothing is missing.".to_owned()),
            (Some(step), Some(alarm)) => (Stage::Waits(step.id), alarm.words),
            (Some(step), None) => (
                Stage::Waits(step.id),
                step.evidence.clone().unwrap_or_default(),
            ),
        };
        let numbers = evidence.numbers_on_ani_user.iter().flatten();
        row.dids = numbers.map(|did| did.as_str().to_owned()).collect();
        row.dial_plan_read_at = dial_plan_read_at.map(|moment| moment.to_string());
        row
    }
}

impl StatusReader<'_> {
    /// Reads a customer.
    pub async fn read(&self, domain: Domain) -> ReadCustomer {
        let vips = self.vips.get(&domain.name.to_lowercase()).copied();
        let row = CustomerRow {
            domain: domain.name,
            description: domain.description.map(|text| shown(&text, 200)),
            stage: Stage::Unread,
            alarm: false,
            dropping: false,
            unverified: false,
            waits_for: String::new(),
            vips: vips.unwrap_or_default(),
            dids: Vec::new(),
            dial_plan_read_at: None,
        };
        let read = self.read_customer(&row).await;
        ReadCustomer { row, read }
    }

    async fn read_customer(
        &self,
        row: &CustomerRow,
    ) -> Result<(Customer, Evidence, Option<Timestamp>)> {
        let domain = row.domain.parse();
        let customer = Customer {
            account: self.account.clone(),
            domain: domain.map_err(|refused: Refused| refused.into_error("domain"))?,
            did: None,
            extension: None,
        };
        let (evidence, read_at) = self.evidence(&customer.domain, row.vips).await?;
        Ok((customer, evidence, read_at))
    }

    /// What the steps are judged by, and when the dial plan was read where that
    /// was earlier. A read of the users or numbers that fails is an error: it
    /// neither raises nor hides an alarm.
    async fn evidence(
        &self,
        domain: &PbxDomain,
        vips: usize,
    ) -> Result<(Evidence, Option<Timestamp>)> {
        let client = self.app.client()?;
        let users = client
            .subscribers(self.account, domain, Duration::ZERO)
            .await?;
        let mut ani_users = ani_users_among(&users, domain, &self.routed_users);
        let exists = |user: &&Extension| users.iter().any(|found| user.is(&found.user));
        let numbers = match ani_users.iter().any(|user| exists(&user)) {
            true => {
                self.app
                    .numbers_on(self.account, domain, &ani_users)
                    .await?
            }
            // VIP rules that nothing hands calls to: a user of another name may.
            false if vips > 0 && self.login_refused.is_none() => {
                self.app
                    .numbers_handed_on(self.account, domain, &users, &mut ani_users, None)
                    .await?
            }
            false => Vec::new(),
        };
        let ani_user = ani_users.iter().find(exists).cloned();
        let own = OwnPlan::Of(ani_user.as_ref());
        let (dial_plan, read_at) = self.dial_plan(domain, own, &users, &ani_users).await?;
        let of_domain = |entry: &&Attestation| domain.is(&entry.domain);
        let attestations = self.attestations.iter().filter(of_domain);
        let attestations: Vec<Attestation> = attestations.cloned().collect();
        let evidence = Evidence {
            unknown: None,
            unchecked: None,
            fallback: fallback(&dial_plan, &attestations),
            users: Ok(users),
            ani_users,
            ani_user: ani_user.map(|user| AniUser::unknown(user, Unread::NotAsked)),
            dial_plan,
            attestations,
            numbers: Err(Unread::NotAsked),
            numbers_on_ani_user: Ok(numbers),
            did_route: None,
            vips: Ok(vips),
        };
        Ok((evidence, read_at))
    }

    async fn dial_plan(
        &self,
        domain: &PbxDomain,
        own: OwnPlan<'_>,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> Result<(FallbackReading, Option<Timestamp>)> {
        let not_shown = |why: &str| Ok((FallbackReading::NotShown(why.to_owned()), None));
        if ani_users.is_empty() {
            return not_shown("the dial plan is read once there is a Route by ANI user");
        }
        if !self.fresh
            && let Some((reading, read_at)) =
                self.app.recent_dial_plan(domain, users, ani_users).await?
        {
            return Ok((reading, Some(read_at)));
        }
        if let Some(refused) = &self.login_refused {
            return Ok((refused.clone(), None));
        }
        let is_closed = self.plans_not_shown.load(Ordering::Relaxed) >= CLOSED
            && !self.plans_shown.load(Ordering::Relaxed);
        if is_closed {
            return not_shown("the dial plans are not shown");
        }
        let reading = self
            .app
            .dial_plan(domain, own, Some(users), ani_users)
            .await;
        match &reading {
            FallbackReading::NotShown(_) => {
                self.plans_not_shown.fetch_add(1, Ordering::Relaxed);
            }
            FallbackReading::Failed(_) => {}
            _ => self.plans_shown.store(true, Ordering::Relaxed),
        }
        Ok((reading, None))
    }
}
