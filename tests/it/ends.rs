//! VIP rules with a last day: they are removed by whoever works next, only if
//! they are still as they were added.

use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, AddVipStatus, ListChanges, PageSize, SyncMode, SyncVips, list_changes,
};
use skyswitch_mcp::sandbox::{Fault, Gate, StoredRoute};

use crate::support::guests::{
    ALL_OVER, GUEST, add_guest, guest, kept_of_guest, next_week, until_next_week,
};
use crate::support::imports::{Watch, args, ask, dry, moving, sync, without_list};
use crate::support::process::{DOMAIN, Home, demo_sandbox, eventually, vip_add};
use crate::support::{
    Bench, CALLER, DENTAL, LEGAL, Person, VET, add, adding, done, failure, list, listing, nobody,
    remove, removing, skip_seconds,
};

#[tokio::test]
async fn a_vip_rings_until_the_last_day_and_is_removed_by_whoever_lists_next() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let guest = shown.vips.iter().find(|vip| vip.ani == GUEST).unwrap();
    assert_eq!(guest.until, Some(next_week()));
    assert!(shown.warnings.is_empty(), "{shown:?}");
    bench.change_journal(ALL_OVER);
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    assert!(shown.vips.iter().all(|vip| vip.ani != GUEST), "{shown:?}");
    let said = shown.warnings.join("\n");
    assert!(said.contains("was removed (change 2)"), "{said}");
    assert_eq!(bench.rings(DENTAL, GUEST), None);
    let changes = list_changes(&app, &ListChanges::default(), PageSize::All).await;
    let newest = &changes.unwrap().changes[0];
    assert_eq!(newest.operation, "vip_ended");
    // It is removed once.
    let writes = bench.count("DELETE");
    list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.count("DELETE"), writes);
}

#[tokio::test]
async fn whoever_changes_something_removes_what_has_ended_too() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    add(&app, &adding("6165550178", DENTAL, "101"), &nobody())
        .await
        .unwrap();
    assert_eq!(bench.rings(DENTAL, GUEST), None);
}

#[tokio::test]
async fn a_rule_that_is_not_as_it_was_added_stays() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    // Somebody has sent the caller elsewhere in the portal.
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, GUEST, "103"));
    bench.change_journal(ALL_OVER);
    list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.rings(DENTAL, GUEST).unwrap(), "103");
    assert_eq!(bench.count("DELETE"), 0);
}

#[tokio::test]
async fn a_rule_that_is_removed_and_added_again_has_no_end() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let args = removing(GUEST, DENTAL);
    remove(&app, &args, &Channel::Given).await.unwrap();
    add(&app, &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    bench.change_journal(ALL_OVER);
    let (_, until) = kept_of_guest(&app).await;
    assert_eq!(until, None);
    assert!(bench.rings(DENTAL, GUEST).is_some());
}

#[tokio::test]
async fn nothing_is_removed_while_only_reading_is_allowed_or_nothing_destructive() {
    let bench = Bench::demo().await;
    add_guest(&bench.app()).await;
    bench.change_journal(ALL_OVER);
    let reading = bench.app_with(|settings| settings.read_only = true);
    list(&reading, &listing(DENTAL)).await.unwrap();
    let blocked = bench.app_in(ConfirmMode::Block);
    list(&blocked, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.count("DELETE"), 0);
}

#[tokio::test]
async fn a_rule_of_a_caller_with_several_is_left_to_a_person() {
    // The service may remove both, and nobody has agreed to lose the other.
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let other = AddVip {
        dnis: Some("6165550100".parse().unwrap()),
        ..adding(GUEST, DENTAL, "101")
    };
    add(&app, &other, &Channel::Given).await.unwrap();
    bench.change_journal(ALL_OVER);
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let said = shown.warnings.join("\n");
    assert!(said.contains("could not be removed"), "{said}");
    assert!(said.contains("remove_vip"), "{said}");
    assert_eq!(bench.count("DELETE"), 0);
}

#[tokio::test]
async fn a_person_who_agrees_to_a_replacement_sees_when_it_ends() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let person = Person::typing(CALLER);
    let args = until_next_week(CALLER, "103");
    let replaced = add(&app, &args, &Channel::During(&person)).await.unwrap();
    assert_eq!(replaced.status, AddVipStatus::Replaced);
    let preview = person.shown()[0].text();
    let said = format!("Ends: after {}: the rule is removed then", next_week());
    assert!(preview.contains(&said), "{preview}");
}

#[tokio::test]
async fn a_day_that_is_over_and_an_end_for_a_rule_that_exists_are_refused() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let over = AddVip {
        until: Some("2020-01-31".parse().unwrap()),
        ..adding(GUEST, DENTAL, "101")
    };
    failure(add(&app, &over, &nobody()).await, Code::InvalidArgument);
    let there = bench.rings(DENTAL, CALLER).unwrap();
    let ending = until_next_week(CALLER, &there);
    failure(
        add(&app, &ending, &Channel::Given).await,
        Code::InvalidArgument,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn an_end_goes_along_when_a_caller_is_sent_to_somebody_else() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    without_list(&app, &moving("101", "102"), &Channel::Given).await;
    assert_eq!(bench.rings(DENTAL, GUEST).unwrap(), "102");
    bench.change_journal(ALL_OVER);
    list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.rings(DENTAL, GUEST), None);
}

