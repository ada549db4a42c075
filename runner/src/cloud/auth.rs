//! Keystone: getting a token, by whichever way of authenticating, and reading out of it who we are, where, and what there is.
//!
//! The ways are rows of a table (`auth/method.rs`), a file each; this shows their proofs. It keeps no token but one: what a way that
//! can be gone once only, or that leads over an identity provider, has brought, to be exchanged for those of other scopes. All else
//! `renewal` keeps. The invariants: identity and scope are what the *token* states, and one whose scope is not the one asked for is
//! thrown away; what is good once is shown once.

mod answer;
mod application_credential;
mod device;
mod given;
mod grant;
mod method;
mod multi_factor;
mod oauth2;
mod oidc;
mod password;
mod setting;
mod token;
mod totp;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use self::answer::{TokenBody, refusal};
use self::grant::{ClientProof, Grants, Ungranted, authorization};
use self::oauth2::Client;
use self::oidc::Login;
use super::catalog::Catalog;
use super::credentials::token_request;
use super::http::{Again, Answer, Outgoing, Wire};
use super::identity::Identity;
use super::lane::{Health, Lane};
use super::path::{self, Joining, RelativePath};
use super::{Context, Error, ErrorKind, KeystoneConfig, Method, TokenScope};

pub use self::given::{Given, Unfit};
pub use self::method::{AuthMethod, AuthType};
pub(super) use self::method::{Factor, Proof};
pub use self::setting::{AUTH_URL, Setting, login_setting, login_settings};

const TOKENS_PATH: &str = "/v3/auth/tokens";

/// A token with what its body says.
pub(super) struct Token {
    /// Ready to be sent, and marked as sensitive.
    pub(super) header: HeaderValue,
    /// The same for services whose middleware asks for a bearer token; only where the way of authenticating is OAuth 2.0.
    pub(super) bearer: Option<HeaderValue>,
    pub(super) identity: Identity,
    pub(super) catalog: Catalog,
    due: Option<Instant>,
}

impl Token {
    /// Whether it is about to end and a new one would last longer.
    pub(super) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }

    fn text(&self) -> Result<SecretString, Error> {
        let text = self.header.to_str().map_err(|_| odd_token())?;
        Ok(SecretString::from(text))
    }
}

/// A token that others are exchanged for.
#[derive(Clone)]
struct Held {
    token: SecretString,
    due: Option<Instant>,
}

/// A client of one Keystone with one credential.
pub(super) struct Keystone {
    config: KeystoneConfig,
    tokens_url: Url,
    wire: Arc<Wire>,
    /// Apart from the lane of the identity service, whose requests may all be waiting for a token.
    lane: Lane,
    health: Arc<Health>,
    /// To authorization servers.
    grants_lane: Lane,
    held: tokio::sync::Mutex<Option<Held>>,
}

