//! A text as pages of HTML show it.

/// How a character is written.
#[derive(Clone, Copy)]
enum Way {
    AsIs,
    ByName,
    ByNumber,
    ByDigits,
}

impl Way {
    fn write(self, letter: char) -> String {
        let number = u32::from(letter);
        let by_number = || format!("&#{number};");
        match self {
            Way::AsIs => letter.to_string(),
            Way::ByName => name(letter).map_or_else(by_number, |name| format!("&{name};")),
            Way::ByNumber => by_number(),
            Way::ByDigits => format!("&#x{number:x};"),
        }
    }
}

/// Every usual writing: marks that HTML needs for itself, and letters beyond
/// ASCII, each by name, by number or in hexadecimal digits.
pub(crate) fn in_html(text: &str) -> Vec<String> {
    const APOSTROPHES: [&str; 5] = ["'", "&apos;", "&#39;", "&#039;", "&#x27;"];
    let written = |marks: Way, letters: Way, apostrophe: Option<&str>| -> String {
        let write = |letter: char| match (letter, apostrophe) {
            ('\'', Some(apostrophe)) => apostrophe.to_owned(),
            ('&' | '<' | '>' | '"' | '\'', _) => marks.write(letter),
            (letter, _) if letter.is_ascii() => letter.to_string(),
            (letter, _) => letters.write(letter),
        };
        text.chars().map(write).collect()
    };
    let mut all = Vec::new();
    for letters in [Way::AsIs, Way::ByName, Way::ByNumber, Way::ByDigits] {
        let by_name = |apostrophe| written(Way::ByName, letters, Some(apostrophe));
        all.extend(APOSTROPHES.map(by_name));
        all.extend([Way::ByNumber, Way::ByDigits].map(|marks| written(marks, letters, None)));
    }
    all
}

/// The name of a mark, or of a letter of Latin-1.
fn name(letter: char) -> Option<&'static str> {
    /// From U+00A0 on.
    const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr \
        deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest \
        Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml \
        ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig \
        agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml \
        eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
    match letter {
        '&' => Some("amp"),
        '<' => Some("lt"),
        '>' => Some("gt"),
        '"' => Some("quot"),
        '\u{20ac}' => Some("euro"),
        letter => {
            let place = usize::try_from(u32::from(letter).checked_sub(0xA0)?).ok()?;
            LATIN_1.split_ascii_whitespace().nth(place)
        }
    }
}
