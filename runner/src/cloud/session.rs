//! The session: requests by service type and relative path, with everything they need added.
//!
//! Puts the other parts together and holds what lives as long as a run: the client, the tokens,
//! each service's lane. The invariant is the one of `cloud`: service and path in, never a URL.

mod access;
mod destination;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName};
use tokio::sync::OnceCell;
use url::Url;

use crate::unlooked::Unlooked;

pub use self::access::{AccessRule, MadeCredential, WantedCredential};
use self::destination::Destination;
use super::auth::{Keystone, Token};
use super::catalog::{ServiceSummary, canonical, official_service_type};
use super::http::{Again, Answer, Outgoing, Wire};
use super::lane::Lane;
use super::path::{self, LinkError, RelativePath};
use super::plain::Login;
use super::renewal::Account;
use super::tape::{Tape, recorded_endpoint};
use super::{
    Choice, CloudConfig, Context, Error, ErrorKind, HttpLimits, Identity, Offer, PlainService,
    Proxies, Request, Response, ServiceAuth, Tls, UnfitWord, headers, plain, unlooked,
};

type Cells<T> = Mutex<BTreeMap<String, Arc<OnceCell<T>>>>;

/// An open connection to one cloud, with one scope. Cheap to clone; clones share everything.
///
/// All methods may be called from any number of tasks at once.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    account: Option<Arc<Account>>,
}

struct Shared {
    config: CloudConfig,
    wire: Arc<Wire>,
    keystone: Option<Arc<Keystone>>,
    /// Who we are at each plain service, by its name.
    logins: BTreeMap<String, Login>,
    /// By service type: official, or the name of a plain service.
    lanes: Mutex<BTreeMap<String, Arc<Lane>>>,
    /// By project id; or why there is no token for it.
    accounts: Cells<Result<Arc<Account>, Error>>,
    /// Version segments found in version documents, by endpoint.
    versions: Cells<String>,
    /// What stands in for the cloud, if something does.
    tape: Option<Arc<Tape>>,
}

impl Session {
    /// Opens a session: authenticates, unless the cloud has only plain services, and checks that
    /// the token has the scope asked for and its catalog the region and interface.
    ///
    /// # Errors
    /// [`ErrorKind::NotAuthenticated`] and [`ErrorKind::Denied`] when Keystone refuses;
    /// [`ErrorKind::Invalid`] when the configuration cannot be meant, or a plain service's credential
    /// is not to be had; those of any request.
    pub async fn connect(config: CloudConfig, limits: HttpLimits) -> Result<Self, Error> {
        plain::check(&config)?;
        let wire = Arc::new(Wire::new(&config.tls, config.proxies.clone(), limits)?);
        let mut logins = BTreeMap::new();
        for (name, service) in &config.plain_services {
            let login = login(name, service, &wire).await;
            let login = login.map_err(|error| error.below(&format!("service `{name}`")))?;
            logins.insert(name.clone(), login);
        }
        let keystone = match &config.keystone {
            Some(keystone) => Some(Arc::new(Keystone::new(
                keystone.clone(),
                Arc::clone(&wire),
            )?)),
            None => None,
        };
        let account = match &keystone {
            Some(keystone) => Some(Arc::new(Account::open(keystone).await?)),
            None => None,
        };
        let shared = Shared {
            keystone,
            logins,
            ..Shared::new(config, wire)
        };
        if let Some(account) = &account {
            let token = account.current();
            let CloudConfig {
                region, interfaces, ..
            } = &shared.config;
            let checked = token.catalog.check(region.as_deref(), interfaces);
            checked.map_err(|unfound| Error::new(ErrorKind::Invalid, unfound.to_string()))?;
            if let Some(id) = token.identity.project_id() {
                let cell = cell(&shared.accounts, id);
                let _ = cell.set(Ok(Arc::clone(account)));
            }
        }
        Ok(Self {
            shared: Arc::new(shared),
            account,
        })
    }

