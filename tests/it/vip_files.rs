//! Lists as files: what spreadsheets, programs and phones make of them.

use proptest::prelude::*;
use skyswitch_mcp::domain::Vip;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::import::files::{Defaults, Format, VipFile, read, to_csv, to_json};

use crate::support::failure;

const NASTY: &[u8] = include_bytes!("../fixtures/nasty.csv");

fn plain(text: &str) -> VipFile {
    read(text.as_bytes(), None, &Defaults::default()).unwrap()
}

fn ringing_101() -> Defaults {
    Defaults {
        destination: Some("101".parse().unwrap()),
        ..Defaults::default()
    }
}

/// Caller and destination of each row.
fn rules(file: &VipFile) -> Vec<(&str, &str)> {
    file.rows
        .iter()
        .map(|row| (row.ani.as_given(), row.destination.as_str()))
        .collect()
}

#[test]
fn every_row_that_cannot_be_read_is_named_with_line_and_reason() {
    let file = read(NASTY, None, &Defaults::default()).unwrap();
    let bad: Vec<(usize, &str)> = file
        .bad
        .iter()
        .map(|bad| (bad.line, bad.reason.as_str()))
        .collect();
    let expected = [
        (8, "scientific notation"),
        (9, "scientific notation"),
        (10, "has decimals"),
        (11, "has an extension"),
        (13, "`ani` is empty"),
        (14, "`destination` is empty"),
        (18, "the row has 8 fields and the header names 6"),
        (27, "line 27 goes on after a closing quotation mark"),
        (28, "line 29 looks like a row of its own"),
        (
            33,
            "`1.6166E+10` in `destination` is in scientific notation",
        ),
    ];
    assert_eq!(bad.len(), expected.len(), "{bad:#?}");
    for ((line, reason), (expected_line, words)) in bad.iter().zip(expected) {
        assert_eq!(*line, expected_line, "{reason}");
        assert!(reason.contains(words), "line {line}: {reason}");
    }
    assert_eq!(file.warnings.len(), 1);
    assert!(file.warnings[0].contains("`Colour`"), "{:?}", file.warnings);
}

#[test]
fn what_spreadsheets_put_around_a_good_row_does_not_matter() {
    let file = read(NASTY, None, &Defaults::default()).unwrap();
    let lines: Vec<usize> = file.rows.iter().map(|row| row.line).collect();
    assert_eq!(
        lines,
        [
            3, 4, 5, 12, 15, 16, 17, 19, 21, 22, 23, 24, 25, 26, 30, 31, 32, 34
        ]
    );
    assert_eq!(file.rows[1].ani.as_given(), "6165550202");
    assert_eq!(file.rows[2].ani.as_given(), "(616) 555-0203");
    assert_eq!(file.rows[2].dnis.as_ref().unwrap().as_given(), "6165550100");
    let note = file.rows[7].note.as_deref().unwrap();
    assert_eq!(
        note,
        "a note; with a separator\nand a second line, \"quoted\""
    );
}

#[test]
fn separators_line_ends_and_encodings_are_seen() {
    let utf16 = |text: &str, little: bool| -> Vec<u8> {
        let mark = std::iter::once('\u{FEFF}' as u16);
        let units = mark.chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    };
    let texts = [
        b"ani,destination\n6165550123,101".to_vec(),
        b"\xEF\xBB\xBFani,destination\r\n6165550123,101\r\n".to_vec(),
        b"ANI;Destination\r6165550123;101\r".to_vec(),
        b"\"ani\"\t\"destination\"\n\"6165550123\"\t\"101\"".to_vec(),
        b"sep=|\nani|destination\n6165550123|101".to_vec(),
        b"destination , ani\n 101 ,\xC2\xA06165550123 ".to_vec(),
        utf16("ani\tdestination\r\n6165550123\t101\r\n", true),
        utf16("ani\tdestination\r\n6165550123\t101\r\n", false),
    ];
    for text in texts {
        let file = read(&text, None, &Defaults::default()).unwrap();
        assert_eq!(rules(&file), [("6165550123", "101")], "{text:?}");
        assert!(file.bad.is_empty() && file.warnings.is_empty(), "{file:?}");
    }
}

#[test]
fn a_list_that_is_none_is_refused_as_a_whole() {
    let lists: [(&[u8], &str); 12] = [
        (b"", "no rows"),
        (b"ani,destination\n", "no rows"),
        (b"\n\n;;;\n", "`ani`"),
        (b"phone,destination\n6165550123,101", "`ani`"),
        (b"ani,note\n6165550123,x", "`destination`"),
        (b"ani,destination,ANI\n1,2,3", "twice"),
        (b"ani,destination\n616555\xE9,101", "line 2"),
        (b"ani,destination\n6165550123\0,101", "NUL"),
        (b"[{\"ani\": \"6165550123\",}]", "JSON"),
        (b"{\"rows\": []}", "another form"),
        (b"[]", "no rows"),
        (b"\xFF\xFEa", "UTF-16"),
    ];
    for (bytes, words) in lists {
        let error = failure(
            read(bytes, None, &Defaults::default()),
            Code::InvalidArgument,
        );
        assert_eq!(error.detail().field.as_deref(), Some("list"));
        assert!(error.to_string().contains(words), "{bytes:?}: {error}");
    }
}

