//! A setup remembers where callers who are not VIPs shall go, and the support ticket.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{StatusQuery, TicketArgs, ticket};

use crate::support::process::{Home, demo_sandbox};
use crate::support::{BAKERY, Bench, failure};

#[tokio::test]
async fn a_fallback_destination_that_a_person_gave_is_in_the_next_ticket() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let domain = ["--domain", BAKERY];
    let unsaid = home.run(&[&["ticket"], &domain[..]].concat()).await;
    assert_eq!(unsaid.code, 0, "{unsaid:?}");
    assert!(unsaid.stdout.contains("[extension, queue"), "{unsaid:?}");
    let given = [
        &["checklist"],
        &domain[..],
        &["--fallback-destination", "102"],
    ]
    .concat();
    assert_eq!(home.run(&given).await.code, 0);
    let ticket = home.run(&[&["ticket"], &domain[..]].concat()).await;
    assert!(
        ticket.stdout.contains("Fallback destination: 102"),
        "{ticket:?}"
    );
}

#[tokio::test]
async fn a_ticket_that_was_sent_is_in_checklist_and_status_with_the_days_it_waits() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let sent = ["ticket", "--domain", BAKERY, "--sent", "482913"];
    let sent = home.run(&sent).await;
    assert_eq!(sent.code, 0, "{sent:?}");
    assert!(sent.stdout.starts_with("Support ticket of "), "{sent:?}");
    let words = "waits since today for SkySwitch (ticket 482913)";
    assert!(sent.stdout.contains(words), "{sent:?}");
    let checklist = home.run(&["checklist", "--domain", BAKERY]).await;
    assert!(checklist.stdout.contains(words), "{checklist:?}");
}

#[tokio::test]
async fn the_status_counts_the_days_that_a_customer_waits() {
    let bench = Bench::demo().await;
    let app = bench.app().commanded_by_a_person();
    let args = TicketArgs {
        domain: BAKERY.parse().unwrap(),
        did: None,
        fallback_destination: None,
        sent: Some("482913".to_owned()),
    };
    ticket(&app, &args).await.unwrap();
    bench.change_journal(
        "UPDATE setup_memory SET ticket_sent_at = ticket_sent_at - 3 * 86400000 - 5000",
    );
    struct Nobody;
    impl skyswitch_mcp::ops::Progress for Nobody {
        fn report(&self, _: usize, _: usize, _: &str) {}
    }
    let query = StatusQuery {
        query: Some(BAKERY.to_owned()),
        ..StatusQuery::default()
    };
    let size = skyswitch_mcp::ops::PageSize::All;
    let status = skyswitch_mcp::ops::onboarding_status(&app, &query, size, &Nobody).await;
    let status = status.unwrap();
    let waits = status.customers[0].ticket.as_deref();
    assert_eq!(waits, Some("waits 3 days for SkySwitch (ticket 482913)"));
}

fn sending(number: &str) -> TicketArgs {
    TicketArgs {
        domain: BAKERY.parse().unwrap(),
        did: None,
        fallback_destination: None,
        sent: Some(number.to_owned()),
    }
}

#[tokio::test]
async fn what_is_no_number_of_a_ticket_is_not_recorded() {
    let bench = Bench::demo().await;
    let app = bench.app().commanded_by_a_person();
    let long = "4".repeat(41);
    for given in ["", "sent", "see e-mail 4", "https://example.com/4", &long] {
        let refused = failure(ticket(&app, &sending(given)).await, Code::InvalidArgument);
        assert_eq!(refused.detail().field.as_deref(), Some("sent"), "{given}");
    }
    for given in ["#482913", " INC-482913 "] {
        let sent = ticket(&app, &sending(given)).await.unwrap().sent.unwrap();
        assert!(sent.contains("482913)") && !sent.contains('#'), "{sent}");
    }
}

#[tokio::test]
async fn a_ticket_is_recorded_for_a_customer_who_exists_and_a_number_of_theirs() {
    let bench = Bench::demo().await;
    let app = bench.app().commanded_by_a_person();
    let unknown = TicketArgs {
        domain: "nobody.12345.service".parse().unwrap(),
        ..sending("482913")
    };
    failure(ticket(&app, &unknown).await, Code::NotFound);
    let of_others = TicketArgs {
        did: Some("6165550199".parse().unwrap()),
        ..sending("482913")
    };
    let refused = failure(ticket(&app, &of_others).await, Code::InvalidArgument);
    assert_eq!(refused.detail().field.as_deref(), Some("did"));
    let unsent = TicketArgs {
        sent: None,
        ..sending("")
    };
    assert_eq!(ticket(&app, &unsent).await.unwrap().sent, None);
}

#[tokio::test]
async fn a_remembered_fallback_destination_that_does_not_exist_is_told_with_the_ticket() {
    let bench = Bench::demo().await;
    let app = bench.app().commanded_by_a_person();
    for fallback in ["977", "102@lakesidedental.12345.service"] {
        let given = TicketArgs {
            fallback_destination: Some(fallback.parse().unwrap()),
            sent: None,
            ..sending("")
        };
        ticket(&app, &given).await.unwrap();
        let sent = ticket(&app, &sending("482913")).await.unwrap();
        assert!(!sent.warnings.is_empty(), "{fallback}: {sent:?}");
    }
}

#[tokio::test]
async fn no_program_records_that_a_ticket_was_sent() {
    let bench = Bench::demo().await;
    let args = TicketArgs {
        domain: BAKERY.parse().unwrap(),
        did: None,
        fallback_destination: None,
        sent: Some("482913".to_owned()),
    };
    failure(ticket(&bench.app(), &args).await, Code::ConfirmationInvalid);
}
