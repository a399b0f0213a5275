//! Whether a number may be pointed somewhere, judged by what is read right now.

use std::time::Duration;

use crate::app::App;
use crate::ops::onboarding::dial_plan::OwnPlan;
use crate::ops::onboarding::evidence::{Customer, fallback};
use crate::ops::onboarding::forwards::{Behind, Site};
use crate::ops::write::send::JudgeRoute;
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::{AccountId, DidRoute, Extension, PbxDomain};
use skyswitch_guard::{Fallback, MayRoute};

/// A number that is set up is judged by its customer's setup.
pub(super) struct BySetup<'a> {
    pub app: &'a App,
    pub customer: &'a Customer,
}

impl JudgeRoute for BySetup<'_> {
    async fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let evidence = self.app.evidence(self.customer).await?;
        MayRoute::judge(
            route,
            &self.customer.domain,
            evidence.known_ani_users(),
            evidence.fallback.as_ref(),
        )
    }
}

/// What routes to the users of a domain are judged by.
pub(in crate::ops) struct Ground {
    domain: PbxDomain,
    ani_users: Vec<Extension>,
    fallback: Option<Fallback>,
}

impl Ground {
    /// Judges a route.
    ///
    /// # Errors
    /// `blocked`.
    pub fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let fallback = self.fallback.as_ref();
        MayRoute::judge(route, &self.domain, Some(&self.ani_users), fallback)
    }
}

impl App {
    /// Reads what an old route is judged by: the domain that it goes to, which
    /// may be another than the customer's.
    pub(in crate::ops) async fn ground_of(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        route: &DidRoute,
    ) -> Result<Ground> {
        let Some((user, host)) = route.user() else {
            return Ok(Ground {
                domain: domain.clone(),
                ani_users: Vec::new(),
                fallback: None,
            });
        };
        let home: PbxDomain = host
            .parse()
            .map_err(|refused: Refused| refused.into_error("domain"))?;
        let users = self
            .client()?
            .subscribers(account, &home, Duration::ZERO)
            .await?;
        let mut ani_users = self.ani_users(account, &home, &users, None).await?;
        if let Ok(extension) = user.parse::<Extension>()
            && !ani_users.contains(&extension)
        {
            let site = Site {
                account,
                domain: &home,
                users: &users,
                known: &ani_users,
            };
            let behind = self.ani_user_behind(site, &extension).await;
            // Where its answering rule is not shown, it may be one.
            if behind.map_or(true, |behind| behind.and_then(Behind::always).is_some()) {
                ani_users.push(extension);
            }
        }
        let attestations = self.attestations(account, Some(&home)).await?;
        let own = user.parse().ok();
        let own = OwnPlan::Of(own.as_ref());
        let dial_plan = self.dial_plan(&home, own, Some(&users), &ani_users).await;
        Ok(Ground {
            domain: home,
            fallback: fallback(&dial_plan, &attestations),
            ani_users,
        })
    }
}
