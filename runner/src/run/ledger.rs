//! Where a run writes down what it is about to do and what it has done, for whoever has to answer for it.

use futures_util::future::BoxFuture;

use crate::audit::{Audit, Summary};
use crate::engine::Fate;
use crate::plan::Plan;

use super::outcome::Outcome;

/// Keeps the records of a run. The command line's is the audit log.
pub trait Ledger: Send + Sync {
    /// Takes note of what is about to be done. If that fails, nothing is done.
    fn begin<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<(), String>>;

    /// Takes note of what has been done.
    fn end<'a>(&'a self, outcome: &'a Outcome) -> BoxFuture<'a, Result<(), String>>;
}

/// Keeps no records.
impl Ledger for () {
    fn begin<'a>(&'a self, _plan: &'a Plan) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn end<'a>(&'a self, _outcome: &'a Outcome) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Ledger for Audit {
    fn begin<'a>(&'a self, _plan: &'a Plan) -> BoxFuture<'a, Result<(), String>> {
        // Each change is on record before it is sent; there is nothing to add to that.
        Box::pin(std::future::ready(Ok(())))
    }

    fn end<'a>(&'a self, outcome: &'a Outcome) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let finished = self.finish(summary(outcome)).await;
            finished.map_err(|error| format!("the audit log cannot be closed: {error}"))
        })
    }
}

fn summary(outcome: &Outcome) -> Summary {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let fates = || outcome.fates.iter().flatten();
    let is_failed = |fate: &&Fate| matches!(fate, Fate::Failed(_) | Fate::Abandoned(_));
    Summary {
        exit_code: outcome.exit().code(),
        planned: count(outcome.plan.items.len()),
        gone: count(fates().filter(|fate| **fate == Fate::Gone).count()),
        failed: count(fates().filter(is_failed).count()),
        left: count(outcome.left.len()),
    }
}
