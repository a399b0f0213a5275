//! The page on which a person settles a change: opened late, closed early,
//! and strict about who asks.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::approval_page::ApprovalPage;
use skyswitch_mcp::guard::{Answer, Settled};
use skyswitch_mcp::ops::RemoveVipStatus;
use skyswitch_mcp::redact::Secret;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use url::Url;

use crate::support::page::{Reply, get, host, raw};
use crate::support::process::{DOMAIN, Home, PATIENCE, demo_sandbox, eventually, writes};
use crate::support::protocol::{ERAS, Era, LEGACY, Wire};
use crate::support::{Bench, CALLER, DENTAL, nobody, remove, removing};

const FORM: &str = "application/x-www-form-urlencoded";

/// A change that waits, and the page that offers it.
struct Waiting {
    bench: Bench,
    app: App,
    page: ApprovalPage,
    code: String,
    link: Url,
}

async fn waiting() -> Waiting {
    waiting_on(|page| page).await
}

async fn waiting_on(change: impl FnOnce(ApprovalPage) -> ApprovalPage) -> Waiting {
    let bench = Bench::demo().await;
    let app = bench.app();
    let page = change(ApprovalPage::new(app.shared_guard()));
    let code = removal_waits(&app).await;
    let link = page.link_to(&code, in_a_minute()).await.unwrap();
    Waiting {
        bench,
        app,
        page,
        code,
        link,
    }
}

async fn removal_waits(app: &App) -> String {
    let asked = remove(app, &removing(CALLER, DENTAL), &nobody()).await;
    asked.unwrap().confirmation.approval_code.unwrap()
}

fn in_a_minute() -> Timestamp {
    Timestamp::now() + Duration::from_secs(60)
}

/// A form as the page's own button sends it, but for these headers.
async fn post(link: &Url, body: &str, headers: &[(&str, &str)]) -> Reply {
    let mut all = vec![
        ("Host", host(link)),
        ("Origin", format!("http://{}", host(link))),
        ("Content-Type", FORM.to_owned()),
        ("Content-Length", body.len().to_string()),
    ];
    for (name, value) in headers {
        all.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            all.push((name, (*value).to_owned()));
        }
    }
    let lines: String = all
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!("POST {} HTTP/1.1\r\n{lines}\r\n{body}", link.path());
    raw(link, &request).await.unwrap()
}

fn approving(typed: &str) -> String {
    format!("confirm={typed}&decision=approve")
}

/// Whether the change still waits for somebody.
async fn still_waits(waiting: &Waiting) -> bool {
    waiting
        .app
        .guard()
        .waiting_under(&waiting.code)
        .await
        .is_ok()
}

#[tokio::test]
async fn looking_shows_the_change_and_decides_nothing() {
    let waiting = waiting().await;
    for method in ["GET", "HEAD"] {
        for host in [
            host(&waiting.link),
            host(&waiting.link).replace("127.0.0.1", "localhost"),
        ] {
            let request = format!(
                "{method} {} HTTP/1.1\r\nHost: {host}\r\n\r\n",
                waiting.link.path()
            );
            let reply = raw(&waiting.link, &request).await.unwrap();
            assert_eq!(reply.status, 200);
            assert_eq!(reply.body.is_empty(), method == "HEAD");
        }
    }
    let body = get(&waiting.link).await.unwrap().body;
    for words in [
        "Remove VIP +1 616-555-0123",
        "goes to user &quot;101&quot;",
        CALLER,
        "Approve",
        "Decline",
    ] {
        assert!(body.contains(words), "{words}: {body}");
    }
    assert!(!body.contains("<script"), "no scripts");
    assert!(still_waits(&waiting).await);
}

