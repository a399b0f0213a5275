//! What a text is like, without what it says: `1NNNNNNNNNN` for a number,
//! `user:NNN` for a destination, a class of length for a word.

use url::Url;

/// Words of the APIs themselves, which say nothing of a customer.
const WORDS: [&str; 32] = [
    "*",
    "[*]",
    "[!!!*]",
    "<OwnDomain>",
    "<Default>",
    "<Cloud PBX Features>",
    "accepted",
    "bearer",
    "created",
    "d",
    "deleted",
    "device",
    "domain",
    "e",
    "error",
    "false",
    "literal",
    "n/a",
    "no",
    "no portal",
    "null",
    "ok",
    "pbx",
    "queue",
    "route_by_ani",
    "success",
    "system-queue",
    "system-user",
    "to-user",
    "true",
    "user",
    "yes",
];

/// What an address may begin with.
const SCHEMES: [&str; 5] = ["user:", "device:", "sip:", "sips:", "tel:"];

/// Longest text that is told character by character.
const LONGEST_PATTERN: usize = 40;

/// What a text is like: digits as `N` (the country code 1 as it is), names and
/// words as classes of length, and nothing of what they say.
pub fn class_of(text: &str) -> String {
    let trimmed = text.trim();
    match (trimmed.is_empty(), trimmed.len() == text.len()) {
        (true, _) => text.chars().take(1).map(|_| ' ').collect(),
        (false, true) => class_of_trimmed(trimmed),
        (false, false) => format!("{} with spaces around it", class_of_trimmed(trimmed)),
    }
}

fn class_of_trimmed(text: &str) -> String {
    if WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return text.to_owned();
    }
    let scheme = SCHEMES.iter().find(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if let Some(scheme) = scheme {
        return format!("{scheme}{}", class_of(&text[scheme.len()..]));
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return address(text);
    }
    if is_uuid(text) {
        return "uuid".to_owned();
    }
    if let Some(pattern) = pattern(text) {
        return pattern;
    }
    if text.contains(char::is_whitespace) {
        return match text.chars().count() {
            ..=LONGEST_PATTERN => "words".to_owned(),
            _ => "text".to_owned(),
        };
    }
    if let Some((user, host)) = text.split_once('@') {
        return match user.contains(char::is_alphabetic) && !is_pbx_domain(host) {
            true => "email".to_owned(),
            false => format!("{}@{}", class_of(user), host_class(host)),
        };
    }
    match text.contains('.') && text.contains(char::is_alphabetic) {
        true => host_class(text),
        false => match text.chars().count() {
            0..=3 => "short word".to_owned(),
            4..=12 => "word".to_owned(),
            13..=LONGEST_PATTERN => "long word".to_owned(),
            _ => "very long word".to_owned(),
        },
    }
}

/// Digits and marks, such as a phone number, a date or a range: each digit
/// becomes `N`, but for the country code of eleven of them.
fn pattern(text: &str) -> Option<String> {
    let is_mark = |c: char| " ()-./:+,;*#[]TZ".contains(c);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_pattern = text.chars().all(|c| c.is_ascii_digit() || is_mark(c));
    if !is_pattern || digits == 0 || text.len() > LONGEST_PATTERN {
        return None;
    }
    let mut has_country = digits == 11;
    let mask = |c: char| match c {
        '1' if std::mem::take(&mut has_country) => '1',
        c if c.is_ascii_digit() => {
            has_country = false;
            'N'
        }
        c => c,
    };
    Some(text.chars().map(mask).collect())
}

/// `name.NNNNN.service` for a PBX domain, with its case and a dot at its end;
/// `host` for any other.
fn host_class(host: &str) -> String {
    if WORDS.contains(&host) {
        return host.to_owned();
    }
    if !is_pbx_domain(host) {
        return pattern(host).unwrap_or_else(|| "host".to_owned());
    }
    let is_capital = host.chars().all(|c| !c.is_lowercase());
    let label = |label: &str| {
        if label.is_empty() || label.eq_ignore_ascii_case("service") {
            return label.to_owned();
        }
        let name = match is_capital {
            true => "NAME",
            false => "name",
        };
        pattern(label).unwrap_or_else(|| name.to_owned())
    };
    host.split('.').map(label).collect::<Vec<_>>().join(".")
}

