//! The sandbox itself, where onboarding needs it: people, numbers, dial rules,
//! the PBX API and calls. Spoken to in plain HTTP, without the client.

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{
    self, DialPlanAccess, Fault, Mfa, Outcome, PbxHabits, RetryAfter, Sandbox, StoredDialRule,
    StoredDnis, StoredNumber, StoredRoute, StoredSubscriber, Tenant, V2Version,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::form_urlencoded::Serializer;

use crate::support::{BAKERY, DENTAL, KETTLE, LEGAL, VET};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const STRANGER: &str = "16165550188";

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.body))
    }
}

/// A sandbox, and one caller with the tokens of both realms.
struct Line {
    sandbox: Sandbox,
    telco: String,
    pbx: String,
}

impl Line {
    async fn to(tenant: Tenant) -> Line {
        let sandbox = Sandbox::start(0, tenant).await.unwrap();
        let mut line = Line {
            sandbox,
            telco: String::new(),
            pbx: String::new(),
        };
        line.telco = line.telco_login("pbx phone_number routing").await;
        line.pbx = line.pbx_login().await.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        line
    }

    async fn demo() -> Line {
        Line::to(Tenant::demo()).await
    }

    /// A demo tenant whose PBX has these habits.
    async fn with(habits: PbxHabits) -> Line {
        Line::to(Tenant::demo().pbx(habits)).await
    }

