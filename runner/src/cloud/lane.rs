//! What all requests to one service share: its places, its wish to be left alone for a while, and how well it has been of late.
//!
//! The invariant: a lane changes when a request is sent, never what is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How long after a failure a service's refusals are doubted.
const RECOVERY: Duration = Duration::from_secs(30);

/// The lane to one service.
pub(super) struct Lane {
    places: Semaphore,
    quiet_until: Mutex<Option<Instant>>,
    health: Option<Arc<Health>>,
}

impl Lane {
    pub(super) fn new(in_flight_max: usize) -> Self {
        Self {
            places: Semaphore::new(in_flight_max.clamp(1, Semaphore::MAX_PERMITS)),
            quiet_until: Mutex::new(None),
            health: None,
        }
    }

    /// The lane to a service that refuses what it would allow while it, or its database, is coming back.
    pub(super) fn doubting(in_flight_max: usize, health: Arc<Health>) -> Self {
        Self {
            health: Some(health),
            ..Self::new(in_flight_max)
        }
    }

    /// Waits for a place. The semaphore is never closed, so there always comes one.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    pub(super) fn hush(&self, pause: Duration) {
        let until = Instant::now() + pause;
        if let Ok(mut quiet) = self.quiet_until.lock() {
            *quiet = Some(quiet.map_or(until, |known| known.max(until)));
        }
    }

    pub(super) async fn quiet(&self) {
        while let Some(until) = self.quiet_until.lock().ok().and_then(|quiet| *quiet) {
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// The service has failed to answer.
    pub(super) fn note_failure(&self) {
        if let Some(health) = &self.health {
            health.note_failure();
        }
    }

    /// Whether a refusal may be owed to a failure of a moment ago.
    pub(super) fn doubts_refusals(&self) -> bool {
        self.health.as_ref().is_some_and(|it| it.is_recovering())
    }
}

/// When a service last failed to answer.
#[derive(Default)]
pub(super) struct Health {
    failed_at: Mutex<Option<Instant>>,
}

impl Health {
    fn note_failure(&self) {
        if let Ok(mut failed_at) = self.failed_at.lock() {
            *failed_at = Some(Instant::now());
        }
    }

    fn is_recovering(&self) -> bool {
        let failed_at = self.failed_at.lock().ok().and_then(|at| *at);
        failed_at.is_some_and(|at| at.elapsed() < RECOVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusals_are_doubted_for_a_while_after_a_failure() {
        let health = Arc::new(Health::default());
        let (doubting, sharing) = (
            Lane::doubting(1, Arc::clone(&health)),
            Lane::doubting(1, health),
        );
        let plain = Lane::new(1);
        assert!(!doubting.doubts_refusals());
        sharing.note_failure();
        plain.note_failure();
        assert!(doubting.doubts_refusals() && !plain.doubts_refusals());
        tokio::time::advance(RECOVERY).await;
        assert!(!doubting.doubts_refusals());
    }
}
