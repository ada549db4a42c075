//! What a thing's going or staying means for those that hang on it: what it rests on, what rests on it, what goes along with it.

use std::collections::BTreeSet;

use crate::plan::Support;
use crate::resource::{PROJECT_KIND, ThingRef};

use super::{Fate, Progress, State};

impl Progress {
    /// All that has to go for a thing to go and has not gone yet: what it rests on, what that rests on, and so on.
    pub(in crate::engine::purge) fn grounds(&self, item: usize) -> BTreeSet<usize> {
        reached_from(item, |next| {
            let owners = self.rests_on.get(next).map_or(&[][..], Support::positions);
            owners.iter().copied().filter(|it| !self.has_gone(*it))
        })
    }

    /// All that goes along with a thing and has not come to its end: what it takes, what that takes, and so on.
    pub(in crate::engine::purge) fn companions(&self, item: usize) -> BTreeSet<usize> {
        reached_from(item, |next| {
            let takes = self.takes.get(next).into_iter().flatten().copied();
            takes.filter(|it| self.is_open(*it))
        })
    }

    /// Whether the cloud was asked for a thing, or for something that takes it along.
    pub(in crate::engine::purge) fn was_asked_for(&self, item: usize) -> bool {
        let was_asked = |it: usize| self.attempts(it) > 0 || self.has_gone(it);
        let takers = |next: usize| self.takers.get(next).into_iter().flatten().copied();
        was_asked(item) || reached_from(item, takers).into_iter().any(was_asked)
    }

    /// A thing was seen to have to stay, and so do those that would take it along. What is being asked for ends with the answer.
    pub(in crate::engine::purge) fn keep(&mut self, item: usize, why: &str) {
        let mut passed = BTreeSet::from([item]);
        let mut open = vec![(item, why.to_owned())];
        while let Some((item, why)) = open.pop() {
            // Nobody can call that back any more.
            if self.has_gone(item) || matches!(self.states.get(item), Some(State::Lingering { .. }))
            {
                continue;
            }
            let thing = self.things.get(item).map(ToString::to_string);
            let taken = format!(
                "{} would be deleted along with it: {why}",
                thing.unwrap_or_default()
            );
            let takers = self.takers.get(item).cloned().unwrap_or_default();
            let takers = takers.into_iter().filter(|it| passed.insert(*it));
            open.extend(takers.map(|taker| (taker, taken.clone())));
            if self.is_idle(item) {
                self.fail(item, &why);
            } else if matches!(self.states.get(item), Some(State::Deleting { .. })) {
                self.stays.insert(item, why);
            }
        }
    }

    /// It was seen as it was, after all.
    pub(in crate::engine::purge) fn may_go(&mut self, item: usize) {
        self.stays.remove(&item);
    }

    /// Ends a thing that must stay by what was seen, or for what had to go before it and is left. Says whether it does.
    pub(in crate::engine::purge) fn end_if_it_stays(&mut self, item: usize) -> bool {
        let why = self.stays.remove(&item).or_else(|| self.left_before(item));
        let Some(why) = why else {
            return false;
        };
        self.fail(item, &why);
        true
    }

    /// What should have gone before a container, by its kind, and is left: without a user nobody may be able to delete his stack.
    fn left_before(&self, item: usize) -> Option<String> {
        let kind = &self.things.get(item)?.kind;
        if !self.containers.contains(kind) || &**kind == PROJECT_KIND {
            return None;
        }
        let firsts = self.kind_order.get(kind)?.iter();
        let left = firsts.filter_map(|first| self.left_by_kind.get(first));
        let left = left.filter_map(|left| self.things.get(*left)).next()?;
        Some(format!("{left} must go before it and is left"))
    }

    pub(in crate::engine::purge) fn fail(&mut self, item: usize, why: &str) {
        self.end(item, Fate::Failed(why.to_owned()));
        let thing = self
            .things
            .get(item)
            .map_or_else(String::new, ThingRef::to_string);
        let waited = format!("{thing} must go before it and is left: {why}");
        let rested = format!("it was to go because {thing} goes, which is left: {why}");
        let mut open = vec![item];
        while let Some(left) = open.pop() {
            for follower in self.followers.get(left).cloned().unwrap_or_default() {
                if self.states.get(follower) == Some(&State::Waiting) {
                    self.end(follower, Fate::Abandoned(waited.clone()));
                    open.push(follower);
                }
            }
            for resting in self.resting.get(left).cloned().unwrap_or_default() {
                if self.is_idle(resting) && self.is_groundless(resting) {
                    // Its last request may have been taken, though nobody has said so.
                    let fate = match self.doubtful.contains(&resting) {
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
            self.has_gone(owner) || !matches!(self.states.get(owner), Some(State::Ended(_)))
        };
        let rests_on = self.rests_on.get(item);
        rests_on.is_some_and(|rests_on| !rests_on.holds(may_go))
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