    async fn telco_login(&self, scope: &str) -> String {
        let body = encoded(&[
            ("grant_type", "password"),
            ("client_id", sandbox::CLIENT_ID),
            ("client_secret", sandbox::CLIENT_SECRET),
            ("username", sandbox::USERNAME),
            ("password", sandbox::PASSWORD),
            ("scope", scope),
        ]);
        let reply = self.send("POST", "/oauth/token", "", FORM, &body).await;
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn pbx_login(&self) -> Reply {
        let body = encoded(&[
            ("grant_type", "password"),
            ("client_id", sandbox::PBX_CLIENT_ID),
            ("client_secret", sandbox::PBX_CLIENT_SECRET),
            ("username", sandbox::PBX_USERNAME),
            ("password", sandbox::PBX_PASSWORD),
        ]);
        self.send("POST", "/ns-api/oauth2/token/", "", FORM, &body)
            .await
    }

    async fn send(&self, method: &str, target: &str, token: &str, kind: &str, body: &str) -> Reply {
        let address = self.sandbox.base_url().strip_prefix("http://").unwrap();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n\
             {body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// A call below the account of the Telco API.
    async fn telco(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let target = format!("/accounts/{}/{path}", sandbox::ACCOUNT_ID);
        let body = body.map_or_else(String::new, |body| body.to_string());
        self.send(method, &target, &self.telco, JSON, &body).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.telco("GET", path, None).await
    }

    async fn route_to(&self, number: &str, subscriber: &str) -> Reply {
        let body = json!({
            "type": "pbx",
            "route": { "treatment": "user", "subscriber": subscriber, "enable": "yes" },
        });
        let path = format!("phone-numbers/{number}/route");
        self.telco("PUT", &path, Some(body)).await
    }

    /// A call of the PBX form API that asks for JSON.
    async fn v1(&self, object: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
        let mut all = vec![("object", object), ("action", action), ("format", "json")];
        all.extend(fields);
        let body = encoded(&all);
        self.send("POST", "/ns-api/", &self.pbx, FORM, &body).await
    }

    /// A call of the PBX REST API.
    async fn v2(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let target = format!("/ns-api/v2/{path}");
        let body = body.map_or_else(String::new, |body| body.to_string());
        self.send(method, &target, &self.pbx, JSON, &body).await
    }

    async fn add_fallback_by_v1(&self, domain: &str, to_user: &str) -> Reply {
        let fields = [
            ("domain", domain),
            ("dialplan", domain),
            ("matchrule", "route_by_ani"),
            ("responder", "sip:start@to-user"),
            ("to_scheme", "[*]"),
            ("to_user", to_user),
            ("to_host", domain),
            ("plan_description", "Fallback & rest"),
        ];
        self.v1("dialrule", "create", &fields).await
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

fn rings(user: &str) -> Outcome {
    Outcome::Rings(user.to_owned())
}

fn writable() -> PbxHabits {
    PbxHabits::default().dial_plan(DialPlanAccess::ReadWrite)
}

fn fallback_body(to_field: &str, domain: &str) -> Value {
    json!({
        "synchronous": "yes",
        to_field: "route_by_ani",
        "dial-rule-application": "to-user",
        "dial-rule-translation-destination-user": "100",
        "dial-rule-translation-destination-host": domain,
    })
}

#[tokio::test]
async fn subscribers_are_keyed_by_extension_and_filtered() {
    let line = Line::demo().await;
    let all = line
        .get(&format!("pbx/subscribers?domain={DENTAL}&filter=all"))
        .await
        .json();
    for extension in ["100", "101", "102", "103", "204", "9000", "domain"] {
        assert_eq!(all[extension]["user"], extension, "{all}");
    }
    assert_eq!(all["9000"]["name"], "Route By ANI");
    assert_eq!(all["9000"]["srv_code"], "system-user");
    assert_eq!(all["101"]["caller_id"], "6165550100");

    let people = format!("pbx/subscribers?domain={DENTAL}&filter=subscriber");
    let people = line.get(&people).await.json();
    assert_eq!(people.as_object().unwrap().len(), 5, "{people}");
    let one = format!("pbx/subscribers?domain={DENTAL}&user=101");
    let one = line.get(&one).await.json();
    assert_eq!(one.as_object().unwrap().len(), 1);
    let none = line.get(&format!("pbx/subscribers?domain={KETTLE}")).await;
    assert_eq!(none.json(), json!([]));
}

#[tokio::test]
async fn numbers_of_a_domain_and_of_the_account_are_listed() {
    let line = Line::demo().await;
    let of_user = format!("pbx/phone-numbers?domain={BAKERY}&user=100");
    assert_eq!(line.get(&of_user).await.json(), json!(["16165550170"]));
    let of_other = format!("pbx/phone-numbers?domain={BAKERY}&user=101");
    assert_eq!(line.get(&of_other).await.json(), json!([]));
    assert_eq!(line.get("pbx/phone-numbers").await.status, 400);

    let page = line
        .get("phone-numbers?phone_number=5501&per_page=2&page=3")
        .await
        .json();
    assert_eq!(page["pagination"]["count"], 5);
    assert_eq!(page["data"][0]["phone_number"], "16165550199");
}

#[tokio::test]
async fn a_put_replaces_the_whole_route() {
    let line = Line::demo().await;
    let path = "phone-numbers/16165550170/route";
    let before = line.get(path).await.json();
    assert_eq!(before["route"]["notes"], "Main line");

    let put = line.route_to("16165550170", &format!("101@{BAKERY}")).await;
    assert_eq!(put.status, 200);
    let after = line.get(path).await.json();
    assert_eq!(after, put.json());
    assert_eq!(after["route"]["notes"], Value::Null);
    assert_eq!(
        line.sandbox.who_rings("16165550170", STRANGER),
        rings("101")
    );
    let requests = line.sandbox.requests();
    let sent = requests.iter().find(|request| request.method == "PUT");
    assert_eq!(sent.unwrap().body.as_ref().unwrap(), &after);

    assert_eq!(line.route_to("16165550170", "101").await.status, 400);
    assert_eq!(line.route_to("6165550170", "101@a.b").await.status, 400);
    assert_eq!(line.route_to("16165550111", "101@a.b").await.status, 404);
    assert_eq!(
        line.get("phone-numbers/16165550111/route").await.status,
        404
    );
    let odd = json!({ "type": "teapot", "route": {} });
    assert_eq!(line.telco("PUT", path, Some(odd)).await.status, 400);

    assert_eq!(line.telco("DELETE", path, None).await.status, 204);
    let dead = line.sandbox.who_rings("16165550170", STRANGER);
    assert_eq!(dead, Outcome::Dropped);
}

#[tokio::test]
async fn one_segment_short_of_the_route_numbers_are_bought_and_disconnected() {
    let line = Line::demo().await;
    let has = |number: &str| {
        let numbers = line.sandbox.numbers();
        numbers.iter().any(|stored| stored.number == number)
    };
    let bought = line.telco("PUT", "phone-numbers/16165550111", None).await;
    assert_eq!(bought.status, 201);
    assert!(has("16165550111"));
    let named = json!({ "phone_number": "16165550112" });
    let bought = line.telco("POST", "phone-numbers", Some(named)).await;
    assert_eq!(bought.status, 201);
    assert!(has("16165550112"));
    let cut = line.telco("DELETE", "phone-numbers/16165550100", None);
    assert_eq!(cut.await.status, 204);
    assert!(!has("16165550100"));
    assert_eq!(line.sandbox.requests().len(), 5);
}

#[tokio::test]
async fn each_section_needs_its_scope() {
    let mut line = Line::demo().await;
    line.telco = line.telco_login("pbx").await;
    let subscribers = format!("pbx/subscribers?domain={DENTAL}");
    assert_eq!(line.get(&subscribers).await.status, 200);
    assert_eq!(line.get("phone-numbers").await.status, 403);
    let route = "phone-numbers/16165550100/route";
    assert_eq!(line.get(route).await.status, 403);
    line.telco = line.telco_login("routing").await;
    assert_eq!(line.get(route).await.status, 200);
    assert_eq!(line.get(&subscribers).await.status, 403);
    assert_eq!(line.get("phone-numbers").await.status, 403);
}

#[tokio::test]
async fn the_realms_do_not_take_each_others_tokens() {
    let mut line = Line::demo().await;
    assert_eq!(line.v1("domain", "read", &[]).await.status, 200);
    assert_eq!(line.v2("GET", "domains", None).await.status, 200);
    std::mem::swap(&mut line.telco, &mut line.pbx);
    assert_eq!(line.v1("domain", "read", &[]).await.status, 401);
    assert_eq!(line.v2("GET", "domains", None).await.status, 401);
    assert_eq!(line.get("pbx/domains").await.status, 401);

    line.pbx = sandbox::PBX_API_KEY.to_owned();
    assert_eq!(line.v2("GET", "domains", None).await.status, 200);
    assert_eq!(line.v1("domain", "read", &[]).await.status, 401);
}

#[tokio::test]
async fn a_pbx_login_can_be_refreshed_once() {
    let mut line = Line::demo().await;
    let login = line.pbx_login().await.json();
    assert_eq!(login["expires_in"], 3600);
    assert_eq!(login["scope"], "Reseller");
    let refresh = encoded(&[
        ("grant_type", "refresh_token"),
        ("client_id", sandbox::PBX_CLIENT_ID),
        ("client_secret", sandbox::PBX_CLIENT_SECRET),
        ("refresh_token", login["refresh_token"].as_str().unwrap()),
    ]);
    let path = "/ns-api/oauth2/token";
    let renewed = line.send("POST", path, "", FORM, &refresh).await;
    line.sandbox.revoke_pbx_refresh_tokens();
    line.pbx = renewed.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(line.v1("domain", "read", &[]).await.status, 200);
    let again = line.send("POST", path, "", FORM, &refresh).await;
    assert_eq!(again.status, 400);
    line.sandbox.revoke_pbx_tokens();
    assert_eq!(line.v1("domain", "read", &[]).await.status, 401);

    let requests = line.sandbox.requests();
    let logins: Vec<_> = requests
        .iter()
        .filter(|request| request.path.contains("token"))
        .collect();
    assert!(logins.iter().all(|login| login.form.is_empty()));
    let mut grants = logins
        .iter()
        .filter_map(|login| login.grant_type.as_deref());
    assert_eq!(grants.next_back(), Some("refresh_token"));
}

#[tokio::test]
async fn a_login_that_waits_for_a_second_factor_is_good_for_nothing() {
    for (mfa, field) in [(Mfa::InScope, "scope"), (Mfa::InField, "mfa")] {
        let line = Line::with(PbxHabits::default().mfa(mfa)).await;
        let login = line.pbx_login().await;
        assert_eq!(login.status, 200);
        assert_eq!(login.json()[field], "mfa_required");
        assert_eq!(line.v1("domain", "read", &[]).await.status, 401);
        assert_eq!(line.v2("GET", "domains", None).await.status, 401);
    }
}

#[tokio::test]
async fn v1_answers_xml_unless_asked_for_json_and_never_404() {
    let line = Line::demo().await;
    let body = encoded(&[
        ("object", "dialrule"),
        ("action", "read"),
        ("domain", DENTAL),
    ]);
    let xml = line.send("POST", "/ns-api/", &line.pbx, FORM, &body).await;
    assert!(xml.head.contains("text/xml"), "{}", xml.head);
    assert!(xml.body.contains("&lt;Cloud PBX Features&gt;"));
    let none = encoded(&[
        ("object", "device"),
        ("action", "read"),
        ("domain", "x.1.service"),
    ]);
    let target = format!("/ns-api?{none}");
    let empty = line.send("GET", &target, &line.pbx, FORM, "").await;
    assert!(empty.body.ends_with("<xml/>"), "{}", empty.body);

    let absent = line
        .v1("subscriber", "read", &[("domain", "x.1.service")])
        .await;
    assert_eq!((absent.status, absent.json()), (200, json!([])));
    let devices = [("domain", VET), ("user", "302")];
    let devices = line.v1("device", "read", &devices).await.json();
    assert_eq!(devices[1]["aor"], format!("sip:302b@{VET}"));
    let numbers = line
        .v1("phonenumber", "read", &[("dest_domain", DENTAL)])
        .await;
    assert_eq!(numbers.json()[0]["to_user"], "9000");
    let count = [("domain", DENTAL), ("dialplan", DENTAL)];
    let count = line.v1("dialrule", "count", &count).await.json();
    assert_eq!(count["total"], "2");
    assert_eq!(line.v1("user", "read", &[]).await.status, 400);
}

#[tokio::test]
async fn a_single_record_can_come_bare() {
    let line = Line::with(PbxHabits::default().single_record_as_object()).await;
    let one = [("domain", DENTAL), ("user", "101")];
    let one = line.v1("subscriber", "read", &one).await.json();
    assert_eq!(one["user"], "101");
    let several = line.v1("subscriber", "read", &[("domain", DENTAL)]).await;
    assert!(several.json().is_array());
    let path = format!("domains/{VET}/users/301/devices");
    assert_eq!(line.v2("GET", &path, None).await.json()["device"], "301a");
}

#[tokio::test]
async fn v1_sets_a_domain_up_call_by_call() {
    let line = Line::with(writable()).await;
    let domain = "novacycles.12345.service";
    let new = [("domain", domain), ("territory", "12345")];
    let created = line.v1("domain", "create", &new).await;
    assert_eq!((created.status, created.body.as_str()), (202, ""));
    assert_eq!(line.v1("domain", "create", &new).await.status, 409);
    assert!(line.get("pbx/domains").await.json()[domain].is_null());
    let refreshed = line.get("pbx/domains?force_refresh=1").await.json();
    assert_eq!(refreshed[domain]["reseller"], "12345");
    let users = line.v1("subscriber", "read", &[("domain", domain)]).await;
    assert_eq!(users.json(), json!([]));

    // No dial plan comes with the domain.
    assert_eq!(line.add_fallback_by_v1(domain, "100").await.status, 404);
    let plan = [("domain", domain), ("dialplan", domain)];
    assert_eq!(line.v1("dialplan", "create", &plan).await.status, 202);
    assert_eq!(line.v1("dialplan", "create", &plan).await.status, 409);
    assert_eq!(line.add_fallback_by_v1(domain, "100").await.status, 202);
    assert_eq!(line.add_fallback_by_v1(domain, "100").await.status, 409);
    let rules = line.v1("dialrule", "read", &plan).await.json();
    assert_eq!(rules[0]["match_from"], "*");
    assert_eq!(rules[0]["responder"], "sip:start@to-user");
    assert_eq!(rules[0]["plan_description"], "Fallback & rest");

    let user = [
        ("domain", domain),
        ("user", "9000"),
        ("first_name", "Route"),
        ("last_name", "By ANI"),
        ("vmail_enabled", "no"),
        ("srv_code", "system-user"),
    ];
    assert_eq!(line.v1("subscriber", "create", &user).await.status, 202);
    assert_eq!(line.v1("subscriber", "create", &user).await.status, 409);
    let uid = format!("9000@{domain}");
    let mut rule = vec![
        ("uid", uid.as_str()),
        ("time_frame", "*"),
        ("enable", "yes"),
        ("for_control", "e"),
        ("for_parameters", "route_by_ani"),
    ];
    assert_eq!(line.v1("answerrule", "update", &rule).await.status, 404);
    assert_eq!(line.v1("answerrule", "create", &rule).await.status, 202);
    assert_eq!(line.v1("answerrule", "create", &rule).await.status, 409);
    let stored = line.sandbox.subscribers();
    let ani_user = stored.iter().find(|user| user.domain == domain).unwrap();
    let complete = StoredSubscriber::ani_user(domain, "9000");
    assert_eq!(ani_user.answering_rules, complete.answering_rules);
    assert_eq!(ani_user.voicemail, complete.voicemail);
    assert_eq!(ani_user.devices, complete.devices);
    rule[3] = ("for_control", "d");
    assert_eq!(line.v1("answerrule", "update", &rule).await.status, 202);
    let read = line.v1("answerrule", "read", &[("uid", &uid)]).await.json();
    assert_eq!(read[0]["for_control"], "d");
    assert_eq!(read[0]["for_parameters"], "route_by_ani");
}

#[tokio::test]
async fn a_delete_of_dial_rules_without_a_match_wipes_the_plan() {
    let line = Line::with(writable()).await;
    let of = |domain: &str| {
        let rules = line.sandbox.dial_rules();
        rules.iter().filter(|rule| rule.domain == domain).count()
    };
    let one = [("domain", VET), ("dialplan", VET), ("matchrule", "*")];
    assert_eq!(line.v1("dialrule", "delete", &one).await.status, 202);
    assert_eq!(of(VET), 1);
    let all = [("domain", DENTAL), ("dialplan", DENTAL)];
    assert_eq!(line.v1("dialrule", "delete", &all).await.status, 202);
    assert_eq!((of(DENTAL), of(VET)), (0, 1));
    assert_eq!(line.sandbox.ever_dropped(), ["16165550100"]);
}

#[tokio::test]
async fn v2_makes_what_a_domain_needs_and_answers_as_asked() {
    let line = Line::to(Tenant::demo().retired_domain("oldshop.12345.service")).await;
    let domain = "novacycles.12345.service";
    let mut new = json!({ "domain": domain, "reseller": "12345", "synchronous": "yes" });
    let created = line.v2("POST", "domains", Some(new.clone())).await;
    assert_eq!(created.status, 200);
    assert_eq!(created.json()["dial-plan"], domain);
    let again = line.v2("POST", "domains", Some(new.clone())).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!(409)));
    new["domain"] = "OldShop.12345.service".into();
    assert_eq!(line.v2("POST", "domains", Some(new)).await.status, 409);
    assert!(line.get("pbx/domains").await.json()[domain].is_null());

    let base = format!("domains/{domain}");
    assert_eq!(line.v2("GET", &base, None).await.status, 200);
    let user = line.v2("GET", &format!("{base}/users/domain"), None).await;
    assert_eq!(user.json()["service-code"], "system-user");
    let rules = format!("{base}/dialplans/{domain}/dialrules");
    let rules = line.v2("GET", &rules, None).await.json();
    assert_eq!(rules[0]["dail-rule-matching-to-uri"], "*");

    let user = json!({
        "user": "9000", "name-first-name": "Route", "name-last-name": "By ANI",
        "email-address": "noc@example.com", "user-scope": "No Portal",
        "voicemail-enabled": "no", "service-code": "system-user",
    });
    let users = format!("{base}/users");
    let created = line.v2("POST", &users, Some(user.clone())).await;
    assert_eq!(created.status, 202);
    assert_eq!(
        created.json(),
        json!({ "code": 202, "message": "Accepted" })
    );
    let again = line.v2("POST", &users, Some(user)).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["message"], "UID already exists.");
    let short = line
        .v2("POST", &users, Some(json!({ "user": "9001" })))
        .await;
    assert_eq!(short.status, 400);

    let rules = format!("{base}/users/9000/answerrules");
    let rule = json!({
        "time-frame": "*", "enabled": "yes",
        "forward-always": { "enabled": "yes", "parameters": ["route_by_ani"] },
    });
    let one = format!("{rules}/*");
    assert_eq!(line.v2("PUT", &one, Some(rule.clone())).await.status, 404);
    let created = line.v2("POST", &rules, Some(rule.clone())).await;
    assert_eq!(created.status, 202);
    assert_eq!(line.v2("POST", &rules, Some(rule)).await.status, 409);
    let off = json!({ "synchronous": "yes", "forward-always": { "enabled": "no" } });
    let changed = line.v2("PUT", &one, Some(off)).await;
    assert_eq!(changed.status, 200);
    let read = line.v2("GET", &one, None).await.json();
    assert_eq!(read, changed.json());
    assert_eq!(
        read["forward-always"],
        json!({ "enabled": "no", "parameters": ["route_by_ani"] })
    );
    let unknown = line.v2("GET", "domains/nobody.12345.service", None).await;
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (404, &json!(404))
    );
}

#[tokio::test]
async fn a_new_user_can_have_an_answering_rule_already() {
    let line = Line::with(PbxHabits::default().new_user_has_answering_rule()).await;
    let user = [("domain", BAKERY), ("user", "9000")];
    assert_eq!(line.v1("subscriber", "create", &user).await.status, 202);
    let rules = format!("domains/{BAKERY}/users/9000/answerrules");
    let rule = json!({ "time-frame": "*" });
    assert_eq!(line.v2("POST", &rules, Some(rule)).await.status, 409);
    let forward = json!({ "forward-always": { "enabled": "yes", "parameters": [101] } });
    let put = line.v2("PUT", &format!("{rules}/%2A"), Some(forward)).await;
    assert_eq!(put.status, 202);
    let read = line.v2("GET", &rules, None).await.json();
    assert_eq!(read[0]["forward-always"]["parameters"], json!(["101"]));
}

#[tokio::test]
async fn each_version_takes_its_own_spelling_only() {
    let path = format!("domains/{LEGAL}/dialplans/{LEGAL}/dialrules");
    for (version, own, foreign, devices) in [
        (V2Version::V44, "dail", "dial", 404),
        (V2Version::V45, "dial", "dail", 200),
    ] {
        let line = Line::with(writable().v2_version(version)).await;
        let field = |start: &str| format!("{start}-rule-matching-to-uri");
        let wrong = fallback_body(&field(foreign), LEGAL);
        assert_eq!(line.v2("POST", &path, Some(wrong)).await.status, 400);
        let right = fallback_body(&field(own), LEGAL);
        let created = line.v2("POST", &path, Some(right.clone())).await;
        assert_eq!(created.status, 200, "{}", created.body);
        assert_eq!(created.json()[field(own)], "route_by_ani");
        assert_eq!(line.v2("POST", &path, Some(right)).await.status, 409);
        assert!(line.sandbox.dropped_numbers() == ["16165550160"]);
        let of_domain = format!("domains/{LEGAL}/devices");
        assert_eq!(line.v2("GET", &of_domain, None).await.status, devices);
    }
}

#[tokio::test]
async fn dial_plans_can_be_closed_or_read_only() {
    let path = format!("domains/{LEGAL}/dialplans/{LEGAL}/dialrules");
    let read = [("domain", LEGAL)];
    for (access, readable) in [(DialPlanAccess::None, false), (DialPlanAccess::Read, true)] {
        for refusal in [401, 403] {
            let habits = PbxHabits::default().dial_plan(access).v1_refusal(refusal);
            let line = Line::with(habits).await;
            let (v1, v2) = if readable { (200, 200) } else { (refusal, 403) };
            assert_eq!(line.v1("dialrule", "read", &read).await.status, v1);
            assert_eq!(line.v2("GET", &path, None).await.status, v2);
            let v1_write = line.add_fallback_by_v1(LEGAL, "500").await;
            assert_eq!(v1_write.status, refusal);
            let body = fallback_body("dail-rule-matching-to-uri", LEGAL);
            let refused = line.v2("POST", &path, Some(body)).await;
            assert_eq!(
                (refused.status, &refused.json()["code"]),
                (403, &json!(403))
            );
        }
    }
}

#[tokio::test]
async fn a_generation_can_be_missing() {
    let line = Line::with(PbxHabits::default().without_v1()).await;
    assert_eq!(line.v1("domain", "read", &[]).await.status, 404);
    line.sandbox
        .set_pbx_habits(PbxHabits::default().without_v2());
    assert_eq!(line.v1("domain", "read", &[]).await.status, 200);
    assert_eq!(line.v2("GET", "domains", None).await.status, 404);
}

#[tokio::test]
async fn faults_tell_v1_calls_apart_by_their_form() {
    let line = Line::with(writable()).await;
    let fault = Fault::status("POST", "object=dialrule&action=create", 429);
    line.sandbox
        .inject(fault.retry_after(RetryAfter::Seconds(1)));
    let read = line.v1("dialrule", "read", &[("domain", LEGAL)]).await;
    assert_eq!(read.status, 200);
    let limited = line.add_fallback_by_v1(LEGAL, "500").await;
    assert_eq!(limited.status, 429);
    assert!(
        limited
            .head
            .contains("ratelimit-policy: \"subscriber\";q=60;w=60")
    );
    assert!(limited.head.contains("ratelimit: \"subscriber\";r=0;t=1;"));
    assert_eq!(line.add_fallback_by_v1(LEGAL, "500").await.status, 202);

    let requests = line.sandbox.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.field("matchrule"), Some("route_by_ani"));
    assert_eq!((last.path.as_str(), last.status), ("/ns-api/", 202));
}

