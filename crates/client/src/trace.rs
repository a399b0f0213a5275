//! The trace that a piece of work belongs to, as W3C Trace Context names it.

use std::fmt::{self, Display, Formatter};

/// A place in a trace: the trace itself, and the span that the work is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    span: Option<u64>,
    flags: u8,
    is_continued: bool,
}

impl Trace {
    /// Continues the trace of whoever asks for the work. Begins one of its own
    /// where they name none, or one that cannot be read.
    pub fn of(traceparent: Option<&str>) -> Trace {
        traceparent.and_then(read).unwrap_or_else(|| Trace {
            id: rand::random::<u128>().max(1),
            span: None,
            flags: 1,
            is_continued: false,
        })
    }

    /// The place of a part of the work, in a span of its own.
    #[must_use]
    pub fn part(self) -> Trace {
        Trace {
            span: Some(rand::random::<u64>().max(1)),
            ..self
        }
    }

    /// The trace, in hexadecimal digits.
    pub fn id(self) -> String {
        format!("{:032x}", self.id)
    }

    /// The span, in hexadecimal digits; empty where there is none around the work.
    pub fn span(self) -> String {
        self.span
            .map_or(String::new(), |span| format!("{span:016x}"))
    }

    /// What others are told, where somebody else began the trace: nobody
    /// knows of one that began here.
    pub fn traceparent(self) -> Option<String> {
        self.is_continued.then(|| self.to_string())
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let span = self.span.unwrap_or_default();
        write!(f, "00-{:032x}-{span:016x}-{:02x}", self.id, self.flags)
    }
}

/// `VERSION-TRACE-SPAN-FLAGS`; what later versions add behind it is left out.
fn read(traceparent: &str) -> Option<Trace> {
    let mut parts = traceparent.split('-');
    let mut next = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.bytes().all(is_hex).then_some(part)
    };
    let (version, id, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let has_more = parts.next().is_some();
    let trace = Trace {
        id: u128::from_str_radix(id, 16).ok()?,
        span: u64::from_str_radix(span, 16).ok().filter(|span| *span > 0),
        flags: u8::from_str_radix(flags, 16).ok()?,
        is_continued: true,
    };
    let is_known = version != "ff" && (version != "00" || !has_more);
    (is_known && trace.id > 0 && trace.span.is_some()).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_is_continued_in_spans_of_its_own() {
        let given = Trace::of(Some(GIVEN));
        assert_eq!(given.traceparent().as_deref(), Some(GIVEN));
        let part = given.part();
        assert_eq!(part.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(part.span(), given.span());
        assert_eq!(part.span().len(), 16);
    }

    #[test]
    fn what_is_no_trace_is_not_continued_and_a_trace_of_our_own_is_told_to_nobody() {
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let no_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let longer = format!("{GIVEN}-more");
        let upper = GIVEN.to_uppercase();
        let unknown = format!("ff{}", &GIVEN[2..]);
        for text in ["", "16165550123", zeros, no_span, &longer, &upper, &unknown] {
            let trace = Trace::of(Some(text));
            assert_eq!(trace.part().traceparent(), None, "{text}");
        }
        let later = format!("01{}-more", &GIVEN[2..]);
        assert_eq!(Trace::of(Some(&later)).id(), Trace::of(Some(GIVEN)).id());
    }
}
