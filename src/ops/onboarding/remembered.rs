//! What is remembered of a customer's setup: where callers who are not VIPs shall
//! go, and the support ticket, which only the person who has sent it records.

use futures_util::future::OptionFuture;
use serde::Serialize;

use crate::app::App;
use crate::ops::onboarding::checklist::{SetupChecklist, setup_checklist};
use crate::ops::onboarding::plan_number::not_of_domain;
use crate::ops::onboarding::steps::{Step, StepState};
use crate::ops::onboarding::ticket::Ticket;
use crate::ops::vips::people::{People, Taken};
use crate::ops::write::journal::now;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{
    AccountId, Argument, CustomerKey, Destination, DestinationKey, PbxDomain, PhoneNumber,
    SetupStep,
};
use skyswitch_guard::Author;
use skyswitch_guard::store::SetupMemory;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// Of whom the ticket is, and whether it was sent.
#[derive(Debug, Clone, clap::Args)]
pub struct TicketArgs {
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// The customer's own phone number (DID) that callers dial, e.g. `6165550100`
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Where callers who are not VIPs go, e.g. `100`; the one that was given before when left out
    #[arg(long)]
    pub fallback_destination: Option<DestinationKey>,
    /// You have sent it: the number that SkySwitch gave it, e.g. `482913`
    #[arg(long, value_name = "NUMBER")]
    pub sent: Option<String>,
}

/// The support ticket of a customer.
#[derive(Debug, Clone, Serialize)]
pub struct TicketOutcome {
    /// The domain.
    pub domain: String,
    /// The ticket, as long as the dial translation rule is neither verified nor attested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// That it was sent, and for how long it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// Whose name the fallback destination was: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
}

/// Writes the support ticket of a customer, or records that a person has sent it.
///
/// # Errors
/// `confirmation_invalid` where no person gives the command; `not_found` for an
/// unknown customer; `invalid_argument` for what is no number of a ticket, and for
/// a phone number that is not the customer's; those of [`setup_checklist`].
pub async fn ticket(app: &App, args: &TicketArgs) -> Result<TicketOutcome> {
    if app.author() != Author::Person {
        return Err(Error::new(
            Code::ConfirmationInvalid,
            "only the person who has sent a ticket records it",
            format!("The person runs {} in a terminal.", command_line("ticket")),
        ));
    }
    let account = app.account(None)?;
    let domain = app.domain_to_change(&account, &args.domain).await?;
    let number = args.sent.as_deref().map(ticket_number).transpose()?;
    let (unknown, numbers) = tokio::join!(
        app.refuse_unknown(&account, &domain),
        OptionFuture::from(
            args.did
                .as_ref()
                .map(|did| app.refuse_number_of_others(&account, &domain, did))
        ),
    );
    let mut warnings = Vec::from_iter(unknown?);
    warnings.extend(numbers.transpose()?.flatten());
    let wanted = SetupChecklist {
        domain: args.domain.clone(),
        account_id: Some(account.clone()),
        did: args.did.clone(),
        fallback_destination: args.fallback_destination.clone(),
    };
    let checklist = setup_checklist(app, &wanted).await?;
    let is_waiting = checklist.support_ticket.is_some();
    if let Some(number) = number.filter(|_| is_waiting) {
        app.remember_ticket(&account, &domain, number).await?;
    }
    let sent = app.remembered(&account, &domain).await;
    warnings.extend(checklist.warnings);
    Ok(TicketOutcome {
        domain: checklist.domain,
        sent: waits(sent.as_ref(), now()).filter(|_| is_waiting),
        ticket: checklist.support_ticket.filter(|_| args.sent.is_none()),
        named: checklist.named,
        warnings,
    })
}

/// The number that SkySwitch gave a ticket, such as `482913` or `INC-482913`.
fn ticket_number(given: &str) -> Result<&str> {
    const LONGEST: usize = 40;
    let number = given.trim().trim_start_matches('#');
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "-_./".contains(sign);
    let is_number = number.len() <= LONGEST
        && number.chars().all(is_sign)
        && number.contains(|sign: char| sign.is_ascii_digit());
    match is_number {
        true => Ok(number),
        false => Err(Error::invalid(
            "sent",
            format!(
                "\"{}\" is not the number of a ticket, so nothing was recorded",
                shown(given, 60)
            ),
            format!(
                "Give the number that SkySwitch gave it as {}, such as `482913` or `INC-482913`.",
                Argument("sent")
            ),
        )),
    }
}

