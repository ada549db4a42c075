//! Purge: executes exactly a plan.
//!
//! One loop owns all state. A thing starts as soon as all that must be gone before it is gone; what the cloud deletes in its own time
//! is waited for by listing its kind, one listing for all things of the kind; what something stands in the way of is tried again.
//! What cannot go any more is told at once, and so is what depended on it.

mod contents;
mod looks;
mod sight;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::event::{Ending, Event, Phase};
use crate::plan::{Plan, PlanItem, Reason, Sieve};
use crate::resource::{Kind, Thing, ThingRef};
use crate::rule::{Cause, Outcome, Rule, RuleError};

use super::{Engine, ListingFailure};
use contents::{Contents, Strangers};
use looks::{LEFT_BEHIND, Listed, Watch};
use sight::{Index, Shown, Sights};
use states::{PutOff, State, States};

/// How a thing of the plan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is gone, as far as the purge can tell.
    Gone,
    /// It could not be deleted.
    Failed(String),
    /// It was not tried, because what must go before it is left; or the run was ended before it was tried or seen to go.
    Abandoned(String),
    /// It was not tried: something that is kept stands in the way.
    Blocked(String),
    /// The cloud was asked to delete it and said that it would, and the run ended before it was seen to go.
    Asked(String),
}

/// What is told of a thing's deletion while a purge goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// The cloud is about to be asked for it, or for something that takes it along.
    Begun,
    /// It has refused.
    Refused,
    /// In the end nobody knows of any request that it has taken; but one may not have been answered.
    Failed,
}

/// Listings of one kind that may fail in a row while its things are waited for.
const FAILED_LOOKS_MAX: u32 = 5;

impl Fate {
    /// What became of a thing that has not gone, and why. `None`: it has gone.
    pub fn ending(&self) -> Option<(Ending, &str)> {
        match self {
            Self::Gone => None,
            Self::Failed(why) => Some((Ending::Failed, why)),
            Self::Abandoned(why) => Some((Ending::Abandoned, why)),
            Self::Blocked(why) => Some((Ending::Blocked, why)),
            Self::Asked(why) => Some((Ending::Asked, why)),
        }
    }

    /// Whether the thing may be gone after all.
    pub fn is_open_to_doubt(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Abandoned(_) | Self::Asked(_))
    }
}

/// How often an attempt is repeated that the cloud was too busy for.
const BUSY_ATTEMPTS_MAX: u32 = 5;

/// How often a deletion is denied that nobody has seen to be allowed, before that is believed.
const DENIALS_MIN: u32 = 2;

/// Attempts after which a thing that nothing else moves for is taken to be stuck.
const IDLE_ATTEMPTS_MIN: u32 = 2;

/// How much longer the longest pause before an attempt is while other things are on their way out and none has got there.
const STANDSTILL: u64 = 4;

/// Why nothing more is begun.
const INTERRUPTED: &str = "the run was interrupted";

/// Things in the way that a line names.
const BLOCKERS_NAMED: usize = 10;

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
    LookedInto {
        projects: BTreeMap<usize, BTreeSet<usize>>,
        result: Result<Strangers, ListingFailure>,
    },
    Sighted {
        kind: Arc<str>,
        result: Result<Shown, ListingFailure>,
    },
}

/// An id, and what it is unique within, if that is not the cloud.
type IdWithin = (Arc<str>, Option<Arc<str>>);

fn id_within(kind: &Kind, thing: &Thing) -> IdWithin {
    (thing.at.id.clone(), kind.within(thing).map(Arc::from))
}

