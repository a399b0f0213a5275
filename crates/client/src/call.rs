//! A request: method, path, query and body.

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::Secret;

/// A request before it has a token.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    pub path: Vec<String>,
    pub query: Vec<(&'static str, String)>,
    pub body: Body,
}

/// What a request carries.
#[derive(Debug, Clone, Default)]
pub(super) enum Body {
    #[default]
    Nothing,
    /// A form with secrets.
    Login(Vec<(&'static str, Secret)>),
    /// A form.
    Form(Vec<(&'static str, String)>),
    Json(serde_json::Value),
}

impl Call {
    /// A read of the given path.
    pub fn get<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Call {
        Call::new(Method::GET, path)
    }

    /// A call with any method and no body.
    pub fn new<S: Into<String>>(method: Method, path: impl IntoIterator<Item = S>) -> Call {
        Call {
            method,
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            body: Body::Nothing,
        }
    }

    /// A POST of a form.
    pub fn form<S: Into<String>>(
        path: impl IntoIterator<Item = S>,
        fields: Vec<(&'static str, String)>,
    ) -> Call {
        Call {
            body: Body::Form(fields),
            ..Call::new(Method::POST, path)
        }
    }

    /// A call with a JSON body.
    pub fn json<S: Into<String>>(
        method: Method,
        path: impl IntoIterator<Item = S>,
        body: serde_json::Value,
    ) -> Call {
        Call {
            body: Body::Json(body),
            ..Call::new(method, path)
        }
    }

    /// What it asks for, whoever it is asked of: its last words, such as
    /// `dialrules`, or object and action of the PBX API's form.
    pub fn resource(&self) -> String {
        let last = self.path.last().map_or("", String::as_str);
        let form = match &self.body {
            Body::Form(form) => form.as_slice(),
            _ => &[],
        };
        let named = form
            .iter()
            .filter(|(name, _)| ["object", "action"].contains(name));
        let words = named.map(|(_, value)| value.as_str());
        let words: Vec<&str> = [self.method.as_str(), last]
            .into_iter()
            .chain(words)
            .collect();
        words.join(" ")
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.query.push((name, value.into()));
        self
    }

    /// The HTTP request of it, to an API with that root.
    ///
    /// # Errors
    /// `not_configured` for a root that can carry no path; `upstream_rejected` for
    /// a token that can be no header.
    pub fn to_request(&self, base_url: &Url, bearer: Option<&Secret>) -> Result<reqwest::Request> {
        let mut request = reqwest::Request::new(self.method.clone(), self.url(base_url)?);
        if let Some(token) = bearer {
            request
                .headers_mut()
                .insert(AUTHORIZATION, bearer_header(token)?);
        }
        const FORM: &str = "application/x-www-form-urlencoded";
        let body = match &self.body {
            Body::Nothing => None,
            Body::Login(form) => Some((
                FORM,
                encoded(form.iter().map(|(name, value)| (*name, value.expose()))),
            )),
            Body::Form(form) => Some((
                FORM,
                encoded(form.iter().map(|(name, value)| (*name, value.as_str()))),
            )),
            Body::Json(value) => Some(("application/json", value.to_string())),
        };
        if let Some((media_type, text)) = body {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            *request.body_mut() = Some(text.into());
        }
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    fn url(&self, base_url: &Url) -> Result<Url> {
        let mut url = base_url.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(&self.path);
            }
            Err(()) => {
                return Err(Error::new(
                    Code::NotConfigured,
                    "base_url cannot carry a path",
                    "Give the API's root such as `https://api.skyswitch.com`.",
                ));
            }
        }
        if !self.query.is_empty() {
            // `+` in `sip:+1…` becomes %2B here; a bare `+` would arrive as a space.
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

fn encoded<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn bearer_header(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
        Error::new(
            Code::UpstreamRejected,
            "the service handed out a token that cannot be sent in a header",
            format!(
                "Run {}; if it persists, ask SkySwitch support.",
                command_line("token --refresh")
            ),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
