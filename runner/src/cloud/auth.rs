//! Keystone: getting a token, and reading out of it who we are, where, and what there is.
//!
//! It keeps nothing; `renewal` does. The invariant: identity and scope are what the *token* states.
//! A token whose scope is not the one asked for is thrown away.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::catalog::{Catalog, CatalogEntry};
use super::credentials::token_request;
use super::http::{Again, Answer, Outgoing, Wire};
use super::identity::{DomainIdentity, GrantedScope, Identity};
use super::lane::{Health, Lane};
use super::path::{self, Joining, RelativePath};
use super::{AuthMethod, Context, Error, ErrorKind, KeystoneConfig, Method, TokenScope, headers};

const TOKENS_PATH: &str = "/v3/auth/tokens";

/// Of a stranger's words no more is shown.
const SHOWN_CHARS_MAX: usize = 300;

/// A token with what its body says.
pub(super) struct Token {
    /// Ready to be sent, and marked as sensitive.
    pub(super) header: HeaderValue,
    pub(super) identity: Identity,
    pub(super) catalog: Catalog,
    due: Option<Instant>,
}

impl Token {
    /// Whether it is about to end and a new one would last longer.
    pub(super) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }
}

/// A client of one Keystone with one credential.
pub(super) struct Keystone {
    config: KeystoneConfig,
    tokens_url: Url,
    wire: Arc<Wire>,
    /// Apart from the lane of the identity service, whose requests may all be waiting for a token.
    lane: Lane,
    health: Arc<Health>,
}

impl Keystone {
    pub(super) fn new(config: KeystoneConfig, wire: Arc<Wire>) -> Result<Self, Error> {
        // Only the host is shown: before it there may be a password.
        let host = config.auth_url.host_str().unwrap_or_default();
        let bad = |why: &str| {
            Error::new(
                ErrorKind::Invalid,
                format!("auth_url (host `{host}`) {why}"),
            )
        };
        if !matches!(config.auth_url.scheme(), "http" | "https") {
            return Err(bad("must begin with http:// or https://"));
        }
        let has_login =
            !config.auth_url.username().is_empty() || config.auth_url.password().is_some();
        if has_login || config.auth_url.query().is_some() {
            return Err(bad("must not hold a user name, a password or a query"));
        }
        let tokens_url = RelativePath::parse(TOKENS_PATH)
            .and_then(|path| path::join(&config.auth_url, path, Joining::PathVersionWins))
            .map_err(|error| bad("cannot be used").caused_by(error))?;
        let health = Arc::new(Health::default());
        let lane = Lane::doubting(wire.limits().in_flight_max, Arc::clone(&health));
        Ok(Self {
            config,
            tokens_url,
            wire,
            lane,
            health,
        })
    }

    /// How well it has been of late, for the lane of its other requests.
    pub(super) fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    pub(super) fn config(&self) -> &KeystoneConfig {
        &self.config
    }

