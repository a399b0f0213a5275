//! What no output may hold, at the highest log level and in every failure.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use skyswitch_mcp::sandbox::{self, Fault, RetryAfter, Sandbox};

use crate::support::process::{
    CALLER, CALLER_AS_WRITTEN, DOMAIN, Home, OTHER_CALLER, demo_sandbox, logins, vip_add,
};
use crate::support::protocol::{ERAS, Era, Wire};

const WRONG_PASSWORD: &str = "wr0ng&pass=word";
const WRONG_SECRET: &str = "wr0ng-client-secret";

/// One process's output, told apart by what may be in it.
#[derive(Clone)]
struct Said {
    what: String,
    stdout: String,
    /// Logs, and for people the error at the end.
    stderr: String,
    /// `token --quiet`, whose whole purpose is the token.
    prints_token: bool,
}

/// The forms in which a secret may travel.
fn secrets() -> Vec<String> {
    let mut forms = Vec::new();
    for secret in [
        sandbox::PASSWORD,
        sandbox::CLIENT_SECRET,
        WRONG_PASSWORD,
        WRONG_SECRET,
    ] {
        let as_form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let as_json = serde_json::to_string(secret).unwrap();
        forms.push(as_form.replace('+', "%20"));
        forms.push(as_form);
        forms.push(as_json.trim_matches('"').to_owned());
        forms.push(format!("{secret:?}").trim_matches('"').to_owned());
        forms.push(secret.to_owned());
    }
    forms.sort();
    forms.dedup();
    forms
}

fn check(said: &[Said]) {
    let secrets = secrets();
    for Said {
        what,
        stdout,
        stderr,
        prints_token,
    } in said
    {
        for (stream, text) in [("stdout", stdout), ("stderr", stderr)] {
            for secret in &secrets {
                assert!(!text.contains(secret), "{what}: {stream} holds {secret}");
            }
            assert!(
                !text.contains("sandbox-refresh-"),
                "{what}: {stream} holds a refresh token"
            );
            assert!(
                !text.contains("sandbox-access-") || (*prints_token && stream == "stdout"),
                "{what}: {stream} holds an access token: {text}"
            );
        }
        let numbers = numbers_in(stderr);
        for caller in ["5550123", "5550124", "5550177", "5550126", "5550161"] {
            assert!(
                !numbers.iter().any(|number| number.contains(caller)),
                "{what}: the log holds the caller {caller}: {stderr}"
            );
        }
    }
}

/// What a log holds that may be a number in any writing, without its punctuation. The times
/// of its lines are left out: in many random digits, each number is found by chance.
fn numbers_in(log: &str) -> Vec<String> {
    let without_time = |line: &'_ str| match line.split_once('Z') {
        Some((time, rest)) if time.starts_with("20") => rest.to_owned(),
        _ => line.to_owned(),
    };
    let is_of_number = |sign: char| sign.is_ascii_digit() || " ()-.+".contains(sign);
    let lines = log.lines().map(without_time);
    let texts = lines.flat_map(|line| {
        let texts = line.split(|sign| !is_of_number(sign));
        texts.map(str::to_owned).collect::<Vec<_>>()
    });
    texts
        .map(|text| text.chars().filter(char::is_ascii_digit).collect())
        .collect()
}

async fn run(home: &Home, said: &mut Vec<Said>, arguments: &[&str]) -> i32 {
    let ran = home.run(&[arguments, &["-vv"]].concat()).await;
    said.push(Said {
        what: arguments.join(" "),
        stdout: ran.stdout,
        stderr: ran.stderr,
        prints_token: arguments.contains(&"--quiet"),
    });
    ran.code
}

async fn end(wire: Wire, what: &str, said: &mut Vec<Said>) {
    let ended = wire.finish().await;
    said.push(Said {
        what: what.to_owned(),
        stdout: ended.stdout,
        stderr: ended.stderr,
        prints_token: false,
    });
}

/// The token that every process of this home uses.
async fn shared_token(home: &Home) -> String {
    let ran = home.run(&["token", "--quiet"]).await;
    assert!(ran.stdout.starts_with("sandbox-access-"), "no token");
    ran.stdout.trim().to_owned()
}

/// Every kind of failure the service can answer a list with, without long
/// waits; the first quotes the token it was sent.
fn failures(token: &str) -> Vec<Fault> {
    let never = RetryAfter::Seconds(3600);
    let echo = json!({ "message": format!("I do not like Bearer {token}") });
    vec![
        Fault::status("GET", "accounts", 400).body(&echo.to_string(), "application/json"),
        Fault::status("GET", "accounts", 500).retry_after(never),
        Fault::status("GET", "accounts", 429).retry_after(never),
        Fault::status("GET", "accounts", 500),
        Fault::status("GET", "accounts", 403),
        Fault::status("GET", "accounts", 401).times(2),
        Fault::html("GET", "accounts"),
        Fault::truncate("GET", "accounts"),
        Fault::drop_after("GET", "accounts"),
        Fault::status("GET", "accounts", 422).body("<b>no</b>", "text/html"),
    ]
}