/// What a page says, without its markup.
fn words_of(page: &str) -> String {
    let pieces = page.split('<').map(|piece| match piece.split_once('>') {
        Some((_, text)) => text,
        None => piece,
    });
    let text: String = pieces.collect();
    text.replace("&quot;", "\"")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[tokio::test]
async fn a_long_plan_is_shown_in_the_same_words_everywhere() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let rows = (0..120).map(|n| format!("1616444{n:04},10{}\n", n % 7));
    let list = format!("ani,destination\n{}", rows.collect::<String>());
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let arguments = json!({"domain": DOMAIN, "list": list, "mode": "mirror"});
    let waiting = wire.call("sync_vips", arguments).await["structuredContent"].clone();
    let preview = waiting["preview"].as_str().unwrap();
    assert!(
        preview.contains("Add more callers whose calls go to"),
        "{preview}"
    );

    let link = Url::parse(waiting["approval_link"].as_str().unwrap()).unwrap();
    let page = words_of(&get(&link).await.unwrap().body);
    let listed = home.run(&["approve", "--json"]).await.json();
    assert_eq!(listed["waiting"][0]["preview"], preview);
    let code = waiting["approval_code"].as_str().unwrap();
    let at_terminal = home
        .run_at_terminal(&["approve", code], Some(("to decline", "no")))
        .await;
    for line in preview.lines() {
        assert!(page.contains(line), "{line}: {page}");
        if let Some(terminal) = &at_terminal {
            assert!(terminal.stdout.contains(line), "{line}: {terminal:?}");
        }
    }
}

#[tokio::test]
async fn the_link_cannot_be_guessed_and_stays_the_same_for_one_change() {
    let waiting = waiting().await;
    let secret = waiting.link.path().trim_start_matches('/');
    assert_eq!(secret.len(), 32, "192 random bits");
    assert_eq!(waiting.link.host_str(), Some("127.0.0.1"));
    let again = waiting.page.link_to(&waiting.code, in_a_minute()).await;
    assert_eq!(again.unwrap(), waiting.link);
    for guess in ["/", "/x", "/..", "/robots.txt"] {
        let mut other = waiting.link.clone();
        other.set_path(guess);
        let reply = get(&other).await.unwrap();
        assert_eq!(reply.status, 404, "{guess}");
        assert!(!reply.body.contains(CALLER));
    }
}

#[tokio::test]
async fn a_decision_that_cannot_be_written_down_leaves_the_link() {
    let waiting = waiting().await;
    let full = "CREATE TRIGGER full BEFORE UPDATE ON approvals
                BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    waiting.bench.change_journal(full);
    let reply = post(&waiting.link, &approving(CALLER), &[]).await;
    assert_eq!(reply.status, 503, "{}", reply.body);
    assert!(still_waits(&waiting).await);
    assert_eq!(get(&waiting.link).await.unwrap().status, 200);

    waiting.bench.change_journal("DROP TRIGGER full");
    let reply = post(&waiting.link, &approving(CALLER), &[]).await;
    assert!(reply.body.contains("Approved"), "{}", reply.body);
}

#[tokio::test]
async fn every_answer_forbids_what_the_page_does_not_need() {
    let waiting = waiting().await;
    let mut unknown = waiting.link.clone();
    unknown.set_path("/unknown");
    for link in [&waiting.link, &unknown] {
        let head = get(link).await.unwrap().head;
        for line in [
            "content-security-policy: default-src 'none'; style-src 'sha256-",
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "x-frame-options: deny",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: same-origin",
        ] {
            assert!(head.contains(line), "{line} is missing: {head}");
        }
        assert!(!head.contains("set-cookie"), "{head}");
    }
}

