//! The states of a plan's things, and what one thing's end means for those that wait for it. No I/O, no waiting.

mod grounds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::plan::{Plan, Support};
use crate::resource::ThingRef;

use super::Fate;

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
pub(super) struct Progress {
    states: Vec<State>,
    unmet: Vec<usize>,
    followers: Vec<Vec<usize>>,
    /// By what waits: what it waits for and is in the way of, by that one's own word.
    taken_back: BTreeMap<usize, BTreeSet<usize>>,
    goes_with: Vec<Option<usize>>,
    /// What has to go for each to go.
    rests_on: Vec<Support>,
    /// What rests on each.
    resting: Vec<Vec<usize>>,
    /// With whose deletion each goes along, and what goes along with each.
    takers: Vec<Vec<usize>>,
    takes: Vec<Vec<usize>>,
    /// What was seen to have to stay while it was being asked for, and why.
    stays: BTreeMap<usize, String>,
    /// What the cloud has said that it will delete, and has not been seen to fail at.
    accepted: BTreeSet<usize>,
    attempts: Vec<u32>,
    idle_attempts: Vec<u32>,
    things: Vec<ThingRef>,
    kind_order: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Kinds whose things go over what is in them.
    containers: BTreeSet<Arc<str>>,
    /// The first thing of each kind that was left though it could be tried.
    left_by_kind: BTreeMap<Arc<str>, usize>,
    open_by_kind: BTreeMap<Arc<str>, usize>,
    ready: BTreeMap<Arc<str>, BTreeSet<usize>>,
    underway: BTreeSet<(u64, usize)>,
    /// Counts what happens, so that it can be told what happened first.
    tick: u64,
    moved_at: u64,
    put_off_at: Vec<Option<u64>>,
    retries: BTreeSet<(Instant, usize)>,
    lingering: BTreeMap<Arc<str>, BTreeSet<usize>>,
    unsighted: BTreeMap<Arc<str>, BTreeSet<usize>>,
    /// Things whose last request was not answered.
    doubtful: BTreeSet<usize>,
    changes: Vec<usize>,
    /// Kinds of which something has gone.
    gone_kinds: BTreeSet<Arc<str>>,
}

impl Progress {
    pub(super) fn new(plan: &Plan, is_container: &dyn Fn(&str) -> bool) -> Self {
        let count = plan.items.len();
        let mut progress = Self {
            states: vec![State::Waiting; count],
            unmet: plan.items.iter().map(|item| item.waits_for.len()).collect(),
            followers: vec![Vec::new(); count],
            taken_back: BTreeMap::new(),
            goes_with: plan.items.iter().map(|item| item.goes_with).collect(),
            rests_on: plan
                .items
                .iter()
                .map(|item| item.rests_on.clone())
                .collect(),
            resting: vec![Vec::new(); count],
            takers: plan.items.iter().map(|item| item.takers.clone()).collect(),
            takes: vec![Vec::new(); count],
            stays: BTreeMap::new(),
            accepted: BTreeSet::new(),
            attempts: vec![0; count],
            idle_attempts: vec![0; count],
            things: plan.items.iter().map(|item| item.thing.clone()).collect(),
            kind_order: plan.kind_order.clone(),
            containers: plan
                .kind_order
                .keys()
                .filter(|kind| is_container(kind))
                .cloned()
                .collect(),
            left_by_kind: BTreeMap::new(),
            open_by_kind: BTreeMap::new(),
            ready: BTreeMap::new(),
            underway: BTreeSet::new(),
            tick: 0,
            moved_at: 0,
            put_off_at: vec![None; count],
            retries: BTreeSet::new(),
            lingering: BTreeMap::new(),
            unsighted: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            changes: Vec::new(),
            gone_kinds: BTreeSet::new(),
        };
        for (position, item) in plan.items.iter().enumerate() {
            *progress
                .open_by_kind
                .entry(item.thing.kind.clone())
                .or_default() += 1;
            for &first in &item.waits_for {
                if let Some(followers) = progress.followers.get_mut(first) {
                    followers.push(position);
                }
            }
            for &taker in &item.takers {
                if let Some(takes) = progress.takes.get_mut(taker) {
                    takes.push(position);
                }
            }
            for &owner in item.rests_on.positions() {
                if let Some(resting) = progress.resting.get_mut(owner) {
                    resting.push(position);
                }
            }
        }
        for (position, item) in plan.items.iter().enumerate() {
            if let Some(why) = item.why_blocked() {
                progress.end(position, Fate::Blocked(why));
            } else if item.waits_for.is_empty() {
                progress.ready(position);
            }
        }
        progress
    }

