//! Whether a list goes on, by what its pages so far have said of it.

use super::paging::{Next, Paging};
use skyswitch_domain::wording::counted;

/// A page that has been read, and what is needed to judge what comes after it.
pub(super) struct Reading<'a> {
    pub number: u64,
    pub rows_here: u64,
    pub rows_so_far: u64,
    /// Names of the parameters that were sent.
    pub parameters: &'a [&'static str],
}

/// What the pages read so far say of the whole list. What one page says holds
/// until the end; another page may be silent, but not say something else.
#[derive(Debug, Default)]
pub(super) struct Announced {
    is_numbered: bool,
    last: Option<u64>,
    per_page: Option<u64>,
    total: Option<u64>,
}

/// Why a list cannot be read to its end.
type Why = String;

impl Announced {
    /// The number of the page to ask for after this one; `None` where the list
    /// is whole.
    pub fn following(&mut self, page: &Paging, reading: &Reading<'_>) -> Result<Option<u64>, Why> {
        self.learn(page, reading)?;
        let Reading {
            number,
            rows_here,
            rows_so_far,
            ..
        } = *reading;
        if let Some(total) = self.total.filter(|total| rows_so_far > *total) {
            return Err(format!(
                "it gives {} and announces {total}",
                rows(rows_so_far)
            ));
        }
        let by_last = self.last.map(|last| number < last);
        let by_total = self.total.map(|total| rows_so_far < total);
        let by_next = match page.next {
            Next::NotSaid => None,
            Next::None => Some(false),
            _ => Some(true),
        };
        let said: Vec<bool> = [by_last, by_total, by_next].into_iter().flatten().collect();
        let is_followed = match said.as_slice() {
            // A full page: only the next one tells whether there is more.
            [] => self
                .per_page
                .is_some_and(|size| size > 0 && rows_here >= size),
            [first, others @ ..] if others.iter().all(|other| other == first) => *first,
            _ => return Err(self.shortfall(rows_so_far)),
        };
        if !is_followed {
            return Ok(None);
        }
        if rows_here == 0 {
            return Err(self.shortfall(rows_so_far));
        }
        let next = number + 1;
        match self.is_numbered || page.next.is_page(next, reading.parameters) {
            true => Ok(Some(next)),
            false => Err(match self.total {
                Some(_) => self.shortfall(rows_so_far),
                None => "more rows follow, announced in a way that is not followed".to_owned(),
            }),
        }
    }

    fn learn(&mut self, page: &Paging, reading: &Reading<'_>) -> Result<(), Why> {
        let mut is_contradictory = page.is_contradictory;
        let mut hold = |known: &mut Option<u64>, said: Option<u64>| match (*known, said) {
            (Some(known), Some(said)) => is_contradictory |= known != said,
            (None, said) => *known = said,
            (Some(_), None) => {}
        };
        hold(&mut self.last, page.last);
        hold(&mut self.per_page, page.per_page);
        hold(&mut self.total, page.total);
        self.is_numbered |= page.number.is_some();
        if page.up_to.is_some_and(|up_to| reading.rows_so_far < up_to) {
            return Err(format!(
                "it says that it goes up to row {}, and gives {}",
                page.up_to.unwrap_or_default(),
                rows(reading.rows_so_far)
            ));
        }
        if let Some(count) = page.count {
            let is_of_this_page = count == reading.rows_here;
            match self.total {
                Some(total) => is_contradictory |= !is_of_this_page && count != total,
                // That many rows are here: whether they are all, it does not say.
                None if is_of_this_page => {}
                None => self.total = Some(count),
            }
        }
        match is_contradictory {
            true => Err("its counters contradict each other".to_owned()),
            false => Ok(()),
        }
    }

    fn shortfall(&self, given: u64) -> Why {
        match self.total {
            Some(total) if total != given => {
                format!("it announces {} and gives {given}", rows(total))
            }
            _ => format!(
                "it gives {}, and it is contradictory whether more follow",
                rows(given)
            ),
        }
    }
}

fn rows(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "row")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Which statements a service makes on each page.
    #[derive(Debug, Clone, Copy)]
    struct Says {
        number: bool,
        per_page: bool,
        last: bool,
        total: bool,
        count_of_page: bool,
        next: u8,
    }

    impl Says {
        fn page(self, number: u64, rows_here: u64, size: u64, total: u64) -> Paging {
            let mut paging = Paging::default();
            let pages = total.div_ceil(size).max(1);
            let more = number < pages;
            let mut note = |is_said: bool, name: &str, value: Value| {
                if is_said {
                    paging.note(name, &value);
                }
            };
            note(self.number, "page", json!(number));
            note(self.per_page, "per_page", json!(size.to_string()));
            note(self.last, "meta", json!({ "last_page": pages }));
            note(self.total, "total", json!(total));
            note(self.count_of_page, "count", json!(rows_here));
            match self.next {
                1 => note(true, "next_page", json!(more.then_some(number + 1))),
                2 => note(true, "next_cursor", json!(more.then_some("abc"))),
                3 => note(true, "has_more", json!(more)),
                4 => {
                    let link = more.then(|| format!("/x?domain=a&page={}", number + 1));
                    note(true, "links", json!({ "next": link }));
                }
                _ => {}
            }
            paging
        }

        fn tells_of_more(self) -> bool {
            self.last || self.total || self.next > 0 || (self.number && self.per_page)
        }
    }

    prop_compose! {
        fn says()(
            number: bool, per_page: bool, last: bool, total: bool, count_of_page: bool, next in 0..5u8,
        ) -> Says {
            Says { number, per_page, last, total, count_of_page, next }
        }
    }

    proptest! {
        #[test]
        fn a_list_that_tells_of_more_is_read_to_its_end_or_refused(
            says in says(), size in 1..5u64, total in 0..20u64,
        ) {
            prop_assume!(says.tells_of_more());
            let mut announced = Announced::default();
            let (mut number, mut rows) = (1, 0);
            loop {
                let here = size.min(total - rows);
                rows += here;
                let reading = Reading {
                    number, rows_here: here, rows_so_far: rows, parameters: &["domain"],
                };
                match announced.following(&says.page(number, here, size, total), &reading) {
                    Ok(Some(next)) => number = next,
                    Ok(None) => { prop_assert_eq!(rows, total); break; }
                    Err(_) => {
                        // Whoever numbers pages, or whose links do, is followed.
                        prop_assert!(!says.number && !matches!(says.next, 1 | 4));
                        break;
                    }
                }
            }
        }
    }
}
