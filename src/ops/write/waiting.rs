//! A call waits for a person who decides on the approval page or at a terminal,
//! so that nobody has to tell the assistant to go on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::App;
use crate::ops::Confirmation;
use skyswitch_client::Allowance;
use skyswitch_domain::error::Result;
use skyswitch_domain::program;

/// The usual client gives up after 60 seconds: everything is over before that.
const ANSWERED_WITHIN: Duration = Duration::from_secs(52);
/// What is left in any case for the change that was approved.
const LEFT_FOR_THE_CHANGE: Duration = Duration::from_secs(4);
/// How long a link is offered by a call that waits for nobody: the client may have
/// to ask somebody whether to open it, and the result has the link after that.
const LINK_OFFERED_FOR: Duration = Duration::from_secs(10);
/// How often the client is told that the call goes on.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Tells the client that a call waits for the person. Whether it shows that to
/// them nobody knows.
pub(crate) trait TellWaiting: Send + Sync {
    /// Says what to do; `share` of the waiting time is over.
    fn tell(&self, words: &str, share: f64);
}

/// How long one call may wait, and how the person is told meanwhile.
#[derive(Clone)]
pub(crate) struct Patience {
    began: Instant,
    wait: Duration,
    tells: Arc<dyn TellWaiting>,
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patience({:?})", self.wait)
    }
}

impl Patience {
    /// That of a call which begins now.
    pub fn new(wait: Duration, tells: Arc<dyn TellWaiting>) -> Patience {
        Patience {
            began: Instant::now(),
            wait,
            tells,
        }
    }

    /// When the call waits no longer.
    fn until(&self) -> Instant {
        self.began + self.wait
    }

    /// The seconds that a call waits, for people.
    pub fn seconds(&self) -> usize {
        usize::try_from(self.wait.as_secs()).unwrap_or(usize::MAX)
    }
}

/// What waiting for a person came to.
pub(super) enum Waited {
    /// It was decided, or has expired.
    Settled,
    /// Another call asks for the same change in its place, so that nobody can
    /// decide this question any more. Asking it again here would take the other
    /// one away, and two calls would do so for ever.
    Replaced,
    /// It still waits, and the call has waited for as long as it may.
    LongEnough,
}

impl Waited {
    fn of(was_settled: bool) -> Waited {
        match was_settled {
            true => Waited::Settled,
            false => Waited::Replaced,
        }
    }
}

impl App {
    /// Waits until a person has settled what waits. Only where the person
    /// knows of it: nobody can decide about what they first learn of from this
    /// call's result. A progress notification is no such knowledge: clients ask
    /// for them and show nothing.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub(super) async fn wait_until_settled(
        &self,
        asked: &Confirmation,
        is_known: bool,
    ) -> Result<Waited> {
        let (Some(patience), Some(code)) = (&self.patience, &asked.approval_code) else {
            return Ok(Waited::LongEnough);
        };
        let until = patience.until();
        if !is_known || until <= Instant::now() {
            return Ok(Waited::LongEnough);
        }
        let wait = async {
            tokio::select! {
                settled = self.guard().is_settled(code) => settled.map(Waited::of),
                () = tokio::time::sleep_until(until) => Ok(Waited::LongEnough),
                never = keep_telling(patience, asked) => match never {},
            }
        };
        // The person's time does not count, but the client's patience does.
        let waited = Allowance::not_counting(wait).await;
        let end = (patience.began + ANSWERED_WITHIN).max(Instant::now() + LEFT_FOR_THE_CHANGE);
        Allowance::current().iter().for_each(|all| all.ends_by(end));
        waited
    }

    /// Waits for what the client does with a link; `None` where that is no
    /// longer needed, because the change is settled or the call has waited for
    /// as long as it may. Some clients never answer, whatever the person does; so
    /// a call that may not wait for a person waits for them only a moment.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub(super) async fn while_it_waits<T>(
        &self,
        code: &str,
        offer: impl Future<Output = T>,
    ) -> Result<Option<T>> {
        let until = match &self.patience {
            Some(patience) => patience.until(),
            None => Instant::now() + LINK_OFFERED_FOR,
        };
        if until <= Instant::now() {
            return Ok(None);
        }
        let wait = async {
            tokio::select! {
                biased;
                offered = offer => Ok(Some(offered)),
                settled = self.guard().is_settled(code) => settled.map(|_| None),
                () = tokio::time::sleep_until(until) => Ok(None),
            }
        };
        // The person's time does not count, and it is bounded here.
        Allowance::not_counting(wait).await
    }
}

async fn keep_telling(patience: &Patience, asked: &Confirmation) -> std::convert::Infallible {
    let code = asked.approval_code.as_deref().unwrap_or_default();
    let page = match &asked.approval_link {
        Some(link) => format!("on the page {link} or "),
        None => String::new(),
    };
    let program = program();
    let words = format!("waiting for a person to decide, {page}with `{program} approve {code}`");
    loop {
        let share = patience.began.elapsed().as_secs_f64() / patience.wait.as_secs_f64();
        patience.tells.tell(&words, share.min(0.99));
        tokio::time::sleep(TOLD_EVERY).await;
    }
}
