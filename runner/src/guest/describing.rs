//! What a rule says of a thing, checked against the thing's object and counted.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::Value;

use super::bindings::model;
use super::limits::Limits;
use super::reading::Read;
use super::sandbox::Instance;
use crate::resource::{Flaw, Kind, Owner, Reach, Relation, Seen, Step, Thing, ThingRef, View};
use crate::rule::Cause;

/// What the things of a page may still be tied to. They are kept until the plan is made.
pub(super) struct Relations<'a> {
    limits: &'a Limits,
    bytes_left: usize,
}

impl<'a> Relations<'a> {
    pub(super) fn of(limits: &'a Limits) -> Self {
        Self {
            limits,
            bytes_left: limits.relation_bytes_max,
        }
    }

    /// Takes note of what a rule has said, each once, or was read of the object.
    fn take<T>(
        &mut self,
        of: &ThingRef,
        relations: &[T],
        bytes: fn(&T) -> usize,
    ) -> Result<(), Cause> {
        let max = self.limits.relations_max;
        if relations.len() > max {
            return Err(too_many_relations(max, of));
        }
        let bytes: usize = relations.iter().map(bytes).sum();
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or_else(|| {
            let max = self.limits.relation_bytes_max;
            Cause::Limit(format!("relation_bytes_max = {max}"))
        })?;
        Ok(())
    }
}

pub(super) fn too_many_relations(max: usize, of: &ThingRef) -> Cause {
    Cause::Limit(format!("relations_max = {max} for {of}"))
}

/// Asks a rule for a thing's name, owners and order, and checks them against its object.
pub(super) async fn describe(
    instance: &mut Instance,
    relations: &mut Relations<'_>,
    kind: &Kind,
    view: &View,
    read: Read,
) -> wasmtime::Result<Result<Seen, Cause>> {
    let Read { mut thing, object } = read;
    let item = model::Item::of(&thing, view);
    let Instance { store, linked } = instance;
    thing.name = linked
        .rule
        .call_name(&mut *store, &kind.name, &item)
        .await?
        .filter(|name| !name.is_empty());
    let named = store.data_mut().bill(|| name(kind, &mut thing, &object))?;
    let odd_name = match named {
        Ok(odd) => odd,
        Err(cause) => return Ok(Err(cause)),
    };
    let owners = match linked
        .owners
        .as_ref()
        .filter(|_| !kind.owners.is_empty() || thing.parent.is_some())
    {
        Some(exported) => exported.call_owners(&mut *store, &kind.name, &item).await?,
        None => Vec::new(),
    };
    let owned = store.data_mut().bill(|| {
        let owners: Vec<Owner> = each_once(owners);
        relations.take(&thing.at, &owners, |owner| owner.owner.relation_bytes())?;
        owned(kind, &thing, &object, owners)
    })?;
    let (owners, odd_owner) = match owned {
        Ok(owned) => owned,
        Err(cause) => return Ok(Err(cause)),
    };
    let steps = match &linked.order {
        Some(exported) => exported.call_order(&mut *store, &kind.name, &item).await?,
        None => Vec::new(),
    };
    store.data_mut().bill(|| {
        let steps: Vec<Step> = each_once(steps);
        relations.take(&thing.at, &steps, |step| step.other().relation_bytes())?;
        let mut foreseen = kind
            .effects
            .foresee(&object, relations.limits.relations_max);
        relations.take(&thing.at, &foreseen.takes, ThingRef::relation_bytes)?;
        relations.take(&thing.at, &foreseen.makes, ThingRef::relation_bytes)?;
        foreseen.refused = odd_name.or(odd_owner).or(foreseen.refused);
        Ok(Seen {
            thing,
            owners,
            steps,
            foreseen,
        })
    })
}

/// Checks the name. One that is not there because of how a tenant has written what is there gives way to that, and holds the thing.
fn name(kind: &Kind, thing: &mut Thing, object: &Value) -> Result<Option<String>, Cause> {
    thing.is_cloud_named = thing.name.is_none() && kind.has_name(object);
    let Some(name) = &thing.name else {
        return Ok(None);
    };
    let odd = kind
        .check_name(&thing.at, object, name)
        .map(|()| None)
        .or_else(odd)?;
    if odd.is_some() {
        thing.name = kind.names_of(object).next().map(str::to_owned);
    }
    Ok(odd)
}

/// Checks the owners. Where one is not there because of how a tenant has written what is there, none counts, and the thing is held.
fn owned(
    kind: &Kind,
    thing: &Thing,
    object: &Value,
    mut owners: Vec<Owner>,
) -> Result<(Vec<Owner>, Option<String>), Cause> {
    let odd = kind
        .check_owners(thing, object, &owners)
        .map(|()| None)
        .or_else(odd)?;
    if odd.is_some() {
        owners.clear();
    }
    let is_part = !kind.effects.is_witness;
    if let (Reach::UnderDeleted(_), Some(parent), true) = (&kind.reach, &thing.parent, is_part) {
        owners.push(Owner {
            relation: Relation::PartOf,
            owner: parent.clone(),
        });
    }
    Ok((owners, odd))
}

/// What is a fact about the thing, and no lie of the rule's.
fn odd(flaw: Flaw) -> Result<Option<String>, Cause> {
    match flaw {
        Flaw::Odd { .. } => Ok(Some(flaw.to_string())),
        lie => Err(Cause::Misbehaved(lie.to_string())),
    }
}

/// What was said more than once counts once, where it was said first.
fn each_once<T: Clone + Eq + Hash>(said: Vec<impl Into<T>>) -> Vec<T> {
    let mut seen = HashSet::new();
    let said = said.into_iter().map(Into::into);
    said.filter(|it| seen.insert(it.clone())).collect()
}
