//! The order of a plan: which thing must be gone before which, and what stands in the way for good.
//!
//! Edges come from the things themselves (`Step`), from ownership (a nameless thing goes while its owner can still speak for
//! it, so that a run that was killed can be finished by the next), and from projects (all that is in one goes before it). A kept
//! thing that must go before a doomed one blocks it: then no request is wasted on it, and the report can say why it is left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::resource::{PROJECT_KIND, Step, ThingRef};

use super::decide::{Reason, Verdict};
use super::inventory::{Entry, Inventory};

/// Blockers named for one thing. A network with a thousand tenants' ports needs no thousand lines.
const BLOCKERS_MAX: usize = 5;

/// The doomed things of an inventory, by their positions in it.
#[derive(Debug, Default)]
pub struct Order {
    /// The doomed things, each after all that it waits for.
    pub sequence: Vec<usize>,
    /// What each waits for.
    pub waits_for: BTreeMap<usize, BTreeSet<usize>>,
    /// The owner with which a thing is expected to vanish.
    pub goes_with: BTreeMap<usize, usize>,
    /// What keeps a thing from going: kept things, or doomed things that are blocked themselves.
    pub blocked_by: BTreeMap<usize, BTreeSet<usize>>,
    /// Edges that were dropped because things wait for each other in a circle: (first, then).
    pub dropped: Vec<(usize, usize)>,
}

/// Orders the doomed things of an inventory.
pub fn order(inventory: &Inventory, verdicts: &[Verdict]) -> Order {
    let doomed: BTreeSet<usize> = (0..inventory.len())
        .filter(|&position| verdicts.get(position).is_some_and(Verdict::is_delete))
        .collect();
    let mut order = Order::default();
    for (position, entry) in inventory.entries().iter().enumerate() {
        for (first, then) in edges(inventory, verdicts, position, entry) {
            match (doomed.contains(&first), doomed.contains(&then)) {
                (true, true) => {
                    order.waits_for.entry(then).or_default().insert(first);
                }
                (false, true) => block(&mut order, then, first),
                (_, false) => {}
            }
        }
        if let Some(owner) = companion(inventory, verdicts, position, entry) {
            order.goes_with.insert(position, owner);
        }
    }
    order.sequence = sequence(&doomed, &mut order);
    spread_blocks(&mut order);
    order
}

/// The edges that one thing gives: (what goes first, what goes then).
fn edges(
    inventory: &Inventory,
    verdicts: &[Verdict],
    position: usize,
    entry: &Entry,
) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for step in &entry.steps {
        match step {
            Step::Before(other) => {
                edges.extend(inventory.position(other).map(|other| (position, other)));
            }
            Step::After(other) => {
                edges.extend(inventory.position(other).map(|other| (other, position)));
            }
        }
    }
    let whole = match verdicts.get(position) {
        Some(Verdict::Delete(Reason::Owner { chain } | Reason::Part { chain })) => chain.first(),
        _ => None,
    };
    let goes_after = |owner: &ThingRef| {
        entry
            .steps
            .iter()
            .any(|step| *step == Step::After(owner.clone()))
    };
    if let Some(owner) = whole.filter(|owner| !goes_after(owner)) {
        edges.extend(inventory.position(owner).map(|owner| (position, owner)));
    }
    if let Some(project) = &entry.thing.project {
        let project = ThingRef::new(PROJECT_KIND, project.clone());
        edges.extend(
            inventory
                .position(&project)
                .map(|project| (position, project)),
        );
    }
    if let Some(parent) = &entry.thing.parent
        && verdicts.get(position).is_some_and(Verdict::is_delete)
    {
        // Without its parent no listing would show it any more. A kept one does not hold its parent.
        edges.extend(inventory.position(parent).map(|parent| (position, parent)));
    }
    edges.retain(|(first, then)| first != then);
    edges
}

fn companion(
    inventory: &Inventory,
    verdicts: &[Verdict],
    position: usize,
    entry: &Entry,
) -> Option<usize> {
    let Some(Verdict::Delete(Reason::Owner { chain } | Reason::Part { chain })) =
        verdicts.get(position)
    else {
        return None;
    };
    let owner = chain.first()?;
    let goes_after = entry
        .steps
        .iter()
        .any(|step| matches!(step, Step::After(other) if other == owner));
    goes_after.then(|| inventory.position(owner)).flatten()
}

fn block(order: &mut Order, blocked: usize, by: usize) {
    let blockers = order.blocked_by.entry(blocked).or_default();
    if blockers.len() < BLOCKERS_MAX {
        blockers.insert(by);
    }
}

/// Sorts the doomed things so that each comes after what it waits for; among equals, by position. Edges that close a circle
/// are dropped.
fn sequence(doomed: &BTreeSet<usize>, order: &mut Order) -> Vec<usize> {
    let mut unmet: BTreeMap<usize, usize> = doomed
        .iter()
        .map(|&then| (then, order.waits_for.get(&then).map_or(0, BTreeSet::len)))
        .collect();
    let mut followers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (&then, firsts) in &order.waits_for {
        for &first in firsts {
            followers.entry(first).or_default().push(then);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = unmet
        .iter()
        .filter(|(_, unmet)| **unmet == 0)
        .map(|(&position, _)| Reverse(position))
        .collect();
    let mut sequence = Vec::with_capacity(doomed.len());
    loop {
        let Some(Reverse(next)) = ready
            .pop()
            .or_else(|| break_circle(&unmet, &sequence, order).map(Reverse))
        else {
            return sequence;
        };
        unmet.remove(&next);
        sequence.push(next);
        for then in followers.get(&next).into_iter().flatten() {
            if let Some(count) = unmet.get_mut(then) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push(Reverse(*then));
                }
            }
        }
    }
}

/// Takes the first thing of a circle and drops what it still waits for.
fn break_circle(
    unmet: &BTreeMap<usize, usize>,
    sequence: &[usize],
    order: &mut Order,
) -> Option<usize> {
    let (&first, _) = unmet.iter().find(|(_, count)| **count > 0)?;
    let placed: BTreeSet<usize> = sequence.iter().copied().collect();
    let waits_for = order.waits_for.entry(first).or_default();
    let open: Vec<usize> = waits_for.difference(&placed).copied().collect();
    for other in open {
        waits_for.remove(&other);
        order.dropped.push((other, first));
    }
    Some(first)
}

/// What waits for a blocked thing is blocked by it.
fn spread_blocks(order: &mut Order) {
    for &position in &order.sequence.clone() {
        let waits_for = order.waits_for.get(&position).cloned().unwrap_or_default();
        for first in waits_for {
            if order.blocked_by.contains_key(&first) {
                block(order, position, first);
            }
        }
    }
}
