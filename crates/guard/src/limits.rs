//! What the operator puts out of reach: protected callers, other domains and
//! accounts, too many changes. Only the operator sets these.

use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Ani, CallerKey, PbxDomain, PhoneNumber, Route};

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

    /// Refuses to replace or remove a rule of a protected caller.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_protected(&self, present: &Route) -> Result<()> {
        if !self.is_protected(&present.key.ani) {
            return Ok(());
        }
        Err(blocked(
            "protected",
            format!(
                "the operator protects {} (`protected`): VIP rules of this caller are never replaced or removed, so nothing was changed",
                present.key.ani
            ),
        ))
    }

    /// Refuses to point a protected number elsewhere.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_protected_did(&self, did: &PhoneNumber) -> Result<()> {
        if !self.is_protected(&Ani::from(did)) {
            return Ok(());
        }
        Err(blocked(
            "protected",
            format!(
                "the operator protects {did} (`protected`): the routing of this number is never changed, so nothing was changed"
            ),
        ))
    }

    /// Whether rules of this caller are never replaced or removed.
    pub fn is_protected(&self, ani: &Ani) -> bool {
        self.protected.iter().any(|caller| caller.may_match(ani))
    }

    /// Refuses more changes than an hour may have.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_rate(&self, made_in_last_hour: u64, wanted: u64) -> Result<()> {
        let Some(most) = self.max_changes_per_hour else {
            return Ok(());
        };
        if made_in_last_hour.saturating_add(wanted) <= u64::from(most) {
            return Ok(());
        }
        Err(blocked(
            "max_changes_per_hour",
            format!(
                "the operator allows {most} changes an hour (`max_changes_per_hour`); {made_in_last_hour} were made in the last hour and {wanted} more are requested, so nothing was changed"
            ),
        ))
    }
}

fn blocked(setting: &str, message: String) -> Error {
    Error::new(
        Code::Blocked,
        message,
        format!(
            "Tell the person; the operator can change `{setting}` in the config file and start again."
        ),
    )
    .with_field(setting)
}