    /// A session in which a tape stands in for the cloud. It has exactly these services, at `https://<service>.example`, and
    /// no projects: any project's token is as good as another.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a service's name cannot be part of a host name.
    pub fn replaying<'a>(
        services: impl IntoIterator<Item = &'a str>,
        tape: Arc<Tape>,
    ) -> Result<Self, Error> {
        let mut config = CloudConfig::without_keystone("a tape", BTreeMap::new());
        for service in services {
            let url = recorded_endpoint(service)?;
            if official_service_type(service).is_some() {
                config.endpoint_overrides.insert(service.to_owned(), url);
            } else {
                let plain = PlainService {
                    url,
                    auth: ServiceAuth::None,
                    tls: Tls::default(),
                    proxies: Proxies::default(),
                };
                config.plain_services.insert(service.to_owned(), plain);
            }
        }
        let limits = HttpLimits::default();
        let wire = Arc::new(Wire::new(&config.tls, Proxies::default(), limits)?);
        let shared = Shared {
            tape: Some(tape),
            ..Shared::new(config, wire)
        };
        Ok(Self {
            shared: Arc::new(shared),
            account: None,
        })
    }

    /// Who we are, as the current token says; `None` where there is no Keystone.
    pub fn identity(&self) -> Option<Identity> {
        self.account
            .as_ref()
            .map(|account| account.current().identity.clone())
    }

    /// Why the session ends with its token, if nothing renews that: see [`Identity::expires_at`] for when.
    pub fn ends(&self) -> Option<&'static str> {
        let keystone = self.shared.keystone.as_ref()?;
        keystone.config().auth.ends()
    }

    /// The configuration the session was opened with.
    pub fn config(&self) -> &CloudConfig {
        &self.shared.config
    }

    /// The same credential with a token for another project, given by id. Tokens are kept, and so
    /// are refusals: asking again costs nothing, and neither does asking for the project at hand.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] where the user has no role on the project, where the credential is
    /// bound to another one, or where Keystone gives a token for anything else.
    pub async fn for_project(&self, project_id: &str) -> Result<Self, Error> {
        if self.shared.tape.is_some() {
            return Ok(self.clone());
        }
        let keystone = self.shared.keystone.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("there is no Keystone here that could know project `{project_id}`"),
            )
        })?;
        if self
            .identity()
            .is_some_and(|identity| identity.project_id() == Some(project_id))
        {
            return Ok(self.clone());
        }
        let cell = cell(&self.shared.accounts, project_id);
        let answered = async || match Account::of_project(keystone, project_id).await {
            Err(error) if error.kind() != ErrorKind::Denied => Err(error),
            answer => Ok(answer),
        };
        let account = cell.get_or_try_init(answered).await?.clone()?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            account: Some(account),
        })
    }

    /// Sends a request and gives back the answer, whatever its status.
    ///
    /// A 401 renews the token and sends once more; what meets 429, 503, a gateway's error or a broken
    /// connection is repeated within the limits, unless that might have another effect. Dropping the future abandons the request, which the service may still
    /// carry out.
    ///
    /// # Errors
    /// Only where there is no answer to give: see [`ErrorKind`].
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let has_names = canonical(&request.service) == "object-store";
        let parsed = if request.is_name_below_parent && has_names {
            RelativePath::parse_with_names(&request.path)
        } else {
            RelativePath::parse(&request.path)
        };
        let parsed = parsed.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        let context = Context {
            service: request.service.clone(),
            method: request.method,
            path: parsed.path().to_owned(),
        };
        if let Some(tape) = &self.shared.tape {
            let destination = self.destination(&request.service);
            destination
                .and_then(|it| headers::for_request(&request, it.is_plain))
                .map_err(|error| error.during(&context))?;
            return tape.answer(&request, &context, self.shared.wire.limits().attempts_max);
        }
        let answer = self
            .answer(&request, parsed, &context)
            .await
            .map_err(|error| with_limit(error).during(&context))?;
        respond(answer).map_err(|error| error.during(&context))
    }

    /// Every service that can be reached, with where: the catalog's by type, then the plain ones.
    pub fn services(&self) -> Vec<ServiceSummary> {
        let config = &self.shared.config;
        let mut names: Vec<String> = config
            .endpoint_overrides
            .keys()
            .map(|name| canonical(name).to_owned())
            .collect();
        if let Some(account) = &self.account {
            let found = account
                .current()
                .catalog
                .summaries(config.region.as_deref(), &config.interfaces);
            names.extend(found.into_iter().map(|summary| summary.service_type));
        }
        names.sort_unstable();
        names.dedup();
        names.extend(config.plain_services.keys().cloned());
        names
            .iter()
            .filter_map(|name| Some(self.destination(name).ok()?.summary))
            .collect()
    }

    /// Everything that the token's catalog offers, wherever and for whomever; nothing where there is no Keystone.
    pub fn offers(&self) -> Vec<Offer> {
        let account = self.account.as_ref();
        account.map_or_else(Vec::new, |account| account.current().catalog.offers())
    }

    /// What the catalog offers and this session does not look at, for rules that ask for these service types, and with what
    /// the operator says need not be looked at.
    ///
    /// # Errors
    /// If a word of the operator's fits no service of the catalog.
    pub fn unlooked(
        &self,
        asked: &BTreeSet<String>,
        words: &BTreeSet<String>,
    ) -> Result<Vec<Unlooked>, UnfitWord> {
        let choice = Choice {
            region: self.shared.config.region.as_deref(),
            is_region_unchosen: self.shared.config.is_region_unchosen,
            interfaces: &self.shared.config.interfaces,
            asked,
            words,
            for_project: self
                .identity()
                .is_some_and(|identity| identity.project_id().is_some()),
        };
        unlooked(&self.offers(), choice, |service| {
            let destination = self.destination(service);
            destination
                .map(|it| it.summary.region)
                .map_err(|error| error.to_string())
        })
    }

    /// Whether a service type, any alias, or a plain service's name can be reached.
    pub fn has_service(&self, service: &str) -> bool {
        self.destination(service).is_ok()
    }

    /// Where the requests of a service go: a service type, any alias, or a plain service's name. `None` if it cannot be reached.
    pub fn url_of(&self, service: &str) -> Option<Url> {
        let destination = self.destination(service).ok()?;
        Some(destination.summary.url)
    }

    /// What the catalog calls a service, in its own words: an entry may go by an alias, and several by several.
    fn types_of(&self, service: &str) -> Vec<String> {
        let account = self.account.as_ref();
        account.map_or_else(Vec::new, |account| {
            account.current().catalog.types_of(service)
        })
    }

    /// Cuts a link from an answer back to a path for [`send`](Self::send).
    ///
    /// # Errors
    /// Where the link leads to another origin, out of the endpoint, or is unsafe.
    pub fn relative(&self, service: &str, link: &str) -> Result<String, LinkError> {
        let destination = self
            .destination(service)
            .map_err(|error| LinkError::NoService(error.to_string()))?;
        path::relative(&destination.summary.url, link, destination.joining)
    }

    /// Requests sent so far by this session and all that share its client: every attempt counts,
    /// and so do those for tokens.
    pub fn requests_sent(&self) -> u64 {
        self.shared.wire.sent()
    }

    async fn answer(
        &self,
        request: &Request,
        path: RelativePath<'_>,
        context: &Context,
    ) -> Result<Answer, Error> {
        let Destination {
            summary,
            joining,
            is_plain,
        } = self.destination(&request.service)?;
        let headers = headers::for_request(request, is_plain)?;
        let endpoint = self.versioned(&summary, path).await?;
        let url = path::join(&endpoint, path, joining)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        let lane = self.lane(&summary.service_type);
        let outgoing = |headers| Outgoing {
            context,
            url: &url,
            headers,
            body: request.body.clone(),
            again: Again::of(request.method),
        };
        match (&self.account, self.shared.logins.get(&request.service)) {
            (_, Some(login)) => login.deliver(outgoing(headers), &lane).await,
            (Some(account), None) => {
                let service = &summary.service_type;
                let token = account.fresh().await?;
                let answer = self
                    .shared
                    .wire
                    .deliver(&outgoing(with_token(&headers, &token)), &lane)
                    .await?;
                if answer.status != 401 {
                    account.note(service, false);
                    return Ok(answer);
                }
                if account.is_refused_by(service) {
                    return Ok(answer);
                }
                let token = account.renewed(&token).await?;
                let answer = self
                    .shared
                    .wire
                    .deliver(&outgoing(with_token(&headers, &token)), &lane)
                    .await?;
                account.note(service, answer.status == 401);
                Ok(answer)
            }
            (None, None) => self.shared.wire.deliver(&outgoing(headers), &lane).await,
        }
    }

    fn lane(&self, service_type: &str) -> Arc<Lane> {
        let mut lanes = self
            .shared
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(service_type) {
            return Arc::clone(lane);
        }
        let in_flight_max = self.shared.wire.limits().in_flight_max;
        let lane = Arc::new(match &self.shared.keystone {
            Some(keystone) if service_type == "identity" => {
                Lane::doubting(in_flight_max, keystone.health())
            }
            Some(_) | None => Lane::new(in_flight_max),
        });
        lanes.insert(service_type.to_owned(), Arc::clone(&lane));
        lane
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("cloud", &self.shared.config.name)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn new(config: CloudConfig, wire: Arc<Wire>) -> Self {
        Self {
            config,
            wire,
            keystone: None,
            logins: BTreeMap::new(),
            lanes: Mutex::default(),
            accounts: Mutex::default(),
            versions: Mutex::default(),
            tape: None,
        }
    }
}

