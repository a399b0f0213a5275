//! What the operator puts out of reach: protected callers, other domains, too
//! many changes. Only the config file sets these.

use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Ani, CallerKey, PbxDomain, PhoneNumber, Route};

/// Limits on what may be changed, whoever agrees to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Callers whose rules are never replaced or removed (`protected`).
    pub protected: Vec<CallerKey>,
    /// The only domains in which anything is changed (`allowed_domains`);
    /// `None` for all.
    pub allowed_domains: Option<Vec<PbxDomain>>,
    /// Changes in any sixty minutes (`max_changes_per_hour`); `None` for any number.
    pub max_changes_per_hour: Option<u32>,
}

impl Limits {
    /// Refuses a change in a domain that is not allowed.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_domain(&self, domain: &str) -> Result<()> {
        match &self.allowed_domains {
            Some(allowed) if !allowed.iter().any(|allowed| allowed.is(domain)) => Err(blocked(
                "allowed_domains",
                format!(
                    "the operator allows no changes in {} (`allowed_domains`), so nothing was sent",
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
    pub fn refuse_protected(&self, standing: &Route) -> Result<()> {
        if !self.is_protected(&standing.key.ani) {
            return Ok(());
        }
        Err(blocked(
            "protected",
            format!(
                "the operator protects {} (`protected`): rules of this caller are never replaced or removed, so nothing was sent",
                standing.key.ani
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
                "the operator protects {did} (`protected`): its route is never replaced, so nothing was sent"
            ),
        ))
    }

    /// Whether rules of this caller are never replaced or removed.
    pub fn is_protected(&self, ani: &Ani) -> bool {
        self.protected.iter().any(|caller| caller.matches(ani))
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
                "the operator allows {most} changes an hour (`max_changes_per_hour`); {made_in_last_hour} were made in the last hour and {wanted} more are asked for, so nothing was sent"
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

/// The limits as the config file has them, before they are understood.
pub(super) struct Written {
    pub protected: Option<Vec<String>>,
    pub allowed_domains: Option<Vec<String>>,
    pub max_changes_per_hour: Option<i64>,
}

impl Written {
    /// # Errors
    /// `not_configured` with the field and the element at fault: a limit that
    /// is not understood must not be taken for none.
    pub fn understood(self) -> Result<Limits> {
        Ok(Limits {
            protected: protected(self.protected.unwrap_or_default())?,
            allowed_domains: self
                .allowed_domains
                .map(|domains| elements("allowed_domains", domains))
                .transpose()?,
            max_changes_per_hour: self.max_changes_per_hour.map(rate).transpose()?,
        })
    }
}

/// A mistyped number would protect nobody: what is no number has to be a word
/// or sign as rules are stored under, such as `*` or `anonymous`.
fn protected(texts: Vec<String>) -> Result<Vec<CallerKey>> {
    let callers: Vec<CallerKey> = elements("protected", texts)?;
    let is_word = |text: &str| text == "*" || text.bytes().all(|b| b.is_ascii_alphabetic());
    for caller in &callers {
        let given = caller.as_given().trim();
        if caller.number().is_none() && !is_word(given) {
            return Err(super::unusable(
                "protected",
                &format!("`{}` is not a phone number", shown(given, 64)),
                "Give a number with area code, such as `6165550123`, or the word that a rule is stored under.",
            ));
        }
    }
    Ok(callers)
}

fn elements<T: std::str::FromStr<Err = Refused>>(
    field: &str,
    texts: Vec<String>,
) -> Result<Vec<T>> {
    let parse = |text: String| {
        text.parse()
            .map_err(|refused: Refused| super::unusable(field, &refused.problem, &refused.remedy))
    };
    texts.into_iter().map(parse).collect()
}

fn rate(number: i64) -> Result<u32> {
    u32::try_from(number)
        .ok()
        .filter(|most| *most > 0)
        .ok_or_else(|| {
            super::unusable(
                "max_changes_per_hour",
                &format!("`{number}` is not a number of changes"),
                "Give a whole number from 1 up, or leave the field out for no limit; `read_only` allows no changes at all.",
            )
        })
}
