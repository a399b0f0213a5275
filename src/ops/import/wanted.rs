//! Where the wanted list comes from: from the call itself, from a file in the
//! operator's folder, from another customer, or from a plan that was shown
//! before, whose list is not sent again.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::import::files::{BadRow, Row, VipFile};
use crate::ops::import::{SyncMode, SyncVips, Task, read_list};
use crate::ops::vips::notes::end_of;
use crate::ops::{ListVips, PageSize, list_vips};
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Application, Argument, CustomerKey, Destination, Dnis, Operation, PbxDomain, Vip,
    operator_can,
};
use skyswitch_guard::store::{KeptPlan, ends_later};

/// Bytes that a list in the operator's folder may have.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;
/// Bytes of a plan that is kept; one that is larger has to be sent again.
const LARGEST_PLAN: usize = 4 * 1024 * 1024;
/// For how long a plan can be applied that was only shown, in seconds.
const PLAN_LIFETIME: i64 = 1_800;

/// What a plan is made of, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    mode: SyncMode,
    allow_large_removal: bool,
    skip_invalid: bool,
    list: VipFile,
}

/// The arguments and the list that they ask for.
pub(super) struct Wanted {
    pub args: SyncVips,
    pub list: Option<VipFile>,
}

/// A list that is given with the call, or lies in a file.
///
/// # Errors
/// `invalid_argument` for an unusable list or file, or for more than one source.
pub(super) fn given(
    app: &App,
    args: &SyncVips,
    list: Option<&[u8]>,
    most_rows: Option<usize>,
) -> Result<Option<VipFile>> {
    let sources = [
        ("list", list.is_some()),
        ("file", args.file.is_some()),
        ("from_domain", args.from_domain.is_some()),
        ("plan", args.plan.is_some()),
    ];
    let mut sources = sources.into_iter().filter(|(_, is_given)| *is_given);
    if let (Some((first, _)), Some((second, _))) = (sources.next(), sources.next()) {
        return Err(Error::invalid(
            second,
            format!(
                "{} and {} are both given",
                Argument(first),
                Argument(second)
            ),
            "Say in one way which list is meant; nothing was sent.",
        ));
    }
    match (list, &args.file) {
        (Some(bytes), _) => read_list(bytes, args, most_rows).map(Some),
        (None, Some(name)) => {
            let bytes = read_file(app.settings().list_files.as_deref(), name)?;
            read_list(&bytes, args, most_rows).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// A file in the operator's folder. What lies outside of it is not told from
/// what does not exist.
fn read_file(folder: Option<&Path>, name: &str) -> Result<Vec<u8>> {
    let Some(folder) = folder else {
        return Err(Error::invalid(
            "file",
            "this server reads no files: the operator has named no folder for lists (`list_files`)",
            operator_can("set `list_files` to a folder"),
        ));
    };
    let unusable = |problem: &str| {
        Error::invalid(
            "file",
            format!("{} {problem}", shown(name, 200)),
            "Give the name of a list below the folder that the operator has named (`list_files`).",
        )
    };
    let nothing = || unusable("is no file below the operator's folder for lists");
    let root = folder.canonicalize().map_err(|_| nothing())?;
    // Links and `..` are followed first, so that it counts where the file really lies.
    let path = root.join(name).canonicalize().map_err(|_| nothing())?;
    if !path.starts_with(&root) || !path.is_file() {
        return Err(nothing());
    }
    let file = File::open(&path).map_err(|_| unusable("cannot be read"))?;
    let mut bytes = Vec::new();
    let mut limited = file.take(LARGEST_FILE + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|_| unusable("cannot be read"))?;
    match bytes.len() as u64 > LARGEST_FILE {
        true => Err(unusable("is larger than 8 MiB")),
        false => Ok(bytes),
    }
}

impl App {
    /// The same with the list of another customer or of a plan, where one is meant.
    ///
    /// # Errors
    /// `not_found` for an unknown customer or plan; the service's errors.
    pub(super) async fn wanted(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        args: &SyncVips,
        given: Option<VipFile>,
    ) -> Result<Wanted> {
        if let Some(from) = &args.from_domain {
            let list = Some(self.list_of_customer(account, domain, from).await?);
            let args = args.clone();
            return Ok(Wanted { args, list });
        }
        let Some(plan) = &args.plan else {
            let args = args.clone();
            return Ok(Wanted { args, list: given });
        };
        refuse_beside_plan(args)?;
        let kept = self.kept(account, domain, plan).await?;
        let args = SyncVips {
            mode: Some(kept.mode),
            allow_large_removal: Some(kept.allow_large_removal),
            skip_invalid: Some(kept.skip_invalid),
            ..args.clone()
        };
        let list = Some(kept.list);
        Ok(Wanted { args, list })
    }

    /// The rules of another customer as a list for this one.
    async fn list_of_customer(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        from: &CustomerKey,
    ) -> Result<VipFile> {
        let from = self.domain_to_change(account, from).await?;
        if from == *domain {
            return Err(Error::invalid(
                "from_domain",
                "a customer's list is not copied onto itself",
                "Name another customer.",
            ));
        }
        let whole = ListVips {
            domain: Some(from.as_str().parse().map_err(unreadable)?),
            account_id: Some(account.clone()),
            ..ListVips::default()
        };
        let read = list_vips(self, &whole, PageSize::All).await?;
        let (rules, told) = (read.vips, read.warnings);
        if rules.is_empty() {
            let mut hint = format!("{} shows a customer's rules.", Operation::ListVips);
            for told in &told {
                hint.push_str(&format!(" {told}."));
            }
            let problem = format!("{from} has no VIP rules to copy");
            return Err(Error::new(Code::NotFound, problem, hint).with_field("from_domain"));
        }
        let mut list = VipFile {
            is_copied: true,
            warnings: vec![format!(
                "the list is copied from {from}: its destinations are looked up here by the same extensions, which may be other people"
            )],
            ..VipFile::default()
        };
        list.warnings.extend(told);
        for (line, vip) in (1..).zip(rules) {
            match row(line, &vip, &from) {
                // One that is there exactly so is left alone.
                Ok((row, Some(reason))) => list.bad.push(BadRow {
                    line,
                    given: shown(&vip.ani, 60),
                    reason,
                    row: Some(row),
                }),
                Ok((row, None)) => list.rows.push(row),
                Err(refused) => list.bad.push(BadRow {
                    line,
                    given: shown(&vip.ani, 60),
                    reason: refused.to_string(),
                    row: None,
                }),
            }
        }
        Ok(list)
    }

    /// Keeps the plan of a list, so that it can be applied without the list;
    /// `None` where that is not possible and it has to be sent again.
    pub(super) async fn keep(&self, task: &Task, approval_code: Option<&str>) -> Option<String> {
        let kept = Kept {
            mode: task.asked_mode?,
            allow_large_removal: task.allow_large_removal,
            skip_invalid: task.skip_invalid,
            list: task.fresh_list()?.clone(),
        };
        let request = serde_json::to_string(&kept).ok()?;
        if request.len() > LARGEST_PLAN {
            return None;
        }
        let now = Timestamp::now().as_second();
        let id = match approval_code {
            Some(code) => code.to_owned(),
            None => format!("p-{:012x}", rand::random::<u64>() >> 16),
        };
        let plan = KeptPlan {
            id: id.clone(),
            realm: self.journal().realm().to_owned(),
            account: task.account.as_str().to_owned(),
            domain: task.domain.as_str().to_owned(),
            request,
            expires_at: now + PLAN_LIFETIME,
        };
        let store = self.journal().store().get().await.ok()?;
        match store
            .keep_plan(&plan, &ends_later(now, PLAN_LIFETIME))
            .await
        {
            Ok(()) => Some(id),
            Err(error) => {
                tracing::warn!(%error, "the plan is not kept; its list has to be sent again");
                None
            }
        }
    }

    async fn kept(&self, account: &AccountId, domain: &PbxDomain, id: &str) -> Result<Kept> {
        let id = id.trim();
        let unknown = || {
            Error::new(
                Code::NotFound,
                format!("no plan is kept under `{}` for this customer", shown(id, 40)),
                "Plans are kept for half an hour on the machine that made them: send the list again.",
            )
            .with_field("plan")
        };
        let store = self
            .journal()
            .store()
            .if_exists()
            .await?
            .ok_or_else(unknown)?;
        let ends = ends_later(Timestamp::now().as_second(), PLAN_LIFETIME);
        let realm = self.journal().realm();
        let kept = match store.kept_plan(realm, id, &ends).await? {
            Some(kept) => Some(kept),
            None => {
                store
                    .kept_plan(realm, &id.to_ascii_uppercase(), &ends)
                    .await?
            }
        };
        let kept = kept.filter(|kept| {
            kept.account == account.as_str() && kept.domain.eq_ignore_ascii_case(domain.as_str())
        });
        let kept = kept.ok_or_else(unknown)?;
        // What another version kept is as good as nothing.
        serde_json::from_str(&kept.request).map_err(|_| unknown())
    }
}

/// A plan says all of these, and was shown so.
fn refuse_beside_plan(args: &SyncVips) -> Result<()> {
    let beside = [
        ("mode", args.mode.is_some()),
        ("from", args.from.is_some()),
        ("destination", args.destination.is_some()),
        ("application", args.application.is_some()),
        ("format", args.format.is_some()),
        ("map", !args.map.is_empty()),
        ("skip_invalid", args.skip_invalid.is_some()),
        ("allow_large_removal", args.allow_large_removal.is_some()),
    ];
    match beside.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((name, _)) => Err(Error::invalid(
            name,
            format!(
                "{} is given beside a plan, which was made without it and is applied as it was shown",
                Argument(name)
            ),
            "Leave it out, or make another plan; nothing was sent.",
        )),
    }
}

/// A rule of another customer as a row, and why it cannot be another's unless
/// exactly that rule exists; what names that customer's own phone system is taken
/// off its destination.
fn row(line: usize, vip: &Vip, from: &PbxDomain) -> Result<(Row, Option<String>), Refused> {
    let application: Application = vip.application.parse()?;
    let stored = Destination::from_stored(&vip.destination);
    let (_, host) = stored.address(&application);
    let destination = match host {
        Some(host) if from.is(host) => vip.destination.split('@').next().unwrap_or_default(),
        _ => vip.destination.as_str(),
    };
    let dialled = Dnis::from_stored(vip.dnis.as_deref());
    let dnis = (!dialled.is_any()).then(|| dialled.as_str().parse());
    let day = vip.until.as_ref().and_then(|day| day.parse().ok());
    let over = day.and_then(|day| end_of(day).err());
    let of_number = (!dialled.is_any()).then(|| {
        format!("is only for calls to {dialled}, a number of {from}; add it for a number of this customer")
    });
    let row = Row {
        line,
        ani: vip.ani.parse()?,
        dnis: dnis.transpose()?,
        destination: destination.to_owned(),
        application: Some(vip.application.clone()),
        note: vip.note.clone(),
        domain: None,
        until: vip.until.clone(),
        as_stored: false,
        name: None,
    };
    Ok((row, of_number.or(over.map(|over| over.to_string()))))
}

fn unreadable(refused: Refused) -> Error {
    refused.into_error("from_domain")
}