#[tokio::test]
async fn requests_that_another_site_brought_are_refused_and_decide_nothing() {
    let waiting = waiting().await;
    let port = waiting.link.port().unwrap();
    let strangers = [
        ("Host", "evil.example".to_owned()),
        ("Host", format!("evil.example:{port}")),
        ("Host", format!("127.0.0.1:{}", port ^ 1)),
        ("Host", "127.0.0.1".to_owned()),
        ("Origin", String::new()),
        ("Origin", "null".to_owned()),
        ("Origin", "http://evil.example".to_owned()),
        ("Origin", format!("https://127.0.0.1:{port}")),
        ("Origin", format!("http://127.0.0.1:{}", port ^ 1)),
        ("Sec-Fetch-Site", "cross-site".to_owned()),
        ("Sec-Fetch-Site", "same-site".to_owned()),
    ];
    for (name, value) in strangers {
        let reply = post(&waiting.link, &approving(CALLER), &[(name, &value)]).await;
        assert!([403, 421].contains(&reply.status), "{name}: {value}");
        assert!(!reply.body.contains(CALLER), "{name}: {value}");
    }
    let two_hosts = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nHost: evil.example\r\n\r\n",
        waiting.link.path(),
        host(&waiting.link)
    );
    let reply = raw(&waiting.link, &two_hosts).await.unwrap();
    assert!([400, 421].contains(&reply.status));
    let body = approving(CALLER);
    for (target, other) in [
        (waiting.link.path(), "Origin: http://evil.example\r\n"),
        (waiting.link.path(), "Origin: http://127.0.0.1:1\r\n"),
        (
            waiting.link.path(),
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n",
        ),
        (waiting.link.as_str(), ""),
    ] {
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {h}\r\nOrigin: http://{h}\r\n{other}Content-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
            h = host(&waiting.link)
        );
        let reply = raw(&waiting.link, &request).await.unwrap();
        assert!([403, 421].contains(&reply.status), "{target} {other}");
        assert!(!reply.body.contains(CALLER), "{target} {other}");
    }
    let whole_address = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
        waiting.link,
        host(&waiting.link)
    );
    let reply = raw(&waiting.link, &whole_address).await.unwrap();
    assert_eq!(reply.status, 421);
    let elsewhere = format!(
        "GET {} HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        waiting.link.path()
    );
    let reply = raw(&waiting.link, &elsewhere).await.unwrap();
    assert_eq!(reply.status, 421);
    assert!(!reply.body.contains(CALLER), "nothing is revealed");
    for method in ["PUT", "DELETE", "PATCH"] {
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: {h}\r\nOrigin: http://{h}\r\nContent-Length: 0\r\n\r\n",
            waiting.link.path(),
            h = host(&waiting.link)
        );
        let reply = raw(&waiting.link, &request).await.unwrap();
        assert_eq!(reply.status, 405, "{method}");
    }
    assert!(still_waits(&waiting).await);
    waiting.bench.assert_nothing_written();
}

#[tokio::test]
async fn two_hundred_slow_connections_keep_no_honest_one_out() {
    let waiting = waiting().await;
    let address = ("127.0.0.1", waiting.link.port().unwrap());
    let mut slow = Vec::new();
    for round in 0..3 {
        for _ in 0..200 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Some were closed again already.
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").await;
            slow.push(stream);
        }
        let reply = get(&waiting.link).await;
        assert_eq!(reply.map(|reply| reply.status), Some(200), "round {round}");
    }
    let reply = post(&waiting.link, &approving(CALLER), &[]).await;
    assert!(reply.body.contains("Approved"), "{}", reply.body);
    drop(slow);
}

#[tokio::test]
async fn what_is_no_form_is_not_understood_and_decides_nothing() {
    let waiting = waiting().await;
    let json = format!(r#"{{"confirm":"{CALLER}","decision":"approve"}}"#);
    let reply = post(
        &waiting.link,
        &json,
        &[("Content-Type", "application/json")],
    )
    .await;
    assert_eq!(reply.status, 400);
    let huge = format!("{}&x={}", approving(CALLER), "y".repeat(5_000));
    let reply = post(&waiting.link, &huge, &[]).await;
    assert_eq!(reply.status, 400);
    assert!(still_waits(&waiting).await);
}

#[tokio::test]
async fn what_none_of_the_buttons_sends_decides_nothing() {
    let waiting = waiting().await;
    for body in [
        String::new(),
        format!("confirm={CALLER}"),
        format!("confirm={CALLER}&decision="),
        format!("confirm={CALLER}&decision=Approve"),
        format!("confirm={CALLER}&decision=later"),
    ] {
        let reply = post(&waiting.link, &body, &[]).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.body);
        assert!(still_waits(&waiting).await, "{body}");
    }
    // Nor is there a pause, as after a no.
    let code = removal_waits(&waiting.app).await;
    assert_eq!(code, waiting.code);
    let reply = post(&waiting.link, &approving(CALLER), &[]).await;
    assert!(reply.body.contains("Approved"), "{}", reply.body);
}

