//! Services outside OpenStack: what may be declared as one, and how it recognizes us.
//!
//! The invariant: a plain service gets its own credential and never anything of Keystone's.

mod client_credentials;
mod login;

use base64::prelude::{BASE64_STANDARD, Engine};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::catalog::official_service_type;
use super::headers::may_be_set_by_rules;
use super::{CloudConfig, Error, ErrorKind, PlainAuth, Proxies, SecretSource, Tls};

pub use self::client_credentials::ClientCredentials;
pub(super) use self::login::Login;

/// A REST service outside OpenStack, declared in the runner's own configuration.
#[derive(Debug, Clone)]
pub struct PlainService {
    /// Everything is sent below this URL.
    pub url: Url,
    /// How it recognizes us.
    pub auth: ServiceAuth,
    /// How it is verified and how we show it who we are. The cloud's certificates do not count for it.
    pub tls: Tls,
    /// Which way requests take to it, and to what gives it tokens.
    pub proxies: Proxies,
}

/// How a plain service recognizes us.
#[derive(Debug, Clone)]
pub enum ServiceAuth {
    /// Not at all.
    None,
    /// By a token in a header.
    Token(TokenSource, TokenHeader),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// User name; must not contain a colon.
        user: String,
        /// Password.
        password: SecretSource,
    },
}

/// Where a token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// From the operator's hands.
    Secret(SecretSource),
    /// From an authorization server.
    ClientCredentials(ClientCredentials),
}

/// The header that carries a token, and the word before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHeader {
    name: HeaderName,
    scheme: String,
}

impl Default for TokenHeader {
    /// `Authorization: Bearer …` (RFC 6750).
    fn default() -> Self {
        Self {
            name: AUTHORIZATION,
            scheme: "Bearer".to_owned(),
        }
    }
}

impl TokenHeader {
    /// A header of this name. An empty `scheme` leaves the token alone in it.
    ///
    /// # Errors
    /// If there can be no such header, or if it is one that says something else than who we are.
    pub fn new(name: &str, scheme: &str) -> Result<Self, String> {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` is no name of a header"))?;
        if is_taken(&header) {
            return Err(format!(
                "the header `{name}` says something else than who we are: give the one in which the service wants its token"
            ));
        }
        if !scheme.chars().all(|it| it.is_ascii_graphic()) {
            return Err(format!(
                "`{scheme}` is no scheme: it is one word, such as Bearer or Token, or empty"
            ));
        }
        Ok(Self {
            name: header,
            scheme: scheme.to_owned(),
        })
    }

    fn carrying(&self, token: &SecretString) -> Result<(HeaderName, HeaderValue), Error> {
        let token = token.expose_secret();
        let text = match self.scheme.as_str() {
            "" => token.to_owned(),
            scheme => format!("{scheme} {token}"),
        };
        Ok((self.name.clone(), sensitive(&text)?))
    }
}

/// Whether a header has a meaning of its own, to HTTP or to what rules set.
fn is_taken(header: &HeaderName) -> bool {
    const STRUCTURE: [&str; 12] = [
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    STRUCTURE.contains(&header.as_str()) || may_be_set_by_rules(header.as_str())
}

/// Refuses names that would hide an OpenStack service, and URLs that hold more than an address.
pub(super) fn check(config: &CloudConfig) -> Result<(), Error> {
    let invalid =
        |name: &str, why: &str| Error::new(ErrorKind::Invalid, format!("service `{name}` {why}"));
    for (name, service) in &config.plain_services {
        if official_service_type(name).is_some() {
            return Err(invalid(
                name,
                "has the name of an OpenStack service type: give it another",
            ));
        }
        if !is_bare_address(&service.url) {
            return Err(invalid(
                name,
                "needs an http or https URL without user, query or fragment",
            ));
        }
    }
    Ok(())
}

fn is_bare_address(url: &Url) -> bool {
    let has_login = !url.username().is_empty() || url.password().is_some();
    let has_more = has_login || url.query().is_some() || url.fragment().is_some();
    matches!(url.scheme(), "http" | "https") && !has_more
}

/// Adds the `Authorization` of a server that is asked without a session.
pub(super) fn authorize(headers: &mut HeaderMap, auth: &PlainAuth) -> Result<(), Error> {
    let value = match auth {
        PlainAuth::None => return Ok(()),
        PlainAuth::Bearer(token) => sensitive(&format!("Bearer {}", token.expose_secret()))?,
        PlainAuth::Basic { user, password } => basic(user, password)?,
    };
    headers.insert(AUTHORIZATION, value);
    Ok(())
}

fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, Error> {
    let pair = format!("{user}:{}", password.expose_secret());
    sensitive(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "the service's credential holds characters that headers cannot carry",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_into_the_header_that_the_service_wants() {
        let token = SecretString::from("t0ken");
        for (header, name, value) in [
            (TokenHeader::default(), "authorization", "Bearer t0ken"),
            (
                TokenHeader::new("PRIVATE-TOKEN", "").unwrap(),
                "private-token",
                "t0ken",
            ),
            (
                TokenHeader::new("Authorization", "Token").unwrap(),
                "authorization",
                "Token t0ken",
            ),
        ] {
            let (found, carried) = header.carrying(&token).unwrap();
            assert_eq!((found.as_str(), carried.to_str().unwrap()), (name, value));
            assert!(carried.is_sensitive());
        }
    }

    #[test]
    fn a_header_that_says_something_else_is_refused() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Accept",
            "If-Match",
            "",
            "a b",
            "a\r\nb",
        ] {
            assert!(TokenHeader::new(name, "").is_err(), "{name:?}");
        }
        for scheme in ["two words", "Bearer\r\nHost: x", "é"] {
            assert!(TokenHeader::new("X-Api-Key", scheme).is_err(), "{scheme:?}");
        }
    }
}
