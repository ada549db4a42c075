//! The only place that knows HTTP, Keystone and the service catalog.
//!
//! A caller names a *service type* and a *relative path*; this module finds the endpoint, adds the
//! token and the microversion, repeats what may be repeated, and hands back the answer whatever
//! its status. It does not know what any service's JSON means, reads no file but the certificates
//! and secrets it is pointed to and no environment variable, runs no program but those that give
//! secrets, and never decides what may be deleted.
//!
//! The invariant: a request carries a token only to the origin, and below the path, that the
//! catalog or the configuration states for its service. Redirects are never followed, a proxy is
//! used only as `Proxies` says, and no secret appears in a log line, an error or a `Debug`.

mod auth;
pub mod catalog;
mod credentials;
mod fetch;
mod headers;
mod http;
mod identity;
mod lane;
pub mod path;
mod plain;
mod projects;
mod proxy;
mod renewal;
mod secret;
mod session;
mod tape;
mod tls;
mod unlooked;
#[cfg(test)]
mod wire_tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use self::auth::{
    AUTH_URL, AuthMethod, AuthType, Given, Setting, Unfit, login_setting, login_settings,
};
pub use self::catalog::{Offer, ServiceSummary, official_service_type};
pub use self::credentials::{DomainRef, KeystoneConfig, TokenScope, UserRef};
pub use self::fetch::{Fetched, Fetcher};
pub use self::http::retry_after;
pub use self::identity::{DomainIdentity, GrantedScope, Identity};
pub use self::path::{LinkError, PathError};
pub use self::plain::{ClientCredentials, PlainService, ServiceAuth, TokenHeader, TokenSource};
pub use self::proxy::{Exemptions, Proxies, ProxyAddress};
pub use self::secret::{SecretCommand, SecretSource};
pub use self::session::{AccessRule, MadeCredential, Session, WantedCredential};
pub use self::tape::{Exchange, Tape, recorded_endpoint};
pub use self::tls::{Pem, Tls};
pub use self::unlooked::{Choice, UnfitWord, unlooked};

/// Everything needed to reach one cloud, resolved and checked, with no reference to where it came from.
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// Name for messages: the entry in clouds.yaml, or `envvars`.
    pub name: String,
    /// How to get tokens. `None` where only [`plain_services`](Self::plain_services) are used.
    pub keystone: Option<KeystoneConfig>,
    /// Region whose endpoints are used. `None` accepts a catalog with a single region per service.
    pub region: Option<String>,
    /// Whether nobody has chosen that region: it is the first of several that the configuration lists.
    pub is_region_unchosen: bool,
    /// Endpoint interfaces in order of preference; the first that the service offers is used.
    pub interfaces: Vec<Interface>,
    /// How the cloud's servers are verified and how we show them who we are.
    pub tls: Tls,
    /// Which way requests take to them.
    pub proxies: Proxies,
    /// Endpoints that replace the catalog's, by service type (any alias). `%(project_id)s` in the
    /// path stands for the project of the token.
    pub endpoint_overrides: BTreeMap<String, Url>,
    /// Services outside OpenStack, by the name that rules use. They never see a Keystone token.
    pub plain_services: BTreeMap<String, PlainService>,
}

impl CloudConfig {
    /// A cloud that is nothing but plain REST services: no Keystone, no catalog.
    pub fn without_keystone(
        name: impl Into<String>,
        plain_services: BTreeMap<String, PlainService>,
    ) -> Self {
        Self {
            name: name.into(),
            keystone: None,
            region: None,
            is_region_unchosen: false,
            interfaces: vec![Interface::Public],
            tls: Tls::default(),
            proxies: Proxies::default(),
            endpoint_overrides: BTreeMap::new(),
            plain_services,
        }
    }
}

/// Which of a service's endpoints to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interface {
    /// For users; the default.
    Public,
    /// For traffic inside the cloud.
    Internal,
    /// For administrators, where a cloud keeps it apart.
    Admin,
}

impl Interface {
    /// The word that catalogs and configuration files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no endpoint interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no endpoint interface: use public, internal or admin")]
pub struct UnknownInterface(String);

impl FromStr for Interface {
    type Err = UnknownInterface;

    /// Accepts `public`, `internal`, `admin`, and the older `publicURL`, `internalURL`, `adminURL`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().trim_end_matches("URL") {
            "public" => Ok(Self::Public),
            "internal" => Ok(Self::Internal),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownInterface(text.to_owned())),
        }
    }
}

/// Who we are at a server that is asked without a session.
#[derive(Debug, Clone)]
pub enum PlainAuth {
    /// No `Authorization` header.
    None,
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// User name; must not contain a colon.
        user: String,
        /// Password.
        password: SecretString,
    },
}

