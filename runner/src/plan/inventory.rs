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
#[derive(Debug, Default)]
pub struct Inventory {
    /// Whether a thing that is kept by all that is known of it may yet go with its project.
    keeps_all_objects: bool,
    entries: Vec<Entry>,
    index: HashMap<ThingRef, Vec<usize>>,
    texts: HashSet<Arc<str>>,
    coverage: Coverage,
    remnants: HashMap<ThingRef, Remnant>,
}

impl Inventory {
    /// An inventory for what a sweep may touch, of which nothing was looked at yet.
    pub fn new(scope: &SweepScope, coverage: Coverage) -> Self {
        Self {
            keeps_all_objects: scope.with_projects,
            coverage,
            ..Self::default()
        }
    }

    /// Remembers what earlier runs were to delete.
    #[must_use]
    pub fn remembering<'a>(mut self, remnants: impl IntoIterator<Item = &'a Remnant>) -> Self {
        for remnant in remnants {
            // What the thing's own object has said counts more than what an owner's has.
            let known = self.remnants.get(&remnant.thing);
            if known.is_none_or(|known| known.by_owner) {
                let thing = remnant.thing.clone();
                self.remnants.insert(thing, remnant.clone());
            }
        }
        self
    }

    /// What was looked at.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// To note what was looked at.
    pub fn coverage_mut(&mut self) -> &mut Coverage {
        &mut self.coverage
    }

    /// Adds a thing. One that is listed twice (by two pages, while the cloud changes) counts once; two of the same id, under two
    /// users or in two projects, are two.
    pub fn add(&mut self, seen: Seen, standing: Standing) {
        let Seen {
            mut thing,
            owners,
            steps,
            mut foreseen,
        } = seen;
        thing.at = self.intern_ref(&thing.at);
        let place = |thing: &Thing| (thing.parent.clone(), thing.project.clone());
        let mut known = self.index.get(&thing.at).into_iter().flatten();
        let same = |at: &usize| {
            self.entries
                .get(*at)
                .is_some_and(|it| place(&it.thing) == place(&thing))
        };
        if known.any(same) {
            return;
        }
        thing.project = thing.project.map(|project| self.intern(&project));
        thing.parent = thing.parent.map(|parent| self.intern_ref(&parent));
        let may_go = match standing {
            Standing::Matched { .. } | Standing::Nameless | Standing::Unmatched => true,
            Standing::OtherTask | Standing::OtherName => {
                let is_part = |owner: &Owner| owner.relation == Relation::PartOf;
                self.keeps_all_objects || owners.iter().any(is_part)
            }
            Standing::Spared
            | Standing::Protected { .. }
            | Standing::OutsideProject
            | Standing::OutsideAge => false,
        };
        if !may_go {
            thing.object = String::new();
        }
        let owners = owners
            .into_iter()
            .map(|owner| Owner {
                relation: owner.relation,
                owner: self.intern_ref(&owner.owner),
            })
            .collect();
        let steps = steps
            .into_iter()
            .map(|step| match step {
                Step::Before(other) => Step::Before(self.intern_ref(&other)),
                Step::After(other) => Step::After(self.intern_ref(&other)),
            })
            .collect();
        for taken in &mut foreseen.takes {
            *taken = self.intern_ref(taken);
        }
        let position = self.entries.len();
        self.index
            .entry(thing.at.clone())
            .or_default()
            .push(position);
        self.entries.push(Entry {
            thing,
            standing,
            owners,
            steps,
            foreseen,
        });
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

    /// Where the thing is that others mean by this. Where two have this id, nobody can know which.
    pub(super) fn position(&self, at: &ThingRef) -> Option<usize> {
        match self.index.get(at)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Whether a listing showed a thing of this kind and id, or several.
    pub(super) fn is_listed(&self, at: &ThingRef) -> bool {
        self.index.contains_key(at)
    }

    /// The record of an earlier run that was to delete a thing, if the thing is still what it was.
    pub(super) fn remembered(&self, entry: &Entry) -> Option<&Remnant> {
        let remnant = self.remnants.get(&entry.thing.at)?;
        let is_it = entry.standing == Standing::Nameless
            && self.position(&remnant.thing).is_some()
            && remnant.is(&entry.thing);
        is_it.then_some(remnant)
    }

    /// Whether a thing that was there once is there no more: its kind was listed wherever this run looks, and nothing showed it.
    pub(super) fn is_gone(&self, at: &ThingRef) -> bool {
        let coverage = &self.coverage;
        let is_looked_at = coverage.effects(&at.kind).is_some() && !coverage.has_gap(&at.kind);
        is_looked_at && !self.is_listed(at)
    }

    /// Whether nothing is left to do about a thing of an earlier run: it is gone, or has become another thing than it was.
    pub fn is_settled(&self, remnant: &Remnant) -> bool {
        match self.find(&remnant.thing) {
            Some(entry) => !remnant.is(&entry.thing),
            None => self.is_gone(&remnant.thing),
        }
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

    fn intern(&mut self, text: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        self.texts.insert(text.clone());
        text.clone()
    }

    fn intern_ref(&mut self, at: &ThingRef) -> ThingRef {
        ThingRef {
            kind: self.intern(&at.kind),
            id: self.intern(&at.id),
        }
    }
}
