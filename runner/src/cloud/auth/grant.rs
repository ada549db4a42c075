//! Asking an OAuth 2.0 authorization server, over the session's own wire: same certificates, same bounds, no redirects.
//!
//! The invariant: a secret goes only where it is encrypted or does not leave the machine, also if a discovery document names the
//! place; and nothing of a secret gets into an error. Source: RFC 6749, OpenID Connect Discovery 1.0.

use base64::prelude::{BASE64_STANDARD, Engine};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer::shortened;
use super::given::keeps_secrets;
use super::method::AuthMethod;
use super::sensitive;
use crate::cloud::http::{Again, Answer, Outgoing, Wire};
use crate::cloud::lane::Lane;
use crate::cloud::{Context, Error, ErrorKind, Method, headers};

/// What an authorization server is called in messages.
const SERVER: &str = "authorization server";

/// Authorization servers, and how they are asked.
pub(super) struct Grants<'a> {
    pub(super) wire: &'a Wire,
    pub(super) lane: &'a Lane,
    /// As whom.
    pub(super) auth: &'a AuthMethod,
}

/// A client as such a server knows it: Basic with a secret, else by its id in the form.
#[derive(Clone, Copy)]
pub(super) struct ClientProof<'a> {
    pub(super) id: &'a str,
    pub(super) secret: Option<&'a SecretString>,
}

/// What a server says of itself.
#[derive(Deserialize, Default)]
pub(super) struct Discovered {
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    grant_types_supported: Option<Vec<String>>,
}

/// A good answer of a token endpoint.
#[derive(Deserialize)]
pub(super) struct Granted {
    #[serde(default, deserialize_with = "secret")]
    pub(super) access_token: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) id_token: Option<SecretString>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// An answer that is none.
pub(super) enum Ungranted {
    /// The server says no, in a word of the standard's.
    Refused {
        /// `invalid_client`, `authorization_pending`, …
        word: String,
        /// For people.
        error: Error,
    },
    /// There was no answer, or none that is understood.
    Failed(Error),
}

impl Ungranted {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Refused { error, .. } | Self::Failed(error) => error,
        }
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Discovered {
    /// Whether the server says that it has a grant; one that says nothing of grants may have any.
    pub(super) fn has_grant(&self, grant: &str) -> bool {
        let all = self.grant_types_supported.as_ref();
        all.is_none_or(|all| all.iter().any(|it| it == grant))
    }

    pub(super) fn token_endpoint(&self) -> Result<Url, Error> {
        endpoint(
            self.token_endpoint.as_deref(),
            "token_endpoint",
            "access_token_endpoint",
        )
    }

    pub(super) fn device_endpoint(&self) -> Result<Url, Error> {
        let key = "device_authorization_endpoint";
        endpoint(self.device_authorization_endpoint.as_deref(), key, key)
    }
}

/// An endpoint of a discovery document.
fn endpoint(text: Option<&str>, member: &str, key: &str) -> Result<Url, Error> {
    let invalid = |flaw: &str| {
        let message = format!(
            "the identity provider's discovery document {flaw}: check discovery_endpoint, or give `{key}` under `auth` in clouds.yaml"
        );
        Error::new(ErrorKind::Invalid, message)
    };
    let text = text.ok_or_else(|| invalid(&format!("names no {member}")))?;
    let url = Url::parse(text).map_err(|_| invalid(&format!("has a {member} that is no URL")))?;
    keeps_secrets(&url).map_err(|_| {
        invalid(&format!(
            "has a {member} that is not reached by https://, where no secret is sent"
        ))
    })?;
    Ok(url)
}

