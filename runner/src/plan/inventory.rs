//! What a survey found: every thing once, with what its own features say about it.
//!
//! It grows with what exists, so it keeps of a thing only what a decision can need: the JSON object goes as soon as it is
//! clear that the thing cannot be deleted, and ids that recur (networks, projects, subnets) are stored once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::resource::{Foreseen, Owner, Relation, Seen, Step, Thing, ThingRef};

use super::coverage::Coverage;
use super::remnant::Remnant;
use super::sieve::{Standing, SweepScope};

/// A thing in the inventory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is. `object` is empty where it cannot be needed any more.
    pub thing: Thing,
    /// What its own features say.
    pub standing: Standing,
    /// Who speaks for it.
    pub owners: Vec<Owner>,
    /// Its place in the order.
    pub steps: Vec<Step>,
    /// What its object says beforehand of how it will go.
    pub foreseen: Foreseen,
}

/// Every thing that was listed, by kind and id.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Whether a thing that is kept by all that is known of it may yet go with its project.
    keeps_all_objects: bool,
    is_of_one_project: bool,
    entries: Vec<Entry>,
    index: HashMap<ThingRef, Vec<usize>>,
    texts: HashSet<Arc<str>>,
    coverage: Coverage,
    remnants: HashMap<ThingRef, Vec<Remnant>>,
}

impl Inventory {
    /// An inventory for what a sweep may touch, of which nothing was looked at yet.
    pub fn new(scope: &SweepScope, coverage: Coverage) -> Self {
        Self {
            keeps_all_objects: scope.with_projects,
            // Whoever is no administrator sees no other.
            is_of_one_project: scope.projects.is_some() && scope.projectless,
            coverage,
            ..Self::default()
        }
    }

