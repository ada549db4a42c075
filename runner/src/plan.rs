//! The plan: what will be deleted, in which order, and what is kept, each with a reason that a person understands.
//!
//! A plan is a value. It is made of an inventory without asking anybody anything, the same inventory always makes the same
//! plan whatever order it was listed in, and a purge executes exactly a plan.

pub mod baseline;
pub mod choice;
pub mod coverage;
pub mod decide;
mod hold;
pub mod inventory;
mod makers;
pub mod moment;
mod order;
pub mod place;
mod remnant;
pub mod sieve;
mod ties;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::{Foreseen, Owner, Step, Thing, ThingRef};

use decide::Decision;
use hold::Hold;

pub use baseline::{BASELINE_VERSION, Baseline};
pub use choice::{Choice, IdPattern, NamePattern, TagPattern};
pub use coverage::Coverage;
pub use decide::{Keep, Reason, Support, Verdict};
pub use inventory::{Entry, Inventory};
pub use moment::Moment;
pub use place::Place;
pub use remnant::Remnant;
pub use sieve::{Sieve, Standing, SweepScope};

/// Version of the plan file's form.
pub const PLAN_VERSION: u32 = 4;

/// The ordered, reasoned list of deletions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this form.
    pub version: u32,
    /// Where it was made, and for where it is good. A plan that is neither saved nor read needs none.
    #[serde(default)]
    pub place: Option<Place>,
    /// What the sweep may touch.
    pub scope: SweepScope,
    /// What goes, each after all that it waits for.
    pub items: Vec<PlanItem>,
    /// How many things were found, kept ones included.
    pub found: usize,
    /// How many things are kept, by reason.
    pub kept: BTreeMap<String, usize>,
    /// Kinds whose things wait for all things of other kinds: kind → kinds.
    pub kind_order: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

/// A thing that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// What.
    pub thing: ThingRef,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its project, if it has one.
    pub project: Option<Arc<str>>,
    /// What it was listed under, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ThingRef>,
    /// When it was made, if its API says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
    /// What must be gone before, as positions in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<usize>,
    /// The owner with which it is expected to vanish, as a position in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_with: Option<usize>,
    /// What keeps it from going. No deletion is tried while this is not empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Blocker>,
    /// Who speaks for it, as it was listed. Not written to files.
    #[serde(skip)]
    pub owners: Vec<Owner>,
    /// Its place in the order, by what its rule said. Not written to files.
    #[serde(skip)]
    pub steps: Vec<Step>,
    /// What its object said of how it will go. Not written to files.
    #[serde(skip)]
    pub foreseen: Foreseen,
    /// What has to go for it to go, as positions in the plan. Not written to files.
    #[serde(skip)]
    pub rests_on: Support,
    /// With whose deletion it goes along, as positions in the plan. Not written to files.
    #[serde(skip)]
    pub takers: Vec<usize>,
    /// The thing as it was listed. Not written to files: a plan that is read back takes it from a new listing.
    #[serde(skip)]
    pub seen: Option<Thing>,
}

/// Why a thing does not go that is in another one's way and is to be deleted itself.
const BLOCKED_ITSELF: &str = "it is blocked itself";

/// Something that is in the way and will not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// What.
    pub thing: ThingRef,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Why it does not go.
    pub why: String,
}

/// A thing that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What.
    pub thing: ThingRef,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its project, if it has one.
    pub project: Option<Arc<str>>,
    /// Why.
    pub reason: Keep,
}

impl PlanItem {
    /// Why a thing is blocked, in words; `None` if it is not.
    pub(crate) fn why_blocked(&self) -> Option<String> {
        let (first, others) = self.blocked_by.split_first()?;
        let why = match first.thing == self.thing {
            true => first.why.clone(),
            false => format!("{} is in the way: {}", first.thing, first.why),
        };
        Some(match others.len() {
            0 => why,
            more => format!("{why}; and {more} more"),
        })
    }

    /// Whether this thing's rule has called another one its owner.
    pub(crate) fn names_as_owner(&self, other: &ThingRef) -> bool {
        // A plan that was read from a file holds the owner for whom a thing goes, and no others.
        let listed = self.owners.iter().map(|it| &it.owner);
        listed
            .chain(self.reason.owner())
            .any(|owner| owner == other)
    }
}

