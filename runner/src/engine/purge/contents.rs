//! Contents: a project goes only if what may be in it was looked at lately.
//!
//! Whatever somebody has put into it since would be nobody's without it. In a run that takes no longer than a sight holds, this costs
//! nothing; in a longer one it is one listing of each kind for all projects that are due.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::plan::{Sieve, Standing};
use crate::resource::{Kind, PROJECT_KIND, Reach, Seen, Thing, ThingRef};
use crate::rule::Rule;

use super::super::listing::Place;
use super::super::{Engine, ListingFailure};
use super::sight::{Index, PROJECTS_MAX};
use super::states::State;
use super::{Done, IdWithin, Purge, id_within};

/// Things of the plan that have come to their end, by kind and by id.
type Ended = HashSet<(Arc<str>, IdWithin)>;

/// What a look into projects showed: by project, something in it that the plan does not know.
pub(super) type Strangers = BTreeMap<Arc<str>, ThingRef>;

/// The looks into projects.
#[derive(Default)]
pub(super) struct Contents {
    /// Projects that are due for a look, each with all that wait for it: itself, and what goes only because it does.
    waiting: BTreeMap<usize, BTreeSet<usize>>,
    /// When the last look into a project ended.
    seen: HashMap<usize, Instant>,
    is_running: bool,
}

impl<'a, R: Rule> Purge<'a, R> {
    /// Puts a thing off until its projects were looked into, if that has been too long ago: a project itself, and those because of
    /// which a thing goes. Says whether it has.
    pub(super) fn await_contents(&mut self, item: usize) -> bool {
        let mut projects = self.states.grounds(item);
        projects.insert(item);
        projects.retain(|it| self.has_old_contents(*it));
        if projects.is_empty() {
            return false;
        }
        self.states.await_sight(item, BTreeSet::new());
        for project in projects {
            let waiting = self.contents.waiting.entry(project).or_default();
            waiting.insert(item);
        }
        true
    }

    fn has_old_contents(&self, item: usize) -> bool {
        let planned = self.plan.items.get(item);
        if planned.is_none_or(|planned| &*planned.thing.kind != PROJECT_KIND) {
            return false;
        }
        let seen = self.contents.seen.get(&item).copied();
        let seen = seen.or_else(|| self.engine.oldest_sight());
        seen.is_some_and(|seen| self.engine.is_old_sight(seen))
    }

    pub(super) fn start_look_into_projects(&mut self) {
        if self.contents.is_running || self.contents.waiting.is_empty() {
            return;
        }
        self.contents.is_running = true;
        let projects = std::mem::take(&mut self.contents.waiting);
        let ids = projects
            .keys()
            .filter_map(|item| self.plan.items.get(*item));
        let ids: BTreeSet<Arc<str>> = ids.map(|it| it.thing.id.clone()).collect();
        let (engine, sieve, index) = (self.engine, self.sieve, self.index.clone());
        let ended = self.ended();
        self.running.push(Box::pin(async move {
            let result = engine.look_into(&ids, &index, &ended, sieve).await;
            Done::LookedInto { projects, result }
        }));
    }

    /// What of the plan has come to its end, and so is not there any more or stays.
    fn ended(&self) -> Ended {
        let items = self.plan.items.iter().enumerate();
        let ended = items.filter(|(item, _)| !self.states.is_open(*item));
        let ended = ended.filter_map(|(_, planned)| {
            let (_, kind) = self.engine.kind(&planned.thing.kind)?;
            Some((kind.name.clone(), id_within(kind, planned.seen.as_ref()?)))
        });
        ended.collect()
    }

