//! A list is sent once: what was shown is applied by its plan id or approval
//! code. A list can come from a file in the operator's folder, or from another
//! customer.

use std::path::Path;

use serde_json::json;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel};
use skyswitch_mcp::ops::{AddVip, SyncMode, SyncStatus, SyncVips};

use crate::support::imports::{Watch, args, ask, dry, sync};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::protocol::{ERAS, Wire};
use crate::support::{Bench, DENTAL, LEGAL, Person, VET, add, adding, done, failure, nobody};

const LIST: &str = "ani,destination\n6165550131,101\n6165550132,102\n";

fn by_plan(plan: &str) -> SyncVips {
    SyncVips {
        plan: Some(plan.to_owned()),
        mode: None,
        ..args(SyncMode::Merge)
    }
}

#[tokio::test]
async fn a_plan_that_was_approved_is_applied_by_its_code_without_the_list() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let mirror = SyncVips {
        allow_large_removal: Some(true),
        ..args(SyncMode::Mirror)
    };
    let waits = sync(&app, &mirror, LIST, &nobody()).await.unwrap();
    assert_eq!(waits.status, SyncStatus::ConfirmationRequired);
    let code = waits.confirmation.approval_code.unwrap();
    let approval = app.guard().waiting_under(&code).await.unwrap();
    let value = Answer::Typed(approval.preview.asks_for().text());
    app.guard().settle(&approval, &value).await.unwrap();
    // Another process, and the code as somebody writes it.
    let app = bench.app();
    let given = code.to_ascii_lowercase();
    let applied = ask(&app, &by_plan(&given), None, &nobody(), &Watch::default()).await;
    let applied = done(applied.unwrap());
    assert_eq!(applied.status, SyncStatus::Applied, "{applied:?}");
    assert_eq!(applied.mode, SyncMode::Mirror);
    let mut left = bench.sandbox.routes();
    left.retain(|route| route.domain == DENTAL);
    assert_eq!(left.len(), 2);
}

#[tokio::test]
async fn a_list_that_was_approved_is_applied_by_its_code_and_beside_a_plan_nothing_else_is_taken() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let merge = args(SyncMode::Merge);
    let list = "ani,destination\n16165550123,102\n16165550124,102\n";
    let waits = sync(&app, &merge, list, &nobody()).await.unwrap();
    let code = waits.confirmation.approval_code.unwrap();
    let approval = app.guard().waiting_under(&code).await.unwrap();
    let value = Answer::Typed(approval.preview.asks_for().text());
    app.guard().settle(&approval, &value).await.unwrap();
    let beside = SyncVips {
        mode: Some(SyncMode::Mirror),
        ..by_plan(&code)
    };
    let refused = ask(&app, &beside, None, &nobody(), &Watch::default()).await;
    let refused = failure(refused, Code::InvalidArgument);
    assert_eq!(refused.detail().field.as_deref(), Some("mode"));
    let applied = ask(&app, &by_plan(&code), None, &nobody(), &Watch::default()).await;
    let applied = done(applied.unwrap());
    assert_eq!(applied.status, SyncStatus::Applied, "{applied:?}");
}

#[tokio::test]
async fn a_plan_that_was_only_shown_is_applied_by_its_id_and_the_state_is_looked_at_again() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let dry = dry(SyncMode::Merge);
    let planned = sync(&app, &dry, LIST, &nobody()).await.unwrap();
    assert_eq!(planned.status, SyncStatus::Planned);
    let id = planned.plan_id.unwrap();
    assert!(id.starts_with("p-"), "{id}");
    // One of the rules is made elsewhere meanwhile.
    sync(
        &app,
        &args(SyncMode::Merge),
        "ani,destination\n6165550131,101\n",
        &Channel::Given,
    )
    .await
    .unwrap();
    let person = Person::typing("1");
    let channel = Channel::During(&person);
    let applied = ask(&app, &by_plan(&id), None, &channel, &Watch::default()).await;
    let applied = done(applied.unwrap());
    assert_eq!(applied.status, SyncStatus::Applied, "{applied:?}");
    assert_eq!((applied.plan.add, applied.plan.keep), (1, 1));
}

