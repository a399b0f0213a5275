//! The row of one customer in the table of all, judged by the same steps as in
//! the checklist, from fewer readings.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::ops::onboarding::alarm::AlarmKind;
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::ani_users::{Reaching, ani_users_among};
use crate::ops::onboarding::dial_plan::OwnPlan;
use crate::ops::onboarding::evidence::{Customer, Evidence, Unread, fallback};
use crate::ops::onboarding::forwards::Site;
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
/// Customers without VIP rules of whom it is looked in one table where their
/// numbers go, to find a Route by ANI user of another name.
const FURTHER: usize = 50;

/// What is known before the customers are read one by one.
pub(super) struct StatusReader<'a> {
    pub app: &'a App,
    pub account: &'a AccountId,
    /// VIP rules by domain, in lower case.
    pub vips: BTreeMap<String, usize>,
    /// By domain, in lower case.
    pub attestations: HashMap<String, Vec<Attestation>>,
    /// Users that this program has pointed numbers at, by domain.
    pub routed_users: HashMap<PbxDomain, Vec<(PbxDomain, Extension)>>,
    /// Whether every dial plan is read, also one that was read within the hour.
    pub fresh: bool,
    /// Why the PBX API does not take the login: asked a thousand times, it may lock it.
    pub login_refused: Option<FallbackReading>,
    /// Dial plans that were not shown: where none is, asking a thousand times
    /// would only use up the pace.
    pub plans_not_shown: AtomicUsize,
    /// Whether any was.
    pub plans_shown: AtomicBool,
    /// Customers without VIP rules of whom it was looked where their numbers go.
    pub looked_further: AtomicUsize,
    /// Those of whom it was not.
    pub not_followed: AtomicUsize,
}

fn nothing_to_read() -> FallbackReading {
    let why = "the dial plan is read once there is a Route by ANI user";
    FallbackReading::NotShown(why.to_owned())
}

/// A customer as read. Nothing is kept that was judged already: of many thousand
/// customers their users alone would fill the memory.
pub(super) enum ReadCustomer {
    Judged(CustomerRow),
    /// The dial plan does not show the rule. Whether that counts is only known once
    /// all were read: one that does may have been among the last.
    NotSeen(Box<Read>),
}

/// A customer as read, before the steps are judged.
pub(super) struct Read {
    row: CustomerRow,
    customer: Customer,
    evidence: Evidence,
    dial_plan_read_at: Option<Timestamp>,
}

impl ReadCustomer {
    /// The row.
    pub fn judged(self, absence_counts: bool) -> CustomerRow {
        match self {
            ReadCustomer::Judged(row) => row,
            ReadCustomer::NotSeen(read) => read.judged(absence_counts),
        }
    }
}