/// Uses every tool, well and badly, while everything goes wrong at the service.
async fn eventful_conversation(era: Era) -> Vec<Said> {
    let mut said = Vec::new();
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
    let mut wire = Wire::ready(&home, &[], era, false).await;
    let add = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "101"});
    let replace = json!({"ani": CALLER, "domain": DOMAIN, "destination": "102"});
    let remove = json!({"ani": CALLER_AS_WRITTEN, "domain": DOMAIN});
    for (tool, arguments) in [
        ("list_domains", json!({"refresh": true})),
        ("list_vips", json!({})),
        ("setup_checklist", json!({"domain": DOMAIN})),
        ("add_vip", add),
        ("add_vip", replace),
        ("remove_vip", remove),
        (
            "remove_vip",
            json!({"ani": "16165550126", "domain": DOMAIN}),
        ),
        ("list_vips", json!({"ani": "no number at all \u{1b}"})),
        ("list_vips", json!({"account_id": "12345"})),
        ("drop_tables", json!({})),
    ] {
        let id = wire.post_call(tool, arguments).await;
        wire.answer_to(id).await;
    }
    for fault in failures(&shared_token(&home).await) {
        sandbox.inject(fault);
        let id = wire.post_call("list_vips", json!({"domain": DOMAIN})).await;
        wire.answer_to(id).await;
    }
    // Not what was refused a moment ago: that is not asked for with a new token again.
    sandbox.revoke_tokens();
    wire.call("list_domains", json!({"refresh": true})).await;
    sandbox.revoke_tokens();
    sandbox.revoke_refresh_tokens();
    wire.call("list_domains", json!({"refresh": true})).await;
    assert!(logins(&sandbox) >= 3, "the tokens were not renewed");
    sandbox.inject(Fault::delay("GET", "accounts", Duration::from_secs(600)));
    wire.post_call("list_vips", json!({"domain": DOMAIN})).await;
    end(wire, &format!("mcp {era:?}"), &mut said).await;
    said
}

#[tokio::test]
async fn the_server_tells_no_secret_and_logs_no_caller() {
    let conversations = ERAS.map(eventful_conversation);
    let mut said = futures_util::future::join_all(conversations).await.concat();
    // A question at the person, and a change whose answer is lost.
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
    let mut wire = Wire::ready(&home, &[], ERAS[0], true).await;
    let other = json!({"ani": OTHER_CALLER, "domain": DOMAIN});
    wire.post_call("remove_vip", other).await;
    wire.asked("elicitation/create").await;
    sandbox.inject(Fault::drop_after("PUT", "route-by-ani"));
    let add = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "101"});
    wire.call("add_vip", add).await;
    end(wire, "mcp with a pending question", &mut said).await;

    let logged = said.iter().filter(|said| said.stderr.contains("DEBUG"));
    assert!(
        logged.count() > 0,
        "nothing was logged: this proves nothing"
    );
    check(&said);
}

#[tokio::test]
async fn a_server_with_a_wrong_login_tells_no_secret() {
    let mut said = Vec::new();
    let sandbox = demo_sandbox().await;
    for home in wrong_logins(&sandbox) {
        let home = home.with("SKYSWITCH_LOG", "trace");
        let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
        let result = wire.call("list_vips", json!({})).await;
        assert_eq!(result["isError"], true, "{result}");
        end(wire, "mcp with a wrong login", &mut said).await;
    }
    check(&said);
}

fn wrong_logins(sandbox: &Sandbox) -> Vec<Home> {
    let config = json!({"client_secret": WRONG_SECRET, "password": WRONG_PASSWORD}).to_string();
    let quoted = json!({"password": [WRONG_PASSWORD], "client_secret": WRONG_SECRET}).to_string();
    let in_url = format!("https://{WRONG_SECRET}@127.0.0.1/");
    vec![
        Home::of(sandbox).with("SKYSWITCH_PASSWORD", WRONG_PASSWORD),
        Home::of(sandbox).with("SKYSWITCH_CLIENT_SECRET", WRONG_SECRET),
        Home::of(sandbox)
            .without("SKYSWITCH_PASSWORD")
            .without("SKYSWITCH_CLIENT_SECRET")
            .with_config(&config),
        Home::of(sandbox).with_config(&quoted),
        Home::of(sandbox).with_config(&config[..config.len() - 1]),
        Home::of(sandbox).with("SKYSWITCH_BASE_URL", &in_url),
        Home::of(sandbox).with("SKYSWITCH_PASSWORD", &format!("${{{WRONG_SECRET}}}")),
    ]
}