#[tokio::test]
async fn a_call_follows_the_vip_rules_then_the_fallback() {
    let line = Line::demo().await;
    let call = |caller: &str| line.sandbox.who_rings("16165550100", caller);
    assert_eq!(call("16165550123"), rings("101"));
    assert_eq!(call("+1 (616) 555-0124"), rings("204"));
    assert_eq!(call("16165550125"), rings("102"));
    // The rule for this called number wins over the one for any.
    assert_eq!(call("16165550126"), rings("103"));
    let literal = "sip:+16165559999@carrier.example";
    assert_eq!(call("16165550127"), rings(literal));
    assert_eq!(call(STRANGER), rings("100"));
    assert_eq!(call("anonymous"), rings("100"));

    let sandbox = &line.sandbox;
    sandbox.put_number(StoredNumber::to_user("16165550140", VET, "route_by_ani"));
    let vet = |caller: &str| sandbox.who_rings("16165550140", caller);
    assert_eq!(vet("16165550142"), rings("302b"));
    assert_eq!(vet("16165550143"), Outcome::Dropped, "nobody is 303");
    assert_eq!(vet(STRANGER), rings("300"));
    sandbox.put_route(
        StoredRoute::new(VET, "16165550142", "301").dnis(StoredDnis::number("16165550199")),
    );
    assert_eq!(vet("16165550142"), rings("302b"), "another called number");
}