#[test]
fn an_open_quotation_mark_does_not_swallow_rows_unseen() {
    let file =
        plain("ani,destination,note\n6165550123,101,\"oops\n6165550124,101,\n6165550125,101,\n");
    assert!(file.rows.is_empty(), "{file:?}");
    assert_eq!(file.bad[0].line, 2);
    assert!(file.bad[0].reason.contains("never closed"), "{file:?}");
}

#[test]
fn a_stray_quotation_mark_does_not_swallow_rows_unseen() {
    let lists = [
        // The row, and what is said of it.
        (
            "6165550123,101,\"boss\n6165550124,102,\n6165550125,103,\"wife\"\n",
            "line 4 goes on",
        ),
        (
            "6165550123,101,\"boss\n6165550124,102,wife\"\n",
            "line 3 looks like a row",
        ),
        (
            "6165550123,101,\"boss\n(616) 555-0124,102,\"\n",
            "line 3 looks like a row",
        ),
        (
            "6165550123,101,\"boss\nanonymous,102,\"\n",
            "line 3 looks like a row",
        ),
        (
            "6165550123,101,\"two\nlines\"\n6165550124,102,5\" pipe\n",
            "odd number",
        ),
        ("6165550123,101,\"boss\" x\n", "line 2 goes on"),
        ("6165550123,101,\"boss\"x\"\n", "line 2 goes on"),
        (
            "\"6165550123,101,\n6165550124,102,\"\n",
            "line 3 looks like a row",
        ),
    ];
    for (rows, words) in lists {
        let file = plain(&format!("ani,destination,note\n{rows}"));
        let bad = &file.bad[0];
        assert_eq!(bad.line, 2, "{rows}: {file:?}");
        assert!(bad.reason.contains(words), "{rows}: {}", bad.reason);
        assert!(file.rows.iter().all(|row| row.line > 2), "{rows}: {file:?}");
    }
    let header = "ani,destination,\"note\n6165550123,101,\n6165550124,102,\"x\n";
    let refused = read(header.as_bytes(), None, &Defaults::default());
    let error = failure(refused, Code::InvalidArgument);
    assert!(error.to_string().contains("goes on"), "{error}");
}

#[test]
fn quotation_marks_in_their_place_are_taken() {
    for row in [
        "6165550123,101,\"first line\nsecond, with a comma\"",
        "6165550123,101,\"says \"\"hello\"\"\"",
        "\"6165550123\" , 101,\"x\"  ",
        "6165550123,101,5\" pipe",
    ] {
        let file = plain(&format!("ani,destination,note\n{row}\n6165550124,102,\n"));
        let lines = 2 + row.matches('\n').count();
        let found: Vec<usize> = file.rows.iter().map(|row| row.line).collect();
        assert_eq!(found, [2, lines + 1], "{file:?}");
    }
}

#[test]
fn rows_that_say_nothing_of_the_destination_get_the_default() {
    let text = "ani,destination,application\n6165550123,,\n6165550124,202,\n6165550125,,user\n";
    let defaults = Defaults {
        destination: Some("johns-cell".parse().unwrap()),
        application: Some("device".parse().unwrap()),
        ..Defaults::default()
    };
    let file = read(text.as_bytes(), None, &defaults).unwrap();
    let rings: Vec<_> = file
        .rows
        .iter()
        .map(|row| (row.destination.as_str(), row.application.as_deref()))
        .collect();
    assert_eq!(
        rings,
        [
            ("johns-cell", Some("device")),
            ("202", None),
            ("johns-cell", Some("user")),
        ]
    );
    let only_callers = read(b"ani\n6165550123\n", None, &ringing_101()).unwrap();
    assert_eq!(rules(&only_callers), [("6165550123", "101")]);
}

#[test]
fn a_number_that_a_spreadsheet_rounded_is_no_destination() {
    for (rings, is_good) in [
        ("1.6166E+10", false),
        ("1,6166e10", false),
        ("1E+02", false),
        ("1e-3", false),
        ("1E2", true),
        ("5e", true),
        ("user:1.5e", true),
    ] {
        let file = plain(&format!("ani;destination\n6165550123;{rings}\n"));
        assert_eq!(file.bad.is_empty(), is_good, "{rings}: {file:?}");
        assert_eq!(file.rows.len(), usize::from(is_good), "{rings}");
    }
}