#[tokio::test]
async fn a_plan_is_kept_for_its_customer_and_not_for_ever() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let dry = dry(SyncMode::Merge);
    let planned = sync(&app, &dry, LIST, &nobody()).await.unwrap();
    let id = planned.plan_id.unwrap();
    let of_another = SyncVips {
        domain: LEGAL.parse().unwrap(),
        ..by_plan(&id)
    };
    let watch = Watch::default();
    let unknown = ask(&app, &of_another, None, &nobody(), &watch).await;
    failure(unknown, Code::NotFound);
    let both = ask(&app, &by_plan(&id), Some(LIST), &nobody(), &watch).await;
    failure(both, Code::InvalidArgument);
    bench.change_journal("UPDATE kept_plans SET expires_at = expires_at - 1801");
    let gone = ask(&app, &by_plan(&id), None, &nobody(), &watch).await;
    failure(gone, Code::NotFound);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_list_is_read_from_the_operators_folder_and_from_nowhere_else() {
    let bench = Bench::demo().await;
    let folder = tempfile::tempdir().unwrap();
    let lists = folder.path().join("lists");
    std::fs::create_dir_all(lists.join("below")).unwrap();
    std::fs::write(lists.join("below/dental.csv"), LIST).unwrap();
    std::fs::write(folder.path().join("secret.csv"), LIST).unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret.csv"), lists.join("link.csv")).unwrap();
    std::fs::write(lists.join("huge.csv"), vec![b'x'; 8 * 1024 * 1024 + 1]).unwrap();
    let of = |file: &str| SyncVips {
        file: Some(file.to_owned()),
        dry_run: Some(true),
        ..args(SyncMode::Merge)
    };
    let watch = Watch::default();
    let off = ask(
        &bench.app(),
        &of("below/dental.csv"),
        None,
        &nobody(),
        &watch,
    )
    .await;
    let off = failure(off, Code::InvalidArgument);
    assert!(off.to_string().contains("list_files"), "{off}");

    let app = bench.app_with(|settings| settings.list_files = Some(lists.clone()));
    let whole = lists.join("below/dental.csv");
    for file in [
        "below/dental.csv",
        "./below/../below/dental.csv",
        whole.to_str().unwrap(),
    ] {
        let planned = done(ask(&app, &of(file), None, &nobody(), &watch).await.unwrap());
        assert_eq!(planned.plan.add, 2, "{file}");
    }
    let outside = folder.path().join("secret.csv");
    let missing = "there-is-none.csv";
    for file in [
        "../secret.csv",
        "link.csv",
        "below",
        missing,
        outside.to_str().unwrap(),
        "huge.csv",
    ] {
        let refused = ask(&app, &of(file), None, &nobody(), &watch).await;
        let refused = failure(refused, Code::InvalidArgument);
        assert_eq!(refused.detail().field.as_deref(), Some("file"), "{file}");
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_folder_is_a_setting_and_has_a_whole_path() {
    let home = Home::bare().with("SKYSWITCH_LIST_FILES", "lists");
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("list_files"), "{ran:?}");

    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let folder = home.path().join("lists");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(Path::join(&folder, "dental.csv"), LIST).unwrap();
    let home = home.with("SKYSWITCH_LIST_FILES", folder.to_str().unwrap());
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let arguments = json!({"domain": DOMAIN, "file": "dental.csv", "dry_run": true});
    let planned = wire.call("sync_vips", arguments).await;
    let plan = planned["structuredContent"]["plan_id"].as_str().unwrap();
    let waits = wire
        .call("sync_vips", json!({"domain": DOMAIN, "plan": plan}))
        .await;
    let status = &waits["structuredContent"]["status"];
    assert_eq!(status, "confirmation_required", "{waits}");
}

#[tokio::test]
async fn the_list_of_another_customer_is_copied_and_its_destinations_are_looked_up_here() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let mut theirs = bench.sandbox.routes();
    theirs.retain(|route| route.domain == DENTAL);
    assert!(!theirs.is_empty());
    let copying = SyncVips {
        domain: LEGAL.parse().unwrap(),
        from_domain: Some("lakesidedental".parse().unwrap()),
        ..args(SyncMode::Merge)
    };
    let person = Person::answering(Answer::Declined);
    let channel = Channel::During(&person);
    let asked = ask(&app, &copying, None, &channel, &Watch::default()).await;
    let asked = done(asked.unwrap());
    assert_eq!(asked.status, SyncStatus::Declined, "{asked:?}");
    let shown = person.shown()[0].text();
    assert!(
        shown.contains("copied from lakesidedental.12345.service"),
        "{shown}"
    );
    assert!(shown.contains("does not exist in the domain"), "{shown}");

    let itself = SyncVips {
        from_domain: Some(DENTAL.parse().unwrap()),
        ..args(SyncMode::Merge)
    };
    let refused = ask(&app, &itself, None, &channel, &Watch::default()).await;
    failure(refused, Code::InvalidArgument);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn what_of_a_list_cannot_be_another_customers_is_left_out_and_shown_with_the_reason() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let day = jiff::Zoned::now().date().tomorrow().unwrap().to_string();
    let until = AddVip {
        note: Some("Dr. Ames".to_owned()),
        until: Some(day.parse().unwrap()),
        ..adding("16165550144", VET, "301")
    };
    add(&app, &until, &nobody()).await.unwrap();
    for mode in [SyncMode::Merge, SyncMode::Mirror] {
        let copying = SyncVips {
            domain: LEGAL.parse().unwrap(),
            from_domain: Some(VET.parse().unwrap()),
            ..args(mode)
        };
        let person = Person::answering(Answer::Declined);
        let channel = Channel::During(&person);
        let asked = ask(&app, &copying, None, &channel, &Watch::default()).await;
        let asked = done(asked.unwrap());
        assert_eq!(asked.status, SyncStatus::Declined, "{asked:?}");
        assert_eq!((asked.plan.add, asked.plan.invalid), (3, 2), "{asked:?}");
        let shown = person.shown()[0].text();
        assert!(
            shown.contains("2 rows cannot be used and would be left out"),
            "{shown}"
        );
        assert!(
            shown.contains("`anonymous` is not a phone number"),
            "{shown}"
        );
        assert!(
            shown.contains("is only for calls to +1 616-555-0140"),
            "{shown}"
        );
        // Note and last day go along.
        assert!(shown.contains("(note: Dr. Ames)"), "{shown}");
        assert!(shown.contains(&format!("(until {day})")), "{shown}");
        bench.age_declines(120);
    }
    // A plan that was shown is applied as it was shown.
    let dry = SyncVips {
        domain: LEGAL.parse().unwrap(),
        from_domain: Some(VET.parse().unwrap()),
        dry_run: Some(true),
        ..args(SyncMode::Mirror)
    };
    let watch = Watch::default();
    let planned = ask(&app, &dry, None, &nobody(), &watch).await;
    let plan = done(planned.unwrap()).plan_id.unwrap();
    let apply = SyncVips {
        domain: LEGAL.parse().unwrap(),
        ..by_plan(&plan)
    };
    let applied = ask(&app, &apply, None, &Channel::Given, &watch).await;
    let applied = done(applied.unwrap());
    assert_eq!(applied.status, SyncStatus::Applied, "{applied:?}");
}
