//! The decision on each thing: delete or keep, with the reason.
//!
//! A thing's own name decides. A part goes with its whole whatever it is called. A nameless thing goes with the first of its
//! owners that is known, and failing that with its project, if the project itself bears the task's name. Chains cross kinds
//! and rules; their length is bounded and a circle of owners decides nothing. Nobody speaks for a thing of another project.

mod negative;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::resource::{PROJECT_KIND, Relation, ThingRef};

use super::inventory::{Entry, Inventory};
use super::sieve::{Standing, SweepScope};

/// Owners of owners are followed this far. The longest chain known is floating IP, port, server, stack, cluster.
const CHAIN_MAX: usize = 16;

/// Why a thing is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub enum Reason {
    /// It bears a name that the task gives.
    Name {
        /// The form of the name.
        pattern: Arc<str>,
        /// How many bits of the task's id the name carries.
        sure_bits: u32,
    },
    /// It has no name, and its owner is deleted.
    Owner {
        /// The owner, the owner's owner, and so on to the one whose name matches.
        chain: Vec<ThingRef>,
    },
    /// It is part of something that is deleted.
    Part {
        /// The whole, and who speaks for the whole.
        chain: Vec<ThingRef>,
    },
    /// It has no name and no known owner, and its project bears a name that the task gives.
    Project {
        /// The project.
        project: ThingRef,
    },
    /// Its project goes, with all that is in it.
    WithProject {
        /// The project.
        project: ThingRef,
    },
    /// The filter is negative: it bears no name that the task gives, and nobody who does speaks for it.
    Unmatched,
}

/// Why a thing is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub enum Keep {
    /// Its name was given by another task.
    OtherTask,
    /// Its name has no known format.
    OtherName,
    /// It has neither a name nor a known owner.
    NoNameAndNoOwner,
    /// The filter is negative, and its name is one that the task gives.
    Spared,
    /// The filter is negative, and its name is one that the cloud itself gave.
    CloudNamed,
    /// Things of its kind are to stay.
    KindLeftOut,
    /// It has no name, or the filter is negative, and its owner is kept.
    OwnerKept {
        /// The owner.
        owner: ThingRef,
    },
    /// It carries a protected tag, or lies in a protected project.
    Protected {
        /// What protects it.
        by: String,
    },
    /// It lies outside the projects of the sweep.
    OutsideProject,
    /// It is outside the sweep's age bounds.
    OutsideAge,
}

/// What happens to a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is deleted.
    Delete(Reason),
    /// It is kept.
    Keep(Keep),
}

impl Verdict {
    /// Whether the thing is to be deleted.
    pub fn is_delete(&self) -> bool {
        matches!(self, Self::Delete(_))
    }
}

impl Keep {
    /// A short name of the reason, the same for all things that are kept for it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::OtherTask => "other task",
            Self::OtherName => "other name",
            Self::NoNameAndNoOwner => "no name and no owner",
            Self::Spared => "name matches",
            Self::CloudNamed => "named by the cloud",
            Self::KindLeftOut => "kind left out",
            Self::OwnerKept { .. } => "owner is kept",
            Self::Protected { .. } => "protected",
            Self::OutsideProject => "outside the project",
            Self::OutsideAge => "outside the age bounds",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |chain: &[ThingRef]| {
            let owners: Vec<_> = chain.iter().map(ToString::to_string).collect();
            owners.join(" → ")
        };
        match self {
            Self::Name {
                pattern,
                sure_bits: 0,
            } => write!(formatter, "name matches {pattern}"),
            Self::Name { pattern, sure_bits } => {
                write!(
                    formatter,
                    "name matches {pattern} ({sure_bits} bits of the task id)"
                )
            }
            Self::Owner { chain } => write!(formatter, "owner {}", joined(chain)),
            Self::Part { chain } => write!(formatter, "part of {}", joined(chain)),
            Self::Project { project } => write!(formatter, "nameless in {project}, which matches"),
            Self::WithProject { project } => {
                write!(formatter, "in {project}, which goes with all that is in it")
            }
            Self::Unmatched => formatter.write_str("no name of the task"),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnerKept { owner } => write!(formatter, "kept: its owner {owner} is kept"),
            Self::Protected { by } => write!(formatter, "kept: protected by {by}"),
            other => write!(formatter, "kept: {}", other.label()),
        }
    }
}

/// Decides on every thing of an inventory, in the order of its entries.
pub fn decide(inventory: &Inventory, scope: &SweepScope) -> Vec<Verdict> {
    let mut verdicts = if scope.unmatched {
        negative::decide(inventory)
    } else {
        spread(inventory, scope.with_projects)
    };
    for (entry, verdict) in inventory.entries().iter().zip(&mut verdicts) {
        if verdict.is_delete() && !scope.takes(&entry.thing.at.kind) {
            *verdict = Verdict::Keep(Keep::KindLeftOut);
        }
    }
    verdicts
}

fn spread(inventory: &Inventory, with_projects: bool) -> Vec<Verdict> {
    let claims = Claims::of(inventory, with_projects);
    let mut reasons: Vec<Option<Reason>> = inventory.entries().iter().map(by_name).collect();
    let mut newest: Vec<usize> = (0..inventory.len())
        .filter(|&position| reasons.get(position).is_some_and(Option::is_some))
        .collect();
    // Ownership spreads from the names outward, one owner further each time. So nothing depends on where a circle is entered, and a
    // verdict names the shortest chain.
    for _ in 0..CHAIN_MAX {
        let mut reached: BTreeMap<usize, Claim> = BTreeMap::new();
        for owner in newest {
            for &claim in claims.by(owner) {
                if reasons.get(claim.thing).is_some_and(Option::is_none) {
                    let first = reached.entry(claim.thing).or_insert(claim);
                    *first = claim.min(*first);
                }
            }
        }
        let found: Vec<(usize, Reason)> = reached
            .into_iter()
            .filter_map(|(thing, claim)| Some((thing, claims.reason(claim, &reasons)?)))
            .collect();
        newest = found.iter().map(|(thing, _)| *thing).collect();
        for (thing, reason) in found {
            if let Some(slot) = reasons.get_mut(thing) {
                *slot = Some(reason);
            }
        }
    }
    let entries = inventory.entries().iter();
    entries
        .zip(reasons)
        .map(|(entry, reason)| match reason {
            Some(reason) => Verdict::Delete(reason),
            None => Verdict::Keep(keep(inventory, entry)),
        })
        .collect()
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
        | Standing::OutsideAge => None,
    }
}