#[test]
fn json_comes_as_objects_as_callers_and_as_the_list_command_prints_it() {
    let texts = [
        r#"[{"ani": "6165550123", "destination": "101"}]"#,
        r#"[{"ani": 6165550123, "destination": 101, "dnis": null, "note": ""}]"#,
        r#"{"account_id": "x", "count": 1, "vips": [{"ani": "6165550123", "domain": "d", "destination": "101"}]}"#,
        r#"["6165550123"]"#,
        "[6165550123]",
    ];
    for text in texts {
        let file = read(text.as_bytes(), None, &ringing_101()).unwrap();
        assert_eq!(rules(&file), [("6165550123", "101")], "{text}");
    }
}

#[test]
fn json_rows_that_cannot_be_used_are_named_by_their_position() {
    let text = r#"[
        {"ani": "6165550123", "destination": "101"},
        {"ani": 1.6165550123e10, "destination": "101"},
        {"ani": "6165550124", "destinaton": "101"},
        {"ani": "1.61656E+10", "destination": "101"},
        {"destination": "101"},
        {"ani": ["6165550125"], "destination": "101"},
        true
    ]"#;
    let file = read(text.as_bytes(), Some(Format::Json), &Defaults::default()).unwrap();
    let bad: Vec<usize> = file.bad.iter().map(|bad| bad.line).collect();
    assert_eq!(bad, [2, 3, 4, 5, 6, 7]);
    assert!(file.bad[1].reason.contains("`destinaton`"), "{file:?}");
}

#[test]
fn a_key_that_stands_twice_in_a_json_row_is_not_guessed_at() {
    let text = r#"[
        {"ani": "6165550101", "ani": "6165550102", "destination": "101"},
        {"ani": "6165550103", "destination": "101", "destination": "101"},
        {"ani": "6165550104", "destination": "101"}
    ]"#;
    let file = plain(text);
    assert_eq!(rules(&file), [("6165550104", "101")]);
    let bad: Vec<(usize, &str)> = file
        .bad
        .iter()
        .map(|bad| (bad.line, bad.reason.as_str()))
        .collect();
    assert!(bad[0].1.starts_with("names `ani` twice"), "{bad:?}");
    assert!(bad[1].1.starts_with("names `destination` twice"), "{bad:?}");
    assert_eq!((bad[0].0, bad[1].0, bad.len()), (1, 2, 2));
    let two_lists = r#"{"vips": ["6165550101"], "vips": ["6165550102"]}"#;
    let refused = read(two_lists.as_bytes(), None, &ringing_101());
    failure(refused, Code::InvalidArgument);
}

#[test]
fn contacts_become_one_row_for_each_number() {
    let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mrs. Example\r\n\
                TEL;TYPE=CELL:+1 (616) 555-0301\r\nTEL;TYPE=WORK,FAX:616-555-0302\r\n\
                item1.TEL;TYPE=HOME:616-555-0301\r\nEND:VCARD\r\n\
                BEGIN:VCARD\nVERSION:4.0\nFN:Second\nTEL;VALUE=uri;TYPE=\"voice,home\":tel:+1-616-555-0303\n\
                TEL:12\nEND:VCARD\n\
                begin:vcard\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Hans\n\
                TEL;CELL:616555\n 0304\nTEL;FAX:6165550305\nTEL;CELL:6165550301\nEND:VCARD\n";
    let file = read(text.as_bytes(), None, &ringing_101()).unwrap();
    let rows: Vec<(usize, String, &str)> = file
        .rows
        .iter()
        .map(|row| {
            let number = row.ani.number().unwrap().as_str().to_owned();
            (row.line, number, row.note.as_deref().unwrap_or_default())
        })
        .collect();
    assert_eq!(
        rows,
        [
            (4, "16165550301".to_owned(), "Mrs. Example"),
            (11, "16165550303".to_owned(), "Second"),
            (17, "16165550304".to_owned(), "Müller Hans"),
        ]
    );
    assert_eq!(file.bad.len(), 1);
    assert_eq!((file.bad[0].line, file.bad[0].given.as_str()), (12, "12"));
    let warnings = file.warnings.join("\n");
    assert!(
        warnings.contains("2 numbers for fax or pager"),
        "{warnings}"
    );
    assert!(warnings.contains("line 1, 14"), "{warnings}");
}

#[test]
fn contacts_need_to_be_told_what_rings() {
    let text = b"BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:6165550123\nEND:VCARD\n";
    let error = failure(
        read(text, None, &Defaults::default()),
        Code::InvalidArgument,
    );
    assert_eq!(error.detail().field.as_deref(), Some("destination"));
}

/// The numbers that are taken, with whose they are.
fn contacts(bytes: &[u8]) -> (VipFile, Vec<(String, String)>) {
    let file = read(bytes, None, &ringing_101()).unwrap();
    let taken = file.rows.iter().map(|row| {
        let number = row.ani.number().unwrap().as_str().to_owned();
        (number, row.note.clone().unwrap_or_default())
    });
    let taken = taken.collect();
    (file, taken)
}

fn bad_lines(file: &VipFile) -> Vec<(usize, &str, &str)> {
    file.bad
        .iter()
        .map(|bad| (bad.line, bad.given.as_str(), bad.reason.as_str()))
        .collect()
}

