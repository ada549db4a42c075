//! The positive filter: what bears the task's name goes, and deletion spreads from there along owners.
//!
//! It spreads one owner further in each round. So nothing depends on where a circle is entered, a reason names the shortest chain,
//! and what a thing rests on was always decided in an earlier round: no two things can hold each other up.

use std::collections::{BTreeMap, HashMap};

use crate::resource::{PROJECT_KIND, ThingRef};

use super::super::inventory::Entry;
use super::super::sieve::{Standing, SweepScope};
use super::super::ties::{Namer, Ties};
use super::{CHAIN_MAX, Decision, Keep, Reason, Support, Verdict, keep};

/// Decides on every thing of an inventory, in the order of its entries.
pub(super) fn decide(ties: &Ties, scope: &SweepScope) -> Vec<Decision> {
    let claims = Claims::of(ties, scope);
    let entries = ties.inventory.entries();
    let is_left_out = |position: usize| {
        let entry = entries.get(position);
        entry.is_some_and(|entry| !scope.takes(&entry.thing.at.kind))
    };
    let mut reasons = roots(ties, scope);
    let mut supports: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut newest: Vec<usize> = (0..entries.len())
        .filter(|&position| reasons.get(position).is_some_and(Option::is_some))
        .collect();
    for _ in 0..CHAIN_MAX {
        let mut reached: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
        // What the operator leaves out stays, so it speaks for nobody, unless it is taken along all the same.
        let is_along =
            |owner: usize| matches!(reasons.get(owner), Some(Some(Reason::Along { .. })));
        let speaks = |owner: &usize| !is_left_out(*owner) || is_along(*owner);
        for owner in newest.into_iter().filter(speaks) {
            for &claim in claims.by(owner) {
                if reasons.get(claim.thing).is_some_and(Option::is_none) {
                    reached.entry(claim.thing).or_default().push(claim);
                }
            }
        }
        newest = Vec::with_capacity(reached.len());
        let mut found = Vec::with_capacity(reached.len());
        for (thing, mut claims_on_it) in reached {
            claims_on_it.sort_unstable();
            let first = claims_on_it.first().copied();
            if let Some(reason) = first.and_then(|claim| claims.reason(claim, &reasons)) {
                let owners = claims_on_it.iter().map(|claim| claim.owner);
                supports.insert(thing, owners.collect());
                newest.push(thing);
                found.push((thing, reason));
            }
        }
        for (thing, reason) in found {
            if let Some(slot) = reasons.get_mut(thing) {
                *slot = Some(reason);
            }
        }
    }
    let goes: Vec<bool> = reasons.iter().map(Option::is_some).collect();
    let goes = |position: usize| goes.get(position) == Some(&true) && !is_left_out(position);
    let decided = reasons.into_iter().zip(entries).enumerate();
    decided
        .map(|(position, (reason, entry))| {
            let claimed = (reason, supports.remove(&position));
            let maker = is_left_out(position).then(|| made_for(ties, position, entry));
            let (reason, support) = match maker.flatten().filter(|it| goes(*it)) {
                Some(maker) => because_of_maker(ties, claimed, maker),
                None => claimed,
            };
            let verdict = match reason {
                Some(reason) if is_left_out(position) => left_out(ties, position, reason),
                Some(reason) => Verdict::Delete(reason),
                None if claims.is_shared_in_doomed(position, entry) => Verdict::Keep(Keep::Shared),
                None if by_name(entry).is_some() => Verdict::Keep(Keep::KindLeftOut),
                None => Verdict::Keep(keep(ties, position, entry)),
            };
            Decision {
                verdict,
                support: support.map_or(Support::Itself, Support::Any),
            }
        })
        .collect()
}