#[tokio::test]
async fn a_call_needs_something_that_answers() {
    let base = Tenant::empty().domain(DENTAL, "Lakeside Dental");
    let line = Line::to(base.number(StoredNumber::to_user("16165550100", DENTAL, "100"))).await;
    let sandbox = &line.sandbox;
    let call = || sandbox.who_rings("6165550100", STRANGER);
    assert_eq!(call(), Outcome::Dropped, "no such user");
    let bare = StoredSubscriber::system(DENTAL, "100", "Nobody Home");
    sandbox.put_subscriber(bare.clone());
    assert_eq!(call(), Outcome::Dropped, "neither device nor mailbox");
    assert_eq!(sandbox.dropped_numbers(), [""; 0], "no user of ours");
    sandbox.put_subscriber(bare.voicemail(true));
    assert_eq!(call(), rings("100"));

    sandbox.put_subscriber(StoredSubscriber::ani_user(DENTAL, "100"));
    assert_eq!(call(), Outcome::Dropped);
    assert_eq!(sandbox.dropped_numbers(), ["16165550100"]);
    sandbox.add_dial_rule(StoredDialRule::fallback(DENTAL, "200").disabled());
    sandbox.add_dial_rule(StoredDialRule::fallback(DENTAL, "200"));
    assert_eq!(call(), Outcome::Dropped, "the fallback goes nowhere");
    sandbox.put_subscriber(StoredSubscriber::person(DENTAL, "200", "Ida Moor"));
    assert_eq!(call(), rings("200"));
    assert!(sandbox.remove_subscriber(DENTAL, "200"));
    sandbox.add_dial_rule(StoredDialRule::fallback(DENTAL, "100"));
    assert_eq!(call(), Outcome::Dropped, "in circles");

    sandbox.put_number(StoredNumber::parked("16165550100", DENTAL));
    assert_eq!(call(), Outcome::Dropped);
    assert_eq!(sandbox.who_rings("16165550155", STRANGER), Outcome::Dropped);
    assert_eq!(
        sandbox.ever_dropped(),
        [""; 0],
        "no request did any of this"
    );
}

