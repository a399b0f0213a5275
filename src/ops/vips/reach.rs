//! Whether VIP rules can have an effect: only calls to the customer's own numbers
//! can match one, and only where these go to the Route by ANI user.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::OptionFuture;
use tokio::time::Instant;

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

/// When each customer was last seen to have a number that comes to the VIP list.
#[derive(Debug, Default)]
pub(crate) struct Reached(Mutex<HashMap<(AccountId, PbxDomain), Instant>>);

/// Customers that are remembered at most.
const REMEMBERED: usize = 256;

impl Reached {
    fn lately(&self, customer: &(AccountId, PbxDomain)) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(customer)
            .is_some_and(|seen| seen.elapsed() < FRESH)
    }

    fn remember(&self, customer: (AccountId, PbxDomain)) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(customer, Instant::now());
    }

    /// A number is routed elsewhere: it is not known any more of anybody.
    pub(crate) fn forget_all(&self) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clear();
    }
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
    /// user and, for rules that name a dialled number, which numbers there are. A
    /// customer of whom that was seen within a minute is not looked at again.
    pub(in crate::ops) async fn reach(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        names_dialled: bool,
    ) -> Reach {
        if !self.settings().check_destinations {
            return Reach::default();
        }
        let customer = (account.clone(), domain.clone());
        let is_known = self.reached().lately(&customer);
        let (reaching, numbers) = tokio::join!(
            OptionFuture::from((!is_known).then(|| self.numbers_reaching(account, domain))),
            OptionFuture::from(names_dialled.then_some(async move {
                let client = self.client()?;
                client.domain_numbers(account, domain, None).await
            })),
        );
        let reaching = reaching.and_then(Result::ok).flatten();
        if reaching.as_ref().is_some_and(|all| !all.numbers.is_empty()) {
            self.reached().remember(customer);
        }
        let without_any = reaching.filter(|all| all.numbers.is_empty());
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