/// What goes by its own name, or because a record says so. Of a kind that is left out, what is called after a maker can only go with
/// that, whatever else its name says.
fn roots(ties: &Ties, scope: &SweepScope) -> Vec<Option<Reason>> {
    let entries = ties.inventory.entries().iter().enumerate();
    let roots = entries.map(|(position, entry)| {
        let by_record = || match recalled(ties, scope, position, entry)? {
            Recalled::OwnerGone(owner) => Some(Reason::Remembered { owner }),
            Recalled::Because(..) => None,
        };
        let is_made = ties.maker(position).is_some() && !scope.takes(&entry.thing.at.kind);
        by_name(entry).filter(|_| !is_made).or_else(by_record)
    });
    roots.collect()
}

fn by_name(entry: &Entry) -> Option<Reason> {
    match &entry.standing {
        Standing::Matched { pattern, sure_bits } => Some(Reason::Name {
            pattern: pattern.clone(),
            sure_bits: *sure_bits,
        }),
        Standing::OtherTask
        | Standing::OtherName
        | Standing::Unmatched
        | Standing::Spared
        | Standing::Nameless
        | Standing::Protected { .. }
        | Standing::OutsideProject
        | Standing::OutsideAge { .. }
        | Standing::Unselected { .. }
        | Standing::Excluded { .. } => None,
    }
}

/// What records of earlier runs say about a nameless thing.
pub(super) enum Recalled {
    /// It goes: an earlier run has had those deleted because of whom it was to go, this one first.
    OwnerGone(ThingRef),
    /// It goes if this one does, by its position: what stood between them has gone.
    Because(usize, ThingRef),
}

/// A nameless thing of which nobody speaks any more, and that an earlier run was to delete after its owner. Whatever it names now, and
/// whoever takes it along, counts more than any record; and where records do not agree, it stays.
pub(super) fn recalled(
    ties: &Ties,
    scope: &SweepScope,
    position: usize,
    entry: &Entry,
) -> Option<Recalled> {
    let inventory = ties.inventory;
    let remnants = inventory.remembered(entry);
    // Whoever it names must be one of those that have gone; a user who does not see all of a kind cannot say so of others.
    let names_somebody = entry.owners.iter().any(|it| inventory.is_listed(&it.owner));
    if names_somebody || !ties.takers(position).is_empty() {
        return None;
    }
    let unknown = match ties.namer(position, entry) {
        Namer::Known(..) => return None,
        Namer::Unknown(owner) => Some(owner),
        Namer::Nobody => None,
    };
    let unknown = || unknown.into_iter().chain(ties.unknown_whole(entry));
    let mut found = remnants.iter().map(|remnant| {
        let owner = remnant.owner()?;
        let project = remnant.project.as_ref();
        let has_gone = |it: &ThingRef| inventory.is_gone(it, project, &remnant.owners);
        let is_known = |it: &ThingRef| remnant.owners.contains(it) && has_gone(it);
        let agrees = !remnant.by_owner || inventory.goes_with_kind(entry, &owner.kind);
        let is_taken = |owner: &ThingRef| scope.takes(&owner.kind);
        if !unknown().all(is_known) || !agrees || !remnant.owners.iter().all(is_taken) {
            return None;
        }
        let mut there = remnant.owners.iter().enumerate();
        let there = there.find(|(_, it)| !has_gone(it));
        match there {
            // What goes for nobody who is there has to be chosen itself.
            None => (remnant.is_ours() && scope.choice.omission(&entry.thing).is_none())
                .then(|| Recalled::OwnerGone(owner.clone())),
            // The nearest one is there, and does not speak for it: it has let it go.
            Some((0, _)) => None,
            Some((_, further)) => {
                let further = inventory.position(further)?;
                Some(Recalled::Because(further, owner.clone()))
            }
        }
    });
    let first = found.next()??;
    found.all(|it| it.is_some()).then_some(first)
}

/// A reason, and whom it rests on.
type Claimed = (Option<Reason>, Option<Vec<usize>>);