/// One request to Keystone that is to bring a token.
struct Asked<'a> {
    method: Method,
    url: &'a Url,
    headers: HeaderMap,
    body: Option<SecretString>,
    again: Again,
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
        let tokens_url = below(&config.auth_url, TOKENS_PATH)
            .map_err(|error| bad("cannot be used").caused_by(error))?;
        let health = Arc::new(Health::default());
        let in_flight_max = wire.limits().in_flight_max;
        let lane = Lane::doubting(in_flight_max, Arc::clone(&health));
        Ok(Self {
            config,
            tokens_url,
            wire,
            lane,
            health,
            grants_lane: Lane::new(in_flight_max),
            held: tokio::sync::Mutex::new(None),
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
        let auth = &self.config.auth;
        let token = match auth.proof() {
            Proof::Token(token) if *scope == TokenScope::Unscoped => self.look_up(token).await?,
            Proof::Token(token) => {
                self.exchange(&[token::factor(token)], scope, Again::Nothing)
                    .await?
            }
            // A second token does no harm, so even the POST may be repeated.
            Proof::Factors(factors) if auth.ends().is_none() => {
                self.exchange(factors, scope, Again::Nothing).await?
            }
            Proof::Factors(factors) => self.once(factors, scope).await?,
            Proof::Client(client) => self.by_client(client).await?,
            Proof::Provider(login) => self.vouched(login, scope).await?,
        };
        if token.identity.answers(scope) {
            return Ok(token);
        }
        let message = format!(
            "Keystone was asked for a token for {} and gave one for {}: it is not used",
            scope.described(),
            token.identity.described()
        );
        Err(Error::new(ErrorKind::Denied, message).during(&context(Method::Post, TOKENS_PATH)))
    }

    /// Tells a wrong credential from a missing role: Keystone answers 401 to both. Costs one more
    /// request, and is asked once, when a session is opened.
    pub(super) async fn knows_the_user(&self) -> bool {
        let auth = &self.config.auth;
        let Proof::Factors(factors) = auth.proof() else {
            return false;
        };
        // What is good once was shown once.
        if auth.kind().is_bound || auth.ends().is_some() {
            return false;
        }
        self.exchange(factors, &TokenScope::Unscoped, Again::Nothing)
            .await
            .is_ok()
    }

    /// Shows what is good once, and exchanges the token that it has brought for all others.
    async fn once(&self, factors: &[Factor], scope: &TokenScope) -> Result<Token, Error> {
        let mut held = self.held.lock().await;
        let Some(first) = &*held else {
            let token = self.exchange(factors, scope, Again::Acts).await?;
            *held = Some(Held {
                token: token.text()?,
                due: None,
            });
            return Ok(token);
        };
        let first = first.token.clone();
        drop(held);
        if *scope == self.config.scope {
            // Nothing renews it; but whether it has ended, or only a service does not like it, Keystone can say.
            return self
                .look_up(&first)
                .await
                .map_err(|error| self.ended(error));
        }
        match self
            .exchange(&[token::factor(&first)], scope, Again::Nothing)
            .await
        {
            Err(error)
                if error.kind() == ErrorKind::NotAuthenticated && !self.knows(&first).await =>
            {
                Err(self.ended(error))
            }
            outcome => outcome,
        }
    }

    /// Shows a client to Keystone's own OAuth 2.0 endpoint. Its access token is a token of Keystone's, which says itself what it is.
    async fn by_client(&self, client: &Client) -> Result<Token, Error> {
        let proof = ClientProof {
            id: &client.id,
            secret: client.secret.as_ref(),
        };
        let form = [("grant_type", "client_credentials")];
        let granted = self
            .grants()
            .grant(&client.endpoint, proof, &form, Again::Nothing)
            .await;
        let granted = granted.map_err(Ungranted::into_error)?.access_token;
        let access = granted.ok_or_else(|| {
            let message = "the answer of oauth2_endpoint has no access_token: is it Keystone's …/v3/OS-OAUTH2/token?";
            Error::new(ErrorKind::Malformed, message)
        })?;
        let mut token = self.look_up(&access).await?;
        token.bearer = Some(authorization(&format!(
            "Bearer {}",
            access.expose_secret()
        ))?);
        Ok(token)
    }

    /// Has an identity provider vouch, once for all scopes as long as that lasts.
    async fn vouched(&self, login: &Login, scope: &TokenScope) -> Result<Token, Error> {
        let (pass, is_new) = self.pass(login).await?;
        if *scope == TokenScope::Unscoped {
            return self.look_up(&pass.token).await;
        }
        let refusal = match self.rescoped(&pass, scope).await {
            Err(error) if error.kind() == ErrorKind::NotAuthenticated => error,
            outcome => return outcome,
        };
        if self.knows(&pass.token).await {
            return Err(no_such_scope(
                "the identity provider's word is accepted",
                scope,
                &refusal,
            ));
        }
        if is_new {
            return Err(refusal);
        }
        if self.config.auth.ends().is_some() {
            return Err(self.ended(refusal));
        }
        self.forget(&pass).await;
        let (pass, _) = self.pass(login).await?;
        self.rescoped(&pass, scope).await
    }

    async fn rescoped(&self, pass: &Held, scope: &TokenScope) -> Result<Token, Error> {
        let factor = token::factor(&pass.token);
        let token = self.exchange(&[factor], scope, Again::Nothing).await?;
        // What is made from a token ends with it.
        Ok(Token {
            due: pass.due,
            ..token
        })
    }

    /// The unscoped token for an identity provider's word: the one that is there, else a new one. However many ask, one logs in.
    async fn pass(&self, login: &Login) -> Result<(Held, bool), Error> {
        let mut held = self.held.lock().await;
        if let Some(pass) = &*held
            && pass.due.is_none_or(|due| due > Instant::now())
        {
            return Ok((pass.clone(), false));
        }
        let access = login.access_token(&self.grants()).await?;
        let token = self.federated(login, &access).await?;
        let pass = Held {
            token: token.text()?,
            due: token.due,
        };
        *held = Some(pass.clone());
        Ok((pass, true))
    }

    async fn forget(&self, pass: &Held) {
        let mut held = self.held.lock().await;
        // Somebody else may have got another one meanwhile.
        held.take_if(|it| it.token.expose_secret() == pass.token.expose_secret());
    }

    /// Shows Keystone an access token of an identity provider.
    async fn federated(&self, login: &Login, access: &SecretString) -> Result<Token, Error> {
        let path = login.path();
        let url = below(&self.config.auth_url, &path)?;
        let mut headers = HeaderMap::new();
        let bearer = authorization(&format!("Bearer {}", access.expose_secret()))?;
        headers.insert(AUTHORIZATION, bearer);
        let asked = Asked {
            method: Method::Post,
            url: &url,
            headers,
            body: None,
            again: Again::Nothing,
        };
        let (context, asked_at) = (context(asked.method, &path), Instant::now());
        let answer = self.ask(asked, &context).await?;
        match answer.status {
            200..300 => self.read(&answer, None, asked_at, &context),
            300..400 | 404 | 405 => Err(login.unfederated(&answer, &context)),
            _ => Err(refusal(
                &answer,
                &self.config,
                &url,
                &TokenScope::Unscoped,
                &context,
            )),
        }
    }

    /// Whether a token still is one.
    async fn knows(&self, token: &SecretString) -> bool {
        self.look_up(token).await.is_ok()
    }

    /// Says what a refusal means where there is no second way to a token.
    fn ended(&self, refusal: Error) -> Error {
        let (true, Some(why)) = (
            refusal.kind() == ErrorKind::NotAuthenticated,
            self.config.auth.ends(),
        ) else {
            return refusal;
        };
        let message =
            format!("the token has ended or was revoked, and {why}: begin again with a new login");
        again_with_status(Error::new(ErrorKind::NotAuthenticated, message), &refusal)
    }

    fn grants(&self) -> Grants<'_> {
        Grants {
            wire: &self.wire,
            lane: &self.grants_lane,
            auth: &self.config.auth,
        }
    }

    /// Asks for a token by factors that Keystone itself checks.
    async fn exchange(
        &self,
        factors: &[Factor],
        scope: &TokenScope,
        again: Again,
    ) -> Result<Token, Error> {
        let asked = Asked {
            method: Method::Post,
            url: &self.tokens_url,
            headers: HeaderMap::new(),
            body: Some(token_request(factors, scope)),
            again,
        };
        self.obtain(asked, None, scope).await
    }

    /// Asks what a token is.
    async fn look_up(&self, token: &SecretString) -> Result<Token, Error> {
        let value = token_header(token.expose_secret())?;
        let headers = [
            ("x-auth-token", value.clone()),
            ("x-subject-token", value),
            // Without this word a token with access rules is shown to nobody, not even to its holder.
            (
                "openstack-identity-access-rules",
                HeaderValue::from_static("1.0"),
            ),
        ];
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value));
        let asked = Asked {
            method: Method::Get,
            url: &self.tokens_url,
            headers: HeaderMap::from_iter(headers),
            body: None,
            again: Again::Nothing,
        };
        self.obtain(asked, Some(token), &TokenScope::Unscoped).await
    }

    async fn obtain(
        &self,
        asked: Asked<'_>,
        given: Option<&SecretString>,
        scope: &TokenScope,
    ) -> Result<Token, Error> {
        let (context, asked_at) = (context(asked.method, TOKENS_PATH), Instant::now());
        let answer = self.ask(asked, &context).await?;
        if !(200..300).contains(&answer.status) {
            return Err(refusal(
                &answer,
                &self.config,
                &self.tokens_url,
                scope,
                &context,
            ));
        }
        self.read(&answer, given, asked_at, &context)
    }

    async fn ask(&self, asked: Asked<'_>, context: &Context) -> Result<Answer, Error> {
        let mut headers = asked.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = asked.body.map(|body| body.expose_secret().to_owned());
        let outgoing = Outgoing {
            context,
            url: asked.url,
            headers,
            body,
            again: asked.again,
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
        // By our own monotonic clock, because the two machines' clocks may differ. Where nothing renews a token, none is due.
        let lives = fields
            .issued_at
            .and_then(|issued| Duration::try_from(fields.expires_at.duration_since(issued)).ok());
        let is_renewable = self.config.auth.ends().is_none();
        let due = lives.filter(|_| is_renewable).and_then(|lives| {
            let margin = self.wire.limits().renewal_margin.min(lives / 4);
            asked_at.checked_add(lives.saturating_sub(margin))
        });
        let (identity, catalog) = fields.split();
        Ok(Token {
            header,
            bearer: None,
            identity,
            catalog: Catalog::new(catalog),
            due,
        })
    }
}

