//! What is asked before the first change: how many things may go, and whether somebody who was not told a task means it.

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::plan::{Keep, Plan, SweepScope};

use super::outcome::Outcome;

/// Why a sweep asks first: nobody has named the one task whose things go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broad {
    /// No task was given.
    EveryTask,
    /// The filter is negative.
    Unmatched,
}

impl Broad {
    /// Whether a sweep of this scope is a broad one.
    pub fn of(scope: &SweepScope) -> Option<Self> {
        if scope.unmatched {
            Some(Self::Unmatched)
        } else if scope.tasks.is_empty() {
            Some(Self::EveryTask)
        } else {
            None
        }
    }
}

/// What somebody is asked before a broad sweep changes anything.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Why it is asked.
    pub broad: Broad,
    /// What would be done, and what is known so far.
    pub shown: &'a Outcome,
}

/// Somebody who can be asked. The command line asks its terminal, a test answers by itself.
pub trait Confirm: Send + Sync {
    /// Asks. `Err` says why nothing may be changed.
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<(), Unconfirmed>>;
}

/// Says yes to everything: the operator has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Yes;

impl Confirm for Yes {
    fn ask<'a>(&'a self, _question: Question<'a>) -> BoxFuture<'a, Result<(), Unconfirmed>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Nobody has confirmed a broad sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// What is the matter.
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The guards of a change.
pub struct Guards<'a> {
    /// The most things that may be deleted.
    pub deletions_max: Option<usize>,
    /// The most that may be deleted, in percent of what was found in the swept projects.
    pub percent_max: Option<u8>,
    /// Who is asked before a broad sweep.
    pub confirm: &'a dyn Confirm,
}

impl Guards<'_> {
    /// No limit, and nobody to ask.
    pub const NONE: Guards<'static> = Guards {
        deletions_max: None,
        percent_max: None,
        confirm: &Yes,
    };

    /// Whether a plan may be executed. `broad` says whether somebody has to be asked.
    pub(super) async fn check(&self, shown: &Outcome, broad: Option<Broad>) -> Result<(), Refusal> {
        let deletions = shown.plan.open().count();
        if let Some(limit) = self.deletions_max.filter(|limit| deletions > *limit) {
            return Err(Refusal::TooMany { deletions, limit });
        }
        let found = found_in_reach(&shown.plan);
        let is_over =
            |percent: &u8| deletions.saturating_mul(100) > found.saturating_mul((*percent).into());
        if let Some(percent) = self.percent_max.filter(is_over) {
            return Err(Refusal::TooLarge {
                deletions,
                found,
                percent,
            });
        }
        match broad.filter(|_| deletions > 0) {
            None => Ok(()),
            Some(broad) => {
                let asked = self.confirm.ask(Question { broad, shown }).await;
                asked.map_err(Refusal::Unconfirmed)
            }
        }
    }
}

/// How many things were found where the sweep may touch any: all but those of other projects.
fn found_in_reach(plan: &Plan) -> usize {
    let outside = plan.kept.get(Keep::OutsideProject.label());
    plan.found
        .saturating_sub(outside.copied().unwrap_or_default())
}

/// Why a guard refused to change anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The plan is larger than the operator allows.
    TooMany {
        /// What it would delete.
        deletions: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The plan takes more of what is there than the operator allows.
    TooLarge {
        /// What it would delete.
        deletions: usize,
        /// What was found in the swept projects.
        found: usize,
        /// What is allowed, in percent of that.
        percent: u8,
    },
    /// Nobody has confirmed a broad sweep.
    Unconfirmed(Unconfirmed),
    /// The plan was made in another place.
    Elsewhere(String),
    /// The plan is too old.
    Old {
        /// When it was made.
        made_at: Timestamp,
        /// How old it may be, in seconds.
        age_s_max: u64,
    },
}

impl Refusal {
    /// What helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooMany { .. } => Some(
                "look at the plan with --dry-run; the limit may also be max_deletions under [guard]"
                    .to_owned(),
            ),
            Self::TooLarge { .. } => Some(
                "look at the plan with --dry-run; the limit may also be max_percent under [guard]"
                    .to_owned(),
            ),
            Self::Unconfirmed(unconfirmed) => unconfirmed.hint.clone(),
            Self::Old { .. } => Some(
                "make a new plan with --dry-run --plan-out, or allow for its age with --plan-max-age"
                    .to_owned(),
            ),
            Self::Elsewhere(_) => {
                Some("make a new plan here, with --dry-run --plan-out".to_owned())
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { deletions, limit } => write!(
                formatter,
                "the plan deletes {deletions} things, more than --max-deletions {limit}"
            ),
            Self::TooLarge {
                deletions,
                found,
                percent,
            } => write!(
                formatter,
                "the plan deletes {deletions} of {found} things that were found in the swept projects, more than --max-percent {percent}"
            ),
            Self::Unconfirmed(unconfirmed) => formatter.write_str(&unconfirmed.why),
            Self::Elsewhere(difference) => {
                write!(
                    formatter,
                    "the plan was made in another place: {difference}"
                )
            }
            Self::Old { made_at, age_s_max } => write!(
                formatter,
                "the plan was made at {made_at:.0}, which is more than {age_s_max} s from now"
            ),
        }
    }
}
