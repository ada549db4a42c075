//! The order of a plan: which thing must be gone before which.
//!
//! Edges come from the things themselves (`Step`), from ownership (a nameless thing goes while its owner can still speak for
//! it, so that a run that was killed can be finished by the next), and from projects (all that is in one goes before it). What
//! stays and is in the way blocks what waits for it: then no request is wasted on it, and the report can say why it is left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::resource::{PROJECT_KIND, Step, ThingRef};

use super::decide::{Decision, Reason, Verdict};
use super::hold::{Hold, holds};
use super::inventory::Entry;
use super::sieve::SweepScope;
use super::ties::Ties;

/// Blockers named for one thing.
pub(super) const BLOCKERS_MAX: usize = 5;

/// The doomed things of an inventory, by their positions in it.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The doomed things, each after all that it waits for.
    pub(super) sequence: Vec<usize>,
    /// What each waits for.
    pub(super) waits_for: BTreeMap<usize, BTreeSet<usize>>,
    /// The owner with which a thing is expected to vanish.
    pub(super) goes_with: BTreeMap<usize, usize>,
    /// What keeps a thing from going.
    pub(super) held: BTreeMap<usize, Vec<Hold>>,
    /// Edges that were dropped because things wait for each other in a circle: (first, then).
    dropped: Vec<(usize, usize)>,
}

/// What was decided on things before some of them were spared. These stay, but what was to wait for them does not go over them.
pub(super) type Spared = BTreeMap<usize, Verdict>;

/// What order follows from.
#[derive(Clone, Copy)]
struct Verdicts<'a> {
    decisions: &'a [Decision],
    spared: &'a Spared,
}

impl<'a> Verdicts<'a> {
    fn of(&self, position: usize) -> Option<&'a Verdict> {
        let decided = self.decisions.get(position);
        let spared = self.spared.get(&position);
        spared.or(decided.map(|decision| &decision.verdict))
    }

    fn is_doomed(&self, position: usize) -> bool {
        self.of(position).is_some_and(Verdict::is_delete)
    }

    /// Whether a thing goes because of this owner.
    fn rests_on(&self, thing: usize, owner: &ThingRef) -> bool {
        let verdict = self.of(thing);
        matches!(verdict, Some(Verdict::Delete(Reason::Owner { chain })) if chain.first() == Some(owner))
    }

    /// The owner that takes a thing along for which no request is sent.
    fn along(&self, position: usize) -> Option<&'a ThingRef> {
        match self.of(position)? {
            Verdict::Delete(Reason::Along { chain }) => chain.first(),
            Verdict::Delete(_) | Verdict::Keep(_) => None,
        }
    }
}

/// Orders the doomed things of an inventory.
pub(super) fn order(
    ties: &Ties,
    decisions: &[Decision],
    spared: &Spared,
    scope: &SweepScope,
) -> Order {
    let is_doomed = |position: &usize| {
        let decision = decisions.get(*position);
        decision.is_some_and(|decision| decision.verdict.is_delete())
    };
    // Nothing is sent for a witness, so nothing has to wait for it.
    let is_witness = |position: &usize| {
        let entry = ties.inventory.entries().get(*position);
        entry.is_some_and(|entry| ties.inventory.is_witness(&entry.thing.at.kind))
    };
    let doomed: BTreeSet<usize> = (0..decisions.len()).filter(is_doomed).collect();
    let verdicts = Verdicts { decisions, spared };
    let edges = Edges {
        ties,
        verdicts,
        steps: steps(ties, verdicts),
    };
    let all: Vec<(usize, usize)> = edges.all().collect();
    let mut order = Order {
        held: holds(ties, decisions, scope, &all),
        ..Order::default()
    };
    for (first, then) in all {
        let first = match is_witness(&first) {
            true => edges.owner(first),
            false => Some(first),
        };
        let Some(first) = first.filter(|first| *first != then && doomed.contains(first)) else {
            continue;
        };
        // A part that goes by its own name does not wait for a whole that stays.
        let is_needless = order.held.contains_key(&first) && !order.held.contains_key(&then);
        if doomed.contains(&then) && !is_needless {
            order.waits_for.entry(then).or_default().insert(first);
        }
    }
    let to_send: BTreeSet<usize> = doomed.into_iter().filter(|it| !is_witness(it)).collect();
    for &position in &to_send {
        if let Some(owner) = edges.companion(position) {
            order.goes_with.insert(position, owner);
        }
    }
    order.sequence = sequence(&to_send, &mut order);
    order
}

