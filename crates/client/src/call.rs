//! A request: method, path, query and body.

use reqwest::Method;

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
}
