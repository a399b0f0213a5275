//! What an answer says about the list it is a part of: counters, next pages,
//! totals in headers. Nothing here decides by chance: a statement that
//! contradicts another makes the list one that is not understood.

use reqwest::header::{CONTENT_RANGE, HeaderMap, LINK};
use serde_json::{Map, Value};

use super::list_words::{plain, speaks_of_more};

/// What one answer says.
#[derive(Debug, Default)]
pub(super) struct Paging {
    /// The number that the page gives itself.
    pub number: Option<u64>,
    pub last: Option<u64>,
    pub per_page: Option<u64>,
    pub total: Option<u64>,
    /// Rows of this page in some services, rows in all in others.
    pub count: Option<u64>,
    /// The position of the page's last row in the whole list.
    pub up_to: Option<u64>,
    pub next: Next,
    /// Two statements differ, or a counter is not a number.
    pub is_contradictory: bool,
}

/// What an answer says of a page after it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Next {
    #[default]
    NotSaid,
    /// Expressly none.
    None,
    Page(u64),
    Link(String),
    /// A cursor, a token, or a bare "there is more".
    Other,
}

impl Next {
    fn of(value: &Value, may_be_number: bool) -> Next {
        match value {
            Value::Null | Value::Bool(false) => Next::None,
            Value::Number(number) => match number.as_u64() {
                Some(0) => Next::None,
                Some(number) if may_be_number => Next::Page(number),
                _ => Next::Other,
            },
            Value::String(text) => Next::of_text(text, may_be_number),
            Value::Object(object) => match object.get("href").or_else(|| object.get("url")) {
                Some(link) => Next::of(link, false),
                None if object.is_empty() => Next::None,
                None => Next::Other,
            },
            Value::Array(list) if list.is_empty() => Next::None,
            Value::Bool(true) | Value::Array(_) => Next::Other,
        }
    }

    fn of_text(text: &str, may_be_number: bool) -> Next {
        match text.trim() {
            "" => Next::None,
            text => match text.parse() {
                Ok(number) if may_be_number => Next::Page(number),
                Ok(_) => Next::Other,
                Err(_) if text.contains('?') => Next::Link(text.to_owned()),
                Err(_) => Next::Other,
            },
        }
    }

    /// Whether it is the page of that number of the same list. The address
    /// itself is never followed: a page is asked for as the first one was.
    pub fn is_page(&self, number: u64, parameters: &[&str]) -> bool {
        match self {
            Next::Page(page) => *page == number,
            Next::Link(link) => {
                let query = link.split_once('?').map_or("", |(_, query)| query);
                let query = query.split('#').next().unwrap_or_default();
                let mut pages = false;
                url::form_urlencoded::parse(query.as_bytes()).all(|(name, value)| {
                    match name.as_ref() {
                        "page" => {
                            pages = true;
                            value.parse() == Ok(number)
                        }
                        "per_page" | "limit" => true,
                        other => parameters.contains(&other),
                    }
                }) && pages
            }
            Next::NotSaid | Next::None | Next::Other => false,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Next::NotSaid => 0,
            Next::None => 1,
            Next::Other => 2,
            Next::Link(_) => 3,
            Next::Page(_) => 4,
        }
    }
}

/// The page number in the query of an address.
fn page_of(link: &str) -> Option<u64> {
    let (_, query) = link.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "page")?.1.parse().ok()
}

