//! How the store finds what is kept of a rule: by numbers in whatever writing, and
//! without going through all of it.

use skyswitch_mcp::domain::{Since, Until};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVip, UndoChange, undo_change};
use skyswitch_mcp::sandbox::{StoredDnis, StoredRoute};

use crate::support::journal::{self, texts};
use crate::support::{Bench, DENTAL, add, adding, done, list, listing, nobody, remove, removing};

const GUEST: &str = "16165550177";

#[tokio::test]
async fn what_is_kept_of_a_rule_for_one_dialled_number_ends_and_comes_back_however_that_is_stored()
{
    for stored in ["+16165550100", "616-555-0100", "sip:16165550100@x"] {
        let bench = Bench::demo().await;
        let app = bench.app();
        let args = AddVip {
            note: Some("Dr. Ames".to_owned()),
            dnis: Some("6165550100".parse().unwrap()),
            ..adding(GUEST, DENTAL, "101")
        };
        add(&app, &args, &nobody()).await.unwrap();
        // SkySwitch stores the dialled number in its own writing.
        let sent = StoredDnis::number("16165550100");
        assert!(bench.sandbox.delete_route(DENTAL, GUEST, &sent));
        let rule = StoredRoute::new(DENTAL, GUEST, "101").dnis(StoredDnis::number(stored));
        bench.sandbox.put_route(rule);
        let removed = remove(&app, &removing(GUEST, DENTAL), &Channel::Given).await;
        let undoing = UndoChange {
            change_id: removed.unwrap().change_id.unwrap(),
            account_id: None,
            confirmation: None,
        };
        let back = undo_change(&app, &undoing, &Channel::Given).await;
        let back = done(back.unwrap());
        let note = back.vip.unwrap().note;
        assert_eq!(note.as_deref(), Some("Dr. Ames"), "{stored}");
        let shown = list(&app, &listing(DENTAL)).await.unwrap();
        let vip = shown.vips.iter().find(|vip| vip.ani == GUEST).unwrap();
        assert_eq!(vip.note.as_deref(), Some("Dr. Ames"), "{stored}");
    }
}

#[tokio::test]
async fn a_change_that_was_not_made_goes_through_no_other_notes() {
    let bench = Bench::demo().await;
    add(&bench.app(), &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    let database = journal::open(&bench.state_dir());
    let triggers = texts(
        &database,
        "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'changes' AND sql LIKE '%vip_notes%'",
        [],
    );
    assert_eq!(triggers.len(), 3);
    for text in triggers {
        let (_, statements) = text.split_once("BEGIN").unwrap();
        let statements = statements.replace("NEW.id", "1");
        let words = statements.split("NEW.").enumerate();
        // Any other value of the change is some text.
        let words = words.map(|(n, part)| match n {
            0 => part.to_owned(),
            _ => {
                let rest = part.trim_start_matches(|c: char| c.is_ascii_alphabetic());
                format!("'a'{rest}")
            }
        });
        let statements: String = words.collect();
        for statement in statements
            .split(';')
            .filter(|text| text.contains("vip_notes"))
        {
            let explained = format!("EXPLAIN QUERY PLAN {statement}");
            let mut steps = database.prepare(&explained).unwrap();
            let steps = steps.query_map([], |row| row.get("detail")).unwrap();
            for step in steps {
                let step: String = step.unwrap();
                assert!(!step.contains("SCAN vip_notes"), "{step}: {statement}");
            }
        }
    }
}

#[test]
fn a_zone_that_does_not_exist_or_contradicts_the_offset_is_refused() {
    for text in [
        "2026-11-27T04:00[Mars/X]",
        "2026-11-27T04:00[Europe/Berln]",
        "2026-11-27T04:00Z[Mars/X]",
        "2026-11-27T04:00+09:00[Europe/Berlin]",
    ] {
        assert!(text.parse::<Since>().is_err(), "{text}");
        assert!(text.parse::<Until>().is_err(), "{text}");
    }
    let berlin: Since = "2026-11-27T04:00+01:00[Europe/Berlin]".parse().unwrap();
    assert_eq!(berlin.moment().to_string(), "2026-11-27T03:00:00Z");
}
