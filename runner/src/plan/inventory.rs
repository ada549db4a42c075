//! What a survey found: every thing once, with what its own features say about it.
//!
//! It grows with what exists, so it keeps of a thing only what a decision can need: the JSON object goes as soon as it is
//! clear that the thing cannot be deleted, and ids that recur (networks, projects, subnets) are stored once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::resource::{Owner, Relation, Seen, Step, ThingRef};

use super::sieve::Standing;

/// A thing in the inventory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is. `object` is empty where it cannot be needed any more.
    pub thing: crate::resource::Thing,
    /// What its own features say.
    pub standing: Standing,
    /// Who speaks for it.
    pub owners: Vec<Owner>,
    /// Its place in the order.
    pub steps: Vec<Step>,
}

/// Every thing that was listed, by kind and id.
#[derive(Debug, Default)]
pub struct Inventory {
    entries: Vec<Entry>,
    index: HashMap<ThingRef, usize>,
    texts: HashSet<Arc<str>>,
}

impl Inventory {
    /// Adds a thing. One that is listed twice (by two pages, while the cloud changes) counts once.
    pub fn add(&mut self, seen: Seen, standing: Standing) {
        let Seen {
            mut thing,
            owners,
            steps,
        } = seen;
        thing.at = self.intern_ref(&thing.at);
        if self.index.contains_key(&thing.at) {
            return;
        }
        thing.project = thing.project.map(|project| self.intern(&project));
        thing.parent = thing.parent.map(|parent| self.intern_ref(&parent));
        let may_go = match standing {
            Standing::Matched { .. } | Standing::Nameless => true,
            Standing::OtherTask | Standing::OtherName => owners
                .iter()
                .any(|owner| owner.relation == Relation::PartOf),
            Standing::Protected { .. } | Standing::OutsideProject | Standing::OutsideAge => false,
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
        self.index.insert(thing.at.clone(), self.entries.len());
        self.entries.push(Entry {
            thing,
            standing,
            owners,
            steps,
        });
    }

    /// The thing of this kind with this id.
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
        self.entries.sort_by(|a, b| a.thing.at.cmp(&b.thing.at));
        for (position, entry) in self.entries.iter().enumerate() {
            self.index.insert(entry.thing.at.clone(), position);
        }
    }

    pub(super) fn position(&self, at: &ThingRef) -> Option<usize> {
        self.index.get(at).copied()
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
