//! The decision on each thing: delete or keep, with the reason.
//!
//! A thing's own name decides. A part goes with its whole whatever it is called. A nameless thing goes with the first of its
//! owners that is known, and failing that with its project, if the project itself bears the task's name. Chains cross kinds
//! and rules; their length is bounded and a circle of owners decides nothing. Nobody speaks for a thing of another project.

mod negative;
mod spread;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::resource::ThingRef;

use super::inventory::{Entry, Inventory};
use super::sieve::{Standing, SweepScope};
use super::ties::{Namer, Ties};

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
    /// It has no name, and an earlier run that did not come to its end was to delete it with its owner, which is gone.
    Remembered {
        /// The owner.
        owner: ThingRef,
    },
    /// Its project goes, with all that is in it.
    WithProject {
        /// The project.
        project: ThingRef,
    },
    /// The cloud made it for its owner and takes it along, so no request is sent for it: its kind is to stay, or it bears a name that
    /// was made of the owner's.
    Along {
        /// The owner, the owner's owner, and so on.
        chain: Vec<ThingRef>,
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
    /// It has no name, or the filter is negative, and it names an owner that no listing showed, of a kind that was not listed
    /// whole: nobody can say whether the owner goes, stays or exists.
    OwnerUnknown {
        /// The owner.
        owner: ThingRef,
    },
    /// Others use it, beyond its project.
    Shared,
    /// It carries a protected tag, or lies in a protected project.
    Protected {
        /// What protects it.
        by: String,
    },
    /// It lies outside the projects of the sweep.
    OutsideProject,
    /// It is outside the sweep's age bounds.
    OutsideAge,
    /// It would go by itself, and the operator has not chosen it.
    Unselected {
        /// What does not fit, in words.
        by: String,
    },
    /// A saved plan is executed, and does not name it, or names it as it is no more.
    NotAsPlanned {
        /// In words.
        how: String,
    },
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
            Self::OwnerUnknown { .. } => "owner is unknown",
            Self::Shared => "shared",
            Self::Protected { .. } => "protected",
            Self::OutsideProject => "outside the project",
            Self::OutsideAge => "outside the age bounds",
            Self::Unselected { .. } => "not selected",
            Self::NotAsPlanned { .. } => "not as planned",
        }
    }
}

impl Reason {
    /// The owner for whom a thing goes that has no name of its own, or is a part.
    pub fn owner(&self) -> Option<&ThingRef> {
        match self {
            Self::Owner { chain } | Self::Part { chain } => chain.first(),
            Self::Remembered { owner } => Some(owner),
            Self::Name { .. }
            | Self::Project { .. }
            | Self::WithProject { .. }
            | Self::Along { .. }
            | Self::Unmatched => None,
        }
    }

    /// All because of whom a thing goes: its owner, the owner's owner, and so on.
    pub fn chain(&self) -> &[ThingRef] {
        match self {
            Self::Owner { chain } | Self::Part { chain } | Self::Along { chain } => chain,
            Self::Project { project: one }
            | Self::WithProject { project: one }
            | Self::Remembered { owner: one } => std::slice::from_ref(one),
            Self::Name { .. } | Self::Unmatched => &[],
        }
    }

    /// Whether this is an earlier plan's reason, or what has become of it: the owner may have gone meanwhile.
    pub fn follows_from(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Remembered { owner }, Self::Owner { .. } | Self::Part { .. }) => {
                earlier.owner() == Some(owner)
            }
            _ => self == earlier,
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
            Self::Along { chain } => write!(formatter, "taken along by {}", joined(chain)),
            Self::Project { project } => write!(formatter, "nameless in {project}, which matches"),
            Self::Remembered { owner } => write!(
                formatter,
                "owner {owner}, which went in a run that did not come to its end"
            ),
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
            Self::OwnerUnknown { owner } => write!(
                formatter,
                "kept: it names {owner}, which no listing showed, and {} was not listed whole",
                owner.kind
            ),
            Self::Shared => formatter.write_str("kept: others use it, beyond its project"),
            Self::Protected { by } => write!(formatter, "kept: protected by {by}"),
            Self::Unselected { by } => write!(formatter, "kept: not selected: {by}"),
            Self::NotAsPlanned { how } => formatter.write_str(how),
            other => write!(formatter, "kept: {}", other.label()),
        }
    }
}

/// What was decided on a thing, and on whom that rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happens to it.
    pub verdict: Verdict,
    /// What has to go for it to go.
    pub support: Support,
}