    pub(super) fn state(&self, item: usize) -> Option<&State> {
        self.states.get(item)
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
        self.doubtful.remove(&item);
        self.underway.insert((begun, item));
        let attempts = self.attempts.get_mut(item);
        attempts.map_or(1, |attempts| {
            *attempts += 1;
            *attempts
        })
    }

    pub(super) fn attempts(&self, item: usize) -> u32 {
        self.attempts.get(item).copied().unwrap_or_default()
    }

    /// Takes note that something was in the way of a thing.
    pub(super) fn put_off(&mut self, item: usize) -> PutOff {
        let begun = match self.states.get(item) {
            Some(State::Deleting { begun }) => *begun,
            _ => self.tick,
        };
        let now = self.next_tick();
        let before = self
            .put_off_at
            .get_mut(item)
            .and_then(|at| at.replace(now))
            .unwrap_or(begun);
        let has_long_been_asked = self.underway.range(..(before, 0)).next().is_some();
        let has_moved = self.moved_at >= before;
        let is_idle = !has_moved
            && !has_long_been_asked
            && self.startable().next().is_none()
            && self.lingering.values().all(BTreeSet::is_empty);
        let mut idle_attempts = 0;
        if let Some(count) = self.idle_attempts.get_mut(item) {
            *count = if is_idle { *count + 1 } else { 0 };
            idle_attempts = *count;
        }
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
        if let Some(ThingRef { kind, .. }) = self.things.get(item) {
            self.ready.entry(kind.clone()).or_default().insert(item);
        }
    }

    /// As if nobody had tried it yet.
    pub(super) fn begin_anew(&mut self, item: usize) {
        for counts in [&mut self.attempts, &mut self.idle_attempts] {
            if let Some(count) = counts.get_mut(item) {
                *count = 0;
            }
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
            self.states.get(item),
            Some(State::Waiting | State::Ready | State::Unsighted)
        )
    }

    /// Whether nothing is under way about it, though it may have been tried.
    pub(super) fn is_idle(&self, item: usize) -> bool {
        self.is_untried(item) || matches!(self.states.get(item), Some(State::Retry(_)))
    }

    /// Whether anything of a thing's kind has gone.
    pub(super) fn has_lost_one_like(&self, item: usize) -> bool {
        let kind = self.things.get(item).map(|thing| &thing.kind);
        kind.is_some_and(|kind| self.gone_kinds.contains(kind))
    }

    fn has_gone(&self, item: usize) -> bool {
        self.states.get(item) == Some(&State::Ended(Fate::Gone))
    }

    /// Takes note that nobody knows whether the cloud took the last request.
    pub(super) fn note_doubt(&mut self, item: usize) {
        self.doubtful.insert(item);
    }

    /// What has to be looked at again of a kind.
    pub(super) fn unsighted(&self, kind: &Arc<str>) -> Vec<usize> {
        let items = self.unsighted.get(kind).into_iter().flatten();
        items.copied().collect()
    }

    /// Whether nobody knows of a request that the cloud has taken.
    pub(super) fn has_failed(&self, item: usize) -> bool {
        let is_left = matches!(
            self.states.get(item),
            Some(State::Ended(Fate::Failed(_) | Fate::Abandoned(_)))
        );
        is_left && !self.accepted.contains(&item)
    }

    /// The deletion that was accepted has come to nothing.
    pub(super) fn note_end_of_deletion(&mut self, item: usize) {
        self.accepted.remove(&item);
    }

    /// What has not come to its end.
    pub(super) fn is_open(&self, item: usize) -> bool {
        !matches!(self.states.get(item), None | Some(State::Ended(_)))
    }