impl Paging {
    /// What the headers say.
    pub fn of_headers(headers: &HeaderMap) -> Paging {
        let mut paging = Paging::default();
        for (name, word) in [
            ("x-total-count", "total"),
            ("x-total", "total"),
            ("x-pagination-total-count", "total"),
            ("x-total-pages", "last_page"),
            ("x-page", "page"),
            ("x-per-page", "per_page"),
            ("x-next-page", "next_page"),
        ] {
            for value in headers.get_all(name) {
                let text = value.to_str().unwrap_or("?").trim();
                paging.note(word, &Value::from(text));
            }
        }
        paging.note_other_headers(headers);
        for value in headers.get_all(LINK) {
            // A title in another encoding must not hide the link beside it.
            let text = String::from_utf8_lossy(value.as_bytes());
            for link in next_links(&text) {
                paging.announce(Next::Link(link.to_owned()));
            }
        }
        for value in headers.get_all(CONTENT_RANGE) {
            // `items 0-24/319`; with `*` nobody says how much is missing.
            let total = value.to_str().ok().and_then(|text| text.rsplit_once('/'));
            match total.map(|(_, total)| total.trim().parse()) {
                Some(Ok(total)) => paging.set_total(total),
                _ => paging.announce(Next::Other),
            }
        }
        paging
    }

    /// Headers of other names that speak of more: `X-Next-Cursor`, `X-Has-More`,
    /// `X-Pagination` with JSON.
    fn note_other_headers(&mut self, headers: &HeaderMap) {
        let known = ["x-pagination-total-count", "x-next-page"];
        let others = headers.iter().filter(|(name, _)| {
            let name = name.as_str();
            name.starts_with("x-") && !known.contains(&name) && speaks_of_more(&plain(name))
        });
        for (_, value) in others {
            let text = String::from_utf8_lossy(value.as_bytes());
            match serde_json::from_str::<Value>(&text) {
                Ok(Value::Object(fields)) => self.note_all(&fields),
                Ok(said) => self.announce(Next::of(&said, false)),
                Err(_) => self.announce(Next::of_text(&text, false)),
            }
        }
    }

    /// Takes in a field of the answer, with all that it holds.
    pub fn note(&mut self, name: &str, value: &Value) {
        let name = plain(name);
        match (name.as_str(), value) {
            (
                "page" | "pagination" | "paging" | "meta" | "links" | "cursor" | "cursors",
                Value::Object(fields),
            ) => {
                self.note_all(fields);
            }
            // Whether this page is the last, or where the last one is.
            ("last", Value::Bool(is_last)) => self.announce(match is_last {
                true => Next::None,
                false => Next::Other,
            }),
            ("last" | "lastpageurl", Value::String(link)) => {
                if let Some(last) = page_of(link) {
                    self.set(|p| &mut p.last, &Value::from(last));
                }
            }
            ("to", Value::Number(_)) => self.set(|p| &mut p.up_to, value),
            ("links", Value::Array(links)) => self.note_links(links),
            ("page" | "currentpage", _) => self.set(|p| &mut p.number, value),
            ("lastpage" | "totalpages" | "pagecount" | "pages" | "numpages", _) => {
                self.set(|p| &mut p.last, value)
            }
            ("perpage" | "pagesize", _) => self.set(|p| &mut p.per_page, value),
            ("count", _) => self.set(|p| &mut p.count, value),
            ("hasmore" | "hasmorepages" | "hasnext" | "hasnextpage" | "more", _) => {
                self.announce(Next::of(value, false));
            }
            ("next" | "nextpage", _) => self.announce(Next::of(value, true)),
            (name, _) if name.starts_with("next") => self.announce(Next::of(value, false)),
            (name, _) if name.starts_with("total") => self.set(|p| &mut p.total, value),
            ("numresults" | "resultcount" | "numrows" | "rowcount" | "numfound", _) => {
                self.set(|p| &mut p.count, value);
            }
            (name, _) if speaks_of_more(name) => self.announce(Next::of(value, false)),
            _ => {}
        }
    }

