//! The states of a plan's things, and what one thing's end means for those that wait for it. No I/O, no waiting.

mod grounds;
mod track;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::plan::Plan;

use super::Fate;
use track::{Track, linked};

/// Where a thing stands on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Other things must be gone first.
    Waiting,
    /// It can be deleted.
    Ready,
    /// It can be deleted again at this time.
    Retry(Instant),
    /// The cloud is being asked.
    Deleting {
        /// The tick at which it was asked.
        begun: u64,
    },
    /// It is on its way out, and listings will tell.
    Lingering {
        /// Since when.
        since: Instant,
        /// How often it was looked for since.
        looks: u32,
        /// Whether nobody asked for it yet, because it goes with its owner.
        with_owner: bool,
    },
    /// It can be deleted once it was looked at again.
    Unsighted,
    /// It has come to its end.
    Ended(Fate),
}

impl State {
    /// Whether the cloud was asked to delete it, and has said that it will.
    fn is_asked(&self) -> bool {
        matches!(
            self,
            Self::Lingering {
                with_owner: false,
                ..
            }
        )
    }
}

/// What it means that something was in the way of a thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct PutOff {
    /// How many times in a row this was so although nothing that could get out of the way has moved since the time before, or is on
    /// its way.
    pub(super) idle_attempts: u32,
    /// Whether anything has moved since the time before.
    pub(super) has_moved: bool,
}

/// The states of all things of a plan.
pub(super) struct States {
    tracks: Vec<Track>,
    kind_order: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Kinds whose things go over what is in them.
    containers: BTreeSet<Arc<str>>,
    /// Kinds whose things go along with containers, and after all that those go after.
    parts: BTreeSet<Arc<str>>,
    /// The first thing of each kind that was left though it could be tried.
    left_by_kind: BTreeMap<Arc<str>, usize>,
    open_by_kind: BTreeMap<Arc<str>, usize>,
    ready: BTreeMap<Arc<str>, BTreeSet<usize>>,
    underway: BTreeSet<(u64, usize)>,
    /// Counts what happens, so that it can be told what happened first.
    tick: u64,
    moved_at: u64,
    retries: BTreeSet<(Instant, usize)>,
    lingering: BTreeMap<Arc<str>, BTreeSet<usize>>,
    unsighted: BTreeMap<Arc<str>, BTreeSet<usize>>,
    changes: Vec<usize>,
    /// Kinds of which something has gone.
    gone_kinds: BTreeSet<Arc<str>>,
}

impl States {
    /// `taken_by` gives the kinds with whose things those of a kind go along.
    pub(super) fn new(
        plan: &Plan,
        is_container: &dyn Fn(&str) -> bool,
        taken_by: &dyn Fn(&str) -> Vec<Arc<str>>,
    ) -> Self {
        let kinds = plan.kind_order.keys();
        let containers = kinds.clone().filter(|kind| is_container(kind)).cloned();
        let parts = kinds.filter(|kind| {
            let wholes = taken_by(kind)
                .into_iter()
                .filter(|whole| is_container(whole));
            let mut orders = wholes.filter_map(|whole| plan.kind_order.get(&whole));
            orders.any(|firsts| {
                plan.kind_order
                    .get(*kind)
                    .is_some_and(|own| !own.is_disjoint(firsts))
            })
        });
        let parts = parts.cloned().collect();
        let mut states = Self {
            tracks: linked(&plan.items),
            kind_order: plan.kind_order.clone(),
            containers: containers.collect(),
            parts,
            left_by_kind: BTreeMap::new(),
            open_by_kind: BTreeMap::new(),
            ready: BTreeMap::new(),
            underway: BTreeSet::new(),
            tick: 0,
            moved_at: 0,
            retries: BTreeSet::new(),
            lingering: BTreeMap::new(),
            unsighted: BTreeMap::new(),
            changes: Vec::new(),
            gone_kinds: BTreeSet::new(),
        };
        for item in &plan.items {
            let open = states.open_by_kind.entry(item.thing.kind.clone());
            *open.or_default() += 1;
        }
        for (position, item) in plan.items.iter().enumerate() {
            if let Some(why) = item.why_blocked() {
                states.end(position, Fate::Blocked(why));
            } else if item.waits_for.is_empty() {
                states.ready(position);
            }
        }
        states
    }

    fn track(&self, item: usize) -> Option<&Track> {
        self.tracks.get(item)
    }