#[tokio::test]
async fn the_demo_stands_at_every_stage() {
    let line = Line::demo().await;
    let sandbox = &line.sandbox;
    assert_eq!(sandbox.dropped_numbers(), ["16165550160"]);
    assert_eq!(sandbox.who_rings("16165550160", STRANGER), Outcome::Dropped);
    assert_eq!(
        sandbox.who_rings("16165550160", "16165550161"),
        rings("500")
    );
    assert_eq!(sandbox.who_rings("16165550140", STRANGER), rings("300"));
    assert_eq!(sandbox.who_rings("16165550170", STRANGER), rings("100"));
    assert_eq!(sandbox.ever_dropped(), [""; 0]);
    // Support does its ticket, and later undoes it.
    sandbox.add_dial_rule(StoredDialRule::fallback(LEGAL, "500"));
    assert_eq!(sandbox.dropped_numbers(), [""; 0]);
    assert!(sandbox.remove_dial_rules(LEGAL));
    assert_eq!(sandbox.dropped_numbers(), ["16165550160"]);
    assert_eq!(sandbox.ever_dropped(), [""; 0]);
}

#[tokio::test]
async fn a_number_routed_too_early_is_remembered() {
    let line = Line::demo().await;
    let sandbox = &line.sandbox;
    sandbox.put_subscriber(StoredSubscriber::ani_user(BAKERY, "9000"));
    let number = "16165550170";
    let early = line.route_to(number, &format!("9000@{BAKERY}")).await;
    assert_eq!(early.status, 200);
    assert_eq!(sandbox.dropped_numbers(), ["16165550160", number]);
    assert_eq!(sandbox.ever_dropped(), [number]);
    let back = line.route_to(number, &format!("100@{BAKERY}")).await;
    assert_eq!(back.status, 200);
    assert_eq!(sandbox.dropped_numbers(), ["16165550160"]);
    assert_eq!(sandbox.ever_dropped(), [number]);

    // In the right order nobody is dropped.
    let late = line
        .route_to("16165550140", &format!("route_by_ani@{VET}"))
        .await;
    assert_eq!(late.status, 200);
    assert_eq!(sandbox.ever_dropped(), [number]);
    // A user who is not there, under that name, counts as well.
    let absent = line
        .route_to("16165550199", &format!("route_by_ani@{KETTLE}"))
        .await;
    assert_eq!(absent.status, 200);
    assert_eq!(sandbox.ever_dropped(), [number, "16165550199"]);
}

#[tokio::test]
async fn a_portfolio_of_a_thousand_answers() {
    let line = Line::to(Tenant::portfolio(1_000)).await;
    let sandbox = &line.sandbox;
    assert_eq!(sandbox.domains().len(), 1_000);
    assert_eq!(sandbox.dropped_numbers().len(), 200);
    let mut numbers: Vec<_> = sandbox.numbers();
    numbers.sort_by(|left, right| left.number.cmp(&right.number));
    numbers.dedup_by(|left, right| left.number == right.number);
    assert_eq!(numbers.len(), 1_000);

    for client in 0..100 {
        let domain = format!("client{client:04}.12345.service");
        let users = line.get(&format!("pbx/subscribers?domain={domain}")).await;
        assert_eq!(users.status, 200);
        let add = [("domain", domain.as_str()), ("user", "105")];
        assert_eq!(line.v1("subscriber", "create", &add).await.status, 202);
    }
    let inventory = line.get("phone-numbers?per_page=500&page=2").await.json();
    assert_eq!(inventory["data"].as_array().unwrap().len(), 100);
}