/// What has to go for a thing to go, by positions in the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Support {
    /// Nothing: it goes by its own name.
    #[default]
    Itself,
    /// One of these.
    Any(Vec<usize>),
    /// All of these.
    All(Vec<usize>),
}

impl Support {
    /// All that it is about.
    pub fn positions(&self) -> &[usize] {
        match self {
            Self::Itself => &[],
            Self::Any(positions) | Self::All(positions) => positions,
        }
    }

    /// Whether it holds while so much of it does.
    pub fn holds(&self, is_held: impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Itself => true,
            Self::Any(positions) => positions.iter().any(|&it| is_held(it)),
            Self::All(positions) => positions.iter().all(|&it| is_held(it)),
        }
    }

    /// The same, by other positions; what has none is left out.
    pub(super) fn moved(&self, places: &BTreeMap<usize, usize>) -> Self {
        let moved = |positions: &[usize]| {
            let known = positions.iter().filter_map(|it| places.get(it).copied());
            known.collect()
        };
        match self {
            Self::Itself => Self::Itself,
            Self::Any(positions) => Self::Any(moved(positions)),
            Self::All(positions) => Self::All(moved(positions)),
        }
    }
}

/// Decides on every thing of an inventory, in the order of its entries.
pub(super) fn decide(ties: &Ties, scope: &SweepScope) -> Vec<Decision> {
    if scope.unmatched {
        negative::decide(ties, scope)
    } else {
        spread::decide(ties, scope)
    }
}

/// Gives a thing that goes with any of several another reason where the first of them is held. Says whether there was one.
pub(super) fn give_other_reasons(
    ties: &Ties,
    decisions: &mut [Decision],
    is_held: &dyn Fn(usize) -> bool,
) -> bool {
    let other = |(position, decision): (usize, &Decision)| {
        let Support::Any(owners) = &decision.support else {
            return None;
        };
        let is_lost = owners.first().is_some_and(|first| is_held(*first)) && !is_held(position);
        let owner = owners.iter().copied().find(|owner| !is_held(*owner));
        let at = ties.inventory.entries().get(owner?)?.thing.at.clone();
        let chain = vec![at];
        match &decision.verdict {
            Verdict::Delete(Reason::Part { .. }) if is_lost => {
                Some((position, Reason::Part { chain }))
            }
            Verdict::Delete(Reason::Owner { .. }) if is_lost => {
                Some((position, Reason::Owner { chain }))
            }
            _ => None,
        }
    };
    let others: Vec<(usize, Reason)> = decisions.iter().enumerate().filter_map(other).collect();
    for (position, reason) in &others {
        if let Some(decision) = decisions.get_mut(*position) {
            decision.verdict = Verdict::Delete(reason.clone());
        }
    }
    !others.is_empty()
}

/// The things of an inventory that go, as far as nothing stands in their way.
pub fn doomed<'a>(
    inventory: &'a Inventory,
    scope: &SweepScope,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let decisions = decide(&Ties::of(inventory), scope);
    let decided = inventory.entries().iter().zip(decisions);
    decided
        .filter(|(_, decision)| decision.verdict.is_delete())
        .map(|(entry, _)| entry)
}

/// Why a thing is kept that nothing speaks for.
fn keep(ties: &Ties, position: usize, entry: &Entry) -> Keep {
    match &entry.standing {
        Standing::OtherTask => Keep::OtherTask,
        Standing::OtherName | Standing::Unmatched => Keep::OtherName,
        Standing::Spared => Keep::Spared,
        Standing::Protected { by, .. } => Keep::Protected { by: by.clone() },
        Standing::OutsideProject => Keep::OutsideProject,
        Standing::OutsideAge { .. } => Keep::OutsideAge,
        Standing::Unselected { by, .. } => Keep::Unselected { by: by.clone() },
        Standing::Excluded { by, .. } => Keep::Protected { by: by.clone() },
        Standing::Nameless | Standing::Matched { .. } => match ties.namer(position, entry) {
            Namer::Known(_, owner) => Keep::OwnerKept {
                owner: owner.clone(),
            },
            Namer::Unknown(owner) => Keep::OwnerUnknown {
                owner: owner.clone(),
            },
            Namer::Nobody => match ties.unknown_whole(entry) {
                Some(owner) => Keep::OwnerUnknown {
                    owner: owner.clone(),
                },
                None => Keep::NoNameAndNoOwner,
            },
        },
    }
}
