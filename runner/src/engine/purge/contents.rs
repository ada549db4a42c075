//! Contents: a project goes only if what may be in it was looked at lately.
//!
//! Whatever somebody has put into it since would be nobody's without it. In a run that takes no longer than a sight holds, this costs
//! nothing; in a longer one it is one listing of each kind for all projects that are due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::plan::{Sieve, Standing};
use crate::resource::{Kind, PROJECT_KIND, Reach, Seen, ThingRef};
use crate::rule::Rule;

use super::super::listing::Place;
use super::super::{Engine, ListingFailure};
use super::progress::State;
use super::sight::{Index, PROJECTS_MAX};
use super::{Done, Purge};

/// What a look into projects showed: by project, something in it that the plan does not know.
pub(super) type Strangers = BTreeMap<Arc<str>, ThingRef>;

/// The looks into projects.
#[derive(Default)]
pub(super) struct Contents {
    /// Projects that are due, and wait for a look.
    waiting: BTreeSet<usize>,
    /// When the look was asked for that saw into a project last.
    seen: HashMap<usize, Instant>,
    is_running: bool,
}

impl<'a, R: Rule> Purge<'a, R> {
    /// Puts a project off until it was looked into, if that has been too long ago. Says whether it has.
    pub(super) fn await_contents(&mut self, item: usize) -> bool {
        let planned = self.plan.items.get(item);
        if planned.is_none_or(|planned| &*planned.thing.kind != PROJECT_KIND) {
            return false;
        }
        let asked = self.contents.seen.get(&item).copied();
        let asked = asked.or_else(|| self.engine.oldest_sight());
        let is_old = asked.is_some_and(|asked| self.engine.is_old_sight(asked));
        if is_old {
            self.progress.await_sight(item, BTreeSet::new());
            self.contents.waiting.insert(item);
        }
        is_old
    }

    pub(super) fn start_look_into_projects(&mut self) {
        if self.contents.is_running || self.contents.waiting.is_empty() {
            return;
        }
        self.contents.is_running = true;
        let items = std::mem::take(&mut self.contents.waiting);
        let projects = items.iter().filter_map(|item| self.plan.items.get(*item));
        let projects: BTreeSet<Arc<str>> = projects.map(|it| it.thing.id.clone()).collect();
        let (engine, sieve, index) = (self.engine, self.sieve, self.index.clone());
        let asked = Instant::now();
        self.running.push(Box::pin(async move {
            let result = engine.look_into(&projects, &index, sieve).await;
            Done::LookedInto {
                items,
                asked,
                result,
            }
        }));
    }

    pub(super) fn take_look_into_projects(
        &mut self,
        items: &BTreeSet<usize>,
        asked: Instant,
        result: Result<Strangers, ListingFailure>,
    ) {
        self.contents.is_running = false;
        for &item in items {
            if self.progress.state(item) != Some(&State::Unsighted) {
                continue;
            }
            let project = self.plan.items.get(item).map(|planned| &planned.thing.id);
            let stranger = match &result {
                Ok(strangers) => project.and_then(|project| strangers.get(project)),
                Err(failure) => {
                    let why = &failure.why;
                    let why =
                        format!("it could not be looked into again before its deletion: {why}");
                    self.progress.fail(item, &why);
                    continue;
                }
            };
            match stranger {
                Some(by) => {
                    let why = format!("{by} has come into it since the plan was made");
                    self.progress.fail(item, &why);
                }
                None => {
                    self.contents.seen.insert(item, asked);
                    self.progress.ready(item);
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
        sieve: &Sieve,
    ) -> Result<Strangers, ListingFailure> {
        let places = projects.iter().map(|project| Place {
            project: Some(project.clone()),
            parent: None,
        });
        let places: BTreeSet<Place> = places.collect();
        let kinds = self.kinds().filter(|kind| may_be_in_a_project(kind));
        let looks = kinds.map(|kind| self.strangers(kind, &places, index, sieve));
        let looks: Vec<_> = looks.collect();
        let looks: Vec<Result<Strangers, ListingFailure>> = stream::iter(looks)
            .buffer_unordered(self.limits.listings_max)
            .collect()
            .await;
        let mut all = Strangers::new();
        for strangers in looks {
            all.extend(strangers?);
        }
        Ok(all)
    }

    /// Whatever of a kind is there that neither the plan has nor the cloud makes by itself.
    async fn strangers(
        &self,
        kind: &Arc<Kind>,
        places: &BTreeSet<Place>,
        index: &Index,
        sieve: &Sieve,
    ) -> Result<Strangers, ListingFailure> {
        let mut strangers = Strangers::new();
        for scope in self.scopes_of(kind, places, PROJECTS_MAX)? {
            let note = |page: Vec<Seen>| {
                let things = page.into_iter().map(|seen| seen.thing);
                let strange = things
                    .filter(|thing| index.positions(&thing.at).is_empty())
                    .filter(|thing| sieve.standing(thing) != Standing::Nameless);
                strangers.extend(strange.filter_map(|thing| Some((thing.project?, thing.at))));
            };
            self.list(kind, &scope, note).await?;
        }
        Ok(strangers)
    }
}

fn may_be_in_a_project(kind: &Kind) -> bool {
    matches!(kind.reach, Reach::Projects | Reach::EachProject) && !kind.effects.is_witness
}
