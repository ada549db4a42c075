//! Purge: executes exactly a plan.
//!
//! One loop owns all state. A thing starts as soon as all that must be gone before it is gone; what the cloud deletes in its own time
//! is waited for by listing its kind, one listing for all things of the kind; what something stands in the way of is tried again.
//! What cannot go any more is told at once, and so is what depended on it.

mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::event::{Event, Phase};
use crate::plan::{Plan, PlanItem};
use crate::resource::{Seen, Thing};
use crate::rule::{Cause, Outcome, Rule, RuleError};

use super::listing::Place;
use super::{Engine, ListingFailure};
use progress::{Progress, State};

/// How a thing of the plan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is gone, as far as the purge can tell.
    Gone,
    /// It could not be deleted.
    Failed(String),
    /// It was not tried: what must go before it is left, or the run was ended.
    Abandoned(String),
    /// It was not tried: something that is kept stands in the way.
    Blocked(String),
}

/// Looks a thing expected to vanish with its owner is granted before it is deleted itself.
const LOOKS_FOR_COMPANIONS: u32 = 2;

/// Listings of one kind that may fail in a row while its things are waited for.
const FAILED_LOOKS_MAX: u32 = 5;

/// How often an attempt is repeated that the cloud was too busy for.
const BUSY_ATTEMPTS_MAX: u32 = 5;

/// What a running piece of work comes to.
enum Done {
    Deleted {
        item: usize,
        result: Result<Outcome, RuleError>,
    },
    Listed {
        kind: Arc<str>,
        asked: Instant,
        result: Result<Listed, ListingFailure>,
    },
}

/// What a look at a kind showed.
struct Listed {
    /// Things still there, by id, with their state.
    there: BTreeMap<Arc<str>, Option<String>>,
    pages: usize,
}

/// The looks at one kind.
#[derive(Debug, Default)]
struct Look {
    due: Option<Instant>,
    running: bool,
    looks: u32,
    failed: u32,
    pages: usize,
}

impl<R: Rule> Engine<R> {
    /// Executes a plan, and says how each of its things ended. A cancelled purge starts nothing more, waits for what is under way
    /// and abandons the rest.
    pub async fn purge(&self, plan: &Plan) -> Vec<Fate> {
        self.notice(Event::Phase {
            phase: Phase::Purge,
        });
        let mut purge = Purge {
            engine: self,
            plan,
            progress: Progress::new(plan),
            running: FuturesUnordered::new(),
            deletions: 0,
            looks: BTreeMap::new(),
            deadline: Instant::now() + Duration::from_secs(self.limits.deadline_s),
        };
        purge.run().await;
        purge.progress.fates(plan)
    }
}

struct Purge<'a, R> {
    engine: &'a Engine<R>,
    plan: &'a Plan,
    progress: Progress,
    running: FuturesUnordered<BoxFuture<'a, Done>>,
    deletions: usize,
    looks: BTreeMap<Arc<str>, Look>,
    deadline: Instant,
}

impl<'a, R: Rule> Purge<'a, R> {
    async fn run(&mut self) {
        loop {
            self.start_due();
            let next = self.next_due();
            if self.running.is_empty() && next.is_none() {
                if self.progress.release_stalled() {
                    continue;
                }
                return;
            }
            let until = next.unwrap_or(self.deadline).min(self.deadline);
            tokio::select! {
                biased;
                () = self.engine.cancel.cancelled() => return self.wind_up("the run was interrupted").await,
                Some(done) = self.running.next() => self.take(done),
                () = tokio::time::sleep_until(until) => {
                    if Instant::now() >= self.deadline {
                        return self.wind_up("the limit deadline_s was reached").await;
                    }
                }
            }
        }
    }