fn is_pbx_domain(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".service")
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(is_hex)
}

/// An address with the names of its parameters: `url ?page`.
pub(super) fn address(text: &str) -> String {
    let query = match Url::parse(text) {
        Ok(url) => url.query().unwrap_or_default().to_owned(),
        Err(_) => text
            .split_once('?')
            .map_or("", |(_, query)| query)
            .to_owned(),
    };
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let names: Vec<String> = pairs.map(|(name, _)| key(&name)).collect();
    match names.is_empty() {
        true => "url".to_owned(),
        false => format!("url ?{}", names.join(",")),
    }
}

/// A key as it is where it is made of words that APIs name their fields with;
/// otherwise its class, because it may be data itself: an extension, a name.
pub(super) fn key(name: &str) -> String {
    match is_known_field(name) {
        true => name.to_owned(),
        false => format!("<{}>", class_of(name)),
    }
}

/// Whether a name may be that of a field: a short identifier.
pub(super) fn may_be_field(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=LONGEST_PATTERN).contains(&name.len())
        && digits <= 2
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(is_part)
}

/// Whether every word of a name is one that APIs name their fields with.
pub(super) fn is_known_field(name: &str) -> bool {
    let words = words_of(name);
    may_be_field(name)
        && !words.is_empty()
        && words.iter().all(|word| {
            let singular = word.strip_suffix('s').unwrap_or(word);
            [word.as_str(), singular]
                .iter()
                .any(|word| FIELD_WORDS.binary_search(word).is_ok())
        })
}

/// `phone` and `number` of `phone_number`, `phoneNumber` and `phone-number`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        let is_new = !letter.is_ascii_alphanumeric() || (letter.is_ascii_uppercase() && was_small);
        if is_new {
            words.push(String::new());
        }
        was_small = letter.is_ascii_lowercase();
        if letter.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The words of which the published APIs make the names of fields and paths, and
