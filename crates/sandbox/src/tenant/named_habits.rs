//! Every habit by a name of its own, so that it can be chosen on a command line and tried in
//! turn by tests. Where nobody knows what the service does, the unpleasant habit is the default
//! and its opposite has a name here, too.

use std::time::Duration;

use crate::tenant::habits::{DialPlanAccess, Mfa, V2Version};
use crate::tenant::list_habits::{
    Announcement, EmptyList, PutReach, RowDestination, RowDomain, RuleForm,
};
use crate::tenant::{ListShape, Tenant, TokenAnswer, WriteAnswer};

/// Rows on a page where a habit cuts lists into pages: fewer than any demo customer has rules.
const SHORT_PAGE: usize = 2;
/// How long a lagging list shows the state before a change.
const LAG: Duration = Duration::from_secs(30);

/// One way in which the service may behave.
#[derive(Debug, Clone, Copy)]
pub struct Habit {
    /// Its name, for example `empty-list-is-null`.
    pub name: &'static str,
    /// What the service does, in one line.
    pub about: &'static str,
    adopt: fn(&mut Tenant),
}

impl Habit {
    /// Whether no service can have both: the one that was adopted last would count.
    pub fn excludes(&self, other: &Habit) -> bool {
        let having = |first: &Habit, last: &Habit| {
            let tenant = Tenant::empty().habit(*first).habit(*last);
            format!("{tenant:?}")
        };
        having(self, other) != having(other, self)
    }

    /// The habit of that name.
    pub fn named(name: &str) -> Option<Habit> {
        HABITS.into_iter().find(|habit| habit.name == name)
    }
}

impl Tenant {
    /// Behaves so from now on. Of habits that exclude each other, the last one counts.
    #[must_use]
    pub fn habit(mut self, habit: Habit) -> Tenant {
        (habit.adopt)(&mut self);
        self
    }
}

macro_rules! habits {
    ($($name:literal, $about:literal, |$tenant:ident| $adopt:expr;)*) => {
        /// All habits that can be chosen by name.
        pub const HABITS: [Habit; [$($name),*].len()] = [
            $(Habit { name: $name, about: $about, adopt: |$tenant| $adopt },)*
        ];
    };
}

