//! A service that repeats secrets: none of them gets any further, in whatever
//! writing and in whatever part of an answer it comes back.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyswitch_mcp::approval_page::ApprovalPage;
use skyswitch_mcp::sandbox::{self, StoredRoute, Tenant};

use crate::support::page::get;
use crate::support::parrot::{ACCESS, Line, Parrot, REFRESH};
use crate::support::process::{CALLER, DOMAIN, Home};
use crate::support::protocol::{Era, Wire};
use crate::support::{Bench, nobody, remove, removing};

const PBX_PASSWORD: &str = "pbx p&ss/w\"rd+1";
const PBX_SECRET: &str = "pbx-cl/ent=secret";

/// Everything that this process knows and nobody may see.
const SECRETS: [&str; 6] = [
    sandbox::PASSWORD,
    sandbox::CLIENT_SECRET,
    ACCESS,
    REFRESH,
    PBX_PASSWORD,
    PBX_SECRET,
];

/// The writings in which services and proxies repeat what they were sent.
fn writings(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let in_json = serde_json::to_string(secret).unwrap();
    let in_json = in_json.trim_matches('"');
    let ascii = in_json.chars().map(|character| match character.is_ascii() {
        true => character.to_string(),
        false => format!("\\u{:04x}", u32::from(character)),
    });
    let in_digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let in_json_twice = serde_json::to_string(in_json).unwrap();
    let form_twice: String = url::form_urlencoded::byte_serialize(form.as_bytes()).collect();
    vec![
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        in_digits.to_uppercase(),
        in_digits,
        in_json_twice[1..in_json_twice.len() - 1].to_owned(),
        form_twice,
        in_small_digits(&form.replace('+', "%20")),
        form.replace('+', "%20"),
        form,
        in_json.to_owned(),
        ascii.collect::<String>().replace('/', "\\/"),
        STANDARD.encode(secret),
        STANDARD.encode(format!("some-client:{secret}")),
    ]
}

/// `%2f` for `%2F`.
fn in_small_digits(form: &str) -> String {
    let mut pieces = form.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let (digits, rest) = piece.split_at(2);
        format!("{text}%{}{rest}", digits.to_lowercase())
    })
}

/// What of a writing gives the secret away: in Base64, its middle is enough.
fn core(secret: &str, writing: &str) -> String {
    let is_encoded = writing != secret && STANDARD.decode(writing).is_ok();
    match is_encoded && secret.len() > 9 {
        true => writing[writing.len() - 16..writing.len() - 6].to_owned(),
        false => writing.to_owned(),
    }
}

/// The answers that hold a writing: as text, as a message, as an error, in a
/// list, and in headers.
fn lines(writing: &str) -> Vec<Line> {
    let json = |status: u16, body: Value| Line {
        status,
        media_type: "application/json",
        body: body.to_string(),
        ..Line::default()
    };
    let said = format!("I heard {writing} from you");
    let text = |status: u16| Line {
        status,
        media_type: "text/plain",
        body: said.clone(),
        ..Line::default()
    };
    let in_headers = |status: u16| Line {
        status,
        in_headers: writing.to_owned(),
        media_type: "application/json",
        body: "{}".to_owned(),
        ..Line::default()
    };
    let mut lines = vec![
        json(200, json!({ "message": said })),
        json(200, json!({ "error": { "message": said } })),
        json(400, json!({ "message": said })),
        json(422, json!({ "errors": { "domain": [said] } })),
        json(
            200,
            json!([{"domain": DOMAIN, "description": said, "ani": CALLER,
            "dnis": "*", "application": "user", "destination": said}]),
        ),
        text(403),
        text(200),
        Line {
            media_type: "text/html",
            body: format!("<html><body>proxy: {writing}</body></html>"),
            ..text(200)
        },
    ];
    // A header holds no line breaks and nothing beyond Latin letters.
    if writing.is_ascii() {
        lines.extend([in_headers(302), in_headers(400), in_headers(404)]);
    }
    lines
}

