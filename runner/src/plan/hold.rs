//! What keeps a doomed thing from going, found before anything is sent.
//!
//! A thing is held by what must go first and stays; by what it would take along and stays; by the staying of all that it goes
//! because of; by what nobody looked at where it could matter; and by what the service is known to refuse. What is held stays, so it
//! holds others in turn: that is followed to its end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::resource::{PROJECT_KIND, Step, ThingRef};

use super::coverage::Gap;
use super::decide::{Decision, Reason, Support, Verdict};
use super::inventory::Entry;
use super::order::BLOCKERS_MAX;
use super::sieve::SweepScope;
use super::ties::Ties;

/// What keeps a thing from going; others by their positions in the inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    /// It must go first, and stays.
    InTheWay(usize),
    /// It would be deleted along, and stays.
    TakenAlong(usize),
    /// The thing goes only because this one goes, and that stays.
    Because(usize),
    /// A listing of this kind failed, and what it would have shown may be in the way or be taken along.
    Unlisted(Arc<str>),
    /// The catalogue offers this, and nobody looked into it.
    Unlooked(String),
    /// It is tied to this thing, which nobody has seen and nobody can say does not exist.
    Unknown(ThingRef),
    /// The service is known to refuse.
    Refused(String),
}

/// Finds what holds the doomed things. `edges` are pairs of what goes first and what goes then.
pub(super) fn holds(
    ties: &Ties,
    decisions: &[Decision],
    scope: &SweepScope,
    edges: &[(usize, usize)],
) -> BTreeMap<usize, Vec<Hold>> {
    let mut closure = Closure::new(ties, decisions, edges);
    for (position, entry) in ties.inventory.entries().iter().enumerate() {
        if closure.is_doomed(position) {
            for hold in by_itself(ties, scope, entry) {
                closure.hold(position, hold);
            }
        } else {
            closure.stays.push(position);
        }
    }
    closure.close();
    closure.held
}

/// What holds a thing whatever becomes of the others.
fn by_itself(ties: &Ties, scope: &SweepScope, entry: &Entry) -> Vec<Hold> {
    let inventory = ties.inventory;
    let coverage = inventory.coverage();
    let kind = &entry.thing.at.kind;
    let mut holds = Vec::new();
    let gap = coverage.gaps_around(kind).into_iter();
    let mut gap = gap.filter(|gap: &&Gap| gap.is_near(&entry.thing));
    holds.extend(gap.next().map(|gap| Hold::Unlisted(gap.kind.clone())));
    let unlooked = coverage.unlooked_in(kind);
    holds.extend(unlooked.map(|what| Hold::Unlooked(what.to_owned())));
    let is_unseen = |at: &&ThingRef| !inventory.is_listed(at);
    let taken = entry.foreseen.takes.iter().filter(is_unseen);
    // What was made for this thing alone nobody else can want, whether or not anybody has seen it.
    let taken = taken.filter(|at| !entry.foreseen.makes.contains(at));
    let mut taken = taken.filter(|at| !coverage.is_whole(&at.kind));
    let first = entry.steps.iter().filter_map(|step| match step {
        Step::After(other) => Some(other),
        Step::Before(_) => None,
    });
    let mut first = first
        .filter(is_unseen)
        .filter(|at| !coverage.is_whole(&at.kind));
    holds.extend(
        taken
            .next()
            .or_else(|| first.next())
            .cloned()
            .map(Hold::Unknown),
    );
    let insists = scope.force && coverage.can_be_forced(kind);
    let status = entry.thing.status.as_deref();
    let is_hidden = coverage
        .effects(kind)
        .is_some_and(|effects| effects.is_hidden(status));
    if is_hidden && !insists {
        let status = status.unwrap_or_default();
        let why = format!(
            "it is hidden already, its status is {status}, and only --force deletes it for good"
        );
        holds.push(Hold::Refused(why));
    }
    let refused = entry.foreseen.refused.clone().filter(|_| !insists);
    holds.extend(refused.map(Hold::Refused));
    holds
}

/// The search for all that is held, from what stays outward.
struct Closure<'a> {
    ties: &'a Ties<'a>,
    decisions: &'a [Decision],
    /// What goes after a thing.
    after: HashMap<usize, Vec<usize>>,
    /// What rests on a thing.
    rests_on: HashMap<usize, Vec<usize>>,
    /// How many of those that a thing rests on have to stay for it to stay.
    supports: HashMap<usize, usize>,
    /// Doomed things that go over what is in them, by kind.
    containers: BTreeMap<Arc<str>, Vec<usize>>,
    /// Kinds of which something stays, and those of containers that are held by that: once is enough.
    held_kinds: BTreeSet<(Arc<str>, Arc<str>)>,
    held: BTreeMap<usize, Vec<Hold>>,
    /// What stays, and whose meaning for others has not been followed yet.
    stays: Vec<usize>,
}