    /// Gets a token for a scope, and checks that it is for that scope.
    pub(super) async fn issue(&self, scope: &TokenScope) -> Result<Token, Error> {
        let asked_at = Instant::now();
        let given = match (&self.config.auth, scope) {
            (AuthMethod::Token(token), TokenScope::Unscoped) => Some(token),
            _ => None,
        };
        let method = if given.is_some() {
            Method::Get
        } else {
            Method::Post
        };
        let context = Context {
            service: "identity".to_owned(),
            method,
            path: TOKENS_PATH.to_owned(),
        };
        let answer = match given {
            Some(token) => self.ask(&context, Some(token), None).await?,
            None => {
                self.ask(
                    &context,
                    None,
                    Some(token_request(&self.config.auth, scope)),
                )
                .await?
            }
        };
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(&answer, scope, &context));
        }
        let token = self.read(&answer, given, asked_at, &context)?;
        if token.identity.scope.answers(scope) {
            return Ok(token);
        }
        let message = format!(
            "Keystone was asked for a token for {} and gave one for {}: it is not used",
            scope.described(),
            token.identity.scope.described()
        );
        Err(Error::new(ErrorKind::Denied, message).during(&context))
    }

    /// Tells a wrong credential from a missing role: Keystone answers 401 to both. Costs one more
    /// request, and is asked once, when a session is opened.
    pub(super) async fn knows_the_user(&self) -> bool {
        if !matches!(self.config.auth, AuthMethod::Password { .. }) {
            return false;
        }
        let context = Context {
            service: "identity".to_owned(),
            method: Method::Post,
            path: TOKENS_PATH.to_owned(),
        };
        let body = token_request(&self.config.auth, &TokenScope::Unscoped);
        let answer = self.ask(&context, None, Some(body)).await;
        answer.is_ok_and(|answer| (200..300).contains(&answer.status))
    }

    async fn ask(
        &self,
        context: &Context,
        token: Option<&SecretString>,
        body: Option<SecretString>,
    ) -> Result<Answer, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let token =
                token_header(token.expose_secret()).map_err(|error| error.during(context))?;
            headers.insert(HeaderName::from_static("x-auth-token"), token.clone());
            headers.insert(HeaderName::from_static("x-subject-token"), token);
        }
        let body = body.map(|body| body.expose_secret().to_owned());
        // A second token does no harm, so even the POST may be repeated.
        let outgoing = Outgoing {
            context,
            url: &self.tokens_url,
            headers,
            body,
            again: Again::Nothing,
        };
        self.wire.deliver(&outgoing, &self.lane).await
    }

    fn read(
        &self,
        answer: &Answer,
        given: Option<&SecretString>,
        asked_at: Instant,
        context: &Context,
    ) -> Result<Token, Error> {
        let malformed = |message: &str| Error::new(ErrorKind::Malformed, message).during(context);
        let TokenBody { token: fields } = serde_json::from_slice(&answer.body)
            .map_err(|error| malformed("Keystone's answer is no token").caused_by(error))?;
        let header = match (given, answer.headers.get("x-subject-token")) {
            (Some(token), _) => token_header(token.expose_secret())?,
            (None, Some(value)) => sensitive(value.clone()),
            (None, None) => {
                return Err(malformed("Keystone's answer has no X-Subject-Token header"));
            }
        };
        // By our own monotonic clock, because the two machines' clocks may differ. A token made
        // from a token ends with it, so renewing it gains nothing.
        let lives = fields
            .issued_at
            .and_then(|issued| Duration::try_from(fields.expires_at.duration_since(issued)).ok());
        let is_renewable = !matches!(self.config.auth, AuthMethod::Token(_));
        let due = lives.filter(|_| is_renewable).and_then(|lives| {
            let margin = self.wire.limits().renewal_margin.min(lives / 4);
            asked_at.checked_add(lives.saturating_sub(margin))
        });
        let (identity, catalog) = fields.split();
        Ok(Token {
            header,
            identity,
            catalog: Catalog::new(catalog),
            due,
        })
    }

    fn refusal(&self, answer: &Answer, scope: &TokenScope, context: &Context) -> Error {
        let (url, method) = (&self.config.auth_url, self.config.auth.as_str());
        let said = keystone_message(&answer.body)
            .map_or_else(String::new, |text| format!(" (it says: {text})"));
        let (kind, message) = match answer.status {
            401 => (
                ErrorKind::NotAuthenticated,
                format!(
                    "Keystone at {url} does not accept the {method}{said}: {}",
                    self.cure()
                ),
            ),
            403 => (
                ErrorKind::Denied,
                format!(
                    "Keystone at {url} does not grant a token for {}{said}",
                    scope.described()
                ),
            ),
            // Keystone knows no such token; without its own words it is no Keystone that answers.
            404 if matches!(self.config.auth, AuthMethod::Token(_)) && !said.is_empty() => (
                ErrorKind::NotAuthenticated,
                format!(
                    "Keystone at {url} does not know the {method}{said}: {}",
                    self.cure()
                ),
            ),
            301..=303 | 307 | 308 => (
                ErrorKind::Invalid,
                format!(
                    "Keystone at {url} sends us {}: a credential is not sent after it. If that is where it should go, make it \
                     auth_url or OS_AUTH_URL",
                    self.leads_to(answer)
                ),
            ),
            300 | 404 | 405 => (
                ErrorKind::Invalid,
                format!(
                    "there is no Keystone v3 at {url}: check auth_url or OS_AUTH_URL, which usually ends in /v3"
                ),
            ),
            status => (
                ErrorKind::Malformed,
                format!("Keystone at {url} answered {status} to a request for a token{said}"),
            ),
        };
        Error::new(kind, message)
            .during(context)
            .answered(answer.status, headers::request_id(&answer.headers))
    }

    /// Where a redirect leads, as an address that could be auth_url; without login, query and the path that we added.
    fn leads_to(&self, answer: &Answer) -> String {
        let location = answer.headers.get(LOCATION).and_then(|it| it.to_str().ok());
        let target = location.and_then(|it| self.tokens_url.join(it).ok());
        let target = target.and_then(|mut it| {
            it.set_query(None);
            it.set_fragment(None);
            it.set_username("").ok()?;
            it.set_password(None).ok()?;
            Some(
                it.to_string()
                    .chars()
                    .take(SHOWN_CHARS_MAX)
                    .collect::<String>(),
            )
        });
        target.map_or_else(
            || "elsewhere without saying where".to_owned(),
            |it| format!("to {}", it.trim_end_matches("/auth/tokens")),
        )
    }

    fn cure(&self) -> &'static str {
        match self.config.auth {
            AuthMethod::Password { .. } => {
                "check user, password and their domain (OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME, \
                 or `auth` in clouds.yaml)"
            }
            AuthMethod::Token(_) => {
                "it has expired or was revoked; get a new one, for instance with `openstack token issue`"
            }
            AuthMethod::ApplicationCredential { .. } => {
                "check its id and secret (OS_APPLICATION_CREDENTIAL_ID, OS_APPLICATION_CREDENTIAL_SECRET, \
                 or `auth` in clouds.yaml), and whether it has expired"
            }
        }
    }
}