impl App {
    /// What is remembered of a customer's setup. Where it cannot be read, nothing
    /// is: the setup goes on without.
    pub(in crate::ops) async fn remembered(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Option<SetupMemory> {
        let all = self.all_remembered(account).await.into_iter();
        all.into_iter().find(|memory| domain.is(&memory.domain))
    }

    /// The same of all customers.
    pub(in crate::ops) async fn all_remembered(&self, account: &AccountId) -> Vec<SetupMemory> {
        let journal = self.journal();
        let read = async {
            match journal.store().if_exists().await? {
                Some(store) => {
                    store
                        .setup_memories(journal.realm(), account.as_str())
                        .await
                }
                None => Ok(Vec::new()),
            }
        };
        let read: Result<Vec<SetupMemory>> = read.await;
        read.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is remembered of setups cannot be read");
            Vec::new()
        })
    }

    /// The fallback destination that was given, where it may be somebody's name. One
    /// that nobody is called is taken as it is written, and told of where it is judged.
    ///
    /// # Errors
    /// `invalid_argument` where several are called so.
    pub(in crate::ops) async fn fallback_named(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        given: Option<&DestinationKey>,
    ) -> Result<Option<Taken>> {
        let Some(given) = given else {
            return Ok(None);
        };
        let people = People::of(self, account, domain);
        let taken = people.take_user("fallback_destination", given);
        taken.await.map(Some)
    }

    /// The fallback destination that was given, or else the remembered one.
    pub(in crate::ops) async fn fallback_for(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        given: Option<&Destination>,
    ) -> Option<Destination> {
        if let Some(given) = given {
            return Some(given.clone());
        }
        let memory = self.remembered(account, domain).await?;
        memory.fallback?.parse().ok()
    }

    /// Remembers where callers who are not VIPs shall go.
    pub(in crate::ops) async fn remember_fallback(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        fallback: Option<&Destination>,
    ) {
        let Some(fallback) = fallback.filter(|_| !self.settings().read_only) else {
            return;
        };
        let journal = self.journal();
        let kept = async {
            let store = journal.store().get().await?;
            let (account, domain) = (account.as_str(), domain.as_str());
            store
                .remember_fallback(journal.realm(), account, domain, fallback.as_str())
                .await
        };
        let kept: Result<()> = kept.await;
        if let Err(error) = kept {
            tracing::warn!(%error, "the fallback destination could not be remembered");
        }
    }

    /// Refuses a phone number that is not the customer's; where their numbers cannot
    /// be read, a warning says so.
    async fn refuse_number_of_others(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        did: &PhoneNumber,
    ) -> Result<Option<String>> {
        let numbers = self.client()?.domain_numbers(account, domain, None).await;
        match numbers {
            Ok(numbers) if numbers.contains(did) => Ok(None),
            Ok(_) => Err(not_of_domain(did, domain)),
            Err(error) => Ok(Some(format!(
                "whether {did} is a number of {domain} could not be checked: {error}"
            ))),
        }
    }

    async fn remember_ticket(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        number: &str,
    ) -> Result<()> {
        let journal = self.journal();
        let store = journal.store().get().await?;
        let sent = (number, &*self.asked_by, now());
        store
            .remember_ticket(journal.realm(), account.as_str(), domain.as_str(), sent)
            .await
    }
}

/// `waits 3 days for SkySwitch (ticket 482913)`, where a ticket was sent.
pub(super) fn waits(memory: Option<&SetupMemory>, now: i64) -> Option<String> {
    let (number, sent_at) = memory?.ticket.as_ref()?;
    let days = usize::try_from((now - sent_at).max(0) / DAY).unwrap_or_default();
    let since = match days {
        0 => "since today".to_owned(),
        days => counted(days, "day"),
    };
    Some(format!("waits {since} for SkySwitch (ticket {number})"))
}

/// Says of the dial translation rule that SkySwitch was asked for it.
pub(super) fn tell_of_ticket(steps: &mut [Step], memory: Option<&SetupMemory>) {
    let Some(waits) = waits(memory, now()) else {
        return;
    };
    let is_waiting = |step: &&mut Step| {
        step.id == SetupStep::DialTranslationRule
            && !matches!(step.state, StepState::Done | StepState::Attested)
    };
    if let Some(step) = steps.iter_mut().find(is_waiting) {
        let shown = step
            .evidence
            .take()
            .map_or(String::new(), |shown| format!("{shown} "));
        step.evidence = Some(format!("{shown}It {waits}."));
    }
}
