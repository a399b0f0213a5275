//! How fast and how many at once. Only lower bounds are asserted: a slow
//! machine makes nothing here fail.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use skyswitch_mcp::app::App;
use skyswitch_mcp::ops::{PageSize, list_vips};
use skyswitch_mcp::sandbox::{StoredRoute, Tenant};

use crate::support::{Bench, CALLER, listing};

/// A sandbox with so many customers, each with a rule.
async fn customers(number: usize) -> Bench {
    let with_customer = |tenant: Tenant, n| {
        let domain = format!("customer{n}.12345.service");
        let rule = StoredRoute::new(&domain, CALLER, "101");
        tenant.domain(&domain, "").route(rule)
    };
    Bench::with((0..number).fold(Tenant::empty(), with_customer)).await
}

/// Lists of so many different domains at once, none of which can share a request.
async fn list_at_once(app: &App, domains: usize) -> Duration {
    let lists: Vec<_> = (0..domains)
        .map(|n| listing(&format!("customer{n}.12345.service")))
        .collect();
    let started = Instant::now();
    for list in join_all(lists.iter().map(|args| list_vips(app, args, PageSize::All))).await {
        list.expect("a list");
    }
    started.elapsed()
}

#[tokio::test]
async fn requests_beyond_the_burst_wait_for_the_pace() {
    let bench = customers(11).await;
    let app = bench.app_with(|settings| settings.rate_limit = 4.0);
    // Eight pass as a burst, the login among them; four more take a quarter of a second each.
    let taken = list_at_once(&app, 11).await;
    assert!(taken >= Duration::from_millis(900), "{taken:?}");
    assert_eq!(bench.count("GET"), 11);
}

#[tokio::test]
async fn a_pace_of_nought_is_no_limit() {
    let bench = customers(100).await;
    let app = bench.app_with(|settings| settings.rate_limit = 0.0);
    list_at_once(&app, 100).await;
    assert_eq!(bench.count("GET"), 100);
}

#[tokio::test]
async fn no_more_than_sixty_four_requests_are_in_flight() {
    let bench = customers(65).await;
    let app = bench.app_with(|settings| settings.rate_limit = 0.0);
    list_at_once(&app, 1).await;
    let latency = Duration::from_millis(250);
    bench.sandbox.set_latency(latency);
    let taken = list_at_once(&app, 65).await;
    assert!(taken >= 2 * latency, "{taken:?}");
}
