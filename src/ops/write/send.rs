//! The one way a route is written: read, plan, guard, write down, send, tell.

use crate::app::App;
use crate::ops::write::agree::{Agreement, Asked, Cleared, Plan, Planned, Seen, agree};
use crate::ops::write::journal::Origin;
use skyswitch_client::{Client, Evidence, NotWritten, ReadyToWrite, Written};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, Operation, PbxDomain, PhoneNumber, Route, SetupPiece};
use skyswitch_guard::store::{After, NewTarget};
use skyswitch_guard::{Channel, Clearance, RouteChange, SetupChange};

/// A change that was made.
#[derive(Debug)]
pub(in crate::ops) struct Made {
    /// Its id in the journal.
    pub change_id: i64,
    /// How it is known that it was made.
    pub evidence: Evidence,
}

/// A change that was not made, or of which that is not known.
#[derive(Debug)]
pub(in crate::ops) struct NotMade {
    /// What went wrong.
    pub error: Error,
    /// Its id in the journal, where it got that far.
    pub change_id: Option<i64>,
    /// False when it may have been made all the same.
    pub is_known: bool,
}

impl From<Error> for NotMade {
    fn from(error: Error) -> Self {
        NotMade {
            error,
            change_id: None,
            is_known: true,
        }
    }
}

/// The rule a change is about, as far as it is known before reading.
pub(in crate::ops) struct Subject<'a> {
    pub account: &'a AccountId,
    pub domain: &'a PbxDomain,
    /// The caller's number, where it is one.
    pub number: Option<&'a PhoneNumber>,
}

impl Subject<'_> {
    /// Changes of this name take turns.
    fn turn(&self) -> String {
        turn_name(self.domain, self.number)
    }
}

/// The turn of a caller in a domain; callers that are no numbers share one.
pub(in crate::ops) fn turn_name(domain: &PbxDomain, number: Option<&PhoneNumber>) -> String {
    format!("{domain} {}", number.map_or("*", PhoneNumber::as_str))
}

/// Reads the domain's routes, plans on them, and carries the plan out as far
/// as the guard lets it.
pub(in crate::ops) async fn carry_out<T: Send>(
    app: &App,
    subject: &Subject<'_>,
    channel: &Channel<'_>,
    origin: Origin,
    plan: impl Fn(&[Route]) -> Result<Plan<RouteChange, T>> + Send + Sync,
) -> Result<Asked<(T, Agreement<Made>)>> {
    if app.settings().read_only {
        return Err(read_only());
    }
    let client = app.client()?;
    if let Err(error) = app.reconcile(|_| false).await {
        // What was cut off before stays open; it does not stand in the way of this change.
        tracing::warn!(%error, "changes that were cut off could not be closed");
    }
    let plan = &plan;
    let read_and_plan = || async move {
        let turn = app.turn(subject.turn()).await?;
        // Logging in is no part of the read.
        client.token(false).await?;
        let seen = Seen::now(app).await?;
        let routes = client
            .routes_now(subject.account, Some(subject.domain))
            .await?;
        Ok(Planned {
            plan: plan(&routes)?,
            seen,
            hold: turn,
        })
    };
    let (facts, agreement) = match agree(app, channel, read_and_plan).await? {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let send = async |cleared: Cleared<RouteChange, _>| {
        // An import in another process does not wait for this turn.
        let origin = Origin {
            seen: Some(cleared.seen),
            ..origin
        };
        let made = app.send(cleared.clearance, cleared.hold, origin).await;
        made.map_err(|failure| failure.error)
    };
    Ok(Asked::Done((facts, agreement.then(send).await?)))
}

/// What the journal keeps of a change.
pub(in crate::ops) struct Record<'a> {
    pub account: &'a AccountId,
    pub domain: &'a str,
    pub operation: &'static str,
    pub target: NewTarget<'a>,
}

/// A change that is written down before it is sent: to a VIP rule, or to a
/// customer's setup.
pub(in crate::ops) trait Journalled: Clone + Send + Sync + Sized + 'static {
    /// What the journal keeps of it.
    fn record(&self) -> Record<'_>;

    /// What there is afterwards, whether it was made or not.
    fn after(&self, made: bool) -> After<'_>;

    /// Waits for login, a place in flight and the pace.
    fn ready(&self, client: &Client) -> impl Future<Output = Result<ReadyToWrite>> + Send;

    /// Sends it.
    fn write(
        client: &Client,
        clearance: Clearance<Self>,
        ready: ReadyToWrite,
    ) -> impl Future<Output = Result<Written, NotWritten>> + Send;
}

