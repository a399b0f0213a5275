//! The setup guide, as a resource and as the one skill of the skills extension.
//!
//! One text serves both: the skill's file is the guide below a frontmatter.

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, GetSkillRequestParams, GetSkillResult, ListSkillsResult, Skill, SkillFrontmatter,
    SkillResource, SkillResources,
};

use super::LIFETIME_MS;
use skyswitch_domain::redact::shown;

/// How to set up Route by ANI for a customer.
pub(super) const SETUP_GUIDE: &str = include_str!("guide/setup.md");

/// Where the skill's one file is read.
pub(super) const SKILL_URI: &str = "skill://boundary-onboarding/SKILL.md";

const NAME: &str = "boundary-onboarding";
/// Written in YAML without quotes, so it holds neither a colon nor a hash.
const DESCRIPTION: &str = "Sets up Route by ANI (VIP callers) for a SkySwitch customer in the order that keeps \
    every caller's line open. Use it before onboarding a customer, before pointing a customer's number (DID) at \
    the Route by ANI user, and when callers who are not VIPs are dropped.";

/// The skill's file, byte for byte as its digest is taken.
pub(super) fn file() -> String {
    format!("---\nname: {NAME}\ndescription: {DESCRIPTION}\n---\n\n{SETUP_GUIDE}")
}

/// Every skill of this server.
pub(super) fn list() -> ListSkillsResult {
    ListSkillsResult::with_all_items(vec![skill()])
        .with_ttl_ms(LIFETIME_MS)
        .with_cache_scope(CacheScope::Public)
}

/// The skill at that place.
///
/// # Errors
/// Invalid params where there is none.
pub(super) fn get(request: &GetSkillRequestParams) -> Result<GetSkillResult, ErrorData> {
    if request.uri != SKILL_URI {
        let uri = shown(&request.uri, 200);
        return Err(ErrorData::invalid_params(
            format!("there is no skill at `{uri}`; skills/list names those that exist"),
            None,
        ));
    }
    Ok(GetSkillResult::new(skill())
        .with_ttl_ms(LIFETIME_MS)
        .with_cache_scope(CacheScope::Public))
}

fn skill() -> Skill {
    let file = SkillResource::from_bytes(SKILL_URI, file().as_bytes());
    Skill::new(
        SKILL_URI,
        SkillFrontmatter::new(NAME, DESCRIPTION),
        SkillResources::Files(vec![file]),
    )
}
