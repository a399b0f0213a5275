//! What is written behind a number in the same place: a code that is dialled once
//! the call is answered, after a pause, or another number.

use skyswitch_domain::PhoneNumber;

/// Characters that an address book takes for a pause, behind a number.
pub(super) const PAUSES: [char; 6] = [',', ';', 'p', 'P', 'w', 'W'];

/// The number before the first pause, and the rest. A letter is a pause only
/// between digits: `1-800-FLOWERS` has none.
pub(super) fn before_pause(text: &str) -> (String, Option<String>) {
    let dials = |rest: &str| {
        rest.chars().all(|c| {
            c.is_ascii_digit() || PAUSES.contains(&c) || matches!(c, '#' | '*' | ' ' | '-')
        })
    };
    let pause = text.find(PAUSES).filter(|at| {
        let (number, rest) = text.split_at(*at);
        number.contains(|c: char| c.is_ascii_digit()) && dials(rest)
    });
    match pause {
        Some(at) => {
            let (number, rest) = text.split_at(at);
            (number.trim().to_owned(), Some(rest.to_owned()))
        }
        None => (text.to_owned(), None),
    }
}

/// Whether there is a code behind the number, and nothing that may be another number.
pub(super) fn has_code(text: &str) -> bool {
    let (number, code) = before_pause(text);
    let is_number = number.parse::<PhoneNumber>().is_ok();
    let digits = |code: String| code.contains(|c: char| c.is_ascii_digit());
    is_number && code.is_some_and(digits) && !is_several_numbers(text, &PAUSES)
}

/// Whether a text is more than one number, with these marks between them, or with
/// what Google Contacts writes there. Bare digits after two pauses are a code, even if
/// they are as long as a number: nobody divides two numbers like that.
pub(super) fn is_several_numbers(text: &str, marks: &[char]) -> bool {
    let is_number = |part: &str| part.trim().parse::<PhoneNumber>().is_ok();
    let mut numbers = 0;
    let mut is_second_pause = false;
    for piece in text.split(marks) {
        let is_bare = !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit());
        let is_code = numbers > 0 && is_second_pause && is_bare;
        if !is_code {
            numbers += piece.split(":::").filter(|part| is_number(part)).count();
        }
        is_second_pause = piece.is_empty();
    }
    numbers > 1
}