/// All that a process has left in its state folder, but for its tokens, which
/// are kept there for the next one.
fn left_in(folder: &Path) -> String {
    let mut left = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_token = path.to_string_lossy().contains("token-");
        match path.is_dir() {
            true => left.push_str(&left_in(&path)),
            false if is_token => {}
            false => left.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap())),
        }
    }
    left
}

#[tokio::test]
async fn no_secret_that_an_answer_repeats_gets_any_further() {
    let parrot = Parrot::start().await;
    let home = Home::bare()
        .with("SKYSWITCH_BASE_URL", &parrot.url)
        .with("SKYSWITCH_ACCOUNT_ID", sandbox::ACCOUNT_ID)
        .with("SKYSWITCH_CLIENT_ID", sandbox::CLIENT_ID)
        .with("SKYSWITCH_CLIENT_SECRET", sandbox::CLIENT_SECRET)
        .with("SKYSWITCH_USERNAME", sandbox::USERNAME)
        .with("SKYSWITCH_PASSWORD", sandbox::PASSWORD)
        .with("SKYSWITCH_PBX_BASE_URL", &format!("{}/ns-api", parrot.url))
        .with("SKYSWITCH_PBX_CLIENT_ID", "pbx-client")
        .with("SKYSWITCH_PBX_CLIENT_SECRET", PBX_SECRET)
        .with("SKYSWITCH_PBX_USERNAME", "pbx-user")
        .with("SKYSWITCH_PBX_PASSWORD", PBX_PASSWORD)
        .with("SKYSWITCH_RATE_LIMIT", "0")
        .with("SKYSWITCH_PBX_RATE_LIMIT", "0")
        .with("SKYSWITCH_LOG", "trace");
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    // Both logins are made, so that every token is known.
    parrot.says(Line {
        status: 200,
        media_type: "application/json",
        body: "[]".to_owned(),
        ..Line::default()
    });
    wire.call("setup_checklist", json!({"domain": DOMAIN}))
        .await;
    wire.call("list_vips", json!({})).await;
    let mut told = 0;
    for secret in SECRETS {
        for writing in writings(secret) {
            for line in lines(&writing) {
                parrot.says(line);
                let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
                told += usize::from(list.to_string().contains("I heard **** from you"));
                let again = json!({"refresh": true});
                wire.call("list_domains", again).await;
            }
        }
    }
    assert!(
        told > 100,
        "nothing was repeated: this proves nothing ({told})"
    );
    // A change, whose error the journal keeps.
    for secret in SECRETS {
        parrot.says(lines(secret).remove(2));
        let add = json!({"ani": CALLER, "domain": DOMAIN, "destination": "101"});
        wire.call("add_vip", add).await;
        wire.call("setup_checklist", json!({"domain": DOMAIN}))
            .await;
    }
    let ended = wire.finish().await;
    let state = left_in(&home.path().join("state"));
    assert!(ended.stderr.contains("DEBUG"), "nothing was logged");
    for secret in SECRETS {
        for writing in writings(secret) {
            let core = core(secret, &writing);
            for (place, text) in [
                ("stdout", &ended.stdout),
                ("stderr", &ended.stderr),
                ("state", &state),
            ] {
                let found = text.find(&core).map(|at| {
                    let start = text.floor_char_boundary(at.saturating_sub(200));
                    &text[start..text.floor_char_boundary((at + 300).min(text.len()))]
                });
                assert_eq!(found, None, "{place} holds {writing}");
            }
        }
    }
}

#[tokio::test]
async fn the_approval_page_shows_no_secret_that_is_stored_as_a_destination() {
    let route = StoredRoute::new(DOMAIN, CALLER, sandbox::CLIENT_SECRET);
    let bench = Bench::with(Tenant::empty().domain(DOMAIN, "").route(route)).await;
    let app = bench.app();
    let asked = remove(&app, &removing(CALLER, DOMAIN), &nobody()).await;
    let code = asked.unwrap().confirmation.approval_code.unwrap();
    let page = ApprovalPage::new(app.shared_guard());
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(60);
    let link = page.link_to(&code, soon).await.unwrap();
    let shown = get(&link).await.unwrap().body;
    assert!(shown.contains("****"), "{shown}");
    assert!(!shown.contains(sandbox::CLIENT_SECRET), "{shown}");
}