impl Plan {
    /// Makes the plan of an inventory. Returns the kept things beside it: they are many, and only some reports show them.
    pub fn new(
        inventory: Inventory,
        scope: SweepScope,
        kind_order: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    ) -> (Self, Vec<Kept>) {
        Self::sparing(inventory, scope, kind_order, &|_| None)
    }

    /// The same, but for what is spared: it is kept, for the reason given, and holds others as whatever is kept does.
    pub fn sparing(
        mut inventory: Inventory,
        scope: SweepScope,
        kind_order: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
        spare: &dyn Fn(&Thing) -> Option<Keep>,
    ) -> (Self, Vec<Kept>) {
        inventory.sort();
        let Settled {
            order,
            decisions,
            blocked_by,
            takers,
        } = settle(&mut inventory, &scope, spare);
        let witnesses: BTreeSet<Arc<str>> = inventory.witnesses().cloned().collect();
        let mut found = 0;
        let mut kept = Vec::new();
        let mut doomed: BTreeMap<usize, Doomed> = BTreeMap::new();
        let decided = inventory.into_entries().into_iter().zip(decisions);
        for (position, (entry, Decision { verdict, support })) in decided.enumerate() {
            if witnesses.contains(&entry.thing.at.kind) {
                continue;
            }
            found += 1;
            match verdict {
                Verdict::Delete(reason) => {
                    let entry = Doomed {
                        entry,
                        reason,
                        support,
                    };
                    doomed.insert(position, entry);
                }
                Verdict::Keep(reason) => {
                    let Thing {
                        at, name, project, ..
                    } = entry.thing;
                    kept.push(Kept {
                        thing: at,
                        name,
                        project,
                        reason,
                    });
                }
            }
        }
        let items = items(&order, doomed, blocked_by, &takers);
        let counts = kept.iter().fold(BTreeMap::new(), |mut counts, kept| {
            *counts.entry(kept.reason.label().to_owned()).or_insert(0) += 1;
            counts
        });
        (
            Self {
                version: PLAN_VERSION,
                place: None,
                scope,
                items,
                found,
                kept: counts,
                kind_order,
            },
            kept,
        )
    }

    /// The things that can go.
    pub fn open(&self) -> impl Iterator<Item = (usize, &PlanItem)> {
        self.items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.blocked_by.is_empty())
    }

    /// The things that should go and cannot.
    pub fn blocked(&self) -> impl Iterator<Item = &PlanItem> {
        self.items.iter().filter(|item| !item.blocked_by.is_empty())
    }
}

/// A thing that is to go, why, and what has to go for it to go, by positions in the inventory.
struct Doomed {
    entry: Entry,
    reason: Reason,
    support: Support,
}

fn items(
    order: &order::Order,
    mut doomed: BTreeMap<usize, Doomed>,
    mut blocked_by: BTreeMap<usize, Vec<Blocker>>,
    takers: &BTreeMap<usize, Vec<usize>>,
) -> Vec<PlanItem> {
    let places: BTreeMap<usize, usize> = order
        .sequence
        .iter()
        .enumerate()
        .map(|(place, &position)| (position, place))
        .collect();
    let items = order.sequence.iter().filter_map(|position| {
        let Doomed {
            entry,
            reason,
            support,
        } = doomed.remove(position)?;
        let Entry {
            thing,
            owners,
            steps,
            foreseen,
            ..
        } = entry;
        let waits_for = order.waits_for.get(position).into_iter().flatten();
        let goes_with = order
            .goes_with
            .get(position)
            .and_then(|owner| places.get(owner).copied());
        let mut waits_for: Vec<usize> = waits_for
            .filter_map(|first| places.get(first).copied())
            .collect();
        waits_for.sort_unstable();
        let takers = takers.get(position).into_iter().flatten();
        let takers = takers.filter_map(|taker| places.get(taker).copied());
        Some(PlanItem {
            thing: thing.at.clone(),
            name: thing.name.clone(),
            project: thing.project.clone(),
            parent: thing.parent.clone(),
            created_at: thing.created_at,
            reason,
            waits_for,
            goes_with,
            blocked_by: blocked_by.remove(position).unwrap_or_default(),
            owners,
            steps,
            foreseen,
            rests_on: support.moved(&places),
            takers: takers.collect(),
            seen: Some(thing),
        })
    });
    items.collect()
}