impl Read {
    fn judged(self, absence_counts: bool) -> CustomerRow {
        let Read {
            mut row,
            customer,
            mut evidence,
            dial_plan_read_at,
        } = self;
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
            (_, None) if is_untouched => (
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
    /// Reads a customer. One who cannot be read is a row of its own.
    pub async fn read(&self, domain: Domain) -> ReadCustomer {
        let vips = self.vips.get(&domain.name.to_lowercase()).copied();
        let mut row = CustomerRow {
            domain: domain.name,
            description: domain.description.map(|text| shown(&text, 200)),
            stage: Stage::Unread,
            alarm: false,
            dropping: false,
            unverified: false,
            waits_for: String::new(),
            ticket: None,
            vips: vips.unwrap_or_default(),
            dids: Vec::new(),
            dial_plan_read_at: None,
        };
        match self.read_customer(&row).await {
            Ok((customer, evidence, dial_plan_read_at)) => {
                let is_seen = !matches!(evidence.dial_plan, FallbackReading::NotSeen(_));
                let read = Read {
                    row,
                    customer,
                    evidence,
                    dial_plan_read_at,
                };
                match is_seen {
                    true => ReadCustomer::Judged(read.judged(false)),
                    false => ReadCustomer::NotSeen(Box::new(read)),
                }
            }
            Err(error) => {
                row.unverified = true;
                row.waits_for = format!("Could not be read: {error}");
                ReadCustomer::Judged(row)
            }
        }
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
        let routed = self.routed_users.get(domain);
        let routed = routed.map_or(&[][..], Vec::as_slice);
        let mut ani_users = ani_users_among(&users, domain, routed);
        let Reaching { numbers, perhaps } = self
            .numbers_reaching(domain, &users, &mut ani_users, vips)
            .await?;
        let exists = |user: &&Extension| users.iter().any(|found| user.is(&found.user));
        let ani_user = ani_users.iter().find(exists).cloned();
        let own = OwnPlan::Of(ani_user.as_ref());
        let reaches_none = ani_users.is_empty() && perhaps.is_empty();
        let (dial_plan, read_at) = match reaches_none {
            true => (nothing_to_read(), None),
            false => self.dial_plan(domain, own, &users, &ani_users).await?,
        };
        let attestations = self.attestations.get(domain.as_str());
        let attestations = attestations.cloned().unwrap_or_default();
        let fallback = fallback(&dial_plan, &attestations);
        // Read together with the dial plan; a plan of the last hour is kept only
        // where the user passed its calls on then.
        let asks_user = read_at.is_none()
            && self.login_refused.is_none()
            && !numbers.is_empty()
            && (fallback.is_none() || !self.is_closed());
        let ani_user = match ani_user {
            Some(user) if asks_user => Some(self.app.forwarding_of(domain, &user).await),
            user => user.map(|user| AniUser::unknown(user, Unread::NotAsked)),
        };
        let site = Site {
            account: self.account,
            domain,
            users: &users,
            known: &ani_users,
        };
        let leads_elsewhere = self.app.only_user_leads_elsewhere(site, ani_user.as_ref());
        let leads_elsewhere = leads_elsewhere.await?;
        let evidence = Evidence {
            unknown: None,
            unchecked: None,
            fallback,
            users: Ok(users),
            ani_users,
            ani_user,
            dial_plan,
            attestations,
            numbers: Err(Unread::NotAsked),
            numbers_on_ani_user: Ok(numbers),
            numbers_perhaps: perhaps,
            leads_elsewhere,
            did_route: None,
            vips: Ok(vips),
        };
        Ok((evidence, read_at))
    }

    /// The numbers that come to the VIP list. Where none goes to a known Route by
    /// ANI user, a user of another name may hand calls on.
    async fn numbers_reaching(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        ani_users: &mut Vec<Extension>,
        vips: usize,
    ) -> Result<Reaching> {
        let (app, account) = (self.app, self.account);
        let reaching = app.numbers_on(account, domain, ani_users).await?;
        if !reaching.numbers.is_empty() || !self.looks_further(vips)? {
            return Ok(reaching);
        }
        app.look_further(account, domain, users, ani_users, None, reaching)
            .await
    }

    /// Whether it is looked where a customer's numbers go. That takes many
    /// requests, so it is limited for customers whom no VIP rule is for.
    fn looks_further(&self, vips: usize) -> Result<bool> {
        if self.login_refused.is_some() || !self.app.client()?.has_pbx() {
            return Ok(false);
        }
        let is_unlimited = vips > 0 || self.fresh;
        let looks = is_unlimited || self.looked_further.fetch_add(1, Ordering::Relaxed) < FURTHER;
        if !looks {
            self.not_followed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(looks)
    }

    /// Whether no other dial plan is asked for.
    fn is_closed(&self) -> bool {
        self.plans_not_shown.load(Ordering::Relaxed) >= CLOSED
            && !self.plans_shown.load(Ordering::Relaxed)
    }

    async fn dial_plan(
        &self,
        domain: &PbxDomain,
        own: OwnPlan<'_>,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> Result<(FallbackReading, Option<Timestamp>)> {
        if !self.fresh
            && let Some((reading, read_at)) =
                self.app.recent_dial_plan(domain, users, ani_users).await?
        {
            return Ok((reading, Some(read_at)));
        }
        if let Some(refused) = &self.login_refused {
            return Ok((refused.clone(), None));
        }
        if self.is_closed() {
            let why = "the dial plans are not shown".to_owned();
            return Ok((FallbackReading::Refused(why), None));
        }
        let reading = self
            .app
            .dial_plan(domain, own, Some(users), ani_users)
            .await;
        match &reading {
            FallbackReading::Refused(_) | FallbackReading::NotShown(_) => {
                self.plans_not_shown.fetch_add(1, Ordering::Relaxed);
            }
            FallbackReading::Failed(_) => {}
            _ => self.plans_shown.store(true, Ordering::Relaxed),
        }
        Ok((reading, None))
    }
}