/// others that such names are made of and that no person or company is called by,
/// in alphabetical order.
#[rustfmt::skip]
const FIELD_WORDS: &[&str] = &[
    "access", "account", "accounts", "action", "active", "address", "alias", "all", "allow", "alternate", "ani",
    "anonymous", "answer", "answered", "answerrule", "aor", "api", "apiversion", "app", "application", "area", "auth",
    "available", "billing", "blocked", "busy", "by", "call", "called", "callee", "caller", "callerid", "carrier",
    "category", "changed", "channel", "city", "class", "client", "code", "comment", "company", "conference",
    "connection", "contact", "content", "control", "copy", "count", "country", "created", "current", "cursor",
    "customer", "dail", "data", "date", "day", "default", "delete", "deleted", "department", "description", "dest",
    "destination", "detail", "device", "dial", "dialled", "dialplan", "dialrule", "did", "digits", "dir", "directory",
    "disabled", "display", "dnd", "dnis", "domain", "dow", "duration", "e911", "email", "emergency", "enable",
    "enabled", "end", "entry", "error", "event", "exp", "expire", "expires", "expiry", "extension", "external",
    "fallback", "fax", "feature", "field", "file", "filter", "first", "flag", "for", "force", "format", "forward",
    "forwarding", "frame", "from", "full", "greeting", "group", "has", "hide", "history", "hold", "host",
    "hosted", "hour", "hours", "href", "id", "image", "in", "inbound", "incoming", "index", "info",
    "internal", "interval", "invalid", "ip", "is", "issue", "item", "key", "kind", "label", "language", "last",
    "latency", "legacy", "length", "level", "limit", "line", "link", "list", "local", "locale", "location", "login",
    "logo", "mac", "mail", "match", "matching", "matchrule", "member", "message", "meta", "mfa",
    "minute", "mobile", "mode", "model", "modified", "month", "more", "msg", "name", "network", "next", "note",
    "notify", "num", "number", "numbers", "oauth", "oauth2", "object", "offset", "ok", "only", "operator", "option",
    "options", "order", "organization", "origin", "original", "outbound", "outgoing", "override", "owner", "page",
    "pages", "pagination", "paging", "param", "parameter", "parameters", "params", "parent", "password", "path",
    "pattern", "payload", "pbx", "per", "percent", "permission", "person", "phone", "pin", "plan", "port", "portal",
    "position", "postal", "prefix", "presence", "prev", "previous", "primary", "priority", "private", "product",
    "profile", "protocol", "provider", "province", "provisioned", "public", "query", "queue", "quota", "range",
    "rate", "raw", "read", "ready", "reason", "recipient", "record", "recording", "ref", "refresh", "region",
    "registered", "registrar", "registration", "reject", "rel", "relation", "remaining", "remote", "rendering",
    "request", "reseller", "resource", "responder", "response", "result", "retry", "revision", "ring", "rings",
    "role", "route", "routes", "routing", "row", "rows", "rule", "sample", "schedule", "scheme", "scope", "search",
    "seconds", "secret", "section", "security", "seen", "selected", "self", "sender", "sequence", "server", "service",
    "session", "setting", "short", "sim", "simultaneous", "sip", "site", "size", "sort", "source", "spam", "special",
    "speed", "srv", "start", "state", "status", "step", "stored", "sub", "subscriber", "success",
    "supported", "suspended", "synced", "system", "tag", "target", "task", "template", "tenant", "tenants",
    "terminate", "terminated", "territory", "text", "time", "timeframe", "timeout", "timestamp", "timezone", "title",
    "to", "tod", "token", "toll", "total", "transfer", "translation", "treatment", "truncated", "trunk", "type",
    "uid", "unique", "unit", "unlimited", "updated", "uri", "url", "usage", "user", "username", "uuid", "v1", "v2",
    "valid", "validity", "value", "verified", "version", "via", "view", "visibility", "visible", "vm", "vmail",
    "voice", "voicemail", "wait", "warning", "week", "weight", "window", "xml", "year", "zip", "zone",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_by_its_class() {
        for (text, class) in [
            ("", ""),
            ("  ", " "),
            ("*", "*"),
            ("User", "User"),
            ("16165550123", "1NNNNNNNNNN"),
            ("+1 616-555-0123", "+1 NNN-NNN-NNNN"),
            ("6165550123", "NNNNNNNNNN"),
            ("101", "NNN"),
            ("user:101", "user:NNN"),
            ("user:john", "user:word"),
            ("sip:16165550123@*", "sip:1NNNNNNNNNN@*"),
            ("101@acme.12345.service", "NNN@name.NNNNN.service"),
            (
                "ACME.12345.SERVICE ",
                "NAME.NNNNN.SERVICE with spaces around it",
            ),
            ("acme.12345.service.", "name.NNNNN.service."),
            ("maya@example.com", "email"),
            ("2026-11-26 19:00:00", "NNNN-NN-NN NN:NN:NN"),
            ("2026-11-26T19:00:00Z", "NNNN-NN-NNTNN:NN:NNZ"),
            ("0f8fad5b-d9cb-469f-a165-70867728950e", "uuid"),
            (
                "https://api.example/x?page=2&who=maya",
                "url ?page,<short word>",
            ),
            ("Maya Lindgren", "words"),
            ("Lindgren", "word"),
        ] {
            assert_eq!(class_of(text), class, "{text}");
        }
    }

    #[test]
    fn the_words_of_fields_are_in_order() {
        assert!(FIELD_WORDS.is_sorted());
    }

    #[test]
    fn a_key_that_is_data_is_told_by_its_class() {
        for (name, told) in [
            ("phone_number", "phone_number"),
            ("phoneNumber", "phoneNumber"),
            ("dail-rule-matching-to-uri", "dail-rule-matching-to-uri"),
            ("16165550123", "<1NNNNNNNNNN>"),
            ("acme.12345.service", "<name.NNNNN.service>"),
            ("maya", "<word>"),
            ("mayas_phone", "<word>"),
            ("Lindgren", "<word>"),
            ("101", "<NNN>"),
        ] {
            assert_eq!(key(name), told);
        }
    }
}
