//! What a thing's going or staying means for those that hang on it: what it rests on, what rests on it, what goes along with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::resource::PROJECT_KIND;

use super::{Fate, State, States};

impl States {
    /// All that has to go for a thing to go and has not come to its end: what it rests on, what that rests on, and so on. Where it rests on
    /// any of several, one that is left is no ground any more.
    pub(in crate::engine::purge) fn grounds(&self, item: usize) -> BTreeSet<usize> {
        reached_from(item, |next| {
            let owners = self
                .track(next)
                .map_or(&[][..], |track| track.rests_on.positions());
            owners.iter().copied().filter(|it| self.is_open(*it))
        })
    }

    /// All that goes along with a thing and has not come to its end: what it takes, what that takes, and so on.
    pub(in crate::engine::purge) fn companions(&self, item: usize) -> BTreeSet<usize> {
        reached_from(item, |next| {
            let takes = self.track(next).map_or(&[][..], |track| &track.takes);
            takes.iter().copied().filter(|it| self.is_open(*it))
        })
    }

    /// Whether the cloud was asked for a thing, or for something that takes it along.
    pub(in crate::engine::purge) fn was_asked_for(&self, item: usize) -> bool {
        let was_asked = |it: usize| self.is_asked_for(it) || self.has_gone(it);
        was_asked(item) || self.takers_of(item).into_iter().any(was_asked)
    }

    /// Whether the cloud has taken, or may yet take, a request by which a thing goes, but for the one for `but`: for the thing itself, or
    /// for what takes it along.
    pub(in crate::engine::purge) fn is_covered(&self, item: usize, but: usize) -> bool {
        let is_asked = |it: usize| {
            let is_out = |state: &State| {
                matches!(
                    state,
                    State::Deleting { .. }
                        | State::Ended(Fate::Gone)
                        | State::Lingering {
                            with_owner: false,
                            ..
                        }
                )
            };
            let track = self.track(it).filter(|_| it != but);
            track.is_some_and(|track| track.is_accepted || is_out(&track.state))
        };
        is_asked(item) || self.takers_of(item).into_iter().any(is_asked)
    }

    /// All that takes a thing along: directly, or by what it takes along.
    fn takers_of(&self, item: usize) -> BTreeSet<usize> {
        reached_from(item, |next| {
            let takers = self.track(next).map_or(&[][..], |track| &track.takers);
            takers.iter().copied()
        })
    }

    /// A thing has to stay because of others, and so do those that would take it along. What is being asked for ends with the answer.
    pub(in crate::engine::purge) fn keep(&mut self, item: usize, why: &str) {
        self.hold(item, why, false);
    }

    /// A thing was seen to have changed since the plan was made: it stays as by [`Self::keep`], unless it is seen again as it was.
    pub(in crate::engine::purge) fn keep_as_changed(&mut self, item: usize, why: &str) {
        self.hold(item, why, true);
    }

    fn hold(&mut self, first: usize, why: &str, has_changed: bool) {
        let mut passed = BTreeSet::from([first]);
        let mut open = vec![(first, why.to_owned())];
        while let Some((item, why)) = open.pop() {
            // Nobody can call that back any more.
            let is_idle = self.is_idle(item);
            let Some(track) = self.tracks.get_mut(item) else {
                continue;
            };
            if matches!(
                track.state,
                State::Ended(Fate::Gone) | State::Lingering { .. }
            ) {
                continue;
            }
            let taken = format!("{} would be deleted along with it: {why}", track.thing);
            let takers = track.takers.iter().filter(|it| passed.insert(**it));
            open.extend(takers.map(|taker| (*taker, taken.clone())));
            if is_idle {
                self.fail(item, &why);
            } else if matches!(track.state, State::Deleting { .. }) {
                let reason = match has_changed && item == first {
                    true => &mut track.changed,
                    false => &mut track.stays,
                };
                *reason = Some(why);
            }
        }
    }

    /// It was seen as it was, after all. That takes back what was seen of itself, and nothing that others are the reason for.
    pub(in crate::engine::purge) fn is_as_it_was(&mut self, item: usize) {
        if let Some(track) = self.tracks.get_mut(item) {
            track.changed = None;
        }
    }

