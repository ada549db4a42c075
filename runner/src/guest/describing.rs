//! What a rule says of a thing, checked against the thing's object and counted.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::Value;

use super::bindings::model;
use super::limits::Limits;
use super::sandbox::Instance;
use crate::resource::{Kind, Owner, Reach, Relation, Seen, Step, Thing, ThingRef};
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
    mut thing: Thing,
    object: Value,
) -> wasmtime::Result<Result<Seen, Cause>> {
    let item = model::Item::from(&thing);
    let Instance { store, linked } = instance;
    thing.name = linked
        .rule
        .call_name(&mut *store, &kind.name, &item)
        .await?
        .filter(|name| !name.is_empty());
    let named = store.data_mut().bill(|| name(kind, &mut thing, &object))?;
    if let Err(cause) = named {
        return Ok(Err(cause));
    }
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
    let owners = match owned {
        Ok(owners) => owners,
        Err(cause) => return Ok(Err(cause)),
    };
    let steps = match &linked.order {
        Some(exported) => exported.call_order(&mut *store, &kind.name, &item).await?,
        None => Vec::new(),
    };
    store.data_mut().bill(|| {
        let steps: Vec<Step> = each_once(steps);
        relations.take(&thing.at, &steps, |step| step.other().relation_bytes())?;
        let foreseen = kind.effects.foresee(&object);
        relations.take(&thing.at, &foreseen.takes, ThingRef::relation_bytes)?;
        relations.take(&thing.at, &foreseen.makes, ThingRef::relation_bytes)?;
        Ok(Seen {
            thing,
            owners,
            steps,
            foreseen,
        })
    })
}

fn name(kind: &Kind, thing: &mut Thing, object: &Value) -> Result<(), Cause> {
    thing.is_cloud_named = thing.name.is_none() && kind.has_name(object);
    let Some(name) = &thing.name else {
        return Ok(());
    };
    let checked = kind.check_name(&thing.at, object, name);
    checked.map_err(|flaw| Cause::Misbehaved(flaw.to_string()))
}

fn owned(
    kind: &Kind,
    thing: &Thing,
    object: &Value,
    mut owners: Vec<Owner>,
) -> Result<Vec<Owner>, Cause> {
    let checked = kind.check_owners(thing, object, &owners);
    checked.map_err(|flaw| Cause::Misbehaved(flaw.to_string()))?;
    let is_part = !kind.effects.is_witness;
    if let (Reach::UnderDeleted(_), Some(parent), true) = (&kind.reach, &thing.parent, is_part) {
        owners.push(Owner {
            relation: Relation::PartOf,
            owner: parent.clone(),
        });
    }
    Ok(owners)
}

/// What was said more than once counts once, where it was said first.
fn each_once<T: Clone + Eq + Hash>(said: Vec<impl Into<T>>) -> Vec<T> {
    let mut seen = HashSet::new();
    let said = said.into_iter().map(Into::into);
    said.filter(|it| seen.insert(it.clone())).collect()
}
