//! The state folder: opened by many at once, private, and damaged.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel, Preview};
use skyswitch_mcp::ops::{RemoveVipStatus, remove_vip};
use skyswitch_mcp::state::{ApprovalState, NewApproval, StateFolder, Store};

use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, failure, first_call, list, listing, nobody,
    question, remove, removing, second_call,
};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_that_open_at_once_on_a_new_folder_all_work() {
    for round in 0..15 {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep").join("state");
        let openings: Vec<_> = (0..4)
            .map(|number| {
                let folder = StateFolder::new(&path);
                tokio::spawn(async move {
                    let store = Store::open(&folder).await?;
                    store.use_once(&format!("nonce {number}"), 9, 1).await
                })
            })
            .collect();
        for opening in openings {
            let first = opening.await.unwrap();
            assert!(first.unwrap_or_else(|error| panic!("round {round}: {error}")));
        }
    }
}

#[tokio::test]
async fn everything_in_the_state_folder_is_private() {
    let bench = Bench::demo().await;
    let app = bench.app();
    remove(&app, &removing(CALLER, DENTAL), &nobody())
        .await
        .unwrap();
    let asked = remove_vip(&app, &removing(CALLER, DENTAL), &first_call()).await;
    question(asked.unwrap());
    assert_eq!(mode(&bench.state_dir()), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(bench.state_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["state.db", "state.db-wal", "confirmation.key"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
}

#[tokio::test]
async fn a_nonce_is_used_once_whichever_store_asks() {
    let parent = tempfile::tempdir().unwrap();
    let folder = StateFolder::new(parent.path());
    let (one, two) = (
        Store::open(&folder).await.unwrap(),
        Store::open(&folder).await.unwrap(),
    );
    for round in 0..20 {
        let nonce = round.to_string();
        let (a, b) = tokio::join!(one.use_once(&nonce, 9, 1), two.use_once(&nonce, 9, 1));
        assert_ne!(a.unwrap(), b.unwrap(), "exactly one is the first");
    }
    // What has lapsed may be forgotten; what has not may not.
    assert!(one.use_once("later", 100, 50).await.unwrap());
    assert!(!two.use_once("later", 100, 51).await.unwrap());
}

/// What somebody was shown who was to agree to a removal.
async fn a_preview() -> Preview {
    let bench = Bench::demo().await;
    let person = Person::answering(Answer::Declined);
    let channel = Channel::During(&person);
    remove(&bench.app(), &removing(CALLER, DENTAL), &channel)
        .await
        .unwrap();
    person.shown().remove(0)
}

#[tokio::test]
async fn an_approval_moves_on_once_and_not_after_it_has_expired() {
    let parent = tempfile::tempdir().unwrap();
    let store = Store::open(&StateFolder::new(parent.path())).await.unwrap();
    let preview = a_preview().await;
    let approval = |code| NewApproval {
        code,
        realm: "a service",
        binding: "a change",
        effect: "what it comes to",
        fingerprint: "a state",
        preview: &preview,
        asked_by: "a client",
        expires_at: 100,
    };
    for code in ["AAAA-2222", "BBBB-3333"] {
        assert!(store.add_approval(&approval(code), 1, 1).await.unwrap());
    }
    let waiting = store.waiting(50).await.unwrap();
    let codes: Vec<&str> = waiting.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["BBBB-3333"], "the newer one replaces the older");
    use ApprovalState::{Approved, Used, Waiting};
    assert!(
        !store
            .advance("AAAA-2222", Waiting, Approved, 50)
            .await
            .unwrap()
    );
    assert!(
        !store
            .advance("BBBB-3333", Approved, Used, 50)
            .await
            .unwrap()
    );
    assert!(
        !store
            .advance("BBBB-3333", Waiting, Approved, 100)
            .await
            .unwrap()
    );
    assert!(
        store
            .advance("BBBB-3333", Waiting, Approved, 99)
            .await
            .unwrap()
    );
    assert!(
        !store
            .advance("BBBB-3333", Waiting, Approved, 99)
            .await
            .unwrap()
    );
    assert!(
        store
            .find_approval("a change", 100)
            .await
            .unwrap()
            .is_none()
    );
    let found = store.find_approval("a change", 99).await.unwrap().unwrap();
    assert_eq!(found.state(), Approved);
    assert!(
        store
            .advance("BBBB-3333", Approved, Used, 99)
            .await
            .unwrap()
    );
    assert!(store.find_approval("a change", 99).await.unwrap().is_none());
}

#[tokio::test]
async fn a_damaged_token_file_is_ignored_and_replaced() {
    for damage in [
        "",
        "{",
        "not JSON",
        "[]",
        r#"{"token":{"access":7}}"#,
        "\0\0\0",
    ] {
        let bench = Bench::demo().await;
        list(&bench.app(), &listing(DENTAL)).await.unwrap();
        let entries = std::fs::read_dir(bench.state_dir()).unwrap();
        let path = entries
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|end| end == "json"))
            .unwrap();
        std::fs::write(&path, damage).unwrap();
        list(&bench.app(), &listing(DENTAL)).await.unwrap();
        list(&bench.app(), &listing(DENTAL)).await.unwrap();
        assert_eq!(bench.logins(), ["password", "password"], "{damage:?}");
        assert_eq!(mode(&path), 0o600);
    }
}

