//! How lists announce that they go on, what an empty one looks like, and how their rows are
//! written: what the SkySwitch API reference leaves open for Route-by-ANI.

use serde_json::Value;

use crate::tenant::stored::StoredRoute;

/// How a list of which only a part is given says so.
///
/// All but [`Announcement::NextCursor`] honour `page` of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// `{"data":[…],"next_page_url":"https://…?page=2"}`, null on the last page
    NextPageUrl,
    /// `{"data":[…],"links":{"next":"https://…?page=2"}}`, null on the last page
    LinksNext,
    /// `{"data":[…],"meta":{"next_cursor":"…"}}`, null on the last page; honours `cursor` only
    NextCursor,
    /// `[…]` with `Link: <https://…?page=2>; rel="next"`
    LinkHeader,
    /// `[…]` with `X-Total-Count: 9`
    TotalHeader,
    /// `[…]` with `Content-Range: items 0-1/9`
    ContentRange,
    /// The same with status 206
    Partial,
    /// `{"page":1,"per_page":2,"count":2,"total":9,"data":[…]}`, the count being that of the page
    CountBesideTotal,
    /// `{"data":[…],"meta":{"pagination":{"current_page":1,"count":2,"total":9}}}`
    NestedCounters,
    /// `{"page":1,"per_page":2,"count":2,"data":[…]}`, the count being that of the page
    CountOfPage,
    /// `{"data":[…],"message":"…"}`, the message being why there are no other rows
    Message,
}

/// What a list without rows looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyList {
    /// As its shape says; `[]` where that is an array or an object by key.
    OfShape,
    /// `{}`
    Object,
    /// `null`
    Null,
    /// 200 without a body
    Blank,
    /// 204
    NoContent,
    /// 404
    NotFound,
}

/// How every second row writes its domain, beginning with the first; the others write it as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDomain {
    /// `acme.12345.service`
    Stored,
    /// `acme`
    Short,
    /// `ACME.12345.SERVICE`
    UpperCase,
    /// `acme.12345.service` and a space
    TrailingSpace,
    /// `acme.12345.service.`
    TrailingDot,
    /// The field is not there.
    Absent,
}

impl RowDomain {
    /// The field of the row at that position.
    pub(crate) fn write(self, position: usize, domain: &str) -> Option<String> {
        let habit = match position % 2 {
            0 => self,
            _ => RowDomain::Stored,
        };
        Some(match habit {
            RowDomain::Stored => domain.to_owned(),
            RowDomain::Short => domain.split('.').next().unwrap_or(domain).to_owned(),
            RowDomain::UpperCase => domain.to_uppercase(),
            RowDomain::TrailingSpace => format!("{domain} "),
            RowDomain::TrailingDot => format!("{domain}."),
            RowDomain::Absent => return None,
        })
    }
}

/// How a row of Route-by-ANI writes its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDestination {
    /// `"destination":"101"`
    Text,
    /// `"destination":{"type":"user","value":"101"}`
    Nested,
    /// `"dest":"101"`
    Renamed,
    /// `"destination":null`
    Null,
    /// The field is not there.
    Absent,
}

impl RowDestination {
    /// Writes the field into a row.
    pub(crate) fn write(self, row: &mut Value, destination: &str) {
        match self {
            RowDestination::Text => row["destination"] = destination.into(),
            RowDestination::Nested => {
                row["destination"] = serde_json::json!({ "type": "user", "value": destination });
            }
            RowDestination::Renamed => row["dest"] = destination.into(),
            RowDestination::Null => row["destination"] = Value::Null,
            RowDestination::Absent => {}
        }
    }
}

/// What PUT of a rule of Route-by-ANI does to the other rules of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutReach {
    /// Nothing.
    Alone,
    /// They are removed.
    RemovesOthers,
    /// They get the destination of this one.
    SendsOthers,
}

/// What becomes of a rule of Route-by-ANI while it is stored, though its PUT is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleForm {
    /// Stored as it was sent.
    AsSent,
    /// A caller of eleven digits is stored with ten.
    TenDigits,
    /// Everything goes to this user.
    ToUser(&'static str),
}

impl RuleForm {
    pub(crate) fn apply(self, mut rule: StoredRoute) -> StoredRoute {
        match self {
            RuleForm::AsSent => {}
            RuleForm::TenDigits => {
                let ten = rule.ani.strip_prefix('1').filter(|ten| ten.len() == 10);
                if let Some(ten) = ten.map(str::to_owned) {
                    rule.ani = ten;
                }
            }
            RuleForm::ToUser(user) => {
                rule.application = Some("user".to_owned());
                rule.destination = user.to_owned();
            }
        }
        rule
    }
}
