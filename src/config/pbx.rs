//! The NetSapiens PBX API as a second upstream: its address and its own login.

use super::environment::Environment;
use super::file::ConfigFile;
use super::login::{Login, Reader};
use super::{PbxGeneration, PbxLogin, PbxSettings, parse_api_root, unusable};
use skyswitch_domain::error::{Code, Error, Result};
use url::Url;

/// Requests a second to the PBX API where nothing is configured: its published
/// limit of 1,800 an hour.
const DEFAULT_RATE: f64 = 0.5;

/// Gathers the settings; `None` where no address is given.
pub(super) fn settings(
    file: &ConfigFile,
    environment: Environment<'_>,
    reader: &Reader,
) -> Option<Result<PbxSettings>> {
    let address = environment.text("pbx_base_url", &file.pbx_base_url);
    let address = address.transpose()?;
    Some(address.and_then(|address| with_address(&address, file, environment, reader)))
}

fn with_address(
    address: &str,
    file: &ConfigFile,
    environment: Environment<'_>,
    reader: &Reader,
) -> Result<PbxSettings> {
    let base_url = root(address)?;
    let generation = match environment.exported("pbx_api", file.pbx_api.is_some()) {
        Some(word) => parse_generation(&word)?,
        None => file.pbx_api.unwrap_or_default(),
    };
    Ok(PbxSettings {
        base_url,
        generation,
        login: login(file, generation, environment, reader)?,
        rate_limit: environment.rate("pbx_rate_limit", file.pbx_rate_limit, DEFAULT_RATE)?,
    })
}

/// The address of the PBX API.
pub(super) fn root(address: &str) -> Result<Url> {
    // The second generation lives below the first, and people copy either address.
    let root = address.trim().trim_end_matches('/').trim_end_matches("/v2");
    parse_api_root(
        root,
        "pbx_base_url",
        "Give the PBX API's root such as `https://12345-hpbx.dashmanager.com/ns-api` (SKYSWITCH_PBX_BASE_URL or `pbx_base_url`).",
    )
}

/// Refuses each value that cannot be used, also where no address is given yet.
/// What is missing is no error.
pub(super) fn refuse_unusable(file: &ConfigFile, environment: Environment<'_>) -> Result<()> {
    for form in file.pbx_login() {
        form.find(environment)?;
    }
    environment.rate("pbx_rate_limit", file.pbx_rate_limit, DEFAULT_RATE)?;
    let address = environment.text("pbx_base_url", &file.pbx_base_url)?;
    if let Some(address) = &address {
        root(address)?;
    }
    match has_key(file, file.pbx_api.unwrap_or_default(), environment) {
        // Which generation it is may be told before the address is.
        Err(_) if address.is_none() => file.pbx_key().find(environment).map(drop),
        has_key => has_key.map(drop),
    }
}

/// Whether an API key logs in.
fn has_key(
    file: &ConfigFile,
    generation: PbxGeneration,
    environment: Environment<'_>,
) -> Result<bool> {
    match (file.pbx_key().find(environment)?, generation) {
        (None, _) => Ok(false),
        (Some(_), PbxGeneration::V2) => Ok(true),
        (Some(_), PbxGeneration::V1) => Err(unusable(
            "pbx_api_key",
            "the first generation takes no API keys",
            "Set `pbx_api` to `v2`, or give `pbx_username` and `pbx_password` instead.",
        )),
    }
}

fn login(
    file: &ConfigFile,
    generation: PbxGeneration,
    environment: Environment<'_>,
    reader: &Reader,
) -> Result<PbxLogin> {
    if has_key(file, generation, environment)? {
        return Ok(PbxLogin::Key(reader.pbx_key()));
    }
    pbx_login(file, environment)?;
    Ok(PbxLogin::Password(reader.pbx_login()))
}

/// The login of a PBX user, where all of it is given.
pub(super) fn pbx_login(file: &ConfigFile, environment: Environment<'_>) -> Result<Login> {
    Login::find(file.pbx_login(), environment)?.map_err(|missing| {
        Error::new(
            Code::NotConfigured,
            format!("the PBX API has an address but no login: {missing} missing"),
            "Give the login of a PBX subscriber, an API key (`pbx_api_key`, with `pbx_api` `v2`), or take `pbx_base_url` out.",
        )
        .with_field("pbx_base_url")
    })
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
