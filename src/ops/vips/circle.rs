//! Whether a VIP's calls would come back to the VIP rules, by the answering rules
//! of the users that they are forwarded through.

use crate::app::App;
use crate::ops::onboarding::forwards::{Behind, Site};
use crate::ops::vips::destinations::{FRESH, Look, in_a_circle};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Application, PbxDomain, Route};
use skyswitch_guard::Doubt;

impl App {
    /// What is to be said of a destination whose calls come back to the VIP rules.
    /// Nothing is said of what could not be read.
    pub(in crate::ops) async fn look_for_circle(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        rule: &Route,
    ) -> Option<Look> {
        let is_user = matches!(rule.application, Application::User | Application::Literal);
        if !is_user || rule.leaves_domain() || !self.settings().check_destinations {
            return None;
        }
        let (id, _) = rule.destination.address(&rule.application);
        let user = id.parse().ok()?;
        let users = self.client().ok()?.subscribers(account, domain, FRESH);
        let users = users.await.ok()?;
        let known = self.ani_users(account, domain, &users, None).await.ok()?;
        let site = Site {
            account,
            domain,
            users: &users,
            known: &known,
        };
        let Behind { user: behind, only } = self.ani_user_behind(site, &user).await.ok()??;
        match only {
            None if behind == user => Some(in_a_circle(id)),
            None => Some(Look::doubtful(
                Doubt::Loop,
                format!(
                    "user \"{}\" forwards calls to the Route by ANI user ({behind}), which hands every call back to the \
                     VIP rules: the call would go in a circle and reach nobody",
                    shown(id, 80)
                ),
            )),
            Some(only) => Some(Look {
                warning: format!(
                    "calls to user \"{}\" may come back to the VIP rules and go in a circle: {only}",
                    shown(id, 80)
                ),
                doubt: None,
            }),
        }
    }
}
