//! Lists that nobody writes: an empty one to take everybody off, and that of the
//! callers who are sent from one destination to another.

use crate::app::App;
use crate::ops::import::files::{Row, VipFile};
use crate::ops::import::{SyncMode, SyncVips};
use crate::ops::vips::people::People;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Ani, Argument, CustomerKey, Destination, Dnis, Face, Operation, PbxDomain, Route,
    RouteKey,
};

/// The name in the journal of sending callers from one destination to another.
pub(super) const MOVE: &str = "move_vips";

impl SyncVips {
    /// Work on one customer's list without a list.
    pub fn without_list(domain: CustomerKey, mode: SyncMode) -> SyncVips {
        SyncVips {
            domain,
            list: None,
            file: None,
            from_domain: None,
            plan: None,
            format: None,
            mode: Some(mode),
            from: None,
            destination: None,
            application: None,
            map: Vec::new(),
            skip_invalid: None,
            allow_large_removal: None,
            dry_run: None,
            resume: None,
            account_id: None,
            confirmation: None,
        }
    }
}

impl App {
    /// The list that the mode makes by itself, else the one that was read.
    ///
    /// # Errors
    /// `invalid_argument` for arguments that do not go with the mode; `not_found`
    /// where nobody's calls go to the destination; the service's errors.
    pub(super) async fn made_list(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        args: &SyncVips,
        list: Option<VipFile>,
    ) -> Result<Option<VipFile>> {
        let mode = args.mode.unwrap_or_default();
        let makes_list = matches!(mode, SyncMode::Clear | SyncMode::Move);
        if makes_list && (list.is_some() || args.resume.is_some()) {
            return Err(Error::invalid(
                "mode",
                format!("mode `{}` takes no list and resumes nothing", mode.word()),
                "Leave out the list, or use `merge` or `mirror`.",
            ));
        }
        if args.from.is_some() && mode != SyncMode::Move {
            return Err(Error::invalid(
                "from",
                "`from` says whose calls are moved, and this mode moves none",
                "Give mode `move`, or leave out `from`.",
            ));
        }
        match mode {
            SyncMode::Clear => Ok(Some(VipFile::default())),
            SyncMode::Move => self.list_of_moved(account, domain, args).await.map(Some),
            SyncMode::Merge | SyncMode::Mirror => Ok(list),
        }
    }

    async fn list_of_moved(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        args: &SyncVips,
    ) -> Result<VipFile> {
        let (Some(from), Some(to)) = (&args.from, &args.destination) else {
            let missing = match args.from {
                Some(_) => "destination",
                None => "from",
            };
            return Err(Error::invalid(
                missing,
                format!("`{missing}` is missing: to move callers needs both destinations"),
                format!(
                    "Give where the calls go today as {} and where they are to go as {}.",
                    Argument("from"),
                    Argument("destination")
                ),
            ));
        };
        let given = args.application.as_ref();
        let refused = |refused: Refused| refused.into_error("destination");
        if let Some(exact) = to.unless_name(given).map_err(refused)? {
            exact.application(given.cloned()).map_err(refused)?;
        }
        let present = self.present_rules(account, domain, |_| false).await?;
        let people = People::of(self, account, domain);
        let from = people.take_of_rules("from", from, &present.rules).await?;
        let to = people.take(to_field().0, to, given).await?;
        let named = from.named.into_iter().chain(to.named).collect();
        let (from, to) = (&from.destination, &to.destination);
        let application = to.application(given.cloned()).map_err(refused)?;
        let moved = Route {
            key: RouteKey {
                domain: domain.as_str().into(),
                ani: Ani::from_stored(""),
                dnis: Dnis::any(),
            },
            application: application.clone(),
            application_is_stored: true,
            destination: to.clone(),
        };
        let notes = self.notes(account, Some(domain)).await?;
        let mut file = VipFile {
            named,
            ..VipFile::default()
        };
        let of_from = present.rules.iter().filter(|rule| rule.leads_to(from));
        // A user and a device may be called the same and are two destinations.
        let (there, to_move): (Vec<&Route>, Vec<_>) =
            of_from.partition(|rule| moved.leads_to(from) && rule.application == moved.application);
        for (line, rule) in (1..).zip(to_move) {
            let kept = notes.vip(rule);
            let row = Row::of_rule(line, rule).map_err(|refused| refused.into_error("from"))?;
            file.rows.push(Row {
                destination: to.as_str().to_owned(),
                application: Some(application.as_str().to_owned()),
                as_stored: false,
                // Kept with the run, so that continuing it loses nothing.
                note: kept.note,
                until: kept.until,
                ..row
            });
        }
        match (file.rows.is_empty(), there.is_empty()) {
            (false, _) => Ok(file),
            (true, false) => Err(nowhere(from, to)),
            (true, true) if moved.leads_to(from) => Err(nowhere(from, to)),
            (true, true) => Err(nobody(domain, from)),
        }
    }
}

/// A command that only moves calls it otherwise than the tool that imports.
fn to_field() -> Argument {
    Argument(match Face::speaking() {
        Face::Tools => "destination",
        Face::CommandLine => "to",
    })
}

fn nowhere(from: &Destination, to: &Destination) -> Error {
    let (from, to) = (shown(from.as_str(), 80), shown(to.as_str(), 80));
    let field = to_field();
    Error::invalid(
        field.0,
        format!(
            "{} \"{from}\" and {field} \"{to}\" are the same destination, so nobody would be moved; nothing was changed",
            Argument("from")
        ),
        format!("Give another destination as {field}."),
    )
}

fn nobody(domain: &PbxDomain, from: &Destination) -> Error {
    Error::new(
        Code::NotFound,
        format!(
            "no VIP rule of {domain} sends calls to {}, so nothing was changed",
            shown(from.as_str(), 80)
        ),
        format!("{} shows where they go.", Operation::ListVips),
    )
    .with_field("from")
}
