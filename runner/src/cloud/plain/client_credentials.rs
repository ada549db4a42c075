//! OAuth 2.0 client credentials (RFC 6749 §4.4): a token for the client itself, from an authorization server.
//!
//! The invariant: the client's secret goes to the configured address and nowhere else, in no URL, and never in clear over a network;
//! of the server's answer only what the standard calls an error is shown.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use crate::cloud::http::{Again, Answer, Outgoing, Wire};
use crate::cloud::lane::Lane;
use crate::cloud::proxy::is_loopback;
use crate::cloud::{Context, Error, ErrorKind, Method, SecretSource};

use super::{is_bare_address, sensitive};

/// Larger than any answer with a token, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Of a stranger's words no more is shown.
const SHOWN_CHARS_MAX: usize = 300;

/// Longer than any token lives, in seconds: what says more is taken as this.
const LIFE_S_MAX: u64 = 365 * 86_400;

/// A client of an authorization server.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Where tokens are asked for.
    pub token_url: Url,
    /// Who we are there.
    pub client_id: String,
    /// And how that is known.
    pub secret: SecretSource,
    /// What the token is to be good for, in the server's words.
    pub scope: Option<String>,
    /// Whether id and secret stand in the request's body, as some servers want it, and not in `Authorization`.
    pub is_in_body: bool,
}

/// A token that was given to us.
pub(super) struct Granted {
    pub(super) token: SecretString,
    /// When the next one is wanted; never, if the server does not say how long it lives.
    pub(super) due: Option<Instant>,
}

#[derive(Deserialize)]
struct GrantedFields {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct RefusedFields {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

impl ClientCredentials {
    /// Refuses an address to which no secret should be sent.
    ///
    /// # Errors
    /// In words that say what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if !is_bare_address(&self.token_url) {
            return Err(
                "token_url must be an http or https URL without user, query or fragment".to_owned(),
            );
        }
        if self.token_url.scheme() == "http" && !is_loopback(&self.token_url) {
            return Err("token_url must begin with https://: over plain HTTP everybody on the way reads the client's secret".to_owned());
        }
        if self.client_id.is_empty() {
            return Err("client_id is empty".to_owned());
        }
        Ok(())
    }

    pub(super) async fn ask(&self, service: &str, wire: &Wire) -> Result<Granted, Error> {
        let what = format!("the client secret of [services.{service}]");
        let secret = self.secret.ask(&what).await?;
        let context = Context {
            service: service.to_owned(),
            method: Method::Post,
            path: self.token_url.path().to_owned(),
        };
        let (headers, body) = self.request(&secret)?;
        let outgoing = Outgoing {
            context: &context,
            url: &self.token_url,
            headers,
            body: Some(body),
            // A second token does no harm.
            again: Again::Nothing,
        };
        let asked_at = Instant::now();
        let answer = wire.deliver(&outgoing, &Lane::new(1)).await?;
        let granted = if (200..300).contains(&answer.status) {
            granted(&answer, asked_at, wire.limits().renewal_margin)
        } else {
            Err(self.refused(&answer))
        };
        granted.map_err(|error| error.during(&context).answered(answer.status, None))
    }

    fn request(&self, secret: &SecretString) -> Result<(HeaderMap, String), Error> {
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
        ]);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        if self.is_in_body {
            form.append_pair("client_id", &self.client_id);
            form.append_pair("client_secret", secret.expose_secret());
        } else {
            // Both are encoded before they are joined (RFC 6749 §2.3.1).
            let encoded = |text: &str| -> String {
                form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let pair = format!(
                "{}:{}",
                encoded(&self.client_id),
                encoded(secret.expose_secret())
            );
            let value = sensitive(&format!("Basic {}", BASE64_STANDARD.encode(pair)))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok((headers, form.finish()))
    }

    fn refused(&self, answer: &Answer) -> Error {
        let url = &self.token_url;
        let said = bounded(answer)
            .and_then(|body| serde_json::from_slice::<RefusedFields>(body).ok())
            .map(
                |RefusedFields {
                     error,
                     error_description,
                 }| match error_description {
                    Some(more) => format!(" (it says: {}, {})", shown(&error), shown(&more)),
                    None => format!(" (it says: {})", shown(&error)),
                },
            )
            .unwrap_or_default();
        match answer.status {
            400 | 401 | 403 => Error::new(
                ErrorKind::NotAuthenticated,
                format!(
                    "{url} gives no token{said}: check client_id, its secret and scope, and whether `client_auth` is as the server wants it"
                ),
            ),
            300..=399 => Error::new(
                ErrorKind::Invalid,
                format!(
                    "{url} sends us elsewhere: a credential is not sent after it. If that is where it should go, make it token_url"
                ),
            ),
            404 | 405 => Error::new(
                ErrorKind::Invalid,
                format!("there is nothing at {url} that gives tokens: check token_url"),
            ),
            status => Error::new(
                ErrorKind::Malformed,
                format!("{url} answered {status} to a request for a token{said}"),
            ),
        }
    }
}

