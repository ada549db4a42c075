//! What a thing's own features say: its name, its project, its age, its tags. What others say of it is decided later.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::{NameMatcher, NameVerdict, OriginFilter};
use crate::resource::{KindPattern, PROJECT_KIND, Thing};

use super::choice::Choice;
use super::remnant::Remnant;

/// What a sweep may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepScope {
    /// Ids of the tasks. Empty: any task that a name format recognizes.
    pub tasks: Vec<String>,
    /// The family of names that counts.
    #[serde(default)]
    pub origin: OriginFilter,
    /// The negative filter: what bears no such name goes, and what bears one stays. Only in the swept projects, which must be
    /// named, and never anything that belongs to no project.
    #[serde(default)]
    pub unmatched: bool,
    /// Whether a project that goes takes along all that is in it, whatever that is called.
    #[serde(default)]
    pub with_projects: bool,
    /// Whether `with_projects` and `unmatched` take what others use, too.
    #[serde(default)]
    pub shared: bool,
    /// Whether the purge insists on what an ordinary deletion does not move.
    #[serde(default)]
    pub force: bool,
    /// Kinds whose things may go. Empty: all.
    #[serde(default)]
    pub only: Vec<KindPattern>,
    /// Kinds beyond which `only` does not reach, by a preset's word. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<KindPattern>,
    /// Kinds whose things stay.
    #[serde(default)]
    pub except: Vec<KindPattern>,
    /// Ids of the projects, nothing outside of which is touched. `None`: all that the credentials reach.
    pub projects: Option<BTreeSet<Arc<str>>>,
    /// Whether things that belong to no project (key pairs, flavors) are swept too.
    pub projectless: bool,
    /// Only things made at this time or later. A thing without a time is kept.
    pub created_from: Option<Timestamp>,
    /// Only things made before this time. A thing without a time is kept.
    pub created_until: Option<Timestamp>,
    /// Ids of projects that nothing is taken from, whatever its name is.
    pub protected_projects: BTreeSet<Arc<str>>,
    /// Things with one of these tags are kept: `tag` or `key=value`.
    pub protected_tags: BTreeSet<String>,
    /// What is chosen of what would go by itself.
    #[serde(default, skip_serializing_if = "Choice::is_empty")]
    pub choice: Choice,
}

impl SweepScope {
    /// Whether things of this kind may go.
    pub fn takes(&self, kind: &str) -> bool {
        let fits = |pattern: &KindPattern| pattern.matches(kind);
        let is_among = |patterns: &[KindPattern]| patterns.is_empty() || patterns.iter().any(fits);
        is_among(&self.only) && is_among(&self.within) && !self.except.iter().any(fits)
    }
}

/// What a thing's own features say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its name is one that the task gives.
    Matched {
        /// The form of the name: `s_rally_0a1b2c3d_…`.
        pattern: Arc<str>,
        /// How many bits of the task's id the name carries.
        sure_bits: u32,
    },
    /// The filter is negative, and its name is not one that the task gives.
    Unmatched,
    /// The filter is negative, and its name is one that the task gives.
    Spared,
    /// Its name was given by another task.
    OtherTask,
    /// Its name has no known format.
    OtherName,
    /// It has no name.
    Nameless,
    /// It carries a protected tag, or lies in a protected project.
    Protected {
        /// What protects it.
        by: String,
        /// Whether it bears a name that the task gives.
        is_ours: bool,
    },
    /// It lies in a project that the sweep does not touch.
    OutsideProject,
    /// It is older or younger than the sweep's bounds, or does not say how old it is.
    OutsideAge {
        /// Whether it bears a name that the task gives.
        is_ours: bool,
    },
    /// It would go by itself, and the operator has not chosen it.
    Unselected {
        /// What does not fit, in words.
        by: String,
        /// What it would be without that.
        otherwise: Box<Standing>,
    },
    /// The operator keeps what is called so.
    Excluded {
        /// What fits, in words.
        by: String,
        /// What it would be without that.
        otherwise: Box<Standing>,
    },
}

impl Standing {
    /// What it would be if the operator had chosen everything.
    pub(super) fn without_choice(self) -> Self {
        match self {
            Self::Unselected { otherwise, .. } | Self::Excluded { otherwise, .. } => *otherwise,
            others => others,
        }
    }

    /// Whether a thing bears a name that the task gives, though it may be kept for another reason.
    pub(super) fn is_ours(&self) -> bool {
        match self {
            Self::Matched { .. } => true,
            Self::Protected { is_ours, .. } | Self::OutsideAge { is_ours } => *is_ours,
            Self::Unselected { otherwise, .. } | Self::Excluded { otherwise, .. } => {
                otherwise.is_ours()
            }
            Self::Unmatched
            | Self::Spared
            | Self::OtherTask
            | Self::OtherName
            | Self::Nameless
            | Self::OutsideProject => false,
        }
    }

    /// Whether a thing's own features let it go, though nobody may speak for it yet.
    pub fn may_go(&self) -> bool {
        matches!(
            self,
            Self::Matched { .. } | Self::Unmatched | Self::Nameless
        )
    }
}