#[tokio::test]
async fn a_damaged_confirmation_key_is_a_clear_error_and_nothing_is_done() {
    for damage in ["", "short"] {
        let bench = Bench::demo().await;
        StateFolder::new(bench.state_dir()).create().unwrap();
        let key = bench.state_dir().join("confirmation.key");
        std::fs::write(&key, damage).unwrap();
        let app = bench.app();
        let args = removing(CALLER, DENTAL);
        let error = failure(remove_vip(&app, &args, &first_call()).await, Code::Internal);
        assert!(error.to_string().contains("confirmation.key"), "{error}");
        assert!(error.hint().contains("Delete"), "{}", error.hint());
        bench.assert_nothing_written();
        // The remedy works without a restart.
        std::fs::remove_file(&key).unwrap();
        let asked = remove_vip(&app, &args, &first_call()).await.unwrap();
        let state = question(asked).state;
        let removed = remove(&app, &args, &second_call(&state, CALLER))
            .await
            .unwrap();
        assert_eq!(removed.status, RemoveVipStatus::Removed);
    }
}

#[tokio::test]
async fn a_damaged_store_is_a_clear_error_and_nothing_is_done() {
    let bench = Bench::demo().await;
    StateFolder::new(bench.state_dir()).create().unwrap();
    std::fs::write(bench.state_dir().join("state.db"), [7; 4096]).unwrap();
    let app = bench.app();
    let error = failure(
        remove(&app, &removing(CALLER, DENTAL), &nobody()).await,
        Code::Internal,
    );
    assert!(error.to_string().contains("state store"), "{error}");
    // What cannot be written down is not sent, also where it needs no consent.
    failure(
        add(&app, &adding("6165550111", DENTAL, "101"), &nobody()).await,
        Code::Internal,
    );
    bench.assert_nothing_written();
    let listed = list(&app, &listing(DENTAL)).await.unwrap();
    assert!(listed.total > 0, "reading does not need the store");
}

#[tokio::test]
async fn nothing_destructive_is_done_without_a_usable_state_folder() {
    let bench = Bench::demo().await;
    std::fs::write(bench.state_dir(), "in the way").unwrap();
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    for channel in [nobody(), first_call(), second_call("state", CALLER)] {
        let error = failure(remove_vip(&app, &args, &channel).await, Code::Internal);
        assert!(
            error.hint().contains("SKYSWITCH_STATE_DIR"),
            "{}",
            error.hint()
        );
    }
    bench.assert_nothing_written();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_that_make_their_key_at_once_share_one() {
    for _ in 0..10 {
        let bench = Bench::demo().await;
        let (one, two) = (bench.app(), bench.app());
        let args = removing(CALLER, DENTAL);
        let channel = first_call();
        let (asked, other) = tokio::join!(
            remove_vip(&one, &args, &channel),
            remove_vip(&two, &args, &channel)
        );
        let state = question(asked.unwrap()).state;
        question(other.unwrap());
        let removed = remove(&two, &args, &second_call(&state, CALLER))
            .await
            .unwrap();
        assert_eq!(removed.status, RemoveVipStatus::Removed);
    }
}