fn pair(number: &str, name: &str) -> (String, String) {
    (number.to_owned(), name.to_owned())
}

#[test]
fn contacts_joined_without_a_line_break_are_two() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/cat.vcf"));
    assert_eq!(
        taken,
        [pair("16165550160", "One"), pair("16165550161", "Two")]
    );
    assert!(
        file.bad.is_empty() && file.warnings.is_empty(),
        "{:?}",
        (&file.bad, &file.warnings)
    );
}

#[test]
fn a_contact_within_another_one_keeps_its_own_numbers() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/agent.vcf"));
    assert_eq!(
        taken,
        [
            pair("16165550131", "Owner Olive"),
            pair("16165550132", "Owner Olive"),
            pair("16165550130", "Friday Fred"),
        ]
    );
    assert!(file.bad.is_empty(), "{:?}", file.bad);
    // vCard 3.0 writes the whole card into the value.
    let inline =
        b"BEGIN:VCARD\nVERSION:3.0\nFN:Olive\nAGENT:BEGIN:VCARD\\nVERSION:3.0\\nFN:Fred\\n\
                   TEL:616-555-0130\\nEND:VCARD\\n\nTEL:616-555-0131\nEND:VCARD\n";
    let (file, taken) = contacts(inline);
    assert_eq!(
        taken,
        [pair("16165550131", "Olive"), pair("16165550130", "Fred")]
    );
    assert!(file.bad.is_empty(), "{:?}", file.bad);
}

#[test]
fn a_contact_without_its_end_is_named_and_not_half_read() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/noend.vcf"));
    assert_eq!(taken, [pair("16165550134", "Next")]);
    let bad = bad_lines(&file);
    assert_eq!(
        (bad[0].0, bad[0].1, bad[1].0, bad[1].1, bad.len()),
        (1, "Cut Off", 10, "Last Cut", 2)
    );
    assert!(
        bad.iter().all(|(_, _, why)| why.contains("END:VCARD")),
        "{bad:?}"
    );
}

#[test]
fn what_a_phone_keeps_beside_numbers_is_named_and_never_dropped() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/phonebook.vcf"));
    assert_eq!(taken, [pair("16165550150", "Vera Gut")]);
    let given: Vec<&str> = bad_lines(&file).into_iter().map(|bad| bad.1).collect();
    assert_eq!(given, ["*86", "611", "555-0151", "1-800-FLOWERS"]);
    assert!(
        file.warnings[0].contains("1 contact without a number"),
        "{:?}",
        file.warnings
    );

    let (file, taken) = contacts(include_bytes!("../fixtures/lists/empty.vcf"));
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert_eq!(file.bad.len(), 3, "{:?}", file.bad);
    let told = bad_lines(&file);
    assert!(
        told.iter()
            .all(|(_, _, why)| why.contains("without digits")),
        "{told:?}"
    );
    assert!(told.windows(2).all(|two| two[0].0 < two[1].0), "{told:?}");
}

#[test]
fn a_pause_is_cut_off_behind_a_whole_number_only() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/pause.vcf"));
    assert_eq!(taken, [pair("16165550124", "Wendy Wait")]);
    assert!(file.warnings[0].contains("\";99\""), "{:?}", file.warnings);
    let given: Vec<&str> = bad_lines(&file).into_iter().map(|bad| bad.1).collect();
    assert_eq!(
        given,
        [
            "555-0123,101",
            "555-0125,102",
            "+44 20 7946 0,958",
            "020 7946,0958"
        ]
    );
}

#[test]
fn of_two_numbers_on_one_line_of_a_contact_none_is_taken() {
    for written in [
        "616-555-0123; 616-555-0124",
        "616-555-0123\\, 616-555-0124",
        "616-555-0123,(616) 555-0124",
        "+1 616 555 0123 w +44 20 7946 0958",
        "616-555-0123 ::: 616-555-0124",
        "tel:+1-616-555-0123;+1-616-555-0124",
    ] {
        let card = format!("BEGIN:VCARD\nFN:A\nTEL;CELL:{written}\nEND:VCARD\n");
        let (file, taken) = contacts(card.as_bytes());
        assert_eq!(taken, [], "{written}");
        let bad = bad_lines(&file);
        assert!(
            bad.len() == 1 && bad[0].0 == 3 && bad[0].2.contains("more than one number"),
            "{written}: {bad:?}"
        );
        assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    }
    // What is no number is dialled behind one.
    for behind in [",,4711#", ",,2345678901", ";2345678901#", "pp16165550199"] {
        let card = format!("BEGIN:VCARD\nTEL:616-555-0123{behind}\nEND:VCARD\n");
        let (file, taken) = contacts(card.as_bytes());
        assert_eq!(taken, [pair("16165550123", "")], "{behind}");
        assert!(file.warnings[0].contains(behind), "{:?}", file.warnings);
    }
}

