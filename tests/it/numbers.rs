//! Numbers, names and destinations: what people write, what the service
//! stores, and what is never printed.

use proptest::prelude::*;
use proptest::sample::select;
use skyswitch_mcp::config::{Flags, Settings};
use skyswitch_mcp::domain::{
    AccountId, Ani, Application, CalledNumber, CallerKey, Destination, DestinationForm, Dnis,
    DnisKey, PbxDomain, PhoneNumber,
};
use skyswitch_mcp::error::Code;
use skyswitch_mcp::redact::shown;
use skyswitch_mcp::sandbox::{self, Fault};
use skyswitch_mcp::skyswitch::{Client, ClientOptions, TokenCache};
use skyswitch_mcp::state::StateFolder;

use crate::support::{Bench, DENTAL, adding, list, listing};

const SEPARATORS: [&str; 12] = [
    "", " ", "-", ".", "/", " - ", "\u{A0}", "\u{2010}", "\u{2011}", "\u{2013}", "\u{202F}", "  ",
];

fn quick(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(quick(256))]

    #[test]
    fn any_punctuation_people_use_gives_the_same_number(
        country in select(vec!["", "1", "+1"]),
        gaps in proptest::collection::vec(select(SEPARATORS.to_vec()), 3),
        brackets in any::<bool>(),
        margin in select(vec![("", ""), (" ", " "), ("\u{202A}", "\u{202C}"), ("\u{200E}", ""), ("\u{FEFF}", "")]),
    ) {
        let (open, close) = if brackets { ("(", ")") } else { ("", "") };
        let gap = if country.is_empty() { "" } else { gaps[0] };
        let text = format!(
            "{}{country}{gap}{open}616{close}{}555{}0123{}",
            margin.0, gaps[1], gaps[2], margin.1
        );
        let number = text.parse::<PhoneNumber>();
        prop_assert_eq!(number.as_ref().map(PhoneNumber::as_str), Ok("16165550123"), "{:?}", text);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>()) {
        let _ = text.parse::<PhoneNumber>();
        let _ = text.parse::<CalledNumber>();
        let _ = text.parse::<CallerKey>();
        let _ = text.parse::<DnisKey>();
        let _ = text.parse::<PbxDomain>();
        let _ = text.parse::<AccountId>();
        let _ = text.parse::<Application>();
        let _ = text.parse::<Destination>().map(|destination| destination.application(None));
        let _ = Ani::from_stored(&text).to_string();
        let _ = Dnis::from_stored(Some(&text)).to_string();
        let _ = Ani::from_stored(&text).is_typed_as(&text);
    }

    #[test]
    fn nothing_that_looks_like_a_number_makes_a_parser_panic(
        text in "[+]{0,2}[0-9 ().*#@;:a-z\u{202A}/-]{0,30}"
    ) {
        let shown = |number: PhoneNumber| (number.to_string(), number.implausibility());
        let _ = text.parse::<PhoneNumber>().map(shown);
        let _ = PhoneNumber::from_stored(&text).map(shown);
        let _ = PhoneNumber::from_stored(&format!("sip:{text}@*")).map(shown);
    }

    #[test]
    fn a_number_that_is_sent_reads_back_as_itself(
        country in select(vec!["44", "49", "52", "61", "81", "86", "90", "91", "92", "98", "358", "880", "971"]),
        rest in "[2-9][0-9]{8,9}",
    ) {
        if let Ok(number) = format!("+{country}{rest}").parse::<PhoneNumber>()
            && number.as_str().len() > 10
        {
            let read = PhoneNumber::from_stored(number.as_str());
            prop_assert_eq!(read.as_ref(), Some(&number));
            prop_assert!(number.is_stored_as(number.as_str()));
        }
    }

    #[test]
    fn digits_of_any_length_can_be_shown(digits in "[0-9]{1,20}") {
        if let Some(number) = PhoneNumber::from_stored(&digits) {
            prop_assert!(!number.to_string().is_empty());
            let _ = number.implausibility();
        }
        let _ = format!("+{digits}").parse::<PhoneNumber>().map(|number| number.to_string());
    }

    #[test]
    fn what_is_shown_holds_nothing_that_reorders_or_hides(text in any::<String>()) {
        let hidden = |c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c) || c == '\u{200B}';
        prop_assert!(!shown(&text, 80).chars().any(hidden));
    }

    #[test]
    fn a_domain_that_is_accepted_is_one_harmless_lower_case_name(text in any::<String>()) {
        if let Ok(domain) = text.parse::<PbxDomain>() {
            let harmless = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
            prop_assert!(domain.as_str().bytes().all(harmless), "{}", domain);
        }
    }
}