/// Bounds of one session's traffic. Each holds for every service alike.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// Time for DNS, TCP and TLS of a new connection. Default 10 s.
    pub connect_timeout: Duration,
    /// Time for one attempt, from sending to the last byte of the answer. Default 60 s, which is
    /// what common load balancers in front of OpenStack allow.
    pub request_timeout: Duration,
    /// Bytes of one answer's body, counted after decompression. Default 8 MiB.
    pub response_bytes_max: usize,
    /// Attempts at one request that meets 429 (or 413 with a pause); at one that has no further effect if it is carried out twice, so
    /// not at a POST or PATCH, that meets 503 or a broken connection; and at one that only reads and meets 502 or 504. Default 5.
    pub attempts_max: usize,
    /// First pause between attempts; doubles each time, with jitter on top. Default 250 ms.
    pub retry_delay_min: Duration,
    /// Longest pause that we choose ourselves. Default 10 s.
    pub retry_delay_max: Duration,
    /// Longest pause that a server may ask for by `Retry-After`; longer wishes are cut to this. Default 60 s.
    pub retry_after_max: Duration,
    /// Requests to one service at the same time; others wait. Default 32.
    pub in_flight_max: usize,
    /// A token is renewed when it has less than this left (or a quarter of its life, if that is
    /// shorter). Default 60 s.
    pub renewal_margin: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(60),
            response_bytes_max: 8 << 20,
            attempts_max: 5,
            retry_delay_min: Duration::from_millis(250),
            retry_delay_max: Duration::from_secs(10),
            retry_after_max: Duration::from_secs(60),
            in_flight_max: 32,
            renewal_margin: Duration::from_secs(60),
        }
    }
}

/// HTTP methods that a service may be asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads, headers only.
    Head,
    /// Creates or acts; never repeated after it may have been received.
    Post,
    /// Replaces; repeating it has the same effect.
    Put,
    /// Changes parts; never repeated after it may have been received.
    Patch,
    /// Deletes; repeating it has the same effect.
    Delete,
}

impl Method {
    /// The method as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the method only reads.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    /// Whether sending it twice has the effect of sending it once (RFC 9110 §9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no method we send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no supported method: use GET, HEAD, POST, PUT, PATCH or DELETE")]
pub struct UnknownMethod(String);

impl FromStr for Method {
    type Err = UnknownMethod;

    /// Methods are case-sensitive (RFC 9110 §9.1).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "GET" => Ok(Self::Get),
            "HEAD" => Ok(Self::Head),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            "DELETE" => Ok(Self::Delete),
            _ => Err(UnknownMethod(text.to_owned())),
        }
    }
}

/// One request, as a rule may word it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Service type of the catalog (any alias), or the name of a plain service.
    pub service: String,
    /// What to do.
    pub method: Method,
    /// Path below the service's endpoint, beginning with `/`, with an optional `?query`.
    /// See [`PathError`] for what is refused.
    pub path: String,
    /// Extra headers; only those that cannot change who we are or where the request goes.
    pub headers: Vec<(String, String)>,
    /// `2.90`, or `latest`; sent the way the service wants it.
    pub microversion: Option<String>,
    /// Body, sent as JSON unless a `content-type` header says otherwise.
    pub body: Option<String>,
    /// Whether the path is one that the runner has filled in itself with the names of an approved thing and its parent. Then the
    /// thing's may hold slashes, encoded once, where the service is object storage, whose things are called so.
    pub is_name_below_parent: bool,
}

impl Request {
    /// A request with no extra headers, microversion or body.
    pub fn new(service: impl Into<String>, method: Method, path: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            method,
            path: path.into(),
            headers: Vec::new(),
            microversion: None,
            body: None,
            is_name_below_parent: false,
        }
    }
}

/// What a service answered, whatever the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers in order, names in lower case. Headers that carry secrets are left out.
    pub headers: Vec<(String, String)>,
    /// Body after decompression.
    pub body: String,
    /// The service's own id for the request, for its operators.
    pub request_id: Option<String>,
}

impl Response {
    /// The first header of that name, which must be given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What kind of failure an [`Error`] is; decides exit codes and whether others are worth trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Keystone did not accept the credential, or a token ended and cannot be renewed.
    NotAuthenticated,
    /// Keystone knows us but does not grant the scope asked for, or granted another.
    Denied,
    /// The catalog offers no such service in this region and interface.
    NoService,
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke before the answer was complete.
    Unreachable,
    /// The answer's body is larger than allowed.
    TooLarge,
    /// Every allowed attempt was answered with 429, with 413 and a pause, or with 503.
    Throttled,
    /// The answer is not what the protocol promises.
    Malformed,
    /// The request or the configuration is wrong; nothing was sent.
    Invalid,
    /// A tape stands in for the cloud, and has no such exchange.
    NotRecorded,
}

/// A request that got no answer, or a session that could not be opened.
///
/// A status such as 404 or 500 is an answer and therefore a [`Response`].
#[derive(Debug, Clone)]
pub struct Error(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    kind: ErrorKind,
    message: String,
    context: Option<Context>,
    status: Option<u16>,
    request_id: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Which request an error belongs to. The path has no query: queries may hold names and filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Service type as asked for.
    pub service: String,
    /// Method.
    pub method: Method,
    /// Path without its query.
    pub path: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            context: None,
            status: None,
            request_id: None,
            source: None,
        }))
    }

    /// The same with more to say.
    fn and(mut self, more: &str) -> Self {
        self.0.message = format!("{}, {more}", self.0.message);
        self
    }

    /// The same, with what it is about before it.
    fn below(mut self, what: &str) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// The same, of another kind.
    fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    fn during(mut self, context: &Context) -> Self {
        self.0.context = Some(context.clone());
        self
    }

    fn answered(mut self, status: u16, request_id: Option<String>) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id;
        self
    }

    fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The request it belongs to, if one was being made.
    pub fn context(&self) -> Option<&Context> {
        self.0.context.as_ref()
    }

    /// Status of the last answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's id of the last answer.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(Context {
            service,
            method,
            path,
        }) = &self.0.context
        {
            write!(f, " ({service}: {method} {path})")?;
        }
        if let Some(id) = &self.0.request_id {
            write!(f, " [{id}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