#[test]
fn two_numbers_in_a_cell_and_a_code_behind_one_are_refused_by_what_they_are() {
    for (cell, why) in [
        ("6165550123,6165550124", "is more than one number"),
        ("616-555-0123, 616-555-0124", "is more than one number"),
        ("6165550123;+16165550124", "is more than one number"),
        ("6165550123,,616-555-0124", "is more than one number"),
        ("6165550123,,2345678901", "a code behind a pause"),
        ("6165550123;2345678901#", "a code behind a pause"),
        ("616-555-0123p4711", "a code behind a pause"),
        ("6165550123,5", "has decimals"),
    ] {
        let list = format!("ani,destination\n\"{cell}\",101\n");
        let file = read(list.as_bytes(), None, &Defaults::default()).unwrap();
        assert!(file.rows.is_empty(), "{cell}");
        assert!(file.bad[0].reason.contains(why), "{:?}", file.bad);
    }
}

#[test]
fn the_next_property_is_known_in_letters_of_either_case() {
    let card = b"begin:vcard\nversion:2.1\nfn:A\n\
        url;encoding=quoted-printable:http://x.example/?id=\ntel;cell:616-555-0123\nend:vcard\n\
        Begin:vCard\nVersion:2.1\nN;Encoding=Quoted-Printable:B=\n\
        Item1.Tel:616-555-0124\nNote;Encoding=Quoted-Printable:cut=\nEnd:vCard\n";
    let (file, taken) = contacts(card);
    assert_eq!(taken, [pair("16165550123", "A"), pair("16165550124", "B")]);
    assert!(file.bad.is_empty(), "{:?}", file.bad);
}

#[test]
fn a_value_that_ends_like_a_soft_break_does_not_swallow_the_next_line() {
    let card = b"BEGIN:VCARD\nVERSION:2.1\nFN:A\n\
        URL;ENCODING=QUOTED-PRINTABLE:http://x.example/?id=\nTEL;CELL:616-555-0123\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:2.1\nN;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=\n\
        TEL;CELL:616-555-0124\nNOTE;ENCODING=QUOTED-PRINTABLE:cut=\nEND:VCARD\n";
    let (file, taken) = contacts(card);
    assert_eq!(
        taken,
        [pair("16165550123", "A"), pair("16165550124", "Müller J")]
    );
    assert!(file.bad.is_empty(), "{:?}", file.bad);
    // Text goes on as before, also where it looks a little like a property.
    let name = b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:Ann =\nTel: none, N;=\n ORG\n\
        TEL:616-555-0123\nEND:VCARD\n";
    let (_, taken) = contacts(name);
    assert_eq!(taken, [pair("16165550123", "Ann Tel: none, N; ORG")]);
    // A number that is cut off is not taken for a whole one.
    let number = b"BEGIN:VCARD\nTEL;ENCODING=QUOTED-PRINTABLE:+44 20 7946=\nEND:VCARD\n";
    let (file, taken) = contacts(number);
    assert_eq!((taken.len(), bad_lines(&file)[0].0), (0, 2));
}

#[test]
fn odd_forms_of_a_number_are_read_or_named() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/odd.vcf"));
    assert_eq!(
        taken,
        [
            pair("16165550140", "Uri Upper"),
            pair("16165550142", "Uri Context"),
            pair("16165550143", "Özil Müller"),
            pair("16165550145", "Apple Fax"),
            pair("16165550146", "Synthetic Sam"),
            pair("16165550147", "Iron"),
            pair("16165550148", "Iron"),
            pair("16165550149", "Own"),
        ]
    );
    let bad = bad_lines(&file);
    assert!(
        bad.len() == 1 && bad[0].2.contains("extension 102"),
        "{bad:?}"
    );
    assert!(
        file.warnings.iter().any(|w| w.contains("1 number for fax")),
        "{:?}",
        file.warnings
    );
}

#[test]
fn a_declared_charset_is_read_and_another_one_is_named() {
    let (file, taken) = contacts(include_bytes!("../fixtures/lists/latin1.vcf"));
    assert_eq!(taken, [pair("16165550159", "Müller Jörg")]);
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    let undeclared = b"BEGIN:VCARD\nN:M\xFCller\nTEL:6165550159\nEND:VCARD\n";
    let (file, taken) = contacts(undeclared);
    assert_eq!(taken, [pair("16165550159", "")]);
    assert!(
        file.warnings[0].starts_with("line 2: the contact's name"),
        "{:?}",
        file.warnings
    );
    let in_number = b"BEGIN:VCARD\nFN:A\nTEL:616555015\xB9\nEND:VCARD\n";
    let (file, _) = contacts(in_number);
    assert!(file.bad[0].reason.contains("not Unicode"), "{:?}", file.bad);
}

#[test]
fn lines_outside_of_every_contact_are_named() {
    let (file, taken) = contacts(b"BEGIN:VCARD\nFN:A\nTEL:6165550123\nEND:VCARD\nTEL:6165550124\n");
    assert_eq!(taken.len(), 1);
    assert_eq!(bad_lines(&file)[0].0, 5);
}