    /// Lets the deletions under way come to an end, so that the audit log has their outcomes, and gives up the rest.
    async fn wind_up(&mut self, why: &str) {
        while self.deletions > 0 {
            match self.running.next().await {
                Some(done) => self.take(done),
                None => break,
            }
        }
        self.progress.abandon_open(why);
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        while self.deletions < self.engine.limits.deletions_max {
            let Some(item) = self.progress.next_ready(now) else {
                break;
            };
            self.start_deletion(item);
        }
        let due: Vec<Arc<str>> = self
            .looks
            .iter()
            .filter(|(_, look)| !look.running && look.due.is_some_and(|due| due <= now))
            .map(|(kind, _)| kind.clone())
            .collect();
        for kind in due {
            self.start_look(&kind);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let looks = self
            .looks
            .values()
            .filter(|look| !look.running)
            .filter_map(|look| look.due);
        let full = self.deletions >= self.engine.limits.deletions_max;
        let retries = self.progress.next_retry().filter(|_| !full);
        looks.chain(retries).min()
    }

    fn start_deletion(&mut self, item: usize) {
        let Some((planned, thing)) = self.item(item) else {
            return self
                .progress
                .fail(item, "it was not listed, so there is nothing to go by");
        };
        let Some((rule, kind)) = self.engine.kind(&planned.thing.kind) else {
            return self.progress.fail(item, "no rule knows its kind");
        };
        let attempt = self.progress.begin(item);
        self.engine.notice(Event::Asked {
            thing: planned.thing.clone(),
            attempt,
        });
        self.deletions += 1;
        self.running.push(Box::pin(async move {
            Done::Deleted {
                item,
                result: rule.delete(kind, thing).await,
            }
        }));
    }

    fn start_look(&mut self, kind: &Arc<str>) {
        let lingering: Vec<usize> = self.progress.lingering(kind).collect();
        let (Some((_, declared)), Some(look)) = (self.engine.kind(kind), self.looks.get_mut(kind))
        else {
            return;
        };
        if lingering.is_empty() {
            *look = Look {
                pages: look.pages,
                ..Look::default()
            };
            return;
        }
        look.running = true;
        look.looks += 1;
        let things = lingering
            .iter()
            .filter_map(|&item| self.plan.items.get(item)?.seen.as_ref());
        let places: BTreeSet<Place> = things
            .map(|thing| Place {
                project: thing.project.clone(),
                parent: thing.parent.clone(),
            })
            .collect();
        let scopes = self.engine.scopes_of(declared, &places, look.pages);
        let (engine, kind, asked) = (self.engine, kind.clone(), Instant::now());
        self.running.push(Box::pin(async move {
            let mut listed = Listed {
                there: BTreeMap::new(),
                pages: 0,
            };
            for scope in scopes {
                let note = |seen: Vec<Seen>| {
                    listed.there.extend(
                        seen.into_iter()
                            .map(|seen| (seen.thing.at.id, seen.thing.status)),
                    );
                };
                match engine.list(declared, &scope, note).await {
                    Ok(pages) => listed.pages = listed.pages.max(pages),
                    Err(failure) => {
                        return Done::Listed {
                            kind,
                            asked,
                            result: Err(failure),
                        };
                    }
                }
            }
            Done::Listed {
                kind,
                asked,
                result: Ok(listed),
            }
        }));
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Deleted { item, result } => {
                self.deletions -= 1;
                self.take_deletion(item, result);
            }
            Done::Listed {
                kind,
                asked,
                result,
            } => self.take_look(&kind, asked, result),
        }
        self.tell();
    }

    fn take_deletion(&mut self, item: usize, result: Result<Outcome, RuleError>) {
        match result {
            Ok(Outcome::Gone) => self.progress.gone(item),
            Ok(Outcome::Accepted) => self.progress.linger(item, false),
            Ok(Outcome::Blocked(by)) => {
                let by: Vec<String> = by.iter().map(ToString::to_string).collect();
                let why = if by.is_empty() {
                    "something is in the way".to_owned()
                } else {
                    by.join(", ")
                };
                self.in_the_way(item, format!("in the way: {why}"));
            }
            Ok(Outcome::Refused(why)) => self.progress.fail(item, &format!("refused: {why}")),
            Err(error) => match error.cause {
                Cause::NotFound => self.progress.gone(item),
                Cause::Conflict(why) => self.in_the_way(item, why),
                Cause::Throttled(_) | Cause::Unavailable(_)
                    if self.progress.attempts(item) < BUSY_ATTEMPTS_MAX =>
                {
                    self.in_the_way(item, error.cause.to_string());
                }
                _ => self.progress.fail(item, &error.to_string()),
            },
        }
    }