#[tokio::test]
async fn the_status_says_which_vips_end() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let day = next_week();
    let adding = [
        &vip_add(GUEST, "101")[..],
        &["--until", &day, "--note", "Visiting doctor"],
    ]
    .concat();
    let added = home.run(&adding).await;
    assert_eq!(added.code, 0, "{added:?}");
    let shown = home.run(&["vip", "list", "-d", DOMAIN]).await;
    assert!(shown.stdout.contains(&day), "{shown:?}");
    assert!(shown.stdout.contains("Visiting doctor"), "{shown:?}");
    let status = home.run(&["status", "--query", DOMAIN]).await;
    let said = format!("ends after {day}");
    assert!(status.stdout.contains(&said), "{status:?}");
}

#[tokio::test]
async fn a_rule_that_is_made_again_without_a_last_day_has_none_whatever_was_there_meanwhile() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    // Somebody sends the caller elsewhere in the portal, and a person takes that back.
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, GUEST, "102"));
    let again = adding(GUEST, DENTAL, "101");
    let person = Person::typing(GUEST);
    let replaced = add(&app, &again, &Channel::During(&person)).await.unwrap();
    assert_eq!(replaced.status, AddVipStatus::Replaced, "{replaced:?}");
    bench.change_journal(ALL_OVER);
    let (_, until) = kept_of_guest(&app).await;
    assert_eq!(until, None);
    assert!(bench.rings(DENTAL, GUEST).is_some());
}

#[tokio::test]
async fn who_adds_a_rule_that_has_a_last_day_already_is_told_of_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let again = add(&app, &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    assert_eq!(again.status, AddVipStatus::Unchanged);
    assert_eq!(again.vip.until, Some(next_week()));
    assert!(
        again
            .warnings
            .iter()
            .any(|text| text.contains(&next_week())),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_plan_that_is_only_shown_removes_nothing_that_has_ended() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let list = "ani,destination\n6165550178,101\n";
    let planned = sync(&app, &dry(SyncMode::Merge), list, &nobody()).await;
    planned.unwrap();
    assert!(bench.rings(DENTAL, GUEST).is_some());
}

#[tokio::test]
async fn who_removes_or_replaces_a_rule_sees_that_its_last_day_and_note_end() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let said = format!(
        "Its last day, {}, and its note no longer apply.",
        next_week()
    );
    let declining = Person::answering(skyswitch_mcp::guard::Answer::Declined);
    let channel = Channel::During(&declining);
    let elsewhere = adding(GUEST, DENTAL, "102");
    add(&app, &elsewhere, &channel).await.unwrap();
    bench.age_declines(120);
    remove(&app, &removing(GUEST, DENTAL), &channel)
        .await
        .unwrap();
    bench.age_declines(120);
    let moving = SyncVips {
        allow_large_removal: Some(true),
        ..args(SyncMode::Mirror)
    };
    let list = format!("ani,destination\n{GUEST},102\n");
    let asked = ask(&app, &moving, Some(&list), &channel, &Watch::default()).await;
    let asked = done(asked.unwrap());
    let shown = declining.shown();
    assert_eq!(shown.len(), 3);
    for preview in &shown[..2] {
        assert!(preview.text().contains(&said), "{}", preview.text());
        let story = preview.story().unwrap();
        assert!(story.loss.as_ref().unwrap().contains(&said), "{story:?}");
    }
    let in_a_row = "(its last day, ";
    let text = shown[2].text();
    assert!(text.contains(in_a_row), "{text}");
    let groups = &shown[2].story().unwrap().groups;
    let mut lines = groups.iter().flat_map(|group| &group.lines);
    assert!(
        lines.any(|line| line.contains("no longer apply")),
        "{groups:?}"
    );
    let warnings = asked.warnings.join("\n");
    assert!(warnings.contains("no longer apply"), "{warnings}");
}

#[tokio::test]
async fn a_result_says_which_last_day_and_note_have_ended() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let day = next_week();
    let adding = ["vip", "add", GUEST, "101", "-d", DOMAIN];
    let noted = [&adding[..], &["--until", &day, "--note", "Dr. Ames"]].concat();
    assert_eq!(home.run(&noted).await.code, 0);
    let elsewhere = ["vip", "add", GUEST, "102", "-d", DOMAIN, "--yes"];
    let replaced = home.run(&elsewhere).await.stdout;
    let said = format!("Its last day, {day}, and its note no longer apply.");
    assert!(replaced.contains(&said), "{replaced}");
    let back = home.run(&["undo", "--last", "--yes"]).await.stdout;
    assert!(back.contains("(note: Dr. Ames; until "), "{back}");
    let gone = ["vip", "remove", GUEST, "-d", DOMAIN, "--yes"];
    let gone = home.run(&gone).await.stdout;
    assert!(gone.contains("(note: Dr. Ames; until "), "{gone}");
    assert!(gone.contains(&said), "{gone}");
}

