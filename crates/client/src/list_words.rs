//! The names under which services speak about a list, beside its rows.

use serde_json::Value;

/// Whether a field beside the rows speaks about the list and not about a row.
/// A row of that name is an object, and a counter is none.
pub(super) fn is_about_the_list(name: &str, value: &Value) -> bool {
    let is_single = !matches!(value, Value::Object(_) | Value::Array(_));
    match plain(name).as_str() {
        "pagination" | "paging" | "meta" | "links" | "cursor" | "cursors" => true,
        "next" => is_single || value.get("href").is_some() || value.get("url").is_some(),
        name => is_single && is_word(name),
    }
}

/// Whether a name may be one of those.
pub(super) fn may_be_about_the_list(name: &str) -> bool {
    let name = plain(name);
    let is_container = [
        "pagination",
        "paging",
        "meta",
        "links",
        "cursor",
        "cursors",
        "next",
    ];
    is_container.contains(&name.as_str()) || is_word(&name)
}

/// Whether a name that is not known otherwise may say that rows are missing.
pub(super) fn speaks_of_more(name: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "next",
        "more",
        "truncat",
        "remain",
        "cursor",
        "partial",
        "pagination",
    ];
    let is_back = ["prev", "current", "self", "first"]
        .iter()
        .any(|back| name.contains(back));
    !is_back && SIGNS.iter().any(|sign| name.contains(sign))
}

fn is_word(name: &str) -> bool {
    matches!(
        name,
        "page"
            | "currentpage"
            | "lastpage"
            | "totalpages"
            | "pagecount"
            | "pages"
            | "numpages"
            | "numresults"
            | "resultcount"
            | "truncated"
            | "remaining"
            | "perpage"
            | "pagesize"
            | "total"
            | "totalcount"
            | "totalrows"
            | "totalitems"
            | "totalresults"
            | "totalrecords"
            | "totalentries"
            | "totalelements"
            | "count"
            | "hasmore"
            | "hasmorepages"
            | "hasnext"
            | "hasnextpage"
            | "more"
            | "nextpage"
            | "nextpageurl"
            | "nexturl"
            | "nextlink"
            | "nextcursor"
            | "nextpagetoken"
            | "nexttoken"
            | "prev"
            | "prevpage"
            | "prevpageurl"
            | "prevcursor"
            | "first"
            | "firstpageurl"
            | "last"
            | "lastpageurl"
            | "path"
            | "from"
            | "to"
    )
}

/// `nextpage` for `next_page`, `nextPage`, `next-page`, `_next_page`.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}
