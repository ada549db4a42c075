//! What a run came to, and what that makes the exit code.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Fate, Left, ListingFailure};
use crate::exit::Exit;
use crate::plan::{Kept, Plan};
use crate::unlooked::Unlooked;

use super::guard::Refusal;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To make a plan and show it.
    Show,
    /// The same, and to tell by the exit code whether there is something to delete.
    ShowInDetail,
    /// To delete.
    Delete,
}

/// A run that has ended, in whichever phase.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run's id.
    pub run: Arc<str>,
    /// What it was for.
    pub purpose: Purpose,
    /// What was to go.
    pub plan: Plan,
    /// Whether everything was listed that could be. If not, the run ended before, and the plan is empty.
    pub is_surveyed: bool,
    /// What was found and is kept.
    pub kept: Vec<Kept>,
    /// How each thing of the plan ended. `None`: nothing was tried.
    pub fates: Option<Vec<Fate>>,
    /// What should be gone and is not.
    pub left: Vec<Left>,
    /// What could not be listed.
    pub failures: Vec<ListingFailure>,
    /// Kinds that were left out, with the reason.
    pub skipped: BTreeMap<Arc<str>, String>,
    /// What nobody looked at.
    pub unlooked: Vec<Unlooked>,
    /// Whether it was ended from outside.
    pub interrupted: bool,
    /// Why a guard let nothing be changed.
    pub refusal: Option<Refusal>,
    /// What went wrong with the records of the run.
    pub trouble: Option<String>,
}

impl Outcome {
    /// The exit code. The one place where a sweep's is decided.
    pub fn exit(&self) -> Exit {
        let has_failed = !self.failures.is_empty() || self.unlooked.iter().any(|it| it.is_failure);
        let has_work = self.purpose == Purpose::ShowInDetail && !self.plan.items.is_empty();
        let fitting = [
            (self.interrupted, Exit::Interrupted),
            (self.trouble.is_some(), Exit::Unexpected),
            (self.refusal.is_some(), Exit::Guarded),
            (has_failed, Exit::Unlisted),
            (!self.left.is_empty(), Exit::Left),
            (has_work, Exit::WorkToDo),
        ];
        let fitting = fitting.into_iter().filter(|(fits, _)| *fits);
        Exit::of_all(fitting.map(|(_, exit)| exit))
    }
}
