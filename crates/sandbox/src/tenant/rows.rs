//! Rows in the order in which they were stored, found by key without a look at the others.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits that tell two North American numbers apart.
const NATIONAL_DIGITS: usize = 10;

/// What rows are found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// All of a domain, which is compared in any case.
    Domain(String),
    /// Those of this name in a domain.
    Name(String, String),
    /// Those of this telephone number, or of this caller in a domain.
    Number(Option<String>, String),
}

impl Key {
    pub(crate) fn domain(domain: &str) -> Key {
        Key::Domain(domain.to_ascii_lowercase())
    }

    pub(crate) fn name(domain: &str, name: &str) -> Key {
        Key::Name(domain.to_ascii_lowercase(), name.to_owned())
    }

    /// A telephone number in any writing; other text is taken as it is.
    pub(crate) fn number(number: &str) -> Key {
        Key::Number(None, any_writing(number))
    }

    /// A caller in any writing.
    pub(crate) fn caller(domain: &str, ani: &str) -> Key {
        Key::Number(Some(domain.to_ascii_lowercase()), any_writing(ani))
    }
}

fn any_writing(text: &str) -> String {
    national(text).unwrap_or_else(|| text.to_owned())
}

/// The last 10 digits of a number with 10 or 11 of them.
pub(crate) fn national(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_number = !text.chars().any(char::is_alphabetic);
    let country_code = digits.len().checked_sub(NATIONAL_DIGITS)?;
    (is_number && (country_code == 0 || (country_code == 1 && digits.starts_with('1'))))
        .then(|| digits[country_code..].to_owned())
}

/// A row that is found by keys.
pub(crate) trait Keyed {
    /// Each key under which it is found.
    fn keys(&self) -> Vec<Key>;
}

/// Rows of one kind. Every lookup names a key; only what is about all rows looks at all.
#[derive(Debug, Clone)]
pub(crate) struct Rows<T> {
    /// By their place in the order.
    rows: BTreeMap<u64, T>,
    /// The places of each key, in order.
    places: HashMap<Key, Vec<u64>>,
    next: u64,
    changes: u64,
}

impl<T> Default for Rows<T> {
    fn default() -> Rows<T> {
        Rows {
            rows: BTreeMap::new(),
            places: HashMap::new(),
            next: 0,
            changes: 0,
        }
    }
}

impl<T: Keyed> Rows<T> {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// Those of a key.
    pub(crate) fn at<'a>(&'a self, key: &Key) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let places = self.places.get(key).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.rows.get(place))
    }

    /// Those of a domain, or all where none is named.
    pub(crate) fn of(&self, domain: Option<&str>) -> Box<dyn Iterator<Item = &T> + '_> {
        match domain {
            Some(domain) => Box::new(self.at(&Key::domain(domain))),
            None => Box::new(self.iter()),
        }
    }

    /// How often something was changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Adds a row at the end.
    pub(crate) fn push(&mut self, row: T) {
        self.set(self.next, row);
        self.next += 1;
    }

    /// Changes the first row of a key that is meant; `None` where there is none.
    pub(crate) fn change<R>(
        &mut self,
        key: &Key,
        is_meant: impl Fn(&T) -> bool,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let place = self.place(key, is_meant)?;
        let mut row = self.take(place)?;
        let changed = change(&mut row);
        self.set(place, row);
        Some(changed)
    }

    /// Puts a row in the place of the first one of a key that is meant, else at the end.
    pub(crate) fn put(&mut self, key: &Key, is_meant: impl Fn(&T) -> bool, row: T) {
        match self.place(key, is_meant) {
            Some(place) => {
                self.take(place);
                self.set(place, row);
            }
            None => self.push(row),
        }
    }

    /// Removes the rows of a key that are meant.
    pub(crate) fn remove(&mut self, key: &Key, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
        let mut places = self.places.get(key).cloned().unwrap_or_default();
        places.retain(|place| self.rows.get(place).is_some_and(&is_meant));
        let removed = places.into_iter().filter_map(|place| self.take(place));
        removed.collect()
    }

    fn place(&self, key: &Key, is_meant: impl Fn(&T) -> bool) -> Option<u64> {
        let mut places = self.places.get(key)?.iter().copied();
        places.find(|place| self.rows.get(place).is_some_and(&is_meant))
    }

    fn set(&mut self, place: u64, row: T) {
        for key in row.keys() {
            let places = self.places.entry(key).or_default();
            if let Err(gap) = places.binary_search(&place) {
                places.insert(gap, place);
            }
        }
        self.rows.insert(place, row);
        self.changes += 1;
    }

    fn take(&mut self, place: u64) -> Option<T> {
        let row = self.rows.remove(&place)?;
        for key in row.keys() {
            let Some(places) = self.places.get_mut(&key) else {
                continue;
            };
            if let Ok(found) = places.binary_search(&place) {
                places.remove(found);
            }
            if places.is_empty() {
                self.places.remove(&key);
            }
        }
        self.changes += 1;
        Some(row)
    }
}

impl<T: Keyed> From<Vec<T>> for Rows<T> {
    fn from(all: Vec<T>) -> Rows<T> {
        let mut rows = Rows::default();
        all.into_iter().for_each(|row| rows.push(row));
        rows
    }
}

impl<T: Serialize> Serialize for Rows<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.values())
    }
}

impl<'de, T: Keyed + Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rows<T>, D::Error> {
        Vec::deserialize(deserializer).map(Rows::from)
    }
}
