//! The events of one run: dated, collected for the report, and handed on to whoever else wants them.
//!
//! This is the one store of what happened on the way: the report and the exit code are made of it, and a progress bar or a log may
//! come and go without anybody noticing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::engine::ListingFailure;
use crate::event::{Dated, Event, Listener, Sink};

/// Dates the events of a run and collects what its report is made of.
pub struct Chronicle {
    run: Arc<str>,
    began: Timestamp,
    clock: Instant,
    collected: Mutex<Collected>,
    sinks: Vec<Arc<dyn Sink>>,
}

/// What happened on the way, as far as a report says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Kinds that were left out, with the reason.
    pub skipped: BTreeMap<Arc<str>, String>,
    /// What could not be listed, each once: kind, scope and reason.
    failures: BTreeSet<(Arc<str>, String, String)>,
}

impl Collected {
    /// What could not be listed, each once, in order.
    pub fn failures(&self) -> Vec<ListingFailure> {
        let failures = self.failures.iter().cloned();
        failures
            .map(|(kind, scope, why)| ListingFailure { kind, scope, why })
            .collect()
    }
}

impl Chronicle {
    /// Begins the chronicle of a run. `began` is the time of the real world; from then on tokio's clock counts, which tests pause.
    pub fn begin(run: impl Into<Arc<str>>, began: Timestamp, sinks: Vec<Arc<dyn Sink>>) -> Self {
        Self {
            run: run.into(),
            began,
            clock: Instant::now(),
            collected: Mutex::default(),
            sinks,
        }
    }

    /// The run's id.
    pub fn run(&self) -> &Arc<str> {
        &self.run
    }

    /// How long the run has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        let now = self.began.saturating_add(self.elapsed());
        now.unwrap_or(Timestamp::MAX)
    }

    /// What was collected so far.
    pub fn collected(&self) -> Collected {
        self.lock().clone()
    }

    /// Notes listings that failed, lest one be forgotten that no event spoke of.
    pub(super) fn note_failures(&self, failures: Vec<ListingFailure>) {
        for ListingFailure { kind, scope, why } in failures {
            let failure = (kind.clone(), scope.clone(), why.clone());
            let is_known = self.lock().failures.contains(&failure);
            if !is_known {
                self.notice(&Event::ListingFailed { kind, scope, why });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn collect(&self, event: &Event) {
        match event {
            Event::KindSkipped { kind, why } => {
                self.lock().skipped.insert(kind.clone(), why.clone());
            }
            Event::ListingFailed { kind, scope, why } => {
                let failure = (kind.clone(), scope.clone(), why.clone());
                self.lock().failures.insert(failure);
            }
            _ => {}
        }
    }
}

impl Listener for Chronicle {
    fn notice(&self, event: &Event) {
        self.collect(event);
        let dated = Dated {
            run: self.run.clone(),
            at: self.now(),
            event: event.clone(),
        };
        for sink in &self.sinks {
            sink.take(&dated);
        }
    }
}