#[test]
fn a_header_that_is_not_ours_is_named_and_can_be_mapped() {
    let refused = |bytes: &[u8]| {
        failure(read(bytes, None, &ringing_101()), Code::InvalidArgument)
            .detail()
            .clone()
    };
    let detail = refused(include_bytes!("../fixtures/lists/hdr.csv"));
    assert!(
        detail.message.contains("\"Phone Number\", \"Name\""),
        "{}",
        detail.message
    );
    assert!(detail.hint.contains("\"Phone Number\""), "{}", detail.hint);
    let detail = refused(include_bytes!("../fixtures/lists/google.csv"));
    assert!(
        detail.hint.contains("\"Phone 1 - Value\""),
        "{}",
        detail.hint
    );
    let detail = refused(include_bytes!("../fixtures/lists/nohdr.csv"));
    assert!(detail.hint.contains("looks like a row"), "{}", detail.hint);

    let mapped = |columns: &[&str]| Defaults {
        columns: columns
            .iter()
            .map(|column| column.parse().unwrap())
            .collect(),
        ..ringing_101()
    };
    let hdr = include_bytes!("../fixtures/lists/hdr.csv");
    let file = read(hdr, None, &mapped(&["ani=phone number", "note=Name"])).unwrap();
    assert_eq!(rules(&file), [("6165550101", "101")]);
    assert_eq!(file.rows[0].note.as_deref(), Some("Ann"));
    let error = failure(
        read(hdr, None, &mapped(&["ani=Telephone"])),
        Code::InvalidArgument,
    );
    assert!(error.to_string().contains("\"Telephone\""), "{error}");
    // What is mapped to a cell of the first row would make a header of the row.
    let nohdr = include_bytes!("../fixtures/lists/nohdr.csv");
    let row_as_header = mapped(&["ani=6165550101", "destination=101"]);
    let error = failure(read(nohdr, None, &row_as_header), Code::InvalidArgument);
    assert!(
        error.hint().contains("looks like a row"),
        "{}",
        error.hint()
    );
    // Two numbers in a cell are not guessed at.
    let google = include_bytes!("../fixtures/lists/google.csv");
    let file = read(google, None, &mapped(&["ani=Phone 1 - Value"])).unwrap();
    assert!(
        file.rows.is_empty() && file.bad[0].reason.contains("more than one number"),
        "{file:?}"
    );
}

#[test]
fn a_row_that_is_not_empty_is_never_dropped() {
    let phones = Defaults {
        columns: vec!["ani=Phone".parse().unwrap()],
        ..ringing_101()
    };
    let text =
        b"Name,Phone,Mobile\nAnn,616-555-0123,\nBea,,616-555-0124\n,,\n ,',\"=\"\"\"\"\"\n\n,,x\n";
    let file = read(text, None, &phones).unwrap();
    assert_eq!(rules(&file), [("616-555-0123", "101")]);
    let bad = bad_lines(&file);
    let lines: Vec<usize> = bad.iter().map(|bad| bad.0).collect();
    assert_eq!(lines, [3, 7], "{bad:?}");
    assert!(bad.iter().all(|bad| bad.2.contains("`ani` is empty")));
}

/// A list with two columns that may hold the callers' numbers.
const PHONES: &str = "Name,Phone,Mobile\nAnn,616-555-0123,\n";

fn with_columns(columns: &[&str]) -> Defaults {
    Defaults {
        columns: columns.iter().map(|name| name.parse().unwrap()).collect(),
        ..ringing_101()
    }
}

#[test]
fn what_is_offered_for_a_header_is_about_what_is_wrong_with_it() {
    let refused = |list: &str, defaults: Defaults| {
        let refused = read(list.as_bytes(), None, &defaults);
        failure(refused, Code::InvalidArgument).detail().clone()
    };
    // The callers are found, and only the destination is missing.
    let without_destination = Defaults {
        destination: None,
        ..with_columns(&["ani=Phone"])
    };
    let detail = refused(PHONES, without_destination);
    assert!(detail.message.contains("`destination`"), "{detail:?}");
    assert!(
        detail.hint.starts_with("Give `destination` for all rows"),
        "{detail:?}"
    );
    assert!(!detail.hint.contains("Phone"), "{detail:?}");
    let detail = refused(PHONES, with_columns(&["ani=Phone", "note=Remark"]));
    assert!(detail.message.contains("\"Remark\""), "{detail:?}");
    assert!(detail.hint.contains("note=…") && !detail.hint.contains("Phone"));
    // In the header, `ani` would not be found either.
    let detail = refused(PHONES, with_columns(&["ani=Telephone"]));
    assert!(detail.hint.contains("give `--map \"ani=Phone\"`"));
    assert!(!detail.hint.contains("in the header"), "{detail:?}");
    let detail = refused("Phone,Phone\n1,2\n", with_columns(&["ani=Phone"]));
    assert!(
        detail.message.contains("the column \"Phone\" twice"),
        "{detail:?}"
    );
    assert!(detail.hint.contains("Rename one"), "{detail:?}");
}

