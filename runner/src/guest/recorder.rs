//! What a rule asked for and was shown, taken down for a test of the rule.
//!
//! It is taken down behind the gate: no credential, no host, no blanked member is in it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::cloud::{ErrorKind, Exchange, Request, Response};

/// Takes down exchanges. Clones share what was taken down.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Exchange>>>);

impl Recorder {
    /// What was taken down since it was last asked.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn note(&self, request: &Request, outcome: Result<Response, ErrorKind>) {
        let exchange = Exchange {
            request: request.clone(),
            outcome,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
    }
}
