//! The figures of a run, as its events tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Ending, Event};

/// What the events of a run come to so far. Of a run that is over, these are the figures of its report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Things found, of all makers, once a plan was made.
    pub found: usize,
    /// Things to be deleted.
    pub matched: usize,
    /// Of these, things that cannot go.
    pub blocked: usize,
    /// Things kept, by reason.
    pub kept: BTreeMap<String, usize>,
    /// Things that are gone.
    pub deleted: usize,
    /// Things whose deletion failed or was not tried.
    pub failed: usize,
    /// Things that the cloud was asked to delete and that nobody has seen go.
    pub asked: usize,
    /// Things that should be gone and that the last look has shown.
    pub left: usize,
    /// What could not be listed, each once: kind, scope and reason.
    pub unlisted: BTreeSet<(Arc<str>, String, String)>,
    /// What nobody has looked at, so that nobody can say that it is clean.
    pub unserved: usize,
    /// The code that the process ends with, once the run is over.
    pub exit_code: Option<u8>,
    /// Requests sent to the cloud, once the run is over.
    pub requests: u64,
    /// Time taken, in milliseconds, once the run is over.
    pub ms: u64,
}

impl Tally {
    /// Counts an event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::ListingFailed { kind, scope, why } => {
                let failure = (kind.clone(), scope.clone(), why.clone());
                self.unlisted.insert(failure);
            }
            Event::Unlooked { is_failure, .. } => self.unserved += usize::from(*is_failure),
            Event::Planned {
                found,
                matched,
                blocked,
                kept,
            } => {
                (self.found, self.matched, self.blocked) = (*found, *matched, *blocked);
                self.kept.clone_from(kept);
            }
            Event::Gone { .. } => self.deleted += 1,
            Event::Failed { ending, .. } => self.ended(*ending, |count| count + 1),
            Event::GoneAfterAll { instead_of, .. } => {
                self.ended(*instead_of, |count| count.saturating_sub(1));
                self.deleted += 1;
            }
            Event::ThereAfterAll { .. } => {
                self.deleted = self.deleted.saturating_sub(1);
                self.failed += 1;
            }
            Event::Left { .. } => self.left += 1,
            Event::Ended {
                exit_code,
                requests,
                ms,
                ..
            } => {
                self.exit_code = Some(*exit_code);
                (self.requests, self.ms) = (*requests, *ms);
            }
            Event::Phase { .. }
            | Event::ListingBegun { .. }
            | Event::ListingEnded { .. }
            | Event::Listed { .. }
            | Event::KindSkipped { .. }
            | Event::Matched { .. }
            | Event::Asked { .. }
            | Event::InTheWay { .. } => {}
        }
    }

    /// Things of the plan of which nobody knows yet what comes of them.
    pub fn open(&self) -> usize {
        let ended = self.blocked + self.deleted + self.failed + self.asked;
        self.matched.saturating_sub(ended)
    }

    fn ended(&mut self, ending: Ending, count: impl Fn(usize) -> usize) {
        match ending {
            Ending::Failed | Ending::Abandoned => self.failed = count(self.failed),
            Ending::Asked => self.asked = count(self.asked),
            // The plan has said so already.
            Ending::Blocked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ThingRef;

    #[test]
    fn what_is_gone_after_all_has_not_failed() {
        let thing = ThingRef::new("a.x", "1");
        let failed = |ending| Event::Failed {
            thing: thing.clone(),
            ending,
            why: "409".to_owned(),
        };
        let mut tally = Tally {
            matched: 4,
            blocked: 1,
            ..Tally::default()
        };
        tally.take(&failed(Ending::Asked));
        tally.take(&failed(Ending::Abandoned));
        tally.take(&failed(Ending::Blocked));
        assert_eq!((tally.failed, tally.asked, tally.open()), (1, 1, 1));
        tally.take(&Event::GoneAfterAll {
            thing: thing.clone(),
            instead_of: Ending::Asked,
        });
        tally.take(&Event::Gone {
            thing: thing.clone(),
        });
        assert_eq!((tally.deleted, tally.asked, tally.open()), (2, 0, 0));
        let why = "it is still listed".to_owned();
        tally.take(&Event::ThereAfterAll { thing, why });
        assert_eq!((tally.deleted, tally.failed, tally.open()), (1, 2, 0));
    }

    #[test]
    fn the_last_plan_counts_and_a_failure_counts_once() {
        let planned = |matched| Event::Planned {
            found: 9,
            matched,
            blocked: 0,
            kept: BTreeMap::new(),
        };
        let unlisted = Event::ListingFailed {
            kind: "a.x".into(),
            scope: "everywhere".to_owned(),
            why: "503".to_owned(),
        };
        let mut tally = Tally::default();
        for event in [planned(5), unlisted.clone(), planned(2), unlisted] {
            tally.take(&event);
        }
        assert_eq!((tally.matched, tally.unlisted.len()), (2, 1));
    }
}
