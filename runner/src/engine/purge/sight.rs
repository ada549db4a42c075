//! Sights: nothing is deleted because of what an old listing showed.
//!
//! What is deleted soon after the survey costs nothing more. Later on the kind is listed once more, for all of its things that are
//! still to go, and what has changed since the plan was made stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::plan::{Plan, PlanItem, Sieve, Standing};
use crate::resource::{Kind, Owner, Relation, Seen, Step, Thing, ThingRef};
use crate::rule::Rule;

use super::super::listing::Place;
use super::super::{Engine, ListingFailure};
use super::states::State;
use super::{Done, FAILED_LOOKS_MAX, IdWithin, Purge, id_within};

/// Projects up to which a kind is looked at in each of them, and not everywhere.
pub(super) const PROJECTS_MAX: usize = 8;

/// What was seen of a plan's things since the plan was made.
#[derive(Default)]
pub(super) struct Sights {
    /// When a thing was shown last, and as what: by a look that was made for it when that ended, by any other one when it was asked for.
    seen: HashMap<usize, (Instant, Thing)>,
    /// Kinds that are being looked at.
    running: BTreeSet<Arc<str>>,
    /// When a kind was last listed for what may have come since and would go along with a thing.
    newcomers: HashMap<(Arc<str>, usize), Instant>,
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
        let mut needed = self.states.grounds(item);
        needed.extend(self.states.companions(item));
        needed.insert(item);
        let old = needed.into_iter().filter(|it| self.has_old_sight(*it));
        let old = old.filter_map(|it| self.plan.items.get(it));
        let old = old.map(|planned| planned.thing.kind.clone());
        old.chain(self.old_newcomers(item)).collect()
    }

    /// The kinds of which something may have come since that would go along with a thing.
    fn old_newcomers(&self, item: usize) -> Vec<Arc<str>> {
        let Some((planned, _)) = self.item(item) else {
            return Vec::new();
        };
        let kinds = self.engine.kinds_taken_along(&planned.thing.kind);
        let is_old = |kind: &Arc<str>| {
            let again = self.sights.newcomers.get(&(kind.clone(), item)).copied();
            let asked = again.or_else(|| self.engine.sights().get(kind).copied());
            asked.is_some_and(|asked| self.engine.is_old_sight(asked))
        };
        kinds.filter(|kind| is_old(kind)).collect()
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
        for kind in self.states.unsighted_kinds() {
            if !self.sights.running.insert(kind.clone()) {
                continue;
            }
            let open = self.open_of(&kind);
            let open = open.filter_map(|item| self.plan.items.get(item)?.seen.as_ref());
            let open: Vec<&'a Thing> = open.collect();
            let takers = self.takers_of(&kind).into_iter();
            let takers = takers.filter_map(|item| self.plan.items.get(item)?.seen.as_ref());
            let takers: Vec<&'a Thing> = takers.collect();
            let (engine, index) = (self.engine, self.index.clone());
            let sieve = self.sieve;
            self.running.push(Box::pin(async move {
                let result = engine.sight(&kind, &open, &takers, &index, sieve).await;
                Done::Sighted { kind, result }
            }));
        }
    }

    /// What is to go and may take something of a kind along, if anything waits for a look at that: one look serves all that will be
    /// due.
    fn takers_of(&self, kind: &Arc<str>) -> Vec<usize> {
        let waiting = self.states.unsighted(kind).into_iter();
        let waiting = waiting.filter_map(|item| self.plan.items.get(item));
        let kinds: BTreeSet<&Arc<str>> = waiting.map(|planned| &planned.thing.kind).collect();
        // Things of the kind itself are looked at where they are. Those that take others of their own kind along wait for that look too.
        let takes_its_own = self.engine.kinds_taken_along(kind).any(|it| it == *kind);
        let takers = kinds.into_iter().filter(|it| *it != kind || takes_its_own);
        takers.flat_map(|kind| self.open_of(kind)).collect()
    }

    pub(super) fn take_sighting(&mut self, kind: &Arc<str>, result: Result<Shown, ListingFailure>) {
        self.sights.running.remove(kind);
        let shown = match result {
            Ok(shown) => shown,
            Err(failure) => return self.take_failed_sighting(kind, &failure),
        };
        self.sights.failed.remove(kind);
        let waiting = self.states.unsighted(kind);
        // From now on, lest a listing that takes longer than a sight holds is asked for again without end.
        let now = Instant::now();
        let takers = self.takers_of(kind).into_iter();
        let newcomers = takers.map(|taker| ((kind.clone(), taker), now));
        self.sights.newcomers.extend(newcomers);
        // What was not listed when the plan was made cannot be missed now.
        let may_be_missed = |it: &usize| self.item(*it).is_some() && self.states.is_idle(*it);
        let idle: Vec<usize> = self.open_of(kind).filter(may_be_missed).collect();
        for item in idle {
            if matches!(self.compare(item, &shown.planned), Comparison::Gone) {
                self.states.gone(item);
            }
        }
        self.note_sights(kind, now, &shown);
        // Another kind may still have to be looked at.
        for item in waiting {
            if self.states.state(item) == Some(&State::Unsighted) {
                self.states.ready(item);
            }
        }
    }

    /// Takes note of how a listing showed what is still to go. What has changed stays, and so does what somebody else's thing is in
    /// the way of now. What it does not show may have gone, or is not where it looked.
    pub(super) fn note_sights(&mut self, kind: &Arc<str>, seen_at: Instant, shown: &Shown) {
        let open: Vec<usize> = self.open_of(kind).collect();
        for item in open {
            match self.compare(item, &shown.planned) {
                Comparison::Same(thing) => {
                    self.sights.seen.insert(item, (seen_at, thing));
                    self.states.is_as_it_was(item);
                }
                Comparison::Changed(how) => {
                    let why =
                        format!("it stays, for it has changed since the plan was made: {how}");
                    self.states.keep_as_changed(item, &why);
                }
                Comparison::Gone => {}
            }
        }
        for (held, by) in &shown.held {
            for &item in self.index.positions(held) {
                let why = format!("{by} is in the way, and was not when the plan was made");
                self.states.keep(item, &why);
            }
        }
    }

    /// What the plan has of a kind that has not come to its end.
    pub(super) fn open_of(&self, kind: &Arc<str>) -> impl Iterator<Item = usize> + use<'_, 'a, R> {
        let items = self.index.of_kind(kind).iter().copied();
        items.filter(|item| self.states.is_open(*item))
    }

    fn take_failed_sighting(&mut self, kind: &Arc<str>, failure: &ListingFailure) {
        let failed = self.sights.failed.entry(kind.clone()).or_default();
        *failed += 1;
        if *failed < FAILED_LOOKS_MAX {
            let pause = self.engine.limits.pause(*failed);
            for item in self.states.unsighted(kind) {
                self.states.retry(item, Instant::now() + pause);
            }
            return;
        }
        let why = format!(
            "it could not be looked at again before its deletion: {}",
            failure.why
        );
        for item in self.states.unsighted(kind) {
            self.states.fail(item, &why);
        }
    }

    fn compare(&self, item: usize, shown: &BTreeMap<IdWithin, Seen>) -> Comparison {
        let Some((planned, before)) = self.item(item) else {
            return Comparison::Gone;
        };
        let Some((_, kind)) = self.engine.kind(&planned.thing.kind) else {
            return Comparison::Gone;
        };
        match shown.get(&id_within(kind, before)) {
            None => Comparison::Gone,
            Some(seen) => match self.change(planned, before, seen) {
                None => Comparison::Same(seen.thing.clone()),
                Some(how) => Comparison::Changed(how),
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
        if let Some(owner) = self.let_go_by(planned, seen) {
            return Some(format!("{owner} has let it go"));
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

impl<R: Rule> Purge<'_, R> {
    /// An owner because of whom a thing was to go, and that it does not name any more although nobody has asked for that one yet.
    fn let_go_by(&self, planned: &PlanItem, seen: &Seen) -> Option<ThingRef> {
        let names = |owners: &[Owner], at: &ThingRef| owners.iter().any(|it| it.owner == *at);
        let grounds = planned.rests_on.positions().iter();
        let let_go = grounds.filter(|it| !self.states.was_asked_for(**it));
        let mut owners = let_go.filter_map(|it| Some(&self.plan.items.get(*it)?.thing));
        let lost = owners.find(|at| names(&planned.owners, at) && !names(&seen.owners, at));
        lost.cloned()
    }
}

/// What another look says of a thing.
enum Comparison {
    Same(Thing),
    Changed(String),
    Gone,
}

impl<R: Rule> Engine<R> {
    /// The kinds of which something may go along with a thing of this kind.
    fn kinds_taken_along(&self, kind: &str) -> impl Iterator<Item = Arc<str>> {
        let names = |kinds: &[Arc<str>]| kinds.iter().any(|it| **it == *kind);
        let goes_along = move |it: &&Arc<Kind>| {
            let effects = &it.effects;
            let parent = it.reach.parent();
            !effects.is_witness
                && parent.is_none_or(|parent| **parent == *kind)
                && (names(&effects.taken_by) || names(&effects.made_for))
        };
        self.kinds().filter(goes_along).map(|it| it.name.clone())
    }

    /// Lists a kind where these things are, and others with which something of it may go along. Returns those of them that are there.
    async fn sight(
        &self,
        kind: &Arc<str>,
        things: &[&Thing],
        takers: &[&Thing],
        index: &Index,
        sieve: &Sieve,
    ) -> Result<Shown, ListingFailure> {
        let mut shown = Shown::default();
        let Some((_, declared)) = self.kind(kind) else {
            return Ok(shown);
        };
        let id = |thing: &Thing| id_within(declared, thing);
        let wanted: BTreeSet<IdWithin> = things.iter().map(|thing| id(thing)).collect();
        let places = things.iter().map(|thing| Place::of(thing));
        let takers = takers.iter().map(|taker| Place::with(taker, declared));
        let places: BTreeSet<Place> = places.chain(takers).collect();
        for scope in self.scopes_of(declared, &places, PROJECTS_MAX)? {
            let note = |page: Vec<Seen>| {
                for seen in page {
                    if wanted.contains(&id(&seen.thing)) {
                        shown.planned.insert(id(&seen.thing), seen);
                    } else {
                        shown.held.extend(index.held_by(&seen, declared, sieve));
                    }
                }
            };
            self.list(declared, &scope, note).await?;
        }
        Ok(shown)
    }
}

/// A thing's name, its project, and when it was made.
type AsItWas = (Option<String>, Option<Arc<str>>, Option<Timestamp>);

/// A plan's things, to be found by kind and by id.
#[derive(Default)]
pub(super) struct Index {
    by_kind: BTreeMap<Arc<str>, Vec<usize>>,
    by_thing: HashMap<ThingRef, Vec<usize>>,
    /// By kind and id, with what this is unique within.
    known: HashMap<(Arc<str>, IdWithin), AsItWas>,
}

impl Index {
    pub(super) fn of<'a>(plan: &Plan, kind: impl Fn(&str) -> Option<&'a Arc<Kind>>) -> Self {
        let mut index = Self::default();
        for (position, item) in plan.items.iter().enumerate() {
            if let Some((kind, seen)) = kind(&item.thing.kind).zip(item.seen.as_ref()) {
                let known = (kind.name.clone(), id_within(kind, seen));
                let was = (seen.name.clone(), seen.project.clone(), seen.created_at);
                index.known.insert(known, was);
            }
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

    /// Whether a thing is one of the plan's, and not one of the same id elsewhere.
    pub(super) fn knows(&self, kind: &Kind, thing: &Thing) -> bool {
        let known = (kind.name.clone(), id_within(kind, thing));
        self.known.contains_key(&known)
    }

    /// Whether a thing is one of the plan's, and as it was then: one that has gone may have been made again, or come from elsewhere.
    pub(super) fn knows_as_it_was(&self, kind: &Kind, thing: &Thing) -> bool {
        let known = (kind.name.clone(), id_within(kind, thing));
        let was = self.known.get(&known);
        was.is_some_and(|(name, project, made)| {
            (name, project, made) == (&thing.name, &thing.project, &thing.created_at)
        })
    }

    pub(super) fn positions(&self, thing: &ThingRef) -> &[usize] {
        self.by_thing.get(thing).map_or(&[], Vec::as_slice)
    }

    /// The things of the plan that this one is in the way of or would go along with, if it is not in it itself. What only ties
    /// others to each other is in nobody's way.
    pub(super) fn held_by(
        &self,
        seen: &Seen,
        kind: &Kind,
        sieve: &Sieve,
    ) -> Vec<(ThingRef, ThingRef)> {
        let by = &seen.thing.at;
        if kind.effects.is_witness || self.knows(kind, &seen.thing) {
            return Vec::new();
        }
        let standing = sieve.standing(&seen.thing);
        let takers = seen.owners.iter().filter(|owner| {
            let is_kept = match owner.relation {
                // A part goes with its whole whatever it is called.
                Relation::PartOf => matches!(
                    standing,
                    Standing::Protected { .. }
                        | Standing::Unselected { .. }
                        | Standing::Excluded { .. }
                ),
                Relation::NamedBy => !standing.may_go(),
            };
            let effects = &kind.effects;
            let mut taken_by = effects.taken_by.iter().chain(&effects.made_for);
            is_kept && taken_by.any(|it| *it == owner.owner.kind)
        });
        let takers = takers.map(|owner| &owner.owner);
        let takers = takers.filter(|taker| self.by_thing.contains_key(taker));
        let held = seen.steps.iter().filter_map(|step| match step {
            Step::Before(other) if self.by_thing.contains_key(other) => Some(other),
            Step::Before(_) | Step::After(_) => None,
        });
        let held = held.chain(takers);
        held.map(|held| (held.clone(), by.clone())).collect()
    }
}
