//! What somebody may have meant: the known names that are spelt most like theirs.

use unicode_normalization::UnicodeNormalization;

/// Names offered in place of one that does not exist.
const NEAREST: usize = 3;
/// How alike two names have to be, from 0 to 1.
const ALIKE: f64 = 0.5;

/// How alike two texts are spelt, from 0 to 1.
pub(crate) fn likeness(one: &str, other: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&in_one_writing(one), &in_one_writing(other))
}

/// A name in small letters, with single spaces and composed letters: people and
/// services write the same name in several ways that look alike.
pub(crate) fn in_one_writing(name: &str) -> String {
    let composed: String = name.nfc().collect();
    let small = composed.to_lowercase();
    let words: Vec<&str> = small.split_whitespace().collect();
    words.join(" ")
}

/// Those of which any text is spelt most like what was given, the most alike first.
pub(crate) fn nearest<'a, T>(
    known: &'a [T],
    given: &str,
    texts: impl Fn(&'a T) -> Vec<&'a str>,
) -> impl Iterator<Item = &'a T> {
    let score = |one| {
        let likenesses = texts(one).into_iter().map(|text| likeness(text, given));
        (likenesses.fold(0.0, f64::max), one)
    };
    let scored = known.iter().map(score);
    let mut scored: Vec<(f64, &T)> = scored.filter(|(score, _)| *score >= ALIKE).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(NEAREST).map(|(_, one)| one)
}
