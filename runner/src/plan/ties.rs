//! What ties things to each other: who speaks for whom, and who takes whom along.

use std::collections::{HashMap, HashSet};

use crate::resource::{Relation, ThingRef};

use super::inventory::{Entry, Inventory};
use super::makers::Makers;
use super::sieve::Standing;

/// The owner whose fate decides on a nameless thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namer<'a> {
    /// The nearest that is known.
    Known(usize, &'a ThingRef),
    /// The object names one that no listing showed, and nobody can say that it does not exist.
    Unknown(&'a ThingRef),
    /// It names none, or none that exists.
    Nobody,
}

/// Who speaks for whom in an inventory, and who takes whom along.
pub(super) struct Ties<'a> {
    pub(super) inventory: &'a Inventory,
    /// With whom a thing is deleted along.
    takers: HashMap<usize, Vec<usize>>,
    /// What is part of what: the whole, and the part.
    parts: HashSet<(usize, usize)>,
    /// What is called after what it was made for: that, by the thing.
    makers: HashMap<usize, usize>,
}

impl<'a> Ties<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut ties = Self {
            inventory,
            takers: HashMap::new(),
            parts: HashSet::new(),
            makers: HashMap::new(),
        };
        let makers = Makers::of(inventory);
        for (position, entry) in inventory.entries().iter().enumerate() {
            // What only ties others is nobody's owner, and takes nothing along.
            let is_witness = inventory.is_witness(&entry.thing.at.kind);
            let taken = entry.foreseen.takes.iter().filter(|_| !is_witness);
            for taken in taken.filter_map(|taken| inventory.position_for(taken, &entry.thing)) {
                ties.add(position, taken);
            }
            let owners = entry.owners.iter().filter(|owner| {
                owner.relation == Relation::PartOf
                    || inventory.goes_with_kind(entry, &owner.owner.kind)
            });
            let owners = owners.filter_map(|it| inventory.position_for(&it.owner, &entry.thing));
            for owner in owners {
                ties.add(owner, position);
            }
            if let Some(maker) = makers.maker_of(position, entry) {
                ties.makers.insert(position, maker);
                ties.add(maker, position);
            }
            let wholes = ties.wholes_of(entry);
            ties.parts.extend(wholes.map(|whole| (whole, position)));
        }
        ties
    }

    fn add(&mut self, taker: usize, taken: usize) {
        if taker != taken {
            self.takers.entry(taken).or_default().push(taker);
        }
    }

    /// Whose deletion takes a thing along.
    pub(super) fn takers(&self, position: usize) -> &[usize] {
        self.takers.get(&position).map_or(&[], Vec::as_slice)
    }

    /// What a thing was made for, by its name alone.
    pub(super) fn maker(&self, position: usize) -> Option<usize> {
        self.makers.get(&position).copied()
    }

    /// The owner whose name counts for a nameless thing: the nearest that is known, else whoever takes it along with the consent
    /// of its kind.
    pub(super) fn namer(&self, position: usize, entry: &'a Entry) -> Namer<'a> {
        for (rank, owner) in entry.owners.iter().enumerate() {
            if owner.relation != Relation::NamedBy {
                continue;
            }
            match self.speaker(entry, rank) {
                Some(speaker) => return Namer::Known(speaker, &owner.owner),
                None if self.is_unknown(&owner.owner, entry) => {
                    return Namer::Unknown(&owner.owner);
                }
                None => {}
            }
        }
        let takers = self.takers(position).iter().copied();
        let mut consented = takers.filter_map(|taker| {
            let at = &self.inventory.entries().get(taker)?.thing.at;
            let is_meant = self.inventory.goes_with_kind(entry, &at.kind);
            (is_meant && !self.is_elsewhere(taker, entry)).then_some(Namer::Known(taker, at))
        });
        consented.next().unwrap_or(Namer::Nobody)
    }

    /// The wholes that a thing is part of and that may speak for it: rank, position, reference.
    pub(super) fn wholes(
        &self,
        entry: &'a Entry,
    ) -> impl Iterator<Item = (usize, usize, &'a ThingRef)> {
        let owners = entry.owners.iter().enumerate();
        owners
            .filter(|(_, owner)| owner.relation == Relation::PartOf)
            .filter_map(move |(rank, owner)| Some((rank, self.speaker(entry, rank)?, &owner.owner)))
    }

    /// All that a thing is part of, whoever's it is.
    pub(super) fn wholes_of(&self, entry: &'a Entry) -> impl Iterator<Item = usize> + use<'a> {
        let inventory = self.inventory;
        let owners = entry.owners.iter();
        owners
            .filter(|owner| owner.relation == Relation::PartOf)
            .filter_map(|owner| inventory.position_for(&owner.owner, &entry.thing))
    }

    /// Whether one thing is part of the other, whoever's it is.
    pub(super) fn is_whole_of(&self, whole: usize, part: usize) -> bool {
        self.parts.contains(&(whole, part))
    }

    /// A whole that a thing is part of, and that nobody has seen or can say does not exist.
    pub(super) fn unknown_whole(&self, entry: &'a Entry) -> Option<&'a ThingRef> {
        let wholes = entry.owners.iter();
        let mut wholes = wholes.filter(|owner| owner.relation == Relation::PartOf);
        wholes
            .find(|owner| self.is_unknown(&owner.owner, entry))
            .map(|owner| &owner.owner)
    }

    /// Whether a thing that others name may exist although no listing showed it. Of two with one id nobody knows which is meant.
    fn is_unknown(&self, at: &ThingRef, of: &Entry) -> bool {
        let inventory = self.inventory;
        match inventory.is_listed(at) {
            true => inventory.position_for(at, &of.thing).is_none(),
            false => !inventory.coverage().is_whole(&at.kind),
        }
    }

    /// The known owner of this rank that may speak for a thing. One of another project may not: a rule could take what a tenant's
    /// thing merely uses, an image or a network, for what it belongs to.
    fn speaker(&self, entry: &Entry, rank: usize) -> Option<usize> {
        let owner = entry.owners.get(rank)?;
        if self.inventory.is_witness(&owner.owner.kind) {
            return None;
        }
        let position = self.inventory.position_for(&owner.owner, &entry.thing)?;
        (!self.is_elsewhere(position, entry)).then_some(position)
    }

    fn is_elsewhere(&self, owner: usize, entry: &Entry) -> bool {
        let owner = self.inventory.entries().get(owner);
        let theirs = owner.and_then(|owner| owner.thing.project.as_ref());
        let apart = theirs.zip(entry.thing.project.as_ref());
        apart.is_some_and(|(theirs, own)| theirs != own)
    }

    /// Whether a thing is the cloud's own doing for this owner, and so no thing of its own.
    pub(super) fn is_made_for(&self, thing: usize, owner: usize) -> bool {
        let entries = self.inventory.entries();
        let (Some(entry), Some(owner)) = (entries.get(thing), entries.get(owner)) else {
            return false;
        };
        let effects = self.inventory.coverage().effects(&entry.thing.at.kind);
        entry.standing == Standing::Nameless
            && effects.is_some_and(|effects| effects.made_for.contains(&owner.thing.at.kind))
    }
}