impl<R: Rule> Engine<R> {
    /// Executes a plan, and says how each of its things ended. `note` is told what comes of asking for it.
    /// A cancelled purge starts nothing more, waits for what is under way and abandons the rest.
    pub async fn purge(
        &self,
        plan: &Plan,
        sieve: &Sieve,
        note: &(dyn Fn(&ThingRef, Asking) + Sync),
    ) -> Vec<Fate> {
        self.notice(Event::Phase {
            phase: Phase::Purge,
        });
        let mut purge = Purge {
            engine: self,
            plan,
            sieve,
            note,
            sights: Sights::default(),
            index: Arc::new(Index::of(plan, |kind| Some(self.kind(kind)?.1))),
            contents: Contents::default(),
            states: States::new(plan, &|kind| self.is_container(kind), &|kind| {
                let known = self.kind(kind);
                known.map_or_else(Vec::new, |(_, kind)| kind.effects.taken_by.clone())
            }),
            running: FuturesUnordered::new(),
            deletions: 0,
            looks: BTreeMap::new(),
            insisted_on: self.hidden(plan),
            busy_since: BTreeMap::new(),
            deadline: self.deadline(),
        };
        // A run that was interrupted while it looked or asked has begun nothing that would have to come to an end.
        if self.cancel.is_cancelled() {
            purge.states.abandon_open(INTERRUPTED);
        } else {
            purge.run().await;
        }
        purge.tell();
        purge.tell_of_failures();
        let told: Vec<bool> = purge.states.ended().collect();
        let fates = purge.states.fates(plan);
        let ends = plan.items.iter().zip(&fates).zip(told);
        for ((item, fate), _) in ends.filter(|(_, is_told)| !is_told) {
            self.notice_end(&item.thing, fate);
        }
        fates
    }

    fn notice_end(&self, thing: &ThingRef, fate: &Fate) {
        let thing = thing.clone();
        self.notice(match fate.ending() {
            None => Event::Gone { thing },
            Some((ending, why)) => Event::Failed {
                thing,
                ending,
                why: why.to_owned(),
            },
        });
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        let allowed = Duration::from_secs(self.limits.deadline_s);
        now.checked_add(allowed).unwrap_or(now)
    }

    /// What is hidden already, which no ordinary deletion moves.
    fn hidden(&self, plan: &Plan) -> BTreeSet<usize> {
        let is_hidden = |(position, item): (usize, &PlanItem)| {
            let (rule, kind) = self.kind(&item.thing.kind)?;
            let status = item.seen.as_ref()?.status.as_deref();
            let insists = self.insists && rule.can_force(kind);
            (insists && kind.effects.is_hidden(status)).then_some(position)
        };
        plan.open().filter_map(is_hidden).collect()
    }
}

struct Purge<'a, R> {
    engine: &'a Engine<R>,
    plan: &'a Plan,
    sieve: &'a Sieve,
    note: &'a (dyn Fn(&ThingRef, Asking) + Sync),
    sights: Sights,
    index: Arc<Index>,
    contents: Contents,
    states: States,
    running: FuturesUnordered<BoxFuture<'a, Done>>,
    deletions: usize,
    looks: BTreeMap<Arc<str>, Watch>,
    /// Things that an ordinary deletion did not move.
    insisted_on: BTreeSet<usize>,
    /// Since when things are in the middle of changes of their own.
    busy_since: BTreeMap<usize, Instant>,
    deadline: Instant,
}