    /// What waits for this thing.
    pub(super) fn waiting_for(&self, item: usize) -> impl Iterator<Item = usize> + use<'_> {
        self.followers.get(item).into_iter().flatten().copied()
    }

    /// A thing that another one waits for waits for that itself. Once all say so that the other still waits for, it may go.
    pub(super) fn take_back(&mut self, item: usize, waiting: usize) {
        let taken_back = self.taken_back.entry(waiting).or_default();
        taken_back.insert(item);
        let is_free = self.unmet.get(waiting) == Some(&taken_back.len());
        if is_free && self.states.get(waiting) == Some(&State::Waiting) {
            self.ready(waiting);
        }
    }

    pub(super) fn retry(&mut self, item: usize, due: Instant) {
        self.set(item, State::Retry(due));
        self.retries.insert((due, item));
    }

    pub(super) fn linger(&mut self, item: usize, with_owner: bool) {
        self.moved_at = self.next_tick();
        if !with_owner {
            self.accepted.insert(item);
        }
        self.set(
            item,
            State::Lingering {
                since: Instant::now(),
                looks: 0,
                with_owner,
            },
        );
        if let Some(ThingRef { kind, .. }) = self.things.get(item) {
            self.lingering.entry(kind.clone()).or_default().insert(item);
        }
        self.changes.push(item);
    }

    pub(super) fn looked(&mut self, item: usize) {
        if let Some(State::Lingering { looks, .. }) = self.states.get_mut(item) {
            *looks += 1;
        }
    }

    pub(super) fn lingering(&self, kind: &Arc<str>) -> impl Iterator<Item = usize> + use<'_> {
        self.lingering.get(kind).into_iter().flatten().copied()
    }

    pub(super) fn gone(&mut self, item: usize) {
        let kind = self.things.get(item).map(|thing| thing.kind.clone());
        self.gone_kinds.extend(kind);
        self.moved_at = self.next_tick();
        self.end(item, Fate::Gone);
        for follower in self.followers.get(item).cloned().unwrap_or_default() {
            self.lose_one(follower, item);
        }
    }

    /// Ends what has not ended. What the cloud was asked to delete may still go.
    pub(super) fn abandon_open(&mut self, why: &str) {
        for item in 0..self.states.len() {
            match self.states.get(item) {
                None | Some(State::Ended(_)) => {}
                Some(state) if state.is_asked() || self.doubtful.contains(&item) => {
                    self.end(item, Fate::Asked(why.to_owned()));
                }
                Some(_) => self.end(item, Fate::Abandoned(why.to_owned())),
            }
        }
    }

    /// Lets things go whose kinds wait for each other's things in a way that the things themselves contradict. Says whether there
    /// were any.
    pub(super) fn release_stalled(&mut self) -> bool {
        let is_held = self.ready.values().any(|items| !items.is_empty());
        let released = self.kind_order.len();
        if is_held {
            // Nothing is let go over what is in it.
            self.kind_order
                .retain(|kind, _| self.containers.contains(kind));
        }
        self.kind_order.len() < released
    }

    /// Things that lingered or ended since this was last asked.
    pub(super) fn take_changes(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.changes)
    }

    pub(super) fn fates(self, plan: &Plan) -> Vec<Fate> {
        debug_assert_eq!(self.states.len(), plan.items.len());
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
        self.states.into_iter().map(fate).collect()
    }

    /// One of the things that `item` waits for has gone.
    fn lose_one(&mut self, item: usize, gone: usize) {
        let Some(unmet) = self.unmet.get_mut(item) else {
            return;
        };
        *unmet = unmet.saturating_sub(1);
        let taken_back = self.taken_back.get_mut(&item).map_or(0, |taken_back| {
            taken_back.remove(&gone);
            taken_back.len()
        });
        if *unmet > taken_back || self.states.get(item) != Some(&State::Waiting) {
            return;
        }
        let owner = self.goes_with.get(item).copied().flatten();
        let owner_is_gone = owner.is_some_and(|owner| {
            owner == gone || matches!(self.states.get(owner), Some(State::Ended(Fate::Gone)))
        });
        if owner_is_gone {
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

    fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    fn unready(&mut self, item: usize) {
        let kind = self.things.get(item).map(|thing| &thing.kind);
        if let Some(items) = kind.and_then(|kind| self.ready.get_mut(kind)) {
            items.remove(&item);
        }
    }

    fn end(&mut self, item: usize, fate: Fate) {
        if matches!(self.states.get(item), Some(State::Ended(_))) {
            return;
        }
        let is_left = !matches!(fate, Fate::Gone | Fate::Blocked(_));
        self.set(item, State::Ended(fate));
        if is_left && let Some(thing) = self.things.get(item) {
            self.left_by_kind.entry(thing.kind.clone()).or_insert(item);
        }
        if let Some(open) = self
            .things
            .get(item)
            .and_then(|thing| self.open_by_kind.get_mut(&thing.kind))
        {
            *open = open.saturating_sub(1);
        }
        self.changes.push(item);
    }

    fn set(&mut self, item: usize, state: State) {
        let Some(slot) = self.states.get_mut(item) else {
            return;
        };
        match std::mem::replace(slot, state) {
            State::Ready => self.unready(item),
            State::Deleting { begun } => {
                self.underway.remove(&(begun, item));
            }
            State::Retry(due) => {
                self.retries.remove(&(due, item));
            }
            State::Lingering { .. } => {
                if let Some(items) = self
                    .things
                    .get(item)
                    .and_then(|thing| self.lingering.get_mut(&thing.kind))
                {
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
