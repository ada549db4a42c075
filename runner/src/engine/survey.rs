//! Survey: every kind, everywhere, side by side; kinds that are listed under others after these.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use crate::event::{Event, Phase};
use crate::plan::{Entry, Inventory, Sieve, SweepScope, decide};
use crate::resource::{Kind, ListScope, PROJECT_KIND, Reach, Seen, USER_KIND};
use crate::rule::Rule;

use super::listing::Place;
use super::{Engine, ListingFailure};

/// What exists, as far as it could be listed.
#[derive(Debug, Default)]
pub struct Survey {
    /// What was found.
    pub inventory: Inventory,
    /// What could not be listed.
    pub failures: Vec<ListingFailure>,
}

impl<R: Rule> Engine<R> {
    /// Lists every kind. A listing that fails is noted, and the others go on.
    pub async fn survey(&self, sieve: &Sieve) -> Survey {
        self.notice(Event::Phase {
            phase: Phase::Survey,
        });
        let mut survey = Survey {
            inventory: Inventory::for_scope(sieve.scope()),
            failures: Vec::new(),
        };
        let mut open: Vec<&Arc<Kind>> = self.kinds().collect();
        while !open.is_empty() {
            let (now, later): (Vec<_>, Vec<_>) = open.iter().copied().partition(|kind| {
                let waits_for = |parent: &Arc<str>| open.iter().any(|other| other.name == *parent);
                !listed_after(kind).is_some_and(|parent| waits_for(&parent))
            });
            if now.is_empty() {
                for kind in open {
                    let why = "it is listed under something that is listed under it".to_owned();
                    let (kind, scope) = (kind.name.clone(), "everywhere".to_owned());
                    self.note_failure(&mut survey, ListingFailure { kind, scope, why });
                }
                break;
            }
            self.survey_kinds(&now, sieve, &mut survey).await;
            open = later;
        }
        survey
    }

    async fn survey_kinds(&self, kinds: &[&Arc<Kind>], sieve: &Sieve, survey: &mut Survey) {
        let mut listings: Vec<(&Arc<Kind>, ListScope)> = Vec::new();
        for kind in kinds {
            if let Some(parent) = self.unlisted_parent(kind) {
                let why = format!("no rule lists {parent}, so nobody knows where to look");
                let (kind, scope) = (kind.name.clone(), "everywhere".to_owned());
                self.note_failure(survey, ListingFailure { kind, scope, why });
                continue;
            }
            match self.scopes(kind, &|parent| {
                parents(kind, parent, &survey.inventory, sieve.scope())
            }) {
                Ok(scopes) => listings.extend(scopes.into_iter().map(|scope| (*kind, scope))),
                Err(why) => self.notice(Event::KindSkipped {
                    kind: kind.name.clone(),
                    why,
                }),
            }
        }
        let inventory = std::sync::Mutex::new(&mut survey.inventory);
        let add = |seen: Vec<Seen>| {
            let mut inventory = inventory
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            for seen in seen {
                let standing = sieve.standing(&seen.thing);
                inventory.add(seen, standing);
            }
        };
        let listed = stream::iter(
            listings
                .iter()
                .map(async |(kind, scope)| self.list(kind, scope, add).await),
        );
        let results: Vec<_> = listed
            .buffer_unordered(self.limits.listings_max)
            .collect()
            .await;
        for failure in results.into_iter().filter_map(Result::err) {
            self.note_failure(survey, failure);
        }
    }

    /// The kind that would have to be listed to know where this one is, and that no rule lists.
    fn unlisted_parent(&self, kind: &Kind) -> Option<Arc<str>> {
        let knows_parents = match &kind.reach {
            Reach::EachProject => self.reachable.projects.is_some(),
            Reach::UnderEach(parent) => &**parent == USER_KIND && !self.reachable.is_admin,
            Reach::Projects | Reach::Cloud | Reach::UnderDeleted(_) => true,
        };
        listed_after(kind).filter(|parent| !knows_parents && self.kind(parent).is_none())
    }

    fn note_failure(&self, survey: &mut Survey, failure: ListingFailure) {
        let ListingFailure { kind, scope, why } = failure.clone();
        self.notice(Event::ListingFailed { kind, scope, why });
        survey.failures.push(failure);
    }
}

fn listed_after(kind: &Kind) -> Option<Arc<str>> {
    match &kind.reach {
        Reach::EachProject => Some(Arc::from(PROJECT_KIND)),
        Reach::UnderEach(parent) | Reach::UnderDeleted(parent) => Some(parent.clone()),
        Reach::Projects | Reach::Cloud => None,
    }
}

/// The things under which a kind is listed.
fn parents(
    kind: &Kind,
    parent: &Arc<str>,
    inventory: &Inventory,
    scope: &SweepScope,
) -> Vec<Place> {
    let is_parent = |entry: &&Entry| entry.thing.at.kind == *parent;
    let under = |entry: &Entry| Place {
        project: entry.thing.project.clone(),
        parent: Some(entry.thing.at.clone()),
    };
    match kind.reach {
        Reach::UnderDeleted(_) => {
            let verdicts = decide::decide(inventory, scope);
            let doomed = inventory
                .entries()
                .iter()
                .zip(verdicts)
                .filter(|(_, verdict)| verdict.is_delete());
            let doomed = doomed.map(|(entry, _)| entry);
            doomed.filter(is_parent).map(under).collect()
        }
        Reach::Projects | Reach::EachProject | Reach::Cloud | Reach::UnderEach(_) => inventory
            .entries()
            .iter()
            .filter(is_parent)
            .map(under)
            .collect(),
    }
}