#[tokio::test]
async fn where_the_state_folder_is_gone_the_page_says_so_and_what_to_do() {
    let waiting = waiting().await;
    let folder = waiting.bench.state_dir();
    let elsewhere = folder.with_extension("moved");
    std::fs::rename(&folder, &elsewhere).unwrap();
    let replies = [
        get(&waiting.link).await.unwrap(),
        post(&waiting.link, &approving(CALLER), &[]).await,
        post(&waiting.link, "decision=decline", &[]).await,
    ];
    for reply in replies {
        assert_eq!(reply.status, 503, "{}", reply.body);
        assert!(reply.body.contains("Put it back"), "{}", reply.body);
        assert!(
            !reply.body.contains("No change is waiting"),
            "{}",
            reply.body
        );
    }
    assert!(
        !folder.exists(),
        "an empty one would say that nothing waits"
    );
    std::fs::rename(&elsewhere, &folder).unwrap();
    let reply = post(&waiting.link, &approving(CALLER), &[]).await;
    assert!(reply.body.contains("Approved"), "{}", reply.body);
}

#[tokio::test]
async fn typing_the_value_approves_once() {
    let waiting = waiting().await;
    let reply = post(&waiting.link, &approving("%28616%29+555-0123"), &[]).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("Approved"), "{}", reply.body);
    let again = post(&waiting.link, &approving(CALLER), &[]).await;
    assert_eq!(again.status, 410, "it is over");
    assert!(again.body.contains("Approved at"), "{}", again.body);
    let removed = remove(&waiting.app, &removing(CALLER, DENTAL), &nobody()).await;
    assert!(removed.unwrap().change_id.is_some(), "the same call acts");
}

#[tokio::test]
async fn a_wrong_value_on_the_page_is_named_and_asked_again_and_the_third_one_ends_it() {
    let waiting = waiting().await;
    for (typed, said) in [
        (
            "16165550199",
            "&quot;16165550199&quot; is not the caller's number. Nothing was changed yet; 2 attempts left.",
        ),
        (
            "",
            "Nothing was typed: the caller's number is asked for. Nothing was changed yet; 1 attempt left.",
        ),
    ] {
        let reply = post(&waiting.link, &approving(typed), &[]).await;
        assert_eq!(reply.status, 200);
        assert!(reply.body.contains(said), "{}", reply.body);
        assert!(still_waits(&waiting).await);
    }
    let reply = post(&waiting.link, &approving("yes"), &[]).await;
    assert!(reply.body.contains("Not approved"), "{}", reply.body);
    assert!(!still_waits(&waiting).await);
    let told = remove(&waiting.app, &removing(CALLER, DENTAL), &nobody()).await;
    assert_eq!(told.unwrap().status, RemoveVipStatus::WrongValue);

    let waiting = self::waiting().await;
    post(&waiting.link, &approving("yes"), &[]).await;
    let reply = post(&waiting.link, &approving(CALLER), &[]).await;
    assert!(reply.body.contains("Approved"), "{}", reply.body);
}

#[tokio::test]
async fn declining_needs_no_value() {
    let bodies = [
        "decision=decline".to_owned(),
        format!("confirm={CALLER}&decision=decline"),
    ];
    for body in bodies {
        let waiting = waiting().await;
        let reply = post(&waiting.link, &body, &[]).await;
        assert!(reply.body.contains("Declined"), "{body}: {}", reply.body);
        assert!(!still_waits(&waiting).await);
        let told = remove(&waiting.app, &removing(CALLER, DENTAL), &nobody()).await;
        assert!(told.unwrap().change_id.is_none());
        waiting.bench.assert_nothing_written();
    }
}