    pub(super) fn state(&self, item: usize) -> Option<&State> {
        self.track(item).map(|track| &track.state)
    }

    /// Takes the next thing whose deletion can start.
    pub(super) fn next_ready(&mut self, now: Instant) -> Option<usize> {
        if let Some(&(due, item)) = self.retries.first().filter(|(due, _)| *due <= now) {
            self.retries.remove(&(due, item));
            return Some(item);
        }
        let item = self.startable().min()?;
        self.unready(item);
        Some(item)
    }

    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.retries.first().map(|(due, _)| *due)
    }

    pub(super) fn begin(&mut self, item: usize) -> u32 {
        let begun = self.next_tick();
        self.set(item, State::Deleting { begun });
        self.underway.insert((begun, item));
        self.tracks.get_mut(item).map_or(1, |track| {
            track.is_doubtful = false;
            track.attempts += 1;
            track.attempts
        })
    }

    pub(super) fn attempts(&self, item: usize) -> u32 {
        self.track(item).map_or(0, |track| track.attempts)
    }

    /// Takes note that something was in the way of a thing.
    pub(super) fn put_off(&mut self, item: usize) -> PutOff {
        let begun = match self.state(item) {
            Some(State::Deleting { begun }) => *begun,
            _ => self.tick,
        };
        let now = self.next_tick();
        let track = self.tracks.get_mut(item);
        let before = track.and_then(|track| track.put_off_at.replace(now));
        let before = before.unwrap_or(begun);
        let has_long_been_asked = self.underway.range(..(before, 0)).next().is_some();
        let has_moved = self.moved_at >= before;
        let is_idle = !has_moved
            && !has_long_been_asked
            && self.startable().next().is_none()
            && self.lingering.values().all(BTreeSet::is_empty);
        let idle_attempts = self.tracks.get_mut(item).map_or(0, |track| {
            track.idle_attempts = if is_idle { track.idle_attempts + 1 } else { 0 };
            track.idle_attempts
        });
        PutOff {
            idle_attempts,
            has_moved,
        }
    }

    /// Brings forward to `latest` what was to be tried later than that.
    pub(super) fn hasten(&mut self, latest: Instant) {
        let later = self.retries.split_off(&(latest, 0));
        for (_, item) in later {
            self.set(item, State::Retry(latest));
            self.retries.insert((latest, item));
        }
    }

    pub(super) fn ready(&mut self, item: usize) {
        self.set(item, State::Ready);
        if let Some(kind) = self.kind(item) {
            self.ready.entry(kind).or_default().insert(item);
        }
    }

    /// Whether the cloud was ever asked for it, or is being asked.
    fn is_asked_for(&self, item: usize) -> bool {
        let is_underway = matches!(self.state(item), Some(State::Deleting { .. }));
        is_underway || self.track(item).is_some_and(|track| track.was_asked_for)
    }

    /// Takes note that a request for it has left, or that none has. Returns whether any ever did.
    pub(super) fn note_request(&mut self, item: usize, has_left: bool) -> bool {
        self.tracks.get_mut(item).is_some_and(|track| {
            track.was_asked_for |= has_left;
            track.was_asked_for
        })
    }

    /// As if nobody had tried it yet.
    pub(super) fn begin_anew(&mut self, item: usize) {
        if let Some(track) = self.tracks.get_mut(item) {
            (track.attempts, track.idle_attempts) = (0, 0);
        }
        self.ready(item);
    }

    /// Puts a thing off until these kinds were looked at again.
    pub(super) fn await_sight(&mut self, item: usize, kinds: BTreeSet<Arc<str>>) {
        self.set(item, State::Unsighted);
        for kind in kinds {
            self.unsighted.entry(kind).or_default().insert(item);
        }
    }

    /// Kinds of which something has to be looked at again.
    pub(super) fn unsighted_kinds(&self) -> Vec<Arc<str>> {
        let kinds = self.unsighted.iter();
        kinds
            .filter(|(_, items)| !items.is_empty())
            .map(|(kind, _)| kind.clone())
            .collect()
    }

    /// Whether nobody has begun to delete it.
    pub(super) fn is_untried(&self, item: usize) -> bool {
        matches!(
            self.state(item),
            Some(State::Waiting | State::Ready | State::Unsighted)
        )
    }

    /// Whether nothing is under way about it, though it may have been tried.
    pub(super) fn is_idle(&self, item: usize) -> bool {
        self.is_untried(item) || matches!(self.state(item), Some(State::Retry(_)))
    }

    /// Whether anything of a thing's kind has gone.
    pub(super) fn has_lost_one_like(&self, item: usize) -> bool {
        let kind = self.kind(item);
        kind.is_some_and(|kind| self.gone_kinds.contains(&kind))
    }

    fn has_gone(&self, item: usize) -> bool {
        self.state(item) == Some(&State::Ended(Fate::Gone))
    }

    /// Takes note that nobody knows whether the cloud took the last request.
    pub(super) fn note_doubt(&mut self, item: usize) {
        if let Some(track) = self.tracks.get_mut(item) {
            track.is_doubtful = true;
        }
    }

    /// What has to be looked at again of a kind.
    pub(super) fn unsighted(&self, kind: &Arc<str>) -> Vec<usize> {
        let items = self.unsighted.get(kind).into_iter().flatten();
        items.copied().collect()
    }

    /// Whether nobody knows of a request that the cloud has taken.
    pub(super) fn has_failed(&self, item: usize) -> bool {
        let is_left =
            |state: &State| matches!(state, State::Ended(Fate::Failed(_) | Fate::Abandoned(_)));
        let track = self.track(item);
        track.is_some_and(|track| is_left(&track.state) && !track.is_accepted)
    }

    /// The deletion that was accepted has come to nothing.
    pub(super) fn note_end_of_deletion(&mut self, item: usize) {
        if let Some(track) = self.tracks.get_mut(item) {
            track.is_accepted = false;
        }
    }

    /// What has not come to its end.
    pub(super) fn is_open(&self, item: usize) -> bool {
        !matches!(self.state(item), None | Some(State::Ended(_)))
    }

    /// What waits for this thing.
    pub(super) fn waiting_for(&self, item: usize) -> impl Iterator<Item = usize> + use<'_> {
        let track = self.track(item).into_iter();
        track.flat_map(|track| track.followers.iter().copied())
    }

    /// A thing that another one waits for waits for that itself. Once all say so that the other still waits for, it may go.
    pub(super) fn take_back(&mut self, item: usize, waiting: usize) {
        let Some(track) = self.tracks.get_mut(waiting) else {
            return;
        };
        track.taken_back.insert(item);
        let is_free = track.unmet == track.taken_back.len();
        if is_free && track.state == State::Waiting {
            self.ready(waiting);
        }
    }

    pub(super) fn retry(&mut self, item: usize, due: Instant) {
        self.set(item, State::Retry(due));
        self.retries.insert((due, item));
    }

    pub(super) fn linger(&mut self, item: usize, with_owner: bool) {
        self.moved_at = self.next_tick();
        self.set(
            item,
            State::Lingering {
                since: Instant::now(),
                looks: 0,
                with_owner,
            },
        );
        if let Some(track) = self.tracks.get_mut(item) {
            track.is_accepted |= !with_owner;
            let lingering = self.lingering.entry(track.thing.kind.clone());
            lingering.or_default().insert(item);
        }
        self.changes.push(item);
    }

    pub(super) fn looked(&mut self, item: usize) {
        let track = self.tracks.get_mut(item);
        if let Some(State::Lingering { looks, .. }) = track.map(|track| &mut track.state) {
            *looks += 1;
        }
    }

    pub(super) fn lingering(&self, kind: &Arc<str>) -> impl Iterator<Item = usize> + use<'_> {
        self.lingering.get(kind).into_iter().flatten().copied()
    }

    pub(super) fn gone(&mut self, item: usize) {
        self.gone_kinds.extend(self.kind(item));
        self.moved_at = self.next_tick();
        self.end(item, Fate::Gone);
        for follower in self.followers(item) {
            self.lose_one(follower, item);
        }
    }

    /// Ends what has not ended. What the cloud was asked to delete may still go.
    pub(super) fn abandon_open(&mut self, why: &str) {
        for item in 0..self.tracks.len() {
            let Some(track) = self.track(item).filter(|_| self.is_open(item)) else {
                continue;
            };
            let fate = match track.state.is_asked() || track.is_doubtful {
                true => Fate::Asked(why.to_owned()),
                false => Fate::Abandoned(why.to_owned()),
            };
            self.end(item, fate);
        }
    }

    /// Lets things go whose kinds wait for each other's things in a way that the things themselves contradict. Says whether there
    /// were any.
    pub(super) fn release_stalled(&mut self) -> bool {
        let is_held = self.ready.values().any(|items| !items.is_empty());
        let released = self.kind_order.len();
        if is_held {
            // Nothing is let go over what is in it, nor what its things may need while they go.
            self.kind_order
                .retain(|kind, _| self.containers.contains(kind) || self.parts.contains(kind));
        }
        self.kind_order.len() < released
    }

    /// Things that lingered or ended since this was last asked.
    pub(super) fn take_changes(&mut self) -> BTreeSet<usize> {
        // A thing may change twice before anybody asks; what came of it is told once.
        std::mem::take(&mut self.changes).into_iter().collect()
    }

    /// Which things have ended, in the plan's order.
    pub(super) fn ended(&self) -> impl Iterator<Item = bool> {
        let tracks = self.tracks.iter();
        tracks.map(|track| matches!(track.state, State::Ended(_)))
    }

    pub(super) fn fates(self, plan: &Plan) -> Vec<Fate> {
        debug_assert_eq!(self.tracks.len(), plan.items.len());
        let fate = |state| match state {
            State::Ended(fate) => fate,
            State::Waiting => Fate::Abandoned("what must go before it did not go".to_owned()),
            state if state.is_asked() => Fate::Asked("the purge ended before it did".to_owned()),
            State::Ready
            | State::Retry(_)
            | State::Deleting { .. }
            | State::Unsighted
            | State::Lingering { .. } => {
                Fate::Abandoned("the purge ended before it did".to_owned())
            }
        };
        let states = self.tracks.into_iter().map(|track| track.state);
        states.map(fate).collect()
    }

    /// One of the things that `item` waits for has gone.
    fn lose_one(&mut self, item: usize, gone: usize) {
        let Some(track) = self.tracks.get_mut(item) else {
            return;
        };
        track.unmet = track.unmet.saturating_sub(1);
        track.taken_back.remove(&gone);
        if track.unmet > track.taken_back.len() || track.state != State::Waiting {
            return;
        }
        let owner = track.goes_with;
        if owner.is_some_and(|owner| owner == gone || self.has_gone(owner)) {
            self.linger(item, true);
        } else {
            self.ready(item);
        }
    }

    /// The first thing of each kind whose things can start now.
    fn startable(&self) -> impl Iterator<Item = usize> {
        let kinds = self.ready.iter().filter(|(kind, _)| self.kind_may_go(kind));
        kinds.filter_map(|(_, items)| items.first().copied())
    }

    fn kind_may_go(&self, kind: &Arc<str>) -> bool {
        let firsts = self.kind_order.get(kind);
        let is_open = |kind: &Arc<str>| self.open_by_kind.get(kind).is_some_and(|open| *open > 0);
        !firsts.into_iter().flatten().any(is_open)
    }

    fn followers(&self, item: usize) -> Vec<usize> {
        self.track(item)
            .map_or_else(Vec::new, |track| track.followers.clone())
    }

    fn kind(&self, item: usize) -> Option<Arc<str>> {
        self.track(item).map(|track| track.thing.kind.clone())
    }

    fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    fn unready(&mut self, item: usize) {
        let kind = self.kind(item);
        if let Some(items) = kind.and_then(|kind| self.ready.get_mut(&kind)) {
            items.remove(&item);
        }
    }

    fn end(&mut self, item: usize, fate: Fate) {
        let Some(kind) = self.kind(item).filter(|_| self.is_open(item)) else {
            return;
        };
        let is_left = !matches!(fate, Fate::Gone | Fate::Blocked(_));
        self.set(item, State::Ended(fate));
        if let Some(open) = self.open_by_kind.get_mut(&kind) {
            *open = open.saturating_sub(1);
        }
        if is_left {
            self.left_by_kind.entry(kind).or_insert(item);
        }
        self.changes.push(item);
    }

    fn set(&mut self, item: usize, state: State) {
        let Some(track) = self.tracks.get_mut(item) else {
            return;
        };
        match std::mem::replace(&mut track.state, state) {
            State::Ready => self.unready(item),
            State::Deleting { begun } => {
                self.underway.remove(&(begun, item));
            }
            State::Retry(due) => {
                self.retries.remove(&(due, item));
            }
            State::Lingering { .. } => {
                if let Some(items) = self.lingering.get_mut(&track.thing.kind) {
                    items.remove(&item);
                }
            }
            State::Unsighted => {
                for items in self.unsighted.values_mut() {
                    items.remove(&item);
                }
            }
            State::Waiting | State::Ended(_) => {}
        }
    }
}
