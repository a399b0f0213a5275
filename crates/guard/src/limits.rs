//! What the operator puts out of reach: protected callers, other domains and
//! accounts, too many changes. Only the operator sets these.

use serde::Deserialize;

use crate::Doubt;
use crate::store::{Counted, TimeSpan};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::operator_can;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Ani, CallerKey, PbxDomain, PhoneNumber, Route};

/// The window of `max_changes_per_hour`, in milliseconds.
const HOUR: i64 = 3_600_000;

/// Who asks for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A model or another program. Nobody may have looked at what it asks for.
    Program,
    /// A person, who gave the command themselves.
    Person,
}

/// What becomes of a new rule that a tool asks for and whose destination looks
/// wrong (`doubtful_destinations`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtfulDestinations {
    /// A person is asked.
    #[default]
    Ask,
    /// It is made, with a warning.
    Allow,
    /// It is refused, whoever asks for it.
    Refuse,
}

/// Limits on what may be changed, whoever agrees to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Callers whose rules are never replaced or removed (`protected`).
    pub protected: Vec<CallerKey>,
    /// The only domains in which anything is changed (`allowed_domains`);
    /// `None` for all.
    pub allowed_domains: Option<Vec<PbxDomain>>,
    /// The only accounts in which anything is changed (`allowed_accounts`);
    /// `None` for all.
    pub allowed_accounts: Option<Vec<AccountId>>,
    /// Changes in any sixty minutes (`max_changes_per_hour`); `None` for any number.
    pub max_changes_per_hour: Option<u32>,
    /// Whether that limit is the one of an operator who has set none: what people
    /// do on the command line is neither limited nor counted.
    pub has_default_rate: bool,
    /// Whether an import counts once, because a person agrees to it as a whole:
    /// with that limit, unless a token agrees in the place of the person.
    pub imports_count_once: bool,
    /// Whether a new rule may lead somewhere that looks wrong.
    pub doubtful_destinations: DoubtfulDestinations,
    /// Whether no flag of a command agrees for a person (`allow_yes`).
    pub no_flag_agrees: bool,
}

impl Limits {
    /// Refuses a change in an account or domain that is not allowed.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_place(&self, account: &AccountId, domain: &str) -> Result<()> {
        if let Some(allowed) = &self.allowed_accounts
            && !allowed.contains(account)
        {
            return Err(blocked(
                "allowed_accounts",
                format!(
                    "the operator allows no changes in account {account} (`allowed_accounts`), so nothing was changed"
                ),
            ));
        }
        match &self.allowed_domains {
            Some(allowed) if !allowed.iter().any(|allowed| allowed.is(domain)) => Err(blocked(
                "allowed_domains",
                format!(
                    "the operator allows no changes in {} (`allowed_domains`), so nothing was changed",
                    shown(domain, 100)
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses to replace or remove a rule that answers the calls of a protected
    /// caller: their own, or one stored with wildcards, which may also take
    /// their own along where it is deleted.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_protected(&self, present: &Route) -> Result<()> {
        let ani = &present.key.ani;
        if self.is_protected(ani) {
            return Err(protected(format!(
                "VIP rules of {ani} are never replaced or removed"
            )));
        }
        let mut callers = self.protected.iter();
        match callers.find(|caller| ani.may_match(&caller.to_ani())) {
            Some(caller) => Err(protected(format!(
                "the rule stored as \"{}\" may answer calls from {} and is never replaced or removed",
                shown(ani.as_str(), 64),
                caller.to_ani()
            ))),
            None => Ok(()),
        }
    }

    /// Refuses a new rule of a protected caller that takes calls away from another rule.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub(super) fn refuse_taking(&self, new: &Route) -> Result<()> {
        match self.is_protected(&new.key.ani) {
            true => Err(protected(format!(
                "a new rule would take calls from {} away from the rule that answers them today",
                new.key.ani
            ))),
            false => Ok(()),
        }
    }

    /// Refuses a destination that looks wrong, where the operator wants that.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub(super) fn refuse_doubtful(&self, new: &Route, doubt: Doubt) -> Result<()> {
        match self.doubtful_destinations {
            DoubtfulDestinations::Refuse => Err(blocked(
                "doubtful_destinations",
                format!(
                    "{}: {}, and the operator allows no rule whose destination looks wrong (`doubtful_destinations`)",
                    new.goes_to(),
                    doubt.words()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses to point a protected number elsewhere.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_protected_did(&self, did: &PhoneNumber) -> Result<()> {
        if !self.is_protected(&Ani::from(did)) {
            return Ok(());
        }
        Err(protected(format!("the routing of {did} is never changed")))
    }

    /// Whether rules of this caller are never replaced or removed.
    pub fn is_protected(&self, ani: &Ani) -> bool {
        self.protected.iter().any(|caller| caller.may_match(ani))
    }

    /// Refuses a flag that agrees for a person, where the operator wants that.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_flag(&self) -> Result<()> {
        match self.no_flag_agrees {
            true => Err(Error::new(
                Code::Blocked,
                "the operator lets no flag agree for a person (`allow_yes`), so nothing was changed",
                "Run the command at an interactive terminal without `--yes`, and type the value.",
            )
            .with_field("allow_yes")),
            false => Ok(()),
        }
    }

    /// The changes of the last hour that count for somebody, and how many there
    /// may be; `None` without a limit for them. `now` is in milliseconds since 1970.
    pub fn hourly(&self, author: Author, now: i64) -> Option<(Counted, u32)> {
        let is_limited = author == Author::Program || !self.has_default_rate;
        let counted = Counted {
            span: TimeSpan::last(HOUR, now),
            without_people: self.has_default_rate,
            imports_once: self.imports_count_once,
        };
        let most = self.max_changes_per_hour.filter(|_| is_limited)?;
        Some((counted, most))
    }

    /// How many changes an import of so many counts as.
    pub fn count_of_import(&self, changes: usize) -> usize {
        match self.imports_count_once {
            true => changes.min(1),
            false => changes,
        }
    }

    /// Refuses more changes than an hour may have.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_rate(&self, most: u32, made_in_last_hour: u64, wanted: u64) -> Result<()> {
        if made_in_last_hour.saturating_add(wanted) <= u64::from(most) {
            return Ok(());
        }
        let by = match self.has_default_rate {
            true => " for tools where the operator sets no other",
            false => "",
        };
        Err(blocked(
            "max_changes_per_hour",
            format!(
                "`max_changes_per_hour` is {most}{by}; made in the last hour: {made_in_last_hour}, requested now: {wanted}, so no change is made"
            ),
        ))
    }
}

fn protected(why: String) -> Error {
    blocked(
        "protected",
        format!(
            "the operator protects a caller or number (`protected`): {why}, so nothing was changed"
        ),
    )
}

fn blocked(setting: &str, message: String) -> Error {
    Error::new(
        Code::Blocked,
        message,
        operator_can(&format!(
            "change `{setting}` in the config file and start again"
        )),
    )
    .with_field(setting)
}
