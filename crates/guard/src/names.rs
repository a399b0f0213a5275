//! What people call a customer and its users, for previews.

use std::collections::HashMap;

use skyswitch_domain::{Application, PbxDomain, Route};

/// The names that are known at one customer. What a person agrees to does not
/// depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerNames {
    /// The customer, for example `Lakeside Dental (lakesidedental.12345.service)`.
    pub customer: Option<String>,
    /// The users' names by their ids in small letters.
    pub users: HashMap<String, String>,
}

impl CustomerNames {
    /// The customer by name, or else by domain.
    pub(crate) fn customer(&self, domain: &PbxDomain) -> String {
        self.customer.clone().unwrap_or_else(|| domain.to_string())
    }

    /// The name of the user whom a rule sends calls to.
    pub(crate) fn user(&self, route: &Route) -> Option<&str> {
        if route.application != Application::User || route.leaves_domain() {
            return None;
        }
        let (id, _) = route.destination.address(&route.application);
        let name = self.users.get(&id.to_ascii_lowercase())?;
        Some(name.as_str())
    }
}