#[test]
fn names_for_columns_that_contradict_each_other_are_refused_whatever_the_header_is() {
    for (columns, words) in [
        (
            ["ani=Phone", "ani=Mobile"],
            "gives `ani` two columns, \"Phone\" and \"Mobile\"",
        ),
        (
            ["ani=Phone", "note=phone"],
            "takes the column \"phone\" for `ani` and for `note`",
        ),
    ] {
        let refused = read(PHONES.as_bytes(), None, &with_columns(&columns));
        let error = failure(refused, Code::InvalidArgument);
        assert_eq!(error.detail().field.as_deref(), Some("map"), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().contains("one of the two"), "{}", error.hint());
    }
    let said_twice = with_columns(&["ani=Phone", "ANI=phone"]);
    let file = read(PHONES.as_bytes(), None, &said_twice).unwrap();
    assert_eq!(rules(&file), [("616-555-0123", "101")]);
}

#[test]
fn the_column_that_is_offered_is_the_one_with_the_numbers() {
    for (header, offered) in [
        ("Account Number,Mobile Phone", "Mobile Phone"),
        ("Phone Type,Phone", "Phone"),
        ("Hotel,Tel.", "Tel."),
        (
            "Phonetic First Name,Telefon,Business Phone 2",
            "Business Phone 2",
        ),
        ("Home Phone Extension,HomePhone", "HomePhone"),
        (
            "Assistant's Phone,Business Fax,Business Phone",
            "Business Phone",
        ),
        ("Assistant's Phone,Pager Phone,Mobile", "Mobile"),
        ("Account Number,Assistant's Phone", "Assistant's Phone"),
        ("Fax Number,Number", "Number"),
    ] {
        let list = format!("{header}\na,b,c\n");
        let refused = read(list.as_bytes(), None, &ringing_101());
        let hint = failure(refused, Code::InvalidArgument).hint().to_owned();
        assert!(hint.contains(&format!("\"{offered}\"")), "{header}: {hint}");
    }
}

#[test]
fn names_of_columns_are_refused_where_there_are_none() {
    let columns = Defaults {
        columns: vec!["ani=Phone".parse().unwrap()],
        ..ringing_101()
    };
    let json = br#"[{"ani": "6165550101"}]"#.as_slice();
    let vcard = b"BEGIN:VCARD\nFN:A\nTEL:6165550123\nEND:VCARD\n".as_slice();
    for list in [json, vcard] {
        let error = failure(read(list, None, &columns), Code::InvalidArgument);
        assert_eq!(error.detail().field.as_deref(), Some("map"), "{error}");
    }
}

#[test]
fn a_contacts_bad_number_is_named_with_its_own_line_and_its_extension() {
    let card = b"BEGIN:VCARD\nFN:A\nTEL:6165550123 x12\nTEL:616-555-0124 ext. 7\nTEL:6165550125\nEND:VCARD\n";
    let (file, taken) = contacts(card);
    assert_eq!(taken, [pair("16165550125", "A")]);
    let bad = bad_lines(&file);
    assert_eq!((bad[0].0, bad[1].0, bad.len()), (3, 4, 2), "{bad:?}");
    assert!(bad.iter().all(|bad| bad.2.contains("extension")), "{bad:?}");
    // What is kept for later has the good number of the same contact.
    let kept = file.without(&[3, 4].into());
    assert_eq!((kept.rows.len(), kept.bad.len()), (1, 0));
    // A card in the value of another one is on its line.
    let inline = b"BEGIN:VCARD\nFN:Olive\nAGENT:BEGIN:VCARD\\nFN:Fred\\nTEL:12\\nEND:VCARD\\n\nTEL:616-555-0131\nEND:VCARD\n";
    let (file, _) = contacts(inline);
    assert_eq!(bad_lines(&file)[0].0, 3, "{:?}", file.bad);
}

