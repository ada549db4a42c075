//! Progress on a terminal, and the run's notes in the log. Both listen to events, say nothing of their own, and keep nothing.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Dated, Event, Phase, Sink};

use super::alike;

/// Shows how far a sweep is, on standard error if that is a terminal, and what happens in the log.
pub struct Progress {
    bar: ProgressBar,
    found: AtomicU64,
    /// Causes of failed listings that were spoken of.
    spoken_of: Mutex<BTreeSet<String>>,
}

impl Progress {
    /// Progress on standard error, unless that is no terminal or `quiet` is asked for.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        if quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            bar,
            found: AtomicU64::new(0),
            spoken_of: Mutex::default(),
        }
    }

    /// Takes the bar away while something else is written, and brings it back.
    pub fn quietly<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Whether a listing fails for this cause for the first time.
    fn is_news(&self, cause: String) -> bool {
        let spoken_of = self.spoken_of.lock();
        spoken_of
            .unwrap_or_else(PoisonError::into_inner)
            .insert(cause)
    }

    fn begin(&self, phase: Phase) {
        self.bar.enable_steady_tick(Duration::from_millis(120));
        self.bar.set_message(match phase {
            Phase::Survey => "survey",
            Phase::Purge => "purge",
            Phase::Verify => "verify",
        });
    }

    fn expect(&self, things: usize) {
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} {elapsed}")
        {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar
            .set_length(u64::try_from(things).unwrap_or(u64::MAX));
    }
}

/// How long a component may take to be loaded before a person is told what takes so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for a component to be loaded. Compiling one may take many seconds, so that is said: on a terminal with a clock, which
/// vanishes at the end; elsewhere in a line.
pub async fn patiently<T>(load: impl Future<Output = T>, file: &Path, quiet: bool) -> T {
    let clock = ProgressBar::hidden();
    let loaded = unless_soon(load, || {
        let text = format!(
            "compiling {}, once: later runs find it done",
            file.display()
        );
        if quiet {
            return;
        }
        if !std::io::stderr().is_terminal() {
            // Without standard error there is nobody to be told.
            let _ = writeln!(std::io::stderr(), "{text}");
            return;
        }
        clock.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            clock.set_style(style);
        }
        clock.set_message(text);
        clock.enable_steady_tick(Duration::from_millis(120));
    });
    let loaded = loaded.await;
    clock.finish_and_clear();
    loaded
}

/// Waits for something, and says so if it does not come soon.
async fn unless_soon<T>(work: impl Future<Output = T>, say: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    match tokio::time::timeout(PATIENCE, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            say();
            work.await
        }
    }
}

impl Sink for Progress {
    fn take(&self, dated: &Dated) {
        match &dated.event {
            Event::Phase { phase } => self.begin(*phase),
            Event::Listed { things, .. } => {
                let things = u64::try_from(*things).unwrap_or(u64::MAX);
                let found = self.found.fetch_add(things, Ordering::Relaxed) + things;
                if self.bar.length().is_none() {
                    self.bar.set_message(format!("survey: {found} things"));
                }
            }
            Event::KindSkipped { kind, why } => {
                tracing::info!("{kind} is left out: {why}");
            }
            Event::ListingFailed { kind, scope, why } => {
                if self.is_news(alike::cause(scope, why)) {
                    tracing::warn!("{kind} could not be listed {scope}: {why}");
                } else {
                    tracing::info!("{kind} could not be listed {scope} either: {why}");
                }
            }
            Event::Planned { matched, .. } => self.expect(*matched),
            Event::Asked { thing, attempt } => {
                tracing::debug!("deleting {thing}, attempt {attempt}");
            }
            Event::InTheWay { thing, why } => tracing::debug!("{thing} has to wait: {why}"),
            Event::Gone { thing } => {
                tracing::info!("gone: {thing}");
                self.bar.inc(1);
            }
            Event::Failed { thing, why, .. } => {
                tracing::warn!("{thing} will not go: {why}");
                self.bar.inc(1);
            }
            Event::GoneAfterAll { thing, .. } => tracing::info!("gone after all: {thing}"),
            Event::ThereAfterAll { thing, why } => tracing::warn!("{thing} is there: {why}"),
            // The plan and what is left are in the report.
            Event::ListingBegun { .. }
            | Event::ListingEnded { .. }
            | Event::Unlooked { .. }
            | Event::Matched { .. }
            | Event::Left { .. }
            | Event::Ended { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_takes_long_is_spoken_of() {
        for (ms, expected) in [(900, false), (1_100, true)] {
            let mut said = false;
            let work = async {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                ms
            };
            assert_eq!(unless_soon(work, || said = true).await, ms);
            assert_eq!(said, expected, "{ms} ms");
        }
    }
}
