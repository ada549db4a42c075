//! Looks: what the cloud deletes in its own time is waited for by listing its kind, one listing for all things of the kind.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::plan::{Reason, Sieve, Standing};
use crate::resource::{Kind, PROJECT_KIND, Seen, Thing, ThingRef};
use crate::rule::Rule;

use super::super::listing::Place;
use super::super::{Engine, ListingFailure};
use super::sight::{Index, Shown};
use super::states::State;
use super::{Done, FAILED_LOOKS_MAX, IdWithin, Purge, id_within};

/// Looks a thing expected to vanish with its owner is granted before it is deleted itself.
const LOOKS_FOR_COMPANIONS: u32 = 2;

/// Looks for which a thing that had a failed state before it was deleted may still be shown in it.
const LOOKS_FOR_STATES: u32 = 2;

/// Why a thing is left for which no request may be sent.
pub(super) const LEFT_BEHIND: &str = "its owner has gone and has not taken it along, and for what is only taken along no request is sent";

/// What a look at a kind showed.
pub(super) struct Listed {
    /// The things that were looked for, by their positions in the plan. What this says nothing of was not looked for.
    awaited: BTreeSet<usize>,
    /// Of these, what is still there, as it is shown now.
    there: BTreeMap<IdWithin, Seen>,
    /// What else the plan has of this kind, and what stands in its things' way.
    shown: Shown,
    /// Things that bear others' names, by the project that they are in.
    strangers: BTreeMap<Arc<str>, ThingRef>,
    pages: usize,
}

/// A thing that is looked for.
struct Awaited<'a> {
    thing: &'a Thing,
    /// Whether the cloud was asked to delete it. If not, it goes with its owner.
    is_asked: bool,
}

/// The looks at one kind.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) due: Option<Instant>,
    pub(super) running: bool,
    pub(super) looks: u32,
    failed: u32,
    pages: usize,
}

impl Watch {
    /// Until something of the kind is waited for again.
    pub(super) fn rest(&mut self) {
        *self = Self {
            pages: self.pages,
            ..Self::default()
        };
    }
}

impl<R: Rule> Engine<R> {
    /// Lists a kind where the awaited things are, and says which of them are still there, and how the plan's `others` are shown.
    async fn look(
        &self,
        kind: &Arc<Kind>,
        awaited: &[Awaited<'_>],
        others: &[&Thing],
        index: &Index,
        pages: usize,
        sieve: &Sieve,
    ) -> Result<Listed, ListingFailure> {
        let is_anothers = |seen: &Seen| match sieve.standing(&seen.thing) {
            Standing::OtherName
            | Standing::OtherTask
            | Standing::Protected { .. }
            | Standing::Excluded { .. } => true,
            // What somebody owns may go with him.
            Standing::Nameless => seen.owners.is_empty() && !seen.thing.is_cloud_named,
            _ => false,
        };
        let places: BTreeSet<Place> = awaited
            .iter()
            .map(|awaited| Place::of(awaited.thing))
            .collect();
        let key = |thing: &Thing| id_within(kind, thing);
        let by_id: HashMap<IdWithin, &Awaited> = awaited
            .iter()
            .map(|awaited| (key(awaited.thing), awaited))
            .collect();
        let others: HashSet<IdWithin> = others.iter().map(|thing| key(thing)).collect();
        // Whether the cloud was asked to delete it; `None` if nobody waits for it.
        let is_asked = |thing: &Thing| by_id.get(&key(thing)).map(|awaited| awaited.is_asked);
        let mut listed = Listed {
            awaited: BTreeSet::new(),
            there: BTreeMap::new(),
            shown: Shown::default(),
            strangers: BTreeMap::new(),
            pages: 0,
        };
        for scope in self.scopes_of(kind, &places, pages)? {
            let mut there: Vec<Seen> = Vec::new();
            let note = |page: Vec<Seen>| {
                for seen in page {
                    let thing = &seen.thing;
                    if is_asked(thing).is_some() {
                        there.push(seen);
                    } else if others.contains(&key(thing)) {
                        listed.shown.planned.insert(key(thing), seen);
                    } else if !index.knows(kind, thing) {
                        listed.shown.held.extend(index.held_by(&seen, kind, sieve));
                        if let Some(project) = thing.project.clone()
                            && is_anothers(&seen)
                        {
                            listed.strangers.insert(project, thing.at.clone());
                        }
                    }
                }
            };
            let pages = self.list(kind, &scope, note).await?;
            listed.pages = listed.pages.max(pages);
            for seen in there {
                let is_asked = is_asked(&seen.thing).unwrap_or(false);
                if !(is_asked && self.counts_as_gone(&seen.thing).await) {
                    listed.there.insert(key(&seen.thing), seen);
                }
            }
        }
        Ok(listed)
    }
}

impl<'a, R: Rule> Purge<'a, R> {
    pub(super) fn start_look(&mut self, kind: &Arc<str>) {
        let lingering: Vec<usize> = self.states.lingering(kind).collect();
        let items: BTreeSet<usize> = lingering.iter().copied().collect();
        let open = self.open_of(kind).filter(|item| !items.contains(item));
        let others = open.filter_map(|item| self.plan.items.get(item)?.seen.as_ref());
        let others: Vec<&'a Thing> = others.collect();
        let (Some((_, declared)), Some(look)) = (self.engine.kind(kind), self.looks.get_mut(kind))
        else {
            return;
        };
        if lingering.is_empty() {
            return look.rest();
        }
        look.running = true;
        look.looks += 1;
        let awaited: Vec<Awaited> = lingering
            .iter()
            .filter_map(|&item| {
                let is_asked = matches!(
                    self.states.state(item),
                    Some(State::Lingering {
                        with_owner: false,
                        ..
                    })
                );
                let thing = self.plan.items.get(item)?.seen.as_ref()?;
                Some(Awaited { thing, is_asked })
            })
            .collect();
        let (engine, sieve, pages) = (self.engine, self.sieve, look.pages);
        let index = self.index.clone();
        let (kind, asked) = (kind.clone(), Instant::now());
        self.running.push(Box::pin(async move {
            let listed = engine
                .look(declared, &awaited, &others, &index, pages, sieve)
                .await;
            let result = listed.map(|listed| Listed {
                awaited: items,
                ..listed
            });
            Done::Listed {
                kind,
                asked,
                result,
            }
        }));
    }