    /// Ends a thing that must stay by what was seen, or for what had to go before it, or before all because of which it goes, and is
    /// left. Says whether it does.
    pub(in crate::engine::purge) fn end_if_it_stays(&mut self, item: usize) -> bool {
        let seen = self.tracks.get_mut(item);
        let seen = seen.and_then(|track| track.stays.take().or_else(|| track.changed.take()));
        let why = seen.or_else(|| self.will_stay(item));
        let Some(why) = why else {
            return false;
        };
        self.fail(item, &why);
        true
    }

    /// What should have gone before a container, by its kind, and is left: without a user nobody may be able to delete his stack.
    fn left_before(&self, item: usize) -> Option<String> {
        let kind = &self.track(item)?.thing.kind;
        if !self.containers.contains(kind) || &**kind == PROJECT_KIND {
            return None;
        }
        let firsts = self.kind_order.get(kind)?.iter();
        let left = firsts.filter_map(|first| self.left_by_kind.get(first));
        let left = left.filter_map(|left| self.track(*left)).next()?;
        Some(format!("{} must go before it and is left", left.thing))
    }

    /// Why nothing because of which a thing goes will go any more, although none of it has come to its turn: what would have to go before
    /// that is left.
    fn left_before_grounds(&self, item: usize) -> Option<String> {
        let rests_on = &self.track(item)?.rests_on;
        let owners = rests_on.positions().iter();
        let stays: BTreeMap<usize, Option<String>> =
            owners.map(|it| (*it, self.will_stay(*it))).collect();
        let may_go = |owner: usize| {
            let stays = stays.get(&owner).is_some_and(Option::is_some);
            self.has_gone(owner) || (self.is_open(owner) && !stays)
        };
        if rests_on.holds(may_go) {
            return None;
        }
        let mut owners = rests_on.positions().iter();
        let (owner, why) = owners.find_map(|owner| {
            let why = stays.get(owner)?.as_ref()?;
            Some((self.track(*owner)?, why))
        })?;
        Some(format!(
            "it was to go because {} goes, which stays: {why}",
            owner.thing
        ))
    }

    /// Why a thing will stay that has not come to its turn, for what should have gone before it or before its grounds.
    fn will_stay(&self, item: usize) -> Option<String> {
        self.left_before(item)
            .or_else(|| self.left_before_grounds(item))
    }

    pub(in crate::engine::purge) fn fail(&mut self, item: usize, why: &str) {
        self.end(item, Fate::Failed(why.to_owned()));
        let thing = self.track(item).map(|track| track.thing.to_string());
        let thing = thing.unwrap_or_default();
        let waited = format!("{thing} must go before it and is left: {why}");
        let rested = format!("it was to go because {thing} goes, which is left: {why}");
        let mut open = vec![item];
        while let Some(left) = open.pop() {
            for follower in self.followers(left) {
                if self.state(follower) == Some(&State::Waiting) {
                    self.end(follower, Fate::Abandoned(waited.clone()));
                    open.push(follower);
                }
            }
            let resting = self.track(left).map(|track| track.resting.clone());
            for resting in resting.unwrap_or_default() {
                if self.is_idle(resting) && self.is_groundless(resting) {
                    // Its last request may have been taken, though nobody has said so.
                    let fate = match self.track(resting).is_some_and(|it| it.is_doubtful) {
                        true => Fate::Asked(rested.clone()),
                        false => Fate::Abandoned(rested.clone()),
                    };
                    self.end(resting, fate);
                    open.push(resting);
                }
            }
        }
    }

    /// Whether what a thing was to go because of will not go.
    fn is_groundless(&self, item: usize) -> bool {
        let may_go = |owner: usize| {
            self.has_gone(owner) || !matches!(self.state(owner), Some(State::Ended(_)))
        };
        let track = self.track(item);
        track.is_some_and(|track| !track.rests_on.holds(may_go))
    }
}

/// All that is reached from a thing, step by step.
fn reached_from<I: Iterator<Item = usize>>(
    item: usize,
    step: impl Fn(usize) -> I,
) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![item];
    while let Some(next) = open.pop() {
        open.extend(step(next).filter(|it| reached.insert(*it)));
    }
    reached
}