/// Tells things apart by their own features.
#[derive(Debug)]
pub struct Sieve {
    scope: SweepScope,
    names: NameMatcher,
    remnants: Vec<Remnant>,
}

impl Sieve {
    /// A sieve for a scope. `names` recognizes the names of the scope's tasks.
    pub fn new(scope: SweepScope, names: NameMatcher) -> Self {
        Self {
            scope,
            names,
            remnants: Vec::new(),
        }
    }

    /// Remembers what earlier runs were to delete.
    #[must_use]
    pub fn remembering(self, remnants: Vec<Remnant>) -> Self {
        Self { remnants, ..self }
    }

    /// What earlier runs were to delete.
    pub fn remnants(&self) -> &[Remnant] {
        &self.remnants
    }

    /// The scope.
    pub fn scope(&self) -> &SweepScope {
        &self.scope
    }

    /// What the thing's own features say, and whether the operator has chosen it.
    pub fn standing(&self, thing: &Thing) -> Standing {
        let choice = &self.scope.choice;
        let standing = self.unnarrowed(thing);
        match standing {
            Standing::Spared
            | Standing::Protected { .. }
            | Standing::OutsideProject
            | Standing::OutsideAge { .. } => return standing,
            _ => {}
        }
        let otherwise = Box::new(standing);
        if let Some(by) = choice.exclusion(thing) {
            return Standing::Excluded { by, otherwise };
        }
        let is_by_itself = matches!(*otherwise, Standing::Matched { .. } | Standing::Unmatched);
        match choice.omission(thing).filter(|_| is_by_itself) {
            Some(by) => Standing::Unselected { by, otherwise },
            None => *otherwise,
        }
    }

    /// What the thing's own features say.
    fn unnarrowed(&self, thing: &Thing) -> Standing {
        let is_project = &*thing.at.kind == PROJECT_KIND;
        let project = if is_project {
            Some(&thing.at.id)
        } else {
            thing.project.as_ref()
        };
        if let (Some(projects), Some(project)) = (&self.scope.projects, project)
            && !projects.contains(project)
        {
            return Standing::OutsideProject;
        }
        // Whoever sees one project only sees nothing of another, whether a thing says where it is or not.
        let project = project.or_else(|| self.only_project());
        if let Some(project) =
            project.filter(|project| self.scope.protected_projects.contains(*project))
        {
            return Standing::Protected {
                by: format!("project {project}"),
                is_ours: self.is_ours(thing),
            };
        }
        if let Some(by) = self.protecting_tag(thing) {
            let is_ours = self.is_ours(thing);
            return Standing::Protected { by, is_ours };
        }
        if !self.is_within_age(thing.created_at) {
            let is_ours = self.is_ours(thing);
            return Standing::OutsideAge { is_ours };
        }
        let Some(name) = thing.name.as_deref() else {
            return Standing::Nameless;
        };
        if self.scope.unmatched {
            // What looks like a task's on anything is spared.
            return match (self.names.judge(name), &thing.project) {
                (NameVerdict::Ours(_), _) => Standing::Spared,
                (_, Some(_)) if !is_project => Standing::Unmatched,
                // It can still go as a part of something.
                _ => Standing::OtherName,
            };
        }
        match self.names.judge_for(&thing.at.kind, name) {
            // A thing that does not say whose it is stays out of a sweep that is narrowed to projects.
            NameVerdict::Ours(_) if !self.scope.projectless && thing.project.is_none() => {
                Standing::OutsideProject
            }
            NameVerdict::Ours(found) => Standing::Matched {
                pattern: found.pattern,
                sure_bits: found.sure_bits,
            },
            NameVerdict::OtherTask { .. } => Standing::OtherTask,
            NameVerdict::Unknown => Standing::OtherName,
        }
    }

    /// Whether a thing bears a name that the task gives, whatever else keeps it.
    fn is_ours(&self, thing: &Thing) -> bool {
        let name = thing.name.as_deref();
        let judged = name.map(|name| self.names.judge_for(&thing.at.kind, name));
        matches!(judged, Some(NameVerdict::Ours(_)))
    }

    /// The project in which everything is that is seen at all, if there is one such.
    fn only_project(&self) -> Option<&Arc<str>> {
        let mut projects = self.scope.projects.iter().flatten();
        let only = projects.next().filter(|_| self.scope.projectless)?;
        projects.next().is_none().then_some(only)
    }

    /// The tag that protects a thing. Where tags protect, one that has some and does not show them may have that too.
    fn protecting_tag(&self, thing: &Thing) -> Option<String> {
        let protected = &self.scope.protected_tags;
        if protected.is_empty() {
            return None;
        }
        let Some(tags) = &thing.tags else {
            return Some("tags that it does not show".to_owned());
        };
        let tag = tags.iter().find(|tag| protected.contains(*tag))?;
        Some(format!("tag {tag}"))
    }

    fn is_within_age(&self, created_at: Option<Timestamp>) -> bool {
        let (from, until) = (self.scope.created_from, self.scope.created_until);
        match created_at {
            Some(at) => from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until),
            None => from.is_none() && until.is_none(),
        }
    }
}
