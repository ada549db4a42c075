//! Who we are at one plain service, kept fresh for many requests at once.
//!
//! The invariant: however many requests find the credential refused or about to end, its source is asked once. A credential that was
//! fresh when it was refused is not asked for again, so that nobody's account is locked and no program is run for every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::cloud::http::{Answer, Outgoing, Wire};
use crate::cloud::lane::Lane;
use crate::cloud::{Error, PlainService};

use super::{ServiceAuth, TokenSource, basic};

/// How long a token that is about to end is used on while no other can be had, before it is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who we are at one plain service.
pub(in crate::cloud) struct Login {
    name: String,
    auth: ServiceAuth,
    wire: Arc<Wire>,
    /// Held while the source is asked: whoever needs what it gives waits.
    current: Mutex<Arc<Proof>>,
}

/// What is shown to the service.
struct Proof {
    header: Option<(HeaderName, HeaderValue)>,
    /// When another one is wanted.
    due: Option<Instant>,
    /// The service has refused it although it was fresh.
    is_in_vain: AtomicBool,
}

impl Proof {
    fn until(header: Option<(HeaderName, HeaderValue)>, due: Option<Instant>) -> Self {
        Self {
            header,
            due,
            is_in_vain: AtomicBool::new(false),
        }
    }

    fn added_to(&self, headers: &HeaderMap) -> HeaderMap {
        let mut headers = headers.clone();
        if let Some((name, value)) = &self.header {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }
}

impl Login {
    /// Asks the credential's source for the first time: what is not to be had is said before any request.
    ///
    /// # Errors
    /// If there is no credential to be had, or no way to the service.
    pub(in crate::cloud) async fn open(
        name: &str,
        service: &PlainService,
        wire: Arc<Wire>,
    ) -> Result<Self, Error> {
        let auth = service.auth.clone();
        wire.check(&service.url)?;
        let first = ask(name, &auth, &wire).await?;
        Ok(Self {
            name: name.to_owned(),
            auth,
            wire,
            current: Mutex::new(Arc::new(first)),
        })
    }

    /// Sends a request in our name; once more with another credential if this one is refused.
    pub(in crate::cloud) async fn deliver(
        &self,
        outgoing: Outgoing<'_>,
        lane: &Lane,
    ) -> Result<Answer, Error> {
        let mut proof = self.fresh().await?;
        let answer = self.deliver_with(&proof, &outgoing, lane).await?;
        if answer.status != 401 {
            proof.is_in_vain.store(false, Ordering::Relaxed);
            return Ok(answer);
        }
        let Some(newer) = self.newer(&proof).await? else {
            return Ok(answer);
        };
        proof = newer;
        let answer = self.deliver_with(&proof, &outgoing, lane).await?;
        proof
            .is_in_vain
            .store(answer.status == 401, Ordering::Relaxed);
        Ok(answer)
    }

    async fn deliver_with(
        &self,
        proof: &Proof,
        outgoing: &Outgoing<'_>,
        lane: &Lane,
    ) -> Result<Answer, Error> {
        let shown = Outgoing {
            headers: proof.added_to(&outgoing.headers),
            body: outgoing.body.clone(),
            ..*outgoing
        };
        self.wire.deliver(&shown, lane).await
    }

    /// The current credential, another one if it is about to end. While none is to be had, the old one is used as long as it lasts.
    async fn fresh(&self) -> Result<Arc<Proof>, Error> {
        let mut current = self.current.lock().await;
        if current.due.is_some_and(|due| due <= Instant::now()) {
            let next = match ask(&self.name, &self.auth, &self.wire).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!("service {}: {error}; the old token is used on", self.name);
                    Proof::until(current.header.clone(), Some(Instant::now() + PATIENCE))
                }
            };
            *current = Arc::new(next);
        }
        Ok(Arc::clone(&current))
    }

    /// Another credential than the one that was refused, if there is one to be had and it is not known to be refused as well.
    async fn newer(&self, refused: &Arc<Proof>) -> Result<Option<Arc<Proof>>, Error> {
        if !self.auth.may_change() {
            return Ok(None);
        }
        let mut current = self.current.lock().await;
        if !Arc::ptr_eq(&current, refused) {
            return Ok(Some(Arc::clone(&current)));
        }
        if refused.is_in_vain.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let next = ask(&self.name, &self.auth, &self.wire).await?;
        if next.header == refused.header {
            refused.is_in_vain.store(true, Ordering::Relaxed);
            return Ok(None);
        }
        tracing::debug!(service = %self.name, "credential renewed");
        *current = Arc::new(next);
        Ok(Some(Arc::clone(&current)))
    }
}

impl ServiceAuth {
    fn may_change(&self) -> bool {
        match self {
            Self::None => false,
            Self::Token(TokenSource::ClientCredentials(_), _) => true,
            Self::Token(TokenSource::Secret(source), _)
            | Self::Basic {
                password: source, ..
            } => source.may_change(),
        }
    }
}

async fn ask(name: &str, auth: &ServiceAuth, wire: &Wire) -> Result<Proof, Error> {
    match auth {
        ServiceAuth::None => Ok(Proof::until(None, None)),
        ServiceAuth::Token(TokenSource::Secret(source), header) => {
            let token = source
                .ask(&format!("the token of [services.{name}]"))
                .await?;
            Ok(Proof::until(Some(header.carrying(&token)?), None))
        }
        ServiceAuth::Token(TokenSource::ClientCredentials(client), header) => {
            let granted = client.ask(name, wire).await?;
            Ok(Proof::until(
                Some(header.carrying(&granted.token)?),
                granted.due,
            ))
        }
        ServiceAuth::Basic { user, password } => {
            let what = format!("the password of [services.{name}]");
            let password = password.ask(&what).await?;
            let header = (AUTHORIZATION, basic(user, &password)?);
            Ok(Proof::until(Some(header), None))
        }
    }
}