/// The owner for whom the cloud has made a thing.
fn made_for(ties: &Ties, position: usize, entry: &Entry) -> Option<usize> {
    match ties.namer(position, entry) {
        Namer::Known(owner, _) => Some(owner).filter(|it| ties.is_made_for(position, *it)),
        Namer::Unknown(_) | Namer::Nobody => None,
    }
}

/// What the cloud has made for an owner that goes, goes with that, and not because of the project that both are in.
fn because_of_maker(ties: &Ties, claimed: Claimed, maker: usize) -> Claimed {
    match claimed {
        (Some(Reason::Project { project } | Reason::WithProject { project }), _) => {
            let owner = ties
                .inventory
                .entries()
                .get(maker)
                .map(|it| it.thing.at.clone());
            let chain = owner.into_iter().chain([project]).collect();
            (Some(Reason::Owner { chain }), Some(vec![maker]))
        }
        others => others,
    }
}

/// What would go but for its kind stays. Only what the cloud made for its owner and takes along cannot be had without it.
pub(super) fn left_out(ties: &Ties, position: usize, reason: Reason) -> Verdict {
    if let Reason::Along { .. } = reason {
        return Verdict::Delete(reason);
    }
    if let Reason::Owner { chain } = reason {
        let owner = chain.first().and_then(|at| ties.inventory.position(at));
        if owner.is_some_and(|owner| ties.is_made_for(position, owner)) {
            return Verdict::Delete(Reason::Along { chain });
        }
    }
    Verdict::Keep(Keep::KindLeftOut)
}

/// What one thing's deletion means for another. Sorted by weight: being a part counts more than an owner's name, and that more than
/// the project's. A maker counts least: because of it nothing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    tie: Tie,
    /// The place of the owner among the thing's owners.
    rank: usize,
    owner: usize,
    thing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    Part,
    Owner,
    Record,
    Project,
    WithProject,
    Maker,
}

/// Who goes with whom.
struct Claims<'a> {
    ties: &'a Ties<'a>,
    scope: &'a SweepScope,
    by_owner: HashMap<usize, Vec<Claim>>,
    /// Shared things that a project would take along, by thing.
    shared: HashMap<usize, usize>,
    /// The owners of which records speak, by thing.
    recorded: HashMap<usize, ThingRef>,
}

impl<'a> Claims<'a> {
    fn of(ties: &'a Ties<'a>, scope: &'a SweepScope) -> Self {
        let mut claims = Self {
            ties,
            scope,
            by_owner: HashMap::new(),
            shared: HashMap::new(),
            recorded: HashMap::new(),
        };
        for (thing, entry) in ties.inventory.entries().iter().enumerate() {
            match entry.standing {
                Standing::Nameless => {
                    claims.add_parts(thing, entry);
                    claims.add_names(thing, entry);
                    if let Some(Recalled::Because(further, owner)) =
                        recalled(ties, scope, thing, entry)
                    {
                        claims.add(Tie::Record, 0, further, thing);
                        claims.recorded.insert(thing, owner);
                    }
                }
                Standing::OtherTask | Standing::OtherName => {
                    claims.add_parts(thing, entry);
                    claims.add_maker(thing);
                    claims.add_with_project(thing, entry);
                }
                // What was made for another is no thing of its own: nobody has to choose it.
                Standing::Matched { .. } | Standing::Unselected { .. } => claims.add_maker(thing),
                Standing::Unmatched
                | Standing::Spared
                | Standing::Protected { .. }
                | Standing::OutsideProject
                | Standing::OutsideAge { .. }
                | Standing::Excluded { .. } => {}
            }
        }
        claims
    }

    fn by(&self, owner: usize) -> &[Claim] {
        self.by_owner.get(&owner).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, tie: Tie, rank: usize, owner: usize, thing: usize) {
        self.by_owner.entry(owner).or_default().push(Claim {
            tie,
            rank,
            owner,
            thing,
        });
    }

