//! The order of a plan: which thing must be gone before which, and what stands in the way for good.
//!
//! Edges come from the things themselves (`Step`), from ownership (a nameless thing goes while its owner can still speak for
//! it, so that a run that was killed can be finished by the next), and from projects (all that is in one goes before it). A kept
//! thing that must go before a doomed one blocks it, and so does a protected part of a doomed whole: then no request is wasted on
//! it, and the report can say why it is left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::resource::{PROJECT_KIND, Relation, Step, ThingRef};

use super::decide::{Keep, Reason, Verdict};
use super::inventory::{Entry, Inventory};

/// Blockers named for one thing. A network with a thousand tenants' ports needs no thousand lines.
pub(super) const BLOCKERS_MAX: usize = 5;

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
    let ties = Ties {
        inventory,
        verdicts,
        steps: steps(inventory, &doomed),
    };
    let mut order = Order::default();
    for (first, then) in ties.edges() {
        match (doomed.contains(&first), doomed.contains(&then)) {
            (true, true) => {
                order.waits_for.entry(then).or_default().insert(first);
            }
            // A part that goes by its own name does not need its whole to go.
            (false, true) if ties.wholes(then).any(|whole| whole == first) => {}
            (false, true) => block(&mut order, then, first),
            (_, false) => {}
        }
    }
    for &position in &doomed {
        if let Some(owner) = ties.companion(position) {
            order.goes_with.insert(position, owner);
        }
    }
    order.sequence = sequence(&doomed, &mut order);
    spread_blocks(&mut order);
    order
}

/// The edges that things name themselves, as far as they lead to a doomed thing: (what goes first, what goes then).
fn steps(inventory: &Inventory, doomed: &BTreeSet<usize>) -> BTreeSet<(usize, usize)> {
    let mut steps = BTreeSet::new();
    for (position, entry) in inventory.entries().iter().enumerate() {
        for step in &entry.steps {
            let edge = match step {
                Step::Before(other) => inventory.position(other).map(|other| (position, other)),
                Step::After(other) => inventory.position(other).map(|other| (other, position)),
            };
            steps.extend(edge.filter(|(first, then)| first != then && doomed.contains(then)));
        }
    }
    steps
}

/// What ties things to each other.
struct Ties<'a> {
    inventory: &'a Inventory,
    verdicts: &'a [Verdict],
    steps: BTreeSet<(usize, usize)>,
}

impl Ties<'_> {
    /// All edges: (what goes first, what goes then). What things say of their order themselves counts more than what follows from
    /// who owns them.
    fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        let entries = self.inventory.entries().iter().enumerate();
        let softer = entries.flat_map(|(position, entry)| {
            let after = self.followers(position).into_iter();
            let after = after.chain(self.places(position, entry));
            after.map(move |other| (position, other))
        });
        let softer =
            softer.filter(|&(first, then)| first != then && !self.steps.contains(&(then, first)));
        self.steps.iter().copied().chain(softer)
    }

    /// The owners that go after a thing because it goes with them, or that cannot go because they would take it along.
    fn followers(&self, position: usize) -> Vec<usize> {
        match self.verdicts.get(position) {
            Some(Verdict::Delete(_)) => self.owner(position).into_iter().collect(),
            Some(Verdict::Keep(Keep::Protected { .. } | Keep::Spared | Keep::KindLeftOut)) => {
                self.wholes(position).collect()
            }
            Some(Verdict::Keep(_)) | None => Vec::new(),
        }
    }

    /// What a thing is part of.
    fn wholes(&self, position: usize) -> impl Iterator<Item = usize> {
        let entry = self.inventory.entries().get(position);
        let owners = entry.into_iter().flat_map(|entry| &entry.owners);
        owners
            .filter(|owner| owner.relation == Relation::PartOf)
            .filter_map(|owner| self.inventory.position(&owner.owner))
    }

    /// Where a thing is: its project, and what it was listed under.
    fn places(&self, position: usize, entry: &Entry) -> impl Iterator<Item = usize> {
        let project = entry.thing.project.as_ref();
        let project = project.map(|id| ThingRef::new(PROJECT_KIND, id.clone()));
        // Without its parent no listing would show it any more. A kept one does not hold its parent.
        let is_doomed = self.verdicts.get(position).is_some_and(Verdict::is_delete);
        let parent = entry.thing.parent.clone().filter(|_| is_doomed);
        let places = project.into_iter().chain(parent);
        places.filter_map(|place| self.inventory.position(&place))
    }

    /// The owner with which a thing goes.
    fn owner(&self, position: usize) -> Option<usize> {
        match self.verdicts.get(position)? {
            Verdict::Delete(Reason::Owner { chain } | Reason::Part { chain }) => {
                self.inventory.position(chain.first()?)
            }
            // It would go by its own name, but its whole takes it along.
            Verdict::Delete(
                Reason::Name { .. } | Reason::WithProject { .. } | Reason::Unmatched,
            ) => self.wholes(position).find(|&whole| {
                self.verdicts.get(whole).is_some_and(Verdict::is_delete)
                    && self.steps.contains(&(whole, position))
            }),
            Verdict::Delete(Reason::Project { .. }) | Verdict::Keep(_) => None,
        }
    }

    /// The owner with which a thing is expected to vanish.
    fn companion(&self, position: usize) -> Option<usize> {
        self.owner(position)
            .filter(|&owner| self.steps.contains(&(owner, position)))
    }
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
        while let Some(Reverse(next)) = ready.pop() {
            unmet.remove(&next);
            sequence.push(next);
            for then in followers.remove(&next).into_iter().flatten() {
                if lose_one(&mut unmet, then) {
                    ready.push(Reverse(then));
                }
            }
        }
        let Some((first, then)) = circle(&unmet, order) else {
            return sequence;
        };
        if let Some(waits_for) = order.waits_for.get_mut(&then) {
            waits_for.remove(&first);
        }
        if let Some(followers) = followers.get_mut(&first) {
            followers.retain(|follower| *follower != then);
        }
        order.dropped.push((first, then));
        if lose_one(&mut unmet, then) {
            ready.push(Reverse(then));
        }
    }
}

/// Counts one thing less to wait for. Says whether it was the last.
fn lose_one(unmet: &mut BTreeMap<usize, usize>, item: usize) -> bool {
    unmet.get_mut(&item).is_some_and(|count| {
        *count = count.saturating_sub(1);
        *count == 0
    })
}

/// Finds a circle among what is not placed yet, and the edge by which its first thing waits: (first, then).
fn circle(unmet: &BTreeMap<usize, usize>, order: &Order) -> Option<(usize, usize)> {
    let waits_for = |item: usize| {
        let firsts = order.waits_for.get(&item).into_iter().flatten();
        firsts.copied().find(|first| unmet.contains_key(first))
    };
    let (&start, _) = unmet.first_key_value()?;
    // Whoever walks on from thing to thing ends up in a circle, for all that is left waits for something that is left.
    let mut path = BTreeSet::from([start]);
    let mut on_circle = waits_for(start)?;
    while path.insert(on_circle) {
        on_circle = waits_for(on_circle)?;
    }
    let mut then = on_circle;
    let mut next = waits_for(on_circle)?;
    while next != on_circle {
        then = then.min(next);
        next = waits_for(next)?;
    }
    Some((waits_for(then)?, then))
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
