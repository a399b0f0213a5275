//! A disk without space: what cannot be written down is not sent, and what was
//! confirmed once is not made twice.
//!
//! A limit on the size of files lets the commit fail wherever tests run; a tiny
//! disk of its own does where a namespace may be had, and a disk that fails
//! where system calls can be told to.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use serde_json::json;
use skyswitch_mcp::sandbox::{Sandbox, StoredRoute, Tenant};
use skyswitch_mcp::state::{StateFolder, Store};

use crate::support::process::{CALLER, DOMAIN, Home, demo_sandbox, sandbox_of, writes};
use crate::support::protocol::{Era, Wire};

/// SQLite writes its pages, and `ulimit -f` counts, in these.
const PAGE: u64 = 4_096;
const BLOCK: u64 = 512;

/// A state folder that is open in another process, which keeps the log of the
/// database from being emptied at the end of each command.
struct Open {
    home: Home,
    _store: Store,
}

impl Open {
    async fn on(sandbox: &Sandbox) -> Open {
        let home = Home::of(sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
        let state = home.path().join("state");
        let store = Store::open(&StateFolder::new(state)).await.unwrap();
        let open = Open {
            home,
            _store: store,
        };
        // The log is as long then as whatever else has to be written in full.
        for number in 0..3 {
            let caller = format!("1616444{number:04}");
            let added = open.home.run(&adding(&caller)).await;
            assert_eq!(added.code, 0, "{added:?}");
        }
        open
    }

    /// The most blocks a file may have for the log to grow by so many pages.
    fn blocks_for(&self, pages: u64) -> u64 {
        let log = self.home.path().join("state/state.db-wal");
        let length = std::fs::metadata(log).unwrap().len();
        (length + pages * PAGE) / BLOCK
    }

    /// Callers of whom the journal knows.
    async fn written_down(&self) -> BTreeSet<String> {
        callers_in(&self.home.run(&["changes", "--json"]).await.json())
    }
}

fn callers_in(changes: &serde_json::Value) -> BTreeSet<String> {
    let rows = changes["changes"].as_array().unwrap().iter();
    rows.map(|row| row["ani"].as_str().unwrap().to_owned())
        .collect()
}

/// Callers whose rules the service was asked to change.
fn sent(sandbox: &Sandbox) -> Vec<String> {
    let writes = writes(sandbox).into_iter();
    writes
        .map(|write| write.parameter("ani").unwrap().to_owned())
        .collect()
}

fn adding(caller: &str) -> [&str; 8] {
    [
        "vip",
        "add",
        "--ani",
        caller,
        "--domain",
        DOMAIN,
        "--destination",
        "101",
    ]
}

#[tokio::test]
async fn a_change_that_cannot_be_written_down_is_not_sent() {
    let sandbox = demo_sandbox().await;
    let open = Open::on(&sandbox).await;
    let (mut refused, mut made) = (0, 0);
    for pages in (0..24).step_by(2) {
        sandbox.clear_requests();
        let caller = format!("1616555{:04}", 9_000 + pages);
        let limited = open.home.with_files_up_to(open.blocks_for(pages));
        let added = limited.run(&adding(&caller)).await;
        let sent = sent(&sandbox);
        let is_written_down = open.written_down().await.contains(&caller);
        match added.code {
            0 => {
                assert_eq!(sent, [caller.as_str()], "{added:?}");
                made += 1;
            }
            _ => {
                assert_eq!(sent, [""; 0], "{pages} pages: {added:?}");
                assert!(added.stderr.contains("not sent"), "{added:?}");
                assert!(added.stderr.contains("space on its disk"), "{added:?}");
                refused += 1;
            }
        }
        assert_eq!(is_written_down, added.code == 0, "{pages} pages: {added:?}");
    }
    assert!(refused > 0 && made > 0, "{refused} refused, {made} made");
}

#[tokio::test]
async fn a_confirmation_that_cannot_be_marked_as_used_does_not_count() {
    let sandbox = demo_sandbox().await;
    let mut refused = 0;
    for pages in 0..6 {
        let open = Open::on(&sandbox).await;
        let home = open
            .home
            .with_files_up_to(open.blocks_for(pages))
            .with("SKYSWITCH_CONFIRM", "token");
        let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
        let mut args = json!({"ani": CALLER, "domain": DOMAIN});
        let asked = wire.request("tools/call", removal(&args)).await;
        let token = asked["result"]["structuredContent"]["confirmation"].clone();
        assert!(token.is_string(), "{asked}");
        args["confirmation"] = token;
        sandbox.clear_requests();
        for _ in 0..2 {
            let answer = wire.request("tools/call", removal(&args)).await;
            refused += usize::from(answer["result"]["isError"] == true);
            // Whoever else puts the rule back must not see it removed again.
            sandbox.put_route(StoredRoute::new(DOMAIN, CALLER, "101"));
        }
        assert!(sent(&sandbox).len() < 2, "{pages} pages: sent twice");
    }
    assert!(refused > 0);
}

fn removal(arguments: &serde_json::Value) -> serde_json::Value {
    json!({"name": "remove_vip", "arguments": arguments})
}

#[tokio::test]
async fn an_import_ends_when_the_disk_is_full_and_tells_what_was_sent() {
    let rows = 60;
    let mut cut_short = 0;
    for pages in [120, 260, 400] {
        let tenant = Tenant::empty().domain(DOMAIN, "Lakeside Dental");
        let sandbox = sandbox_of(tenant).await;
        let open = Open::on(&sandbox).await;
        sandbox.clear_requests();
        let list: String = (0..rows).map(|n| format!("1616555{n:04},101\n")).collect();
        let file = open
            .home
            .write("list.csv", &format!("ani,destination\n{list}"));
        let limited = open.home.with_files_up_to(open.blocks_for(pages));
        let path = file.to_str().unwrap();
        let words = ["vip", "import", path, "-d", DOMAIN, "--yes", "--json"];
        let imported = limited.run(&words).await;
        let sent = sent(&sandbox);
        let known = open.written_down().await;
        let unknown: Vec<_> = sent.iter().filter(|ani| !known.contains(*ani)).collect();
        assert!(unknown.is_empty(), "sent and not written down: {unknown:?}");
        if imported.code != 0 && !sent.is_empty() {
            let told = imported.json();
            assert_eq!(told["done"]["made"], sent.len(), "{told}");
            assert_eq!(told["done"]["not_sent"], rows - sent.len(), "{told}");
            cut_short += 1;
        }
    }
    assert!(cut_short > 0, "no import was cut short");
}

/// Leaves so many pages free on a disk of its own, and adds one caller each time.
const ON_A_DISK_OF_ITS_OWN: &str = r#"
mkdir -p "$SKYSWITCH_STATE_DIR" && mount -t tmpfs -o size=3m none "$SKYSWITCH_STATE_DIR" || exit 77
filler="$SKYSWITCH_STATE_DIR/filler"
add() { "$0" vip add --ani "$1" --domain "$DOMAIN" --destination 101 >/dev/null 2>&1; }
add 16165558000 || exit 1
for free in 0 6 9 11 13 15 17 19 24 32; do
    dd if=/dev/zero of="$filler" bs=4096 >/dev/null 2>&1
    truncate -s "-$((free * 4096))" "$filler"
    add "$((16165558100 + free))"
    rm -f "$filler"
done
"$0" changes --json
"#;

#[tokio::test]
async fn on_a_disk_without_space_nothing_is_sent_that_is_not_in_the_journal() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("DOMAIN", DOMAIN);
    let binary = env!("CARGO_BIN_EXE_skyswitch");
    let words = ["-r", "-m", "/bin/sh", "-c", ON_A_DISK_OF_ITS_OWN, binary];
    let ended = home.program("unshare", &words).output().await;
    let Some(output) = ended.ok().filter(|output| output.status.success()) else {
        eprintln!("not tested: this machine gives no file system of its own to a test");
        return;
    };
    assert_eq!(output.status.signal(), None);
    let known = callers_in(&serde_json::from_slice(&output.stdout).unwrap());
    let sent = sent(&sandbox);
    let unknown: Vec<_> = sent.iter().filter(|ani| !known.contains(*ani)).collect();
    assert!(unknown.is_empty(), "sent and not written down: {unknown:?}");
    assert!(sent.len() > 1, "with enough space it is sent: {sent:?}");
    assert!(sent.len() < 11, "without space it is not: {sent:?}");
}

#[tokio::test]
async fn on_a_disk_that_fails_at_the_commit_nothing_is_sent() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    assert_eq!(home.run(&adding("16165558000")).await.code, 0);
    let binary = env!("CARGO_BIN_EXE_skyswitch");
    let trace = [
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:error=EIO",
        binary,
    ];
    sandbox.clear_requests();
    let words = [&trace[..], &adding("16165558001")].concat();
    let ended = home.program("strace", &words).output().await;
    let traced =
        |output: &std::process::Output| !String::from_utf8_lossy(&output.stderr).contains("ptrace");
    let Some(output) = ended.ok().filter(traced) else {
        eprintln!("not tested: this machine lets no test trace a program");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("disk I/O error"), "{said}");
    assert!(said.contains("not sent"), "{said}");
    assert_eq!(sent(&sandbox), [""; 0], "{said}");
}