impl Grants<'_> {
    /// Reads a discovery document.
    pub(super) async fn discover(&self, url: &Url) -> Result<Discovered, Error> {
        let answer = self
            .send(Method::Get, url, HeaderMap::new(), None, Again::Nothing)
            .await?;
        if answer.status != 200 {
            let message = format!(
                "there is no discovery document at discovery_endpoint: {} answered {}",
                shown(url),
                answer.status
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        read(&answer, "a discovery document", url)
    }

    /// Asks a token endpoint.
    pub(super) async fn grant(
        &self,
        url: &Url,
        client: ClientProof<'_>,
        form: &[(&str, &str)],
        again: Again,
    ) -> Result<Granted, Ungranted> {
        self.post(url, client, form, again).await
    }

    /// Sends a form as a client, and reads what is asked for.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        client: ClientProof<'_>,
        form: &[(&str, &str)],
        again: Again,
    ) -> Result<T, Ungranted> {
        let mut headers = HeaderMap::new();
        let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, media_type);
        if let Some(secret) = client.secret {
            // As it is, not encoded once more as RFC 6749 §2.3.1 has it: so do keystoneauth and Keystone's own endpoint.
            let pair = format!("{}:{}", client.id, secret.expose_secret());
            headers.insert(AUTHORIZATION, basic(&pair).map_err(Ungranted::Failed)?);
        }
        let body = encoded(client, form);
        let answer = self
            .send(Method::Post, url, headers, Some(body), again)
            .await;
        let answer = answer.map_err(Ungranted::Failed)?;
        if answer.status == 200 {
            return read(&answer, "an answer to a request for a token", url)
                .map_err(Ungranted::Failed);
        }
        Err(self.ungranted(&answer, url))
    }

    fn ungranted(&self, answer: &Answer, url: &Url) -> Ungranted {
        let told = |kind, message| {
            Error::new(kind, message)
                .during(&context(Method::Post, url))
                .answered(answer.status, headers::request_id(&answer.headers))
        };
        // Keystone's own endpoint says so by 404 too.
        if (400..500).contains(&answer.status)
            && let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body)
        {
            let word = shortened(&refusal.error);
            let (kind, message) = self.refused(&word, &refusal.error_description, url);
            let error = told(kind, message);
            return Ungranted::Refused { word, error };
        }
        let (place, way) = (shown(url), self.auth.kind());
        let (kind, message) = match answer.status {
            300..=399 => (
                ErrorKind::Invalid,
                format!(
                    "{place} sends us elsewhere ({}): a credential is not sent after it, so check that address",
                    answer.status
                ),
            ),
            404 | 405 => (
                ErrorKind::Invalid,
                format!(
                    "there is no token endpoint at {place}: it answered {}",
                    answer.status
                ),
            ),
            401 => (
                ErrorKind::NotAuthenticated,
                format!("{place} does not accept the {}: {}", way.what, way.cure),
            ),
            status => (
                ErrorKind::Malformed,
                format!("{place} answered {status} to a request for a token"),
            ),
        };
        Ungranted::Failed(told(kind, message))
    }

    /// What a word of the standard's means: what was asked is wrong, or who asks.
    fn refused(&self, word: &str, description: &str, url: &Url) -> (ErrorKind, String) {
        let kind = match word {
            "unsupported_grant_type" | "invalid_scope" | "invalid_request" => ErrorKind::Invalid,
            _ => ErrorKind::NotAuthenticated,
        };
        let said = match description {
            "" => word.to_owned(),
            more => format!("{word}, {}", shortened(more).trim_end_matches('.')),
        };
        let (place, way) = (shown(url), self.auth.kind());
        let message = format!(
            "{place} does not accept the {} (it says: {said}): {}",
            way.what, way.cure
        );
        (kind, message)
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<String>,
        again: Again,
    ) -> Result<Answer, Error> {
        keeps_secrets(url)
            .map_err(|why| Error::new(ErrorKind::Invalid, format!("{}: {why}", shown(url))))?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let context = context(method, url);
        let outgoing = Outgoing {
            context: &context,
            url,
            headers,
            body,
            again,
        };
        self.wire.deliver(&outgoing, self.lane).await
    }
}

/// A form, with the client's id where nothing else says it.
fn encoded(client: ClientProof<'_>, form: &[(&str, &str)]) -> String {
    let mut fields = Serializer::new(String::new());
    fields.extend_pairs(form);
    let is_said = client.secret.is_some() || form.iter().any(|(key, _)| *key == "client_id");
    if !is_said {
        fields.append_pair("client_id", client.id);
    }
    fields.finish()
}

fn context(method: Method, url: &Url) -> Context {
    Context {
        service: SERVER.to_owned(),
        method,
        path: url.path().to_owned(),
    }
}

/// An address for messages: no query, which may hold anything.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn read<T: DeserializeOwned>(answer: &Answer, what: &str, url: &Url) -> Result<T, Error> {
    // What a parser says of it can hold a part of a token, hence no cause.
    serde_json::from_slice(&answer.body).map_err(|_| {
        let message = format!("what {} answers is not {what}", shown(url));
        Error::new(ErrorKind::Malformed, message).during(&context(Method::Post, url))
    })
}

fn basic(pair: &str) -> Result<HeaderValue, Error> {
    authorization(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

/// A value of `Authorization`, marked as sensitive.
pub(super) fn authorization(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map(sensitive).map_err(|_| {
        Error::new(
            ErrorKind::Malformed,
            "the access token holds characters that no token has",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discovered_endpoint_must_keep_secrets() {
        let of = |url: Option<&str>| Discovered {
            token_endpoint: url.map(str::to_owned),
            ..Discovered::default()
        };
        assert!(
            of(Some("https://idp.example.org/token"))
                .token_endpoint()
                .is_ok()
        );
        for (url, words) in [
            (None, "names no token_endpoint"),
            (Some("token"), "no URL"),
            (Some("http://idp.example.org/token"), "no secret is sent"),
            (
                Some("https://u:p@idp.example.org/token"),
                "no secret is sent",
            ),
        ] {
            let error = of(url).token_endpoint().unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(
                error.to_string().contains("access_token_endpoint"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_server_that_names_its_grants_has_no_others() {
        let of = |grants: Option<&[&str]>| Discovered {
            grant_types_supported: grants
                .map(|all| all.iter().map(|it| (*it).to_owned()).collect()),
            ..Discovered::default()
        };
        assert!(of(None).has_grant("password"));
        assert!(of(Some(&["password"])).has_grant("password"));
        assert!(!of(Some(&["authorization_code"])).has_grant("password"));
    }
}