#[tokio::test]
async fn nobody_listens_before_the_first_link_or_after_the_last() {
    let waiting = waiting_on(|page| page.remembering_for(Duration::ZERO)).await;
    assert_eq!(get(&waiting.link).await.unwrap().status, 200);
    // Decided at a terminal, as far as the page knows.
    let guard = waiting.app.guard();
    let approval = guard.waiting_under(&waiting.code).await.unwrap();
    guard.settle(&approval, &Answer::Declined).await.unwrap();
    let link = waiting.link.clone();
    let reply = get(&link).await;
    assert!(
        reply.is_none_or(|reply| [404, 410].contains(&reply.status)),
        "over at once"
    );
    eventually("the page ends", || {
        std::net::TcpStream::connect(("127.0.0.1", link.port().unwrap())).is_err()
    })
    .await;
    remove(&waiting.app, &removing(CALLER, DENTAL), &nobody())
        .await
        .unwrap();
    waiting.bench.age_declines(60);
    let code = removal_waits(&waiting.app).await;
    let later = waiting.page.link_to(&code, in_a_minute()).await.unwrap();
    assert_ne!(later, link);
    assert_eq!(get(&later).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_link_expires_with_its_change() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let page = ApprovalPage::new(app.shared_guard());
    let code = removal_waits(&app).await;
    let link = page.link_to(&code, in_a_minute()).await.unwrap();
    bench.age_approvals(301);
    let reply = get(&link).await.unwrap();
    assert_eq!(reply.status, 410);
    assert!(reply.body.contains("<h1>Expired</h1>"), "{}", reply.body);
    let reply = post(&link, &approving(CALLER), &[]).await;
    assert_eq!(reply.status, 410);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_link_says_afterwards_how_its_question_ended() {
    let declining = ["decision=decline".to_owned()];
    let wrong = ["1", "2", "3"].map(approving);
    let right = [approving(CALLER)];
    let ways: [(&[String], &str, &str); 3] = [
        (&declining, "Declined", "Declined at "),
        (&wrong, "Not approved", "also at the last attempt"),
        (&right, "Approved", "makes exactly this change, once"),
    ];
    for (answers, heading, words) in ways {
        let waiting = waiting().await;
        for answer in answers {
            post(&waiting.link, answer, &[]).await;
        }
        let reply = get(&waiting.link).await.unwrap();
        assert_eq!(reply.status, 410);
        for words in [
            &format!("<h1>{heading}</h1>"),
            words,
            "Remove VIP +1 616-555-0123",
        ] {
            assert!(reply.body.contains(words), "{words}: {}", reply.body);
        }
        assert!(!reply.body.contains("<form"), "nothing is left to decide");
        waiting.bench.assert_nothing_written();
    }

    // Settled elsewhere, and made use of.
    let waiting = waiting().await;
    let guard = waiting.app.guard();
    let approval = guard.waiting_under(&waiting.code).await.unwrap();
    let typed = Answer::Typed(CALLER.to_owned());
    guard.settle(&approval, &typed).await.unwrap();
    remove(&waiting.app, &removing(CALLER, DENTAL), &nobody())
        .await
        .unwrap();
    let reply = get(&waiting.link).await.unwrap();
    assert!(
        reply.body.contains("Your assistant has gone on with it at"),
        "{}",
        reply.body
    );
    // Also when the same is asked for again.
    let again = remove(&waiting.app, &removing(CALLER, DENTAL), &nobody()).await;
    drop(again);
    assert_eq!(get(&waiting.link).await.unwrap().status, 410);
}

#[tokio::test]
async fn the_page_says_whose_calls_go_where_who_asks_and_how_long_there_is_time() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], ERAS[0], false).await;
    // The names of the customer and of its people are known from these.
    wire.call("list_domains", json!({})).await;
    wire.call("list_destinations", json!({ "domain": DOMAIN }))
        .await;
    let arguments = json!({"ani": CALLER, "domain": DOMAIN});
    let outcome = wire.call("remove_vip", arguments).await["structuredContent"].clone();
    let link = Url::parse(outcome["approval_link"].as_str().unwrap()).unwrap();
    let body = get(&link).await.unwrap().body;
    let people = body.split("<details>").next().unwrap();
    for words in [
        "<p class=\"customer\">Lakeside Dental</p>",
        "<h1>Take +1 616-555-0123 off the VIP list?</h1>",
        "A call from +1 616-555-0123 goes straight to Maya Lindgren (101).",
        "A call from +1 616-555-0123 is treated like every other call.",
        "This takes something away.",
        "Maya Lindgren (101) no longer gets these calls.",
        "wire 1 (tool remove_vip) asks for your agreement since ",
        "expires in 5 minutes (at ",
        "inputmode=\"tel\"",
    ] {
        assert!(people.contains(words), "{words}: {people}");
    }
    let account = skyswitch_mcp::sandbox::ACCOUNT_ID;
    let stored = "stored as &quot;16165550123&quot;";
    for words in [DOMAIN, account, stored] {
        assert!(!people.contains(words), "{words} is for the details");
        assert!(body.contains(words), "{words} is in the details: {body}");
    }
    assert!(!body.contains("<script"), "no scripts");
}

