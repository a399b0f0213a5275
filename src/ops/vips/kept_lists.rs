//! Lists of VIP rules that are given out page by page: each is read from the
//! service once, for its first page.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use skyswitch_domain::{AccountId, PbxDomain, Route};

/// How long a list is kept after a page of it was given out.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// Rules kept in all. One longer list is kept alone.
const MOST_RULES: usize = 200_000;

/// The lists whose next page may be asked for.
#[derive(Debug, Default)]
pub(crate) struct KeptLists(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    account: AccountId,
    domain: Option<PbxDomain>,
    used: Instant,
    rules: Arc<Vec<Route>>,
}

impl Kept {
    fn is_of(&self, account: &AccountId, domain: Option<&PbxDomain>) -> bool {
        self.account == *account && self.domain.as_ref() == domain
    }
}

impl KeptLists {
    /// The list that the earlier pages were cut from, while it is kept.
    pub fn of(&self, account: &AccountId, domain: Option<&PbxDomain>) -> Option<Arc<Vec<Route>>> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|kept| kept.used.elapsed() <= KEPT_FOR);
        let kept = lists.iter().find(|kept| kept.is_of(account, domain))?;
        Some(Arc::clone(&kept.rules))
    }

    /// Keeps a list of which another page follows, in place of an older one.
    pub fn keep(&self, account: &AccountId, domain: Option<&PbxDomain>, rules: Arc<Vec<Route>>) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|kept| kept.used.elapsed() <= KEPT_FOR && !kept.is_of(account, domain));
        lists.push(Kept {
            account: account.clone(),
            domain: domain.cloned(),
            used: Instant::now(),
            rules,
        });
        let rules = |lists: &[Kept]| lists.iter().map(|kept| kept.rules.len()).sum::<usize>();
        while lists.len() > 1 && rules(&lists) > MOST_RULES {
            lists.remove(0);
        }
    }
}