/// Who we are at a plain service, reached by its own certificates and its own way.
async fn login(name: &str, service: &PlainService, wire: &Wire) -> Result<Login, Error> {
    let wire = wire.beside(&service.tls, service.proxies.clone())?;
    Login::open(name, service, Arc::new(wire)).await
}

fn cell<T>(cells: &Cells<T>, key: &str) -> Arc<OnceCell<T>> {
    let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(cells.entry(key.to_owned()).or_default())
}

fn with_token(headers: &HeaderMap, token: &Token) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(
        HeaderName::from_static("x-auth-token"),
        token.header.clone(),
    );
    if let Some(bearer) = &token.bearer {
        headers.insert(AUTHORIZATION, bearer.clone());
    }
    headers
}

/// Where the bound is the configuration's, that is said with its name.
fn with_limit(error: Error) -> Error {
    match error.kind() {
        ErrorKind::TooLarge => error.and("which is `response_bytes_max` under [http]"),
        _ => error,
    }
}

/// Turns bytes into text. JSON is UTF-8, so a good answer that is not is refused rather than
/// guessed at; an error page may be in any encoding and is shown as well as can be.
fn respond(answer: Answer) -> Result<Response, Error> {
    let Answer {
        status,
        headers: raw,
        body,
    } = answer;
    let request_id = headers::request_id(&raw);
    let body = match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) if (200..300).contains(&status) => {
            let message = "the answer's body is not UTF-8 text";
            return Err(Error::new(ErrorKind::Malformed, message)
                .answered(status, request_id)
                .caused_by(error.utf8_error()));
        }
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    Ok(Response {
        status,
        headers: headers::of_response(&raw),
        body,
        request_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_good_answers_must_be_utf8() {
        let answer = |status| Answer {
            status,
            headers: HeaderMap::new(),
            body: vec![b'a', 0xff],
        };
        assert_eq!(
            respond(answer(200)).unwrap_err().kind(),
            ErrorKind::Malformed
        );
        assert_eq!(respond(answer(500)).unwrap().body, "a\u{fffd}");
    }
}