#[tokio::test]
async fn a_plan_is_grouped_by_where_the_calls_go_and_keeps_its_summary_in_view() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], ERAS[0], false).await;
    wire.call("list_destinations", json!({ "domain": DOMAIN }))
        .await;
    let list = "ani,destination\n6165550131,101\n6165550132,102\n6165550133,101\n6165550124,101\n";
    let arguments = json!({"domain": DOMAIN, "list": list, "mode": "mirror"});
    let outcome = wire.call("sync_vips", arguments).await["structuredContent"].clone();
    let link = Url::parse(outcome["approval_link"].as_str().unwrap()).unwrap();
    let body = get(&link).await.unwrap().body;
    let page = words_of(&body);
    assert!(
        body.contains("class=\"summary\"") && body.contains("href=\"#answer\""),
        "{body}"
    );
    assert!(
        page.contains("Put through to Maya Lindgren (101)"),
        "{page}"
    );
    assert!(page.contains("No longer put through to"), "{page}");
    assert!(body.contains("inputmode=\"numeric\""), "{body}");
    // The two new ones for Maya are together, before those for another.
    let (maya, other) = (
        body.find("+1 616-555-0133</li>"),
        body.find("+1 616-555-0132</li>"),
    );
    assert!(maya.is_some() && maya < other, "{body}");
}

#[tokio::test]
async fn the_page_goes_with_its_owner() {
    let waiting = waiting().await;
    let port = waiting.link.port().unwrap();
    drop(waiting.page);
    eventually("the page ends", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err()
    })
    .await;
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_keep_others_out() {
    let waiting = waiting().await;
    let address = ("127.0.0.1", waiting.link.port().unwrap());
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    drop(silent);
    let link = waiting.link.clone();
    let answers = async {
        while get(&link).await.is_none_or(|reply| reply.status != 200) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answers)
        .await
        .expect("the page still answers");
}

#[tokio::test]
async fn the_server_gives_the_link_to_clients_without_forms_only() {
    let sandbox = demo_sandbox().await;
    for era in ERAS {
        let home = Home::of(&sandbox);
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let arguments = json!({"ani": CALLER, "domain": DOMAIN});
        let result = wire.call("remove_vip", arguments.clone()).await;
        let outcome = &result["structuredContent"];
        let link: Url = outcome["approval_link"].as_str().unwrap().parse().unwrap();
        assert_eq!(get(&link).await.unwrap().status, 200);
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(link.as_str()), "in the text, too: {text}");
        post(&link, "decision=decline", &[]).await;
        let told = wire.call("remove_vip", arguments).await;
        assert_eq!(told["structuredContent"]["status"], "declined");
    }
    let home = Home::of(&sandbox).with_config(r#"{"approval_page": false}"#);
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let result = wire
        .call("remove_vip", json!({"ani": CALLER, "domain": DOMAIN}))
        .await;
    let outcome = &result["structuredContent"];
    assert!(outcome["approval_code"].is_string(), "{outcome}");
    assert!(outcome["approval_link"].is_null(), "{outcome}");
    assert_eq!(writes(&sandbox), []);
}

/// A client that offers links to its person, and has no forms.
async fn with_links(home: &Home, era: Era) -> Wire {
    let capabilities = json!({"elicitation": {"url": {}}});
    let mut wire = Wire::start(home, &[]);
    match era {
        Era::Legacy => {
            wire.initialize(LEGACY, capabilities).await;
        }
        Era::Modern => {
            wire.become_modern(capabilities);
            wire.request("server/discover", json!({})).await;
        }
    }
    wire
}

