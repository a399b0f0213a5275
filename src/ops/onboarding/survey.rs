//! Looking at customers one by one, for the table of all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::ops::onboarding::alarm::Alarm;
use crate::ops::onboarding::dial_plan::KeptDialPlans;
use crate::ops::onboarding::portfolio::CustomerRow;
use crate::ops::onboarding::stage::Stage;
use skyswitch_client::{Domain, Subscriber};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Extension, PbxDomain, PhoneNumber, SetupStep};
use skyswitch_guard::store::Attestation;
use skyswitch_guard::{Fallback, FallbackReading};

/// So many dial plans that are not shown stand for all, where none was shown.
const CLOSED: usize = 20;

/// What is known before the customers are looked at one by one.
pub(super) struct Survey<'a> {
    pub app: &'a App,
    pub account: &'a AccountId,
    /// VIP rules by domain, in lower case.
    pub vips: BTreeMap<String, usize>,
    pub attestations: Vec<Attestation>,
    /// Users that this program has pointed numbers at.
    pub routed_users: Vec<(PbxDomain, Extension)>,
    pub kept_dial_plans: KeptDialPlans,
    /// Dial plans that were not shown: where none is, asking a thousand times
    /// would only use up the pace.
    pub plans_not_shown: AtomicUsize,
    /// Whether any was.
    pub plans_shown: AtomicBool,
}

impl Survey<'_> {
    /// A customer's row; one who cannot be read is told so.
    pub async fn look_at(&self, domain: Domain) -> CustomerRow {
        let mut row = CustomerRow {
            domain: domain.name.clone(),
            description: domain.description.as_deref().map(|text| shown(text, 200)),
            stage: Stage::Unread,
            alarm: false,
            dropping: false,
            waits_for: String::new(),
            vips: self
                .vips
                .get(&domain.name.to_lowercase())
                .copied()
                .unwrap_or_default(),
            dids: Vec::new(),
            dial_plan_read_at: None,
        };
        match self.facts(&domain.name).await {
            Ok(facts) => facts.tell(&mut row),
            Err(error) => row.waits_for = format!("could not be read: {error}"),
        }
        row
    }

    async fn facts(&self, name: &str) -> Result<Facts> {
        let domain: PbxDomain = name
            .parse()
            .map_err(|refused: skyswitch_domain::error::Refused| refused.into_error("domain"))?;
        let users = self
            .app
            .client()?
            .subscribers(self.account, &domain, Duration::ZERO)
            .await?;
        let mut ani_users: Vec<Extension> = users
            .iter()
            .filter(|user| user.is_ani_user())
            .filter_map(|user| user.user.parse().ok())
            .collect();
        for (home, user) in &self.routed_users {
            if *home == domain && !ani_users.contains(user) {
                ani_users.push(user.clone());
            }
        }
        let numbers = self
            .app
            .numbers_on(self.account, &domain, &ani_users)
            .await?;
        let attested = self.attestations.iter().find(|entry| {
            domain.is(&entry.domain) && entry.is_about(SetupStep::DialTranslationRule)
        });
        let kept = self.kept_dial_plans.standing(&domain, &users, &ani_users);
        let (reading, dial_plan_read_at) = match kept {
            _ if ani_users.is_empty() => {
                (FallbackReading::NotShown("not looked at".to_owned()), None)
            }
            Some((reading, read_at)) => (reading, Some(read_at)),
            None => (self.dial_plan(&domain, &users, &ani_users).await, None),
        };
        if let FallbackReading::Failed(why) = reading {
            // No alarm is raised, and none is hidden, by a read that failed.
            return Err(Error::new(
                Code::UpstreamUnavailable,
                why,
                "Try again later.",
            ));
        }
        Ok(Facts {
            has_attestation: self
                .attestations
                .iter()
                .any(|entry| domain.is(&entry.domain)),
            fallback: Fallback::of(&reading, attested),
            reading,
            has_ani_user: !ani_users.is_empty(),
            numbers,
            dial_plan_read_at,
        })
    }

    async fn dial_plan(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> FallbackReading {
        let is_closed = self.plans_not_shown.load(Ordering::Relaxed) >= CLOSED
            && !self.plans_shown.load(Ordering::Relaxed);
        if is_closed {
            return FallbackReading::NotShown("the dial plans are not shown".to_owned());
        }
        let reading = self.app.dial_plan(domain, Some(users), ani_users).await;
        match reading {
            FallbackReading::NotShown(_) => {
                self.plans_not_shown.fetch_add(1, Ordering::Relaxed);
            }
            FallbackReading::Failed(_) => {}
            _ => self.plans_shown.store(true, Ordering::Relaxed),
        }
        reading
    }
}

struct Facts {
    has_ani_user: bool,
    has_attestation: bool,
    fallback: Option<Fallback>,
    reading: FallbackReading,
    numbers: Vec<PhoneNumber>,
    /// Where an earlier reading served.
    dial_plan_read_at: Option<Timestamp>,
}

impl Facts {
    fn tell(self, row: &mut CustomerRow) {
        row.dids = self
            .numbers
            .iter()
            .map(|number| number.as_str().to_owned())
            .collect();
        row.dial_plan_read_at = self.dial_plan_read_at.map(|moment| moment.to_string());
        let untouched = !self.has_ani_user && !self.has_attestation && row.vips == 0;
        if self.fallback.is_none() && !self.numbers.is_empty() {
            let alarm = Alarm::of(&self.reading, &self.numbers);
            row.alarm = true;
            row.dropping = alarm.is_certain;
            row.stage = Stage::Waits(SetupStep::DialTranslationRule);
            row.waits_for = alarm.words;
            return;
        }
        let (stage, waits_for) = match &self.fallback {
            _ if untouched => (
                Stage::NotStarted,
                "setup not started: only the domain exists",
            ),
            None => (
                Stage::Waits(SetupStep::DialTranslationRule),
                match &self.reading {
                    FallbackReading::Missing(why) => why.as_str(),
                    _ => "the dial translation rule: neither verified nor attested",
                },
            ),
            Some(_) if !self.has_ani_user => (
                Stage::Waits(SetupStep::RouteByAniUser),
                "the Route by ANI user",
            ),
            Some(_) if self.numbers.is_empty() => (
                Stage::Waits(SetupStep::RouteDid),
                "a number that goes to the Route by ANI user",
            ),
            Some(_) if row.vips == 0 => (Stage::Waits(SetupStep::ManageVips), "VIP rules"),
            Some(_) => (Stage::Live, "nothing"),
        };
        row.stage = stage;
        row.waits_for = waits_for.to_owned();
    }
}
