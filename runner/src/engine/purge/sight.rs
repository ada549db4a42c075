//! Sights: nothing is deleted because of what an old listing showed.
//!
//! What is deleted soon after the survey costs nothing more. Later on the kind is listed once more, for all of its things that are
//! still to go, and what has changed since the plan was made stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use crate::plan::{Plan, PlanItem};
use crate::resource::{Kind, Owner, Seen, Step, Thing, ThingRef};
use crate::rule::Rule;

use super::super::listing::Place;
use super::super::{Engine, ListingFailure};
use super::progress::State;
use super::{Done, FAILED_LOOKS_MAX, IdWithin, Purge, id_within};

/// Projects up to which a kind is looked at in each of them, and not everywhere.
pub(super) const PROJECTS_MAX: usize = 8;

/// What was seen of a plan's things since the plan was made.
#[derive(Default)]
pub(super) struct Sights {
    /// When the listing was asked for that showed a thing last, and the thing as it was shown.
    seen: HashMap<usize, (Instant, Thing)>,
    /// Kinds that are being looked at.
    running: BTreeSet<Arc<str>>,
    /// Looks that failed in a row.
    failed: BTreeMap<Arc<str>, u32>,
}

/// What a listing shows of a plan's things.
#[derive(Default)]
pub(super) struct Shown {
    /// The things that were asked for, as they are shown now.
    pub(super) planned: BTreeMap<IdWithin, Seen>,
    /// Things of the plan that something stands in the way of that is not in it, with that.
    pub(super) held: BTreeMap<ThingRef, ThingRef>,
}

impl<'a, R: Rule> Purge<'a, R> {
    /// The kinds of which something was last seen too long ago for a thing to be deleted: itself, or one of those because of which
    /// it goes.
    pub(super) fn old_sights(&self, item: usize) -> BTreeSet<Arc<str>> {
        let mut needed = self.progress.grounds(item);
        needed.insert(item);
        let old = needed.into_iter().filter(|it| self.has_old_sight(*it));
        let old = old.filter_map(|it| self.plan.items.get(it));
        old.map(|planned| planned.thing.kind.clone()).collect()
    }

    fn has_old_sight(&self, item: usize) -> bool {
        // What was not listed cannot be deleted either.
        let Some((planned, _)) = self.item(item) else {
            return false;
        };
        let again = self.sights.seen.get(&item).map(|(asked, _)| *asked);
        let asked = again.or_else(|| self.engine.sights().get(&planned.thing.kind).copied());
        asked.is_some_and(|asked| self.engine.is_old_sight(asked))
    }

    /// The thing as it was seen last.
    pub(super) fn last_seen(&self, item: usize) -> Option<Thing> {
        let again = self.sights.seen.get(&item).map(|(_, thing)| thing);
        let planned = self.plan.items.get(item).and_then(|it| it.seen.as_ref());
        again.or(planned).cloned()
    }

    pub(super) fn start_sightings(&mut self) {
        for kind in self.progress.unsighted_kinds() {
            if !self.sights.running.insert(kind.clone()) {
                continue;
            }
            let open = self.open_of(&kind);
            let open = open.filter_map(|item| self.plan.items.get(item)?.seen.as_ref());
            let open: Vec<&'a Thing> = open.collect();
            let (engine, index, asked) = (self.engine, self.index.clone(), Instant::now());
            self.running.push(Box::pin(async move {
                let result = engine.sight(&kind, &open, &index).await;
                Done::Sighted {
                    kind,
                    asked,
                    result,
                }
            }));
        }
    }

    pub(super) fn take_sighting(
        &mut self,
        kind: &Arc<str>,
        asked: Instant,
        result: Result<Shown, ListingFailure>,
    ) {
        self.sights.running.remove(kind);
        let shown = match result {
            Ok(shown) => shown,
            Err(failure) => return self.take_failed_sighting(kind, &failure),
        };
        self.sights.failed.remove(kind);
        let waiting = self.progress.unsighted(kind);
        // What was not listed when the plan was made cannot be missed now.
        let may_be_missed = |it: &usize| self.item(*it).is_some() && self.progress.is_idle(*it);
        let idle: Vec<usize> = self.open_of(kind).filter(may_be_missed).collect();
        for item in idle {
            if matches!(self.compare(item, &shown.planned), Sight::Gone) {
                self.progress.gone(item);
            }
        }
        self.note_sights(kind, asked, &shown);
        // Another kind may still have to be looked at.
        for item in waiting {
            if self.progress.state(item) == Some(&State::Unsighted) {
                self.progress.ready(item);
            }
        }
    }

    /// Takes note of how a listing showed what is still to go. What has changed stays, and so does what somebody else's thing is in
    /// the way of now. What it does not show may have gone, or is not where it looked.
    pub(super) fn note_sights(&mut self, kind: &Arc<str>, asked: Instant, shown: &Shown) {
        let open: Vec<usize> = self.open_of(kind).collect();
        for item in open {
            match self.compare(item, &shown.planned) {
                Sight::Same(thing) => {
                    self.sights.seen.insert(item, (asked, thing));
                }
                Sight::Changed(how) if self.progress.is_idle(item) => {
                    let why =
                        format!("it stays, for it has changed since the plan was made: {how}");
                    self.progress.fail(item, &why);
                }
                Sight::Changed(_) | Sight::Gone => {}
            }
        }
        for (held, by) in &shown.held {
            for &item in self.index.positions(held) {
                if self.progress.is_idle(item) {
                    let why = format!("{by} is in the way, and was not when the plan was made");
                    self.progress.fail(item, &why);
                }
            }
        }
    }

