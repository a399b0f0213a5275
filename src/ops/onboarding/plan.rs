//! What is missing of a customer's setup and can be made through the APIs.

use serde_json::Value;

use crate::app::App;
use crate::ops::onboarding::OnboardSteps;
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::dial_plan::rings_nobody;
use crate::ops::onboarding::evidence::{Customer, Evidence};
use crate::ops::onboarding::steps::NAMED;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{Argument, Destination, Extension, Operation, PhoneNumber, SetupPiece};
use skyswitch_guard::{FallbackReading, PieceChange};

/// The operation's name in the journal.
pub(in crate::ops) const TOOL: &str = "onboard_domain";

/// What onboarding is to come to.
pub(super) struct Wanted {
    pub customer: Customer,
    pub fallback: Option<Destination>,
    /// Whose name that was.
    pub named: Option<String>,
    /// Free text for a domain that is created.
    pub description: Option<String>,
    pub steps: OnboardSteps,
}

/// The changes to make now, and what prevents others.
pub(super) struct Missing {
    pub changes: Vec<PieceChange>,
    pub notes: Vec<String>,
}

impl App {
    /// Plans what is missing: everything up to the number in one plan, and the
    /// number in one of its own once everything before it is known to exist.
    ///
    /// # Errors
    /// `invalid_argument` where what was asked for cannot be; the service's errors.
    pub(super) async fn missing(&self, wanted: &Wanted, evidence: &Evidence) -> Result<Missing> {
        let mut planner = Planner {
            app: self,
            wanted,
            evidence,
            has_pbx: self.client()?.pbx().is_ok(),
            changes: Vec::new(),
            notes: Vec::new(),
        };
        planner.refuse_foreign_did()?;
        planner.domain().await?;
        planner.fallback_rule().await?;
        planner.ani_user()?;
        if planner.changes.is_empty() {
            planner.did()?;
        } else {
            planner.did_waits();
        }
        let Planner {
            mut changes, notes, ..
        } = planner;
        if wanted.steps == OnboardSteps::Next {
            let first = changes.first().map(|change| change.piece().step());
            changes.retain(|change| Some(change.piece().step()) == first);
        }
        Ok(Missing { changes, notes })
    }
}

pub(super) struct Planner<'a> {
    pub app: &'a App,
    pub wanted: &'a Wanted,
    pub evidence: &'a Evidence,
    has_pbx: bool,
    pub changes: Vec<PieceChange>,
    pub notes: Vec<String>,
}

