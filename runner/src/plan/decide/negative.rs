//! The negative filter: what bears no name of the task goes, and what bears one stays, with all that it speaks for.
//!
//! Here keeping spreads along owners, where otherwise deleting does: a part stays with its whole whatever it is called, a
//! nameless thing stays with its owner. What nobody can place stays, and so does every project.

use crate::resource::{PROJECT_KIND, Relation, ThingRef};

use super::super::inventory::{Entry, Inventory};
use super::super::sieve::Standing;
use super::{CHAIN_MAX, Keep, Reason, Verdict, keep, namer, speakers};

/// Decides on every thing of an inventory, in the order of its entries.
pub(super) fn decide(inventory: &Inventory) -> Vec<Verdict> {
    let entries = inventory.entries().iter();
    entries
        .map(|entry| verdict(inventory, entry, CHAIN_MAX))
        .collect()
}

fn verdict(inventory: &Inventory, entry: &Entry, depth: usize) -> Verdict {
    let by_itself = || Verdict::Keep(keep(inventory, entry));
    if &*entry.thing.at.kind == PROJECT_KIND {
        return by_itself();
    }
    let Some(depth) = depth.checked_sub(1) else {
        return by_itself();
    };
    let is_part_only = match entry.standing {
        Standing::Unmatched => false,
        Standing::Nameless => entry.thing.project.is_none(),
        Standing::OtherTask | Standing::OtherName => true,
        Standing::Matched { .. }
        | Standing::Spared
        | Standing::Protected { .. }
        | Standing::OutsideProject
        | Standing::OutsideAge => return by_itself(),
    };
    let mut goes_with = None;
    for (_, whole, at) in speakers(inventory, entry, Relation::PartOf) {
        match through(inventory, whole, at, depth) {
            Ok(chain) => goes_with = goes_with.or(Some(chain)),
            Err(kept) => return Verdict::Keep(kept),
        }
    }
    if let Some(chain) = goes_with {
        return Verdict::Delete(Reason::Part { chain });
    }
    if entry.standing == Standing::Nameless {
        if let Some((owner, at)) = namer(inventory, entry) {
            return match through(inventory, owner, at, depth) {
                Ok(chain) => Verdict::Delete(Reason::Owner { chain }),
                Err(kept) => Verdict::Keep(kept),
            };
        }
        if entry.thing.is_cloud_named {
            return Verdict::Keep(Keep::CloudNamed);
        }
    }
    if is_part_only {
        by_itself()
    } else {
        Verdict::Delete(Reason::Unmatched)
    }
}

/// The chain by which a thing goes with its owner; or, if that stays, why the thing does.
fn through(
    inventory: &Inventory,
    owner: usize,
    at: &ThingRef,
    depth: usize,
) -> Result<Vec<ThingRef>, Keep> {
    let kept = || Keep::OwnerKept { owner: at.clone() };
    let entry = inventory.entries().get(owner).ok_or_else(kept)?;
    match verdict(inventory, entry, depth) {
        Verdict::Keep(_) => Err(kept()),
        Verdict::Delete(Reason::Owner { chain } | Reason::Part { chain }) => {
            Ok([vec![at.clone()], chain].concat())
        }
        Verdict::Delete(_) => Ok(vec![at.clone()]),
    }
}