/// Calls the removal, lets the client do this with the link, and gives the link
/// and the result.
async fn call_with_link(
    wire: &mut Wire,
    era: Era,
    done: serde_json::Value,
) -> (Url, serde_json::Value) {
    let arguments = json!({"ani": CALLER, "domain": DOMAIN});
    let (asked, result) = match era {
        Era::Legacy => {
            let id = wire.post_call("remove_vip", arguments).await;
            let mut asked = wire.asked("elicitation/create").await;
            let mut answer = done;
            answer["jsonrpc"] = json!("2.0");
            answer["id"] = asked["id"].clone();
            wire.send(answer).await;
            (asked["params"].take(), wire.result_of(id).await)
        }
        Era::Modern => {
            let mut asked = wire.call("remove_vip", arguments.clone()).await;
            let answer = done.get("result").unwrap_or(&done);
            let params = json!({"name": "remove_vip", "arguments": arguments,
                "inputResponses": {"approval_page": answer}});
            let id = wire.post("tools/call", params).await;
            let asked = asked["inputRequests"]["approval_page"]["params"].take();
            (asked, wire.result_of(id).await)
        }
    };
    assert_eq!(asked["mode"], "url", "{asked}");
    let message = asked["message"].as_str().unwrap();
    assert!(message.contains("Remove VIP +1 616-555-0123"), "{message}");
    (asked["url"].as_str().unwrap().parse().unwrap(), result)
}

#[tokio::test]
async fn a_client_that_offers_links_gets_the_page_and_the_model_does_not() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = with_links(&Home::of(&sandbox), era).await;
        let opened = json!({"result": {"action": "accept"}});
        let (link, waiting) = call_with_link(&mut wire, era, opened).await;
        let arguments = json!({"ani": CALLER, "domain": DOMAIN});
        let again = wire.call("remove_vip", arguments.clone()).await;
        for result in [waiting, again] {
            let outcome = &result["structuredContent"];
            assert_eq!(outcome["status"], "confirmation_required", "{result}");
            assert!(outcome["approval_code"].is_string(), "{result}");
            let next_step = outcome["next_step"].as_str().unwrap();
            assert!(next_step.contains("the client has offered"), "{next_step}");
            assert!(
                !result.to_string().contains("127.0.0.1"),
                "{era:?}: {result}"
            );
        }
        let reply = post(&link, &approving(CALLER), &[]).await;
        assert!(reply.body.contains("Approved"), "{}", reply.body);
        let removed = wire.call("remove_vip", arguments).await;
        assert_eq!(removed["structuredContent"]["status"], "removed", "{era:?}");
    }
}

#[tokio::test]
async fn a_link_that_the_person_cancels_or_declines_is_no_answer_and_stays_with_the_result() {
    for era in ERAS {
        for action in ["cancel", "decline"] {
            let sandbox = demo_sandbox().await;
            let mut wire = with_links(&Home::of(&sandbox), era).await;
            let closed = json!({"result": {"action": action}});
            let (link, waiting) = call_with_link(&mut wire, era, closed).await;
            let arguments = json!({"ani": CALLER, "domain": DOMAIN});
            // The same call offers it no second time.
            let again = wire.call("remove_vip", arguments.clone()).await;
            for result in [waiting, again] {
                let outcome = &result["structuredContent"];
                assert_eq!(outcome["status"], "confirmation_required", "{result}");
                assert_eq!(outcome["approval_link"], link.as_str(), "{result}");
                assert!(outcome["approval_code"].is_string(), "{result}");
            }
            assert_eq!(writes(&sandbox), []);
            // Who closed it may still want it later.
            let reply = post(&link, &approving(CALLER), &[]).await;
            assert!(reply.body.contains("Approved"), "{}", reply.body);
            let removed = wire.call("remove_vip", arguments).await;
            assert_eq!(
                removed["structuredContent"]["status"], "removed",
                "{action}"
            );
        }
    }
}