    fn note_all(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            self.note(name, value);
        }
    }

    /// `[{"rel":"next","href":"…"}]`
    fn note_links(&mut self, links: &[Value]) {
        for link in links.iter().filter(|link| link["rel"] == "next") {
            self.announce(Next::of(link, false));
        }
    }

    /// Takes in what another part of the same answer says.
    pub fn join(&mut self, other: Paging) {
        let mut is_contradictory = other.is_contradictory;
        let mut hold = |held: &mut Option<u64>, said: Option<u64>| match (*held, said) {
            (Some(held), Some(said)) => is_contradictory |= held != said,
            (None, said) => *held = said,
            (Some(_), None) => {}
        };
        hold(&mut self.number, other.number);
        hold(&mut self.last, other.last);
        hold(&mut self.per_page, other.per_page);
        hold(&mut self.total, other.total);
        hold(&mut self.count, other.count);
        hold(&mut self.up_to, other.up_to);
        self.is_contradictory |= is_contradictory;
        self.announce(other.next);
    }

    fn set_total(&mut self, total: u64) {
        self.set(|paging| &mut paging.total, &Value::from(total));
    }

    fn set(&mut self, field: impl Fn(&mut Paging) -> &mut Option<u64>, value: &Value) {
        let number = match value {
            Value::Null => return,
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let held = field(self);
        let agrees = number.is_some() && held.is_none_or(|held| Some(held) == number);
        *held = number.or(*held);
        self.is_contradictory |= !agrees;
    }

    /// A page that can be asked for says more than a cursor beside it, and
    /// that more than an empty field of another name.
    fn announce(&mut self, next: Next) {
        if next.rank() == self.next.rank() && next != self.next && matches!(next, Next::Page(_)) {
            self.is_contradictory = true;
        }
        if next.rank() > self.next.rank() {
            self.next = next;
        }
    }
}

/// The addresses with `rel="next"` of a `Link` header.
fn next_links(header: &str) -> impl Iterator<Item = &str> {
    header.split('<').skip(1).filter_map(|link| {
        let (address, parameters) = link.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else {
                return false;
            };
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            let mut kinds = value.split_whitespace();
            name.trim().eq_ignore_ascii_case("rel")
                && kinds.any(|kind| kind.eq_ignore_ascii_case("next"))
        });
        is_next.then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_header_is_read_however_it_is_written() {
        for (header, expected) in [
            (
                "<https://x/?page=2>; rel=\"next\"",
                vec!["https://x/?page=2"],
            ),
            (
                "<a?page=1>; rel=prev, <b?page=3>;title=x;rel=next",
                vec!["b?page=3"],
            ),
            ("<a>; rel=\"last next\"", vec!["a"]),
            ("<a>; rel=last, <b>", vec![]),
        ] {
            let found: Vec<&str> = next_links(header).collect();
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn headers_that_speak_of_more_are_noticed_whatever_their_name_or_encoding() {
        for (name, value, is_more) in [
            ("x-next-cursor", b"abc".as_slice(), true),
            ("x-has-more", b"true", true),
            ("x-has-more", b"false", false),
            ("x-pagination", br#"{"total":7,"next":2}"#, true),
            ("link", b"<a?page=2>; rel=\"next\"; title=\"\xe9\"", true),
            ("x-request-id", b"more", false),
        ] {
            let mut headers = HeaderMap::new();
            let value = reqwest::header::HeaderValue::from_bytes(value).expect("a value");
            headers.insert(reqwest::header::HeaderName::from_static(name), value);
            let next = Paging::of_headers(&headers).next;
            let says_more = !matches!(next, Next::NotSaid | Next::None);
            assert_eq!(says_more, is_more, "{name}: {next:?}");
        }
    }

    #[test]
    fn only_the_next_page_of_the_same_list_is_followed() {
        for (link, is_page) in [
            ("https://x/y?page=2", true),
            ("?domain=acme&per_page=100&page=2#top", true),
            ("?page=3", false),
            ("?page=2&cursor=abc", false),
            ("?offset=100", false),
            ("https://x/y", false),
        ] {
            let next = Next::Link(link.to_owned());
            assert_eq!(next.is_page(2, &["domain"]), is_page, "{link}");
        }
    }
}
