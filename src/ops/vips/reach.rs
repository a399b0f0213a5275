//! Whether VIP rules can have an effect: only calls to the customer's own numbers
//! can match one, and only where these go to the Route by ANI user.

use futures_util::future::OptionFuture;

use crate::app::App;
use crate::ops::onboarding::ani_users::{Perhaps, Reaching};
use crate::ops::vips::destinations::FRESH;
use skyswitch_domain::error::Result;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{AccountId, Dnis, Operation, PbxDomain, PhoneNumber};

/// Numbers named in one warning.
const NAMED: usize = 5;

/// What a customer's numbers show of rules that are about to be written. Nothing
/// is said of what could not be read.
#[derive(Debug, Default)]
pub(in crate::ops) struct Reach {
    /// Why no rule of the customer has an effect yet.
    pub warning: Option<String>,
    /// The customer's numbers, where they were asked for.
    numbers: Option<Vec<PhoneNumber>>,
}

impl Reach {
    /// A warning where a dialled number is not the customer's.
    pub fn doubt(&self, dialled: &Dnis) -> Option<String> {
        let numbers = self.numbers.as_ref()?;
        let dialled = PhoneNumber::from_stored(dialled.as_str())?;
        (!numbers.contains(&dialled)).then(|| {
            format!(
                "{dialled} is not among the customer's numbers ({}), so no call matches a rule for it",
                first_few(NAMED, numbers)
            )
        })
    }
}

impl App {
    /// Reads whether any of the customer's numbers goes to the Route by ANI
    /// user and, for rules that name a dialled number, which numbers there are.
    pub(in crate::ops) async fn reach(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        names_dialled: bool,
    ) -> Reach {
        if !self.settings().check_destinations {
            return Reach::default();
        }
        let (reaching, numbers) = tokio::join!(
            self.numbers_reaching(account, domain),
            OptionFuture::from(names_dialled.then_some(async move {
                let client = self.client()?;
                client.domain_numbers(account, domain, None).await
            })),
        );
        let without_any = reaching.ok().flatten().filter(|all| all.numbers.is_empty());
        let warning = without_any.map(|all| match all.perhaps.first() {
            Some(Perhaps { number, why }) => {
                format!("this may have no effect for calls to {number}: {why}")
            }
            None => format!(
                "this has no effect yet: no number of {domain} goes to a Route by ANI user that is known here; \
                 {} shows the next step",
                Operation::SetupChecklist.with("domain", domain)
            ),
        });
        Reach {
            warning,
            numbers: numbers.and_then(Result::ok).filter(|all| !all.is_empty()),
        }
    }

    /// The numbers that come to a Route by ANI user, or may; `None` where the domain's
    /// users are not shown.
    async fn numbers_reaching(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Option<Reaching>> {
        let users = self.client()?.subscribers(account, domain, FRESH).await?;
        if users.is_empty() {
            return Ok(None);
        }
        let mut ani_users = self.ani_users(account, domain, &users, None).await?;
        let numbers = self.numbers_handed_on(account, domain, &users, &mut ani_users, None);
        numbers.await.map(Some)
    }
}
