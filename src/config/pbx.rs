//! The NetSapiens PBX API as a second upstream: its address and its own login.

use super::file::ConfigFile;
use super::{
    Credentials, PbxGeneration, PbxLogin, PbxSettings, parse_api_root, parse_rate,
    refuse_unexpanded, unusable,
};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::Secret;

/// Requests a second to the PBX API where nothing is configured: its published
/// limit of 1,800 an hour.
const DEFAULT_RATE: f64 = 0.5;

/// Gathers the settings; `None` where no address is given.
pub(super) fn settings(
    file: &ConfigFile,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<Result<PbxSettings>> {
    let address = variable("SKYSWITCH_PBX_BASE_URL")
        .or_else(|| file.pbx_base_url.clone())
        .filter(|address| !address.trim().is_empty())?;
    Some(with_address(&address, file, variable))
}

fn with_address(
    address: &str,
    file: &ConfigFile,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<PbxSettings> {
    refuse_unexpanded(address, "SKYSWITCH_PBX_BASE_URL")?;
    // The second generation lives below the first, and people copy either address.
    let root = address.trim().trim_end_matches('/').trim_end_matches("/v2");
    let base_url = parse_api_root(
        root,
        "pbx_base_url",
        "Give the PBX API's root such as `https://12345-hpbx.dashmanager.com/ns-api` (SKYSWITCH_PBX_BASE_URL or `pbx_base_url`).",
    )?;
    let generation = match variable("SKYSWITCH_PBX_API") {
        Some(word) => parse_generation(&word)?,
        None => file.pbx_api.unwrap_or_default(),
    };
    Ok(PbxSettings {
        base_url,
        generation,
        login: login(file, variable, generation)?,
        rate_limit: match variable("SKYSWITCH_PBX_RATE_LIMIT") {
            Some(text) => parse_rate("SKYSWITCH_PBX_RATE_LIMIT", &text)?,
            None => file.pbx_rate_limit.map_or(Ok(DEFAULT_RATE), |rate| {
                parse_rate("pbx_rate_limit", &rate.to_string())
            })?,
        },
    })
}

fn login(
    file: &ConfigFile,
    variable: &dyn Fn(&str) -> Option<String>,
    generation: PbxGeneration,
) -> Result<PbxLogin> {
    let take = |name: &str, stored: &Option<String>| -> Result<Option<String>> {
        let value = variable(name).or_else(|| stored.clone().filter(|v| !v.trim().is_empty()));
        value
            .map(|value| refuse_unexpanded(&value, name).map(|()| value))
            .transpose()
    };
    if let Some(key) = take("SKYSWITCH_PBX_API_KEY", &file.pbx_api_key)? {
        return match generation {
            PbxGeneration::V2 => Ok(PbxLogin::Key(Secret::new(key))),
            PbxGeneration::V1 => Err(unusable(
                "pbx_api_key",
                "the first generation takes no API keys",
                "Set `pbx_api` to `v2`, or give `pbx_username` and `pbx_password` instead.",
            )),
        };
    }
    let mut missing = Vec::new();
    let mut need = |name: &str, field: &str, stored: &Option<String>| -> Result<String> {
        let value = take(name, stored)?;
        if value.is_none() {
            missing.push(format!("`{field}` ({name})"));
        }
        Ok(value.unwrap_or_default())
    };
    let credentials = Credentials {
        client_id: need(
            "SKYSWITCH_PBX_CLIENT_ID",
            "pbx_client_id",
            &file.pbx_client_id,
        )?,
        client_secret: Secret::new(need(
            "SKYSWITCH_PBX_CLIENT_SECRET",
            "pbx_client_secret",
            &file.pbx_client_secret,
        )?),
        username: need("SKYSWITCH_PBX_USERNAME", "pbx_username", &file.pbx_username)?,
        password: Secret::new(need(
            "SKYSWITCH_PBX_PASSWORD",
            "pbx_password",
            &file.pbx_password,
        )?),
    };
    if missing.is_empty() {
        return Ok(PbxLogin::Password(credentials));
    }
    Err(Error::new(
        Code::NotConfigured,
        format!("the PBX API has an address but no login: {} missing", missing.join(", ")),
        "Give the login of a PBX subscriber, an API key (`pbx_api_key`, with `pbx_api` `v2`), or take `pbx_base_url` out.",
    )
    .with_field("pbx_base_url"))
}

fn parse_generation(word: &str) -> Result<PbxGeneration> {
    match word.trim().to_ascii_lowercase().as_str() {
        "v1" | "1" => Ok(PbxGeneration::V1),
        "v2" | "2" => Ok(PbxGeneration::V2),
        _ => Err(unusable(
            "SKYSWITCH_PBX_API",
            "is not a generation of the PBX API",
            "Give `v1` or `v2`.",
        )),
    }
}