/// The edges that things name themselves, as far as they lead to a doomed thing: (what goes first, what goes then). What goes
/// because another takes it along goes with that, so after it.
fn steps(ties: &Ties, verdicts: Verdicts<'_>) -> BTreeSet<(usize, usize)> {
    let inventory = ties.inventory;
    let mut steps = BTreeSet::new();
    for (position, entry) in inventory.entries().iter().enumerate() {
        let named = entry.steps.iter().filter_map(|step| match step {
            Step::Before(other) => Some((position, inventory.position_for(other, &entry.thing)?)),
            Step::After(other) => Some((inventory.position_for(other, &entry.thing)?, position)),
        });
        let taken = entry.foreseen.takes.iter().filter_map(|taken| {
            let taken = inventory.position_for(taken, &entry.thing)?;
            let goes_with = verdicts.rests_on(taken, &entry.thing.at);
            goes_with.then_some((position, taken))
        });
        let along = verdicts.along(position);
        let along = along.and_then(|owner| inventory.position_for(owner, &entry.thing));
        let along = along.map(|owner| (owner, position));
        let edges = named.chain(taken).chain(along);
        steps.extend(edges.filter(|(first, then)| first != then && verdicts.is_doomed(*then)));
    }
    steps
}

/// What ties things to each other in time.
struct Edges<'a> {
    ties: &'a Ties<'a>,
    verdicts: Verdicts<'a>,
    steps: BTreeSet<(usize, usize)>,
}

impl Edges<'_> {
    /// All edges: (what goes first, what goes then). What things say of their order themselves counts more than what follows from
    /// who owns them.
    fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        let entries = self.ties.inventory.entries().iter().enumerate();
        let softer = entries.flat_map(|(position, entry)| {
            let owner = self.owner(position).into_iter();
            let after = owner.chain(self.places(position, entry));
            after.map(move |other| (position, other))
        });
        let softer =
            softer.filter(|&(first, then)| first != then && !self.steps.contains(&(then, first)));
        self.steps.iter().copied().chain(softer)
    }

    /// Where a thing is: its project, and what it was listed under.
    fn places(&self, position: usize, entry: &Entry) -> impl Iterator<Item = usize> {
        let project = entry.thing.project.as_ref();
        let project = project.map(|id| ThingRef::new(PROJECT_KIND, id.clone()));
        // Without its parent no listing would show it any more. A kept one does not hold its parent.
        let is_doomed = self.verdicts.is_doomed(position);
        let parent = entry.thing.parent.clone().filter(|_| is_doomed);
        let places = project.into_iter().chain(parent);
        places.filter_map(|place| self.ties.inventory.position_for(&place, &entry.thing))
    }

    /// The owner with which a thing goes.
    fn owner(&self, position: usize) -> Option<usize> {
        let inventory = self.ties.inventory;
        let entry = inventory.entries().get(position)?;
        match self.verdicts.of(position)? {
            Verdict::Delete(
                Reason::Owner { chain } | Reason::Part { chain } | Reason::Along { chain },
            ) => inventory.position_for(chain.first()?, &entry.thing),
            // It would go by its own name, but its whole takes it along.
            Verdict::Delete(
                Reason::Name { .. } | Reason::WithProject { .. } | Reason::Unmatched,
            ) => {
                let mut wholes = self.ties.wholes_of(entry);
                wholes.find(|&whole| {
                    self.verdicts.is_doomed(whole) && self.steps.contains(&(whole, position))
                })
            }
            Verdict::Delete(Reason::Project { .. } | Reason::Remembered { .. })
            | Verdict::Keep(_) => None,
        }
    }

    /// The owner with which a thing is expected to vanish.
    fn companion(&self, position: usize) -> Option<usize> {
        self.owner(position)
            .filter(|&owner| self.steps.contains(&(owner, position)))
    }
}

/// Sorts the doomed things so that each comes after what it waits for; among equals, by position. Edges that close a circle
/// are dropped.
fn sequence(doomed: &BTreeSet<usize>, order: &mut Order) -> Vec<usize> {
    let mut unmet: BTreeMap<usize, usize> = doomed
        .iter()
        .map(|&then| (then, order.waits_for.get(&then).map_or(0, BTreeSet::len)))
        .collect();
    let mut followers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (&then, firsts) in &order.waits_for {
        for &first in firsts {
            followers.entry(first).or_default().insert(then);
        }
    }
    // Where the last circle was opened there may be more of them, and whoever comes from afar would walk there again each time.
    let mut near = None;
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
        let from = near.filter(|near| unmet.contains_key(near));
        let from = from.or_else(|| unmet.keys().next().copied());
        let Some((first, then)) = from.and_then(|from| circle(&unmet, order, from)) else {
            return sequence;
        };
        near = Some(then);
        if let Some(waits_for) = order.waits_for.get_mut(&then) {
            waits_for.remove(&first);
        }
        if let Some(followers) = followers.get_mut(&first) {
            followers.remove(&then);
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

/// Finds a circle among what is not placed yet, walking on from one thing of it, and the edge by which the circle's first thing
/// waits: (first, then).
fn circle(unmet: &BTreeMap<usize, usize>, order: &Order, from: usize) -> Option<(usize, usize)> {
    let waits_for = |item: usize| {
        let firsts = order.waits_for.get(&item).into_iter().flatten();
        firsts.copied().find(|first| unmet.contains_key(first))
    };
    // Whoever walks on from thing to thing ends up in a circle, for all that is left waits for something that is left.
    let mut path = BTreeSet::from([from]);
    let mut on_circle = waits_for(from)?;
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