#[tokio::test]
async fn the_command_line_tells_no_secret_and_logs_no_caller() {
    let mut said = Vec::new();
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
    let remove = [
        "vip",
        "remove",
        "--ani",
        CALLER_AS_WRITTEN,
        "--domain",
        DOMAIN,
    ];
    let remove_anyway = [&remove[..], &["--yes"]].concat();
    let add = vip_add("6165550177", "101");
    for arguments in [
        ["doctor"].as_slice(),
        &["domains", "--refresh"],
        &["vip", "list"],
        &["vip", "list", "--json"],
        &["checklist", "--domain", DOMAIN],
        &add,
        &remove,
        &remove_anyway,
        &["token"],
        &["token", "--json"],
        &["token", "--refresh", "--json"],
        &["token", "--quiet"],
        &["approve"],
        &["demo"],
    ] {
        run(&home, &mut said, arguments).await;
    }
    for fault in failures(&shared_token(&home).await) {
        sandbox.inject(fault);
        run(&home, &mut said, &["vip", "list"]).await;
    }
    for home in wrong_logins(&sandbox) {
        assert_eq!(run(&home, &mut said, &["vip", "list"]).await, 4);
        run(&home, &mut said, &["doctor", "--json"]).await;
        run(&home, &mut said, &["token", "--quiet"]).await;
    }
    let logged = said.iter().filter(|said| said.stderr.contains("DEBUG"));
    assert!(
        logged.count() > 0,
        "nothing was logged: this proves nothing"
    );
    let quiet = said.iter().filter(|said| said.prints_token);
    assert!(
        quiet
            .map(|said| said.stdout.as_str())
            .any(|text| text.starts_with("sandbox-access-")),
        "no token was printed: this proves nothing"
    );
    check(&said);
}

#[tokio::test]
async fn the_login_that_echoes_what_was_sent_is_scrubbed() {
    let sandbox = demo_sandbox().await;
    let echo = json!({
        "error": "invalid_grant",
        "message": format!("{} / {} is wrong", sandbox::PASSWORD, sandbox::CLIENT_SECRET),
    });
    sandbox.inject(
        Fault::status("POST", "/oauth/token", 400).body(&echo.to_string(), "application/json"),
    );
    let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
    let mut said = Vec::new();
    assert_eq!(run(&home, &mut said, &["vip", "list"]).await, 4);
    assert!(said[0].stderr.contains("is wrong"), "{}", said[0].stderr);
    check(&said);
}

#[tokio::test]
async fn whatever_an_answer_repeats_of_the_login_is_scrubbed() {
    for status in [200, 400, 403, 409] {
        let sandbox = demo_sandbox().await;
        let said = format!(
            "{} / {} is wrong",
            sandbox::PASSWORD,
            sandbox::CLIENT_SECRET
        );
        let echo = json!({ "error": said }).to_string();
        let fault = Fault::status("GET", "route-by-ani", status);
        sandbox.inject(fault.body(&echo, "application/json").times(9));
        let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
        let mut said = Vec::new();
        assert_ne!(run(&home, &mut said, &["vip", "list"]).await, 0);
        assert!(said[0].stderr.contains("is wrong"), "{}", said[0].stderr);
        check(&said);
    }
}

/// The refresh token that is kept in some file of a folder.
fn refresh_token_below(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).find_map(|path| {
        if path.is_dir() {
            return refresh_token_below(&path);
        }
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let token = &text[text.find("sandbox-refresh-")?..];
        Some(token.split('"').next()?.to_owned())
    })
}

#[tokio::test]
async fn a_refresh_token_that_an_answer_repeats_is_scrubbed() {
    for status in [200, 400] {
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
        let mut said = Vec::new();
        // The first login gives a refresh token, which the second process knows.
        assert_eq!(run(&home, &mut said, &["vip", "list"]).await, 0);
        let token = refresh_token_below(home.path()).unwrap();
        let echo = json!({ "error": format!("{token} is old") }).to_string();
        let fault = Fault::status("GET", "route-by-ani", status);
        sandbox.inject(fault.body(&echo, "application/json").times(9));
        assert_ne!(run(&home, &mut said, &["vip", "list"]).await, 0);
        assert!(said[1].stderr.contains("is old"), "{}", said[1].stderr);
        check(&said);
    }
}
