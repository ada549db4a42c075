//! What a survey looked at and what it did not: the difference between what is absent and what is unknown.
//!
//! Only a kind that was listed everywhere, to its end, can say that a thing does not exist. A kind of which a listing failed may
//! hold whatever it declares to hold, near the place where it failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::resource::{
    DOMAIN_KIND, Effects, Kind, ListScope, PROJECT_KIND, Reach, Thing, ThingRef, USER_KIND,
};

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    kinds: BTreeMap<Arc<str>, Arc<Kind>>,
    whole: BTreeSet<Arc<str>>,
    listed: BTreeMap<Arc<str>, BTreeSet<ListScope>>,
    gaps: Vec<Gap>,
    unlooked: Vec<String>,
}

/// A listing that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The kind.
    pub kind: Arc<str>,
    /// What it should have covered.
    pub scope: ListScope,
}

impl Coverage {
    /// Nothing was looked at yet, of kinds that rules know.
    pub fn of(kinds: impl IntoIterator<Item = Arc<Kind>>) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name.clone(), kind));
        Self {
            kinds: kinds.collect(),
            ..Self::default()
        }
    }

    /// All things of a kind, wherever they are, were listed.
    pub fn note_whole(&mut self, kind: Arc<str>) {
        self.whole.insert(kind);
    }

    /// A listing has come to its end.
    pub fn note_listed(&mut self, kind: Arc<str>, scope: ListScope) {
        self.listed.entry(kind).or_default().insert(scope);
    }

    /// Whether a kind was listed to the end where things of this project, or under one of these, would be shown.
    pub fn was_listed(&self, kind: &str, project: Option<&Arc<str>>, under: &[ThingRef]) -> bool {
        let mut scopes = self.listed.get(kind).into_iter().flatten();
        scopes.any(|scope| match scope {
            ListScope::All => true,
            ListScope::Project(listed) => project == Some(listed),
            ListScope::Under(parent) => under.contains(&parent.at),
        })
    }

    /// Whether things of a kind are listed under those of another one.
    pub fn is_under(&self, kind: &str, parent: &str) -> bool {
        let kind = self.kinds.get(kind);
        let known = kind.and_then(|kind| kind.reach.parent());
        known.is_some_and(|known| **known == *parent)
    }

    /// A listing failed.
    pub fn note_gap(&mut self, kind: Arc<str>, scope: ListScope) {
        self.gaps.push(Gap { kind, scope });
    }

    /// The catalogue offers something that may hold things, and nobody looked there: what, in words.
    pub fn note_unlooked(&mut self, what: String) {
        self.unlooked.push(what);
    }

    /// Whether a kind's listing can say that a thing does not exist.
    pub fn is_whole(&self, kind: &str) -> bool {
        self.whole.contains(kind)
    }

    /// Whether a listing of a kind failed anywhere.
    pub fn has_gap(&self, kind: &str) -> bool {
        self.gaps.iter().any(|gap| *gap.kind == *kind)
    }

    /// Whether two things of one kind and id are one: whether they are in what such an id is unique within.
    pub fn is_same(&self, one: &Thing, other: &Thing) -> bool {
        let place = |thing: &Thing| (thing.parent.clone(), thing.project.clone());
        match self.kinds.get(&one.at.kind) {
            Some(kind) => kind.within(one) == kind.within(other),
            None => place(one) == place(other),
        }
    }

    /// Whether all things of one kind go before a container of another one.
    pub fn goes_before(&self, first: &str, container: &str) -> bool {
        let kind = self.kinds.get(container);
        kind.is_some_and(|kind| kind.after.iter().any(|it| **it == *first))
    }

    /// What deletions of a kind's things do beside them; nothing, of a kind that nobody knows.
    pub fn effects(&self, kind: &str) -> Option<&Effects> {
        self.kinds.get(kind).map(|kind| &kind.effects)
    }

    /// Whether things of a kind are in projects, and nothing is in them.
    pub(super) fn is_of_projects(&self, kind: &str) -> bool {
        let reach = self.kinds.get(kind).map(|kind| &kind.reach);
        reach != Some(&Reach::Cloud) && !self.is_container(kind)
    }

    /// The kinds that are only there to tie others.
    pub fn witnesses(&self) -> impl Iterator<Item = &Arc<str>> {
        let kinds = self.kinds.values();
        let witnesses = kinds.filter(|kind| kind.effects.is_witness);
        witnesses.map(|kind| &kind.name)
    }

    /// Whether things of a kind can be deleted against resistance.
    pub fn can_be_forced(&self, kind: &str) -> bool {
        self.kinds
            .get(kind)
            .is_some_and(|kind| kind.can_be_forced())
    }

    /// The gaps in which something may be that things of this kind must not go without, or would take along.
    pub fn gaps_around(&self, kind: &str) -> Vec<&Gap> {
        let gaps = self.gaps.iter();
        gaps.filter(|gap| self.may_hold(&gap.kind, kind)).collect()
    }

    /// What was not looked at, if things of this kind are deleted over what is in them.
    pub fn unlooked_in(&self, kind: &str) -> Option<&str> {
        let first = self.unlooked.first();
        first
            .filter(|_| self.is_container(kind))
            .map(String::as_str)
    }

    /// Whether things of a kind are deleted over what is in them.
    pub fn is_container(&self, kind: &str) -> bool {
        let effects = self.effects(kind);
        effects.is_some_and(|effects| effects.is_container)
            || [PROJECT_KIND, DOMAIN_KIND, USER_KIND].contains(&kind)
    }

    fn may_hold(&self, holder: &str, held: &str) -> bool {
        let names = |kinds: &[Arc<str>], name: &str| kinds.iter().any(|kind| **kind == *name);
        let takes = |is_its_own: bool| {
            let takes = self.kinds.get(held).into_iter();
            let mut takes = takes.flat_map(|kind| &kind.effects.takes);
            takes.any(|it| *it.kind == *holder && it.is_its_own == is_its_own)
        };
        let goes_after = |kind: &Arc<Kind>| names(&kind.after, holder);
        if self.kinds.get(held).is_some_and(goes_after) || takes(false) {
            return true;
        }
        // The key of a volume, that was made for it alone, is no reason to keep the volume.
        if takes(true) {
            return false;
        }
        // Of a kind that nobody knows nobody knows either what it holds.
        let Some(kind) = self.kinds.get(holder) else {
            return true;
        };
        let Effects {
            holds,
            taken_by,
            made_for,
            ..
        } = &kind.effects;
        // What a rule does not declare is taken for the worst, but only of its own service: no rule can hold another one's things by
        // failing.
        let is_near = self
            .kinds
            .get(held)
            .is_some_and(|held| held.service == kind.service);
        let is_silent = is_near && holder != held && holds.is_empty();
        let is_owner = is_silent && kind.owners.iter().any(|owner| *owner.kind == *held);
        let is_parent = is_near && kind.reach.parent().is_some_and(|parent| **parent == *held);
        is_owner
            || is_parent
            || [holds, taken_by, made_for].iter().any(|it| names(it, held))
            || (held == PROJECT_KIND && self.is_in_projects(kind))
    }

    /// Whether things of a kind may be in projects.
    fn is_in_projects(&self, kind: &Kind) -> bool {
        let mut passed = BTreeSet::new();
        let mut kind = kind;
        while kind.fields.project.is_empty() && passed.insert(&kind.name) {
            match &kind.reach {
                Reach::Projects | Reach::EachProject => return true,
                Reach::Cloud => return false,
                Reach::UnderEach(parent) | Reach::UnderDeleted(parent) => {
                    match self.kinds.get(parent) {
                        Some(parent) => kind = parent,
                        None => return true,
                    }
                }
            }
        }
        !kind.fields.project.is_empty()
    }
}

impl Gap {
    /// Whether something that this listing would have shown may have to do with a thing. What is far from it has not: a listing
    /// that failed in one project says nothing of another.
    pub fn is_near(&self, thing: &Thing) -> bool {
        let project = match &*thing.at.kind {
            PROJECT_KIND => Some(&thing.at.id),
            _ => thing.project.as_ref(),
        };
        match &self.scope {
            ListScope::All => true,
            ListScope::Project(listed) => project.is_none_or(|project| project == listed),
            ListScope::Under(parent) => {
                let is_it = |at: &ThingRef| *at == parent.at;
                let apart = parent.project.as_ref().zip(project);
                is_it(&thing.at)
                    || thing.parent.as_ref().is_some_and(is_it)
                    || apart.is_none_or(|(theirs, own)| theirs == own)
            }
        }
    }
}