    /// Remembers what earlier runs were to delete.
    #[must_use]
    pub fn remembering<'a>(mut self, remnants: impl IntoIterator<Item = &'a Remnant>) -> Self {
        for remnant in remnants {
            let known = self.remnants.entry(remnant.thing.clone()).or_default();
            known.push(remnant.clone());
        }
        self
    }

    /// Whether all of it is in one project, whether it says so or not.
    pub(super) fn is_of_one_project(&self) -> bool {
        self.is_of_one_project
    }

    /// What was looked at.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// To note what was looked at.
    pub fn coverage_mut(&mut self) -> &mut Coverage {
        &mut self.coverage
    }

    /// Adds a thing. One that is listed twice (by two pages, while the cloud changes) counts once, as it was shown last; but what
    /// one of the sights keeps is kept. Two of the same id, under two users or in two projects, are two.
    pub fn add(&mut self, seen: Seen, standing: Standing) {
        // What only ties others goes with them, whatever its rule takes for its name.
        let standing = match self.is_witness(&seen.thing.at.kind) {
            true => match standing.without_choice() {
                tie if tie.may_go() => Standing::Nameless,
                others => others,
            },
            false => standing,
        };
        let entry = self.entry(seen, standing);
        let known = self.index.get(&entry.thing.at).into_iter().flatten();
        let mut known = known.copied().filter(|at| {
            let known = self.entries.get(*at);
            known.is_some_and(|known| self.coverage.is_same(&known.thing, &entry.thing))
        });
        match known.next().and_then(|at| self.entries.get_mut(at)) {
            Some(before) if entry.standing.may_go() && !before.standing.may_go() => {}
            Some(before) => *before = entry,
            None => {
                let position = self.entries.len();
                let known = self.index.entry(entry.thing.at.clone()).or_default();
                known.push(position);
                self.entries.push(entry);
            }
        }
    }

    /// What is kept of a thing.
    fn entry(&mut self, seen: Seen, standing: Standing) -> Entry {
        let Seen {
            mut thing,
            mut owners,
            mut steps,
            mut foreseen,
        } = seen;
        let may_go = match standing {
            Standing::Matched { .. } | Standing::Nameless | Standing::Unmatched => true,
            Standing::OtherTask | Standing::OtherName => {
                let is_part = |owner: &Owner| owner.relation == Relation::PartOf;
                self.keeps_all_objects || owners.iter().any(is_part)
            }
            Standing::Spared
            | Standing::Protected { .. }
            | Standing::OutsideProject
            | Standing::OutsideAge { .. }
            | Standing::Unselected { .. }
            | Standing::Excluded { .. } => false,
        };
        if !may_go {
            thing.object = String::new();
        }
        self.intern_ref(&mut thing.at);
        if let Some(project) = &mut thing.project {
            self.intern(project);
        }
        if let Some(parent) = &mut thing.parent {
            self.intern_ref(parent);
        }
        for Owner { owner, .. } in &mut owners {
            self.intern_ref(owner);
        }
        for Step::Before(other) | Step::After(other) in &mut steps {
            self.intern_ref(other);
        }
        for taken in &mut foreseen.takes {
            self.intern_ref(taken);
        }
        Entry {
            thing,
            standing,
            owners,
            steps,
            foreseen,
        }
    }

    /// The thing of this kind with this id, if there is exactly one.
    pub fn find(&self, at: &ThingRef) -> Option<&Entry> {
        self.position(at)
            .and_then(|position| self.entries.get(position))
    }

    /// All things, in the order in which they were listed.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Brings the things into the order of their kinds and ids, so that what is made of them does not depend on which
    /// listing was answered first.
    pub(super) fn sort(&mut self) {
        let order = |thing: &Thing| {
            (
                thing.at.clone(),
                thing.parent.clone(),
                thing.project.clone(),
            )
        };
        self.entries.sort_by_cached_key(|entry| order(&entry.thing));
        self.index.clear();
        for (position, entry) in self.entries.iter().enumerate() {
            let known = self.index.entry(entry.thing.at.clone()).or_default();
            known.push(position);
        }
    }

    /// Takes everything for chosen. Returns how things stood before, by their positions, so that it can be taken back.
    pub(super) fn lift_choice(&mut self) -> Vec<(usize, Standing)> {
        let mut lifted = Vec::new();
        for (position, entry) in self.entries.iter_mut().enumerate() {
            let is_chosen = !matches!(
                entry.standing,
                Standing::Unselected { .. } | Standing::Excluded { .. }
            );
            if is_chosen {
                continue;
            }
            let before = entry.standing.clone();
            entry.standing = before.clone().without_choice();
            lifted.push((position, before));
        }
        lifted
    }

    /// Takes that back.
    pub(super) fn restore_choice(&mut self, lifted: Vec<(usize, Standing)>) {
        for (position, standing) in lifted {
            if let Some(entry) = self.entries.get_mut(position) {
                entry.standing = standing;
            }
        }
    }

    /// Where the thing is that others mean by this. Where two have this id, nobody can know which.
    pub(super) fn position(&self, at: &ThingRef) -> Option<usize> {
        match self.index.get(at)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Where the thing is that this one means. Where several have the id, it is the one that is in the same project.
    pub(super) fn position_for(&self, at: &ThingRef, of: &Thing) -> Option<usize> {
        let known = self.index.get(at)?;
        let is_near = |position: &&usize| {
            let known = self.entries.get(**position);
            known.is_some_and(|it| it.thing.project.is_some() && it.thing.project == of.project)
        };
        let mut near = known.iter().filter(is_near);
        match (known.as_slice(), near.next(), near.next()) {
            ([only], ..) | (_, Some(only), None) => Some(*only),
            _ => None,
        }
    }

    /// Whether a listing showed a thing of this kind and id, or several.
    pub(super) fn is_listed(&self, at: &ThingRef) -> bool {
        self.index.contains_key(at)
    }

    /// The records of earlier runs that were to delete a thing, if the thing is still what it was; otherwise none.
    pub(super) fn remembered(&self, entry: &Entry) -> &[Remnant] {
        let known = self.remnants.get(&entry.thing.at);
        let known = known.map_or(&[][..], Vec::as_slice);
        let is_it = entry.standing == Standing::Nameless
            && self.position(&entry.thing.at).is_some()
            && known.iter().all(|remnant| remnant.is(&entry.thing));
        if is_it { known } else { &[] }
    }

    /// Whether a thing that was there once, in this project or under one of these, is there no more: its kind was listed to the end
    /// just there, and nothing showed it.
    pub(super) fn is_gone(
        &self,
        at: &ThingRef,
        project: Option<&Arc<str>>,
        under: &[ThingRef],
    ) -> bool {
        !self.is_listed(at)
            && (self.coverage.was_listed(&at.kind, project, under)
                || under.iter().any(|parent| {
                    // What was under something that has gone, went with it.
                    self.coverage.is_under(&at.kind, &parent.kind)
                        && !self.is_listed(parent)
                        && self.coverage.was_listed(&parent.kind, project, &[])
                }))
    }

    /// Whether nothing is left to do about a thing of an earlier run: it is gone or has become another thing than it was; or nobody was
    /// asked to delete one of those because of whom it was to go, and its owner is there and has let it go, or one of them bears
    /// another name now. What this run may not touch says nothing about what another one was to do.
    pub fn is_settled(&self, remnant: &Remnant) -> bool {
        let project = remnant.project.as_ref();
        let Some(entry) = self.find(&remnant.thing) else {
            return self.is_gone(&remnant.thing, project, &remnant.owners);
        };
        let owner = remnant.owner();
        let names_owner = entry.owners.iter().any(|it| Some(&it.owner) == owner);
        let is_let_go = owner.is_some_and(|owner| self.is_listed(owner)) && !names_owner;
        let stays = |owner: &ThingRef| {
            let standing = self.find(owner).map(|owner| &owner.standing);
            matches!(standing, Some(Standing::OtherName | Standing::OtherTask))
        };
        let is_dropped = is_let_go || remnant.owners.iter().any(stays);
        !remnant.is(&entry.thing) || (is_dropped && !remnant.is_under_way())
    }

    /// Whether a thing is deleted with its owners of this kind.
    pub(super) fn goes_with_kind(&self, entry: &Entry, owner: &str) -> bool {
        let effects = self.coverage.effects(&entry.thing.at.kind);
        effects.is_some_and(|effects| {
            let mut kinds = effects.taken_by.iter().chain(&effects.made_for);
            kinds.any(|kind| **kind == *owner)
        })
    }

    /// The kinds that are only there to tie others.
    pub(super) fn witnesses(&self) -> impl Iterator<Item = &Arc<str>> {
        self.coverage.witnesses()
    }

    /// Whether a kind is only there to tie others.
    pub(super) fn is_witness(&self, kind: &str) -> bool {
        let effects = self.coverage.effects(kind);
        effects.is_some_and(|effects| effects.is_witness)
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Replaces a text by the one that is stored already.
    fn intern(&mut self, text: &mut Arc<str>) {
        if let Some(known) = self.texts.get(text) {
            *text = known.clone();
        } else {
            self.texts.insert(text.clone());
        }
    }

    fn intern_ref(&mut self, at: &mut ThingRef) {
        self.intern(&mut at.kind);
        self.intern(&mut at.id);
    }
}