#[tokio::test]
async fn a_customer_who_does_not_answer_keeps_nobody_elses_rules_from_their_end() {
    const THEIRS: &str = "16165550178";
    let bench = Bench::demo().await;
    let app = bench.app();
    let theirs = AddVip {
        domain: VET.parse().unwrap(),
        ..until_next_week(THEIRS, "301")
    };
    let added = add(&app, &theirs, &nobody()).await.unwrap();
    assert_eq!(added.status, AddVipStatus::Created);
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let gate = Gate::default();
    let held = Fault::hold_answer("GET", VET, &gate).times(usize::MAX);
    bench.sandbox.inject(held);
    let changing = tokio::spawn({
        let app = app.clone();
        async move { add(&app, &adding("6165550171", DENTAL, "101"), &nobody()).await }
    });
    let is_gone = || bench.rings(DENTAL, GUEST).is_none();
    eventually("the other customer's rule is removed", is_gone).await;
    // Longer than a call is held up.
    skip_seconds(6).await;
    let said = changing.await.unwrap().unwrap().warnings.join("\n");
    assert!(said.contains("rules in time"), "{said}");
    assert!(said.contains("was removed (change 3)"), "{said}");
    // It rests for five minutes, so that it holds nobody up.
    gate.open();
    bench.sandbox.clear_faults();
    let other = adding("6165550172", DENTAL, "101");
    add(&app, &other, &nobody()).await.unwrap();
    assert!(bench.rings(VET, THEIRS).is_some());
    skip_seconds(300).await;
    let other = adding("6165550173", DENTAL, "101");
    let said = add(&app, &other, &nobody()).await.unwrap().warnings;
    assert!(said.join("\n").contains("was removed"), "{said:?}");
    assert_eq!(bench.rings(VET, THEIRS), None);
}

#[tokio::test]
async fn rules_that_fail_do_not_take_the_turns_of_others() {
    // The service may remove other rules along with each, and nobody has agreed to that.
    let bench = Bench::demo().await;
    let app = bench.app();
    for number in 0..20 {
        let ani = format!("161655503{number:02}");
        add(&app, &until_next_week(&ani, "101"), &nobody())
            .await
            .unwrap();
        let other = AddVip {
            dnis: Some("6165550100".parse().unwrap()),
            ..adding(&ani, DENTAL, "101")
        };
        add(&app, &other, &Channel::Given).await.unwrap();
    }
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    assert!(guest(&app).await.is_none());
}

#[tokio::test]
async fn an_export_tells_beside_the_list_what_it_removed_and_what_it_could_not() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let day = next_week();
    for ani in [GUEST, "16165550178"] {
        let adding = ["vip", "add", ani, "101", "-d", DOMAIN, "--until", &day];
        assert_eq!(home.run(&adding).await.code, 0);
    }
    // It may go along with the other, and nobody has agreed to that.
    let beside = [
        "vip",
        "add",
        GUEST,
        "101",
        "-d",
        DOMAIN,
        "--dnis",
        "6165550100",
        "--yes",
    ];
    assert_eq!(home.run(&beside).await.code, 0);
    home.change_journal(ALL_OVER);
    let exported = home.run(&["vip", "export", "-d", DOMAIN]).await;
    let named = |caller: &str| {
        format!("Warning: The VIP rule of {caller} in {DOMAIN}, whose last day was {day},")
    };
    for said in [
        format!("{} was removed", named("+1 616-555-0178")),
        format!("{} could not be removed", named("+1 616-555-0177")),
    ] {
        assert!(exported.stderr.contains(&said), "{said}: {exported:?}");
    }
    let list = exported.stdout;
    assert!(
        list.starts_with("ani,") && !list.contains("Warning"),
        "{list}"
    );
    assert!(
        list.contains(GUEST) && !list.contains("16165550178"),
        "{list}"
    );
}

#[tokio::test]
async fn a_copied_list_tells_what_was_removed_or_is_over_of_the_other_customers_rules() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    // It may go along with the other, and nobody has agreed to that.
    let beside = AddVip {
        dnis: Some("6165550100".parse().unwrap()),
        ..adding(GUEST, DENTAL, "101")
    };
    add(&app, &beside, &Channel::Given).await.unwrap();
    bench.change_journal(
        "UPDATE vip_notes SET until = '2020-01-31', ends_at = 1 WHERE ends_at IS NOT NULL",
    );
    let copying = SyncVips {
        domain: LEGAL.parse().unwrap(),
        from_domain: Some(DENTAL.parse().unwrap()),
        ..args(SyncMode::Merge)
    };
    let person = Person::answering(skyswitch_mcp::guard::Answer::Declined);
    let channel = Channel::During(&person);
    let copied = without_list(&app, &copying, &channel).await;
    let shown = person.shown()[0].text();
    for said in [
        "whose last day was 2020-01-31, could not be removed",
        "2020-01-31 is over",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let told = copied.warnings.join("\n");
    assert!(told.contains("could not be removed"), "{told}");
}
