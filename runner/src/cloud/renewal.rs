//! One token, kept fresh for many requests at once.
//!
//! The invariant: however many requests find the token refused or about to end, one asks Keystone
//! and the others wait for what it learns, good or bad. A credential that Keystone has refused is
//! not shown to it again, so that nobody's account is locked.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::auth::{Keystone, Token, again_with_status, no_such_scope};
use super::{Error, ErrorKind, TokenScope};

/// A credential and a scope with their current token.
pub(super) struct Account {
    keystone: Arc<Keystone>,
    scope: TokenScope,
    current: RwLock<Arc<Token>>,
    /// Held while Keystone is asked; guards what the last such flight failed with.
    flight: tokio::sync::Mutex<Option<Error>>,
    flights: AtomicU64,
    /// Services that answered 401 to a token fresh from Keystone: renewing does not help them.
    refusing: Mutex<BTreeSet<String>>,
}

impl Account {
    /// The account that a session begins with.
    pub(super) async fn open(keystone: &Arc<Keystone>) -> Result<Self, Error> {
        let scope = keystone.config().scope.clone();
        match keystone.issue(&scope).await {
            Ok(token) => Ok(Self::new(Arc::clone(keystone), scope, token)),
            Err(error)
                if error.kind() == ErrorKind::NotAuthenticated && scope != TokenScope::Unscoped =>
            {
                if !keystone.knows_the_user().await {
                    return Err(error);
                }
                let known = format!("the {} is accepted", keystone.config().auth.kind().what);
                Err(no_such_scope(&known, &scope, &error))
            }
            Err(error) => Err(error),
        }
    }

    /// The same credential's account in a project.
    pub(super) async fn of_project(
        keystone: &Arc<Keystone>,
        project_id: &str,
    ) -> Result<Arc<Self>, Error> {
        if let Some(message) = bound_elsewhere(keystone, project_id) {
            return Err(Error::new(ErrorKind::Denied, message));
        }
        let scope = TokenScope::project(project_id);
        match keystone.issue(&scope).await {
            Ok(token) => Ok(Arc::new(Self::new(Arc::clone(keystone), scope, token))),
            // The credential itself is good: it opened this session.
            Err(error) if error.kind() == ErrorKind::NotAuthenticated => {
                let message = format!(
                    "no token for project `{project_id}`: it does not exist, is disabled, or the user has no role on it"
                );
                Err(again_with_status(
                    Error::new(ErrorKind::Denied, message),
                    &error,
                ))
            }
            Err(error) => Err(in_mid_run(error)),
        }
    }

    fn new(keystone: Arc<Keystone>, scope: TokenScope, token: Token) -> Self {
        Self {
            keystone,
            scope,
            current: RwLock::new(Arc::new(token)),
            flight: tokio::sync::Mutex::new(None),
            flights: AtomicU64::new(0),
            refusing: Mutex::new(BTreeSet::new()),
        }
    }

    pub(super) fn current(&self) -> Arc<Token> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The current token, renewed first if it is about to end. While Keystone cannot be reached
    /// the old one is used as long as it lasts.
    pub(super) async fn fresh(&self) -> Result<Arc<Token>, Error> {
        let token = self.current();
        if !token.is_due() {
            return Ok(token);
        }
        match self.renewed(&token).await {
            Err(error) if error.kind() != ErrorKind::NotAuthenticated => Ok(token),
            outcome => outcome,
        }
    }

    /// A token newer than `seen`, which was refused.
    ///
    /// Cancellation: a dropped call leaves the token as it was, and the next in line asks.
    pub(super) async fn renewed(&self, seen: &Arc<Token>) -> Result<Arc<Token>, Error> {
        let flights_before = self.flights.load(Ordering::Acquire);
        let mut failure = self.flight.lock().await;
        let current = self.current();
        if !Arc::ptr_eq(&current, seen) {
            return Ok(current);
        }
        if let Some(error) = &*failure {
            let waited_for_it = self.flights.load(Ordering::Acquire) != flights_before;
            if waited_for_it || error.kind() == ErrorKind::NotAuthenticated {
                return Err(error.clone());
            }
        }
        let outcome = self.keystone.issue(&self.scope).await;
        self.flights.fetch_add(1, Ordering::Release);
        match outcome {
            Ok(token) => {
                let token = Arc::new(token);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&token);
                *failure = None;
                tracing::debug!(scope = %self.scope.described(), "token renewed");
                Ok(token)
            }
            Err(error) => {
                let error = in_mid_run(error);
                *failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Whether a new token would be wasted on a service.
    pub(super) fn is_refused_by(&self, service: &str) -> bool {
        self.refusing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(service)
    }

    /// Remembers how a service took a token fresh from Keystone, or that it took any.
    pub(super) fn note(&self, service: &str, is_refused: bool) {
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        if is_refused {
            refusing.insert(service.to_owned());
        } else {
            refusing.remove(service);
        }
    }
}

/// An address that has worked is not wrong: what is answered there in mid-run is Keystone's trouble, or that of what stands
/// before it, and not that of who asks.
fn in_mid_run(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Invalid => error.of_kind(ErrorKind::Malformed),
        _ => error,
    }
}

/// Why a credential gives no token for a project, if it comes with a scope of its own.
fn bound_elsewhere(keystone: &Keystone, project_id: &str) -> Option<String> {
    let config = keystone.config();
    if matches!(config.scope, TokenScope::Trust(_)) {
        return Some(format!(
            "a trust is for the project that it names and gives no token for project `{project_id}`: use a trust for that project, \
             or the credential of somebody who has a role on it"
        ));
    }
    config.auth.kind().is_bound.then(|| {
        format!(
            "an application credential is bound to the project in which it was created and gives no token for project \
             `{project_id}`: use a password, or an application credential of that project"
        )
    })
}