impl<'a, R: Rule> Purge<'a, R> {
    async fn run(&mut self) {
        loop {
            if Instant::now() >= self.deadline {
                return self.wind_up("the limit deadline_s was reached").await;
            }
            self.start_due();
            self.tell();
            let next = self.next_due();
            if self.running.is_empty() && next.is_none() {
                if self.states.release_stalled() {
                    continue;
                }
                return;
            }
            let until = next.unwrap_or(self.deadline).min(self.deadline);
            tokio::select! {
                biased;
                () = self.engine.cancel.cancelled() => return self.wind_up(INTERRUPTED).await,
                Some(done) = self.running.next() => self.take(done),
                () = tokio::time::sleep_until(until) => {}
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
        self.states.abandon_open(why);
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        while self.deletions < self.engine.limits.deletions_max {
            let Some(item) = self.states.next_ready(now) else {
                break;
            };
            if self.states.end_if_it_stays(item) {
                continue;
            }
            let old = self.old_sights(item);
            if !old.is_empty() {
                self.states.await_sight(item, old);
            } else if !self.await_contents(item) {
                self.start_deletion(item);
            }
        }
        self.start_sightings();
        self.start_look_into_projects();
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
        let retries = self.states.next_retry().filter(|_| !full);
        looks.chain(retries).min()
    }

    fn start_deletion(&mut self, item: usize) {
        let (Some((planned, _)), Some(thing)) = (self.item(item), self.last_seen(item)) else {
            return self
                .states
                .fail(item, "it was not listed, so there is nothing to go by");
        };
        if matches!(planned.reason, Reason::Along { .. }) {
            return self.states.fail(item, LEFT_BEHIND);
        }
        let Some((rule, kind)) = self.engine.kind(&planned.thing.kind) else {
            return self.states.fail(item, "no rule knows its kind");
        };
        self.note_asking(item, Asking::Begun);
        let attempt = self.states.begin(item);
        self.engine.notice(Event::Asked {
            thing: planned.thing.clone(),
            attempt,
        });
        self.deletions += 1;
        let insists = self.insisted_on.contains(&item);
        self.running.push(Box::pin(async move {
            let result = if insists {
                rule.force(kind, &thing).await
            } else {
                rule.delete(kind, &thing).await
            };
            Done::Deleted { item, result }
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
            Done::LookedInto { projects, result } => {
                self.take_look_into_projects(&projects, result);
            }
            Done::Sighted { kind, result } => self.take_sighting(&kind, result),
        }
        self.tell();
    }

    /// Whoever asks for a thing asks for what goes along with it. What goes by another request too is not refused with this one.
    fn note_asking(&self, item: usize, asking: Asking) {
        let along = self.states.companions(item);
        let is_meant = |it: &usize| asking == Asking::Begun || !self.states.is_covered(*it, item);
        let things = std::iter::once(item).chain(along).filter(is_meant);
        for planned in things.filter_map(|it| self.plan.items.get(it)) {
            (self.note)(&planned.thing, asking);
        }
    }

    fn take_deletion(&mut self, item: usize, result: Result<Outcome, RuleError>) {
        let has_ever_left = self.states.note_request(item, has_asked(&result));
        if is_refusal(&result) || !has_ever_left {
            self.note_asking(item, Asking::Refused);
        }
        if let Err(RuleError {
            cause: Cause::Unavailable(_),
            ..
        }) = &result
        {
            self.states.note_doubt(item);
        }
        match result {
            Ok(Outcome::Gone) => self.states.gone(item),
            Ok(Outcome::Accepted) => self.states.linger(item, false),
            Ok(Outcome::Blocked(by)) if self.names_itself(item, &by) => self.busy(item),
            Ok(Outcome::Blocked(by)) => {
                self.release(item, &by);
                self.in_the_way(item, format!("in the way: {}", named(&by)));
            }
            Ok(Outcome::Refused(why)) => self.give_up(item, &format!("refused: {why}")),
            Err(error) => match error.cause {
                Cause::NotFound => self.states.gone(item),
                Cause::Conflict(why) => self.in_the_way(item, why),
                Cause::Throttled(_) | Cause::Unavailable(_)
                    if self.states.attempts(item) < BUSY_ATTEMPTS_MAX =>
                {
                    self.in_the_way(item, error.cause.to_string());
                }
                // Keystone says so too while its database is coming or going.
                Cause::Denied(_) if self.states.attempts(item) < self.denials_max(item) => {
                    self.in_the_way(item, error.cause.to_string());
                }
                Cause::Denied(_) | Cause::Other(_) | Cause::Unavailable(_) => {
                    self.give_up(item, &error.to_string());
                }
                _ => self.states.fail(item, &error.to_string()),
            },
        }
    }

    /// How often it may be denied before that is believed. Who could delete one of a kind may delete another.
    fn denials_max(&self, item: usize) -> u32 {
        match self.states.has_lost_one_like(item) {
            true => BUSY_ATTEMPTS_MAX,
            false => DENIALS_MIN,
        }
    }

    fn names_itself(&self, item: usize, by: &[ThingRef]) -> bool {
        let planned = self.plan.items.get(item);
        planned.is_some_and(|planned| by.contains(&planned.thing))
    }

    /// It is in the middle of a change of its own, and nothing that others do ends that.
    fn busy(&mut self, item: usize) {
        let limits = &self.engine.limits;
        let now = Instant::now();
        let since = *self.busy_since.entry(item).or_insert(now);
        if now.duration_since(since) > Duration::from_secs(limits.disappear_s_max) {
            let why = format!(
                "it is still in the middle of a change after disappear_s_max = {} s",
                limits.disappear_s_max
            );
            return self.give_up(item, &why);
        }
        let attempts = self.states.attempts(item);
        self.states.retry(item, now + limits.pause(attempts));
    }

    /// Insists, if the operator does and the rule can; else the thing is left.
    fn give_up(&mut self, item: usize, why: &str) {
        let kind = self.plan.items.get(item).map(|planned| &planned.thing.kind);
        let known = kind.and_then(|kind| self.engine.kind(kind));
        let can_insist =
            self.engine.insists && known.is_some_and(|(rule, kind)| rule.can_force(kind));
        if can_insist && self.insisted_on.insert(item) {
            self.busy_since.remove(&item);
            self.states.begin_anew(item);
        } else {
            self.states.fail(item, why);
        }
    }

    /// Lets things go at once that wait for this one, while their rule says that it waits for them: a router whose extra routes
    /// hold its interfaces takes the routes away when it is asked to go.
    fn release(&mut self, item: usize, by: &[ThingRef]) {
        let Some(blocked) = self.plan.items.get(item) else {
            return;
        };
        // A rule may take back an order that it asked for itself, among its own things or by naming an owner. Nothing is let go
        // over what is in it.
        let is_meant = |other: &usize| {
            let planned = self.plan.items.get(*other);
            planned.is_some_and(|PlanItem { thing, .. }| {
                let is_its_own = self
                    .engine
                    .are_of_one_rule(&blocked.thing.kind, &thing.kind);
                by.contains(thing)
                    && (is_its_own || blocked.names_as_owner(thing))
                    && !self.engine.is_container(&thing.kind)
            })
        };
        let waiting = self.states.waiting_for(item);
        let waiting: Vec<usize> = waiting.filter(is_meant).collect();
        for other in waiting {
            self.states.take_back(item, other);
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
        let attempts = self.states.attempts(item);
        let PutOff {
            idle_attempts,
            has_moved,
        } = self.states.put_off(item);
        // What kinds hold back may be the very thing that is in the way: better against their order than not at all.
        let is_released = idle_attempts >= IDLE_ATTEMPTS_MIN.min(limits.idle_attempts_max)
            && self.states.release_stalled();
        let is_over = attempts >= limits.attempts_max || idle_attempts >= limits.idle_attempts_max;
        if is_over && !is_released {
            self.give_up(item, &why);
        } else {
            let is_standstill = !has_moved && idle_attempts == 0;
            let patience = if is_standstill { STANDSTILL } else { 1 };
            let pause = limits.pause_up_to(attempts, limits.pause_ms_max * patience);
            self.states.retry(item, Instant::now() + pause);
        }
    }

    /// Tells listeners what has changed, and sees to it that lingering things are looked at.
    fn tell(&mut self) {
        for change in self.states.take_changes() {
            let Some(planned) = self.plan.items.get(change) else {
                continue;
            };
            if matches!(self.states.state(change), Some(State::Ended(_))) {
                let longest = Duration::from_millis(self.engine.limits.pause_ms_max);
                self.states.hasten(Instant::now() + longest);
            }
            match self.states.state(change) {
                Some(State::Ended(fate)) => self.engine.notice_end(&planned.thing, fate),
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

    /// Says of which things nobody knows that a request was taken, although they were asked for.
    fn tell_of_failures(&self) {
        for (item, planned) in self.plan.items.iter().enumerate() {
            let is_covered = self.states.is_covered(item, item);
            if self.states.was_asked_for(item) && self.states.has_failed(item) && !is_covered {
                (self.note)(&planned.thing, Asking::Failed);
            }
        }
    }

    fn item(&self, item: usize) -> Option<(&'a PlanItem, &'a Thing)> {
        let planned = self.plan.items.get(item)?;
        Some((planned, planned.seen.as_ref()?))
    }
}

/// Whether the cloud has said that it does not take a request.
fn is_refusal(result: &Result<Outcome, RuleError>) -> bool {
    match result {
        Ok(Outcome::Blocked(_) | Outcome::Refused(_)) => true,
        Ok(Outcome::Gone | Outcome::Accepted) => false,
        Err(error) => {
            let says_no = matches!(
                error.cause,
                Cause::Conflict(_) | Cause::Denied(_) | Cause::Throttled(_)
            );
            error.has_asked && says_no
        }
    }
}

/// Whether the cloud was asked at all: what had no token, for one, never was.
fn has_asked(result: &Result<Outcome, RuleError>) -> bool {
    result
        .as_ref()
        .map_or_else(|error| error.has_asked, |_| true)
}

/// What is in the way, in a line that a person can read to its end.
fn named(blockers: &[ThingRef]) -> String {
    if blockers.is_empty() {
        return "something is in the way".to_owned();
    }
    let named = blockers.iter().take(BLOCKERS_NAMED);
    let mut text = named
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let more = blockers.len().saturating_sub(BLOCKERS_NAMED);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
