//! Sights: nothing is deleted because of what an old listing showed.
//!
//! What is deleted soon after the survey costs nothing more. Later on the kind is listed once more, for all of its things that are
//! still to go, and what has changed since the plan was made stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::plan::PlanItem;
use crate::resource::{Owner, Seen, Thing};
use crate::rule::Rule;

use super::super::listing::Place;
use super::super::{Engine, ListingFailure};
use super::{Done, FAILED_LOOKS_MAX, IdWithin, Purge};

/// Projects up to which a kind is looked at in each of them, and not everywhere.
const PROJECTS_MAX: usize = 8;

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

impl<'a, R: Rule> Purge<'a, R> {
    /// Whether the listing that showed a thing is too old to delete it by.
    pub(super) fn has_old_sight(&self, item: usize, now: Instant) -> bool {
        let allowed = Duration::from_secs(self.engine.limits.sight_s_max);
        let Some(planned) = self.plan.items.get(item) else {
            return false;
        };
        let again = self.sights.seen.get(&item).map(|(asked, _)| *asked);
        let asked = again.or_else(|| self.engine.sights().get(&planned.thing.kind).copied());
        asked.is_some_and(|asked| now.duration_since(asked) > allowed)
    }

    /// The thing as it was seen last.
    pub(super) fn last_seen(&self, item: usize) -> Option<Thing> {
        let again = self.sights.seen.get(&item).map(|(_, thing)| thing);
        let planned = self.plan.items.get(item).and_then(|it| it.seen.as_ref());
        again.or(planned).cloned()
    }

    pub(super) fn start_sightings(&mut self) {
        for kind in self.progress.unsighted_kinds() {
            if self.sights.running.contains(&kind) {
                continue;
            }
            let items = self.plan.items.iter().enumerate();
            let open = items.filter(|(position, item)| {
                item.thing.kind == kind && self.progress.is_open(*position)
            });
            let open: Vec<&'a Thing> = open.filter_map(|(_, item)| item.seen.as_ref()).collect();
            self.sights.running.insert(kind.clone());
            let (engine, asked) = (self.engine, Instant::now());
            self.running.push(Box::pin(async move {
                let result = engine.sight(&kind, &open).await;
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
        result: Result<BTreeMap<IdWithin, Seen>, ListingFailure>,
    ) {
        self.sights.running.remove(kind);
        let shown = match result {
            Ok(shown) => shown,
            Err(failure) => return self.take_failed_sighting(kind, &failure),
        };
        self.sights.failed.remove(kind);
        let waiting = self.progress.unsighted(kind);
        let items = self.plan.items.iter().enumerate();
        let open: Vec<usize> = items
            .filter(|(item, planned)| planned.thing.kind == *kind && self.progress.is_open(*item))
            .map(|(item, _)| item)
            .collect();
        for item in open {
            let is_waiting = waiting.contains(&item);
            match self.compare(item, &shown) {
                Sight::Same(thing) => {
                    self.sights.seen.insert(item, (asked, thing));
                    if is_waiting {
                        self.progress.ready(item);
                    }
                }
                Sight::Gone if is_waiting => self.progress.gone(item),
                Sight::Changed(how) if is_waiting => {
                    let why =
                        format!("it stays, for it has changed since the plan was made: {how}");
                    self.progress.fail(item, &why);
                }
                // It will be looked at again when it is due.
                Sight::Gone | Sight::Changed(_) => {}
            }
        }
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
        let key = (planned.thing.id.clone(), kind.within(before).map(Arc::from));
        match shown.get(&key) {
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
        // An owner that has gone is what was to be expected.
        if !owners(&seen.owners).is_subset(&owners(&planned.owners)) {
            return Some("it belongs to others now".to_owned());
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
    ) -> Result<BTreeMap<IdWithin, Seen>, ListingFailure> {
        let Some((_, declared)) = self.kind(kind) else {
            return Ok(BTreeMap::new());
        };
        let id = |thing: &Thing| -> IdWithin {
            (thing.at.id.clone(), declared.within(thing).map(Arc::from))
        };
        let wanted: BTreeSet<IdWithin> = things.iter().map(|thing| id(thing)).collect();
        let places: BTreeSet<Place> = things.iter().map(|thing| Place::of(thing)).collect();
        let mut shown = BTreeMap::new();
        for scope in self.scopes_of(declared, &places, PROJECTS_MAX)? {
            let note = |seen: Vec<Seen>| {
                let seen = seen.into_iter().map(|seen| (id(&seen.thing), seen));
                shown.extend(seen.filter(|(id, _)| wanted.contains(id)));
            };
            self.list(declared, &scope, note).await?;
        }
        Ok(shown)
    }
}