fn granted(answer: &Answer, asked_at: Instant, margin: Duration) -> Result<Granted, Error> {
    let malformed = |why: &str| {
        let message = format!("the answer to a request for a token {why}");
        Error::new(ErrorKind::Malformed, message)
    };
    let body = bounded(answer)
        .ok_or_else(|| malformed(&format!("has more than {ANSWER_BYTES_MAX} bytes")))?;
    // What a parser says of it could hold the token.
    let fields: GrantedFields =
        serde_json::from_slice(body).map_err(|_| malformed("is no JSON with an access_token"))?;
    if fields.access_token.trim().is_empty() {
        return Err(malformed("has an empty access_token"));
    }
    let is_bearer = |kind: &String| kind.eq_ignore_ascii_case("bearer");
    if !fields.token_type.as_ref().is_none_or(is_bearer) {
        return Err(malformed(
            "has a token_type other than Bearer, which this runner does not know how to show",
        ));
    }
    let life = match &fields.expires_in {
        None | Some(serde_json::Value::Null) => None,
        Some(value) => Some(
            seconds(value)
                .ok_or_else(|| malformed("has an expires_in that is no number of seconds"))?,
        ),
    };
    let due = life.and_then(|life| {
        let margin = margin.min(life / 4);
        asked_at.checked_add(life.saturating_sub(margin))
    });
    Ok(Granted {
        token: SecretString::from(fields.access_token),
        due,
    })
}

/// Some servers write the number as a text.
fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = match value {
        serde_json::Value::String(text) => text.parse().ok()?,
        other => other.as_u64()?,
    };
    Some(Duration::from_secs(seconds.min(LIFE_S_MAX)))
}

fn bounded(answer: &Answer) -> Option<&[u8]> {
    (answer.body.len() <= ANSWER_BYTES_MAX).then_some(answer.body.as_slice())
}

fn shown(text: &str) -> String {
    let visible = text.chars().filter(|it| !it.is_control());
    visible.take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(is_in_body: bool) -> ClientCredentials {
        ClientCredentials {
            token_url: "https://login.example/token".parse().unwrap(),
            client_id: "a b".to_owned(),
            secret: SecretSource::Given("s:3/cret".into()),
            scope: Some("read write".to_owned()),
            is_in_body,
        }
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_secret_stands_in_the_header_or_in_the_body() {
        let secret = SecretString::from("s:3/cret");
        let (headers, body) = client(false).request(&secret).unwrap();
        let expected = BASE64_STANDARD.encode("a+b:s%3A3%2Fcret");
        assert_eq!(headers[AUTHORIZATION], format!("Basic {expected}"));
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(body, "grant_type=client_credentials&scope=read+write");
        let (headers, body) = client(true).request(&secret).unwrap();
        assert!(!headers.contains_key(AUTHORIZATION));
        assert_eq!(
            body,
            "grant_type=client_credentials&scope=read+write&client_id=a+b&client_secret=s%3A3%2Fcret"
        );
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let (now, margin) = (Instant::now(), Duration::from_secs(60));
        let due = |expires_in: &str| {
            let body = format!(r#"{{"access_token": "t", "token_type": "bearer"{expires_in}}}"#);
            let granted = granted(&answer(200, &body), now, margin).unwrap();
            granted.due.map(|due| (due - now).as_secs())
        };
        assert_eq!(due(""), None);
        assert_eq!(due(r#", "expires_in": null"#), None);
        assert_eq!(due(r#", "expires_in": 3600"#), Some(3540));
        assert_eq!(due(r#", "expires_in": "3600""#), Some(3540));
        assert_eq!(due(r#", "expires_in": 100"#), Some(75));
        assert!(due(r#", "expires_in": 18446744073709551615"#).is_some());
    }

    #[test]
    fn an_answer_that_is_no_token_is_refused_and_not_shown() {
        let large = format!(
            r#"{{"access_token": "{}"}}"#,
            "s3cret".repeat(ANSWER_BYTES_MAX)
        );
        for (body, words) in [
            ("s3cret", "no JSON"),
            (r#"{"access_token": 7, "s3cret": 1}"#, "no JSON"),
            (
                r#"{"access_token": " ", "x": "s3cret"}"#,
                "empty access_token",
            ),
            (
                r#"{"access_token": "s3cret", "token_type": "mac"}"#,
                "token_type",
            ),
            (
                r#"{"access_token": "s3cret", "expires_in": "soon"}"#,
                "expires_in",
            ),
            (
                r#"{"access_token": "s3cret", "expires_in": -1}"#,
                "expires_in",
            ),
            (&large, "more than 262144 bytes"),
        ] {
            let error = granted(&answer(200, body), Instant::now(), Duration::ZERO)
                .err()
                .unwrap();
            let said = format!("{error} {error:?}");
            assert!(said.contains(words) && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words_as_far_as_the_standard_has_them() {
        for (status, body, kind, words) in [
            (
                401,
                r#"{"error": "invalid_client", "error_description": "no such\u001b client"}"#,
                ErrorKind::NotAuthenticated,
                "it says: invalid_client, no such client",
            ),
            (
                400,
                "<html>s3cret</html>",
                ErrorKind::NotAuthenticated,
                "gives no token: check",
            ),
            (302, "", ErrorKind::Invalid, "sends us elsewhere"),
            (404, "", ErrorKind::Invalid, "check token_url"),
            (500, "s3cret", ErrorKind::Malformed, "answered 500"),
        ] {
            let error = client(false).refused(&answer(status, body));
            assert_eq!(error.kind(), kind, "{error}");
            let said = error.to_string();
            assert!(said.contains(words) && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn a_secret_is_sent_in_clear_on_loopback_only() {
        for (url, is_fine) in [
            ("https://login.example/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://login.example/token", false),
            ("https://ann:pw@login.example/token", false),
            ("https://login.example/token?a=b", false),
            ("ftp://login.example/", false),
        ] {
            let client = ClientCredentials {
                token_url: url.parse().unwrap(),
                ..client(false)
            };
            assert_eq!(client.check().is_ok(), is_fine, "{url}");
        }
    }
}