fn token_header(token: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(token).map(sensitive).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "the token holds characters that no token has",
        )
    })
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

#[derive(Deserialize)]
struct TokenBody {
    token: TokenFields,
}

#[derive(Deserialize)]
struct TokenFields {
    user: Member,
    #[serde(default)]
    project: Option<Member>,
    #[serde(default)]
    domain: Option<DomainIdentity>,
    #[serde(default)]
    system: Option<System>,
    #[serde(default)]
    roles: Vec<Role>,
    expires_at: Timestamp,
    #[serde(default)]
    issued_at: Option<Timestamp>,
    #[serde(default)]
    catalog: Vec<CatalogEntry>,
}

#[derive(Deserialize)]
struct Member {
    id: String,
    #[serde(default)]
    name: String,
    domain: DomainIdentity,
}

#[derive(Deserialize)]
struct System {
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

impl TokenFields {
    fn split(self) -> (Identity, Vec<CatalogEntry>) {
        let scope = match (self.project, self.domain, self.system) {
            (Some(Member { id, name, domain }), _, _) => GrantedScope::Project { id, name, domain },
            (None, Some(domain), _) => GrantedScope::Domain(domain),
            (None, None, Some(System { all: true })) => GrantedScope::System,
            (None, None, _) => GrantedScope::Unscoped,
        };
        let Member {
            id: user_id,
            name: user_name,
            domain: user_domain,
        } = self.user;
        let roles = self.roles.into_iter().map(|role| role.name).collect();
        (
            Identity {
                user_id,
                user_name,
                user_domain,
                scope,
                roles,
                expires_at: self.expires_at,
            },
            self.catalog,
        )
    }
}

/// The sentence in Keystone's error body, shortened and fit for a terminal.
fn keystone_message(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = body.get("error")?.get("message")?.as_str()?;
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_CHARS_MAX)
        .collect();
    Some(text.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted(fields: serde_json::Value) -> Identity {
        let mut token = json!({
            "user": { "id": "u", "name": "ann", "domain": { "id": "default", "name": "Default" } },
            "expires_at": "2026-11-23T18:09:05.000000Z",
            "roles": [{ "id": "1", "name": "Admin" }, { "id": "2", "name": "member" }],
        });
        token
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let body: TokenBody = serde_json::from_value(json!({ "token": token })).unwrap();
        body.token.split().0
    }

    #[test]
    fn the_scope_is_read_from_the_token() {
        let domain = json!({ "id": "d", "name": "Dom" });
        let project =
            granted(json!({ "project": { "id": "p", "name": "proj", "domain": domain } }));
        assert_eq!(project.project_id(), Some("p"));
        assert!(project.is_admin(), "role names are compared without case");
        assert_eq!(
            granted(json!({ "system": { "all": true } })).scope,
            GrantedScope::System
        );
        assert_eq!(
            granted(json!({ "system": {} })).scope,
            GrantedScope::Unscoped
        );
        assert!(matches!(
            granted(json!({ "domain": domain })).scope,
            GrantedScope::Domain(_)
        ));
        let plain = granted(json!({ "roles": [] }));
        assert_eq!(plain.scope, GrantedScope::Unscoped);
        assert!(!plain.is_admin());
    }

    #[test]
    fn keystones_sentence_is_cut_out_and_cleaned() {
        let body = json!({ "error": { "code": 401, "message": "Not you.\u{1b}[2J" } }).to_string();
        assert_eq!(
            keystone_message(body.as_bytes()).as_deref(),
            Some("Not you.[2J")
        );
        assert_eq!(keystone_message(b"<html>"), None);
    }
}