habits! {
    // The form of the list of VIP rules.
    "list-in-data", "VIP rules come as {\"data\":[…]}", |tenant| tenant.list_shape = ListShape::Data;
    "list-by-key", "VIP rules come as an object, keyed by position", |tenant| tenant.list_shape = ListShape::ObjectByKey;
    "list-in-pages", "VIP rules come in pages of two, counted in `pagination`", |tenant| tenant.list_shape = ListShape::Paged { per_page: SHORT_PAGE };
    "list-in-counted-pages", "VIP rules come in pages of two, the total written as text", |tenant| tenant.list_shape = ListShape::CountedPages { per_page: SHORT_PAGE };
    "next-page-url", "pages are announced by `next_page_url`", |tenant| tenant.announce(Announcement::NextPageUrl);
    "links-next", "pages are announced by `links.next`", |tenant| tenant.announce(Announcement::LinksNext);
    "next-cursor", "pages are announced by `meta.next_cursor`", |tenant| tenant.announce(Announcement::NextCursor);
    "link-header", "pages are announced by a `Link` header", |tenant| tenant.announce(Announcement::LinkHeader);
    "total-header", "pages are announced by `X-Total-Count`", |tenant| tenant.announce(Announcement::TotalHeader);
    "content-range", "pages are announced by `Content-Range`, status 200", |tenant| tenant.announce(Announcement::ContentRange);
    "partial-content", "pages are announced by `Content-Range`, status 206", |tenant| tenant.announce(Announcement::Partial);
    "count-beside-total", "`count` is of the page, `total` of the list", |tenant| tenant.announce(Announcement::CountBesideTotal);
    "nested-counters", "counters are in `meta.pagination`", |tenant| tenant.announce(Announcement::NestedCounters);
    "count-of-page", "`count` is of the page, and nothing says that there are others", |tenant| tenant.announce(Announcement::CountOfPage);
    "list-with-message", "a message beside the list says that only a part of it is given", |tenant| tenant.announce(Announcement::Message);
    "list-ignores-domain", "the list of VIP rules holds all customers', whichever was asked for", |tenant| tenant.routes_heed_domain = false;
    // What a list without rows looks like.
    "empty-list-is-object", "an empty list is {}", |tenant| tenant.empty_list = EmptyList::Object;
    "empty-list-is-null", "an empty list is null", |tenant| tenant.empty_list = EmptyList::Null;
    "empty-list-is-blank", "an empty list is status 200 without a body", |tenant| tenant.empty_list = EmptyList::Blank;
    "empty-list-is-404", "an empty list is status 404", |tenant| tenant.empty_list = EmptyList::NotFound;
    "empty-list-is-204", "an empty list is status 204", |tenant| tenant.empty_list = EmptyList::NoContent;
    // How rows are written.
    "rows-with-short-domain", "every second row names its domain without the reseller", |tenant| tenant.row_domain = RowDomain::Short;
    "rows-with-capital-domain", "every second row names its domain in capitals", |tenant| tenant.row_domain = RowDomain::UpperCase;
    "rows-with-spaced-domain", "every second row names its domain with a space behind it", |tenant| tenant.row_domain = RowDomain::TrailingSpace;
    "rows-with-dotted-domain", "every second row names its domain with a dot behind it", |tenant| tenant.row_domain = RowDomain::TrailingDot;
    "rows-without-domain", "every second row does not name its domain", |tenant| tenant.row_domain = RowDomain::Absent;
    "nested-destination", "rows hold their destination in an object", |tenant| tenant.row_destination = RowDestination::Nested;
    "renamed-destination", "rows hold their destination under another name", |tenant| tenant.row_destination = RowDestination::Renamed;
    "null-destination", "the destination of rows is null", |tenant| tenant.row_destination = RowDestination::Null;
    "rows-without-destination", "rows have no destination", |tenant| tenant.row_destination = RowDestination::Absent;
    // What changes do.
    "delete-takes-all", "DELETE without a called number removes all rules of the caller", |tenant| tenant.delete_without_dnis_removes_all = true;
    "delete-ignores-dnis", "DELETE removes all rules of the caller, whichever called number is given", |tenant| tenant.delete_ignores_dnis = true;
    "put-removes-others", "PUT removes the caller's other rules", |tenant| tenant.put_reach = PutReach::RemovesOthers;
    "put-sends-others", "PUT gives the caller's other rules the same destination", |tenant| tenant.put_reach = PutReach::SendsOthers;
    "delete-takes-stars-literally", "`*` in a DELETE means the text `*` only", |tenant| tenant.delete_reads_wildcards = false;
    "stores-ten-digits", "callers are stored with ten digits", |tenant| tenant.stores = RuleForm::TenDigits;
    "stores-another-destination", "all rules are stored with user 100 as destination", |tenant| tenant.stores = RuleForm::ToUser("100");
    "lagging-lists", "a list shows a change half a minute later", |tenant| tenant.read_lag = LAG;
    "change-answered-200", "changes are answered by 200 without a body", |tenant| tenant.answers(200, "");
    "change-answered-202", "changes are answered by 202", |tenant| tenant.answers(202, "");
    "change-answered-in-text", "changes are answered by 200 and the text OK", |tenant| tenant.answers(200, "OK");
    "change-answered-no", "changes are made, and answered by {\"success\":false}", |tenant| tenant.answers(200, r#"{"success":false}"#);
    "change-answered-404", "changes are made, and answered by 404", |tenant| tenant.answers(404, r#"{"message":"Not found"}"#);
    "change-not-made", "changes are answered by {\"success\":false} and not made", |tenant| tenant.refuses(r#"{"success":false}"#);
    "change-lost", "changes are answered by {\"success\":true} and not made", |tenant| tenant.refuses(r#"{"success":true}"#);
    // Numbers and callers.
    "routing-read-as-written", "a number's routing is read in the form in which it is written", |tenant| tenant.number_routes_read_as_written = true;
    "star-matches-callers", "a rule for the caller `*` answers every caller without a rule", |tenant| tenant.wildcard_matches_callers = true;
    "all-users-by-default", "users that are not people are listed without being asked for", |tenant| tenant.subscriber_default_filter = "all";
    "filter-shows-system-users", "`filter=subscriber` shows system users, too", |tenant| tenant.subscriber_filter_hides_system_users = false;
    // Logging in.
    "token-without-refresh", "logins give no refresh token", |tenant| tenant.token_answer = TokenAnswer::WithoutRefreshToken;
    "token-without-expiry", "logins do not say how long they are valid", |tenant| tenant.token_answer = TokenAnswer::WithoutExpiry;
    "token-expiry-as-text", "logins say how long they are valid as text", |tenant| tenant.token_answer = TokenAnswer::ExpiryAsString;
    "no-number-scopes", "the login may not read or change numbers", |tenant| tenant.scopes.retain(|scope| scope == "account" || scope == "pbx");
    // The PBX API.
    "pbx-without-v1", "the PBX has no form API (v1)", |tenant| tenant.pbx.v1 = false;
    "pbx-without-v2", "the PBX has no REST API (v2)", |tenant| tenant.pbx.v2 = false;
    "pbx-version-45", "the PBX has version 45 of the REST API", |tenant| tenant.pbx.v2_version = V2Version::V45;
    "pbx-version-not-in-token", "the PBX does not say its version at login", |tenant| tenant.pbx.version_in_token = false;
    "dial-plans-closed", "dial plans can neither be read nor written", |tenant| tenant.pbx.dial_plan = DialPlanAccess::None;
    "dial-plans-readable", "dial plans can be read", |tenant| tenant.pbx.dial_plan = DialPlanAccess::Read;
    "dial-plans-writable", "dial plans can be read and written", |tenant| tenant.pbx.dial_plan = DialPlanAccess::ReadWrite;
    "no-dial-plans-of-users", "users have no dial plan of their own", |tenant| tenant.pbx.user_dial_plans = false;
    "pbx-refuses-with-403", "the PBX refuses by 403, not by 401", |tenant| tenant.pbx.v1_refusal = 403;
    "pbx-asks-second-factor", "the PBX login asks for a second factor, named in `scope`", |tenant| tenant.pbx.mfa = Mfa::InScope;
    "pbx-asks-second-factor-in-field", "the PBX login asks for a second factor, named in `mfa`", |tenant| tenant.pbx.mfa = Mfa::InField;
    "pbx-single-record-bare", "a PBX list with one record is that record", |tenant| tenant.pbx.single_record_as_object = true;
    "pbx-user-with-answering-rule", "a new PBX user has an answering rule already", |tenant| tenant.pbx.new_user_has_answering_rule = true;
    "pbx-lists-without-limit", "PBX lists are not cut at 100 rows", |tenant| tenant.pbx.list_limit = None;
    "pbx-lists-cut-at-two", "PBX lists are cut at two rows", |tenant| tenant.pbx.list_limit = Some(SHORT_PAGE);
    "pbx-enable-in-digits", "the PBX takes `enable=1`, too", |tenant| tenant.pbx.enable_in_words = false;
}

impl Tenant {
    fn announce(&mut self, by: Announcement) {
        self.list_shape = ListShape::Announced {
            per_page: SHORT_PAGE,
            by,
        };
    }

    fn answers(&mut self, status: u16, body: &str) {
        self.write_answer = WriteAnswer::Instead {
            status,
            body: body.to_owned(),
        };
    }

    fn refuses(&mut self, body: &str) {
        self.write_answer = WriteAnswer::WithoutActing {
            status: 200,
            body: body.to_owned(),
        };
    }
}