    fn add_maker(&mut self, thing: usize) {
        if let Some(maker) = self.ties.maker(thing) {
            self.add(Tie::Maker, 0, maker, thing);
        }
    }

    /// A thing may be part of several (a trust of two users): it goes with any of them.
    fn add_parts(&mut self, thing: usize, entry: &Entry) {
        let wholes: Vec<(usize, usize)> = self
            .ties
            .wholes(entry)
            .map(|(rank, whole, _)| (rank, whole))
            .collect();
        for (rank, whole) in wholes {
            self.add(Tie::Part, rank, whole, thing);
        }
    }

    /// A nameless thing goes as its owner does, and with its project only if nobody owns it. One whose owner nobody knows stays.
    fn add_names(&mut self, thing: usize, entry: &Entry) {
        match self.ties.namer(thing, entry) {
            Namer::Unknown(_) => {}
            Namer::Known(owner, _) => {
                self.add(Tie::Owner, 0, owner, thing);
                self.add_with_project(thing, entry);
            }
            Namer::Nobody if self.ties.unknown_whole(entry).is_some() => {}
            Namer::Nobody => {
                let effects = self.ties.inventory.coverage().effects(&entry.thing.at.kind);
                if effects.is_some_and(|effects| effects.nameless_stays) {
                    return;
                }
                if let Some(project) = self.project_of(entry) {
                    self.add(Tie::Project, 0, project, thing);
                }
                self.add_with_project(thing, entry);
            }
        }
    }

    fn add_with_project(&mut self, thing: usize, entry: &Entry) {
        let Some(project) = self.project_of(entry).filter(|_| self.scope.with_projects) else {
            return;
        };
        if entry.foreseen.is_shared && !self.scope.shared {
            self.shared.insert(thing, project);
        } else {
            self.add(Tie::WithProject, 0, project, thing);
        }
    }

    fn project_of(&self, entry: &Entry) -> Option<usize> {
        let project = ThingRef::new(PROJECT_KIND, entry.thing.project.clone()?);
        self.ties.inventory.position(&project)
    }

    /// Whether a thing stays only because others use it.
    fn is_shared_in_doomed(&self, thing: usize, entry: &Entry) -> bool {
        let is_open = matches!(
            entry.standing,
            Standing::Nameless | Standing::OtherTask | Standing::OtherName
        );
        let project = self.shared.get(&thing);
        let project = project.and_then(|&project| self.ties.inventory.entries().get(project));
        is_open && project.is_some_and(|project| by_name(project).is_some())
    }

    /// The reason that a claim gives, with the chain of owners that leads to the deciding name.
    fn reason(&self, claim: Claim, reasons: &[Option<Reason>]) -> Option<Reason> {
        let owner = &self.ties.inventory.entries().get(claim.owner)?.thing.at;
        let mut chain = vec![owner.clone()];
        match reasons.get(claim.owner)?.as_ref()? {
            Reason::Owner { chain: further }
            | Reason::Part { chain: further }
            | Reason::Along { chain: further } => chain.extend(further.iter().cloned()),
            Reason::Project { project } | Reason::WithProject { project } => {
                chain.push(project.clone());
            }
            Reason::Remembered { owner } => chain.push(owner.clone()),
            Reason::Name { .. } | Reason::Unmatched => {}
        }
        // What is only taken along is no ground to ask for anything.
        let is_along = matches!(reasons.get(claim.owner)?, Some(Reason::Along { .. }));
        Some(match claim.tie {
            Tie::Maker => Reason::Along { chain },
            Tie::Part | Tie::Owner if is_along => Reason::Along { chain },
            Tie::Part => Reason::Part { chain },
            Tie::Owner => Reason::Owner { chain },
            Tie::Record => Reason::Remembered {
                owner: self.recorded.get(&claim.thing)?.clone(),
            },
            Tie::Project => Reason::Project {
                project: owner.clone(),
            },
            Tie::WithProject => Reason::WithProject {
                project: owner.clone(),
            },
        })
    }
}