#[test]
fn what_spreadsheets_leave_in_place_of_a_value_is_no_value() {
    let file = plain(std::str::from_utf8(include_bytes!("../fixtures/lists/dest.csv")).unwrap());
    let taken: Vec<&str> = file
        .rows
        .iter()
        .map(|row| row.destination.as_str())
        .collect();
    assert_eq!(
        taken,
        [
            "101",
            "user:102",
            "USER:102",
            "101",
            "101@sunrisebakery.12345.service",
            "Elena Ruiz",
            "ext 101",
            "x101",
            "#101",
        ]
    );
    assert_eq!(file.bad.len(), 10, "{:?}", file.bad);
    for (cell, words) in [
        ("101.0", "has decimals"),
        ("#DIV/0!", "failure of a formula"),
        ("####", "failure of a formula"),
        ("Jan-26", "a date"),
        ("1/2/2026", "a date"),
        ("2026-01-02", "a date"),
        ("NaN", "there is no value"),
        ("false", "yes or no"),
        ("101 & 102", "more than one"),
        ("101,102", "more than one"),
        ("101/102", "more than one"),
    ] {
        let text = format!("ani,destination\n6165550123,\"{cell}\"\n");
        let file = plain(&text);
        assert!(
            file.rows.is_empty() && file.bad[0].reason.contains(words),
            "{cell}: {file:?}"
        );
    }
    for (columns, row, words) in [
        ("ani,destination", "616555010.9,101", "has decimals"),
        ("ani,destination", "#N/A,101", "failure of a formula"),
        ("ani,destination", "nan,101", "there is no value"),
        ("ani,destination,dnis", "6165550123,101,2-Jan", "a date"),
        (
            "ani,destination,application",
            "6165550123,101,TRUE",
            "yes or no",
        ),
        (
            "ani,destination,note",
            "6165550123,101,#REF!",
            "failure of a formula",
        ),
    ] {
        let file = plain(&format!("{columns}\n{row}\n"));
        assert!(
            file.rows.is_empty() && file.bad[0].reason.contains(words),
            "{row}: {file:?}"
        );
    }
    // Somebody may be called so.
    assert_eq!(
        plain("ani,destination,note\n6165550123,101,Nan\n")
            .rows
            .len(),
        1
    );
}

fn stored_text() -> impl Strategy<Value = String> {
    // Line ends are the one thing that files do not keep apart.
    proptest::string::string_regex("[ -~äß\u{A0}]{0,24}").unwrap()
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in [None, Some(Format::Csv), Some(Format::Json), Some(Format::Vcard)] {
            let _ = read(&bytes, format, &ringing_101());
        }
    }

    #[test]
    fn no_almost_good_list_makes_it_panic(text in "(ani,destination\n)?([0-9,;\"'=eE+. \n]|BEGIN:VCARD\n|TEL:){0,80}") {
        let _ = read(text.as_bytes(), None, &ringing_101());
    }

    #[test]
    fn what_is_exported_comes_back_as_it_was(
        stored in proptest::collection::vec((stored_text(), stored_text(), stored_text()), 1..6)
    ) {
        let vips: Vec<Vip> = stored
            .into_iter()
            .map(|(ani, destination, dnis)| Vip {
                ani: format!("a{ani}"),
                destination: format!("d{destination}"),
                application: "user".to_owned(),
                domain: "acme.12345.service".to_owned(),
                dnis: Some(format!("n{dnis}")),
                note: None,
                until: None,
            })
            .collect();
        let file = read(to_csv(&vips).unwrap().as_bytes(), None, &Defaults::default()).unwrap();
        prop_assert!(file.bad.is_empty(), "{:?}", file.bad);
        for (row, vip) in file.rows.iter().zip(&vips) {
            prop_assert_eq!(row.ani.as_given(), &vip.ani);
            prop_assert_eq!(&row.destination, &vip.destination);
            prop_assert_eq!(row.dnis.as_ref().map(|dnis| dnis.as_given()), vip.dnis.as_deref());
        }
        prop_assert_eq!(file.rows.len(), vips.len());
    }
}

#[test]
fn marks_around_stored_values_survive_the_way_through_a_file() {
    for odd in [
        "=1+1",
        "+16165550123",
        "@x",
        "-5",
        "'quoted",
        " spaced ",
        "a\"b",
        "a;b,c",
        "*",
        "anonymous",
    ] {
        let vip = Vip {
            ani: odd.to_owned(),
            destination: odd.to_owned(),
            application: "user".to_owned(),
            domain: "acme.12345.service".to_owned(),
            dnis: None,
            note: None,
            until: None,
        };
        let csv = to_csv(std::slice::from_ref(&vip)).unwrap();
        let file = plain(&csv);
        assert_eq!(rules(&file), [(odd, odd)], "{csv}");
        assert!(
            !csv.lines()
                .nth(1)
                .unwrap()
                .starts_with(['=', '+', '-', '@'])
        );
        let json = to_json(std::slice::from_ref(&vip)).unwrap();
        assert_eq!(rules(&plain(&json)), [(odd.trim(), odd.trim())], "{json}");
    }
}

#[test]
fn a_page_of_a_list_is_not_taken_for_the_list() {
    let vip = r#"{"ani":"6165550123","destination":"101"}"#;
    for page in [
        format!(r#"{{"count":1,"next_cursor":"c1","vips":[{vip}]}}"#),
        format!(r#"{{"count":1,"total":9,"vips":[{vip}]}}"#),
    ] {
        let refused = read(page.as_bytes(), None, &Defaults::default());
        let refused = failure(refused, Code::InvalidArgument);
        assert!(
            refused.to_string().contains("one page of a longer list"),
            "{refused}"
        );
    }
    let whole = format!(r#"{{"count":1,"total":1,"next_cursor":null,"vips":[{vip}]}}"#);
    assert_eq!(rules(&plain(&whole)), [("6165550123", "101")]);
}