    fn in_the_way(&mut self, item: usize, why: String) {
        if let Some(planned) = self.plan.items.get(item) {
            self.engine.notice(Event::InTheWay {
                thing: planned.thing.clone(),
                why: why.clone(),
            });
        }
        let limits = &self.engine.limits;
        let attempts = self.progress.attempts(item);
        let is_idle = self.deletions == 0 && !self.progress.is_moving();
        let idle_attempts = self.progress.note_idle(item, is_idle);
        if attempts >= limits.attempts_max || idle_attempts >= limits.idle_attempts_max {
            self.progress.fail(item, &why);
        } else {
            self.progress
                .retry(item, Instant::now() + limits.pause(attempts));
        }
    }

    fn take_look(
        &mut self,
        kind: &Arc<str>,
        asked: Instant,
        result: Result<Listed, ListingFailure>,
    ) {
        let Some(look) = self.looks.get_mut(kind) else {
            return;
        };
        look.running = false;
        let pause = self.engine.limits.pause(look.looks);
        look.due = Some(Instant::now() + pause);
        match result {
            Err(failure) => {
                look.failed += 1;
                if look.failed >= FAILED_LOOKS_MAX {
                    let items: Vec<usize> = self.progress.lingering(kind).collect();
                    for item in items {
                        self.progress.fail(
                            item,
                            &format!("nobody can say whether it has gone: {}", failure.why),
                        );
                    }
                }
            }
            Ok(listed) => {
                look.failed = 0;
                look.pages = listed.pages;
                self.sort_out(kind, asked, &listed);
            }
        }
    }

    /// Decides on each lingering thing of a kind by what a listing showed that was asked for after the thing was to go.
    fn sort_out(&mut self, kind: &Arc<str>, asked: Instant, listed: &Listed) {
        let patience = Duration::from_secs(self.engine.limits.disappear_s_max);
        let items: Vec<usize> = self.progress.lingering(kind).collect();
        let Some((_, declared)) = self.engine.kind(kind) else {
            return;
        };
        for item in items {
            let Some(State::Lingering {
                since,
                looks,
                with_owner,
            }) = self.progress.state(item).cloned()
            else {
                continue;
            };
            let Some(planned) = self.plan.items.get(item).filter(|_| since <= asked) else {
                continue;
            };
            match listed.there.get(&planned.thing.id) {
                None => self.progress.gone(item),
                Some(status) if declared.has_failed(status.as_deref()) => {
                    let status = status.as_deref().unwrap_or_default();
                    self.progress.fail(
                        item,
                        &format!("the cloud could not delete it: its status is {status}"),
                    );
                }
                Some(_) if with_owner && looks + 1 >= LOOKS_FOR_COMPANIONS => {
                    self.progress.ready(item);
                }
                Some(_) if since.elapsed() > patience => {
                    self.progress.fail(
                        item,
                        &format!(
                            "it is still there after disappear_s_max = {} s",
                            patience.as_secs()
                        ),
                    );
                }
                Some(_) => self.progress.looked(item),
            }
        }
    }

    /// Tells listeners what has changed, and sees to it that lingering things are looked at.
    fn tell(&mut self) {
        for change in self.progress.take_changes() {
            let Some(planned) = self.plan.items.get(change) else {
                continue;
            };
            let thing = planned.thing.clone();
            match self.progress.state(change) {
                Some(State::Ended(Fate::Gone)) => self.engine.notice(Event::Gone { thing }),
                Some(State::Ended(
                    Fate::Failed(why) | Fate::Abandoned(why) | Fate::Blocked(why),
                )) => {
                    self.engine.notice(Event::Failed {
                        thing,
                        why: why.clone(),
                    });
                }
                Some(State::Lingering { .. }) => {
                    let look = self.looks.entry(planned.thing.kind.clone()).or_default();
                    let soon = Instant::now() + self.engine.limits.pause(1);
                    look.due = Some(look.due.map_or(soon, |due| due.min(soon)));
                    look.looks = look.looks.min(1);
                }
                _ => {}
            }
        }
    }

    fn item(&self, item: usize) -> Option<(&'a PlanItem, &'a Thing)> {
        let planned = self.plan.items.get(item)?;
        Some((planned, planned.seen.as_ref()?))
    }
}
