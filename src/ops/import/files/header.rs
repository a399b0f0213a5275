//! What is wrong with the header of a CSV list, and what to do about just that.

use crate::ops::import::files::{ColumnName, unusable};
use skyswitch_domain::error::Error;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Argument, Face, PhoneNumber};

/// Names of columns that are told.
const NAMED: usize = 12;

/// What is wrong with a header.
pub(super) enum Problem<'a> {
    /// It cannot be taken apart.
    Unreadable(&'a str),
    /// It is a row.
    HoldsNumber,
    /// It does not have the name that was given for a column.
    NotThere(&'a ColumnName),
    /// Two of its columns, both with this name, are the same column of the list.
    Twice(&'a str),
    /// It does not name this column of the list.
    Missing(&'static str),
}

impl Problem<'_> {
    /// The error for a header with these names.
    pub fn in_header(&self, names: &[String]) -> Error {
        let problem = match self {
            Problem::Unreadable(reason) => {
                let remedy = "Correct the first line, which names the columns.";
                return unusable(
                    &format!("has a header that cannot be read: {reason}"),
                    remedy,
                );
            }
            Problem::HoldsNumber => "holds a phone number".to_owned(),
            Problem::NotThere(given) => {
                format!("does not have the column \"{}\"", shown(&given.header, 40))
            }
            Problem::Twice(name) => format!("names the column \"{}\" twice", shown(name, 40)),
            Problem::Missing(column) => format!("does not name the column `{column}`"),
        };
        let told: Vec<String> = names
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| format!("\"{}\"", shown(name, 40)))
            .collect();
        let found = match told.as_slice() {
            [] => "it is empty".to_owned(),
            names => format!("it has {}", names[..names.len().min(NAMED)].join(", ")),
        };
        unusable(
            &format!("has a header that {problem} ({found})"),
            &self.remedy(names),
        )
    }

    fn remedy(&self, names: &[String]) -> String {
        let (face, destination) = (Face::speaking(), Argument("destination"));
        match (self, caller_column(names)) {
            (Problem::HoldsNumber, _) => {
                "The first line looks like a row and not like a header. Write a line with the names above it: \
                 `ani,destination`."
                    .to_owned()
            }
            (Problem::NotThere(given), Some(name)) if given.column == "ani" => {
                let name = shown(name, 40);
                format!("If the callers' numbers are in \"{name}\", give `--map \"ani={name}\"`.")
            }
            (Problem::NotThere(given), _) => format!(
                "Give the name that the header has for it: `--map \"{}=…\"`.",
                given.column
            ),
            (Problem::Twice(_), _) => "Rename one of the two, or take it out.".to_owned(),
            (Problem::Missing("destination"), _) => match face {
                Face::CommandLine => format!(
                    "Give {destination} for all rows, or name its column (`--map \"destination=…\"`)."
                ),
                Face::Tools => format!(
                    "Give {destination} for all rows, or call its column `destination` in the header."
                ),
            },
            (_, Some(name)) => {
                let name = shown(name, 40);
                let map = match face {
                    Face::CommandLine => format!(", or give `--map \"ani={name}\"`"),
                    Face::Tools => String::new(),
                };
                format!(
                    "If the callers' numbers are in \"{name}\", call that column `ani` in the header{map}."
                )
            }
            (_, None) => {
                let map = match face {
                    Face::CommandLine => {
                        " Or say what it calls the callers' numbers: `--map \"ani=<name of the column>\"`."
                    }
                    Face::Tools => "",
                };
                format!(
                    "The first line names the columns: `ani,destination,application,dnis,note`, in any order; \
                     only `ani` is needed where {destination} is given for all rows.{map}"
                )
            }
        }
    }
}

/// Whether a cell is a phone number, which no column is called.
pub(super) fn is_number(cell: &str) -> bool {
    cell.parse::<PhoneNumber>().is_ok()
}

/// Refuses names for columns of which one makes another void.
///
/// # Errors
/// `invalid_argument` where two names are given for one column, or two columns for
/// one name.
pub(super) fn refuse_two_meanings(columns: &[ColumnName]) -> Result<(), Error> {
    for (index, given) in columns.iter().enumerate() {
        let is_same_name = |other: &ColumnName| other.header.eq_ignore_ascii_case(&given.header);
        let clashes = |other: &&ColumnName| (other.column == given.column) != is_same_name(other);
        let Some(other) = columns[..index].iter().find(clashes) else {
            continue;
        };
        let (first, second) = (shown(&other.header, 40), shown(&given.header, 40));
        let (column, map) = (given.column, Argument("map"));
        let (problem, remedy) = match other.column == column {
            true => (
                format!("gives `{column}` two columns, \"{first}\" and \"{second}\""),
                "Give one of the two.",
            ),
            false => (
                format!(
                    "takes the column \"{second}\" for `{}` and for `{column}`",
                    other.column
                ),
                "Leave out one of the two.",
            ),
        };
        let problem = format!("{map} {problem}; nothing was sent");
        return Err(Error::invalid("map", problem, remedy));
    }
    Ok(())
}

/// The column that most likely holds the callers' numbers, by what people and
/// address books call it: not the one beside it that says which kind of number
/// it is, rather `Mobile Phone` than `Assistant's Phone`, and that than
/// `Account Number`.
fn caller_column(names: &[String]) -> Option<&String> {
    const CALLER: [&str; 7] = [
        "phone",
        "mobile",
        "cell",
        "tel",
        "telephone",
        "caller",
        "number",
    ];
    const BESIDE: [&str; 6] = ["label", "type", "kind", "extension", "ext", "country"];
    const OF_OTHERS: [&str; 5] = ["assistant", "assistants", "fax", "telefax", "pager"];
    let has_word = |name: &str, is_meant: &dyn Fn(&str) -> bool| {
        let name = name.to_lowercase();
        let mut words = name.split(|c: char| !c.is_alphanumeric());
        words.any(is_meant)
    };
    let has_one_of = |name: &str, known: &[&str]| has_word(name, &|word| known.contains(&word));
    let rank = |name: &str| {
        let calls = |caller: &&str| {
            let is_it =
                |word: &str| word == *caller || (caller.len() > 4 && word.ends_with(*caller));
            has_word(name, &is_it)
        };
        let place = CALLER.iter().position(calls)?;
        let may_be_any = CALLER[place] == "number";
        Some((may_be_any, has_one_of(name, &OF_OTHERS), place))
    };
    let callers = names.iter().filter(|name| !has_one_of(name, &BESIDE));
    let ranked = callers.filter_map(|name| Some((rank(name)?, name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}
