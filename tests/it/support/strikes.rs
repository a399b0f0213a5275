//! The faults that operations meet.

use skyswitch_mcp::sandbox::{Fault, Gate, RetryAfter};

/// What goes wrong with requests.
pub struct Strike {
    pub name: &'static str,
    pub about: &'static str,
    pub times: usize,
    pub fault: fn(&str, &str) -> Fault,
}

const fn once(name: &'static str, about: &'static str, fault: fn(&str, &str) -> Fault) -> Strike {
    Strike {
        name,
        about,
        times: 1,
        fault,
    }
}

const fn always(name: &'static str, about: &'static str, fault: fn(&str, &str) -> Fault) -> Strike {
    Strike {
        name,
        about,
        times: usize::MAX,
        fault,
    }
}

fn answer(method: &str, path: &str, status: u16, text: &str, media_type: &str) -> Fault {
    Fault::status(method, path, status).body(text, media_type)
}

fn after(method: &str, path: &str, status: u16, text: &str) -> Fault {
    Fault::status_after(method, path, status).body(text, "application/json")
}

const JSON: &str = "application/json";

/// What never ends. Its cells wait for as long as a call may take, each by itself.
pub const HANG: &str = "hang";

pub const STRIKES: [Strike; 37] = [
    once("401-once", "one request is refused with 401", |m, p| {
        Fault::status(m, p, 401)
    }),
    always("401", "every request is refused with 401", |m, p| {
        Fault::status(m, p, 401)
    }),
    always("403", "every request is refused with 403", |m, p| {
        Fault::status(m, p, 403)
    }),
    always("404", "every request is answered with 404", |m, p| {
        Fault::status(m, p, 404)
    }),
    once("408-once", "one request is answered with 408", |m, p| {
        Fault::status(m, p, 408)
    }),
    always("409", "every request is answered with 409", |m, p| {
        Fault::status(m, p, 409)
    }),
    once("420-once", "one request is answered with 420", |m, p| {
        Fault::status(m, p, 420)
    }),
    always("422", "every request is answered with 422", |m, p| {
        Fault::status(m, p, 422)
    }),
    once("425-once", "one request is answered with 425", |m, p| {
        Fault::status(m, p, 425)
    }),
    once(
        "429-once",
        "one request is answered with 429 and no time",
        |m, p| Fault::status(m, p, 429),
    ),
    once(
        "429-one-second",
        "one request is answered with 429, to be sent again in a second",
        |m, p| Fault::status(m, p, 429).retry_after(RetryAfter::Seconds(1)),
    ),
    once(
        "429-date",
        "one request is answered with 429 and a date that has passed",
        |m, p| Fault::status(m, p, 429).retry_after(RetryAfter::Date(std::time::UNIX_EPOCH)),
    ),
    always(
        "429-next-day",
        "every request is answered with 429, to be sent again tomorrow",
        |m, p| Fault::status(m, p, 429).retry_after(RetryAfter::Seconds(86_400)),
    ),
    once("500-once", "one request fails with 500", |m, p| {
        Fault::status(m, p, 500)
    }),
    always("500", "every request fails with 500", |m, p| {
        Fault::status(m, p, 500)
    }),
    always(
        "502",
        "every request is answered with 502 and a page of HTML",
        |m, p| {
            answer(
                m,
                p,
                502,
                "<html><body>Bad Gateway</body></html>",
                "text/html",
            )
        },
    ),
    once("503-once", "one request is answered with 503", |m, p| {
        Fault::status(m, p, 503)
    }),
    once(
        "reset-before-once",
        "one connection is closed before the service acts",
        Fault::drop_before,
    ),
    always(
        "reset-before",
        "every connection is closed before the service acts",
        Fault::drop_before,
    ),
    once(
        "reset-after-once",
        "one connection is closed after the service acted",
        Fault::drop_after,
    ),
    always(HANG, "no request is ever answered", |m, p| {
        Fault::hold(m, p, &Gate::default())
    }),
    always(
        "half-body",
        "every answer ends in the middle",
        Fault::truncate,
    ),
    always(
        "html",
        "every answer is a page of HTML with status 200",
        Fault::html,
    ),
    always(
        "too-large",
        "every answer is larger than any list",
        |m, p| Fault::huge(m, p, 80 << 20),
    ),
    always(
        "gzip-bomb",
        "every answer is a few hundred kilobytes that unpack to 80 MiB",
        |m, p| Fault::gzip_bomb(m, p, 80 << 20),
    ),
    always(
        "wrong-type",
        "every answer is JSON that calls itself text",
        |m, p| answer(m, p, 200, "[]", "text/plain"),
    ),
    always(
        "wrong-charset",
        "every answer names a character set that nobody knows",
        |m, p| answer(m, p, 200, "[]", "application/json; charset=x-unknown"),
    ),
    always("text", "every answer is the text OK", |m, p| {
        answer(m, p, 200, "OK", "text/plain")
    }),
    always(
        "cut-json",
        "every answer is JSON without its end",
        |m, p| answer(m, p, 200, "[{\"ani\":\"1616", JSON),
    ),
    always(
        "empty",
        "every answer is status 200 without a body",
        |m, p| answer(m, p, 200, "", JSON),
    ),
    always(
        "no-content",
        "every answer is 204, and nothing is done",
        |m, p| answer(m, p, 204, "", JSON),
    ),
    always("partial-content", "every answer is 206", |m, p| {
        answer(m, p, 206, "[]", JSON)
    }),
    always("redirect", "every answer is 302", |m, p| {
        answer(m, p, 302, "", "text/html")
    }),
    always("acts-500", "the service acts and answers 500", |m, p| {
        Fault::status_after(m, p, 500)
    }),
    always("acts-404", "the service acts and answers 404", |m, p| {
        Fault::status_after(m, p, 404)
    }),
    always(
        "acts-empty",
        "the service acts and answers 200 without a body",
        |m, p| after(m, p, 200, ""),
    ),
    always(
        "acts-no",
        "the service acts and answers 200 with `success` false",
        |m, p| after(m, p, 200, r#"{"success":false}"#),
    ),
];