/// Why a thing is kept that nothing speaks for.
fn keep(inventory: &Inventory, entry: &Entry) -> Keep {
    match &entry.standing {
        Standing::OtherTask => Keep::OtherTask,
        Standing::OtherName | Standing::Unmatched => Keep::OtherName,
        Standing::Spared => Keep::Spared,
        Standing::Protected { by } => Keep::Protected { by: by.clone() },
        Standing::OutsideProject => Keep::OutsideProject,
        Standing::OutsideAge => Keep::OutsideAge,
        Standing::Nameless | Standing::Matched { .. } => match namer(inventory, entry) {
            Some((_, owner)) => Keep::OwnerKept {
                owner: owner.clone(),
            },
            None => Keep::NoNameAndNoOwner,
        },
    }
}

/// The owner whose name counts for a nameless thing: the nearest that is known.
fn namer<'a>(inventory: &'a Inventory, entry: &'a Entry) -> Option<(usize, &'a ThingRef)> {
    speakers(inventory, entry, Relation::NamedBy)
        .next()
        .map(|(_, owner, at)| (owner, at))
}

/// The known owners that may speak for a thing: rank, position, reference. One of another project may not: a rule could take what
/// a tenant's thing merely uses, an image or a network, for what it belongs to.
fn speakers<'a>(
    inventory: &'a Inventory,
    entry: &'a Entry,
    relation: Relation,
) -> impl Iterator<Item = (usize, usize, &'a ThingRef)> {
    let owners = entry.owners.iter().enumerate();
    owners
        .filter(move |(_, owner)| owner.relation == relation)
        .filter_map(|(rank, owner)| {
            let position = inventory.position(&owner.owner)?;
            let theirs = inventory.entries().get(position)?.thing.project.as_ref();
            let is_elsewhere = theirs
                .zip(entry.thing.project.as_ref())
                .is_some_and(|(theirs, own)| theirs != own);
            (!is_elsewhere).then_some((rank, position, &owner.owner))
        })
}

/// What one thing's deletion means for another. Sorted by weight: being a part counts more than an owner's name, and that more than
/// the project's.
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
    Project,
    WithProject,
}

/// Who goes with whom.
struct Claims<'a> {
    inventory: &'a Inventory,
    by_owner: HashMap<usize, Vec<Claim>>,
}

impl<'a> Claims<'a> {
    fn of(inventory: &'a Inventory, with_projects: bool) -> Self {
        let mut claims = Self {
            inventory,
            by_owner: HashMap::new(),
        };
        for (thing, entry) in inventory.entries().iter().enumerate() {
            match entry.standing {
                Standing::Nameless => {
                    claims.add_parts(thing, entry);
                    claims.add_names(thing, entry);
                }
                Standing::OtherTask | Standing::OtherName => claims.add_parts(thing, entry),
                Standing::Matched { .. }
                | Standing::Unmatched
                | Standing::Spared
                | Standing::Protected { .. }
                | Standing::OutsideProject
                | Standing::OutsideAge => continue,
            }
            if with_projects {
                claims.add_project(Tie::WithProject, thing, entry);
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

    /// A thing may be part of several (a trust of two users): it goes with any of them.
    fn add_parts(&mut self, thing: usize, entry: &Entry) {
        for (rank, whole, _) in speakers(self.inventory, entry, Relation::PartOf) {
            self.add(Tie::Part, rank, whole, thing);
        }
    }

    fn add_names(&mut self, thing: usize, entry: &Entry) {
        if let Some((owner, _)) = namer(self.inventory, entry) {
            self.add(Tie::Owner, 0, owner, thing);
        } else {
            self.add_project(Tie::Project, thing, entry);
        }
    }

    fn add_project(&mut self, tie: Tie, thing: usize, entry: &Entry) {
        let project = entry.thing.project.clone();
        let project = project.map(|project| ThingRef::new(PROJECT_KIND, project));
        if let Some(project) = project.and_then(|project| self.inventory.position(&project)) {
            self.add(tie, 0, project, thing);
        }
    }

    /// The reason that a claim gives, with the chain of owners that leads to the deciding name.
    fn reason(&self, claim: Claim, reasons: &[Option<Reason>]) -> Option<Reason> {
        let owner = &self.inventory.entries().get(claim.owner)?.thing.at;
        let mut chain = vec![owner.clone()];
        match reasons.get(claim.owner)?.as_ref()? {
            Reason::Owner { chain: further } | Reason::Part { chain: further } => {
                chain.extend(further.iter().cloned());
            }
            Reason::Project { project } | Reason::WithProject { project } => {
                chain.push(project.clone());
            }
            Reason::Name { .. } | Reason::Unmatched => {}
        }
        Some(match claim.tie {
            Tie::Part => Reason::Part { chain },
            Tie::Owner => Reason::Owner { chain },
            Tie::Project => Reason::Project {
                project: owner.clone(),
            },
            Tie::WithProject => Reason::WithProject {
                project: owner.clone(),
            },
        })
    }
}