impl Planner<'_> {
    /// The domain itself, and with the PBX API's first generation its parts.
    async fn domain(&mut self) -> Result<()> {
        let settings = self.app.settings();
        let domain = &self.wanted.customer.domain;
        // Only a domain of our own making is mended: others have their dial plans from elsewhere.
        if self.evidence.domain_exists()
            && !(settings.allow_domain_creation && self.has_pbx && self.is_our_own().await?)
        {
            return Ok(());
        }
        if !settings.allow_domain_creation {
            self.notes.push(
                "the domain is created by hand: creating domains is off here (`allow_domain_creation`), because a name \
                 can never be used again"
                    .to_owned(),
            );
            return Ok(());
        }
        if !self.has_pbx {
            self.notes.push(
                "the domain is created by hand in the portal: the PBX API is not configured"
                    .to_owned(),
            );
            return Ok(());
        }
        if let Some(unknown) = &self.evidence.unknown {
            self.notes.extend(unknown.may_be_another());
        }
        if domain.reseller().is_none() {
            return Err(Error::invalid(
                "domain",
                format!("`{domain}` does not say which reseller it belongs to"),
                "A domain that is created is called NAME.RESELLER.service, for example `acme.12345.service`.",
            ));
        }
        let name = domain.as_str().split('.').next().unwrap_or_default();
        if !self.evidence.domain_exists() && !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::invalid(
                "domain",
                format!("`{name}` cannot be the name of a new domain"),
                "Give letters and digits only before the first dot.",
            ));
        }
        // A domain whose creation broke off half-way lacks some of these; each is looked for.
        let mut parts = Vec::new();
        for piece in [
            SetupPiece::PbxDomain {
                description: self.wanted.description.clone(),
            },
            SetupPiece::DialPlan,
            SetupPiece::DefaultChain,
            SetupPiece::DomainUser,
        ] {
            let is_domain = matches!(piece, SetupPiece::PbxDomain { .. });
            if !self.app.client()?.makes(&piece) || (is_domain && self.evidence.domain_exists()) {
                continue;
            }
            let found = self
                .app
                .client()?
                .piece_now(&self.wanted.customer.account, domain, &piece)
                .await;
            match found {
                Ok(found) if found.as_wanted => {}
                Ok(found) => parts.push((piece, found.now)),
                // The dial plan may be closed to this login; what exists is left alone then.
                Err(_) if self.evidence.domain_exists() => return Ok(()),
                Err(error) => {
                    self.notes.push(format!(
                        "the domain is created by hand in the portal: this PBX login could make only a part of it ({error})"
                    ));
                    return Ok(());
                }
            }
        }
        parts
            .into_iter()
            .try_for_each(|(piece, before)| self.add(piece, before))
    }

    /// Whether this installation has created the domain.
    async fn is_our_own(&self) -> Result<bool> {
        let journal = self.app.journal();
        if !journal.store().exists() {
            return Ok(false);
        }
        let Customer {
            account, domain, ..
        } = &self.wanted.customer;
        let store = journal.store().get().await?;
        store
            .has_created(journal.realm(), account.as_str(), domain.as_str())
            .await
    }

    /// The dial translation rule, where the operator lets this program make it.
    async fn fallback_rule(&mut self) -> Result<()> {
        let doubt = self.wanted.fallback.as_ref().and_then(|fallback| {
            let domain = &self.wanted.customer.domain;
            self.evidence.doubt_of(domain, fallback)
        });
        let (FallbackReading::Missing(_) | FallbackReading::NotSeen(_)) = &self.evidence.dial_plan
        else {
            self.notes.extend(doubt);
            return Ok(());
        };
        if !self.evidence.domain_exists() || self.evidence.fallback.is_some() {
            return Ok(());
        }
        if !self.app.settings().allow_dial_plan_changes {
            self.notes.push(
                "creating the dial translation rule is off here (`allow_dial_plan_changes`)"
                    .to_owned(),
            );
            self.notes.extend(doubt);
            return Ok(());
        }
        let Some(fallback) = &self.wanted.fallback else {
            self.notes.push(format!(
                "give {} to create the dial translation rule: it says where calls from callers who are not VIPs go",
                Argument("fallback_destination")
            ));
            return Ok(());
        };
        let to = self.fallback_user(fallback)?;
        if !self.evidence.has_user(to.as_str()) {
            self.notes.push(format!(
                "the dial translation rule waits: user {to} does not exist in {} ({} shows those that do)",
                self.wanted.customer.domain,
                Operation::ListDestinations
            ));
            return Ok(());
        }
        let users = self.evidence.users.as_ref();
        let users = users.map_or(&[][..], |users| users.as_slice());
        if let Some(why) = rings_nobody(to.as_str(), users, &self.evidence.ani_users) {
            return Err(Error::invalid(
                "fallback_destination",
                format!("callers who are not VIPs would be sent to {to}, {why}"),
                "Give the user, queue or attendant that answers callers who are not VIPs.",
            ));
        }
        let is_queue = users
            .iter()
            .any(|user| to.is(&user.user) && user.is_queue());
        let piece = SetupPiece::FallbackRule { to, is_queue };
        let found = self
            .app
            .client()?
            .piece_now(
                &self.wanted.customer.account,
                &self.wanted.customer.domain,
                &piece,
            )
            .await?;
        if found.now.is_some() {
            self.notes.push(
                "a dial translation rule exists that sends callers to nobody; SkySwitch support or the portal corrects it: \
                 this program never changes or deletes an existing dial translation rule"
                    .to_owned(),
            );
            return Ok(());
        }
        self.add(piece, None)
    }

    /// The user of this domain that a fallback destination names.
    fn fallback_user(&self, fallback: &Destination) -> Result<Extension> {
        let bare = fallback.bare();
        let (user, host) = bare.split_once('@').unwrap_or((bare, ""));
        if !host.is_empty() && !self.wanted.customer.domain.is(host) {
            return Err(Error::invalid(
                "fallback_destination",
                format!("`{bare}` is in another domain"),
                "Give a user of the customer's own domain, such as `100`.",
            ));
        }
        user.parse()
            .map_err(|refused: skyswitch_domain::error::Refused| {
                refused.into_error("fallback_destination")
            })
    }

    /// The user and its answering rule.
    fn ani_user(&mut self) -> Result<()> {
        if !self.has_pbx {
            if self.evidence.domain_exists() && self.evidence.ani_user.is_none() {
                self.notes.push(
                    "the Route by ANI user is created by hand in the portal: the PBX API is not configured".to_owned(),
                );
            }
            return Ok(());
        }
        let will_exist = self.evidence.domain_exists()
            || self
                .changes
                .iter()
                .any(|change| matches!(change.piece(), SetupPiece::PbxDomain { .. }));
        if !will_exist {
            return Ok(());
        }
        match &self.evidence.ani_user {
            None => {
                let named = self.wanted.customer.extension.clone();
                let extension = named.unwrap_or_else(Extension::route_by_ani);
                self.add(
                    SetupPiece::AniUser {
                        extension: extension.clone(),
                    },
                    None,
                )?;
                self.add(SetupPiece::ForwardAlways { extension }, None)
            }
            Some(user) => self.forward_always(user),
        }
    }

    fn forward_always(&mut self, user: &AniUser) -> Result<()> {
        let forwards = user
            .rule_for_all_times()
            .is_some_and(skyswitch_client::AnsweringRule::forwards_to_route_by_ani);
        for problem in user.problems() {
            if !problem.is_solved_by_forwarding() {
                self.notes.push(format!(
                    "user {}: {problem}; correct that in the portal",
                    user.extension
                ));
            }
        }
        if user.rules.is_err() || forwards {
            return Ok(());
        }
        if let Some(waits) = self.numbers_would_be_dropped(&user.extension)? {
            self.notes.push(waits);
            return Ok(());
        }
        let before = user
            .rule_for_all_times()
            .and_then(|rule| serde_json::to_value(rule).ok());
        self.add(
            SetupPiece::ForwardAlways {
                extension: user.extension.clone(),
            },
            before,
        )
    }

    /// Why the user must not hand on its calls yet: like a number that is pointed
    /// at a Route by ANI user, one that goes to this user already would lose its
    /// callers without the dial translation rule.
    ///
    /// # Errors
    /// `blocked` where the operator protects such a number.
    fn numbers_would_be_dropped(&self, user: &Extension) -> Result<Option<String>> {
        let limits = &self.app.settings().limits;
        let perhaps = self.evidence.numbers_perhaps.iter();
        let perhaps = perhaps.map(|perhaps| &perhaps.number);
        let sure = self.evidence.numbers_on_ani_user.iter().flatten();
        let numbers: Vec<&PhoneNumber> = sure.chain(perhaps).collect();
        for number in &numbers {
            limits.refuse_protected_did(number)?;
        }
        if self.evidence.fallback.is_some() {
            return Ok(None);
        }
        Ok(match &self.evidence.numbers_on_ani_user {
            Ok(_) if numbers.is_empty() => None,
            Ok(_) => Some(format!(
                "the answering rule of user {user} waits: {} go there already, and callers who are not VIPs would be \
                 dropped before the dial translation rule is verified or attested. Send them elsewhere first with {}",
                first_few(NAMED, numbers),
                Operation::RouteNumber
            )),
            Err(why) => Some(format!(
                "the answering rule of user {user} waits until the dial translation rule is verified or attested: which \
                 numbers go there is not known ({why})"
            )),
        })
    }

    fn add(&mut self, piece: SetupPiece, before: Option<Value>) -> Result<()> {
        self.changes.push(PieceChange::make(piece, before)?);
        Ok(())
    }
}
