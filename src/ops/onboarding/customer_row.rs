//! The row of one customer in the table of all, judged by the same steps as in
//! the checklist, from fewer readings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::ops::onboarding::ani_user::{AniUser, ani_users_among};
use crate::ops::onboarding::evidence::{Customer, Evidence, Unread, fallback};
use crate::ops::onboarding::stage::Stage;
use crate::ops::onboarding::status::CustomerRow;
use crate::ops::onboarding::steps::Steps;
use skyswitch_client::{Domain, Subscriber};
use skyswitch_domain::error::{Code, Error, Refused, Result};
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
    /// Dial plans that were not shown: where none is, asking a thousand times
    /// would only use up the pace.
    pub plans_not_shown: AtomicUsize,
    /// Whether any was.
    pub plans_shown: AtomicBool,
}

impl StatusReader<'_> {
    /// A customer's row, also of one who cannot be read.
    pub async fn row(&self, domain: Domain) -> CustomerRow {
        let vips = self.vips.get(&domain.name.to_lowercase()).copied();
        let mut row = CustomerRow {
            domain: domain.name,
            description: domain.description.map(|text| shown(&text, 200)),
            stage: Stage::Unread,
            alarm: false,
            dropping: false,
            waits_for: String::new(),
            vips: vips.unwrap_or_default(),
            dids: Vec::new(),
            dial_plan_read_at: None,
        };
        if let Err(error) = self.judge(&mut row).await {
            row.waits_for = format!("Could not be read: {error}");
        }
        row
    }

    async fn judge(&self, row: &mut CustomerRow) -> Result<()> {
        let domain = row.domain.parse();
        let customer = Customer {
            account: self.account.clone(),
            domain: domain.map_err(|refused: Refused| refused.into_error("domain"))?,
            did: None,
            extension: None,
        };
        let (evidence, dial_plan_read_at) = self.evidence(&customer.domain, row.vips).await?;
        let steps = Steps::of(&customer, &evidence);
        let next = steps.first_unsettled();
        let is_untouched =
            evidence.ani_users.is_empty() && evidence.attestations.is_empty() && row.vips == 0;
        let alarm = evidence.alarm();
        row.alarm = alarm.is_some();
        row.dropping = alarm.as_ref().is_some_and(|alarm| alarm.is_certain);
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
        Ok(())
    }

    /// What the steps are judged by, and when the dial plan was read where that
    /// was earlier. A read that fails is an error: it neither raises nor hides an alarm.
    async fn evidence(
        &self,
        domain: &PbxDomain,
        vips: usize,
    ) -> Result<(Evidence, Option<Timestamp>)> {
        let client = self.app.client()?;
        let users = client
            .subscribers(self.account, domain, Duration::ZERO)
            .await?;
        let ani_users = ani_users_among(&users, domain, &self.routed_users);
        let exists = |user: &&Extension| users.iter().any(|found| user.is(&found.user));
        let ani_user = ani_users.iter().find(exists).cloned();
        let numbers = self
            .app
            .numbers_on(self.account, domain, &ani_users)
            .await?;
        let (dial_plan, read_at) = self.dial_plan(domain, &users, &ani_users).await?;
        let of_domain = |entry: &&Attestation| domain.is(&entry.domain);
        let attestations = self.attestations.iter().filter(of_domain);
        let attestations: Vec<Attestation> = attestations.cloned().collect();
        let evidence = Evidence {
            unknown: None,
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
        let is_closed = self.plans_not_shown.load(Ordering::Relaxed) >= CLOSED
            && !self.plans_shown.load(Ordering::Relaxed);
        if is_closed {
            return not_shown("the dial plans are not shown");
        }
        let reading = self.app.dial_plan(domain, Some(users), ani_users).await;
        match &reading {
            FallbackReading::NotShown(_) => {
                self.plans_not_shown.fetch_add(1, Ordering::Relaxed);
            }
            FallbackReading::Failed(why) => {
                return Err(Error::new(
                    Code::UpstreamUnavailable,
                    why,
                    "Try again later.",
                ));
            }
            _ => self.plans_shown.store(true, Ordering::Relaxed),
        }
        Ok((reading, None))
    }
}