    pub(super) fn take_look(
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
                    let items: Vec<usize> = self.states.lingering(kind).collect();
                    for item in items {
                        self.states.fail(
                            item,
                            &format!("nobody can say whether it has gone: {}", failure.why),
                        );
                    }
                }
            }
            Ok(listed) => {
                look.failed = 0;
                look.pages = listed.pages;
                self.note_sights(kind, asked, &listed.shown);
                self.sort_out(kind, asked, &listed);
                self.hold_projects(&listed.strangers);
            }
        }
        let is_over = self.states.lingering(kind).next().is_none();
        if let Some(look) = self.looks.get_mut(kind).filter(|_| is_over) {
            look.rest();
        }
    }

    /// Decides on each thing that was looked for by what a listing showed that was asked for after the thing was to go.
    fn sort_out(&mut self, kind: &Arc<str>, asked: Instant, listed: &Listed) {
        let patience = Duration::from_secs(self.engine.limits.disappear_s_max);
        let lingering = self.states.lingering(kind);
        let items: Vec<usize> = lingering
            .filter(|item| listed.awaited.contains(item))
            .collect();
        let Some((_, declared)) = self.engine.kind(kind) else {
            return;
        };
        for item in items {
            let Some(State::Lingering {
                since,
                looks,
                with_owner,
            }) = self.states.state(item).cloned()
            else {
                continue;
            };
            let Some(planned) = self.plan.items.get(item).filter(|_| since <= asked) else {
                continue;
            };
            let has_failed = |status: Option<&str>| declared.has_failed(status);
            let had_failed = planned
                .seen
                .as_ref()
                .is_some_and(|seen| has_failed(seen.status.as_deref()));
            let within = planned.seen.as_ref().and_then(|seen| declared.within(seen));
            let key = (planned.thing.id.clone(), within.map(Arc::from));
            let shown = listed.there.get(&key);
            let change = shown.zip(planned.seen.as_ref());
            let change = change.and_then(|(seen, before)| self.change(planned, before, seen));
            if let Some(how) = change {
                let why = format!("it stays, for it has changed since the plan was made: {how}");
                self.states.fail(item, &why);
                continue;
            }
            let status = shown.map(|seen| seen.thing.status.as_deref());
            match status {
                None => self.states.gone(item),
                Some(status) if with_owner => self.take_companion(item, declared, status, looks),
                Some(status) => {
                    let is_news = !had_failed || looks >= LOOKS_FOR_STATES;
                    let late = (since.elapsed() > patience).then_some(patience);
                    // What was hidden and is insisted on is shown so until it is gone.
                    let is_awaited =
                        self.insisted_on.contains(&item) && declared.effects.is_hidden(status);
                    let status = status.filter(|_| !is_awaited);
                    match why_it_stays(declared, status, is_news, late) {
                        Some(why) => {
                            // What it is slow at or hides it may yet do.
                            if declared.has_failed(status) && !declared.effects.is_hidden(status) {
                                self.states.note_end_of_deletion(item);
                            }
                            self.give_up(item, &why);
                        }
                        None => self.states.looked(item),
                    }
                }
            }
        }
    }

    /// What was to go with its owner and is still there.
    fn take_companion(&mut self, item: usize, kind: &Kind, status: Option<&str>, looks: u32) {
        let planned = self.plan.items.get(item);
        let is_made_for = planned.is_some_and(|it| matches!(it.reason, Reason::Along { .. }));
        if looks + 1 < LOOKS_FOR_COMPANIONS && !kind.has_failed(status) {
            self.states.looked(item);
        } else if is_made_for {
            self.states.fail(item, LEFT_BEHIND);
        } else {
            self.states.ready(item);
        }
    }

    /// What somebody has put into a project since the plan was made would be nobody's without it, so the project stays.
    fn hold_projects(&mut self, strangers: &BTreeMap<Arc<str>, ThingRef>) {
        if strangers.is_empty() {
            return;
        }
        let items = self.plan.items.iter().enumerate();
        let projects = items.filter(|(_, item)| &*item.thing.kind == PROJECT_KIND);
        let held: Vec<(usize, ThingRef)> = projects
            .filter_map(|(position, item)| Some((position, strangers.get(&item.thing.id)?.clone())))
            .collect();
        for (position, by) in held {
            let why = format!("{by} has come into it since the plan was made");
            self.states.keep(position, &why);
        }
    }
}

/// Why a thing that the cloud was asked to delete will not go any more; `None` if it may yet. `late` is how long it was waited for,
/// if that is long enough.
fn why_it_stays(
    kind: &Kind,
    status: Option<&str>,
    is_news: bool,
    late: Option<Duration>,
) -> Option<String> {
    let shown = status.unwrap_or_default();
    if kind.effects.is_hidden(status) {
        let why = format!("the cloud hides it and has not deleted it: its status is {shown}");
        return Some(why);
    }
    if kind.has_failed(status) && is_news {
        let why = format!("the cloud could not delete it: its status is {shown}");
        return Some(why);
    }
    late.map(|late| {
        let seconds = late.as_secs();
        format!("it is still there after disappear_s_max = {seconds} s")
    })
}