impl<'a> Closure<'a> {
    fn new(ties: &'a Ties<'a>, decisions: &'a [Decision], edges: &[(usize, usize)]) -> Self {
        let mut closure = Self {
            ties,
            decisions,
            after: HashMap::new(),
            rests_on: HashMap::new(),
            supports: HashMap::new(),
            containers: BTreeMap::new(),
            held_kinds: BTreeSet::new(),
            held: BTreeMap::new(),
            stays: Vec::new(),
        };
        let coverage = ties.inventory.coverage();
        for (position, entry) in ties.inventory.entries().iter().enumerate() {
            let kind = &entry.thing.at.kind;
            if coverage.is_container(kind) && closure.is_doomed(position) {
                let of_kind = closure.containers.entry(kind.clone()).or_default();
                of_kind.push(position);
            }
        }
        for &(first, then) in edges {
            closure.after.entry(first).or_default().push(then);
        }
        for (position, decision) in decisions.iter().enumerate() {
            let (owners, enough) = match &decision.support {
                Support::Itself => continue,
                Support::Any(owners) => (owners, owners.len()),
                Support::All(owners) => (owners, 1),
            };
            closure.supports.insert(position, enough);
            for &owner in owners {
                closure.rests_on.entry(owner).or_default().push(position);
            }
        }
        closure
    }

    fn is_doomed(&self, position: usize) -> bool {
        let decision = self.decisions.get(position);
        decision.is_some_and(|decision| decision.verdict.is_delete())
    }

    /// Notes what holds a thing. What stays by itself says more than what is held in turn, so of the latter one is enough.
    fn hold(&mut self, position: usize, hold: Hold) {
        let is_in_turn = self.is_in_turn(&hold);
        let holds = self.held.entry(position).or_default();
        if holds.is_empty() {
            self.stays.push(position);
        }
        if holds.contains(&hold) || (is_in_turn && !holds.is_empty()) {
            return;
        }
        holds.push(hold);
        if holds.len() > 1 {
            let doomed = |of: usize| {
                let decision = self.decisions.get(of);
                decision.is_some_and(|decision| decision.verdict.is_delete())
            };
            holds.retain(|hold| !hold.by().is_some_and(doomed));
            holds.sort_unstable();
            // A network with a thousand tenants' ports needs no thousand lines.
            holds.truncate(BLOCKERS_MAX);
        }
    }

    fn is_in_turn(&self, hold: &Hold) -> bool {
        hold.by().is_some_and(|by| self.is_doomed(by))
    }

    fn close(&mut self) {
        while let Some(stays) = self.stays.pop() {
            for then in self.after.remove(&stays).unwrap_or_default() {
                // A part that goes by its own name does not need its whole to go; what else it rests on is followed below.
                let is_needless =
                    self.ties.is_whole_of(stays, then) || self.rests_only_on(stays, then);
                if self.is_doomed(then) && !is_needless {
                    self.hold(then, Hold::InTheWay(stays));
                }
            }
            for taker in self.ties.takers(stays).to_vec() {
                if self.is_doomed(taker) && !self.rests_only_on(stays, taker) {
                    self.hold(taker, Hold::TakenAlong(stays));
                }
            }
            for container in self.containers_after(stays) {
                self.hold(container, Hold::InTheWay(stays));
            }
            for resting in self.rests_on.remove(&stays).unwrap_or_default() {
                let left = self.supports.get_mut(&resting);
                let is_last = left.is_some_and(|left| {
                    *left = left.saturating_sub(1);
                    *left == 0
                });
                if is_last && self.is_doomed(resting) {
                    self.hold(resting, Hold::Because(stays));
                }
            }
        }
    }

    /// The containers that must not go before a thing of the task's that stays, whatever it stays for: the user by whose authority alone a
    /// stack can be deleted. Of a project it is known what is in it.
    fn containers_after(&mut self, stays: usize) -> Vec<usize> {
        let inventory = self.ties.inventory;
        let Some(first) = inventory
            .entries()
            .get(stays)
            .filter(|entry| self.is_doomed(stays) || entry.standing.is_ours())
        else {
            return Vec::new();
        };
        let first = &first.thing.at.kind;
        let coverage = inventory.coverage();
        let kinds = self.containers.iter();
        let after =
            kinds.filter(|(kind, _)| &***kind != PROJECT_KIND && coverage.goes_before(first, kind));
        let new =
            after.filter(|(kind, _)| self.held_kinds.insert((first.clone(), (*kind).clone())));
        new.flat_map(|(_, containers)| containers.iter().copied())
            .collect()
    }

    /// Whether a thing stays for no other reason than that this one does, and so is no reason for that.
    fn rests_only_on(&self, thing: usize, owner: usize) -> bool {
        self.held
            .get(&thing)
            .is_some_and(|holds| holds.iter().all(|hold| *hold == Hold::Because(owner)))
    }
}

impl Hold {
    /// The thing that holds, if it is one.
    fn by(&self) -> Option<usize> {
        match self {
            Self::InTheWay(by) | Self::TakenAlong(by) | Self::Because(by) => Some(*by),
            Self::Unlisted(_) | Self::Unlooked(_) | Self::Unknown(_) | Self::Refused(_) => None,
        }
    }
}

/// Why a thing stays, in words.
pub(super) fn why_it_stays(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Keep(keep) => keep.to_string(),
        Verdict::Delete(Reason::Along { chain }) => {
            let owner = chain.first().map(ToString::to_string);
            format!("it goes only with {}", owner.unwrap_or_default())
        }
        Verdict::Delete(_) => super::BLOCKED_ITSELF.to_owned(),
    }
}