#[tokio::test]
async fn a_flood_of_wrong_pins_on_the_page_is_slowed_ever_more_and_keeps_nobody_out() {
    const PIN: &str = "tulip-48151623";
    let waiting = waiting().await;
    let guard = waiting.app.guard();
    guard.set_pin(None, Secret::new(PIN)).await.unwrap();
    let with_pin = |pin: &str| format!("{}&pin={pin}", approving(CALLER));
    for attempt in 0..12 {
        let reply = post(&waiting.link, &with_pin("wrong-wrong"), &[]).await;
        let (status, said) = match attempt {
            0..3 => (200, "That is not the PIN"),
            _ => (429, "no PIN is looked at on this page for 15 minutes"),
        };
        assert_eq!(reply.status, status, "{attempt}: {}", reply.body);
        assert!(reply.body.contains(said), "{attempt}: {}", reply.body);
        assert!(still_waits(&waiting).await, "{attempt}");
    }
    // Not even with the right one, during the pause.
    let reply = post(&waiting.link, &with_pin(PIN), &[]).await;
    assert_eq!(reply.status, 429, "{}", reply.body);
    assert!(reply.body.contains("skyswitch approve"), "{}", reply.body);
    assert!(still_waits(&waiting).await);
    // Each further pause is longer, until there are three tries a day.
    let hours = |hours: i64| hours * 60 * 60;
    let pauses = [15 * 60, hours(1), hours(4), hours(16), hours(24), hours(24)];
    for (pause, next) in pauses.into_iter().zip(pauses.into_iter().skip(1)) {
        waiting.bench.age_pin_tries(pause - 30);
        let reply = post(&waiting.link, &with_pin(PIN), &[]).await;
        assert_eq!(reply.status, 429, "after {pause} s: {}", reply.body);
        waiting.bench.age_pin_tries(31);
        for _ in 0..3 {
            let reply = post(&waiting.link, &with_pin("wrong-wrong"), &[]).await;
            assert_eq!(reply.status, 200, "after {pause} s: {}", reply.body);
        }
        let reply = post(&waiting.link, &with_pin(PIN), &[]).await;
        let said = match next / 3_600 {
            1 => "60 minutes".to_owned(),
            hours => format!("{hours} hours"),
        };
        assert!(reply.body.contains(&said), "{said}: {}", reply.body);
        assert!(still_waits(&waiting).await);
    }
    // The person at the terminal is asked as ever, and that ends the pause.
    let approval = guard.waiting_under(&waiting.code).await.unwrap();
    let typed = |pin: &str| Answer::with_pin(CALLER.to_owned(), pin.to_owned());
    let slip = guard
        .settle(&approval, &typed("tulip-4815162"))
        .await
        .unwrap();
    assert!(matches!(slip, Settled::AskAgain(_)), "{slip:?}");
    let settled = guard.settle(&approval, &typed(PIN)).await.unwrap();
    assert_eq!(settled, Settled::Approved);
    let removed = remove(&waiting.app, &removing(CALLER, DENTAL), &nobody()).await;
    assert!(removed.unwrap().change_id.is_some());
}

#[tokio::test]
async fn after_the_right_pin_the_page_starts_over_with_its_first_pause() {
    const PIN: &str = "tulip-48151623";
    let waiting = waiting().await;
    let guard = waiting.app.guard();
    guard.set_pin(None, Secret::new(PIN)).await.unwrap();
    let try_pin = async |pin: &str| {
        let form = format!("{}&pin={pin}", approving(CALLER));
        post(&waiting.link, &form, &[]).await
    };
    let use_up = async || {
        for _ in 0..3 {
            assert_eq!(try_pin("wrong-wrong").await.status, 200);
        }
        try_pin("wrong-wrong").await.body
    };
    assert!(use_up().await.contains("for 15 minutes"));
    waiting.bench.age_pin_tries(15 * 60);
    assert!(use_up().await.contains("for 60 minutes"));
    // Whoever changes the PIN at a terminal gives the present one.
    let again = Secret::new(PIN);
    guard.set_pin(Some(again.clone()), again).await.unwrap();
    assert!(use_up().await.contains("for 15 minutes"));
    waiting.bench.age_pin_tries(15 * 60);
    assert!(try_pin(PIN).await.body.contains("Approved"));
}

#[tokio::test]
async fn a_client_that_only_claims_links_is_sent_no_more_of_them() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = with_links(&Home::of(&sandbox), era).await;
        let failed = json!({"error": {"code": -32601, "message": "Method not found"}});
        let (link, waiting) = call_with_link(&mut wire, era, failed).await;
        let arguments = json!({"ani": CALLER, "domain": DOMAIN});
        let again = wire.call("remove_vip", arguments).await;
        for result in [waiting, again] {
            let outcome = &result["structuredContent"];
            assert_eq!(outcome["approval_link"], link.as_str(), "{era:?}: {result}");
        }
    }
}
