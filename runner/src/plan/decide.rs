//! The decision on each thing: delete or keep, with the reason.
//!
//! A thing's own name decides. A part goes with its whole whatever it is called. A nameless thing goes with the first of its
//! owners that is known, and failing that with its project, if the project itself bears the task's name. Chains cross kinds
//! and rules; their length is bounded and a circle of owners decides nothing.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::resource::{PROJECT_KIND, Relation, ThingRef};

use super::inventory::{Entry, Inventory};
use super::sieve::Standing;

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
    /// It has no name, and its owner is kept.
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
            Self::OwnerKept { .. } => "owner is kept",
            Self::Protected { .. } => "protected",
            Self::OutsideProject => "outside the project",
            Self::OutsideAge => "outside the age bounds",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chained = |formatter: &mut fmt::Formatter<'_>, word: &str, chain: &[ThingRef]| {
            formatter.write_str(word)?;
            for (position, owner) in chain.iter().enumerate() {
                write!(
                    formatter,
                    "{}{owner}",
                    if position == 0 { " " } else { " → " }
                )?;
            }
            formatter.write_str(" matches")
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
            Self::Owner { chain } => chained(formatter, "owner", chain),
            Self::Part { chain } => chained(formatter, "part of", chain),
            Self::Project { project } => write!(formatter, "nameless in {project}, which matches"),
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
pub fn decide(inventory: &Inventory) -> Vec<Verdict> {
    let mut judge = Judge {
        inventory,
        verdicts: vec![Progress::Open; inventory.len()],
    };
    (0..inventory.len())
        .map(|position| judge.verdict(position, 0))
        .collect()
}

#[derive(Clone)]
enum Progress {
    Open,
    Underway,
    Done(Verdict),
}

struct Judge<'a> {
    inventory: &'a Inventory,
    verdicts: Vec<Progress>,
}

impl Judge<'_> {
    fn verdict(&mut self, position: usize, depth: usize) -> Verdict {
        let unknown = Verdict::Keep(Keep::NoNameAndNoOwner);
        match self.verdicts.get(position) {
            Some(Progress::Done(verdict)) => return verdict.clone(),
            Some(Progress::Open) if depth < CHAIN_MAX => {}
            // A circle of owners, or a chain longer than any real one.
            Some(Progress::Open | Progress::Underway) | None => return unknown,
        }
        let Some(entry) = self.inventory.entries().get(position) else {
            return unknown;
        };
        self.note(position, Progress::Underway);
        let verdict = self.judge(entry, depth);
        self.note(position, Progress::Done(verdict.clone()));
        verdict
    }

    fn judge(&mut self, entry: &Entry, depth: usize) -> Verdict {
        let keep = match &entry.standing {
            Standing::Matched { pattern, sure_bits } => {
                return Verdict::Delete(Reason::Name {
                    pattern: pattern.clone(),
                    sure_bits: *sure_bits,
                });
            }
            Standing::Protected { by } => return Verdict::Keep(Keep::Protected { by: by.clone() }),
            Standing::OutsideProject => return Verdict::Keep(Keep::OutsideProject),
            Standing::OutsideAge => return Verdict::Keep(Keep::OutsideAge),
            Standing::OtherTask => Some(Keep::OtherTask),
            Standing::OtherName => Some(Keep::OtherName),
            Standing::Nameless => None,
        };
        if let Some((chain, Verdict::Delete(_))) = self.by_owner(entry, Relation::PartOf, depth) {
            return Verdict::Delete(Reason::Part { chain });
        }
        if let Some(keep) = keep {
            return Verdict::Keep(keep);
        }
        match self.by_owner(entry, Relation::NamedBy, depth) {
            Some((chain, Verdict::Delete(_))) => Verdict::Delete(Reason::Owner { chain }),
            Some((chain, Verdict::Keep(_))) => match chain.into_iter().next() {
                Some(owner) => Verdict::Keep(Keep::OwnerKept { owner }),
                None => Verdict::Keep(Keep::NoNameAndNoOwner),
            },
            None => self.by_project(entry, depth),
        }
    }

    /// What the owner that counts of this relation says, with the chain of owners that leads to the deciding name.
    fn by_owner(
        &mut self,
        entry: &Entry,
        relation: Relation,
        depth: usize,
    ) -> Option<(Vec<ThingRef>, Verdict)> {
        let owners = entry
            .owners
            .iter()
            .filter(|owner| owner.relation == relation);
        let known =
            owners.filter_map(|owner| Some((&owner.owner, self.inventory.position(&owner.owner)?)));
        let mut judged = known.map(|(owner, position)| (owner, self.verdict(position, depth + 1)));
        let (owner, verdict) = match relation {
            Relation::NamedBy => judged.next()?,
            // A thing may be part of several (a trust of two users): it goes with the first that goes.
            Relation::PartOf => judged.find(|(_, verdict)| verdict.is_delete())?,
        };
        let mut chain = vec![owner.clone()];
        match &verdict {
            Verdict::Delete(Reason::Owner { chain: further } | Reason::Part { chain: further }) => {
                chain.extend(further.iter().cloned());
            }
            Verdict::Delete(Reason::Project { project }) => chain.push(project.clone()),
            Verdict::Delete(Reason::Name { .. }) | Verdict::Keep(_) => {}
        }
        Some((chain, verdict))
    }

    fn by_project(&mut self, entry: &Entry, depth: usize) -> Verdict {
        let project = entry
            .thing
            .project
            .as_ref()
            .map(|id| ThingRef::new(PROJECT_KIND, id.clone()));
        let named = project.and_then(|project| Some((self.inventory.position(&project)?, project)));
        match named.map(|(position, project)| (self.verdict(position, depth + 1), project)) {
            Some((Verdict::Delete(_), project)) => Verdict::Delete(Reason::Project { project }),
            Some((Verdict::Keep(_), _)) | None => Verdict::Keep(Keep::NoNameAndNoOwner),
        }
    }

    fn note(&mut self, position: usize, progress: Progress) {
        if let Some(slot) = self.verdicts.get_mut(position) {
            *slot = progress;
        }
    }
}