fn number(text: &str) -> PhoneNumber {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn caller(text: &str) -> CallerKey {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn stored(text: &str) -> Ani {
    Ani::from_stored(text)
}

#[test]
fn text_that_is_no_number_is_refused_with_the_value_and_the_remedy() {
    for text in [
        "",
        "   ",
        "reception",
        "616-555-CALL",
        "616555O123",
        "+",
        "1+6165550123",
        "++16165550123",
        "616,555,0123",
        "*67 6165550123",
        "616-555-0123 x5",
        "sip:john@example.org",
        "123456789012345678901234567890",
    ] {
        let refused = text.parse::<PhoneNumber>().expect_err(text);
        assert!(
            refused.problem.contains(&format!("`{text}`")),
            "{refused:?}"
        );
        assert!(refused.remedy.contains("6165550123"), "{refused:?}");
        let error = refused.into_error("ani");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(error.detail().field.as_deref(), Some("ani"));
    }
}

#[test]
fn too_few_and_too_many_digits_are_named_as_such() {
    for (text, problem) in [
        ("555-0123", "too few digits"),
        ("616555012", "too few digits"),
        ("+1 616 555 012", "too few digits"),
        ("161655501234", "too many digits"),
        ("+1 616 555 01234", "too many digits"),
        ("26165550123", "not a North American number"),
        ("1616555012", "no area code begins with 0 or 1"),
        ("+1 161 655 5012", "no area code begins with 0 or 1"),
        ("0616555012", "no area code begins with 0 or 1"),
        ("616555010.9", "has decimals"),
        ("16165550109.0", "has decimals"),
    ] {
        let refused = text.parse::<PhoneNumber>().expect_err(text);
        assert!(refused.problem.contains(problem), "{text}: {refused}");
    }
}

#[test]
fn international_numbers_with_plus_keep_their_country() {
    for (text, digits) in [
        ("+44 20 7946 0958", "442079460958"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("+442079460958", "442079460958"),
        ("\u{202A}+44 20 7946 0958\u{202C}", "442079460958"),
        // In Italy the zero is part of the number.
        ("+39 06 5550 0123", "390655500123"),
        ("+354 555 0123", "3545550123"),
    ] {
        assert_eq!(number(text).as_str(), digits, "{text}");
    }
}

#[test]
fn a_stored_text_that_lost_a_digit_is_no_other_number() {
    for text in ["1616555012", "0616555012", "161-655-5012"] {
        assert_eq!(PhoneNumber::from_stored(text), None, "{text}");
    }
    for text in ["616555.0123", "1616555.0123", "616.555.0123"] {
        assert_eq!(number(text).as_str(), "16165550123", "{text}");
    }
}

#[test]
fn an_exchange_that_cannot_exist_is_refused_and_an_area_that_is_not_assigned_is_doubted() {
    for impossible in ["(616) 155-0123", "+1 616 055 0176", "16160550176"] {
        let refused = impossible.parse::<PhoneNumber>().unwrap_err().to_string();
        assert!(refused.contains("exchange"), "{refused}");
    }
    assert_eq!(number("616 555 0123").implausibility(), None);
    let unassigned = number("(211) 234-5678").implausibility();
    assert!(unassigned.is_some_and(|doubt| doubt.contains("211")));
}

#[test]
fn invisible_marks_of_address_books_are_ignored() {
    for text in [
        "\u{202A}+1 (616) 555-0123\u{202C}",
        "\u{200E}616-555-0123",
        "\u{FEFF}6165550123",
        "616\u{AD}555\u{200B}0123",
        "\u{2066}6165550123\u{2069}",
    ] {
        assert_eq!(number(text).as_str(), "16165550123", "{text:?}");
        assert!(caller(text).matches(&stored("6165550123")), "{text:?}");
    }
}

#[test]
fn all_stored_forms_of_a_number_are_the_same_caller() {
    for form in [
        "6165550123",
        "16165550123",
        "+16165550123",
        "+1 616-555-0123",
        "(616) 555-0123",
        "sip:16165550123@*",
        "sip:6165550123@*",
        "sip:+16165550123@carrier.example",
        "tel:+16165550123",
    ] {
        assert_eq!(
            PhoneNumber::from_stored(form),
            Some(number("6165550123")),
            "{form}"
        );
        assert!(caller("(616) 555-0123").matches(&stored(form)), "{form}");
        assert!(caller(form).matches(&stored("16165550123")), "{form}");
        assert!(stored(form).is_typed_as("616.555.0123"), "{form}");
        assert!(!caller("616 555 0124").matches(&stored(form)), "{form}");
        assert!(!stored(form).is_typed_as("616.555.0124"), "{form}");
    }
}

#[test]
fn a_british_number_is_not_the_american_one_with_the_same_last_ten_digits() {
    let british = caller("+44 20 7946 0958");
    for own in ["442079460958", "+442079460958", "sip:442079460958@*"] {
        assert!(british.matches(&stored(own)), "{own}");
    }
    for american in ["2079460958", "12079460958", "+12079460958"] {
        assert!(!british.matches(&stored(american)), "{american}");
        assert!(
            !stored(american).is_typed_as("+44 20 7946 0958"),
            "{american}"
        );
        assert!(
            !caller(american).matches(&stored("442079460958")),
            "{american}"
        );
    }
}

#[test]
fn a_foreign_number_is_found_again_in_the_form_it_was_sent_in() {
    for text in ["+44 20 7946 0958", "+354 555 0123", "+298 555 012"] {
        let sent = Ani::from(&number(text));
        assert!(
            caller(text).matches(&sent),
            "{text} is not found under {sent:?}"
        );
        assert!(
            sent.is_typed_as(text),
            "typing {text} does not name {sent:?}"
        );
    }
}

#[test]
fn odd_stored_values_are_accepted_exactly_as_listed() {
    for odd in [
        "*",
        "anonymous",
        "411",
        "Restricted",
        "616*",
        "sip:*@*",
        "unbekannt-ü",
    ] {
        let key = caller(odd);
        assert!(
            key.is_exactly(&stored(odd)) && key.matches(&stored(odd)),
            "{odd}"
        );
        assert_eq!(key.number(), None, "{odd}");
        assert!(!key.matches(&stored("16165550123")), "{odd}");
        assert!(stored(odd).is_typed_as(odd), "{odd}");
    }
    assert!(!caller("anonymous").matches(&stored("Anonymous")));
}

#[test]
fn an_odd_stored_value_with_spaces_around_it_is_accepted_exactly_as_listed() {
    assert!(caller(" anonymous ").matches(&stored(" anonymous ")));
}

#[test]
fn nothing_is_no_caller() {
    for text in ["", "  ", "\n"] {
        assert!(text.parse::<CallerKey>().is_err(), "{text:?}");
    }
    assert!(!stored("").is_typed_as(""));
    assert!(!stored("anonymous").is_typed_as(""));
}

#[test]
fn any_called_number_is_one_rule_however_it_is_written() {
    let any_forms = [None, Some(""), Some("*")].map(Dnis::from_stored);
    for dnis in &any_forms {
        assert!(dnis.is_any());
        for other in &any_forms {
            assert!(dnis.same_as(other));
        }
        for text in ["", "*", " * "] {
            assert_eq!(text.parse(), Ok(CalledNumber::Any));
            assert!(text.parse::<DnisKey>().is_ok_and(|key| key.matches(dnis)));
        }
        assert!(!dnis.same_as(&Dnis::from_stored(Some("16165550100"))));
    }
    let main_line: DnisKey = "(616) 555-0100".parse().expect("a number");
    assert!(main_line.matches(&Dnis::from_stored(Some("6165550100"))));
    assert!(!main_line.matches(&Dnis::any()));
}

#[test]
fn domain_names_are_lower_cased_and_tricks_are_refused() {
    let domain: PbxDomain = " LakesideDental.12345.Service ".parse().expect("a domain");
    assert_eq!(domain.as_str(), DENTAL);
    assert!(domain.is("LAKESIDEDENTAL.12345.SERVICE"));
    for text in [
        "",
        ".",
        "..",
        "../oauth/token",
        "acme..service",
        "acme.12345.service.",
        "acme/..",
        "acme 12345",
        "acme.service?x=1",
        "acme@service",
        "acme\u{202E}.service",
        "-acme.service",
        "acme-.service",
        "bäckerei.12345.service",
    ] {
        assert!(text.parse::<PbxDomain>().is_err(), "{text:?}");
    }
    assert!(
        format!("{}.service", "a".repeat(64))
            .parse::<PbxDomain>()
            .is_err()
    );
}

#[test]
fn account_ids_are_path_segments_and_tricks_are_refused() {
    for good in [sandbox::ACCOUNT_ID, "12345", "acct_1-2b"] {
        assert!(good.parse::<AccountId>().is_ok(), "{good}");
    }
    for text in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "%2e%2e",
        "a b",
        "a\nb",
        "a.b",
        "a~b",
        "ä",
        "a\u{202E}b",
    ] {
        assert!(text.parse::<AccountId>().is_err(), "{text:?}");
    }
    assert!("a".repeat(129).parse::<AccountId>().is_err());
    let upper = sandbox::ACCOUNT_ID.to_uppercase().parse::<AccountId>();
    assert_eq!(upper.unwrap().as_str(), sandbox::ACCOUNT_ID);
}

#[test]
fn a_destination_sets_the_application_when_none_was_given() {
    for (text, application) in [
        ("101", Application::User),
        ("john", Application::User),
        ("user:john", Application::User),
        ("USER:john", Application::User),
        ("101@acme.12345.service", Application::User),
        ("device:johns-cell", Application::Device),
        ("sip:+16165559999@carrier.example", Application::Literal),
        ("sips:john@example.org", Application::Literal),
    ] {
        let destination: Destination = text.parse().expect(text);
        assert_eq!(destination.as_str(), text);
        assert_eq!(destination.application(None), Ok(application), "{text}");
    }
}

#[test]
fn a_destination_that_contradicts_the_application_is_refused() {
    use Application::{Device, Literal, User};
    for (text, application) in [
        ("user:john", Device),
        ("user:john", Literal),
        ("device:johns-cell", User),
        ("device:johns-cell", Literal),
        ("sip:+16165559999@carrier.example", User),
        ("john", Literal),
    ] {
        let destination: Destination = text.parse().expect(text);
        let refused = destination.application(Some(application)).expect_err(text);
        assert!(refused.problem.contains(text), "{refused}");
    }
    for (text, application) in [
        ("user:john", User),
        ("device:johns-cell", Device),
        ("johns-cell", Device),
        ("sip:101a@acme.12345.service", Device),
        ("+16165550123", Literal),
        ("6165550123", Literal),
    ] {
        let destination: Destination = text.parse().expect(text);
        assert_eq!(
            destination.application(Some(application.clone())),
            Ok(application),
            "{text}"
        );
    }
}

#[test]
fn destinations_that_name_nothing_or_hide_something_are_refused() {
    let long = "1".repeat(256);
    for text in [
        "",
        "  ",
        "user:",
        "user: ",
        ":john",
        "a\nb",
        "a\u{202E}b",
        &long,
    ] {
        assert!(text.parse::<Destination>().is_err(), "{text:?}");
    }
}

#[test]
fn a_destination_is_put_into_the_form_the_setting_asks_for() {
    let in_form = |text: &str, form| {
        let destination: Destination = text.parse().expect(text);
        let application = destination.application(None).expect(text);
        destination.in_form(form, &application).as_str().to_owned()
    };
    use DestinationForm::{AsGiven, Bare, Prefixed};
    for (text, bare, prefixed) in [
        ("john", "john", "user:john"),
        ("user:john", "john", "user:john"),
        ("device:cell", "cell", "device:cell"),
        ("sip:a@b.example", "sip:a@b.example", "sip:a@b.example"),
    ] {
        assert_eq!(in_form(text, AsGiven), text);
        assert_eq!(in_form(text, Bare), bare);
        assert_eq!(in_form(text, Prefixed), prefixed);
    }
}

#[test]
fn numbers_sent_without_quotes_are_read_as_their_digits() {
    let number: PhoneNumber = serde_json::from_str("6165550123").expect("a number");
    assert_eq!(number.as_str(), "16165550123");
    for json in ["6165550123.5", "-6165550123", "true", "null", "[]"] {
        assert!(serde_json::from_str::<PhoneNumber>(json).is_err(), "{json}");
    }
}

/// Every text that must never be printed.
fn secrets() -> [&'static str; 3] {
    [
        sandbox::PASSWORD,
        sandbox::CLIENT_SECRET,
        // Prefixes of all tokens that the sandbox issues.
        "sandbox-",
    ]
}

fn assert_keeps_secrets(printed: &str) {
    // The client id and the user name hold this word as well, and are no secrets.
    let printed = printed
        .replace(sandbox::CLIENT_ID, "")
        .replace(sandbox::USERNAME, "");
    for secret in secrets() {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
}

#[tokio::test]
async fn settings_credentials_client_application_and_token_print_no_secret() {
    let bench = Bench::demo().await;
    let settings = bench.settings();
    let credentials = settings.credentials.clone().expect("credentials");
    assert_keeps_secrets(&format!("{settings:?} {settings:#?} {credentials:?}"));

    let options = ClientOptions {
        base_url: settings.base_url.clone(),
        credentials,
        scope: settings.scope.clone(),
        number_scope: settings.number_scope.clone(),
        pbx: settings.pbx.clone(),
        rate_limit: 0.0,
        send_traceparent: false,
        empty_object_is_list: false,
        not_found_is_list: false,
        state: None,
        token_cache: TokenCache::Shared(StateFolder::new(bench.state_dir())),
    };
    assert_keeps_secrets(&format!("{options:?}"));
    let client = Client::new(options).expect("a client");
    let token = client.token(false).await.expect("a token");
    assert!(token.access().expose().starts_with("sandbox-access-"));
    assert_keeps_secrets(&format!("{token:?} {token:#?} {client:?} {client:#?}"));

    let app = bench.app();
    let report = skyswitch_mcp::ops::token(&app, false)
        .await
        .expect("a report");
    assert_keeps_secrets(&format!("{app:?} {app:#?} {report:?}"));
    assert_keeps_secrets(&serde_json::to_string(&report).expect("JSON"));
}

#[tokio::test]
async fn errors_hold_no_secret_even_when_the_service_repeats_it() {
    let bench = Bench::demo().await;
    let echo = format!("no user with password {}", sandbox::PASSWORD);
    let body = serde_json::json!({ "message": echo }).to_string();
    bench
        .sandbox
        .inject(Fault::status("POST", "/oauth/token", 400).body(&body, "application/json"));
    let error = list(&bench.app(), &listing(DENTAL))
        .await
        .expect_err("a refusal");
    assert_keeps_secrets(&format!("{error} {error:?}"));
    assert!(error.to_string().contains("****"), "{error}");

    let app = bench.app();
    let report = skyswitch_mcp::ops::token(&app, false)
        .await
        .expect("a token");
    let body = format!("token {} is not good", report.access_token.expose());
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 403).body(&body, "text/plain"));
    let error = list(&app, &listing(DENTAL)).await.expect_err("a refusal");
    assert_keeps_secrets(&format!("{error} {error:?}"));
    assert!(error.to_string().contains("**** is not good"), "{error}");
}

#[test]
fn errors_about_the_configuration_hold_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    for text in [
        r#"{"password": 4711471147114711}"#,
        r#"{"password": "4711471147114711"#,
        r#"{"password": "4711471147114711", }"#,
        r#"{"base_url": "https://robot:4711471147114711@api.example.org"}"#,
    ] {
        std::fs::write(&path, text).expect("a file");
        let flags = Flags {
            config: Some(path.clone()),
            ..Flags::default()
        };
        let error = Settings::load(&flags, &|_| None).expect_err(text);
        assert_eq!(error.code(), Code::NotConfigured);
        assert!(!format!("{error:?}").contains("4711"), "{error:?}");
    }
}

#[test]
fn a_credential_that_was_not_filled_in_is_refused_with_its_variable() {
    let lookup = |name: &str| match name {
        "XDG_CONFIG_HOME" => Some("/nonexistent".to_owned()),
        "SKYSWITCH_PASSWORD" => Some("${SKYSWITCH_PASSWORD}".to_owned()),
        "SKYSWITCH_CLIENT_ID" | "SKYSWITCH_CLIENT_SECRET" => Some("12345".to_owned()),
        _ => None,
    };
    let settings = Settings::load(&Flags::default(), &lookup).expect("settings");
    let error = settings.credentials.expect_err("a refusal");
    assert_eq!(error.code(), Code::NotConfigured);
    assert!(error.to_string().contains("SKYSWITCH_"), "{error}");
}

#[test]
fn arguments_of_an_operation_take_numbers_in_any_writing() {
    assert_eq!(
        adding("+1 (616) 555-0123", DENTAL, "101").ani.as_str(),
        "16165550123"
    );
}