fn context(method: Method, path: &str) -> Context {
    Context {
        service: "identity".to_owned(),
        method,
        path: path.to_owned(),
    }
}

/// A path of Keystone's v3 on whatever auth_url says.
fn below(auth_url: &Url, path: &str) -> Result<Url, Error> {
    let unusable = |error: path::PathError| Error::new(ErrorKind::Invalid, error.to_string());
    let path = RelativePath::parse(path).map_err(unusable)?;
    path::join(auth_url, path, Joining::PathVersionWins).map_err(unusable)
}

/// Says that there is no such scope for somebody who is known. The refusal's own text doubts the credential and would mislead; its
/// status and request id stay.
pub(super) fn no_such_scope(known: &str, scope: &TokenScope, refusal: &Error) -> Error {
    let why = match scope {
        TokenScope::Trust(_) => {
            "it does not exist, has expired or is used up, or was given to somebody else"
        }
        _ => "it does not exist, is disabled, or the user has no role on it",
    };
    let message = format!(
        "{known}, but there is no token for {}: {why}",
        scope.described()
    );
    again_with_status(Error::new(ErrorKind::Denied, message), refusal)
}

/// An error in the place of another one, with its status and request id.
pub(super) fn again_with_status(error: Error, refusal: &Error) -> Error {
    match refusal.status() {
        Some(status) => error.answered(status, refusal.request_id().map(str::to_owned)),
        None => error,
    }
}

fn token_header(token: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(token)
        .map(sensitive)
        .map_err(|_| odd_token())
}

fn odd_token() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "the token holds characters that no token has",
    )
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
