//! Progress on a terminal, and the run's notes in the log. Both listen to events, say nothing of their own, and keep nothing.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Dated, Event, Phase, Sink};

use super::alike;
use super::pace::Pace;
use crate::text::plain;

/// Shows how far a sweep is, on standard error if that is a terminal, and what happens in the log.
pub struct Progress {
    bar: ProgressBar,
    pace: Mutex<Pace>,
    /// Whether nobody sees the bar, and is to be told in lines how far the run is.
    tells: bool,
    /// Causes of failed listings that were spoken of.
    spoken_of: Mutex<BTreeSet<String>>,
}

impl Progress {
    /// Progress on standard error, unless that is no terminal or `quiet` is asked for.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        let is_terminal = std::io::stderr().is_terminal();
        if quiet || !is_terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            bar,
            pace: Mutex::default(),
            tells: !quiet && !is_terminal,
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

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what is waited for.
    fn wait(&self, phase: Option<Phase>) {
        if self.bar.is_hidden() {
            return;
        }
        if let Some(phase) = phase {
            self.bar.enable_steady_tick(Duration::from_millis(120));
            self.bar.set_prefix(phase.as_str());
        }
        // Before there is a plan nothing can be counted down, so all is said in words.
        let said = match self.bar.length() {
            None => self.pace().line(),
            Some(_) => self.pace().waits_for(),
        };
        self.bar.set_message(plain(&said.unwrap_or_default()));
    }

    fn expect(&self, things: usize) {
        if let Ok(style) = ProgressStyle::with_template(
            "{spinner} {prefix} [{bar:30}] {pos}/{len} {elapsed}, {per_sec}, {eta} left; {wide_msg}",
        ) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar
            .set_length(u64::try_from(things).unwrap_or(u64::MAX));
    }
}

/// Says every so often how far a run is, where no bar shows it. Never ends by itself.
pub async fn beat(progress: Arc<Progress>, every: Duration, say: impl Fn(&str)) {
    if !progress.tells {
        return;
    }
    loop {
        tokio::time::sleep(every).await;
        let line = progress.pace().line();
        if let Some(line) = line {
            say(&plain(&line));
        }
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
        self.pace().take(&dated.event);
        match &dated.event {
            Event::Phase { phase } => self.wait(Some(*phase)),
            Event::ListingBegun { .. } | Event::ListingEnded { .. } | Event::Listed { .. } => {
                self.wait(None);
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
                self.wait(None);
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
            Event::Unlooked { .. }
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
    async fn who_sees_no_bar_is_told_every_so_often_and_who_wants_quiet_is_not() {
        for (tells, lines) in [(true, 3), (false, 0)] {
            let progress = Arc::new(Progress {
                tells,
                ..Progress::new(true)
            });
            let phase = Phase::Survey;
            progress.pace().take(&Event::Phase { phase });
            let said = Mutex::new(Vec::new());
            let beating = beat(progress, Duration::from_secs(30), |line| {
                said.lock().unwrap().push(line.to_owned());
            });
            let _ = tokio::time::timeout(Duration::from_secs(100), beating).await;
            let said = said.into_inner().unwrap();
            assert_eq!(said.len(), lines, "{said:?}");
            assert!(
                said.iter().all(|line| line.starts_with("survey, ")),
                "{said:?}"
            );
        }
    }

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
