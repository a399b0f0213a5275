//! How the PBX (NetSapiens) side of a tenant chooses to answer.

use std::time::Duration;

/// Lifetime of a PBX access token by default: 1 hour (SkySwitch PBX API, authentication).
const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);

/// What the documents of the PBX API leave open, or what differs between installations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxHabits {
    /// Whether the form API below `/ns-api/` is there; without it 404.
    pub v1: bool,
    /// Whether the REST API below `/ns-api/v2` is there; without it 404.
    pub v2: bool,
    /// Version of the REST API: spelling of dial rule fields, devices of a whole domain.
    pub v2_version: V2Version,
    /// What the caller may do with dial plans. No public source says what SkySwitch grants.
    pub dial_plan: DialPlanAccess,
    /// Status with which v1 refuses what `dial_plan` does not allow: 401 or 403.
    pub v1_refusal: u16,
    /// Whether a login stops at a second factor, and where the answer says so.
    pub mfa: Mfa,
    /// A list with one record comes as that record, bare (v1 read, v2 lists).
    pub single_record_as_object: bool,
    /// A new user already has a `*` answering rule, so that creating one is refused with 409.
    pub new_user_has_answering_rule: bool,
    /// Most rows of one list when `limit` does not ask for fewer; None for all. The REST
    /// reference gives 100; of the form API none is published.
    pub list_limit: Option<usize>,
    /// v1 takes `enable=yes` and no `1`, as SkySwitch's own reference writes it.
    pub enable_in_words: bool,
    /// The OAuth client has the empty text for its secret.
    pub client_secret_is_empty: bool,
    /// The token answer tells the version of the REST API; else only GET `version` does.
    pub version_in_token: bool,
    /// Users have a dial plan of their own, `{domain}_{user}`, that chains to the domain's.
    pub user_dial_plans: bool,
    /// How long an access token lives.
    pub token_lifetime: Duration,
}

impl Default for PbxHabits {
    /// Both generations, REST version 44, dial plans for reading only and one of its own for
    /// each user, short pages, and refusals that look like those of an expired token. The
    /// table that a domain's plan chains to is not shown.
    fn default() -> PbxHabits {
        PbxHabits {
            v1: true,
            v2: true,
            v2_version: V2Version::V44,
            dial_plan: DialPlanAccess::Read,
            v1_refusal: 401,
            mfa: Mfa::Off,
            single_record_as_object: false,
            new_user_has_answering_rule: false,
            list_limit: Some(100),
            enable_in_words: true,
            client_secret_is_empty: false,
            version_in_token: true,
            user_dial_plans: true,
            token_lifetime: DEFAULT_TOKEN_LIFETIME,
        }
    }
}

impl PbxHabits {
    /// Takes the form API away.
    #[must_use]
    pub fn without_v1(mut self) -> PbxHabits {
        self.v1 = false;
        self
    }

    /// Takes the REST API away.
    #[must_use]
    pub fn without_v2(mut self) -> PbxHabits {
        self.v2 = false;
        self
    }

    /// Sets the version of the REST API.
    #[must_use]
    pub fn v2_version(mut self, version: V2Version) -> PbxHabits {
        self.v2_version = version;
        self
    }

    /// Sets what the caller may do with dial plans.
    #[must_use]
    pub fn dial_plan(mut self, access: DialPlanAccess) -> PbxHabits {
        self.dial_plan = access;
        self
    }

    /// Sets the status with which v1 refuses what is not allowed.
    #[must_use]
    pub fn v1_refusal(mut self, status: u16) -> PbxHabits {
        self.v1_refusal = status;
        self
    }

    /// Asks for a second factor at login.
    #[must_use]
    pub fn mfa(mut self, mfa: Mfa) -> PbxHabits {
        self.mfa = mfa;
        self
    }

    /// Sends a list of one as the bare record.
    #[must_use]
    pub fn single_record_as_object(mut self) -> PbxHabits {
        self.single_record_as_object = true;
        self
    }

    /// Gives each new user a `*` answering rule.
    #[must_use]
    pub fn new_user_has_answering_rule(mut self) -> PbxHabits {
        self.new_user_has_answering_rule = true;
        self
    }

    /// Sets the most rows of one list.
    #[must_use]
    pub fn list_limit(mut self, rows: usize) -> PbxHabits {
        self.list_limit = Some(rows);
        self
    }

    /// Takes the OAuth client's secret away.
    #[must_use]
    pub fn without_client_secret(mut self) -> PbxHabits {
        self.client_secret_is_empty = true;
        self
    }

    /// Leaves the version out of the token answer.
    #[must_use]
    pub fn without_version_in_token(mut self) -> PbxHabits {
        self.version_in_token = false;
        self
    }

    /// Gives all users the domain's dial plan.
    #[must_use]
    pub fn without_user_dial_plans(mut self) -> PbxHabits {
        self.user_dial_plans = false;
        self
    }

    /// Sets the lifetime of access tokens.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> PbxHabits {
        self.token_lifetime = lifetime;
        self
    }
}

/// What a caller may do with dial plans and dial rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialPlanAccess {
    /// Nothing: 403, on v1 also 401.
    None,
    /// Read; writes are refused.
    Read,
    /// Read and write.
    ReadWrite,
}

/// Version of the REST API (NetSapiens OpenAPI 44 and 45).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V2Version {
    /// Spells `dail-rule-matching-…`; does not list the devices of a domain.
    V44,
    /// Spells `dial-rule-matching-…`.
    V45,
}

impl V2Version {
    pub(crate) fn word(self) -> &'static str {
        match self {
            V2Version::V44 => "44",
            V2Version::V45 => "45",
        }
    }
}

/// Whether a login stops at a second factor (NetSapiens v2, tokens).
///
/// The answer is 200 with a token all the same; that token is accepted nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mfa {
    /// No second factor.
    Off,
    /// `"scope": "mfa_required"`.
    InScope,
    /// `"mfa": "mfa_required"` beside the usual scope.
    InField,
}