    /// What the plan has of a kind that has not come to its end.
    pub(super) fn open_of(&self, kind: &Arc<str>) -> impl Iterator<Item = usize> + use<'_, 'a, R> {
        let items = self.index.of_kind(kind).iter().copied();
        items.filter(|item| self.progress.is_open(*item))
    }

    fn take_failed_sighting(&mut self, kind: &Arc<str>, failure: &ListingFailure) {
        let failed = self.sights.failed.entry(kind.clone()).or_default();
        *failed += 1;
        if *failed < FAILED_LOOKS_MAX {
            let pause = self.engine.limits.pause(*failed);
            for item in self.progress.unsighted(kind) {
                self.progress.retry(item, Instant::now() + pause);
            }
            return;
        }
        let why = format!(
            "it could not be looked at again before its deletion: {}",
            failure.why
        );
        for item in self.progress.unsighted(kind) {
            self.progress.fail(item, &why);
        }
    }

    fn compare(&self, item: usize, shown: &BTreeMap<IdWithin, Seen>) -> Sight {
        let Some((planned, before)) = self.item(item) else {
            return Sight::Gone;
        };
        let Some((_, kind)) = self.engine.kind(&planned.thing.kind) else {
            return Sight::Gone;
        };
        match shown.get(&id_within(kind, before)) {
            None => Sight::Gone,
            Some(seen) => match self.change(planned, before, seen) {
                None => Sight::Same(seen.thing.clone()),
                Some(how) => Sight::Changed(how),
            },
        }
    }

    /// What is different about a thing, as far as a decision could have rested on it.
    pub(super) fn change(&self, planned: &PlanItem, before: &Thing, seen: &Seen) -> Option<String> {
        let now = &seen.thing;
        let owners = |owners: &[Owner]| -> BTreeSet<Owner> { owners.iter().cloned().collect() };
        let of_name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no name".to_owned());
        if now.name != before.name {
            return Some(format!("it is called {} now", of_name(&now.name)));
        }
        if now.project != before.project {
            return Some("it is in another project now".to_owned());
        }
        if now.created_at != before.created_at {
            return Some("it is another one of the same id, made at another time".to_owned());
        }
        // An owner that has gone is what was to be expected, and so is less that hangs on it.
        if !owners(&seen.owners).is_subset(&owners(&planned.owners)) {
            return Some("it belongs to others now".to_owned());
        }
        let is_new = |taken: &&ThingRef| !planned.foreseen.takes.contains(taken);
        if let Some(taken) = seen.foreseen.takes.iter().find(is_new) {
            return Some(format!("{taken} would be deleted along with it now"));
        }
        if seen.steps.iter().any(|step| !planned.steps.contains(step)) {
            return Some("it hangs together with other things now".to_owned());
        }
        if seen.foreseen.is_shared && !planned.foreseen.is_shared {
            return Some("others use it now, beyond its project".to_owned());
        }
        (self.sieve.standing(now) != self.sieve.standing(before))
            .then(|| "it is protected now, or otherwise outside of the sweep".to_owned())
    }
}

/// What another look says of a thing.
enum Sight {
    Same(Thing),
    Changed(String),
    Gone,
}

impl<R: Rule> Engine<R> {
    /// Lists a kind where these things are, and returns those of them that are there.
    async fn sight(
        &self,
        kind: &Arc<str>,
        things: &[&Thing],
        index: &Index,
    ) -> Result<Shown, ListingFailure> {
        let mut shown = Shown::default();
        let Some((_, declared)) = self.kind(kind) else {
            return Ok(shown);
        };
        let id = |thing: &Thing| id_within(declared, thing);
        let wanted: BTreeSet<IdWithin> = things.iter().map(|thing| id(thing)).collect();
        let places: BTreeSet<Place> = things.iter().map(|thing| Place::of(thing)).collect();
        for scope in self.scopes_of(declared, &places, PROJECTS_MAX)? {
            let note = |page: Vec<Seen>| {
                for seen in page {
                    if wanted.contains(&id(&seen.thing)) {
                        shown.planned.insert(id(&seen.thing), seen);
                    } else {
                        shown.held.extend(index.held_by(&seen, declared));
                    }
                }
            };
            self.list(declared, &scope, note).await?;
        }
        Ok(shown)
    }
}

/// A plan's things, to be found by kind and by id.
#[derive(Default)]
pub(super) struct Index {
    by_kind: BTreeMap<Arc<str>, Vec<usize>>,
    by_thing: HashMap<ThingRef, Vec<usize>>,
}

impl Index {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut index = Self::default();
        for (position, item) in plan.items.iter().enumerate() {
            let of_kind = index.by_kind.entry(item.thing.kind.clone()).or_default();
            of_kind.push(position);
            let of_thing = index.by_thing.entry(item.thing.clone()).or_default();
            of_thing.push(position);
        }
        index
    }

    pub(super) fn of_kind(&self, kind: &str) -> &[usize] {
        self.by_kind.get(kind).map_or(&[], Vec::as_slice)
    }

    pub(super) fn positions(&self, thing: &ThingRef) -> &[usize] {
        self.by_thing.get(thing).map_or(&[], Vec::as_slice)
    }

    /// The things of the plan that this one is in the way of, if it is not in it itself. What only ties others to each other is
    /// in nobody's way.
    pub(super) fn held_by(&self, seen: &Seen, kind: &Kind) -> Vec<(ThingRef, ThingRef)> {
        let by = &seen.thing.at;
        if kind.effects.is_witness || self.by_thing.contains_key(by) {
            return Vec::new();
        }
        let held = seen.steps.iter().filter_map(|step| match step {
            Step::Before(other) if self.by_thing.contains_key(other) => Some(other),
            Step::Before(_) | Step::After(_) => None,
        });
        held.map(|held| (held.clone(), by.clone())).collect()
    }
}
