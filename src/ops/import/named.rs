//! Rows that name a person, queue or attendant as their destination.

use std::collections::HashMap;

use crate::app::App;
use crate::ops::import::files::{BadRow, Row, VipFile};
use crate::ops::import::{SyncMode, SyncVips};
use crate::ops::vips::people::People;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::capitalised;
use skyswitch_domain::{AccountId, Application, Destination, DestinationKey, PbxDomain};

/// Names that are told of; a longer list shows the destination of every row.
const TOLD: usize = 20;

impl App {
    /// The same list with destinations in place of names. A row whose name is
    /// nobody's, or several people's, cannot be used, unless exactly such a rule exists.
    ///
    /// # Errors
    /// `invalid_argument` where the destination for rows without one is no clear name.
    pub(super) async fn without_names(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        args: &SyncVips,
        list: VipFile,
    ) -> Result<VipFile> {
        let people = People::of(self, account, domain);
        if let Some(default) = &args.destination {
            people
                .take("destination", default, args.application.as_ref())
                .await?;
        }
        let mut looked_up = HashMap::<(String, bool), Result<Destination, String>>::new();
        let mut named = VipFile {
            rows: Vec::with_capacity(list.rows.len()),
            ..list
        };
        for row in list.rows {
            let Some((key, application)) = name_in(&row) else {
                named.rows.push(row);
                continue;
            };
            let place = (row.destination.clone(), application.is_some());
            let found = match looked_up.get(&place) {
                Some(found) => found.clone(),
                None => {
                    let taken = people.take("destination", &key, application.as_ref()).await;
                    let found = taken.map(|taken| {
                        named.named.extend(taken.named);
                        taken.destination
                    });
                    let found = found.map_err(|error| reason(&error));
                    looked_up.insert(place, found.clone());
                    found
                }
            };
            match found {
                Ok(destination) => named.rows.push(Row {
                    name: Some(row.destination.into()),
                    destination: destination.as_str().to_owned(),
                    ..row
                }),
                Err(reason) => named.bad.push(BadRow {
                    line: row.line,
                    given: shown(row.ani.as_given(), 60),
                    reason,
                    row: Some(row),
                }),
            }
        }
        named.named.truncate(TOLD);
        Ok(named)
    }
}

impl SyncVips {
    /// Whether the list was written for this customer, and may name people: not a
    /// copy, not a plan that was shown, and not one that is made here.
    pub(super) fn may_name_people(&self) -> bool {
        let mode = self.mode.unwrap_or_default();
        let is_written = matches!(mode, SyncMode::Merge | SyncMode::Mirror);
        is_written && self.from_domain.is_none() && self.plan.is_none()
    }
}

/// What may be somebody's name, and the application where the row says it.
fn name_in(row: &Row) -> Option<(DestinationKey, Option<Application>)> {
    let application = row
        .application
        .as_deref()
        .map(str::parse)
        .transpose()
        .ok()?;
    let key: DestinationKey = row.destination.parse().ok()?;
    let is_name = matches!(key.unless_name(application.as_ref()), Ok(None));
    (is_name && !row.as_stored).then_some((key, application))
}

fn reason(error: &Error) -> String {
    format!("{}. {}", capitalised(&error.to_string()), error.hint())
}