/// What would be decided if the operator had chosen everything; nothing if that is so.
fn unnarrowed(inventory: &mut Inventory, scope: &SweepScope) -> Vec<Decision> {
    if scope.choice.is_empty() {
        return Vec::new();
    }
    let lifted = inventory.lift_choice();
    let scope = SweepScope {
        choice: Choice::default(),
        ..scope.clone()
    };
    let decisions = decide::decide(&ties::Ties::of(inventory), &scope);
    inventory.restore_choice(lifted);
    decisions
}

/// What was decided, in which order, and what stands in the way.
struct Settled {
    order: order::Order,
    decisions: Vec<Decision>,
    blocked_by: BTreeMap<usize, Vec<Blocker>>,
    /// With whose deletion a thing that is to go goes along.
    takers: BTreeMap<usize, Vec<usize>>,
}

fn settle(
    inventory: &mut Inventory,
    scope: &SweepScope,
    spare: &dyn Fn(&Thing) -> Option<Keep>,
) -> Settled {
    let unnarrowed = unnarrowed(inventory, scope);
    let inventory = &*inventory;
    let ties = ties::Ties::of(inventory);
    let mut decisions = decide::decide(&ties, scope);
    let mut spared = order::Spared::new();
    // What stays because it was not chosen holds what it would have held if it had been.
    for (position, (before, decision)) in unnarrowed.into_iter().zip(&decisions).enumerate() {
        if before.verdict.is_delete() && !decision.verdict.is_delete() {
            spared.insert(position, before.verdict);
        }
    }
    let decided = inventory.entries().iter().zip(&mut decisions);
    for (position, (entry, decision)) in decided.enumerate() {
        if let Some(keep) = spare(&entry.thing).filter(|_| decision.verdict.is_delete()) {
            let before = std::mem::replace(&mut decision.verdict, Verdict::Keep(keep));
            spared.insert(position, before);
        }
    }
    let mut order = order::order(&ties, &decisions, &spared, scope);
    // What goes with any of several may have been given the one as its reason that stays.
    if decide::give_other_reasons(&ties, &mut decisions, &|it| order.held.contains_key(&it)) {
        order = order::order(&ties, &decisions, &spared, scope);
    }
    let blocked_by = order.held.iter().map(|(&position, holds)| {
        let blockers = holds.iter();
        let blockers = blockers.filter_map(|hold| blocker(inventory, &decisions, position, hold));
        (position, blockers.collect())
    });
    let takers = order.sequence.iter();
    let takers = takers.map(|&position| (position, ties.takers(position).to_vec()));
    Settled {
        takers: takers.filter(|(_, takers)| !takers.is_empty()).collect(),
        blocked_by: blocked_by.collect(),
        order,
        decisions,
    }
}

fn blocker(
    inventory: &Inventory,
    decisions: &[Decision],
    held: usize,
    hold: &Hold,
) -> Option<Blocker> {
    let thing = |position: usize| Some(&inventory.entries().get(position)?.thing);
    let stays = |position: usize| {
        let decision = decisions.get(position);
        decision.map_or_else(String::new, |it| hold::why_it_stays(&it.verdict))
    };
    // What is no other thing's doing is said of the thing itself.
    let (by, why) = match hold {
        Hold::InTheWay(first) => (thing(*first)?, stays(*first)),
        Hold::TakenAlong(taken) => {
            let why = format!("it would be deleted along ({})", stays(*taken));
            (thing(*taken)?, why)
        }
        Hold::Because(owner) => {
            let owner = &thing(*owner)?.at;
            (
                thing(held)?,
                format!("it goes only if {owner} goes, which stays"),
            )
        }
        Hold::Unlisted(kind) => {
            let thing = thing(held)?;
            let what = match inventory.coverage().is_container(&thing.at.kind) {
                true => "whether it is empty",
                false => "what hangs on it",
            };
            (
                thing,
                format!("nobody can say {what}: {kind} could not be listed"),
            )
        }
        Hold::Unlooked(what) => {
            let why = format!("nobody can say whether it is empty: {what}");
            (thing(held)?, why)
        }
        Hold::Unknown(at) => {
            let why = format!("it is tied to {at}, which no listing showed");
            (thing(held)?, why)
        }
        Hold::Refused(why) => (thing(held)?, format!("the service refuses: {why}")),
    };
    Some(Blocker {
        thing: by.at.clone(),
        name: by.name.clone(),
        why,
    })
}

#[cfg(test)]
mod tests;