impl Journalled for RouteChange {
    fn record(&self) -> Record<'_> {
        Record {
            account: self.account(),
            domain: &self.key().domain,
            operation: self.tool(),
            target: NewTarget::VipRule {
                key: self.key(),
                before: self.before(),
                wanted: RouteChange::after(self),
            },
        }
    }

    fn after(&self, made: bool) -> After<'_> {
        After::VipRule(match made {
            true => RouteChange::after(self),
            false => self.before(),
        })
    }

    async fn ready(&self, client: &Client) -> Result<ReadyToWrite> {
        client.ready_to_write().await
    }

    async fn write(
        client: &Client,
        clearance: Clearance,
        ready: ReadyToWrite,
    ) -> Result<Written, NotWritten> {
        client.write(clearance, ready).await
    }
}

impl Journalled for SetupChange {
    fn record(&self) -> Record<'_> {
        Record {
            account: self.account(),
            domain: self.domain().as_str(),
            operation: self.tool(),
            target: NewTarget::Piece {
                piece: self.piece(),
                before: self.before(),
            },
        }
    }

    fn after(&self, made: bool) -> After<'_> {
        let now = match (made, self.piece()) {
            (false, _) => self.before().cloned(),
            (true, SetupPiece::DidRoute { route, .. }) => serde_json::to_value(route).ok(),
            (true, piece) => serde_json::to_value(piece).ok(),
        };
        After::Piece { now, stands: made }
    }

    async fn ready(&self, client: &Client) -> Result<ReadyToWrite> {
        client.ready_to_set_up(self.piece()).await
    }

    async fn write(
        client: &Client,
        clearance: Clearance<SetupChange>,
        ready: ReadyToWrite,
    ) -> Result<Written, NotWritten> {
        client.set_up(clearance, ready).await
    }
}

impl App {
    /// Sends a cleared change and sees it through.
    ///
    /// Waiting for login and pace can still be called off. After that the
    /// change runs to its end, and what is held is held until then, whatever
    /// becomes of the caller.
    pub(in crate::ops) async fn send<C: Journalled>(
        &self,
        clearance: Clearance<C>,
        hold: impl Send + 'static,
        origin: Origin,
    ) -> Result<Made, NotMade> {
        let ready = clearance.change().ready(self.client()?).await?;
        self.send_now(clearance, ready, hold, origin).await
    }

    /// The same, with everything that has to be waited for in hand.
    pub(in crate::ops) async fn send_now<C: Journalled>(
        &self,
        clearance: Clearance<C>,
        ready: ReadyToWrite,
        hold: impl Send + 'static,
        origin: Origin,
    ) -> Result<Made, NotMade> {
        let app = self.clone();
        let sending = self.settling().spawn(async move {
            let outcome = app.write_down_and_send(clearance, ready, &origin).await;
            drop(hold);
            outcome
        });
        sending.await.unwrap_or_else(|_| {
            let error = Error::internal(
                "the change was interrupted inside this program",
                format!("Look with {} whether it was made.", Operation::ListChanges),
            );
            Err(NotMade {
                is_known: false,
                ..NotMade::from(error)
            })
        })
    }

    async fn write_down_and_send<C: Journalled>(
        &self,
        clearance: Clearance<C>,
        ready: ReadyToWrite,
        origin: &Origin,
    ) -> Result<Made, NotMade> {
        let change = clearance.change().clone();
        let journal = self.journal();
        let id = journal.begin(&self.asked_by, &change, origin).await?;
        let outcome = C::write(self.client()?, clearance, ready).await;
        if let Err(error) = journal.close(id, &change, &outcome).await {
            tracing::warn!(%error, "the outcome of a change could not be written down");
            // What stands will close it, once nobody is said to work on it.
            let _ = journal
                .abandon(id, "its outcome could not be written down")
                .await;
        }
        match outcome {
            Ok(written) => Ok(Made {
                change_id: id,
                evidence: written.evidence,
            }),
            Err(NotWritten { error, is_known }) => Err(NotMade {
                error,
                change_id: Some(id),
                is_known,
            }),
        }
    }
}

/// The refusal of any change while the operator allows reading only.
pub(crate) fn read_only() -> Error {
    Error::new(
        Code::ReadOnly,
        "changes are switched off here (read-only), so nothing was sent",
        "Tell the person; the operator can start without `--read-only` and unset SKYSWITCH_READ_ONLY or `read_only`.",
    )
}
