//! Survey: every kind, everywhere, side by side; kinds that are listed under others after these.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;

use crate::event::{Event, Phase};
use crate::plan::{Coverage, Entry, Inventory, Sieve, Standing, SweepScope, decide};
use crate::resource::{Kind, ListScope, PROJECT_KIND, Reach, Seen, USER_KIND};
use crate::rule::Rule;

use super::listing::Place;
use super::{Engine, ListingFailure};

/// What exists, as far as it could be listed.
#[derive(Clone, Debug, Default)]
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
            inventory: Inventory::new(sieve.scope(), Coverage::of(self.kinds().cloned()))
                .remembering(sieve.remnants()),
            ..Survey::default()
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
                    self.note_gap(&mut survey, kind, &ListScope::All, why);
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
                self.note_gap(survey, kind, &ListScope::All, why);
                continue;
            }
            let unknown =
                listed_after(kind).filter(|parent| survey.inventory.coverage().has_gap(parent));
            if unknown.is_some() {
                // What could not be listed may have things of this kind under it.
                let coverage = survey.inventory.coverage_mut();
                coverage.note_gap(kind.name.clone(), ListScope::All);
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
        let now = Instant::now();
        let asked = kinds.iter().map(|kind| (kind.name.clone(), now));
        self.sights().extend(asked);
        let failed = self.list_all(listings, sieve, survey).await;
        for (kind, scope, why) in failed {
            self.note_gap(survey, kind, &scope, why);
        }
        for kind in kinds {
            if self.is_everywhere(kind, survey) {
                survey
                    .inventory
                    .coverage_mut()
                    .note_whole(kind.name.clone());
            }
        }
    }

    /// Lists side by side. Returns what could not be listed, and why.
    async fn list_all<'a>(
        &self,
        listings: Vec<(&'a Arc<Kind>, ListScope)>,
        sieve: &Sieve,
        survey: &mut Survey,
    ) -> Vec<(&'a Arc<Kind>, ListScope, String)> {
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
        let listed = listings.into_iter().map(async |(kind, scope)| {
            let result = self.list(kind, &scope, add).await;
            (kind, scope, result)
        });
        let results: Vec<_> = stream::iter(listed)
            .buffer_unordered(self.limits.listings_max)
            .collect()
            .await;
        let mut failed = Vec::new();
        for (kind, scope, result) in results {
            match result {
                Ok(_) => {
                    let coverage = survey.inventory.coverage_mut();
                    coverage.note_listed(kind.name.clone(), scope);
                }
                Err(failure) => failed.push((kind, scope, failure.why)),
            }
        }
        failed.sort_by(|(a, in_a, _), (b, in_b, _)| (&a.name, in_a).cmp(&(&b.name, in_b)));
        failed
    }

    /// Whether all things of a kind were listed, wherever they are.
    fn is_everywhere(&self, kind: &Kind, survey: &Survey) -> bool {
        let coverage = survey.inventory.coverage();
        let knows_parents =
            |parent: &str| self.reachable.projects.is_none() && coverage.is_whole(parent);
        let reaches_all = match &kind.reach {
            Reach::Projects => true,
            Reach::Cloud => self.reachable.projects.is_none(),
            Reach::EachProject => knows_parents(PROJECT_KIND),
            Reach::UnderEach(parent) => knows_parents(parent),
            Reach::UnderDeleted(_) => false,
        };
        self.reachable.is_admin && reaches_all && !coverage.has_gap(&kind.name)
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

    fn note_gap(&self, survey: &mut Survey, kind: &Kind, scope: &ListScope, why: String) {
        let failure = ListingFailure {
            kind: kind.name.clone(),
            scope: scope.to_string(),
            why,
        };
        let coverage = survey.inventory.coverage_mut();
        coverage.note_gap(kind.name.clone(), scope.clone());
        self.notice_unlisted(&failure);
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
    // A sweep that is narrowed to projects looks under nothing outside of them.
    let is_parent = |entry: &&Entry| {
        entry.thing.at.kind == *parent && entry.standing != Standing::OutsideProject
    };
    let under = |entry: &Entry| Place {
        project: entry.thing.project.clone(),
        parent: Some(entry.thing.at.clone()),
    };
    match kind.reach {
        Reach::UnderDeleted(_) => decide::doomed(inventory, scope)
            .filter(is_parent)
            .map(under)
            .collect(),
        Reach::Projects | Reach::EachProject | Reach::Cloud | Reach::UnderEach(_) => inventory
            .entries()
            .iter()
            .filter(is_parent)
            .map(under)
            .collect(),
    }
}