    pub(super) fn take_look_into_projects(
        &mut self,
        projects: &BTreeMap<usize, BTreeSet<usize>>,
        result: Result<Strangers, ListingFailure>,
    ) {
        self.contents.is_running = false;
        for (&project, waiting) in projects {
            let id = self
                .plan
                .items
                .get(project)
                .map(|planned| &planned.thing.id);
            let why = match &result {
                Ok(strangers) => {
                    let stranger = id.and_then(|id| strangers.get(id));
                    stranger.map(|by| format!("{by} has come into it since the plan was made"))
                }
                Err(failure) => {
                    let why = &failure.why;
                    Some(format!(
                        "it could not be looked into again before its deletion: {why}"
                    ))
                }
            };
            match why {
                Some(why) => self.states.keep(project, &why),
                // From now on, lest a look that takes longer than a sight holds is made without end.
                None => {
                    self.contents.seen.insert(project, Instant::now());
                }
            }
            for &item in waiting {
                if self.states.state(item) == Some(&State::Unsighted) {
                    self.states.ready(item);
                }
            }
        }
    }
}

impl<R: Rule> Engine<R> {
    /// When that kind was asked for that was asked for first, of those whose things may be in a project.
    fn oldest_sight(&self) -> Option<Instant> {
        let sights = self.sights();
        let kinds = self.kinds().filter(|kind| may_be_in_a_project(kind));
        kinds
            .filter_map(|kind| sights.get(&kind.name).copied())
            .min()
    }

    /// Lists whatever may be in these projects, and says what is there that neither the plan has nor the cloud makes by itself.
    async fn look_into(
        &self,
        projects: &BTreeSet<Arc<str>>,
        index: &Index,
        ended: &Ended,
        sieve: &Sieve,
    ) -> Result<Strangers, ListingFailure> {
        let places = projects.iter().map(|project| Place {
            project: Some(project.clone()),
            parent: None,
        });
        let places: BTreeSet<Place> = places.collect();
        let kinds = self.kinds().filter(|kind| may_be_in_a_project(kind));
        let looks = kinds.map(|kind| self.newcomers(kind, &places, index, ended));
        let looks: Vec<_> = looks.collect();
        let looks: Vec<Result<Vec<Seen>, ListingFailure>> = stream::iter(looks)
            .buffer_unordered(self.limits.listings_max)
            .collect()
            .await;
        let looks: Result<Vec<Vec<Seen>>, ListingFailure> = looks.into_iter().collect();
        let newcomers: Vec<Seen> = looks?.into_iter().flatten().collect();
        let made = newcomers.iter().map(|seen| &seen.thing);
        let made = made.filter(|thing| thing.is_cloud_named);
        let made: BTreeSet<ThingRef> = made.map(|thing| thing.at.clone()).collect();
        // The rules of a default group go with it.
        let is_made = |seen: &Seen| {
            let mut owners = seen.owners.iter().map(|it| &it.owner);
            sieve.standing(&seen.thing) == Standing::Nameless
                && (seen.thing.is_cloud_named || owners.any(|owner| made.contains(owner)))
        };
        let strange = newcomers.into_iter().filter(|seen| !is_made(seen));
        let strange = strange.map(|seen| seen.thing);
        Ok(strange
            .filter_map(|thing| Some((thing.project?, thing.at)))
            .collect())
    }

    /// Whatever of a kind is there that the plan does not have, or not so, or that should be there no more.
    async fn newcomers(
        &self,
        kind: &Arc<Kind>,
        places: &BTreeSet<Place>,
        index: &Index,
        ended: &Ended,
    ) -> Result<Vec<Seen>, ListingFailure> {
        let has_ended =
            |thing: &Thing| ended.contains(&(kind.name.clone(), id_within(kind, thing)));
        let (mut newcomers, mut back) = (Vec::new(), Vec::new());
        for scope in self.scopes_of(kind, places, PROJECTS_MAX)? {
            let note = |page: Vec<Seen>| {
                for seen in page {
                    if !index.knows_as_it_was(kind, &seen.thing) {
                        newcomers.push(seen);
                    } else if has_ended(&seen.thing) {
                        back.push(seen);
                    }
                }
            };
            self.list(kind, &scope, note).await?;
        }
        for seen in back {
            if !self.counts_as_gone(&seen.thing).await {
                newcomers.push(seen);
            }
        }
        Ok(newcomers)
    }
}

fn may_be_in_a_project(kind: &Kind) -> bool {
    matches!(kind.reach, Reach::Projects | Reach::EachProject) && !kind.effects.is_witness
}
